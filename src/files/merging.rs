//! Two records of one person become one, and two again: what must hold, and what is done. What it costs is in
//! `docs/adr/0004-merge-and-undo.md`.

use diesel::prelude::*;
use serde_json::Value;

use crate::access::ledger::Record;
use crate::access::sharing::TeamRow;
use crate::access::{Read, Write};
use crate::base::error::{Code, Error};
use crate::base::id::{IndividualId, MergeId};
use crate::base::kept::Kept;
use crate::base::text::{Line, Listed};
use crate::base::words::{Sharing, Verdict};
use crate::files::moving;
use crate::files::provenance::{Likeness, Traced, beginning, followed, split};
use crate::individuals::consent;
use crate::individuals::judgements;
use crate::individuals::merges::{MergeRow, why};
use crate::individuals::{Identifier, IndividualRow, Name, case_levels};
use crate::names;
use crate::schema::{individuals, ledger_entries, ledger_payloads};

fn conflict(detail: &str) -> Error {
    Error::new(Code::Conflict, detail)
}

fn team_of(tx: &mut Read<'_>, row: &IndividualRow) -> Result<Vec<String>, Error> {
    let team = TeamRow::of(tx.conn(), row.id.as_str())?;
    let mut team: Vec<String> = team.into_iter().map(|row| row.account_id.to_string()).collect();
    team.sort();
    Ok(team)
}

/// Refuses a merge by which somebody would be shown what they could not see before. It rests on nothing that the caller
/// does not see: cases that are hidden from those inside are restricted, and so more closed than any person who is not.
fn assert_fits(tx: &mut Read<'_>, kept: &IndividualRow, other: &IndividualRow) -> Result<(), Error> {
    if kept.id == other.id {
        return Err(Error::invalid("/other_id", "must be another person"));
    }
    if kept.organisation_id != other.organisation_id {
        return Err(conflict("they are held by different organisations"));
    }
    if kept.sharing < other.sharing {
        return Err(conflict(
            "the kept person is more open: make them as closed as the other first",
        ));
    }
    let levels = case_levels(tx, &other.id)?;
    if levels.into_iter().any(|(_, level)| level < kept.sharing) {
        return Err(conflict(
            "a case of the other is more open than the kept person: make the case stricter first",
        ));
    }
    let (ours, theirs) = (team_of(tx, kept)?, team_of(tx, other)?);
    let restricted = [kept.sharing, other.sharing].contains(&Sharing::Restricted);
    let same = if restricted {
        ours == theirs
    } else {
        ours.iter().all(|account| theirs.contains(account))
    };
    if !same {
        return Err(conflict(
            "somebody on the team of one is not on that of the other: put them there first",
        ));
    }
    let judged = judgements::standing(tx, &kept.id, &other.id)?;
    if judged.is_some_and(|row| row.verdict == Verdict::Different) {
        return Err(conflict("they were judged to be two people: withdraw that first"));
    }
    Ok(())
}

/// Merges the other into the kept person: what is the other's follows, and the other is retired.
///
/// # Errors
/// `conflict` where it would show somebody what they could not see.
pub fn merge(tx: &mut Write<'_>, kept: &IndividualRow, other: &IndividualRow, reason: Line) -> Result<MergeRow, Error> {
    assert_fits(tx, kept, other)?;
    let id = MergeId::from_uuid(tx.uuid());
    let at = consent::moment(tx, &kept.id)?.max(consent::moment(tx, &other.id)?);
    let moved = moving::to_kept(tx, kept, other, &why(&id))?;
    let after = IndividualRow {
        names: joined(kept.names.items(), &moved.names),
        identifiers: joined(kept.identifiers.items(), &moved.identifiers),
        ..kept.clone()
    };
    let after = tx.change(kept, after.checked()?, "changed", Some(why(&id)))?;
    let gone = IndividualRow {
        retired_at: Some(tx.now()),
        ..other.clone()
    };
    tx.change(other, gone, "retired", Some(why(&id)))?;
    let row = MergeRow {
        id,
        individual_id: kept.id.clone(),
        other_id: other.id.clone(),
        reason,
        moved: Kept::new(moved)?,
        merged_by: tx.viewer().account_id,
        merged_at: at,
        undone_by: None,
        undone_at: None,
        undo_reason: None,
    };
    tx.create(&row)?;
    // From now on both must have consented to what is shown of the one.
    consent::settle(tx, &after)?;
    Ok(row)
}

fn joined<T: Clone + serde::Serialize>(own: &[T], more: &[T]) -> Listed<T> {
    Listed::new(own.iter().chain(more).cloned().collect())
}

/// Splits the two again: what had come with the merge goes back as it now stands, what was added since stays.
///
/// # Errors
/// `conflict` where it was undone already, or a case would be more open than its person.
pub fn undo(tx: &mut Write<'_>, row: &MergeRow, reason: Line) -> Result<MergeRow, Error> {
    if !row.stands() {
        return Err(conflict("that merge was undone already"));
    }
    let kept = crate::individuals::find(tx, &row.individual_id)?;
    let other = retired(tx, &row.other_id)?;
    let at = consent::moment(tx, &kept.id)?.max(consent::moment(tx, &other.id)?);
    moving::back(tx, (&kept.id, &other), row.moved.value(), &why(&row.id))?;
    let (ours, theirs) = lists(tx, row, &kept, &other)?;
    let kept = tx.change(&kept, ours.checked()?, "changed", Some(why(&row.id)))?;
    let other = tx.change(&other, theirs.checked()?, "changed", Some(why(&row.id)))?;
    let after = MergeRow {
        undone_by: Some(tx.viewer().account_id),
        undone_at: Some(at),
        undo_reason: Some(reason),
        ..row.clone()
    };
    let after = tx.save(row, after)?;
    consent::settle(tx, &kept)?;
    consent::settle(tx, &other)?;
    Ok(after)
}

/// The record that was merged, which only the merge speaks of.
fn retired(tx: &mut Read<'_>, id: &IndividualId) -> Result<IndividualRow, Error> {
    let found = individuals::table
        .filter(individuals::id.eq(id.clone()))
        .select(individuals::all_columns)
        .first(tx.conn())
        .optional()?;
    tx.sound_one(id.as_str(), found)
}

/// The two as they are to be, each with its names and identifiers.
fn lists(
    tx: &mut Read<'_>,
    row: &MergeRow,
    kept: &IndividualRow,
    other: &IndividualRow,
) -> Result<(IndividualRow, IndividualRow), Error> {
    let moved = row.moved.value();
    let versions = versions_since(tx, row)?;
    let now = traced(&versions, "names", (&moved.names, kept.names.items()), alike);
    let (ours, became) = split(&now, moved.names.len());
    let theirs = given_back(other.names.items(), &moved.names, &became, |one, came| {
        one.text == came.text
    });
    let theirs = theirs.into_iter().map(|(name, was)| Name {
        // Which name is shown is each record's own.
        preferred: was.preferred,
        ..name
    });
    let now = traced(
        &versions,
        "identifiers",
        (&moved.identifiers, kept.identifiers.items()),
        of_one_register,
    );
    let (ours_there, became) = split(&now, moved.identifiers.len());
    let theirs_there = given_back(other.identifiers.items(), &moved.identifiers, &became, PartialEq::eq);
    let theirs_there = theirs_there.into_iter().map(|(identifier, _)| identifier);
    let first = |names: Vec<Name>, before: &IndividualRow| {
        // Nobody is without a name: where all were taken away, those from before stand.
        if names.is_empty() {
            before.names.clone()
        } else {
            Listed::new(names)
        }
    };
    Ok((
        IndividualRow {
            names: first(ours, kept),
            identifiers: Listed::new(ours_there),
            ..kept.clone()
        },
        IndividualRow {
            names: first(theirs.collect(), other),
            identifiers: Listed::new(theirs_there.collect()),
            retired_at: None,
            ..other.clone()
        },
    ))
}

/// A list that was merged, with what has become of each item that came with the merge; beside each what it was.
fn given_back<T: Clone>(before: &[T], moved: &[T], became: &[Option<T>], same: impl Fn(&T, &T) -> bool) -> Vec<(T, T)> {
    let now = before.iter().map(|item| {
        let came = moved.iter().position(|came| same(item, came));
        let now = match came {
            None => Some(item.clone()),
            Some(index) => became.get(index).cloned().flatten(),
        };
        now.map(|now| (now, item.clone()))
    });
    now.flatten().collect()
}

/// What the ledger says of the kept person since the merge, that first: the fields that changed, one after the other.
fn versions_since(tx: &mut Read<'_>, row: &MergeRow) -> Result<Vec<Value>, Error> {
    let found: Vec<(String, Option<String>)> = ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::record_kind.eq(IndividualRow::KIND))
        .filter(ledger_entries::record_id.eq(row.individual_id.to_string()))
        .order(ledger_entries::position)
        .select((ledger_payloads::fields, ledger_payloads::reason))
        .load(tx.conn())?;
    let begun = why(&row.id);
    let since = found
        .into_iter()
        .skip_while(|(_, reason)| reason.as_deref() != Some(begun.as_str()));
    since
        .map(|(fields, _)| serde_json::from_str(&fields).map_err(Error::internal))
        .collect()
}

/// A list of the kept person as it now stands, with what of it had come with the merge.
fn traced<T>(versions: &[Value], field: &str, (moved, now): (&[T], &[T]), likeness: Likeness<T>) -> Traced<T>
where
    T: Clone + PartialEq + serde::de::DeserializeOwned,
{
    let mut lists = versions.iter().filter_map(|version| {
        let list = version.get(field)?.get("to")?;
        serde_json::from_value::<Vec<T>>(list.clone()).ok()
    });
    let first = if moved.is_empty() { None } else { lists.next() };
    let Some(first) = first else {
        return beginning(now, moved);
    };
    let traced = lists.fold(beginning(&first, moved), |traced, list| {
        followed(&traced, &list, likeness)
    });
    followed(&traced, now, likeness)
}

/// How alike two names are: of one text, or by how many words and letters they share.
fn alike(one: &Name, other: &Name) -> Option<u32> {
    let (one, other) = (names::fold(one.text.as_str()), names::fold(other.text.as_str()));
    if one == other {
        return Some(u32::MAX);
    }
    let pairs = |text: &str| -> Vec<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let (ours, theirs) = (pairs(&one), pairs(&other));
    let shared = ours.iter().filter(|pair| theirs.contains(pair)).count();
    let of_all = (2000 * shared).checked_div(ours.len() + theirs.len()).unwrap_or(0);
    u32::try_from(of_all).ok().filter(|share| *share >= 600)
}

/// The number in one register, corrected.
fn of_one_register(one: &Identifier, other: &Identifier) -> Option<u32> {
    (one.register == other.register).then_some(1)
}
