//! Reading the ledger: what was done, when, by whom; the whole of it for administrators, and the history of one
//! record for whoever may see that record. A history is an output like any other: each reader gets the entries of
//! the records and parts that they may see, with the fields that they may see, and an entry of which nothing is left
//! is left out.

use actix_web::get;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::ledger::EntryRow;
use crate::access::{Allowed, Read, Viewer, may, secret};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, CaseId, ClientId, IndividualId, StatementId};
use crate::base::page::{Cursor, Limit, Page, Paging};
use crate::base::time::UtcTime;
use crate::base::words::Sharing;
use crate::schema::{ledger_entries, ledger_payloads};
use crate::web::{Path, Query, Reply, reply};
use crate::{cases, individuals, statements};

mod alterations;
pub mod erasure;
mod kinds;
pub mod soundness;

use kinds::Family;

/// How many entries are looked at in one go while a page is filled.
const CHUNK: i64 = 200;
/// How many goes at most: a page may be short, its cursor goes on.
const CHUNKS: usize = 25;

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_audit)
        .service(list_individual_history)
        .service(list_case_history)
        .service(list_statement_history)
        .service(erasure::erase_individual);
    alterations::routes(config);
}

/// An entry of the ledger as shown.
#[derive(Serialize, ToSchema)]
pub struct EntryOut {
    /// When it was recorded.
    pub at: UtcTime,
    /// created, changed, retired, retracted or erased.
    pub kind: String,
    /// What kind of record.
    pub record_kind: String,
    /// Which record.
    pub record_id: String,
    /// Who did it; inside readers alone, null for the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<Option<AccountId>>,
    /// The machine that spoke for them, where it was one; inside readers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Option<ClientId>>,
    /// Why; inside readers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Option<String>>,
    /// What changed: name to `{from, to}`.
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditList {
    /// Of that record.
    pub record_id: Option<String>,
    /// Of that kind of record.
    pub record_kind: Option<String>,
    /// Recorded at that moment or later.
    #[param(value_type = Option<String>)]
    pub since: Option<UtcTime>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// An entry with its payload.
type Found = (EntryRow, String, Option<String>);

/// What this reader may see of those entries, in their order; with each its digest. Positions are told to nobody: what
/// is missing between two would count what is hidden.
fn seen_by(tx: &mut Read<'_>, found: Vec<Found>) -> Result<Vec<(String, EntryOut)>, Error> {
    let mut parsed: Vec<(EntryRow, Map<String, Value>, Option<String>)> = Vec::with_capacity(found.len());
    let mut asked = kinds::Asked::default();
    for (entry, fields, reason) in found {
        let fields: Map<String, Value> = serde_json::from_str(&fields).map_err(Error::internal)?;
        if let Some(kind) = kinds::of(&entry.record_kind) {
            asked.add(kind.family, kinds::key(kind.family, &entry));
        }
        for (name, change) in &fields {
            for (family, id) in kinds::references(name, change) {
                asked.add(family, id);
            }
        }
        parsed.push((entry, fields, reason));
    }
    let seen = kinds::Seen::load(tx, asked)?;
    let viewer = tx.viewer();
    let inside = viewer.sees(Sharing::Internal, None);
    let mut shown = Vec::new();
    for (entry, fields, reason) in parsed {
        let Some(kind) = kinds::of(&entry.record_kind) else {
            continue;
        };
        let key = kinds::key(kind.family, &entry);
        // Who is on a team is for those inside.
        if !seen.has(kind.family, &key) || (kind.family == kinds::Family::Team && !inside) {
            continue;
        }
        let owner = seen.owner(kind.family, &key);
        if !could_see(&viewer, &entry, owner, seen.level(kind.family, &key)) && !seen.on_team(&entry) {
            continue;
        }
        let (before, on_team) = (fields.len(), seen.on_team(&entry));
        let (mut kept, mut unsaid) = (Map::new(), false);
        for (name, mut change) in fields {
            let class = kind
                .classes
                .iter()
                .find(|(field, _)| *field == name)
                .map(|(_, class)| *class);
            let for_team = on_team && class == Some(Sharing::Restricted);
            if for_team || class.is_some_and(|class| viewer.sees(class, owner)) {
                if seen.without_hidden(&name, &mut change) {
                    kept.insert(name, change);
                } else if name == "supersedes" {
                    // Why a hidden fact was replaced speaks of that fact.
                    unsaid = true;
                }
            }
        }
        if unsaid {
            kept.shift_remove("reason");
        }
        // Of a change of which this reader sees nothing, not even the time is told.
        if kept.len() < before && kept.is_empty() {
            continue;
        }
        if seen.level(kind.family, &key) == Sharing::Restricted {
            tx.notice(&entry.record_kind, &entry.record_id);
        }
        shown.push((
            entry.digest,
            EntryOut {
                at: entry.at,
                kind: entry.kind,
                record_kind: entry.record_kind,
                record_id: entry.record_id,
                actor_id: inside.then_some(entry.actor_id),
                client_id: inside.then_some(entry.client_id),
                reason: inside.then_some(reason.filter(|_| !unsaid)),
                fields: kept,
            },
        ));
    }
    Ok(shown)
}

/// Whether the reader could see the record when that was entered: a record that was opened does not tell what it held
/// before. Those who see it at that level still do.
fn could_see(viewer: &Viewer, entry: &EntryRow, owner: Option<&str>, now: Sharing) -> bool {
    let own = owner.is_some_and(|owner| viewer.owns().iter().any(|id| id.as_str() == owner));
    entry.level <= now || viewer.levels().contains(&entry.level) || (own && entry.level != Sharing::Restricted)
}

/// Entries before that position, the latest first, that fit what was asked.
fn entries_before(tx: &mut Read<'_>, before: i64, asked: &AuditList) -> Result<Vec<Found>, Error> {
    let mut entries = ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::position.lt(before))
        .into_boxed();
    if let Some(id) = &asked.record_id {
        entries = entries.filter(ledger_entries::record_id.eq(id.clone()));
    }
    if let Some(kind) = &asked.record_kind {
        entries = entries.filter(ledger_entries::record_kind.eq(kind.clone()));
    }
    if let Some(since) = asked.since {
        entries = entries.filter(ledger_entries::at.ge(since));
    }
    Ok(entries
        .order(ledger_entries::position.desc())
        .limit(CHUNK)
        .select((
            ledger_entries::all_columns,
            ledger_payloads::fields,
            ledger_payloads::reason,
        ))
        .load(tx.conn())?)
}

/// Read the ledger
///
/// Every change on record, the latest first: what changed, from what to what, by whom. Entries of records that the
/// caller may not see are left out.
#[utoipa::path(tag = "audit", params(AuditList), extensions(("x-permission" = json!("ReadAudit"))),
    responses((status = 200, description = "One page", body = Page<EntryOut>,
        example = json!({"items": [{"at": "2010-05-10T08:00:00Z", "kind": "changed", "record_kind": "individual", "record_id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "actor_id": "b1a7e6c2-0f4d-4a1e-9a53-5d2c8e7f6a10", "reason": null, "fields": {"country": {"from": null, "to": "CN"}}}], "next": null}))))]
#[get("/audit")]
pub async fn list_audit(allowed: Allowed<may::ReadAudit>, query: Query<AuditList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let limit = query.0.limit;
            let mut before = match &query.0.cursor {
                None => i64::MAX,
                Some(cursor) => position_of(tx, cursor)?,
            };
            let mut last = String::new();
            let mut shown: Vec<(String, EntryOut)> = Vec::new();
            let mut looked = 0;
            let more = loop {
                let found = entries_before(tx, before, &query.0)?;
                let full = i64::try_from(found.len()).is_ok_and(|length| length == CHUNK);
                if let Some((entry, _, _)) = found.last() {
                    before = entry.position;
                    last.clone_from(&entry.digest);
                }
                shown.extend(seen_by(tx, found)?);
                looked += 1;
                if !full || shown.len() > limit.as_len() {
                    break false;
                }
                if looked == CHUNKS {
                    break true;
                }
            };
            let mut page = Page::of(shown, limit, |(digest, _)| digest.clone());
            if more && page.next.is_none() {
                page.next = Some(secret::text_of(last.as_bytes()));
            }
            let page = page.try_map(|(_, entry)| serde_json::to_value(entry).map_err(Error::internal))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// The place of the entry that a cursor names by its digest, which is salted and tells nothing.
fn position_of(tx: &mut Read<'_>, cursor: &Cursor) -> Result<i64, Error> {
    let found: Option<i64> = ledger_entries::table
        .filter(ledger_entries::digest.eq(cursor.as_str().to_owned()))
        .select(ledger_entries::position)
        .first(tx.conn())
        .optional()?;
    found.ok_or_else(|| Error::invalid("/cursor", "is not a cursor of this list"))
}

/// The history of a record that this reader may see, with that of its parts, the oldest first. The cursor counts
/// what this reader was shown, so that it tells nothing of what they were not.
fn history(tx: &mut Read<'_>, id: &str, asked: &Paging) -> Result<Value, Error> {
    let skip = asked.cursor.as_ref().map_or(Ok(0), |cursor| {
        let count = cursor.as_str().parse::<usize>();
        count.map_err(|_| Error::invalid("/cursor", "is not a cursor of this list"))
    })?;
    let found: Vec<Found> = ledger_entries::table
        .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(
            ledger_entries::record_id
                .eq(id.to_owned())
                .or(ledger_entries::parent_id.eq(id.to_owned())),
        )
        .order(ledger_entries::position)
        .select((
            ledger_entries::all_columns,
            ledger_payloads::fields,
            ledger_payloads::reason,
        ))
        .load(tx.conn())?;
    let shown: Vec<(usize, EntryOut)> = seen_by(tx, found)?
        .into_iter()
        .enumerate()
        .map(|(index, (_, entry))| (index + 1, entry))
        .skip(skip)
        .take(asked.limit.as_len() + 1)
        .collect();
    let page = Page::of(shown, asked.limit, |(index, _)| index.to_string())
        .try_map(|(_, entry)| serde_json::to_value(entry).map_err(Error::internal))?;
    Ok(page.into_value())
}

/// The history of a retired record stays with those inside who could see the record; for the others it is gone.
fn or_retired(tx: &mut Read<'_>, family: Family, id: &str, found: Result<(), Error>) -> Result<(), Error> {
    match found {
        Err(error) if error.code == Code::NotFound && tx.viewer().sees(Sharing::Internal, None) => {
            let mut asked = kinds::Asked::default();
            asked.add(family, id.to_owned());
            let seen = kinds::Seen::load(tx, asked)?;
            if seen.has(family, id) { Ok(()) } else { Err(error) }
        }
        found => found,
    }
}

/// The history of an individual
///
/// What was recorded of the individual and of its parts, the oldest first, as far as the caller may see it.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The individual's id"), Paging), extensions(("x-permission" = json!("ReadIndividuals"))),
    responses((status = 200, description = "One page", body = Page<EntryOut>)))]
#[get("/individuals/{id}/history")]
pub async fn list_individual_history(
    allowed: Allowed<may::ReadIndividuals>,
    id: Path<IndividualId>,
    query: Query<Paging>,
) -> Reply {
    let page = allowed
        .read(move |tx| {
            let found = individuals::find(tx, &id.0).map(drop);
            let body = match or_retired(tx, Family::Individual, id.0.as_str(), found) {
                Ok(()) => history(tx, id.0.as_str(), &query.0)?,
                Err(error) if error.code == Code::NotFound => erasure::history(tx, id.0.as_str())?,
                Err(error) => return Err(error),
            };
            tx.tag(body)
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// The history of a case
///
/// What was recorded of the case and of its facts, the oldest first, as far as the caller may see it.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id"), Paging), extensions(("x-permission" = json!("ReadCases"))),
    responses((status = 200, description = "One page", body = Page<EntryOut>)))]
#[get("/cases/{id}/history")]
pub async fn list_case_history(allowed: Allowed<may::ReadCases>, id: Path<CaseId>, query: Query<Paging>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let found = cases::find(tx, &id.0).map(drop);
            or_retired(tx, Family::Case, id.0.as_str(), found)?;
            let body = history(tx, id.0.as_str(), &query.0)?;
            tx.tag(body)
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// The history of a statement
///
/// What was recorded of the statement and of its mentions, the oldest first, as far as the caller may see it.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id"), Paging), extensions(("x-permission" = json!("ReadStatements"))),
    responses((status = 200, description = "One page", body = Page<EntryOut>)))]
#[get("/statements/{id}/history")]
pub async fn list_statement_history(
    allowed: Allowed<may::ReadStatements>,
    id: Path<StatementId>,
    query: Query<Paging>,
) -> Reply {
    let page = allowed
        .read(move |tx| {
            let found = statements::find(tx, &id.0).map(drop);
            or_retired(tx, Family::Statement, id.0.as_str(), found)?;
            let body = history(tx, id.0.as_str(), &query.0)?;
            tx.tag(body)
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}
