//! Issuing clients and revoking them, for administrators.

use actix_web::{delete, get, post};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::accounts::role_of;
use crate::access::clients::{self as rows, ClientRow};
use crate::access::secret::hash_token;
use crate::access::{Allowed, Read, may};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, ClientId};
use crate::base::network::Network;
use crate::base::page::{Page, Paging};
use crate::base::text::{Line, Listed};
use crate::base::time::UtcTime;
use crate::base::words::{Role, Scope};
use crate::web::{Json, Path, Query, Reply, reply};

/// How many days a client lives at most, and unless said.
const DAYS: u64 = 366;

/// A client to issue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientIn {
    /// The account that it speaks for; none of an administrator.
    pub account_id: AccountId,
    /// What it is, for people.
    pub name: Line,
    /// What it may do of what the account may.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Listed<Scope>,
    /// From where it may come; from anywhere where nothing is said.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub addresses: Listed<Network>,
    /// The last day on which it is let in; a year from today at the latest, and unless said.
    pub expires_on: Option<NaiveDate>,
}

/// A client as shown.
#[derive(Serialize, ToSchema)]
pub struct ClientOut {
    /// Its id: the `client_id` of OAuth 2.0.
    pub id: ClientId,
    /// The account that it speaks for.
    pub account_id: AccountId,
    /// What it is, for people.
    pub name: Line,
    /// What it may do of what the account may.
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Listed<Scope>,
    /// From where it may come; from anywhere where there are none.
    #[schema(value_type = Vec<String>)]
    pub addresses: Listed<Network>,
    /// The last day on which it is let in.
    pub expires_on: NaiveDate,
    /// When it was issued.
    pub created_at: UtcTime,
    /// When it last came in, to the second or so.
    pub last_used_at: Option<UtcTime>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<UtcTime>,
}

/// A client with its key, which is never shown again.
#[derive(Serialize, ToSchema)]
pub struct IssuedOut {
    /// The client.
    pub client: ClientOut,
    /// Its key: a bearer token, and the `client_secret` of OAuth 2.0.
    pub key: String,
}

/// Which clients to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClientList {
    /// Of that account.
    #[param(value_type = Option<String>)]
    pub account_id: Option<AccountId>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: crate::base::page::Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<crate::base::page::Cursor>,
}

fn shown(row: ClientRow) -> ClientOut {
    ClientOut {
        id: row.id,
        account_id: row.account_id,
        name: row.name,
        scopes: row.scopes,
        addresses: row.addresses,
        expires_on: row.expires_on,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    }
}

fn seen_by(tx: &Read<'_>, row: &ClientRow) -> Result<Value, Error> {
    tx.seen(row, &shown(row.clone()))
}

/// List clients
///
/// Every client, those that were revoked too, in a stable order.
#[utoipa::path(tag = "clients", params(ClientList), extensions(("x-permission" = json!("ReadAccounts"))),
    responses((status = 200, description = "One page", body = Page<ClientOut>)))]
#[get("/clients")]
pub async fn list_clients(allowed: Allowed<may::ReadAccounts>, query: Query<ClientList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let asked = query.0;
            let found = rows::list(tx.conn(), asked.account_id.as_ref())?;
            let paging = Paging {
                limit: asked.limit,
                cursor: asked.cursor,
            };
            let page = paging
                .cut(found, |row| row.id.to_string())
                .try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Issue a client
///
/// Makes a client that speaks for an account, and its key, which is shown this once. To change a client, issue another
/// and revoke the first.
#[utoipa::path(tag = "clients", extensions(("x-permission" = json!("ManageAccounts"))),
    request_body(content = ClientIn, example = json!({"account_id": "b1a7e6c2-0f4d-4a1e-9a53-5d2c8e7f6a10", "name": "Nightly import of Partner One", "scopes": ["read"], "addresses": ["192.0.2.0/24"], "expires_on": "2010-12-31"})),
    responses((status = 201, description = "Issued", body = IssuedOut, example = json!({"client": {"id": "7d3f0c52-5b0e-4c0e-9d6f-3a1b2c3d4e5f", "account_id": "b1a7e6c2-0f4d-4a1e-9a53-5d2c8e7f6a10", "name": "Nightly import of Partner One", "scopes": ["read"], "addresses": ["192.0.2.0/24"], "expires_on": "2010-12-31", "created_at": "2010-05-10T08:00:00Z", "last_used_at": null, "revoked_at": null}, "key": "conscience_<id>_<52 characters><checksum>"}))))]
#[post("/clients")]
pub async fn create_client(allowed: Allowed<may::ManageAccounts>, body: Json<ClientIn>) -> Reply {
    let given = body.0;
    let random: [u8; 32] = allowed.door().ids.bytes();
    let made = allowed
        .write(move |tx| {
            let latest = tx.today().checked_add_days(Days::new(DAYS)).unwrap_or(NaiveDate::MAX);
            let expires_on = given.expires_on.unwrap_or(latest);
            if expires_on < tx.today() || expires_on > latest {
                let detail = format!("must lie between today and {latest}");
                return Err(Error::invalid("/expires_on", detail));
            }
            if given.scopes.items().is_empty() {
                return Err(Error::invalid("/scopes", "must name one at least"));
            }
            match role_of(tx.conn(), &given.account_id)? {
                None => return Err(Error::invalid("/account_id", "there is no such account")),
                Some(Role::Admin) => return Err(Error::invalid("/account_id", "no machine administers")),
                Some(Role::Staff | Role::Partner | Role::Dashboard) => {}
            }
            let id = ClientId::from_uuid(tx.uuid());
            let key = rows::key_of(&id, &random);
            let row = ClientRow {
                id,
                account_id: given.account_id,
                name: given.name,
                scopes: given.scopes,
                addresses: given.addresses,
                expires_on,
                key_hash: hash_token(&key),
                created_at: tx.now(),
                last_used_at: None,
                revoked_at: None,
            };
            tx.create(&row)?;
            let client = seen_by(tx, &row)?;
            let tagged = tx.tag(json!({"client": client, "key": key}))?;
            Ok((row.id, tagged))
        })
        .await?;
    Ok(reply::created_once(&format!("/v1/clients/{}", made.0), &made.1))
}

/// One client
///
/// The client, with when it last came in; never its key.
#[utoipa::path(tag = "clients", params(("id" = String, Path, description = "The client's id")), extensions(("x-permission" = json!("ReadAccounts"))),
    responses((status = 200, description = "The client", body = ClientOut)))]
#[get("/clients/{id}")]
pub async fn find_client(allowed: Allowed<may::ReadAccounts>, id: Path<ClientId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = rows::find(tx.conn(), &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Revoke a client
///
/// Its key and every access token that it was given are refused from then on, in every process.
#[utoipa::path(tag = "clients", params(("id" = String, Path, description = "The client's id")), extensions(("x-permission" = json!("ManageAccounts")), ("x-unconditional" = json!(true))),
    responses((status = 204, description = "Revoked")))]
#[delete("/clients/{id}")]
pub async fn revoke_client(allowed: Allowed<may::ManageAccounts>, id: Path<ClientId>) -> Reply {
    allowed
        .write(move |tx| {
            let before = rows::find(tx.conn(), &id.0)?;
            if before.revoked_at.is_some() {
                return Err(Error::new(Code::Conflict, "that client was revoked already"));
            }
            let after = ClientRow {
                revoked_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
