//! Accounts of others, for administrators.

use actix_web::{get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::accounts::{self as rows, AccountRow};
use crate::access::clients::ClientRow;
use crate::access::{Allowed, Read, Write, clients, may};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, OrganisationId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::patch::Patch;
use crate::base::text::{Email, Line};
use crate::base::time::UtcTime;
use crate::base::words::Role;
use crate::organisations;
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// An account to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountIn {
    /// Log-in name: an address that no other account has.
    pub email: Email,
    /// The person's name.
    pub name: Line,
    /// What it may do.
    pub role: Role,
    /// The organisation that it belongs to.
    pub organisation_id: OrganisationId,
    /// Its first password, 15 characters or more, none that everyone tries.
    #[schema(format = Password)]
    pub password: String,
}

/// Changes to an account: what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    /// The person's name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name: Patch<Line>,
    /// What it may do; ends its sessions.
    #[serde(default)]
    #[schema(value_type = Option<Role>)]
    pub role: Patch<Role>,
    /// The organisation that it belongs to; ends its sessions.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub organisation_id: Patch<OrganisationId>,
    /// Whether it is shut; ends its sessions.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub disabled: Patch<bool>,
    /// A new password; ends its sessions.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Patch<String>,
}

/// An account as shown.
#[derive(Serialize, ToSchema)]
pub struct AccountOut {
    /// Its id.
    pub id: AccountId,
    /// The organisation that it belongs to.
    pub organisation_id: OrganisationId,
    /// Log-in name.
    pub email: String,
    /// The person's name.
    pub name: Line,
    /// What it may do.
    pub role: Role,
    /// Whether log-in asks for a second factor.
    pub otp_active: bool,
    /// Whether it is shut.
    pub disabled: bool,
    /// When it was opened.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
    /// When it was shut, if it was.
    pub disabled_at: Option<UtcTime>,
}

/// Which accounts to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountList {
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// The account, all of it.
pub(super) fn shown(row: &AccountRow) -> AccountOut {
    AccountOut {
        id: row.id.clone(),
        organisation_id: row.organisation_id.clone(),
        email: row.email.clone(),
        name: row.name.clone(),
        role: row.role,
        otp_active: row.otp_active,
        disabled: row.disabled_at.is_some(),
        created_at: row.created_at,
        updated_at: row.updated_at,
        disabled_at: row.disabled_at,
    }
}

fn seen_by(tx: &Read<'_>, row: &AccountRow) -> Result<Value, Error> {
    tx.seen(row, &shown(row))
}

fn require_organisation(tx: &mut Read<'_>, id: &OrganisationId) -> Result<(), Error> {
    match organisations::find(tx, id) {
        Ok(_) => Ok(()),
        Err(error) if error.code == Code::NotFound => {
            Err(Error::invalid("/organisation_id", "there is no such organisation"))
        }
        Err(error) => Err(error),
    }
}

fn apply(
    before: &AccountRow,
    patch: AccountPatch,
    password_hash: Option<String>,
    now: UtcTime,
) -> Result<AccountRow, Error> {
    let mut after = before.clone();
    patch.name.apply("/name", &mut after.name)?;
    patch.role.apply("/role", &mut after.role)?;
    patch
        .organisation_id
        .apply("/organisation_id", &mut after.organisation_id)?;
    let mut disabled = before.disabled_at.is_some();
    patch.disabled.apply("/disabled", &mut disabled)?;
    after.disabled_at = if disabled {
        before.disabled_at.or(Some(now))
    } else {
        None
    };
    if let Some(hash) = password_hash {
        after.password_hash = hash;
    }
    Ok(after)
}

/// Stores the changed account; ends its sessions where what they stood on has changed.
fn store(tx: &mut Write<'_>, before: &AccountRow, after: AccountRow) -> Result<AccountRow, Error> {
    let loses_admin = after.role != Role::Admin || after.disabled_at.is_some();
    if loses_admin && before.role == Role::Admin && !rows::has_other_admin(tx.conn(), &after.id)? {
        return Err(Error::new(Code::Conflict, "this is the last administrator"));
    }
    let after = tx.save(before, after)?;
    let same = before.role == after.role
        && before.organisation_id == after.organisation_id
        && before.password_hash == after.password_hash
        && after.disabled_at.is_none();
    if !same {
        let now = tx.now();
        rows::end_sessions(tx.conn(), &after.id, None, now)?;
    }
    if before.role != after.role || before.organisation_id != after.organisation_id || after.disabled_at.is_some() {
        // A machine was let in for what the account was.
        retire_clients(tx, &after.id)?;
    }
    Ok(after)
}

/// Takes an account's clients from it.
fn retire_clients(tx: &mut Write<'_>, account: &AccountId) -> Result<(), Error> {
    for before in clients::list(tx.conn(), Some(account))? {
        if before.revoked_at.is_none() {
            let after = ClientRow {
                revoked_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)?;
        }
    }
    Ok(())
}

/// List accounts
///
/// Every account, those that are shut too, in a stable order.
#[utoipa::path(tag = "accounts", params(AccountList), extensions(("x-permission" = json!("ReadAccounts"))),
    responses((status = 200, description = "One page", body = Page<AccountOut>,
        example = json!({"items": [{"id": "b1a7e6c2-0f4d-4a1e-9a53-5d2c8e7f6a10", "organisation_id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "email": "staff@example.org", "name": "Staff", "role": "staff", "disabled": false, "created_at": "2010-05-10T00:00:00Z", "updated_at": "2010-05-10T00:00:00Z", "disabled_at": null}], "next": null}))))]
#[get("/accounts")]
pub async fn list_accounts(allowed: Allowed<may::ReadAccounts>, query: Query<AccountList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let after = query.0.cursor.as_ref().map_or("", Cursor::as_str);
            let found = rows::list(tx.conn(), after, query.0.limit.with_one_more())?;
            let page = Page::of(found, query.0.limit, |row| row.id.to_string()).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Open an account
///
/// Opens an account with a role and a first password, which its owner changes.
#[utoipa::path(tag = "accounts", extensions(("x-permission" = json!("ManageAccounts"))),
    request_body(content = AccountIn, example = json!({"email": "partner@example.org", "name": "Partner", "role": "partner", "organisation_id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "password": "a long pass phrase"})),
    responses((status = 201, description = "Opened", body = AccountOut)))]
#[post("/accounts")]
pub async fn create_account(allowed: Allowed<may::ManageAccounts>, body: Json<AccountIn>) -> Reply {
    let given = body.0;
    let email = given.email.as_str().to_owned();
    super::require_good_password("/password", &given.password)?;
    let password_hash = super::hash(allowed.door(), given.password).await?;
    let made = allowed
        .write(move |tx| {
            if let Some(row) = rows::find_by_email(tx.conn(), &email)? {
                return Err(Error::already_exists(
                    "there is an account with that address",
                    Some(row.id.to_string()),
                ));
            }
            require_organisation(tx, &given.organisation_id)?;
            let row = AccountRow {
                id: AccountId::from_uuid(tx.uuid()),
                organisation_id: given.organisation_id,
                email,
                name: given.name,
                role: given.role,
                password_hash,
                otp_secret: None,
                otp_active: false,
                otp_step: 0,
                created_at: tx.now(),
                updated_at: tx.now(),
                disabled_at: None,
            };
            tx.create(&row)?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/accounts/{}", made.0), &made.1))
}

/// One account
///
/// The account with its role and whether it is shut.
#[utoipa::path(tag = "accounts", params(("id" = String, Path, description = "The account's id")), extensions(("x-permission" = json!("ReadAccounts"))),
    responses((status = 200, description = "The account", body = AccountOut)))]
#[get("/accounts/{id}")]
pub async fn find_account(allowed: Allowed<may::ReadAccounts>, id: Path<AccountId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = rows::find(tx.conn(), &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change an account
///
/// Changes name, role, organisation or password, or shuts the account; `If-Match` carries the version it was read
/// at. A change of anything but the name ends the account's sessions at once. The last administrator stays one.
#[utoipa::path(tag = "accounts", params(("id" = String, Path, description = "The account's id")), extensions(("x-permission" = json!("ManageAccounts"))),
    request_body(content = AccountPatch, example = json!({"disabled": true})),
    responses((status = 200, description = "Changed", body = AccountOut)))]
#[patch("/accounts/{id}")]
pub async fn update_account(
    allowed: Allowed<may::ManageAccounts>,
    id: Path<AccountId>,
    wanted: IfMatch,
    body: Json<AccountPatch>,
) -> Reply {
    let mut patch = body.0;
    let password_hash = match std::mem::take(&mut patch.password) {
        Patch::Absent => None,
        Patch::Null => return Err(Error::invalid("/password", "cannot be null")),
        Patch::Value(password) => {
            super::require_good_password("/password", &password)?;
            Some(super::hash(allowed.door(), password).await?)
        }
    };
    let changed = allowed
        .write(move |tx| {
            let before = rows::find(tx.conn(), &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            let after = apply(&before, patch, password_hash, tx.now())?;
            if after.organisation_id != before.organisation_id {
                require_organisation(tx, &after.organisation_id)?;
            }
            let after = store(tx, &before, after)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&changed))
}
