//! Which records a reader may see the history of. A retired record is out of the lists, not out of the ledger: its
//! entries are for whoever could see the record.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde_json::Value;

use crate::access::accounts::AccountRow;
use crate::access::ledger::{Classes, EntryRow, Record};
use crate::access::sharing::TeamRow;
use crate::access::{Read, Viewer};
use crate::base::error::Error;
use crate::cases::{CaseRow, FactRow};
use crate::individuals::IndividualRow;
use crate::individuals::relations::RelationRow;
use crate::organisations::OrganisationRow;
use crate::schema::{cases, facts, individuals, mentions, relations, sources, statements};
use crate::sources::SourceRow;
use crate::statements::{MentionRow, StatementRow};
use crate::{facts_shared_with, individuals_of_own_teams, shared_with};

/// How many ids a query names at most.
const IN_ONE_QUERY: usize = 500;

/// What decides who may see a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// Nothing: whoever reads the ledger.
    Open,
    Source,
    Individual,
    Relation,
    Case,
    Fact,
    /// The record whose team it is.
    Team,
    Statement,
    Mention,
}

/// A kind of record in the ledger.
pub(super) struct Kind {
    pub(super) family: Family,
    pub(super) classes: Classes,
}

/// The kind of that name; an unknown one is shown to nobody.
pub(super) fn of(record_kind: &str) -> Option<Kind> {
    fn told<R: Record>(family: Family) -> (&'static str, Kind) {
        (
            R::KIND,
            Kind {
                family,
                classes: R::CLASSES,
            },
        )
    }
    let known = [
        told::<OrganisationRow>(Family::Open),
        told::<AccountRow>(Family::Open),
        told::<SourceRow>(Family::Source),
        told::<IndividualRow>(Family::Individual),
        told::<RelationRow>(Family::Relation),
        told::<CaseRow>(Family::Case),
        told::<FactRow>(Family::Fact),
        told::<TeamRow>(Family::Team),
        told::<StatementRow>(Family::Statement),
        told::<MentionRow>(Family::Mention),
    ];
    known
        .into_iter()
        .find(|(name, _)| *name == record_kind)
        .map(|(_, kind)| kind)
}

/// The id that decides whether the entry is shown.
pub(super) fn key(family: Family, entry: &EntryRow) -> String {
    match (family, &entry.parent_id) {
        (Family::Team, Some(parent)) => parent.clone(),
        _ => entry.record_id.clone(),
    }
}

fn family_of_field(name: &str) -> Option<Family> {
    match name {
        "source_id" => Some(Family::Source),
        "individual_id" | "other_id" => Some(Family::Individual),
        "case_id" => Some(Family::Case),
        "supersedes" | "superseded_by" => Some(Family::Fact),
        "statement_id" | "related" => Some(Family::Statement),
        _ => None,
    }
}

fn id_in(item: &Value) -> Option<&str> {
    item.as_str().or_else(|| item["statement_id"].as_str())
}

/// The records that a changed field names.
pub(super) fn references(name: &str, change: &Value) -> Vec<(Family, String)> {
    let Some(family) = family_of_field(name) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for side in [&change["from"], &change["to"]] {
        let items = side.as_array().map_or(std::slice::from_ref(side), Vec::as_slice);
        found.extend(items.iter().filter_map(id_in).map(|id| (family, id.to_owned())));
    }
    found
}

/// Ids by what decides who may see them.
#[derive(Default)]
pub(super) struct Asked(HashMap<Family, HashSet<String>>);

impl Asked {
    pub(super) fn add(&mut self, family: Family, id: String) {
        self.0.entry(family).or_default().insert(id);
    }

    fn chunks(&self, family: Family) -> Vec<Vec<String>> {
        let ids: Vec<String> = self.0.get(&family).into_iter().flatten().cloned().collect();
        ids.chunks(IN_ONE_QUERY).map(<[String]>::to_vec).collect()
    }
}

/// The records, of those asked for, that a reader may see, each with the organisation that owns it.
pub(super) struct Seen(HashMap<(Family, String), Option<String>>);

impl Seen {
    pub(super) fn load(tx: &mut Read<'_>, mut asked: Asked) -> Result<Self, Error> {
        let viewer = tx.viewer();
        let mut seen = Self(HashMap::new());
        for chunk in asked.chunks(Family::Team) {
            for id in chunk {
                asked.add(Family::Case, id.clone());
                asked.add(Family::Source, id.clone());
                asked.add(Family::Statement, id.clone());
                asked.add(Family::Individual, id);
            }
        }
        let (relations, mentions) = (relation_ends(tx, &mut asked)?, mention_ends(tx, &mut asked)?);
        let facts = shared_facts(tx, &viewer, &mut asked)?;
        let cases = shared_cases(tx, &viewer, &mut asked)?;
        seen.add_sources(tx, &viewer, &asked)?;
        seen.add_individuals(tx, &viewer, &asked)?;
        seen.add_statements(tx, &viewer, &asked)?;
        for (id, individual, owner) in cases {
            if seen.has(Family::Individual, &individual) {
                seen.0.insert((Family::Case, id), Some(owner));
            }
        }
        for (id, one, other, owner) in relations {
            if seen.has(Family::Individual, &one) && seen.has(Family::Individual, &other) {
                seen.0.insert((Family::Relation, id), Some(owner));
            }
        }
        for (id, statement, individual) in mentions {
            if seen.has(Family::Statement, &statement) && seen.has(Family::Individual, &individual) {
                seen.0.insert((Family::Mention, id), None);
            }
        }
        for (id, case, owner) in facts {
            if seen.has(Family::Case, &case) {
                seen.0.insert((Family::Fact, id), Some(owner));
            }
        }
        Ok(seen)
    }

    pub(super) fn has(&self, family: Family, id: &str) -> bool {
        match family {
            Family::Open => true,
            Family::Team => [Family::Source, Family::Individual, Family::Case, Family::Statement]
                .iter()
                .any(|family| self.has(*family, id)),
            _ => self.0.contains_key(&(family, id.to_owned())),
        }
    }

    /// The organisation that owns the record.
    pub(super) fn owner(&self, family: Family, id: &str) -> Option<&str> {
        self.0.get(&(family, id.to_owned())).and_then(Option::as_deref)
    }

    /// Takes the ids of hidden records out of a changed field; false where nothing is left of the change.
    pub(super) fn without_hidden(&self, name: &str, change: &mut Value) -> bool {
        let Some(family) = family_of_field(name) else {
            return true;
        };
        for side in ["from", "to"] {
            match &mut change[side] {
                Value::Array(items) => items.retain(|item| id_in(item).is_none_or(|id| self.has(family, id))),
                item if id_in(item).is_some_and(|id| !self.has(family, id)) => *item = Value::Null,
                _ => {}
            }
        }
        change["from"] != change["to"]
    }

    fn add_sources(&mut self, tx: &mut Read<'_>, viewer: &Viewer, asked: &Asked) -> Result<(), Error> {
        for ids in asked.chunks(Family::Source) {
            let found: Vec<(String, String)> = sources::table
                .filter(sources::id.eq_any(ids))
                .filter(shared_with!(sources, viewer))
                .select((sources::id, sources::organisation_id))
                .load(tx.conn())?;
            self.keep(Family::Source, found);
        }
        Ok(())
    }

    fn add_individuals(&mut self, tx: &mut Read<'_>, viewer: &Viewer, asked: &Asked) -> Result<(), Error> {
        for ids in asked.chunks(Family::Individual) {
            let found: Vec<(String, String)> = individuals::table
                .filter(individuals::id.eq_any(ids))
                .filter(shared_with!(individuals, viewer).or(individuals_of_own_teams!(viewer)))
                .select((individuals::id, individuals::organisation_id))
                .load(tx.conn())?;
            self.keep(Family::Individual, found);
        }
        Ok(())
    }

    fn add_statements(&mut self, tx: &mut Read<'_>, viewer: &Viewer, asked: &Asked) -> Result<(), Error> {
        for ids in asked.chunks(Family::Statement) {
            let found: Vec<(String, String)> = statements::table
                .filter(statements::id.eq_any(ids))
                .filter(shared_with!(statements, viewer))
                .select((statements::id, statements::organisation_id))
                .load(tx.conn())?;
            self.keep(Family::Statement, found);
        }
        Ok(())
    }

    fn keep(&mut self, family: Family, found: Vec<(String, String)>) {
        self.0
            .extend(found.into_iter().map(|(id, owner)| ((family, id), Some(owner))));
    }
}

type Ends = Vec<(String, String, String)>;

fn relation_ends(tx: &mut Read<'_>, asked: &mut Asked) -> Result<Vec<(String, String, String, String)>, Error> {
    let mut all: Vec<(String, String, String, String)> = Vec::new();
    for ids in asked.chunks(Family::Relation) {
        let found: Vec<(String, String, String, String)> = relations::table
            .filter(relations::id.eq_any(ids))
            .select((
                relations::id,
                relations::individual_id,
                relations::other_id,
                relations::organisation_id,
            ))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, one, other, _) in &all {
        asked.add(Family::Individual, one.clone());
        asked.add(Family::Individual, other.clone());
    }
    Ok(all)
}

fn mention_ends(tx: &mut Read<'_>, asked: &mut Asked) -> Result<Ends, Error> {
    let mut all = Vec::new();
    for ids in asked.chunks(Family::Mention) {
        let found: Ends = mentions::table
            .filter(mentions::id.eq_any(ids))
            .select((mentions::id, mentions::statement_id, mentions::individual_id))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, statement, individual) in &all {
        asked.add(Family::Statement, statement.clone());
        asked.add(Family::Individual, individual.clone());
    }
    Ok(all)
}

/// Facts that are shared with the viewer, with their case, on which they depend too, and their owner.
fn shared_facts(tx: &mut Read<'_>, viewer: &Viewer, asked: &mut Asked) -> Result<Ends, Error> {
    let mut all = Vec::new();
    for ids in asked.chunks(Family::Fact) {
        let found: Ends = facts::table
            .filter(facts::id.eq_any(ids))
            .filter(facts_shared_with!(viewer))
            .select((facts::id, facts::case_id, facts::organisation_id))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, case, _) in &all {
        asked.add(Family::Case, case.clone());
    }
    Ok(all)
}

/// Cases that are shared with the viewer, with their individual, on whom it depends too, and their owner.
fn shared_cases(tx: &mut Read<'_>, viewer: &Viewer, asked: &mut Asked) -> Result<Ends, Error> {
    let mut all = Vec::new();
    for ids in asked.chunks(Family::Case) {
        let found: Ends = cases::table
            .filter(cases::id.eq_any(ids))
            .filter(shared_with!(cases, viewer))
            .select((cases::id, cases::individual_id, cases::organisation_id))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, individual, _) in &all {
        asked.add(Family::Individual, individual.clone());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_hidden_record_is_not_named() {
        let seen = Seen(HashMap::from([((Family::Statement, "a".to_owned()), None)]));
        let mut change =
            json!({"from": [], "to": [{"kind": "reply", "statement_id": "a"}, {"kind": "reply", "statement_id": "b"}]});
        assert_eq!(references("related", &change).len(), 2);
        assert!(seen.without_hidden("related", &mut change));
        assert_eq!(change["to"], json!([{"kind": "reply", "statement_id": "a"}]));
        assert!(!seen.without_hidden("source_id", &mut json!({"from": null, "to": "c"})));
    }
}
