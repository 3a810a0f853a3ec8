//! The team of a record: whoever may see it when it is restricted, whatever their role. The same four operations for
//! each kind of record that can be restricted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::accounts::role_of;
use crate::access::ledger::Record;
use crate::access::permission::{JoinTeams, Permission};
use crate::access::sharing::TeamRow;
use crate::access::{Allowed, Read, Write};
use crate::base::error::{Code, Error};
use crate::base::id::AccountId;
use crate::base::page::Paging;
use crate::base::text::Line;
use crate::base::time::UtcTime;
use crate::base::words::{Role, Sharing};
use crate::web::{Reply, reply};

/// The record whose team is spoken of.
pub struct Subject {
    /// Its id.
    pub id: String,
    /// Who may see it.
    pub sharing: Sharing,
    /// Who cannot leave: the responsible officer.
    pub officer: Option<AccountId>,
}

/// A member of a team.
#[derive(Serialize, ToSchema)]
pub struct MemberOut {
    /// Who.
    pub account_id: AccountId,
    /// Since when.
    pub joined_at: UtcTime,
}

/// Why an administrator joins a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoiningIn {
    /// Why, in words.
    pub reason: Line,
}

/// The team of a record, if none of it was altered.
fn team_of(tx: &mut Read<'_>, record_id: &str) -> Result<Vec<TeamRow>, Error> {
    let found = TeamRow::of(tx.conn(), record_id)?;
    tx.sound_parts(&[record_id.to_owned()], found)
}

/// Puts an account on the team of a record, unless it is there.
///
/// # Errors
/// What the database says.
pub fn join(tx: &mut Write<'_>, record_id: &str, account_id: &AccountId, reason: Option<String>) -> Result<(), Error> {
    if TeamRow::is_member(tx.conn(), record_id, account_id)? {
        return Ok(());
    }
    let row = TeamRow {
        record_id: record_id.to_owned(),
        account_id: account_id.clone(),
        joined_at: tx.now(),
    };
    tx.teams = None;
    tx.create_because(&row, reason)
}

/// Whoever closes a record to all but its team is on the team.
///
/// # Errors
/// What the database says.
pub fn keep(tx: &mut Write<'_>, record_id: &str, sharing: Sharing) -> Result<(), Error> {
    if sharing == Sharing::Restricted {
        let me = tx.viewer().account_id;
        join(tx, record_id, &me, None)?;
    }
    Ok(())
}

/// Whoever writes what is for a record's team alone is on the team.
///
/// # Errors
/// What the database says.
pub fn keep_sealed<R: Record>(tx: &mut Write<'_>, row: &R, team: &str) -> Result<(), Error> {
    let holds = row.sealed().iter().any(|(_, sealed)| sealed.is_some());
    if holds && !tx.is_on_team_of(row)? {
        let me = tx.viewer().account_id;
        join(tx, team, &me, None)?;
    }
    Ok(())
}

/// Takes whoever was the responsible officer from the team; the last who sees a restricted record stays.
///
/// # Errors
/// What the database says.
pub fn drop_officer(tx: &mut Write<'_>, record_id: &str, sharing: Sharing, former: &AccountId) -> Result<(), Error> {
    let alone = !TeamRow::others_see(tx.conn(), record_id, former)?;
    let members = team_of(tx, record_id)?;
    match members.into_iter().find(|row| row.account_id == *former) {
        Some(row) if !(alone && sharing == Sharing::Restricted) => tx.remove(&row),
        _ => Ok(()),
    }
}

/// The team of the record that `find` finds.
///
/// # Errors
/// `not_found`.
pub async fn list<P: Permission>(
    allowed: Allowed<P>,
    page: Paging,
    find: impl FnOnce(&mut Read<'_>) -> Result<Subject, Error> + Send + 'static,
) -> Reply {
    let found = allowed
        .read(move |tx| {
            let subject = find(tx)?;
            let members = team_of(tx, &subject.id)?;
            let page = page.cut(members, |row| row.account_id.to_string()).try_map(|row| {
                serde_json::to_value(MemberOut {
                    account_id: row.account_id,
                    joined_at: row.joined_at,
                })
                .map_err(Error::internal)
            })?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Puts an account on the team of the record that `find` finds.
///
/// # Errors
/// `not_found`; `invalid` for an account that is not there or is a dashboard's.
pub async fn put<P: Permission>(
    allowed: Allowed<P>,
    account: AccountId,
    find: impl FnOnce(&mut Read<'_>) -> Result<Subject, Error> + Send + 'static,
) -> Reply {
    allowed
        .write(move |tx| {
            let subject = find(tx)?;
            match role_of(tx.conn(), &account)? {
                None => Err(Error::invalid("/account_id", "no such account")),
                Some(Role::Dashboard) => Err(Error::invalid("/account_id", "a dashboard is on no team")),
                Some(Role::Admin | Role::Staff | Role::Partner) => join(tx, &subject.id, &account, None),
            }
        })
        .await?;
    Ok(reply::nothing())
}

/// Takes an account from the team of the record that `find` finds.
///
/// # Errors
/// `not_found`; `in_use` for the responsible officer and the last who sees a restricted record.
pub async fn leave<P: Permission>(
    allowed: Allowed<P>,
    account: AccountId,
    find: impl FnOnce(&mut Read<'_>) -> Result<Subject, Error> + Send + 'static,
) -> Reply {
    allowed
        .write(move |tx| {
            let subject = find(tx)?;
            if subject.officer.as_ref() == Some(&account) {
                return Err(Error::new(
                    Code::InUse,
                    "the responsible officer is on the team: name another first",
                ));
            }
            let alone = !TeamRow::others_see(tx.conn(), &subject.id, &account)?;
            let row = team_of(tx, &subject.id)?
                .into_iter()
                .find(|row| row.account_id == account)
                .ok_or_else(Error::not_found)?;
            if subject.sharing == Sharing::Restricted && alone {
                return Err(Error::new(Code::InUse, "nobody could see the record any more"));
            }
            tx.remove(&row)
        })
        .await?;
    Ok(reply::nothing())
}

/// An administrator joins the team of a record that they may not see: by a recorded act, with a reason, and noted in
/// the second stream. `there` tells whether the record is there, whoever may see it.
///
/// # Errors
/// `not_found`.
pub async fn enter(
    allowed: Allowed<JoinTeams>,
    id: String,
    reason: Line,
    there: impl FnOnce(&mut Read<'_>) -> Result<bool, Error> + Send + 'static,
) -> Reply {
    let record = id.clone();
    allowed
        .write(move |tx| {
            if !there(tx)? {
                return Err(Error::not_found());
            }
            let me = tx.viewer().account_id;
            join(tx, &record, &me, Some(reason.as_str().to_owned()))
        })
        .await?;
    let me = allowed.viewer().account_id.clone();
    allowed.door().note("joined_team", Some(&me), Some(id));
    Ok(reply::nothing())
}

/// The operations on the team of one kind of record: `find` and `there` are the room's.
#[macro_export]
macro_rules! team_operations {
    ($tag:literal, $place:literal, $member:literal, $id:ty, $permission:ident, $find:path, $there:path, $list:ident, $put:ident, $leave:ident, $enter:ident) => {
        use actix_web::put;
        use $crate::access::team::{JoiningIn, MemberOut};
        use $crate::base::page::Paging;

        /// List a team
        ///
        /// The accounts that may see the record when it is restricted.
        #[utoipa::path(tag = $tag, params(("id" = String, Path, description = "The record's id"), Paging), extensions(("x-permission" = json!(stringify!($permission)))),
            responses((status = 200, description = "The team", body = $crate::base::page::Page<MemberOut>, example = json!({"items": [{"account_id": "3f0a3e52-4f24-4d0c-8d43-52b1f5f6b0aa", "joined_at": "2010-05-10T08:00:00Z"}], "next": null}))))]
        #[get($place)]
        pub async fn $list(allowed: $crate::access::Allowed<$crate::access::may::$permission>, id: $crate::web::Path<$id>, page: $crate::web::Query<Paging>) -> $crate::web::Reply {
            $crate::access::team::list(allowed, page.0, move |tx| $find(tx, &id.0)).await
        }

        /// Put an account on a team
        ///
        /// Lets the account see the record when it is restricted; recorded in the record's history.
        #[utoipa::path(tag = $tag, params(("id" = String, Path, description = "The record's id"), ("account_id" = String, Path, description = "The account's id")),
            extensions(("x-permission" = json!(stringify!($permission)))),
            responses((status = 204, description = "On the team")))]
        #[put($member)]
        pub async fn $put(allowed: $crate::access::Allowed<$crate::access::may::$permission>, path: $crate::web::Path<($id, $crate::base::id::AccountId)>) -> $crate::web::Reply {
            let (id, account) = path.0;
            $crate::access::team::put(allowed, account, move |tx| $find(tx, &id)).await
        }

        /// Take an account from a team
        ///
        /// A responsible officer stays on it, and so does the last who sees a restricted record; recorded in its history.
        #[utoipa::path(tag = $tag, params(("id" = String, Path, description = "The record's id"), ("account_id" = String, Path, description = "The account's id")),
            extensions(("x-permission" = json!(stringify!($permission))), ("x-unconditional" = json!(true))),
            responses((status = 204, description = "Off the team")))]
        #[delete($member)]
        pub async fn $leave(allowed: $crate::access::Allowed<$crate::access::may::$permission>, path: $crate::web::Path<($id, $crate::base::id::AccountId)>) -> $crate::web::Reply {
            let (id, account) = path.0;
            $crate::access::team::leave(allowed, account, move |tx| $find(tx, &id)).await
        }

        /// Join the team of a restricted record
        ///
        /// For an administrator who knows the id, so that no record is lost with its team: a recorded act, with its
        /// reason, that the team reads in the record's history.
        #[utoipa::path(tag = $tag, params(("id" = String, Path, description = "The record's id")), extensions(("x-permission" = json!("JoinTeams"))),
            request_body(content = JoiningIn, example = json!({"reason": "The responsible officer has left us."})),
            responses((status = 204, description = "On the team")))]
        #[post($place)]
        pub async fn $enter(allowed: $crate::access::Allowed<$crate::access::may::JoinTeams>, id: $crate::web::Path<$id>, body: $crate::web::Json<JoiningIn>) -> $crate::web::Reply {
            let id = id.0;
            $crate::access::team::enter(allowed, id.to_string(), body.0.reason, move |tx| $there(tx, &id)).await
        }

        /// Puts the team's operations on their paths.
        pub fn team_routes(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
            config.service($list).service($put).service($leave).service($enter);
        }
    };
}
