//! One's own account: who am I, my password, my sessions.

use actix_web::{delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::accounts::{self as rows, AccountRow};
use crate::access::throttle::Attempt;
use crate::access::{Allowed, may};
use crate::accounts::Tried;
use crate::accounts::manage::{self, AccountOut};
use crate::base::error::{Code, Error};
use crate::base::id::SessionId;
use crate::base::page::{Page, Paging};
use crate::base::time::UtcTime;
use crate::web::{Json, Path, Query, Reply, reply};

/// A new password for one's own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordIn {
    /// The password until now.
    #[schema(format = Password)]
    pub current: String,
    /// The password from now on, 15 characters or more, none that everyone tries.
    #[schema(format = Password)]
    pub new: String,
}

/// A session of one's own.
#[derive(Serialize, ToSchema)]
pub struct SessionOut {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: UtcTime,
    /// When it can no longer be refreshed.
    pub expires_at: UtcTime,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Who am I
///
/// The caller's own account, whole.
#[utoipa::path(tag = "me", extensions(("x-permission" = json!("UseOwnAccount"))),
    responses((status = 200, description = "The account", body = AccountOut,
        example = json!({"id": "b1a7e6c2-0f4d-4a1e-9a53-5d2c8e7f6a10", "organisation_id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "email": "staff@example.org", "name": "Staff", "role": "staff", "disabled": false, "created_at": "2010-05-10T00:00:00Z", "updated_at": "2010-05-10T00:00:00Z", "disabled_at": null}))))]
#[get("/me")]
pub async fn find_me(allowed: Allowed<may::UseOwnAccount>) -> Reply {
    let found = allowed
        .read(|tx| {
            let id = tx.viewer().account_id;
            let row = rows::find(tx.conn(), &id)?;
            // Nothing of one's own account is hidden from oneself, whatever the fields' classes.
            let body = serde_json::to_value(manage::shown(&row)).map_err(Error::internal)?;
            tx.tag(body)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change one's own password
///
/// Needs the password until now; ends the account's other sessions.
#[utoipa::path(tag = "me", extensions(("x-permission" = json!("UseOwnAccount"))),
    request_body(content = PasswordIn, example = json!({"current": "a long pass phrase", "new": "another long pass phrase"})),
    responses((status = 204, description = "Changed")))]
#[put("/me/password")]
pub async fn change_own_password(allowed: Allowed<may::UseOwnAccount>, body: Json<PasswordIn>) -> Reply {
    super::require_good_password("/new", &body.0.new)?;
    let viewer = allowed.viewer().clone();
    let id = viewer.account_id.clone();
    // Whoever holds a stolen token guesses no faster than at log-in.
    let tried = Tried::begin(allowed.door(), Attempt::of_owner(&allowed.door().keys, &id)).await?;
    let known = allowed.read(move |tx| rows::find(tx.conn(), &id)).await?;
    if !super::fits(allowed.door(), body.0.current, Some(known.password_hash.clone())).await? {
        allowed.door().note("password_refused", Some(&viewer.account_id), None);
        return Err(Error::invalid("/current", "is not the account's password"));
    }
    tried.succeed().await?;
    let password_hash = super::hash(allowed.door(), body.0.new).await?;
    allowed
        .write(move |tx| {
            let now = tx.now();
            let before = rows::find(tx.conn(), &viewer.account_id)?;
            if before.password_hash != known.password_hash {
                return Err(Error::new(Code::Conflict, "the password has changed meanwhile"));
            }
            let after = AccountRow {
                password_hash,
                updated_at: now,
                ..before.clone()
            };
            let after = tx.save(&before, after)?;
            rows::end_sessions(tx.conn(), &after.id, viewer.session_id.as_ref(), now)
        })
        .await?;
    Ok(reply::nothing())
}

/// List one's own sessions
///
/// The sessions of the caller's account that still hold, in a stable order.
#[utoipa::path(tag = "me", params(Paging), extensions(("x-permission" = json!("UseOwnAccount"))),
    responses((status = 200, description = "One page", body = Page<SessionOut>,
        example = json!({"items": [{"id": "0c7f3b52-8a5e-4f0e-8f0a-2f1d6b3c9e44", "created_at": "2010-05-10T08:00:00Z", "expires_at": "2010-06-09T08:00:00Z", "current": true}], "next": null}))))]
#[get("/me/sessions")]
pub async fn list_own_sessions(allowed: Allowed<may::UseOwnAccount>, page: Query<Paging>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let (viewer, now) = (tx.viewer(), tx.now());
            let rows = rows::open_sessions(tx.conn(), &viewer.account_id, now)?;
            let page = page.0.cut(rows, |row| row.id.to_string()).try_map(|row| {
                serde_json::to_value(SessionOut {
                    current: viewer.session_id.as_ref() == Some(&row.id),
                    id: row.id,
                    created_at: row.created_at,
                    expires_at: row.expires_at,
                })
                .map_err(Error::internal)
            })?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// End a session of one's own
///
/// The session's tokens are refused from then on.
#[utoipa::path(tag = "me", params(("id" = String, Path, description = "The session's id")), extensions(("x-permission" = json!("UseOwnAccount")), ("x-unconditional" = json!(true))),
    responses((status = 204, description = "Ended")))]
#[delete("/me/sessions/{id}")]
pub async fn end_own_session(allowed: Allowed<may::UseOwnAccount>, id: Path<SessionId>) -> Reply {
    allowed
        .write(move |tx| {
            let (account, now) = (tx.viewer().account_id, tx.now());
            let own = rows::open_sessions(tx.conn(), &account, now)?;
            if !own.iter().any(|row| row.id == id.0) {
                return Err(Error::not_found());
            }
            rows::end_session(tx.conn(), &id.0, now)
        })
        .await?;
    Ok(reply::nothing())
}
