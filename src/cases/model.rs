//! Where a person stands as of a day: derived from the facts that a reader may see, each answer naming its fact.
//!
//! A fact holds from the earliest day that its date may mean, and is uncertain until the latest. What is doubtful or
//! improbable holds only where nothing better does. Of the rest the latest holds; of several for the same day rank
//! decides, then how far the information is to be believed, then the id. Where the days that two facts may mean
//! overlap, they may speak of the same thing: a preferred one holds against others. An answer for a day is made from
//! what was so on that day, whenever it was recorded.

use std::cmp::Reverse;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};

use crate::base::date::Edtf;
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

/// The facts of that kind that have begun by the day and count, without the doubtful ones where there are better.
fn begun<'a, P: Kind>(facts: &[&'a FactRow], as_of: NaiveDate) -> Vec<Standing<'a, P>> {
    let begun = facts
        .iter()
        .filter(|fact| fact.kind == P::KIND && counts(fact) && fact.earliest <= as_of);
    let mut found: Vec<Standing<'a, P>> = begun
        .filter_map(|fact| {
            Some(Standing {
                fact,
                says: fact.particulars.read()?,
            })
        })
        .collect();
    if found.iter().any(|one| !one.fact.information.is_doubted()) {
        found.retain(|one| !one.fact.information.is_doubted());
    }
    found
}

/// What decides which of two facts holds: the most last.
fn weight(fact: &FactRow) -> impl Ord + use<> {
    let trust = (Reverse(fact.rank), Reverse(fact.information.standing()));
    (fact.earliest, trust, fact.latest, fact.id.clone())
}

/// Whether the days that two facts may mean overlap.
fn overlap(one: &FactRow, other: &FactRow) -> bool {
    one.earliest <= other.latest && other.earliest <= one.latest
}

/// The one of those that holds.
fn holding<P>(found: Vec<Standing<'_, P>>) -> Option<Standing<'_, P>> {
    let latest = found.iter().map(|one| one.fact).max_by_key(|fact| weight(fact))?;
    let preferred = found
        .iter()
        .map(|one| one.fact)
        .filter(|fact| fact.rank == Rank::Preferred && overlap(fact, latest))
        .max_by_key(|fact| weight(fact));
    let holds = preferred.unwrap_or(latest).id.clone();
    found.into_iter().find(|one| one.fact.id == holds)
}

/// The fact of that kind that holds on the day.
#[must_use]
pub fn standing<'a, P: Kind>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, P>> {
    holding(begun(facts, as_of))
}

/// Where the person stands. A stage ends where the next begins, or where it says itself; after the last one's end an
/// earlier stage holds that is said to go on, else it is unknown.
#[must_use]
pub fn custody_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Custody>> {
    let end = |stage: &Standing<'_, Custody>| stage.says.until.as_ref().map(Edtf::latest);
    let mut stages = begun::<Custody>(facts, as_of);
    let found = standing::<Custody>(facts, as_of)?;
    if end(&found).is_none_or(|end| as_of <= end) {
        return Some(found);
    }
    stages.retain(|stage| end(stage).is_some_and(|end| as_of <= end));
    holding(stages)
}

/// The sentence that holds, an appeal pending or not. What an appeal or a retrial says takes the place of what was
/// said before; verdicts of first instance stand beside each other, for different charges, and the longest that runs
/// on the day is the one. An acquittal ends a sentence, and so does a release after the verdict, unless it was on
/// conditions or the person is serving again.
#[must_use]
pub fn sentence_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Sentence>> {
    let all = begun::<Sentence>(facts, as_of);
    let replaced = |one: &Standing<'_, Sentence>| {
        all.iter().any(|other| {
            let later = weight(other.fact) > weight(one.fact) && replaces(&other.says);
            let preferred = other.fact.rank == Rank::Preferred && one.fact.rank != Rank::Preferred;
            later || (preferred && overlap(one.fact, other.fact))
        })
    };
    let standing: Vec<&Standing<'_, Sentence>> = all
        .iter()
        .filter(|one| !matches!(one.says.kind, SentenceKind::Acquitted | SentenceKind::Exempted))
        .filter(|one| !replaced(one) && !released_since(facts, one.fact.earliest, as_of))
        .collect();
    let runs = |one: &&&Standing<'_, Sentence>| one.says.end(Some(as_of)).is_none_or(|end| end >= as_of);
    let length = |one: &&&Standing<'_, Sentence>| {
        let end = one
            .says
            .end(Some(as_of))
            .unwrap_or_else(|| one.says.term_from(one.fact.earliest));
        (
            !one.says.suspended,
            one.says.kind.is_endless(),
            end,
            one.fact.id.clone(),
        )
    };
    let longest = standing.iter().filter(runs).max_by_key(length);
    let found = longest.or_else(|| standing.iter().max_by_key(|one| weight(one.fact)))?;
    Some(Standing::clone(found))
}

/// Whether a verdict takes the place of those before it.
fn replaces(verdict: &Sentence) -> bool {
    match verdict.instance {
        Some(Instance::Appeal | Instance::Retrial) => true,
        Some(Instance::FirstInstance) => false,
        None => matches!(verdict.kind, SentenceKind::Acquitted | SentenceKind::Exempted),
    }
}

/// Whether a release after the verdict ended the sentence by the day.
fn released_since(facts: &[&FactRow], verdict: NaiveDate, as_of: NaiveDate) -> bool {
    let mut stages = begun::<Custody>(facts, as_of);
    stages.retain(|stage| verdict < stage.fact.earliest);
    stages.sort_by_key(|stage| weight(stage.fact));
    stages.iter().rev().find_map(|stage| serves(&stage.says)) == Some(false)
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
