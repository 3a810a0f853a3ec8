//! Whether records are as their last ledger entry says: for `verify`, which asks it of all at once, and for the sweep of
//! `serve`, which asks it of a few hundred a second, round and round, and keeps what it finds (`access/altered.rs`).

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde_json::{Map, Value};

use crate::access::accounts::AccountRow;
use crate::access::altered::{AlteredRow, What};
use crate::access::clients::ClientRow;
use crate::access::ledger::{self, Record};
use crate::access::sharing::TeamRow;
use crate::access::signing::SigningKeyRow;
use crate::access::{Door, secret};
use crate::base::error::Error;
use crate::base::time::UtcTime;
use crate::base::words::Sharing;
use crate::cases::{CaseRow, FactRow};
use crate::individuals::IndividualRow;
use crate::individuals::consent::{ConsentRow, OverrideRow};
use crate::individuals::judgements::JudgementRow;
use crate::individuals::merges::MergeRow;
use crate::individuals::relations::RelationRow;
use crate::organisations::OrganisationRow;
use crate::schema::{self, altered_records, ledger_entries, ledger_payloads, team_members, tombstones};
use crate::sources::SourceRow;
use crate::statements::{MentionRow, StatementRow};
use crate::store::Conn;
use crate::submissions::SubmissionRow;

/// How many entries are looked at in one go.
const ENTRIES: i64 = 500;

/// A record as stored, whatever its kind.
pub struct Stored {
    /// Its id.
    pub id: String,
    /// The record it is part of.
    parent: Option<String>,
    /// What its digest is of, and whether what is derived is what it must be; nothing where it cannot be read.
    content: Option<(String, bool)>,
}

impl Stored {
    fn of<R: Record>(row: &R) -> Self {
        Self {
            id: row.id(),
            parent: row.parent(),
            content: Some((ledger::whole_of(row), row.derives())),
        }
    }

    fn unreadable(id: String) -> Self {
        Self {
            id,
            parent: None,
            content: None,
        }
    }
}

/// The last entry of a record.
pub struct Last {
    /// created, changed, retired, retracted or erased.
    pub kind: String,
    /// Of the record as it then stood.
    pub digest: String,
    /// Who could see it.
    pub level: Sharing,
    /// The record it is part of.
    pub parent: Option<String>,
    /// The salt, where the payload is there.
    pub salt: Option<String>,
}

/// Whether an entry says that the record is in no table any more.
#[must_use]
pub fn says_gone(record_kind: &str, last: &Last) -> bool {
    last.kind == "erased" || (record_kind == TeamRow::KIND && last.kind == "retired")
}

/// In what way a record that is there is not as its last entry says.
#[must_use]
pub fn judged(record_kind: &str, stored: &Stored, last: Option<&Last>) -> Option<What> {
    let Some(last) = last else {
        return Some(What::Unknown);
    };
    if says_gone(record_kind, last) {
        return Some(What::Again);
    }
    let Some((whole, derives)) = &stored.content else {
        return Some(What::Unreadable);
    };
    match &last.salt {
        Some(salt) if secret::salted_digest(salt, whole) == last.digest => (!derives).then_some(What::Derived),
        _ => Some(What::Altered),
    }
}

/// Every kind of record in the ledger: its row, its table, and how many are read in one go. A team, whose key is of two
/// parts, is apart.
#[macro_export]
macro_rules! every_kind {
    ($each:ident!) => {
        $each! {
            OrganisationRow: organisations, 200;
            AccountRow: accounts, 200;
            ClientRow: clients, 200;
            SigningKeyRow: signing_keys, 200;
            SourceRow: sources, 200;
            IndividualRow: individuals, 200;
            ConsentRow: consents, 200;
            OverrideRow: consent_overrides, 200;
            RelationRow: relations, 200;
            JudgementRow: judgements, 200;
            MergeRow: merges, 50;
            CaseRow: cases, 200;
            FactRow: facts, 200;
            SubmissionRow: submissions, 50;
            // Each may hold a text of 2 MB.
            StatementRow: statements, 10;
            MentionRow: mentions, 200;
        }
    };
}

macro_rules! reading {
    ($($row:ty: $table:ident, $chunk:literal;)*) => {
        /// The kinds, in the order in which they are looked at.
        pub const KINDS: &[&str] = &[$(<$row as Record>::KIND,)* TeamRow::KIND];

        /// The records of a kind that follow that id: some of them, in the order of their ids.
        ///
        /// # Errors
        /// What the database says.
        pub fn chunk(conn: &mut Conn, kind: &str, after: &str) -> Result<Vec<Stored>, Error> {
            match kind {
                $(<$row as Record>::KIND => {
                    use schema::$table::dsl::{$table, id};
                    let ids: Vec<String> = $table.filter(id.gt(after.to_owned())).order(id).limit($chunk).select(id).load(conn)?;
                    let rows: QueryResult<Vec<$row>> =
                        $table.filter(id.eq_any(ids.clone())).order(id).select($table::all_columns()).load(conn);
                    match rows {
                        Ok(rows) => Ok(rows.iter().map(Stored::of).collect()),
                        // One by one, so that what cannot be read is found.
                        Err(diesel::result::Error::DeserializationError(_)) => ids.into_iter().map(|one| {
                            let row: QueryResult<$row> = $table.filter(id.eq(one.clone())).select($table::all_columns()).first(conn);
                            match row {
                                Ok(row) => Ok(Stored::of(&row)),
                                Err(diesel::result::Error::DeserializationError(_)) => Ok(Stored::unreadable(one)),
                                Err(error) => Err(error.into()),
                            }
                        }).collect(),
                        Err(error) => Err(error.into()),
                    }
                })*
                _ => teams(conn, after),
            }
        }

        /// Those of these records that are there.
        fn present(conn: &mut Conn, kind: &str, ids: &[String]) -> Result<HashSet<String>, Error> {
            let found: Vec<String> = match kind {
                $(<$row as Record>::KIND => {
                    use schema::$table::dsl::{$table, id};
                    $table.filter(id.eq_any(ids.to_vec())).select(id).load(conn)?
                })*
                _ => members(conn, ids)?,
            };
            Ok(found.into_iter().collect())
        }
    };
}

every_kind!(reading!);

fn teams(conn: &mut Conn, after: &str) -> Result<Vec<Stored>, Error> {
    let (record, account) = after.split_once('/').unwrap_or_default();
    let rows: Vec<TeamRow> = team_members::table
        .filter(
            team_members::record_id.gt(record.to_owned()).or(team_members::record_id
                .eq(record.to_owned())
                .and(team_members::account_id.gt(account.to_owned()))),
        )
        .order((team_members::record_id, team_members::account_id))
        .limit(200)
        .select(team_members::all_columns)
        .load(conn)?;
    Ok(rows.iter().map(Stored::of).collect())
}

fn members(conn: &mut Conn, ids: &[String]) -> Result<Vec<String>, Error> {
    let records: Vec<String> = ids
        .iter()
        .filter_map(|id| Some(id.split_once('/')?.0.to_owned()))
        .collect();
    let rows: Vec<TeamRow> = team_members::table
        .filter(team_members::record_id.eq_any(records))
        .select(team_members::all_columns)
        .load(conn)?;
    Ok(rows.iter().map(Record::id).collect())
}

/// The last entries of these records.
///
/// # Errors
/// What the database says.
pub fn last_of(conn: &mut Conn, kind: &str, ids: &[String]) -> Result<HashMap<String, Last>, Error> {
    type Found = (String, String, String, Sharing, Option<String>, Option<String>);
    let found: Vec<Found> = ledger_entries::table
        .left_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::record_kind.eq(kind.to_owned()))
        .filter(ledger_entries::record_id.eq_any(ids.to_vec()))
        .order(ledger_entries::position)
        .select((
            ledger_entries::record_id,
            ledger_entries::kind,
            ledger_entries::digest,
            ledger_entries::level,
            ledger_entries::parent_id,
            ledger_payloads::salt.nullable(),
        ))
        .load(conn)?;
    let last = found.into_iter().map(|(id, kind, digest, level, parent, salt)| {
        let last = Last {
            kind,
            digest,
            level,
            parent,
            salt,
        };
        (id, last)
    });
    Ok(last.collect())
}

/// The fields of a record as its entries say they are; nothing where the payload of one is gone.
///
/// # Errors
/// What the database says.
pub fn fields_by_ledger(conn: &mut Conn, kind: &str, id: &str) -> Result<Option<Map<String, Value>>, Error> {
    let found: Vec<Option<String>> = ledger_entries::table
        .left_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::record_kind.eq(kind.to_owned()))
        .filter(ledger_entries::record_id.eq(id.to_owned()))
        .order(ledger_entries::position)
        .select(ledger_payloads::fields.nullable())
        .load(conn)?;
    let mut known = Map::new();
    for payload in found {
        let Some(payload) = payload else { return Ok(None) };
        let changes: Map<String, Value> = serde_json::from_str(&payload).map_err(Error::internal)?;
        for (name, mut change) in changes {
            known.insert(name, change["to"].take());
        }
    }
    Ok(Some(known))
}

/// Where the sweep stands: at a kind, after an id; or, after the last kind, among the entries after a position.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    kind: usize,
    id: String,
    position: i64,
}

/// What one step has found.
struct Looked {
    altered: Vec<AlteredRow>,
    /// What was altered and is sound again.
    settled: Vec<(String, String)>,
    next: Sweep,
}

impl Sweep {
    /// Looks at a few hundred records and keeps what is found; true at the end of a round.
    ///
    /// # Errors
    /// What the database says.
    pub async fn step(&mut self, door: &Door) -> Result<bool, Error> {
        let (place, now) = (self.clone(), door.now());
        let mut looked = door.look(move |conn| place.looked(conn, now)).await?;
        if looked.has_news() {
            // Between two queries somebody may have written: among the writes, where nobody does, it is looked at again.
            let place = self.clone();
            looked = door
                .unguarded(move |conn| {
                    let looked = place.looked(conn, now)?;
                    keep(conn, &looked)?;
                    Ok(looked)
                })
                .await?;
            for row in &looked.altered {
                log::error!(
                    "{} {} is not as its ledger says: {:?}",
                    row.record_kind,
                    row.record_id,
                    row.what
                );
            }
            door.follow_altered().await?;
        }
        *self = looked.next;
        Ok(self.kind == 0 && self.id.is_empty() && self.position == 0)
    }

    fn looked(&self, conn: &mut Conn, now: UtcTime) -> Result<Looked, Error> {
        match KINDS.get(self.kind) {
            Some(kind) => look(conn, self, kind, now),
            None => look_for_missing(conn, self, now),
        }
    }

    /// A whole round.
    ///
    /// # Errors
    /// What the database says.
    pub async fn round(door: &Door) -> Result<(), Error> {
        let mut sweep = Self::default();
        while !sweep.step(door).await? {}
        Ok(())
    }
}

impl Looked {
    fn has_news(&self) -> bool {
        !(self.altered.is_empty() && self.settled.is_empty())
    }
}

fn keep(conn: &mut Conn, Looked { altered, settled, .. }: &Looked) -> Result<(), Error> {
    let found = altered
        .iter()
        .map(|row| (row.record_kind.clone(), row.record_id.clone()));
    for key in settled.iter().cloned().chain(found) {
        diesel::delete(altered_records::table.find(key)).execute(conn)?;
    }
    for row in altered {
        diesel::insert_into(altered_records::table).values(row).execute(conn)?;
    }
    Ok(())
}

fn known_of(conn: &mut Conn, kind: &str) -> Result<HashMap<String, What>, Error> {
    let known: Vec<(String, What)> = altered_records::table
        .filter(altered_records::record_kind.eq(kind.to_owned()))
        .select((altered_records::record_id, altered_records::what))
        .load(conn)?;
    Ok(known.into_iter().collect())
}

fn look(conn: &mut Conn, place: &Sweep, kind: &str, now: UtcTime) -> Result<Looked, Error> {
    let rows = chunk(conn, kind, &place.id)?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let last = last_of(conn, kind, &ids)?;
    let known = known_of(conn, kind)?;
    let (mut altered, mut settled) = (Vec::new(), Vec::new());
    for row in &rows {
        let entry = last.get(&row.id);
        match judged(kind, row, entry) {
            Some(what) if known.get(&row.id) != Some(&what) => altered.push(AlteredRow {
                record_kind: kind.to_owned(),
                record_id: row.id.clone(),
                parent_id: entry.map_or_else(|| row.parent.clone(), |entry| entry.parent.clone()),
                level: entry.map_or(Sharing::Internal, |entry| entry.level),
                what,
                found_at: now,
            }),
            None if known.contains_key(&row.id) => settled.push((kind.to_owned(), row.id.clone())),
            _ => {}
        }
    }
    // What no entry knew may be gone again.
    let end = ids.last();
    let passed = |id: &&String| **id > place.id && end.is_none_or(|end| **id <= *end) && !ids.contains(id);
    let gone = known
        .iter()
        .filter(|(id, what)| passed(id) && matches!(what, What::Unknown | What::Again));
    settled.extend(gone.map(|(id, _)| (kind.to_owned(), id.clone())));
    let next = match end {
        Some(end) => Sweep {
            id: end.clone(),
            ..place.clone()
        },
        None => Sweep {
            kind: place.kind + 1,
            ..Sweep::default()
        },
    };
    Ok(Looked { altered, settled, next })
}

fn look_for_missing(conn: &mut Conn, place: &Sweep, now: UtcTime) -> Result<Looked, Error> {
    let entries: Vec<(i64, String, String)> = ledger_entries::table
        .filter(ledger_entries::position.gt(place.position))
        .filter(ledger_entries::kind.eq("created"))
        .order(ledger_entries::position)
        .limit(ENTRIES)
        .select((
            ledger_entries::position,
            ledger_entries::record_kind,
            ledger_entries::record_id,
        ))
        .load(conn)?;
    let mut looked = Looked {
        altered: Vec::new(),
        settled: Vec::new(),
        next: entries.last().map_or_else(Sweep::default, |(position, _, _)| Sweep {
            position: *position,
            ..place.clone()
        }),
    };
    for kind in KINDS {
        let made = entries.iter().filter(|(_, found, _)| found == kind);
        let mut ids: Vec<String> = made.map(|(_, _, id)| id.clone()).collect();
        if ids.is_empty() {
            continue;
        }
        ids.sort();
        ids.dedup();
        let known = known_of(conn, kind)?;
        let there = present(conn, kind, &ids)?;
        let gone: Vec<String> = ids.into_iter().filter(|id| !there.contains(id)).collect();
        for (id, entry) in missing(conn, kind, &gone)? {
            if known.get(&id) != Some(&What::Missing) {
                looked.altered.push(AlteredRow {
                    record_kind: (*kind).to_owned(),
                    record_id: id,
                    parent_id: entry.parent,
                    level: entry.level,
                    what: What::Missing,
                    found_at: now,
                });
            }
        }
    }
    Ok(looked)
}

/// Those of these records, none of which is there, that should be.
///
/// # Errors
/// What the database says.
fn missing(conn: &mut Conn, kind: &str, gone: &[String]) -> Result<Vec<(String, Last)>, Error> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let erased: HashSet<String> = tombstones_of(conn, kind, gone)?;
    let last = last_of(conn, kind, gone)?.into_iter();
    let explained = |id: &String, last: &Last| says_gone(kind, last) && (last.kind != "erased" || erased.contains(id));
    Ok(last.filter(|(id, last)| !explained(id, last)).collect())
}

/// Those of these records that a tombstone stands for.
///
/// # Errors
/// What the database says.
pub fn tombstones_of(conn: &mut Conn, kind: &str, ids: &[String]) -> Result<HashSet<String>, Error> {
    let found: Vec<String> = tombstones::table
        .filter(tombstones::record_kind.eq(kind.to_owned()))
        .filter(tombstones::record_id.eq_any(ids.to_vec()))
        .select(tombstones::record_id)
        .load(conn)?;
    Ok(found.into_iter().collect())
}
