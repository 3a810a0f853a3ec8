//! Where a person stands as of a day: derived from the facts that a reader may see, each answer naming its fact.
//!
//! A fact holds from the earliest day that its date may mean, and is uncertain until the latest. An answer for a day is
//! made from what was so on that day, whenever it was recorded. Which fact holds is decided so:
//!
//! - The latest that has begun. Where the days that two may mean overlap, they may speak of the same thing: a preferred
//!   one holds against others. For the same day: rank, how far it is to be believed, the more precise date, and then
//!   the worse state.
//! - A doubt takes nobody off the list: what is doubtful or improbable yields to something better of the same days or
//!   later, and to something better before it that is worse for the person.

use std::cmp::Reverse;
use std::collections::HashSet;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};

use crate::base::date::Edtf;
use crate::base::id::FactId;
use crate::base::words::{CustodyStatus, Instance, Rank, ReleaseType, SentenceKind, Severity};
use crate::cases::particulars::{Custody, FactKind, Health, Kind, Sentence};
use crate::cases::rows::FactRow;

/// A fact with what is particular to it.
#[derive(Clone, Debug)]
pub struct Standing<'a, P> {
    /// The fact.
    pub fact: &'a FactRow,
    /// What it says.
    pub says: P,
}

impl<P: Serialize> Standing<'_, P> {
    /// What it says, its fact's id, from when, and whether it is certain by that day.
    #[must_use]
    pub fn summary(&self, as_of: NaiveDate) -> Value {
        json!({"fact": self.fact.id, "holds_from": self.fact.holds_from, "uncertain": !self.fact.holds_from.certain_by(as_of), "says": self.says})
    }
}

/// Whether the fact counts: not retracted, not superseded, not deprecated.
#[must_use]
pub fn counts(fact: &FactRow) -> bool {
    fact.retracted_at.is_none() && fact.superseded_by.is_none() && fact.rank != Rank::Deprecated
}

/// The facts of that kind that have begun by the day and count, without the doubtful ones that yield to better.
fn begun<'a, P: Kind>(facts: &[&'a FactRow], as_of: NaiveDate) -> Vec<Standing<'a, P>> {
    let counting = facts
        .iter()
        .filter(|fact| fact.kind == P::KIND && counts(fact) && fact.earliest <= as_of);
    let all: Vec<Standing<'a, P>> = counting
        .filter_map(|fact| {
            Some(Standing {
                fact,
                says: fact.particulars.read()?,
            })
        })
        .collect();
    let yields = |doubted: &Standing<'a, P>| {
        let better = all.iter().filter(|other| !is_doubted(other.fact));
        let mut before = Vec::new();
        for other in better {
            if other.fact.latest >= doubted.fact.earliest {
                return true;
            }
            before.push(other);
        }
        let last = before.into_iter().max_by_key(|other| weight(other));
        last.is_some_and(|last| doubted.says.weighs() < last.says.weighs())
    };
    let kept: Vec<bool> = all.iter().map(|one| !is_doubted(one.fact) || !yields(one)).collect();
    all.into_iter()
        .zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|(one, _)| one)
        .collect()
}

/// A preferred fact is not doubted: somebody has decided for it.
fn is_doubted(fact: &FactRow) -> bool {
    fact.information.is_doubted() && fact.rank != Rank::Preferred
}

/// What decides which of two facts holds: the most last.
fn weight<P: Kind>(one: &Standing<'_, P>) -> impl Ord + use<P> {
    let fact = one.fact;
    let trust = (Reverse(fact.rank), Reverse(fact.information.standing()));
    (
        fact.earliest,
        trust,
        Reverse(fact.latest),
        one.says.weighs(),
        fact.id.clone(),
    )
}

/// Whether one is preferred against the other, which may speak of the same days.
fn preferred_to(one: &FactRow, other: &FactRow) -> bool {
    let overlap = one.earliest <= other.latest && other.earliest <= one.latest;
    overlap && one.rank == Rank::Preferred && other.rank != Rank::Preferred
}

/// The one of those that holds.
fn holding<P: Kind>(found: Vec<Standing<'_, P>>) -> Option<Standing<'_, P>> {
    let latest = found.iter().max_by_key(|one| weight(one))?;
    let against = found.iter().filter(|one| preferred_to(one.fact, latest.fact));
    let holds = against.max_by_key(|one| weight(one)).unwrap_or(latest).fact.id.clone();
    found.into_iter().find(|one| one.fact.id == holds)
}

/// The fact of that kind that holds on the day.
#[must_use]
pub fn standing<'a, P: Kind>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, P>> {
    holding(begun(facts, as_of))
}

/// Where the person stands. A stage ends where the next begins, or where it says itself. After the last one's end an
/// earlier stage holds that is said to go on, or, while a sentence runs, that deprives of liberty and has no end: a
/// stay in hospital frees nobody. Otherwise it is unknown.
#[must_use]
pub fn custody_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Custody>> {
    let end = |stage: &Standing<'_, Custody>| stage.says.until.as_ref().map(Edtf::latest);
    let over = |stage: &Standing<'_, Custody>| end(stage).is_some_and(|end| end < as_of);
    let stages = begun::<Custody>(facts, as_of);
    let last = stages.iter().max_by_key(|one| weight(one))?;
    let open: Vec<Standing<'a, Custody>> = stages.iter().filter(|one| !over(one)).cloned().collect();
    if !over(last) {
        return holding(open);
    }
    let serves = || running_sentences(facts, as_of).iter().any(|one| !one.says.suspended);
    let goes_on =
        |stage: &Standing<'_, Custody>| end(stage).is_some() || (stage.says.status.deprived_of_liberty() && serves());
    holding(open.into_iter().filter(goes_on).collect())
}

/// The sentences that stand on the day, an appeal pending or not: those that run, or else the last that ran.
///
/// Verdicts of first instance stand beside each other, for different charges; an appeal, a retrial or a commutation
/// takes the place of the last verdict before it. An acquittal ends a sentence, and so does a release after the
/// verdict, unless it was on conditions or the person is serving again.
#[must_use]
pub fn sentences_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Vec<Standing<'a, Sentence>> {
    let running = running_sentences(facts, as_of);
    if running.is_empty() {
        let last = imposed(facts, as_of)
            .into_iter()
            .max_by_key(|one| (one.end_or_term(as_of), one.fact.id.clone()));
        return last.into_iter().collect();
    }
    running
}

fn running_sentences<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Vec<Standing<'a, Sentence>> {
    let mut all = imposed(facts, as_of);
    all.retain(|one| one.says.end(Some(as_of)).is_none_or(|end| end >= as_of));
    all
}

/// What was imposed and neither replaced nor ended by a release; whether its end has come or not.
fn imposed<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Vec<Standing<'a, Sentence>> {
    let mut all = begun::<Sentence>(facts, as_of);
    all.sort_by_key(|one| weight(one));
    let gone: HashSet<FactId> = all
        .iter()
        .filter(|one| all.iter().any(|other| preferred_to(other.fact, one.fact)))
        .map(|one| one.fact.id.clone())
        .collect();
    let mut standing: Vec<Standing<'a, Sentence>> = Vec::new();
    for one in all.into_iter().filter(|one| !gone.contains(&one.fact.id)) {
        if replaces(&one.says) {
            standing.pop();
        }
        standing.push(one);
    }
    standing.retain(|one| !matches!(one.says.kind, SentenceKind::Acquitted | SentenceKind::Exempted));
    standing.retain(|one| !released_since(facts, one.fact.latest, as_of));
    standing
}

impl Standing<'_, Sentence> {
    /// The end that holds, or the end of the term from the verdict where nothing tells it.
    #[must_use]
    pub fn end_or_term(&self, as_of: NaiveDate) -> NaiveDate {
        let end = self.says.end(Some(as_of));
        end.unwrap_or_else(|| self.says.term_from(self.fact.earliest))
    }
}

/// The heaviest of them: one that is served before one that is suspended, one without an end before others, then the
/// last to end.
#[must_use]
pub fn sentence_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Sentence>> {
    sentences_as_of(facts, as_of).into_iter().max_by_key(|one| {
        let end = one.end_or_term(as_of);
        (
            !one.says.suspended,
            one.says.kind.is_endless(),
            end,
            one.fact.id.clone(),
        )
    })
}

/// Whether a verdict takes the place of the last before it.
fn replaces(verdict: &Sentence) -> bool {
    match verdict.instance {
        Some(Instance::Appeal | Instance::Retrial | Instance::Commutation) => true,
        Some(Instance::FirstInstance) => false,
        None => matches!(verdict.kind, SentenceKind::Acquitted | SentenceKind::Exempted),
    }
}

/// Whether a release after the verdict ended the sentence by the day.
fn released_since(facts: &[&FactRow], verdict: NaiveDate, as_of: NaiveDate) -> bool {
    let all = begun::<Custody>(facts, as_of);
    let contested = |one: &Standing<'_, Custody>| all.iter().any(|other| preferred_to(other.fact, one.fact));
    let after = all
        .iter()
        .filter(|stage| verdict < stage.fact.earliest && !contested(stage));
    let mut after: Vec<&Standing<'_, Custody>> = after.collect();
    after.sort_by_key(|stage| weight(stage));
    after.iter().rev().find_map(|stage| serves(&stage.says)) == Some(false)
}

/// Whether a stage tells that a sentence is being served, or that it is over; most tell neither.
fn serves(stage: &Custody) -> Option<bool> {
    match stage.status {
        CustodyStatus::ServingSentence | CustodyStatus::ServingOutsidePrison => Some(true),
        CustodyStatus::Released
        | CustodyStatus::ReleasedRestricted
        | CustodyStatus::AtLiberty
        | CustodyStatus::Exiled => {
            let on_conditions = matches!(
                stage.release_type,
                Some(ReleaseType::Parole | ReleaseType::MedicalParole | ReleaseType::Bail)
            );
            (!on_conditions).then_some(false)
        }
        _ => None,
    }
}

/// How ill the person is. A report that does not know says nothing against one that does.
#[must_use]
pub fn health_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Health>> {
    let known = |fact: &FactRow| {
        fact.particulars
            .read::<Health>()
            .is_some_and(|says| says.severity != Severity::Unknown)
    };
    let facts: Vec<&FactRow> = facts
        .iter()
        .copied()
        .filter(|fact| fact.kind == FactKind::Health && known(fact))
        .collect();
    standing(&facts, as_of)
}

/// The three, for a case as shown.
#[must_use]
pub fn current(facts: &[&FactRow], as_of: NaiveDate) -> Value {
    let sentence = sentence_as_of(facts, as_of).map(|found| {
        let mut summary = found.summary(as_of);
        summary["end"] = json!(found.says.end(Some(as_of)));
        summary
    });
    json!({
        "as_of": as_of,
        "custody": custody_as_of(facts, as_of).map(|found| found.summary(as_of)),
        "sentence": sentence,
        "health": health_as_of(facts, as_of).map(|found| found.summary(as_of)),
    })
}

/// The earliest custody fact, from which a case began unless it was said otherwise.
#[must_use]
pub fn first_custody<'a>(facts: &[&'a FactRow]) -> Option<&'a FactRow> {
    facts
        .iter()
        .copied()
        .filter(|fact| fact.kind == FactKind::Custody && counts(fact))
        .min_by_key(|fact| (fact.earliest, fact.latest, fact.id.clone()))
}
