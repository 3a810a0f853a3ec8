//! Where a person stands as of a day: derived from the facts that a reader may see, each answer naming its fact.
//!
//! A fact holds from the earliest day that its date may mean, and is uncertain until the latest. The latest fact
//! holds; of several for the same day, rank decides, then reliability of the information, then the id. An answer for a
//! day is made from what was so on that day, whenever it was recorded.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};

use crate::base::date::Edtf;
use crate::base::words::{CustodyStatus, Rank, ReleaseType, SentenceKind, Severity};
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

/// The fact of that kind that holds on the day.
#[must_use]
pub fn standing<'a, P: Kind>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, P>> {
    facts
        .iter()
        .filter(|fact| fact.kind == P::KIND && counts(fact) && fact.earliest <= as_of)
        .max_by_key(|fact| {
            (
                fact.earliest,
                std::cmp::Reverse((fact.rank, fact.information)),
                fact.latest,
                fact.id.clone(),
            )
        })
        .and_then(|fact| {
            Some(Standing {
                fact,
                says: fact.particulars.read()?,
            })
        })
}

/// Where the person stands. A stage ends where the next begins, or where it says itself; after the last one's end an
/// earlier stage holds that is said to go on, else it is unknown.
#[must_use]
pub fn custody_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Custody>> {
    let found = standing::<Custody>(facts, as_of)?;
    let end = |says: &Custody| says.until.as_ref().map(Edtf::latest);
    if end(&found.says).is_none_or(|end| as_of <= end) {
        return Some(found);
    }
    let goes_on = |fact: &FactRow| {
        fact.kind == FactKind::Custody
            && fact
                .particulars
                .read::<Custody>()
                .and_then(|says| end(&says))
                .is_some_and(|end| as_of <= end)
    };
    let open: Vec<&FactRow> = facts.iter().copied().filter(|fact| goes_on(fact)).collect();
    standing(&open, as_of)
}

/// The sentence that holds: from its first verdict, an appeal pending or not. An acquittal ends it, and so does a
/// release after the verdict, unless it was on conditions or the person is serving again.
#[must_use]
pub fn sentence_as_of<'a>(facts: &[&'a FactRow], as_of: NaiveDate) -> Option<Standing<'a, Sentence>> {
    let found = standing::<Sentence>(facts, as_of)?;
    if matches!(found.says.kind, SentenceKind::Acquitted | SentenceKind::Exempted) {
        return None;
    }
    let verdict = found.fact.earliest;
    let mut stages: Vec<(NaiveDate, Custody)> = facts
        .iter()
        .filter(|fact| fact.kind == FactKind::Custody && counts(fact))
        .filter(|fact| verdict < fact.earliest && fact.earliest <= as_of)
        .filter_map(|fact| Some((fact.earliest, fact.particulars.read()?)))
        .collect();
    stages.sort_by_key(|(from, _)| *from);
    let last = stages.iter().rev().find_map(|(_, says)| serves(says));
    (last != Some(false)).then_some(found)
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
