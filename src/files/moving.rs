//! What goes from one record of a person to the other, and back: each a change of its own in the ledger. What the caller
//! may not see goes with the rest, and nothing tells of it: a case or a text left behind would be lost with the record.

use std::collections::HashMap;

use crate::access::Write;
use crate::access::ledger::Record;
use crate::base::error::{Code, Error};
use crate::base::id::{IndividualId, StatementId};
use crate::base::words::MentionState;
use crate::cases::{self, CaseRow};
use crate::individuals::merges::{GaveWay, Moved};
use crate::individuals::{IndividualRow, MOST_NAMES};

use crate::individuals::relations::{every_relation_of, relations_still_of};
use crate::statements::{self, MentionRow};

/// Stores one of what goes along. One that was altered behind the program's back may be hidden from the caller, who is
/// not told which.
fn keep<R: Record>(tx: &mut Write<'_>, before: &R, after: R, why: &str) -> Result<(), Error> {
    match tx.change(before, after, "changed", Some(why.to_owned())) {
        Err(error) if error.code == Code::RecordAltered => Err(Error::unavailable()),
        done => done.map(drop),
    }
}

/// Where a mention stands.
fn place_of(row: &MentionRow) -> (StatementId, i32, i32) {
    (row.statement_id.clone(), row.start_at, row.end_at)
}

/// Moves all that is the other's to the kept person; the names and identifiers are still to be saved with that one.
pub fn to_kept(tx: &mut Write<'_>, kept: &IndividualRow, other: &IndividualRow, why: &str) -> Result<Moved, Error> {
    let mut moved = Moved::default();
    for case in cases::every_case_of(tx, &other.id)? {
        let after = CaseRow {
            individual_id: kept.id.clone(),
            ..case.clone()
        };
        moved.cases.push(case.id.clone());
        keep(tx, &case, after, why)?;
    }
    for relation in every_relation_of(tx, &other.id)? {
        // What the two were to each other waits until they are two again.
        if !relation.is_between(&kept.id, &other.id) {
            moved.relations.push(relation.id.clone());
            keep(tx, &relation, relation.with_end(&other.id, &kept.id), why)?;
        }
    }
    mentions_to_kept(tx, (&kept.id, &other.id), why, &mut moved)?;
    let known = |text: &str| kept.names.items().iter().any(|name| name.text.as_str() == text);
    let has_preferred = kept.names.items().iter().any(|name| name.preferred);
    let new = other.names.items().iter().filter(|name| !known(name.text.as_str()));
    moved.names = new.cloned().collect();
    for name in &mut moved.names {
        name.preferred &= !has_preferred;
    }
    let theirs = other.identifiers.items().iter();
    let new = theirs.filter(|one| !kept.identifiers.items().contains(one));
    moved.identifiers = new.cloned().collect();
    if kept.names.items().len() + moved.names.len() > MOST_NAMES
        || kept.identifiers.items().len() + moved.identifiers.len() > MOST_NAMES
    {
        let detail = format!("together they have more than {MOST_NAMES} names or identifiers");
        return Err(Error::new(Code::Conflict, detail));
    }
    Ok(moved)
}

/// Two mentions at one place become one: the confirmed one, or else the kept person's. The other one waits.
fn mentions_to_kept(
    tx: &mut Write<'_>,
    (kept, other): (&IndividualId, &IndividualId),
    why: &str,
    moved: &mut Moved,
) -> Result<(), Error> {
    let own = statements::every_mention_of(tx, kept)?;
    let own: HashMap<_, _> = own.into_iter().map(|row| (place_of(&row), row)).collect();
    for row in statements::every_mention_of(tx, other)? {
        if let Some(there) = own.get(&place_of(&row)) {
            if row.state != MentionState::Confirmed || there.state == MentionState::Confirmed {
                continue;
            }
            let after = MentionRow {
                retired_at: Some(tx.now()),
                ..there.clone()
            };
            keep(tx, there, after, why)?;
            moved.gave_way.push(GaveWay {
                mention: there.id.clone(),
                to: row.id.clone(),
            });
        }
        let after = MentionRow {
            individual_id: kept.clone(),
            ..row.clone()
        };
        moved.mentions.push(row.id.clone());
        keep(tx, &row, after, why)?;
    }
    Ok(())
}

/// Moves back what had come and is still the kept person's, as it now stands. What somebody has since given to a third
/// person stays there, and so do mentions that were taken out of their text.
pub fn back(
    tx: &mut Write<'_>,
    (kept, other): (&IndividualId, &IndividualRow),
    moved: &Moved,
    why: &str,
) -> Result<(), Error> {
    for case in cases::still_of(tx, kept, &moved.cases)? {
        if case.sharing < other.sharing && case.retired_at.is_none() {
            let detail = "a case that goes back is more open than the person whose it is: make the case stricter first";
            return Err(Error::new(Code::Conflict, detail));
        }
        let after = CaseRow {
            individual_id: other.id.clone(),
            ..case.clone()
        };
        keep(tx, &case, after, why)?;
    }
    for relation in relations_still_of(tx, kept, &moved.relations)? {
        keep(tx, &relation, relation.with_end(kept, &other.id), why)?;
    }
    let came = statements::mentions_still_of(tx, kept, &moved.mentions)?;
    for row in &came {
        let after = MentionRow {
            individual_id: other.id.clone(),
            ..row.clone()
        };
        keep(tx, row, after, why)?;
    }
    let gave_way: Vec<_> = moved.gave_way.iter().map(|pair| pair.mention.clone()).collect();
    for row in statements::mentions_still_of(tx, kept, &gave_way)? {
        let to = moved.gave_way.iter().find(|pair| pair.mention == row.id);
        let there = came.iter().find(|came| to.is_some_and(|pair| pair.to == came.id));
        // Where the text has changed since, what gave way no longer stands in it.
        if there.is_some_and(|there| place_of(there) == place_of(&row) && there.retired_at.is_none()) {
            let after = MentionRow {
                retired_at: None,
                ..row.clone()
            };
            keep(tx, &row, after, why)?;
        }
    }
    Ok(())
}
