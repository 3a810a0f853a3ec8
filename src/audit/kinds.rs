//! Which records a reader may see the history of. A retired record is out of the lists, not out of the ledger: its
//! entries are for whoever could see the record.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::Value;

use crate::access::accounts::AccountRow;
use crate::access::clients::ClientRow;
use crate::access::ledger::{Classes, EntryRow, Record};
use crate::access::sharing::TeamRow;
use crate::access::signing::SigningKeyRow;
use crate::access::{Read, Viewer};
use crate::base::error::Error;
use crate::base::words::Sharing;
use crate::cases::{CaseRow, FactRow};
use crate::individuals::IndividualRow;
use crate::individuals::consent::{ConsentRow, OverrideRow};
use crate::individuals::judgements::JudgementRow;
use crate::individuals::merges::MergeRow;
use crate::individuals::relations::RelationRow;
use crate::organisations::OrganisationRow;
use crate::schema::{
    cases, facts, individuals, judgements, mentions, merges, relations, sources, statements, submissions, team_members,
};
use crate::sources::SourceRow;
use crate::statements::{MentionRow, StatementRow};
use crate::store::IN_ONE_QUERY;
use crate::submissions::SubmissionRow;
use crate::{
    facts_shared_with, individuals_of_own_teams, individuals_shared_with, shared_with, submissions_shared_with,
};

/// What decides who may see a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// Nothing: whoever reads the ledger.
    Open,
    Source,
    Individual,
    /// What lies between two people: a relation, a judgement, a merge.
    Relation,
    Case,
    Fact,
    Submission,
    /// What is told to those inside alone, of a record that they see: its team, the consents of a person.
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
        told::<ClientRow>(Family::Open),
        told::<SigningKeyRow>(Family::Open),
        told::<SourceRow>(Family::Source),
        told::<IndividualRow>(Family::Individual),
        told::<RelationRow>(Family::Relation),
        told::<JudgementRow>(Family::Relation),
        told::<MergeRow>(Family::Relation),
        told::<CaseRow>(Family::Case),
        told::<FactRow>(Family::Fact),
        told::<SubmissionRow>(Family::Submission),
        told::<TeamRow>(Family::Team),
        told::<StatementRow>(Family::Statement),
        told::<MentionRow>(Family::Mention),
        told::<ConsentRow>(Family::Team),
        told::<OverrideRow>(Family::Team),
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

/// The records, of those asked for, that a reader may see. A retired one is seen by those inside alone.
pub(super) struct Seen(HashMap<(Family, String), Told>, HashSet<String>);

/// What decides which entries of a record are shown.
struct Told {
    owner: Option<String>,
    /// Who may see it now.
    level: Sharing,
}

impl Seen {
    pub(super) fn load(tx: &mut Read<'_>, mut asked: Asked) -> Result<Self, Error> {
        let viewer = tx.viewer();
        let teams: Vec<String> = team_members::table
            .filter(team_members::account_id.eq_any(viewer.on_teams_as()))
            .select(team_members::record_id)
            .load(tx.conn())?;
        let mut seen = Self(HashMap::new(), teams.into_iter().collect());
        for chunk in asked.chunks(Family::Team) {
            for id in chunk {
                asked.add(Family::Case, id.clone());
                asked.add(Family::Source, id.clone());
                asked.add(Family::Statement, id.clone());
                asked.add(Family::Individual, id);
            }
        }
        let (relations, mentions) = (
            relation_ends(tx, &viewer, &mut asked)?,
            mention_ends(tx, &viewer, &mut asked)?,
        );
        let facts = shared_facts(tx, &viewer, &mut asked)?;
        let submissions = shared_submissions(tx, &viewer, &mut asked)?;
        let cases = shared_cases(tx, &viewer, &mut asked)?;
        seen.add_sources(tx, &viewer, &asked)?;
        seen.add_individuals(tx, &viewer, &asked)?;
        seen.add_statements(tx, &viewer, &asked)?;
        for (id, individual, owner, level) in cases {
            if seen.has(Family::Individual, &individual) {
                seen.put(Family::Case, id, Some(owner), level);
            }
        }
        for (id, one, other, owner) in relations {
            let ends = [(Family::Individual, one), (Family::Individual, other)];
            seen.put_between(Family::Relation, id, ends, owner);
        }
        for (id, statement, individual) in mentions {
            let ends = [(Family::Statement, statement), (Family::Individual, individual)];
            seen.put_between(Family::Mention, id, ends, None);
        }
        for (id, case, owner, level) in facts {
            if seen.has(Family::Case, &case) {
                seen.put(Family::Fact, id, Some(owner), level);
            }
        }
        for (id, case, level) in submissions {
            if seen.has(Family::Case, &case) {
                seen.put(Family::Submission, id, None, level);
            }
        }
        Ok(seen)
    }

    fn put(&mut self, family: Family, id: String, owner: Option<String>, level: Sharing) {
        self.0.insert((family, id), Told { owner, level });
    }

    /// What lies between two records is seen with both, at the more closed of their levels.
    fn put_between(&mut self, family: Family, id: String, ends: [(Family, String); 2], owner: Option<String>) {
        let levels = ends.map(|end| self.0.get(&end).map(|told| told.level));
        if let [Some(one), Some(other)] = levels {
            self.put(family, id, owner, one.max(other));
        }
    }

    pub(super) fn has(&self, family: Family, id: &str) -> bool {
        match family {
            Family::Open => true,
            Family::Team => self.under(id).is_some(),
            _ => self.0.contains_key(&(family, id.to_owned())),
        }
    }

    /// The record of that id whose team is asked about.
    fn under(&self, id: &str) -> Option<&Told> {
        let families = [Family::Source, Family::Individual, Family::Case, Family::Statement];
        families.iter().find_map(|family| self.0.get(&(*family, id.to_owned())))
    }

    /// Whether the reader is on the team of the entry's record, or of what it is part of.
    pub(super) fn on_team(&self, entry: &EntryRow) -> bool {
        let parent = entry.parent_id.as_ref();
        self.1.contains(&entry.record_id) || parent.is_some_and(|parent| self.1.contains(parent))
    }

    /// The organisation that owns the record.
    pub(super) fn owner(&self, family: Family, id: &str) -> Option<&str> {
        self.0
            .get(&(family, id.to_owned()))
            .and_then(|told| told.owner.as_deref())
    }

    /// Who may see the record now.
    pub(super) fn level(&self, family: Family, id: &str) -> Sharing {
        let told = match family {
            Family::Open => return Sharing::Public,
            Family::Team => self.under(id),
            _ => self.0.get(&(family, id.to_owned())),
        };
        told.map_or(Sharing::Public, |told| told.level)
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
            let found: Vec<(String, String, Sharing)> = sources::table
                .filter(sources::id.eq_any(ids))
                .filter(shared_with!(sources, viewer))
                .filter(sources::retired_at.is_null().or(inside(viewer).into_sql::<Bool>()))
                .select((sources::id, sources::organisation_id, sources::sharing))
                .load(tx.conn())?;
            self.keep(Family::Source, found);
        }
        Ok(())
    }

    fn add_individuals(&mut self, tx: &mut Read<'_>, viewer: &Viewer, asked: &Asked) -> Result<(), Error> {
        for ids in asked.chunks(Family::Individual) {
            let found: Vec<(String, String, Sharing)> = individuals::table
                .filter(individuals::id.eq_any(ids))
                .filter(individuals_shared_with!(viewer).or(individuals_of_own_teams!(viewer)))
                .filter(individuals::retired_at.is_null().or(inside(viewer).into_sql::<Bool>()))
                .select((individuals::id, individuals::organisation_id, individuals::sharing))
                .load(tx.conn())?;
            self.keep(Family::Individual, found);
        }
        Ok(())
    }

    fn add_statements(&mut self, tx: &mut Read<'_>, viewer: &Viewer, asked: &Asked) -> Result<(), Error> {
        for ids in asked.chunks(Family::Statement) {
            let found: Vec<(String, String, Sharing)> = statements::table
                .filter(statements::id.eq_any(ids))
                .filter(shared_with!(statements, viewer))
                .filter(statements::retired_at.is_null().or(inside(viewer).into_sql::<Bool>()))
                .select((statements::id, statements::organisation_id, statements::sharing))
                .load(tx.conn())?;
            self.keep(Family::Statement, found);
        }
        Ok(())
    }

    fn keep(&mut self, family: Family, found: Vec<(String, String, Sharing)>) {
        for (id, owner, level) in found {
            self.put(family, id, Some(owner), level);
        }
    }
}

/// Whether retired records are there for the reader.
fn inside(viewer: &Viewer) -> bool {
    viewer.sees(Sharing::Internal, None)
}

/// Id, the record on which it depends, owner and level.
type Part = (String, String, String, Sharing);
type Ends = Vec<(String, String, String)>;

/// Id, the two people, and the owner, where it has one.
type Between = (String, String, String, Option<String>);

fn relation_ends(tx: &mut Read<'_>, viewer: &Viewer, asked: &mut Asked) -> Result<Vec<Between>, Error> {
    let mut all: Vec<Between> = Vec::new();
    for ids in asked.chunks(Family::Relation) {
        let judged: Ends = judgements::table
            .filter(judgements::id.eq_any(ids.clone()))
            .select((judgements::id, judgements::individual_id, judgements::other_id))
            .load(tx.conn())?;
        let merged: Ends = merges::table
            .filter(merges::id.eq_any(ids.clone()))
            .select((merges::id, merges::individual_id, merges::other_id))
            .load(tx.conn())?;
        let unowned = judged.into_iter().chain(merged);
        all.extend(unowned.map(|(id, one, other)| (id, one, other, None)));
        let found: Vec<Between> = relations::table
            .filter(relations::id.eq_any(ids))
            .filter(relations::retired_at.is_null().or(inside(viewer).into_sql::<Bool>()))
            .select((
                relations::id,
                relations::individual_id,
                relations::other_id,
                relations::organisation_id.nullable(),
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

fn mention_ends(tx: &mut Read<'_>, viewer: &Viewer, asked: &mut Asked) -> Result<Ends, Error> {
    let mut all = Vec::new();
    for ids in asked.chunks(Family::Mention) {
        let found: Ends = mentions::table
            .filter(mentions::id.eq_any(ids))
            .filter(mentions::retired_at.is_null().or(inside(viewer).into_sql::<Bool>()))
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
fn shared_facts(tx: &mut Read<'_>, viewer: &Viewer, asked: &mut Asked) -> Result<Vec<Part>, Error> {
    let mut all: Vec<Part> = Vec::new();
    for ids in asked.chunks(Family::Fact) {
        let found: Vec<Part> = facts::table
            .filter(facts::id.eq_any(ids))
            .filter(facts_shared_with!(viewer))
            .select((facts::id, facts::case_id, facts::organisation_id, facts::sharing))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, case, _, _) in &all {
        asked.add(Family::Case, case.clone());
    }
    Ok(all)
}

/// Submissions that are shared with the viewer, with their case, on which they depend too.
fn shared_submissions(
    tx: &mut Read<'_>,
    viewer: &Viewer,
    asked: &mut Asked,
) -> Result<Vec<(String, String, Sharing)>, Error> {
    let mut all: Vec<(String, String, Sharing)> = Vec::new();
    for ids in asked.chunks(Family::Submission) {
        let found: Vec<(String, String, Sharing)> = submissions::table
            .filter(submissions::id.eq_any(ids))
            .filter(submissions_shared_with!(viewer))
            .select((submissions::id, submissions::case_id, submissions::sharing))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, case, _) in &all {
        asked.add(Family::Case, case.clone());
    }
    Ok(all)
}

/// Cases that are shared with the viewer, with their individual, on whom it depends too, and their owner.
fn shared_cases(tx: &mut Read<'_>, viewer: &Viewer, asked: &mut Asked) -> Result<Vec<Part>, Error> {
    let mut all: Vec<Part> = Vec::new();
    for ids in asked.chunks(Family::Case) {
        let found: Vec<Part> = cases::table
            .filter(cases::id.eq_any(ids))
            .filter(shared_with!(cases, viewer))
            .filter(cases::retired_at.is_null().or(inside(viewer).into_sql::<Bool>()))
            .select((cases::id, cases::individual_id, cases::organisation_id, cases::sharing))
            .load(tx.conn())?;
        all.extend(found);
    }
    for (_, individual, _, _) in &all {
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
        let seen = {
            let mut seen = Seen(HashMap::new(), HashSet::new());
            seen.put(Family::Statement, "a".to_owned(), None, Sharing::Public);
            seen
        };
        let mut change =
            json!({"from": [], "to": [{"kind": "reply", "statement_id": "a"}, {"kind": "reply", "statement_id": "b"}]});
        assert_eq!(references("related", &change).len(), 2);
        assert!(seen.without_hidden("related", &mut change));
        assert_eq!(change["to"], json!([{"kind": "reply", "statement_id": "a"}]));
        assert!(!seen.without_hidden("source_id", &mut json!({"from": null, "to": "c"})));
    }
}
