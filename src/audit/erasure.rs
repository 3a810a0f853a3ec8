//! Erasure of a person on lawful request. What was recorded of them and of their cases leaves the tables and the ledger's
//! payloads; entries stay, without what they held, so that the tree stays valid, and a tombstone says that there was
//! something. What issuers published about them stays as published; that it mentions them does not.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use actix_web::post;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::kinds::Family;
use super::{EntryOut, or_retired};
use crate::access::ledger::{Changes, EntryRow, Gone, Record};
use crate::access::{Allowed, Read, Write, may};
use crate::audit::soundness::{Last, last_of, tombstones_of};
use crate::base::error::{Code, Error};
use crate::base::id::IndividualId;
use crate::base::page::{Limit, Page};
use crate::base::text::Line;
use crate::base::words::Sharing;
use crate::cases::CaseRow;
use crate::individuals::judgements::JudgementRow;
use crate::individuals::merges::{MergeRow, all_in, every_of, why};
use crate::individuals::relations::RelationRow;
use crate::individuals::{self, IndividualRow};
use crate::schema::{
    altered_records, cases, consent_overrides, consents, facts, judgements, ledger_entries, ledger_payloads, mentions,
    merges, relations, submissions, team_members,
};
use crate::statements::MentionRow;
use crate::store::IN_ONE_QUERY;
use crate::web::{Json, Path, Reply, reply};

/// Why a person is erased. Neither may name them: both stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureIn {
    /// Why, in words; stands in the ledger.
    pub reason: Line,
    /// On what legal ground; stands on the tombstone.
    pub basis: Line,
}

/// Erase a person
///
/// On lawful request: the person, their cases, facts, relations, mentions, consents and teams, and all that the ledger held of
/// them. A tombstone stays. The texts of statements stay as published. Cannot be undone; repeat it where it answers 503.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("EraseIndividuals"))),
    request_body(content = ErasureIn, example = json!({"reason": "Asked for by the person", "basis": "GDPR, article 17"})),
    responses((status = 204, description = "Erased")))]
#[post("/individuals/{id}/erasure")]
pub async fn erase_individual(
    allowed: Allowed<may::EraseIndividuals>,
    id: Path<IndividualId>,
    body: Json<ErasureIn>,
) -> Reply {
    allowed
        .write(move |tx| {
            // A person who was altered behind the program's back has the same right; only who knew them is told.
            let known = tx.altered.clone();
            if let Some(found) = known.get(IndividualRow::KIND, id.0.as_str())
                && tx.knew(found, None)?
            {
                return erase(tx, &id.0, &body.0);
            }
            let found = individuals::find(tx, &id.0).map(drop);
            match or_retired(tx, Family::Individual, id.0.as_str(), found) {
                // Erased, or accepted as gone, which left what the ledger held.
                Err(error) if error.code == Code::NotFound && entry_of(tx, id.0.as_str())?.is_some() => {
                    erase(tx, &id.0, &body.0)
                }
                Err(error) => Err(error),
                Ok(()) => erase(tx, &id.0, &body.0),
            }
        })
        .await?;
    // Each process follows the ledger; what is left is in the files.
    allowed.door().scrub().await?;
    allowed.door().follow_altered().await?;
    Ok(reply::nothing())
}

/// Records by kind.
type Records = BTreeMap<String, BTreeSet<String>>;

fn erase(tx: &mut Write<'_>, id: &IndividualId, given: &ErasureIn) -> Result<(), Error> {
    let of = every_of(tx, id)?;
    if of.iter().any(|merge| merge.stands() && merge.other_id == *id) {
        let detail = "this record was merged into another of the same person: erase that one, or undo the merge first";
        return Err(Error::new(Code::Conflict, detail));
    }
    // Whoever was merged into the person is the person.
    let people = all_in(tx, id)?;
    forget_elsewhere(tx, &people, given)?;
    let (records, cases) = concerned(tx, &people)?;
    let mut gone = Vec::new();
    for (kind, ids) in &records {
        let ids: Vec<String> = ids.iter().cloned().collect();
        for ids in ids.chunks(IN_ONE_QUERY) {
            let last = last_of(tx.conn(), kind, ids)?;
            let (stones, holding) = (tombstones_of(tx.conn(), kind, ids)?, holding(tx, kind, ids)?);
            let done = |id: &String, last: &Last| last.kind == "erased" && stones.contains(id) && !holding.contains(id);
            let open: Vec<(String, Last)> = last.into_iter().filter(|(id, last)| !done(id, last)).collect();
            let named: Vec<String> = open.iter().map(|(id, _)| id.clone()).collect();
            forget(tx, kind, &named)?;
            gone.extend(open.into_iter().map(|(id, last)| Gone {
                kind: kind.clone(),
                id,
                parent: last.parent,
                level: last.level,
            }));
            let altered = altered_records::table.filter(altered_records::record_kind.eq(kind.clone()));
            diesel::delete(altered.filter(altered_records::record_id.eq_any(ids.to_vec()))).execute(tx.conn())?;
        }
    }
    remove(tx, &people, &cases)?;
    gone.sort_by(|one, other| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)));
    for one in gone {
        let reason = (one.kind == IndividualRow::KIND).then(|| given.reason.as_str().to_owned());
        tx.entomb(&one, given.basis.as_str(), reason)?;
    }
    Ok(())
}

/// Every record of the person, whether it is still in its table or not; and their cases. What was theirs for a while and
/// went to somebody else is that one's.
fn concerned(tx: &mut Read<'_>, people: &[IndividualId]) -> Result<(Records, Vec<String>), Error> {
    let mut records = Records::new();
    let mut add = |kind: &str, ids: Vec<String>| records.entry(kind.to_owned()).or_default().extend(ids);
    let ids: Vec<String> = people.iter().map(ToString::to_string).collect();
    let mut theirs: Vec<String> = cases::table
        .filter(cases::individual_id.eq_any(ids.clone()))
        .select(cases::id)
        .load(tx.conn())?;
    let entered: Vec<String> = ledger_entries::table
        .filter(ledger_entries::record_kind.eq(CaseRow::KIND))
        .filter(ledger_entries::parent_id.eq_any(ids.clone()))
        .select(ledger_entries::record_id)
        .load(tx.conn())?;
    theirs.extend(entered);
    theirs.sort();
    theirs.dedup();
    let elsewhere: Vec<String> = cases::table
        .filter(cases::individual_id.ne_all(ids.clone()))
        .filter(cases::id.eq_any(theirs.clone()))
        .select(cases::id)
        .load(tx.conn())?;
    theirs.retain(|id| !elsewhere.contains(id));
    add(IndividualRow::KIND, ids.clone());
    add(CaseRow::KIND, theirs.clone());
    let roots: Vec<String> = theirs.iter().chain(&ids).cloned().collect();
    for some in roots.chunks(IN_ONE_QUERY) {
        let parts: Vec<(String, String)> = ledger_entries::table
            .filter(ledger_entries::parent_id.eq_any(some.to_vec()))
            .select((ledger_entries::record_kind, ledger_entries::record_id))
            .distinct()
            .load(tx.conn())?;
        for (kind, part) in parts.into_iter().filter(|(_, part)| !elsewhere.contains(part)) {
            add(&kind, vec![part]);
        }
    }
    let mentioned: Vec<String> = mentions::table
        .filter(mentions::individual_id.eq_any(ids.clone()))
        .select(mentions::id)
        .load(tx.conn())?;
    add(MentionRow::KIND, mentioned);
    macro_rules! between {
        ($($table:ident: $row:ty),*) => {$(
            let ends = $table::individual_id.eq_any(ids.clone()).or($table::other_id.eq_any(ids.clone()));
            add(<$row>::KIND, $table::table.filter(ends).select($table::id).load(tx.conn())?);
        )*};
    }
    between!(relations: RelationRow, judgements: JudgementRow, merges: MergeRow);
    // Those that are in no table any more name the person in what was entered.
    let naming = [RelationRow::KIND, JudgementRow::KIND, MergeRow::KIND, MentionRow::KIND];
    for id in &ids {
        let named: Vec<(String, String)> = ledger_entries::table
            .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
            .filter(ledger_entries::record_kind.eq_any(naming))
            .filter(ledger_payloads::fields.like(format!("%{id}%")))
            .select((ledger_entries::record_kind, ledger_entries::record_id))
            .distinct()
            .load(tx.conn())?;
        for (kind, record) in named {
            add(&kind, vec![record]);
        }
    }
    leave_what_went_elsewhere(tx, &mut records, &ids)?;
    Ok((records, theirs))
}

/// Takes from those records the relations and mentions that are of other people now.
fn leave_what_went_elsewhere(tx: &mut Read<'_>, records: &mut Records, people: &[String]) -> Result<(), Error> {
    macro_rules! leave {
        ($kind:expr, $table:ident, $elsewhere:expr) => {
            if let Some(known) = records.get_mut($kind) {
                let all: Vec<String> = known.iter().cloned().collect();
                for some in all.chunks(IN_ONE_QUERY) {
                    let found: Vec<String> = $table::table
                        .filter($table::id.eq_any(some.to_vec()))
                        .filter($elsewhere)
                        .select($table::id)
                        .load(tx.conn())?;
                    for id in found {
                        known.remove(&id);
                    }
                }
            }
        };
    }
    let people = people.to_vec();
    leave!(
        RelationRow::KIND,
        relations,
        relations::individual_id
            .ne_all(people.clone())
            .and(relations::other_id.ne_all(people.clone()))
    );
    leave!(
        MentionRow::KIND,
        mentions,
        mentions::individual_id.ne_all(people.clone())
    );
    Ok(())
}

/// The kind by which a payload that was erased without its record is entered; its id is the position.
pub const PAYLOAD: &str = "payload";

/// Takes what the ledger holds of these people in the records of others with whom they were one for a while: their names.
/// Each payload leaves an entry of its own, and a tombstone.
fn forget_elsewhere(tx: &mut Write<'_>, people: &[IndividualId], given: &ErasureIn) -> Result<(), Error> {
    let mut asked: Vec<IndividualId> = people.to_vec();
    let mut looked = 0;
    while let Some(id) = asked.get(looked).cloned() {
        looked += 1;
        for merge in every_of(tx, &id)?.into_iter().filter(|merge| merge.other_id == id) {
            let kept = merge.individual_id.clone();
            if people.contains(&kept) {
                continue;
            }
            let positions = entered_while_one(tx, &merge)?;
            if positions.is_empty() {
                continue;
            }
            let row: IndividualRow = crate::schema::individuals::table
                .find(kept.clone())
                .select(crate::schema::individuals::all_columns)
                .first(tx.conn())?;
            // The last entry must hold what the record's digest is of.
            let (level, reason) = (row.sharing, "what was recorded of another person is erased".to_owned());
            tx.settle(&row, Changes::between(Some(&row), &row), (reason, level))?;
            for some in positions.chunks(IN_ONE_QUERY) {
                let payloads = ledger_payloads::table.filter(ledger_payloads::position.eq_any(some.to_vec()));
                diesel::delete(payloads).execute(tx.conn())?;
            }
            for position in positions {
                let gone = Gone {
                    kind: PAYLOAD.to_owned(),
                    id: position.to_string(),
                    parent: None,
                    level,
                };
                tx.entomb(&gone, given.basis.as_str(), None)?;
            }
            if !asked.contains(&kept) {
                asked.push(kept);
            }
        }
    }
    Ok(())
}

/// The entries of the kept person from a merge to its undoing, of which there is something left.
fn entered_while_one(tx: &mut Read<'_>, merge: &MergeRow) -> Result<Vec<i64>, Error> {
    let of = |kind: &str, id: String| {
        ledger_entries::record_kind
            .eq(kind.to_owned())
            .and(ledger_entries::record_id.eq(id))
    };
    let at: Vec<i64> = ledger_entries::table
        .filter(of(MergeRow::KIND, merge.id.to_string()))
        .order(ledger_entries::position)
        .select(ledger_entries::position)
        .load(tx.conn())?;
    let kept = || of(IndividualRow::KIND, merge.individual_id.to_string());
    let by_it: Vec<i64> = ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(kept())
        .filter(ledger_payloads::reason.eq(why(&merge.id)))
        .select(ledger_entries::position)
        .load(tx.conn())?;
    let all = || at.iter().chain(&by_it);
    let (Some(first), Some(last)) = (all().min(), all().max()) else {
        return Ok(Vec::new());
    };
    Ok(ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(kept())
        .filter(ledger_entries::position.between(*first, *last))
        .order(ledger_entries::position)
        .select(ledger_entries::position)
        .load(tx.conn())?)
}

/// Takes what the ledger held of these records; the entries stay.
fn forget(tx: &mut Read<'_>, kind: &str, ids: &[String]) -> Result<(), Error> {
    let entries = ledger_entries::table
        .filter(ledger_entries::record_kind.eq(kind.to_owned()))
        .filter(ledger_entries::record_id.eq_any(ids.to_vec()))
        .select(ledger_entries::position);
    diesel::delete(ledger_payloads::table.filter(ledger_payloads::position.eq_any(entries))).execute(tx.conn())?;
    Ok(())
}

/// Those of these records of which the ledger holds more than that they are gone.
fn holding(tx: &mut Read<'_>, kind: &str, ids: &[String]) -> Result<HashSet<String>, Error> {
    let found: Vec<String> = ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::record_kind.eq(kind.to_owned()))
        .filter(ledger_entries::record_id.eq_any(ids.to_vec()))
        .filter(ledger_entries::kind.ne("erased"))
        .select(ledger_entries::record_id)
        .distinct()
        .load(tx.conn())?;
    Ok(found.into_iter().collect())
}

/// Takes the rows, parts first. A room with a table of its own on a person adds a line here.
fn remove(tx: &mut Read<'_>, people: &[IndividualId], theirs: &[String]) -> Result<(), Error> {
    let conn = tx.conn();
    for some in theirs.chunks(IN_ONE_QUERY) {
        diesel::delete(facts::table.filter(facts::case_id.eq_any(some.to_vec()))).execute(conn)?;
        diesel::delete(team_members::table.filter(team_members::record_id.eq_any(some.to_vec()))).execute(conn)?;
        diesel::delete(submissions::table.filter(submissions::case_id.eq_any(some.to_vec()))).execute(conn)?;
    }
    let ids: Vec<String> = people.iter().map(ToString::to_string).collect();
    diesel::delete(team_members::table.filter(team_members::record_id.eq_any(ids.clone()))).execute(conn)?;
    macro_rules! of_people {
        ($($table:ident),*) => {$(
            diesel::delete($table::table.filter($table::individual_id.eq_any(ids.clone()))).execute(conn)?;
        )*};
    }
    of_people!(
        cases,
        mentions,
        relations,
        judgements,
        merges,
        consents,
        consent_overrides
    );
    diesel::delete(relations::table.filter(relations::other_id.eq_any(ids.clone()))).execute(conn)?;
    diesel::delete(judgements::table.filter(judgements::other_id.eq_any(ids.clone()))).execute(conn)?;
    diesel::delete(merges::table.filter(merges::other_id.eq_any(ids.clone()))).execute(conn)?;
    let people = crate::schema::individuals::table.filter(crate::schema::individuals::id.eq_any(ids));
    diesel::delete(people).execute(conn)?;
    Ok(())
}

/// The entry that a person was erased, for those inside who could see them.
fn entry_of(tx: &mut Read<'_>, id: &str) -> Result<Option<(EntryRow, Option<String>)>, Error> {
    let viewer = tx.viewer();
    if !viewer.sees(Sharing::Internal, None) {
        return Ok(None);
    }
    Ok(ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::record_kind.eq(IndividualRow::KIND))
        .filter(ledger_entries::record_id.eq(id.to_owned()))
        .filter(ledger_entries::kind.eq("erased"))
        .filter(ledger_entries::level.eq_any(viewer.levels().to_vec()))
        .order(ledger_entries::position.desc())
        .select((ledger_entries::all_columns, ledger_payloads::reason))
        .first(tx.conn())
        .optional()?)
}

/// The history of a person who was erased: that alone, for those inside who could see them.
///
/// # Errors
/// `not_found`.
pub(super) fn history(tx: &mut Read<'_>, id: &str) -> Result<Value, Error> {
    let (entry, reason) = entry_of(tx, id)?.ok_or_else(Error::not_found)?;
    let shown = EntryOut {
        at: entry.at,
        kind: entry.kind,
        record_kind: entry.record_kind,
        record_id: entry.record_id,
        actor_id: Some(entry.actor_id),
        client_id: Some(entry.client_id),
        reason: Some(reason),
        fields: serde_json::Map::new(),
    };
    let page = Page::of(vec![shown], Limit::default(), |entry| entry.record_id.clone());
    let page = page.try_map(|entry| serde_json::to_value(entry).map_err(Error::internal))?;
    Ok(page.into_value())
}
