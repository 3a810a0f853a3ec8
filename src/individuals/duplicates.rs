//! Who may be on record already: warned of before a person is recorded or gets another name, and listed in pairs to be
//! judged. Only people whom the reader may see are scored at all, so that nobody else shapes a warning.

use std::collections::{HashMap, HashSet};

use actix_web::get;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Read, Write, may};
use crate::base::error::{Code, Error};
use crate::base::id::IndividualId;
use crate::base::page::{Cursor, Limit, Page};
use crate::base::text::Listed;
use crate::base::words::Verdict;
use crate::individuals::judgements::{Judged, judge};
use crate::individuals::model::Name;
use crate::individuals::register::Register;
use crate::individuals::rows::{self, IndividualRow, Visible};
use crate::names::Candidate;
use crate::schema::{individuals, ledger_entries};
use crate::web::{Query, Reply, reply};

/// From which score on somebody is warned of.
const WARNED_FROM: f64 = 0.75;
/// How many candidates are told at most, for one person.
const AT_MOST: usize = 20;
/// How many people are looked at in one go while a page of pairs is filled.
const IN_ONE_GO: i64 = 50;
/// How many goes at most: a page may be short, its cursor goes on.
const GOES: usize = 4;

/// Somebody who may be the person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LikelyOut {
    /// Who.
    pub individual_id: IndividualId,
    /// The name to show.
    pub name: String,
    /// The name of the person that was looked for.
    pub looked_for: String,
    /// The recorded form that it may be.
    pub matched: String,
    /// From 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
}

/// Two people who may be one.
#[derive(Serialize, ToSchema)]
pub struct PairOut {
    /// One of them.
    pub individual_id: IndividualId,
    /// The name to show.
    pub name: String,
    /// The other.
    pub other: LikelyOut,
}

/// The people, of those who `may` be told of, whom those names may mean: best first. The one place that asks the index.
fn candidates_for(
    tx: &mut Read<'_>,
    register: &Register,
    names: &[String],
    at_least: f64,
    may: impl Fn(&IndividualId) -> bool,
) -> Result<Vec<LikelyOut>, Error> {
    let called: HashSet<IndividualId> = register.with_current(tx, |index| {
        let called = names.iter().flat_map(|name| index.called(name).0);
        called.filter(&may).collect()
    })?;
    let mut called: Vec<IndividualId> = called.into_iter().collect();
    called.sort();
    let seen = rows::first_visible(tx, &called, usize::MAX)?;
    let mut best: HashMap<IndividualId, (&String, Candidate<IndividualId>)> = HashMap::new();
    for name in names {
        let found = register.with_current(tx, |index| index.match_name(name, |key| seen.contains(key), AT_MOST))?;
        for candidate in found.into_iter().filter(|candidate| candidate.score >= at_least) {
            let known = best.get(&candidate.key).map(|(_, known)| known.score);
            if known.is_none_or(|known| known < candidate.score) {
                best.insert(candidate.key.clone(), (name, candidate));
            }
        }
    }
    let mut best: Vec<(&String, Candidate<IndividualId>)> = best.into_values().collect();
    best.sort_by(|(_, one), (_, other)| other.score.total_cmp(&one.score).then_with(|| one.key.cmp(&other.key)));
    best.truncate(AT_MOST);
    let ids: Vec<IndividualId> = best.iter().map(|(_, candidate)| candidate.key.clone()).collect();
    let people = rows::find_all(tx, &ids)?;
    let told = best.into_iter().filter_map(|(name, candidate)| {
        let person = people.iter().find(|person| person.id == candidate.key)?;
        tx.notice_if_restricted(person, person.sharing);
        Some(LikelyOut {
            individual_id: candidate.key,
            name: person.display_name().to_owned(),
            looked_for: name.clone(),
            matched: candidate.matched,
            score: candidate.score,
            why: candidate.why,
        })
    });
    Ok(told.collect())
}

/// Whether a person may be on record already: asked before the write, and again within it only where somebody has written
/// meanwhile, since others wait there.
pub(super) struct Question {
    /// The names that are new.
    names: Vec<String>,
    /// Whose they will be, where the person is on record.
    of: Option<IndividualId>,
    /// Whom the caller judged to be somebody else.
    others: Listed<IndividualId>,
    /// Up to which entry of the ledger the answer holds.
    answered: i64,
}

impl Question {
    /// Of a new person.
    pub(super) fn of_new(names: &Listed<Name>, others: Listed<IndividualId>) -> Self {
        let names = names.items().iter().map(|name| name.text.as_str().to_owned()).collect();
        Self {
            names,
            of: None,
            others,
            answered: -1,
        }
    }

    /// Of a person who gets those names, of which the ones that they have already ask nothing.
    pub(super) fn of_known(before: &IndividualRow, names: &Listed<Name>, others: Listed<IndividualId>) -> Self {
        let has = |name: &Name| before.names.items().iter().any(|known| known.text == name.text);
        let new = names.items().iter().filter(|name| !has(name)).cloned().collect();
        Self {
            of: Some(before.id.clone()),
            ..Self::of_new(&Listed::new(new), others)
        }
    }

    /// Refuses where somebody may be the person whom the caller has not judged to be somebody else.
    ///
    /// # Errors
    /// `possible_duplicates`, with the candidates; `invalid` where the caller judged somebody whom they do not see.
    pub(super) fn ask(&mut self, tx: &mut Read<'_>, register: &Register) -> Result<(), Error> {
        let last: i64 = ledger_entries::table
            .select(diesel::dsl::max(ledger_entries::position))
            .first::<Option<i64>>(tx.conn())?
            .unwrap_or(0);
        if last == self.answered {
            return Ok(());
        }
        for (place, other) in self.others.items().iter().enumerate() {
            rows::assert_known(tx, other, &format!("/another_person/{place}"))?;
        }
        let judged = match &self.of {
            Some(id) => Judged::load(tx, std::slice::from_ref(id))?,
            None => Judged::default(),
        };
        let of = self.of.as_ref();
        let may = |key: &IndividualId| of.is_none_or(|id| id != key && !judged.are(id, key));
        let found = candidates_for(tx, register, &self.names, WARNED_FROM, may)?;
        let open = |likely: &LikelyOut| !self.others.items().contains(&likely.individual_id);
        if found.iter().any(open) {
            let detail =
                "may be on record already: name in `another_person` each of the candidates who is somebody else";
            let candidates = serde_json::to_value(&found).map_err(Error::internal)?;
            return Err(Error::new(Code::PossibleDuplicates, detail).telling("candidates", candidates));
        }
        self.answered = last;
        Ok(())
    }

    /// Keeps what the caller judged: that the person is none of those.
    pub(super) fn keep(&self, tx: &mut Write<'_>, id: &IndividualId) -> Result<(), Error> {
        for other in self.others.items().iter().filter(|other| *other != id) {
            match judge(tx, (id, other), Verdict::Different, None) {
                Err(error) if error.code == Code::AlreadyExists => {}
                done => drop(done?),
            }
        }
        Ok(())
    }
}

/// Which pairs to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PairList {
    /// From which score on, 0.75 to 1; 0.75 unless said.
    #[serde(default)]
    #[param(value_type = Option<f64>, minimum = 0.75, maximum = 1.0)]
    pub min_score: MinScore,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// From which score on pairs are listed.
#[derive(Clone, Copy, Debug)]
pub struct MinScore(f64);

impl Default for MinScore {
    fn default() -> Self {
        Self(WARNED_FROM)
    }
}

impl<'de> Deserialize<'de> for MinScore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<f64>() {
            Ok(score) if (WARNED_FROM..=1.0).contains(&score) => Ok(Self(score)),
            _ => Err(serde::de::Error::custom("must be a number from 0.75 to 1")),
        }
    }
}

/// The people who follow that id, of those whom the reader may see: some of them, in the order of their ids.
fn people_after(tx: &mut Read<'_>, from: &str) -> Result<Vec<IndividualRow>, Error> {
    let viewer = tx.viewer();
    let seen: Visible = rows::visible(&viewer);
    let found = individuals::table
        .filter(seen)
        .filter(individuals::id.ge(from.to_owned()))
        .order(individuals::id)
        .limit(IN_ONE_GO)
        .select(individuals::all_columns)
        .load(tx.conn())?;
    tx.sound(found)
}

/// What a cursor remembers: two ids.
fn place_of(cursor: &str) -> (String, String) {
    let (one, other) = cursor.split_once(' ').unwrap_or((cursor, ""));
    (one.to_owned(), other.to_owned())
}

/// The pairs after a place: each person with those of a greater id whom they may be, at most twenty; by the two ids.
fn pairs_after(
    tx: &mut Read<'_>,
    register: &Register,
    (from, min_score): (&str, f64),
    enough: usize,
) -> Result<(Vec<PairOut>, Option<String>), Error> {
    let (mut one, mut other) = place_of(from);
    let mut found = Vec::new();
    for _ in 0..GOES {
        let people = people_after(tx, &one)?;
        let full = i64::try_from(people.len()).is_ok_and(|length| length == IN_ONE_GO);
        let ids: Vec<IndividualId> = people.iter().map(|person| person.id.clone()).collect();
        let judged = Judged::load(tx, &ids)?;
        let last = people.last().map(|person| person.id.to_string());
        for person in people {
            let names: Vec<String> = person
                .names
                .items()
                .iter()
                .map(|name| name.text.as_str().to_owned())
                .collect();
            let may = |key: &IndividualId| *key > person.id && !judged.are(&person.id, key);
            let mut likely = candidates_for(tx, register, &names, min_score, may)?;
            likely.sort_by(|one, other| one.individual_id.cmp(&other.individual_id));
            let passed =
                |likely: &LikelyOut| person.id.as_str() == one && likely.individual_id.as_str() <= other.as_str();
            found.extend(
                likely
                    .into_iter()
                    .filter(|likely| !passed(likely))
                    .map(|likely| PairOut {
                        individual_id: person.id.clone(),
                        name: person.display_name().to_owned(),
                        other: likely,
                    }),
            );
            if found.len() > enough {
                return Ok((found, None));
            }
        }
        match last {
            // After every id.
            Some(last) if full => (one, other) = (last, "~".to_owned()),
            _ => return Ok((found, None)),
        }
    }
    Ok((found, Some(format!("{one} {other}"))))
}

/// List likely pairs
///
/// People who may be recorded twice and whom nobody has judged yet, where the caller may see both. People are looked at in
/// the order of their ids, two hundred for a page at most, so a page may be short while `next` goes on; each page is in
/// the order of its scores. At most twenty for each person; ask with `min_score` for the surest first.
#[utoipa::path(tag = "duplicates", params(PairList), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 200, description = "One page", body = Page<PairOut>, example = json!({"items": [{"individual_id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "name": "Hu Jia", "other": {"individual_id": "7a1f1df5-3a0a-4d6f-8a54-5d5dbd0e7f10", "name": "Jia Hu", "looked_for": "Hu Jia", "matched": "Jia Hu", "score": 0.95, "why": "order swapped"}}], "next": null}))))]
#[get("/individuals/duplicates")]
pub async fn list_duplicates(allowed: Allowed<may::EditIndividuals>, query: Query<PairList>) -> Reply {
    let register = allowed.part::<Register>()?;
    let page = allowed
        .read(move |tx| {
            let query = query.0;
            let from = query.cursor.as_ref().map_or("", Cursor::as_str);
            let wanted = (from, query.min_score.0);
            let (found, goes_on) = pairs_after(tx, &register, wanted, query.limit.as_len())?;
            let key = |pair: &PairOut| format!("{} {}", pair.individual_id, pair.other.individual_id);
            let mut page = Page::of(found, query.limit, key);
            if page.next.is_none() {
                page.next = goes_on.map(|place| crate::access::secret::text_of(place.as_bytes()));
            }
            page.items
                .sort_by(|one, other| other.other.score.total_cmp(&one.other.score));
            let page: Page<Value> = page.try_map(|pair| serde_json::to_value(pair).map_err(Error::internal))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}
