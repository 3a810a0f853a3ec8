//! The team of a case: whoever may see it when it is restricted, whatever their role.

use actix_web::{delete, get, put};
use serde_json::json;

use crate::access::sharing::TeamRow;
use crate::access::{Allowed, may};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, CaseId};
use crate::cases::rows::find;
use crate::individuals;
use crate::web::{Path, Reply, reply};

/// List the team of a case
///
/// The accounts that may see the case when it is restricted.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id")), extensions(("x-permission" = json!("EditCases"))),
    responses((status = 200, description = "The team", content_type = "application/json", body = serde_json::Value, example = json!({"items": [{"account_id": "3f0a3e52-4f24-4d0c-8d43-52b1f5f6b0aa"}]}))))]
#[get("/cases/{id}/team")]
pub async fn list_team(allowed: Allowed<may::EditCases>, id: Path<CaseId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            find(tx, &id.0)?;
            let members = TeamRow::of(tx, id.0.as_str())?;
            let items: Vec<_> = members
                .iter()
                .map(|row| json!({"account_id": row.account_id, "joined_at": row.joined_at}))
                .collect();
            Ok(tx.tag(json!({"items": items})))
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Put an account on the team
///
/// Lets the account see the case when it is restricted; recorded in the case's history.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id"), ("account_id" = String, Path, description = "The account's id")),
    extensions(("x-permission" = json!("EditCases"))),
    responses((status = 204, description = "On the team")))]
#[put("/cases/{id}/team/{account_id}")]
pub async fn join_team(allowed: Allowed<may::EditCases>, path: Path<(CaseId, AccountId)>) -> Reply {
    allowed
        .write(move |tx| {
            let (case, account) = path.0;
            find(tx, &case)?;
            if crate::access::accounts::role_of(tx.conn(), &account)?.is_none() {
                return Err(Error::invalid("/account_id", "no such account"));
            }
            individuals::join_team(tx, case.as_str(), &account)
        })
        .await?;
    Ok(reply::nothing())
}

/// Take an account from the team
///
/// The responsible officer stays on it; recorded in the case's history.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id"), ("account_id" = String, Path, description = "The account's id")),
    extensions(("x-permission" = json!("EditCases")), ("x-unconditional" = json!(true))),
    responses((status = 204, description = "Off the team")))]
#[delete("/cases/{id}/team/{account_id}")]
pub async fn leave_team(allowed: Allowed<may::EditCases>, path: Path<(CaseId, AccountId)>) -> Reply {
    allowed
        .write(move |tx| {
            let (case, account) = path.0;
            let case = find(tx, &case)?;
            if case.officer_id.as_ref() == Some(&account) {
                return Err(Error::new(Code::InUse, "the responsible officer is on the team"));
            }
            let members = TeamRow::of(tx, case.id.as_str())?;
            if case.sharing == crate::base::words::Sharing::Restricted && members.len() == 1 {
                return Err(Error::new(Code::InUse, "nobody could see the case any more"));
            }
            let row = members
                .into_iter()
                .find(|row| row.account_id == account)
                .ok_or_else(Error::not_found)?;
            tx.retire(&row, &row)
        })
        .await?;
    Ok(reply::nothing())
}
