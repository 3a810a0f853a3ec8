//! The list over HTTP.

use std::collections::HashMap;

use actix_web::get;
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Read, may};
use crate::base::date::{Edtf, whole_day};
use crate::base::error::Error;
use crate::base::id::{CaseId, FactId, IndividualId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::text::{Country, Listed as ListOf};
use crate::base::words::{Concern, CustodyStatus, Severity, Sharing};
use crate::cases::particulars::FactKind;
use crate::cases::{self, CaseRow, FactRow, Wanted};
use crate::individuals::{self, IndividualRow};
use crate::priority::model::{self, Ended, Measure, Policy, Raised, Rank, Reason};
use crate::schema::policies;
use crate::store::Conn;
use crate::web::{Query, Reply, reply};

/// Whom to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PriorityList {
    /// The day, today unless said; answered from what was so on that day.
    #[param(value_type = Option<String>)]
    pub as_of: Option<Edtf>,
    /// ISO 3166-1 alpha-2.
    #[param(value_type = Option<String>)]
    pub country: Option<Country>,
    /// Area of concern.
    #[param(value_type = Option<String>)]
    pub concern: Option<Concern>,
    /// Only those with that reason.
    #[param(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// Only those who stand there.
    #[param(value_type = Option<String>)]
    pub status: Option<CustodyStatus>,
    /// What makes a sentence long: `imposed` unless said.
    #[param(value_type = Option<String>)]
    pub measure: Option<Measure>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// The person.
#[derive(Serialize, ToSchema)]
pub struct PersonOut {
    /// Their id.
    pub id: IndividualId,
    /// The preferred Latin form.
    pub name: String,
    /// The name in their own script.
    pub original_name: Option<String>,
}

/// The fact that a reason rests on.
#[derive(Serialize, ToSchema)]
pub struct FactRef {
    /// What kind of fact.
    pub kind: FactKind,
    /// The fact.
    pub id: FactId,
    /// From when it holds.
    pub holds_from: Edtf,
    /// Whether that may be a day yet to come, as its date is partial or uncertain.
    pub uncertain: bool,
    /// Where it comes from, for those who may see sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub source_id: Option<Value>,
}

/// A reason.
#[derive(Serialize, ToSchema)]
pub struct ReasonOut {
    /// Which.
    pub code: Reason,
    /// What it counts.
    pub points: u32,
    /// In words.
    pub detail: String,
    /// The fact that it rests on.
    pub fact: FactRef,
}

/// A person to raise.
#[derive(Serialize, ToSchema)]
pub struct PriorityOut {
    /// The case.
    pub case_id: CaseId,
    /// Whose.
    pub individual: PersonOut,
    /// Where.
    pub country: Country,
    /// Areas of concern.
    #[schema(value_type = Vec<Concern>)]
    pub concerns: ListOf<Concern>,
    /// Where the person stands on the day.
    pub status: CustodyStatus,
    /// The fact that this rests on.
    pub custody: FactRef,
    /// The sum of the reasons' points.
    pub score: u32,
    /// Why.
    pub reasons: Vec<ReasonOut>,
    /// Days left of the sentence on the day, where it has an end.
    pub days_left: Option<i64>,
}

/// The list.
#[derive(Serialize, ToSchema)]
pub struct PrioritiesOut {
    /// Whom to raise first.
    pub items: Vec<PriorityOut>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// The rule.
    pub policy: Value,
    /// The day.
    pub as_of: NaiveDate,
}

/// The newest policy and its version.
///
/// # Errors
/// `record_altered` where it is not as it was adopted; what the database says.
pub fn policy(tx: &mut Read<'_>) -> Result<(i32, Policy), Error> {
    let newest: Option<(i32, String)> = policies::table
        .select((policies::version, policies::rule))
        .order(policies::version.desc())
        .first(tx.conn())
        .optional()?;
    let (version, rule) = newest.ok_or_else(|| Error::altered("policy", "1"))?;
    if !model::ADOPTED.contains(&(version, &rule)) {
        return Err(Error::altered("policy", &version.to_string()));
    }
    Ok((version, serde_json::from_str(&rule).map_err(Error::internal)?))
}

/// The policies that are not as they were adopted, in words.
///
/// # Errors
/// What the database says.
pub fn altered_policies(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let stored: Vec<(i32, String)> = policies::table.select((policies::version, policies::rule)).load(conn)?;
    let altered = stored
        .iter()
        .filter(|(version, rule)| !model::ADOPTED.contains(&(*version, rule)))
        .map(|(version, _)| format!("policy {version} was altered"));
    let missing = model::ADOPTED
        .iter()
        .filter(|(version, _)| stored.iter().all(|(known, _)| known != version))
        .map(|(version, _)| format!("policy {version} is missing"));
    Ok(altered.chain(missing).collect())
}

fn shown(
    case: &CaseRow,
    person: &IndividualRow,
    raised: &Raised<'_>,
    as_of: NaiveDate,
    sees_sources: bool,
) -> PriorityOut {
    let fact = |fact: &FactRow| FactRef {
        kind: fact.kind,
        id: fact.id.clone(),
        holds_from: fact.holds_from.clone(),
        uncertain: !fact.holds_from.certain_by(as_of),
        source_id: sees_sources.then(|| json!(fact.source_id)),
    };
    let reasons = raised.reasons.iter().map(|why| ReasonOut {
        code: why.code,
        points: why.points,
        detail: why.detail.clone(),
        fact: fact(why.fact),
    });
    PriorityOut {
        case_id: case.id.clone(),
        individual: PersonOut {
            id: person.id.clone(),
            name: person.display_name().to_owned(),
            original_name: person.original_name().map(str::to_owned),
        },
        country: case.country.clone(),
        concerns: case.concerns.clone(),
        status: raised.status,
        custody: fact(raised.custody),
        score: raised.score,
        reasons: reasons.collect(),
        days_left: raised.days_left,
    }
}

/// Where a page ended: the day, the rank of its last case and the case. A case that leaves the list meanwhile takes
/// nobody else with it.
#[derive(Serialize, Deserialize)]
struct Place(NaiveDate, u32, Option<Severity>, bool, Option<i64>, CaseId);

impl Place {
    fn of(as_of: NaiveDate, case: &CaseRow, raised: &Raised<'_>) -> Self {
        let Raised {
            score,
            severity,
            endless,
            days_left,
            ..
        } = *raised;
        Self(as_of, score, severity, endless, days_left, case.id.clone())
    }

    /// The day of the list that it goes on with.
    fn read(cursor: &Cursor, asked: Option<NaiveDate>) -> Result<Self, Error> {
        let place: Self = serde_json::from_str(cursor.as_str())
            .map_err(|_| Error::invalid("/cursor", "is not a cursor of this list"))?;
        if asked.is_some_and(|asked| asked != place.0) {
            return Err(Error::invalid("/cursor", "is of another day"));
        }
        Ok(place)
    }

    fn rank(&self) -> (Rank, &CaseId) {
        let Self(_, score, severity, endless, days_left, case) = self;
        (model::rank(*score, *severity, *endless, *days_left), case)
    }
}

fn listed(tx: &mut Read<'_>, query: &PriorityList) -> Result<Value, Error> {
    let asked = day(query.as_of.as_ref())?;
    let after = match &query.cursor {
        None => None,
        Some(cursor) => Some(Place::read(cursor, asked)?),
    };
    let as_of = asked
        .or(after.as_ref().map(|place| place.0))
        .unwrap_or_else(|| tx.today());
    let measure = query.measure.unwrap_or(Measure::Imposed);
    let (version, policy) = policy(tx)?;
    let wanted = Wanted {
        country: query.country.clone(),
        concern: query.concern,
        ..Wanted::default()
    };
    let cases = cases::with_facts(tx, wanted)?;
    let deaths = individuals::deaths(tx)?;
    let mut raised: Vec<(&CaseRow, Raised<'_>)> = cases
        .iter()
        .filter_map(|(case, facts)| {
            let facts: Vec<&FactRow> = facts.iter().collect();
            let ended = Ended {
                closed_on: case.closed_on.as_ref(),
                died_on: deaths.get(&case.individual_id),
            };
            Some((case, model::raised(&facts, ended, as_of, &policy, measure)?))
        })
        .filter(|(_, raised)| query.status.is_none_or(|status| raised.status == status))
        .filter(|(_, raised)| {
            query
                .reason
                .is_none_or(|reason| raised.reasons.iter().any(|why| why.code == reason))
        })
        .collect();
    raised
        .sort_by(|(one, first), (other, second)| first.rank().cmp(&second.rank()).then_with(|| one.id.cmp(&other.id)));
    let skipped = after.as_ref().map_or(0, |place| {
        raised.partition_point(|(case, raised)| (raised.rank(), &case.id) <= place.rank())
    });
    let page: Vec<_> = raised
        .into_iter()
        .skip(skipped)
        .take(query.limit.as_len() + 1)
        .collect();
    let page = Page::of(page, query.limit, |(case, raised)| {
        json!(Place::of(as_of, case, raised)).to_string()
    });
    let ids: Vec<IndividualId> = page.items.iter().map(|(case, _)| case.individual_id.clone()).collect();
    let people: HashMap<IndividualId, IndividualRow> = individuals::find_all(tx, &ids)?
        .into_iter()
        .map(|person| (person.id.clone(), person))
        .collect();
    for (case, _) in &page.items {
        tx.notice_if_restricted(*case, case.sharing);
    }
    let sees_sources = tx.viewer().sees(Sharing::Partners, None);
    let items = page.items.iter().filter_map(|(case, raised)| {
        Some(shown(
            case,
            people.get(&case.individual_id)?,
            raised,
            as_of,
            sees_sources,
        ))
    });
    let out = PrioritiesOut {
        items: items.collect(),
        next: page.next,
        policy: model::policy_value(version, &policy, measure),
        as_of,
    };
    serde_json::to_value(out).map_err(Error::internal)
}

/// A whole day, or nothing.
pub(crate) fn day(given: Option<&Edtf>) -> Result<Option<NaiveDate>, Error> {
    match given {
        None => Ok(None),
        Some(date) => whole_day(date.as_str())
            .map(Some)
            .map_err(|detail| Error::invalid("/as_of", detail)),
    }
}

/// Whom to raise first
///
/// The people deprived of liberty on the day who are seriously ill or serve particularly long sentences, each with a
/// score and its reasons, each reason with the fact that it rests on; made from what the caller may see. Any day can
/// be asked for, and is answered from what was so on that day, whenever it was recorded.
#[utoipa::path(tag = "priorities", params(PriorityList), extensions(("x-permission" = json!("ReadPriorities"))),
    responses((status = 200, description = "One page of the list", body = PrioritiesOut, example = json!({"items": [{"case_id": "1e6f1d3b-6f6b-4c8c-8f0e-0f2f7f7b1c11", "individual": {"id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "name": "Hu Jia", "original_name": "胡佳"}, "country": "CN", "concerns": ["expression_press"], "status": "serving_sentence", "custody": {"kind": "custody", "id": "7e0d1a4c-5c0e-4a51-9a0b-3a0f6f1c8d22", "holds_from": "2008-04-03", "uncertain": false}, "score": 100, "reasons": [{"code": "seriously_ill", "points": 100, "detail": "Serious, since 2010-05-10", "fact": {"kind": "health", "id": "2b9d6cb5-8d0c-4a3d-9f0d-9a1a4a3c6e77", "holds_from": "2010-05-10", "uncertain": false}}], "days_left": 412}], "next": null, "policy": {"version": 1}, "as_of": "2010-05-10"}))))]
#[get("/priorities")]
pub async fn list_priorities(allowed: Allowed<may::ReadPriorities>, query: Query<PriorityList>) -> Reply {
    let list = allowed
        .read(move |tx| {
            let list = listed(tx, &query.0)?;
            tx.tag(list)
        })
        .await?;
    Ok(reply::record(allowed.request(), &list))
}
