//! What the sweep has found, for staff to settle: each record as the ledger says it was against what is stored, as far as
//! the reader sees its fields. Accepting enters it as it stands; restoring writes back what the ledger knows.

use actix_web::{get, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::accounts::AccountRow;
use crate::access::altered::{AlteredRow, What};
use crate::access::clients::ClientRow;
use crate::access::ledger::{self, Changes, Gone, Record};
use crate::access::sharing::TeamRow;
use crate::access::signing::SigningKeyRow;
use crate::access::{Allowed, Read, Write, may};
use crate::audit::kinds::{self, Asked, Family, Seen};
use crate::audit::soundness::fields_by_ledger;
use crate::base::error::{Code, Error};
use crate::base::page::{Page, Paging};
use crate::base::text::Line;
use crate::base::time::UtcTime;
use crate::base::words::{Role, Sharing};
use crate::cases::{CaseRow, FactRow};
use crate::individuals::IndividualRow;
use crate::individuals::consent::{ConsentRow, OverrideRow};
use crate::individuals::judgements::JudgementRow;
use crate::individuals::merges::MergeRow;
use crate::individuals::relations::RelationRow;
use crate::organisations::OrganisationRow;
use crate::schema::{self, altered_records, team_members};
use crate::sources::SourceRow;
use crate::statements::{MentionRow, StatementRow};
use crate::submissions::SubmissionRow;
use crate::web::{Json, Path, Query, Reply, reply};

/// Puts the operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_altered_records)
        .service(accept_altered_record)
        .service(restore_altered_record);
}

/// A record that is not as its ledger says.
#[derive(Serialize, ToSchema)]
pub struct AlteredOut {
    /// What kind of record.
    pub record_kind: String,
    /// Which record.
    pub record_id: String,
    /// In what way: altered, derived, unreadable, missing, unknown or again.
    pub what: What,
    /// Since when it is known.
    pub found_at: UtcTime,
    /// The fields that differ, as far as the reader sees them: from what the ledger says to what is stored. None where
    /// what differs is told to nobody.
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

/// Why it is settled so.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlingIn {
    /// Why, in words; stands in the record's history.
    pub reason: Line,
}

/// A stored record, whatever its kind.
trait Stored {
    /// The fields that the ledger knows otherwise.
    fn differences(&self, known: &Map<String, Value>) -> Map<String, Value>;
    fn owner(&self) -> Option<String>;
    fn accept(&self, tx: &mut Write<'_>, found: &Found, reason: String) -> Result<(), Error>;
    fn restore(&self, tx: &mut Write<'_>, found: &Found, reason: String) -> Result<(), Error>;
}

/// A finding, what is stored of the record, and what the ledger knows of it.
struct Found {
    row: AlteredRow,
    there: Option<Box<dyn Stored>>,
    known: Option<Map<String, Value>>,
}

impl Found {
    /// Nothing where it is for administrators alone, and this reader is none.
    fn load(tx: &mut Read<'_>, row: AlteredRow) -> Result<Option<Self>, Error> {
        let of_administrators = [AccountRow::KIND, ClientRow::KIND, SigningKeyRow::KIND];
        if of_administrators.contains(&row.record_kind.as_str()) && tx.viewer().role != Role::Admin {
            return Ok(None);
        }
        let known = fields_by_ledger(tx.conn(), &row.record_kind, &row.record_id)?;
        let there = stored(tx, &row.record_kind, &row.record_id)?;
        Ok(Some(Self { row, there, known }))
    }
}

/// The fields that nobody accepts as they were put there: it would take one where the program asks for two, or for a rule.
const DECIDING: &[&str] = &[
    "sharing",
    "partners_until",
    "public_until",
    "health_partners_until",
    "health_public_until",
    "state",
    "scopes",
    "confirmed_by",
    "confirmed_at",
    "verdict",
    "merged_at",
    "undone_at",
    "role",
    "disabled_at",
    "revoked_at",
    "removed_at",
    "signs_from",
    "addresses",
];

/// The record as it was entered last, its fields by the ledger; nothing where it is not all that was altered: what nobody
/// is shown, secrets above all, and when it changed, stand in no payload.
fn as_entered<R: Record>(tx: &mut Read<'_>, row: &R, known: &Map<String, Value>) -> Result<Option<R>, Error> {
    let Ok(restored) = row.restored(known) else {
        return Ok(None);
    };
    let restored = restored.rederived()?;
    let same = restored.id() == row.id() && ledger::is_as_entered(tx.conn(), &restored)?;
    Ok(same.then_some(restored))
}

impl<R: Record> Stored for R {
    fn differences(&self, known: &Map<String, Value>) -> Map<String, Value> {
        Changes::from_known(known, self).into_fields()
    }

    fn owner(&self) -> Option<String> {
        Record::owner(self)
    }

    fn accept(&self, tx: &mut Write<'_>, found: &Found, reason: String) -> Result<(), Error> {
        match (&found.row.what, &found.known) {
            (What::Unknown | What::Again, _) | (_, None) => tx.adopt(self, reason),
            (_, Some(known)) => {
                if let Some(name) = DECIDING.iter().find(|name| {
                    let now = self.fields().into_iter().find(|(field, _)| field == *name);
                    now.is_some_and(|(_, value)| known.get(**name).is_some_and(|entered| *entered != value))
                }) {
                    let detail = format!("{name} decides who may see or do what: restore it, then change it");
                    return Err(Error::new(Code::Conflict, detail));
                }
                if R::KIND == AccountRow::KIND && as_entered(tx, self, known)?.is_none() {
                    let detail = "its password or its second factor was altered: restore a backup";
                    return Err(Error::new(Code::Conflict, detail));
                }
                let mut whole = self.rederived()?;
                // What does not open is lost: kept, it would hold up whoever is to see it.
                for (name, sealed) in self.sealed() {
                    if sealed.is_some_and(|sealed| tx.opened(self, name, sealed).is_err()) {
                        whole.clear_sealed(name);
                    }
                }
                let changes = Changes::from_known(known, &whole);
                tx.settle(&whole, changes, (reason, found.row.level))
            }
        }
    }

    fn restore(&self, tx: &mut Write<'_>, found: &Found, reason: String) -> Result<(), Error> {
        let beyond = || {
            Error::new(
                Code::Conflict,
                "the ledger does not hold what it was: restore a backup, or accept it",
            )
        };
        match found.row.what {
            What::Again if R::KIND == TeamRow::KIND => return tx.remove_again(self, reason),
            What::Unknown | What::Again => {
                let detail = "no entry says what it was: accept it, then retire it";
                return Err(Error::new(Code::Conflict, detail));
            }
            What::Altered | What::Derived | What::Unreadable | What::Missing => {}
        }
        let known = found.known.as_ref().ok_or_else(beyond)?;
        let restored = as_entered(tx, self, known)?.ok_or_else(beyond)?;
        let changes = Changes::between(Some(self), &restored);
        tx.settle(&restored, changes, (reason, found.row.level))
    }
}

macro_rules! finding {
    ($($row:ty: $table:ident, $chunk:literal;)*) => {
        /// The record as stored; nothing where it is missing or cannot be read.
        fn stored(tx: &mut Read<'_>, kind: &str, id: &str) -> Result<Option<Box<dyn Stored>>, Error> {
            fn boxed<R: Record>(found: QueryResult<R>) -> Result<Option<Box<dyn Stored>>, Error> {
                match found {
                    Ok(row) => Ok(Some(Box::new(row))),
                    Err(diesel::result::Error::NotFound | diesel::result::Error::DeserializationError(_)) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            match kind {
                $(<$row as Record>::KIND => {
                    let rows = schema::$table::table.filter(schema::$table::id.eq(id.to_owned()));
                    boxed::<$row>(rows.select(schema::$table::all_columns).first(tx.conn()))
                })*
                _ => {
                    let (record, account) = id.split_once('/').unwrap_or_default();
                    let rows = team_members::table
                        .filter(team_members::record_id.eq(record.to_owned()))
                        .filter(team_members::account_id.eq(account.to_owned()));
                    boxed::<TeamRow>(rows.select(team_members::all_columns).first(tx.conn()))
                }
            }
        }
    };
}

crate::every_kind!(finding!);

/// What decides who may see a missing record: the records that it named.
fn ends(kind: &str, known: Option<&Map<String, Value>>) -> Vec<(Family, String)> {
    let named = ["individual_id", "other_id", "case_id", "statement_id"];
    let of_kind = |name: &str| name != "statement_id" || kind == MentionRow::KIND;
    let fields = known.into_iter().flatten();
    fields
        .filter(|(name, _)| named.contains(&name.as_str()) && of_kind(name))
        .flat_map(|(name, value)| kinds::references(name, &json!({"from": null, "to": value})))
        .collect()
}

/// The finding as this reader may see it; nothing where they may not see the record.
fn seen_by(tx: &mut Read<'_>, found: &Found) -> Result<Option<AlteredOut>, Error> {
    let Found { row, there, known } = found;
    let viewer = tx.viewer();
    let Some(kind) = kinds::of(&row.record_kind) else {
        return Ok(None);
    };
    let owner = there.as_ref().and_then(|there| there.owner());
    if !tx.knew(row, owner.as_deref())? {
        return Ok(None);
    }
    if row.level == Sharing::Restricted {
        tx.notice(&row.record_kind, &row.record_id);
    }
    let mut fields = match (there, known) {
        (Some(there), known) => there.differences(&known.clone().unwrap_or_default()),
        (None, Some(known)) => {
            let gone = known
                .iter()
                .map(|(name, value)| (name.clone(), json!({"from": value, "to": null})));
            gone.collect()
        }
        (None, None) => Map::new(),
    };
    let mut asked = Asked::default();
    let needed: Vec<(Family, String)> = match (kind.family, &row.parent_id) {
        (Family::Team, Some(parent)) => vec![(Family::Team, parent.clone())],
        _ => ends(&row.record_kind, known.as_ref()),
    };
    let named = fields.iter().flat_map(|(name, change)| kinds::references(name, change));
    for (family, id) in needed.iter().cloned().chain(named) {
        asked.add(family, id);
    }
    let seen = Seen::load(tx, asked)?;
    if !needed.iter().all(|(family, id)| seen.has(*family, id)) {
        return Ok(None);
    }
    let class = |name: &str| {
        kind.classes
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, class)| *class)
    };
    fields.retain(|name, change| {
        class(name).is_some_and(|class| class != Sharing::Restricted && viewer.sees(class, owner.as_deref()))
            && seen.without_hidden(name, change)
    });
    Ok(Some(AlteredOut {
        record_kind: row.record_kind.clone(),
        record_id: row.record_id.clone(),
        what: row.what,
        found_at: row.found_at,
        fields,
    }))
}

/// List altered records
///
/// The records, of those that the caller may see, that are not as their ledger says: altered behind the program's back, or
/// missing. They answer 503 until they are accepted or restored.
#[utoipa::path(tag = "audit", params(Paging), extensions(("x-permission" = json!("SettleAltered"))),
    responses((status = 200, description = "One page", body = Page<AlteredOut>,
        example = json!({"items": [{"record_kind": "individual", "record_id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "what": "altered", "found_at": "2010-05-10T08:00:00Z", "fields": {"country": {"from": "CN", "to": "VN"}}}], "next": null}))))]
#[get("/altered-records")]
pub async fn list_altered_records(allowed: Allowed<may::SettleAltered>, page: Query<Paging>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let rows: Vec<AlteredRow> = altered_records::table
                .order((altered_records::record_kind, altered_records::record_id))
                .select(altered_records::all_columns)
                .load(tx.conn())?;
            let mut shown = Vec::new();
            for row in rows {
                if let Some(found) = Found::load(tx, row)? {
                    shown.extend(seen_by(tx, &found)?);
                }
            }
            let page = page
                .0
                .cut(shown, |row| format!("{} {}", row.record_kind, row.record_id));
            let page = page.try_map(|row| serde_json::to_value(row).map_err(Error::internal))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// The finding, if this reader may see the record.
fn find(tx: &mut Read<'_>, kind: &str, id: &str) -> Result<Found, Error> {
    let row: AlteredRow = altered_records::table
        .filter(altered_records::record_kind.eq(kind.to_owned()))
        .filter(altered_records::record_id.eq(id.to_owned()))
        .select(altered_records::all_columns)
        .first(tx.conn())?;
    let found = Found::load(tx, row)?.ok_or_else(Error::not_found)?;
    seen_by(tx, &found)?.ok_or_else(Error::not_found)?;
    Ok(found)
}

async fn settle(
    allowed: Allowed<may::SettleAltered>,
    (kind, id): (String, String),
    work: impl FnOnce(&mut Write<'_>, &Found) -> Result<(), Error> + Send + 'static,
) -> Reply {
    // The id of a member of a team is of two parts.
    let id = id.replace('~', "/");
    allowed
        .write(move |tx| {
            let found = find(tx, &kind, &id)?;
            work(tx, &found)?;
            diesel::delete(altered_records::table.find((kind, id))).execute(tx.conn())?;
            Ok(())
        })
        .await?;
    allowed.door().follow_altered().await?;
    Ok(reply::nothing())
}

/// Accept an altered record
///
/// Enters the record in the ledger as it now stands, or that it is gone, with the reason. `~` stands for the `/` in the id of
/// a member of a team.
#[utoipa::path(tag = "audit", params(("kind" = String, Path, description = "What kind of record"), ("id" = String, Path, description = "The record's id")),
    extensions(("x-permission" = json!("SettleAltered"))),
    request_body(content = SettlingIn, example = json!({"reason": "Corrected by hand after the disk was repaired"})),
    responses((status = 204, description = "Accepted")))]
#[post("/altered-records/{kind}/{id}/accept")]
pub async fn accept_altered_record(
    allowed: Allowed<may::SettleAltered>,
    path: Path<(String, String)>,
    body: Json<SettlingIn>,
) -> Reply {
    settle(allowed, path.0, move |tx, found| {
        let reason = body.0.reason.as_str().to_owned();
        match (&found.there, found.row.what) {
            (Some(there), _) => there.accept(tx, found, reason),
            (None, What::Missing) => {
                let gone = Gone {
                    kind: found.row.record_kind.clone(),
                    id: found.row.record_id.clone(),
                    parent: found.row.parent_id.clone(),
                    level: found.row.level,
                };
                tx.entomb(&gone, "accepted as gone", Some(reason))
            }
            (None, _) => Err(Error::new(Code::Conflict, "it cannot be read: restore a backup")),
        }
    })
    .await
}

/// Restore an altered record
///
/// Writes back what the ledger says the record was, with the reason. What stands in no payload cannot be written back, nor a
/// missing record: 409.
#[utoipa::path(tag = "audit", params(("kind" = String, Path, description = "What kind of record"), ("id" = String, Path, description = "The record's id")),
    extensions(("x-permission" = json!("SettleAltered"))),
    request_body(content = SettlingIn, example = json!({"reason": "Nobody of ours changed it"})),
    responses((status = 204, description = "Restored")))]
#[post("/altered-records/{kind}/{id}/restore")]
pub async fn restore_altered_record(
    allowed: Allowed<may::SettleAltered>,
    path: Path<(String, String)>,
    body: Json<SettlingIn>,
) -> Reply {
    settle(allowed, path.0, move |tx, found| {
        let beyond = || Error::new(Code::Conflict, "it is gone, or cannot be read: restore a backup");
        let there = found.there.as_ref().ok_or_else(beyond)?;
        there.restore(tx, found, body.0.reason.as_str().to_owned())
    })
    .await
}
