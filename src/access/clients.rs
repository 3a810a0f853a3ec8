//! Clients: machines that speak for an account, within scopes, until a day, from where they may. They live on this floor
//! because the door reads them.
//!
//! A client has one key: `conscience_`, the client's id, 256 random bits, a checksum, so that whoever finds one in a text
//! knows it for what it is. It is shown once and kept hashed. It is sent as a bearer token, or exchanged for access tokens
//! (OAuth 2.0 client credentials) as the client's secret.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::NaiveDate;
use diesel::prelude::*;

use crate::access::otp;
use crate::access::secret::hash_token;
use crate::access::token::SLACK_SECONDS;
use crate::access::viewer::{Machine, Viewer};
use crate::base::choice::Choice;
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, ClientId};
use crate::base::network::Network;
use crate::base::text::{Line, Listed};
use crate::base::time::UtcTime;
use crate::base::words::{Role, Scope, Sharing};
use crate::schema::{accounts, clients, revoked_tokens};
use crate::store::Conn;

/// What every client's key begins with.
pub const PREFIX: &str = "conscience_";
/// How many characters the checksum has.
const CHECKSUM: usize = 8;

/// A client as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_null = true)]
pub struct ClientRow {
    /// Its id.
    pub id: ClientId,
    /// The account that it speaks for.
    pub account_id: AccountId,
    /// What it is, for people.
    pub name: Line,
    /// What it may do of what the account may.
    pub scopes: Listed<Scope>,
    /// From where it may come; from anywhere where there are none.
    pub addresses: Listed<Network>,
    /// The last day on which it is let in.
    pub expires_on: NaiveDate,
    /// Its key, hashed.
    pub key_hash: String,
    /// When it was made.
    pub created_at: UtcTime,
    /// When it last came in, to the second or so.
    pub last_used_at: Option<UtcTime>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<UtcTime>,
}

crate::record!(ClientRow, clients, "client", parent: |row| Some(row.account_id.to_string()), owner: |_row| None, level: |_row, _conn| Ok(Sharing::Public), {
    id: Internal,
    account_id: Internal,
    name: Internal,
    scopes: Internal,
    addresses: Internal,
    expires_on: Internal,
    created_at: Internal,
    revoked_at: Internal,
} derived {
    last_used_at: Internal,
} secret {
    key_hash,
});

/// A fresh key of that client.
#[must_use]
pub fn key_of(id: &ClientId, random: &[u8; 32]) -> String {
    let id: String = id.as_str().chars().filter(|c| *c != '-').collect();
    let random = otp::base32(random).to_lowercase();
    let start = format!("{PREFIX}{id}_{random}");
    let checksum = checksum(&start);
    format!("{start}{checksum}")
}

fn checksum(text: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let start = hash.as_ref().iter().take(CHECKSUM / 2);
    let number = start.fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{number:0CHECKSUM$x}")
}

/// The client whose key that is, going by its form: whether it is its key is asked of the database.
#[must_use]
pub fn id_in(key: &str) -> Option<ClientId> {
    let (start, end) = key.split_at_checked(key.len().checked_sub(CHECKSUM)?)?;
    if checksum(start) != end {
        return None;
    }
    let (id, _) = start.strip_prefix(PREFIX)?.split_once('_')?;
    Some(ClientId::from_uuid(uuid::Uuid::try_parse(id).ok()?))
}

/// The client of that key, from that address, if it may come in now; else the client that was refused, where it is known.
///
/// # Errors
/// What the database says.
pub fn of_key(
    conn: &mut Conn,
    key: &str,
    address: Option<IpAddr>,
    now: UtcTime,
) -> Result<Result<(ClientRow, Viewer), Option<ClientId>>, Error> {
    let Some(id) = id_in(key) else {
        return Ok(Err(None));
    };
    let Some((client, viewer)) = standing(conn, &id, address, now)? else {
        return Ok(Err(Some(id)));
    };
    let fits = verify_slices_are_equal(client.key_hash.as_bytes(), hash_token(key).as_bytes()).is_ok();
    Ok(if fits { Ok((client, viewer)) } else { Err(Some(id)) })
}

/// The viewer that a client's access token speaks for, within the token's scopes.
///
/// # Errors
/// `unauthorised` where the token or the client was revoked, or the client may not come in now.
pub fn of_token(
    conn: &mut Conn,
    (id, token_id, scope): (&str, &str, &str),
    address: Option<IpAddr>,
    now: UtcTime,
) -> Result<Viewer, Error> {
    let refused = || Error::new(Code::Unauthorised, "the access token is not valid");
    let id = ClientId::parse(id).map_err(|_| refused())?;
    let revoked: i64 = revoked_tokens::table
        .find(token_id.to_owned())
        .select(diesel::dsl::count_star())
        .first(conn)?;
    if revoked > 0 {
        return Err(refused());
    }
    let (_, mut viewer) = standing(conn, &id, address, now)?.ok_or_else(refused)?;
    if let Some(machine) = &mut viewer.machine {
        let asked = scopes_of(scope).unwrap_or_default();
        machine.scopes.retain(|scope| asked.contains(scope));
    }
    Ok(viewer)
}

/// The client and the viewer that it speaks for, if it may come in now from there.
///
/// # Errors
/// What the database says.
pub fn standing(
    conn: &mut Conn,
    id: &ClientId,
    address: Option<IpAddr>,
    now: UtcTime,
) -> Result<Option<(ClientRow, Viewer)>, Error> {
    let found: Option<(ClientRow, _, Role, bool)> = clients::table
        .inner_join(accounts::table.on(accounts::id.eq(clients::account_id)))
        .filter(clients::id.eq(id.clone()))
        .filter(clients::revoked_at.is_null())
        .filter(clients::expires_on.ge(now.day()))
        .filter(accounts::disabled_at.is_null())
        // No machine administers.
        .filter(accounts::role.ne(Role::Admin))
        .select((
            clients::all_columns,
            accounts::organisation_id,
            accounts::role,
            accounts::otp_active,
        ))
        .first(conn)
        .optional()?;
    let Some((client, organisation_id, role, enrolled)) = found else {
        return Ok(None);
    };
    let ranges = client.addresses.items();
    let near = ranges.is_empty() || address.is_some_and(|address| ranges.iter().any(|range| range.holds(address)));
    let viewer = Viewer {
        account_id: client.account_id.clone(),
        session_id: None,
        machine: Some(Machine {
            client_id: client.id.clone(),
            scopes: client.scopes.items().to_vec(),
        }),
        organisation_id,
        role,
        today: now.day(),
        enrolled,
        shown_at: None,
    };
    Ok(near.then_some((client, viewer)))
}

/// The scopes of such a list, with spaces between; nothing where one is none.
#[must_use]
pub fn scopes_of(text: &str) -> Option<Vec<Scope>> {
    text.split_whitespace().map(Scope::from_slug).collect()
}

/// The same as a text.
#[must_use]
pub fn text_of(scopes: &[Scope]) -> String {
    let slugs: Vec<&str> = scopes.iter().map(|scope| scope.slug()).collect();
    slugs.join(" ")
}

/// Refuses a token from now on; those that have expired anyway are forgotten.
///
/// # Errors
/// What the database says.
pub fn revoke_token(conn: &mut Conn, token_id: &str, expires_at: UtcTime, now: UtcTime) -> Result<(), Error> {
    // Another process's clock may be behind.
    let forgotten = now.plus_seconds(-SLACK_SECONDS);
    diesel::delete(revoked_tokens::table.filter(revoked_tokens::expires_at.lt(forgotten))).execute(conn)?;
    let known: i64 = revoked_tokens::table
        .find(token_id.to_owned())
        .select(diesel::dsl::count_star())
        .first(conn)?;
    if known == 0 {
        diesel::insert_into(revoked_tokens::table)
            .values((
                revoked_tokens::token_id.eq(token_id.to_owned()),
                revoked_tokens::expires_at.eq(expires_at),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Keeps when clients last came in. Not in the ledger: nobody changed anything.
///
/// # Errors
/// What the database says.
pub fn keep_used(conn: &mut Conn, used: &[(ClientId, UtcTime)]) -> Result<(), Error> {
    for (id, at) in used {
        diesel::update(clients::table.find(id.clone()))
            .filter(
                clients::last_used_at
                    .is_null()
                    .or(clients::last_used_at.assume_not_null().lt(*at)),
            )
            .set(clients::last_used_at.eq(Some(*at)))
            .execute(conn)?;
    }
    Ok(())
}

/// The client of that id.
///
/// # Errors
/// `not_found`.
pub fn find(conn: &mut Conn, id: &ClientId) -> Result<ClientRow, Error> {
    Ok(clients::table
        .find(id.clone())
        .select(clients::all_columns)
        .first(conn)?)
}

/// Every client, or those of one account, in the order of their ids.
///
/// # Errors
/// What the database says.
pub fn list(conn: &mut Conn, of: Option<&AccountId>) -> Result<Vec<ClientRow>, Error> {
    let mut rows = clients::table.into_boxed();
    if let Some(account) = of {
        rows = rows.filter(clients::account_id.eq(account.clone()));
    }
    Ok(rows.order(clients::id).select(clients::all_columns).load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_form_and_a_typing_error_too() {
        let id = ClientId::from_uuid(uuid::Uuid::from_u128(7));
        let key = key_of(&id, &[9; 32]);
        assert!(key.starts_with("conscience_00000000000000000000000000000007_"), "{key}");
        assert_eq!(id_in(&key), Some(id));
        for place in 0..key.len() {
            let mut other = key.clone().into_bytes();
            other[place] = if other[place] == b'a' { b'b' } else { b'a' };
            assert_eq!(id_in(&String::from_utf8(other).unwrap()), None, "{place}");
        }
        for bad in ["", "conscience_", "conscience_x_y", "é", &key[..key.len() - 1]] {
            assert_eq!(id_in(bad), None, "{bad}");
        }
    }
}
