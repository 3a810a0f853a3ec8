//! What an answer names beside itself. A record may rest on one that its reader may not see: the id of that would tell
//! that it is there. So the door takes such ids out of every answer, whatever room made it.

use std::collections::HashSet;

use diesel::prelude::*;
use serde_json::Value;

use crate::access::viewer::Viewer;
use crate::base::error::Error;
use crate::base::id::{SourceId, StatementId};
use crate::base::patch::Patch;
use crate::schema::{facts, sources, statements};
use crate::store::{Conn, IN_ONE_QUERY};
use crate::{facts_shared_with, shared_with};

/// What a field refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Where something comes from.
    Source,
    /// The text that a source is of.
    Statement,
    /// A fact of the same case.
    Fact,
}

/// An id by which a record that is patched refers to another.
pub trait Reference: ToString {
    /// What to.
    const TO: To;
}

impl Reference for SourceId {
    const TO: To = To::Source;
}

impl Reference for StatementId {
    const TO: To = To::Statement;
}

/// The fields that hold the id of another record, which may be hidden where theirs is not.
const FIELDS: &[(&str, To)] = &[
    ("source_id", To::Source),
    ("statement_id", To::Statement),
    ("supersedes", To::Fact),
    ("superseded_by", To::Fact),
];

/// Whether a field holds ids of other records: whether it changed is known only to who may see those.
#[must_use]
pub fn is_reference(field: &str) -> bool {
    field == "related" || FIELDS.iter().any(|(name, _)| *name == field)
}

/// Takes out of a body the ids of what this reader may not see.
///
/// # Errors
/// What the database says.
pub fn conceal(conn: &mut Conn, viewer: &Viewer, body: &mut Value) -> Result<(), Error> {
    for to in [To::Source, To::Statement, To::Fact] {
        let mut named = HashSet::new();
        each(body, to, &mut |id| {
            if let Value::String(id) = id {
                named.insert(id.clone());
            }
        });
        if named.is_empty() {
            continue;
        }
        let seen = seen(conn, viewer, to, named)?;
        if to == To::Fact {
            conceal_reasons(body, &seen);
        }
        each(body, to, &mut |id| {
            if id.as_str().is_some_and(|id| !seen.contains(id)) {
                *id = Value::Null;
            }
        });
    }
    Ok(())
}

/// Why a hidden fact was replaced speaks of that fact.
fn conceal_reasons(body: &mut Value, seen: &HashSet<String>) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(|item| conceal_reasons(item, seen)),
        Value::Object(fields) => {
            let hidden = fields
                .get("supersedes")
                .and_then(Value::as_str)
                .is_some_and(|id| !seen.contains(id));
            if hidden && let Some(reason) = fields.get_mut("reason") {
                *reason = Value::Null;
            }
            fields.values_mut().for_each(|value| conceal_reasons(value, seen));
        }
        _ => {}
    }
}

/// A change of a reference as far as this reader may make it: null from someone who is shown null already, as they may
/// not see what is there, leaves it.
///
/// # Errors
/// What the database says.
pub fn keep_hidden<I: Reference>(
    conn: &mut Conn,
    viewer: &Viewer,
    before: Option<&I>,
    given: Patch<I>,
) -> Result<Patch<I>, Error> {
    match (&given, before) {
        (Patch::Null, Some(id)) if seen(conn, viewer, I::TO, HashSet::from([id.to_string()]))?.is_empty() => {
            Ok(Patch::Absent)
        }
        _ => Ok(given),
    }
}

/// Refuses, at `pointer`, a statement that this reader may not see or that is not there.
///
/// # Errors
/// `invalid`.
pub fn assert_statement(conn: &mut Conn, viewer: &Viewer, id: &str, pointer: &str) -> Result<(), Error> {
    if seen(conn, viewer, To::Statement, HashSet::from([id.to_owned()]))?.is_empty() {
        return Err(Error::invalid(pointer, "no such statement"));
    }
    Ok(())
}

/// Every value in the body that refers to that.
fn each(body: &mut Value, to: To, work: &mut impl FnMut(&mut Value)) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, to, work)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if FIELDS.contains(&(name.as_str(), to)) {
                    work(value);
                }
                each(value, to, work);
            }
        }
        _ => {}
    }
}

fn seen(conn: &mut Conn, viewer: &Viewer, to: To, named: HashSet<String>) -> Result<HashSet<String>, Error> {
    let named: Vec<String> = named.into_iter().collect();
    let mut found = HashSet::new();
    for ids in named.chunks(IN_ONE_QUERY) {
        found.extend(match to {
            To::Source => sources_seen(conn, viewer, ids)?,
            To::Statement => statements_seen(conn, viewer, ids)?,
            To::Fact => facts_seen(conn, viewer, ids)?,
        });
    }
    Ok(found)
}

/// Retired ones too: what rests on them still does.
fn sources_seen(conn: &mut Conn, viewer: &Viewer, ids: &[String]) -> Result<Vec<String>, Error> {
    Ok(sources::table
        .filter(sources::id.eq_any(ids.to_vec()))
        .filter(shared_with!(sources, viewer))
        .select(sources::id)
        .load(conn)?)
}

fn statements_seen(conn: &mut Conn, viewer: &Viewer, ids: &[String]) -> Result<Vec<String>, Error> {
    Ok(statements::table
        .filter(statements::id.eq_any(ids.to_vec()))
        .filter(shared_with!(statements, viewer))
        .select(statements::id)
        .load(conn)?)
}

/// Facts are named by facts of the same case alone, which the reader sees: what is left to ask is their own level.
fn facts_seen(conn: &mut Conn, viewer: &Viewer, ids: &[String]) -> Result<Vec<String>, Error> {
    Ok(facts::table
        .filter(facts::id.eq_any(ids.to_vec()))
        .filter(facts_shared_with!(viewer))
        .select(facts::id)
        .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_reference_in_a_body_is_found() {
        let mut body = json!({"items": [{"source_id": "a", "fact": {"source_id": "b", "supersedes": null}}], "source_id": "c", "id": "d"});
        let mut named = Vec::new();
        each(&mut body, To::Source, &mut |id| named.push(id.clone()));
        assert_eq!(named, [json!("a"), json!("b"), json!("c")]);
    }
}
