//! What may be proposed and what may become of it: types and rules, pure.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::ledger::Record;
use crate::base::date::Edtf;
use crate::base::error::{Code, Error, FieldError};
use crate::base::id::{FactId, SourceId};
use crate::base::patch::Patch;
use crate::base::text::{Country, Line, Listed, Prose};
use crate::base::words::{Concern, Decision, Information, Rank, SubmissionState};
use crate::cases::facts::{FactIn, cannot_judge};
use crate::cases::particulars::{Charge, Custody, Health, Sentence};
use crate::cases::{CasePatch, CaseRow};

/// How many facts at most in one submission.
const FACTS: usize = 50;

/// Changes to a case that a partner may propose: what is absent stays, null clears.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposedChanges {
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub country: Patch<Country>,
    /// When it began in the world; the earliest custody fact where nothing is said.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub opened_on: Patch<Edtf>,
    /// When it ended in the world.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub closed_on: Patch<Edtf>,
    /// Areas of concern.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Concern>>)]
    pub concerns: Patch<Listed<Concern>>,
    /// What the person did that they are persecuted for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub impugned_activity: Patch<Prose>,
    /// In a few sentences.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub summary: Patch<Prose>,
}

impl From<ProposedChanges> for CasePatch {
    fn from(given: ProposedChanges) -> Self {
        Self {
            country: given.country,
            opened_on: given.opened_on,
            closed_on: given.closed_on,
            concerns: given.concerns,
            impugned_activity: given.impugned_activity,
            summary: given.summary,
            ..Self::default()
        }
    }
}

/// A fact that a partner proposes: who may see it and how it stands to others is for those inside to say.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposedFact<P> {
    /// From when it holds (EDTF): for a sentence the verdict, for health the observation.
    pub holds_from: Edtf,
    /// What is particular to this kind.
    pub particulars: P,
    /// Where it comes from.
    pub source_id: Option<SourceId>,
    /// How far the information is to be believed.
    #[serde(default = "cannot_judge")]
    pub information: Information,
    /// The fact whose place it takes.
    pub supersedes: Option<FactId>,
    /// Why it takes that place.
    pub reason: Option<Line>,
}

impl<P> From<ProposedFact<P>> for FactIn<P> {
    fn from(given: ProposedFact<P>) -> Self {
        Self {
            holds_from: given.holds_from,
            particulars: given.particulars,
            source_id: given.source_id,
            information: given.information,
            rank: Rank::Normal,
            sharing: None,
            notes: None,
            supersedes: given.supersedes,
            reason: given.reason,
        }
    }
}

/// Facts that a partner proposes, by the place where such facts of a case stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposedFacts {
    /// Custody stages.
    #[serde(default)]
    pub custody: Vec<ProposedFact<Custody>>,
    /// Charges.
    #[serde(default)]
    pub charges: Vec<ProposedFact<Charge>>,
    /// Sentences.
    #[serde(default)]
    pub sentences: Vec<ProposedFact<Sentence>>,
    /// Health reports.
    #[serde(default)]
    pub health: Vec<ProposedFact<Health>>,
}

impl ProposedFacts {
    /// Checks what one fact alone cannot tell: how many there are, and that no two take the place of the same one.
    ///
    /// # Errors
    /// `invalid` at `/facts` or at the second that names a fact.
    pub fn check(&self) -> Result<(), Error> {
        fn replaced<'a, P>(place: &'static str, facts: &'a [ProposedFact<P>]) -> Vec<(String, &'a FactId)> {
            let named = facts.iter().enumerate();
            let named =
                named.filter_map(|(at, fact)| Some((format!("/facts/{place}/{at}"), fact.supersedes.as_ref()?)));
            named.collect()
        }
        if self.count() > FACTS {
            return Err(Error::invalid("/facts", format!("must be at most {FACTS}")));
        }
        let mut known = HashSet::new();
        let named = [
            replaced("custody", &self.custody),
            replaced("charges", &self.charges),
            replaced("sentences", &self.sentences),
            replaced("health", &self.health),
        ];
        for (place, id) in named.into_iter().flatten() {
            if !known.insert(id) {
                return Err(Error::invalid(
                    &format!("{place}/supersedes"),
                    "another of these takes the place of that fact",
                ));
            }
        }
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.custody.len() + self.charges.len() + self.sentences.len() + self.health.len()
    }
}

/// Facts that those inside record in the place of proposed ones.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidedFacts {
    /// Custody stages.
    #[serde(default)]
    pub custody: Vec<FactIn<Custody>>,
    /// Charges.
    #[serde(default)]
    pub charges: Vec<FactIn<Charge>>,
    /// Sentences.
    #[serde(default)]
    pub sentences: Vec<FactIn<Sentence>>,
    /// Health reports.
    #[serde(default)]
    pub health: Vec<FactIn<Health>>,
}

impl DecidedFacts {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.custody.len() + self.charges.len() + self.sentences.len() + self.health.len()
    }
}

impl From<ProposedFacts> for DecidedFacts {
    fn from(given: ProposedFacts) -> Self {
        fn all<P>(facts: Vec<ProposedFact<P>>) -> Vec<FactIn<P>> {
            facts.into_iter().map(FactIn::from).collect()
        }
        Self {
            custody: all(given.custody),
            charges: all(given.charges),
            sentences: all(given.sentences),
            health: all(given.health),
        }
    }
}

/// A decision on a submission.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionIn {
    /// What is decided.
    pub decision: Decision,
    /// Why, for the partner; needed unless all is accepted.
    pub reason: Option<Line>,
    /// For a change: what changes of the case in the place of what was proposed.
    pub changes: Option<CasePatch>,
    /// For a change: the facts to record in the place of those proposed.
    pub facts: Option<DecidedFacts>,
}

impl DecisionIn {
    /// Checks what one field alone cannot tell.
    ///
    /// # Errors
    /// `invalid` at the field.
    pub fn check(&self) -> Result<(), Error> {
        let replaces = self.decision == Decision::Change;
        if self.reason.is_none() && self.decision != Decision::Accept {
            return Err(Error::invalid("/reason", "is needed: the partner is told why"));
        }
        if replaces && self.changes.is_none() && self.facts.is_none() {
            return Err(Error::invalid(
                "/changes",
                "or /facts must say what is recorded in the place of what was proposed",
            ));
        }
        for (place, given) in [("/changes", self.changes.is_some()), ("/facts", self.facts.is_some())] {
            if given && !replaces {
                return Err(Error::invalid(place, "is for a decision to change"));
            }
        }
        Ok(())
    }

    /// What becomes of the submission.
    #[must_use]
    pub fn outcome(&self) -> SubmissionState {
        match self.decision {
            Decision::Accept => SubmissionState::Accepted,
            Decision::Change => SubmissionState::Changed,
            Decision::Refuse => SubmissionState::Refused,
        }
    }
}

/// The proposed changes as a change of the case as it is now.
///
/// # Errors
/// `conflict` with the fields that have changed since they were proposed on: what the partner did not see is not
/// overwritten.
pub fn as_patch(changes: &Map<String, Value>, now: &CaseRow) -> Result<CasePatch, Error> {
    let current: Map<String, Value> = now
        .fields()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let moved = changes.iter().filter(|(name, change)| {
        let value = current.get(*name).unwrap_or(&Value::Null);
        *value != change["from"] && *value != change["to"]
    });
    let moved: Vec<FieldError> = moved
        .map(|(name, _)| FieldError {
            pointer: format!("/changes/{name}"),
            detail: "has changed since it was proposed on".to_owned(),
        })
        .collect();
    if !moved.is_empty() {
        let mut error = Error::new(
            Code::Conflict,
            "the case has changed since: refuse the submission, or decide what is recorded in its place",
        );
        error.errors = moved;
        return Err(error);
    }
    let wanted: Map<String, Value> = changes
        .iter()
        .map(|(name, change)| (name.clone(), change["to"].clone()))
        .collect();
    serde_json::from_value(Value::Object(wanted)).map_err(Error::internal)
}
