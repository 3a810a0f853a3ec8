//! Accounts and sessions as rows. They live on this floor because the door reads them.

use std::net::IpAddr;

use diesel::prelude::*;

use crate::access::clients;
use crate::access::ledger;
use crate::access::sealing::{FieldKeys, Place, Sealed};
use crate::access::secret::IDLE_SECONDS;
use crate::access::viewer::Viewer;
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, OrganisationId, SessionId};
use crate::base::text::Line;
use crate::base::time::UtcTime;
use crate::base::words::Role;
use crate::schema::{accounts, recovery_codes, refresh_tokens, sessions};
use crate::store::Conn;

/// An account as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = accounts, treat_none_as_null = true)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// The organisation that it belongs to.
    pub organisation_id: OrganisationId,
    /// Log-in name, lower case.
    pub email: String,
    /// The person's name.
    pub name: Line,
    /// What it may do.
    pub role: Role,
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// The authenticator's secret.
    pub otp_secret: Option<Sealed>,
    /// Whether log-in asks for the authenticator.
    pub otp_active: bool,
    /// The last step whose one-time password was used.
    pub otp_step: i64,
    /// When it was made.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
    /// When it was shut, if it was.
    pub disabled_at: Option<UtcTime>,
}

crate::record!(AccountRow, accounts, "account", parent: |_row| None, owner: |_row| None, level: |_row, _conn| Ok(crate::base::words::Sharing::Public), {
    id: Public,
    organisation_id: Public,
    email: Internal,
    name: Internal,
    role: Public,
    otp_active: Internal,
    created_at: Public,
    disabled_at: Public,
} derived {
    updated_at: Public,
    disabled: Public,
} secret {
    password_hash,
    otp_secret,
} stamps { updated_at, updated_at, updated_at });

fn otp_place(id: &AccountId) -> Place<'_> {
    ledger::place_of::<AccountRow>(id.as_str(), "otp_secret")
}

/// The secret of an account's authenticator, for its row.
///
/// # Errors
/// `internal` where the library refuses.
pub fn sealed_otp(keys: &FieldKeys, id: &AccountId, secret: &[u8], nonce: &[u8; 12]) -> Result<Sealed, Error> {
    keys.seal(otp_place(id), secret, nonce)
}

impl AccountRow {
    /// The secret of the account's authenticator.
    ///
    /// # Errors
    /// `record_altered` where it is not what was sealed there.
    pub fn opened_otp(&self, keys: &FieldKeys) -> Result<Vec<u8>, Error> {
        let sealed = self.otp_secret.as_ref();
        sealed
            .and_then(|sealed| keys.open(otp_place(&self.id), sealed))
            .ok_or_else(|| Error::altered("account", self.id.as_str()))
    }
}

/// A session: what one log-in began.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account_id: AccountId,
    /// When it began.
    pub created_at: UtcTime,
    /// When it can no longer be refreshed.
    pub expires_at: UtcTime,
    /// When it was ended, if it was.
    pub ended_at: Option<UtcTime>,
    /// When the password, and the second factor, were last given in it.
    pub shown_at: UtcTime,
}

/// The viewer that a session speaks for, if it still does.
///
/// # Errors
/// `unauthorised` where the session has ended or the account is shut, or there is none of that id.
pub fn viewer_of(conn: &mut Conn, session: &str, now: UtcTime) -> Result<Viewer, Error> {
    let session =
        SessionId::parse(session).map_err(|_| Error::new(Code::Unauthorised, "the access token is not valid"))?;
    viewer(conn, &session, now)
}

/// Refuses whoever may not speak any more as they did when they were let in: a write comes when its body has come.
///
/// # Errors
/// `unauthorised`.
pub fn assert_still(conn: &mut Conn, known: &Viewer, address: Option<IpAddr>, now: UtcTime) -> Result<(), Error> {
    let ended = || Error::new(Code::Unauthorised, "the session has ended");
    let current = match (&known.machine, &known.session_id) {
        (Some(machine), _) => clients::standing(conn, &machine.client_id, address, now)?.map(|(_, viewer)| viewer),
        (None, Some(session)) => Some(viewer(conn, session, now)?),
        (None, None) => return Ok(()),
    };
    let current = current.ok_or_else(ended)?;
    let same = current.role == known.role && current.organisation_id == known.organisation_id;
    if same { Ok(()) } else { Err(ended()) }
}

fn viewer(conn: &mut Conn, session: &SessionId, now: UtcTime) -> Result<Viewer, Error> {
    let found: Option<(AccountId, OrganisationId, Role, bool, UtcTime)> = sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .filter(sessions::id.eq(session.clone()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(accounts::disabled_at.is_null())
        .select((
            accounts::id,
            accounts::organisation_id,
            accounts::role,
            accounts::otp_active,
            sessions::shown_at,
        ))
        .first(conn)
        .optional()?;
    let (account_id, organisation_id, role, enrolled, shown_at) =
        found.ok_or_else(|| Error::new(Code::Unauthorised, "the session has ended"))?;
    Ok(Viewer {
        account_id,
        session_id: Some(session.clone()),
        machine: None,
        shown_at: Some(shown_at),
        organisation_id,
        role,
        today: now.day(),
        enrolled,
    })
}

/// The account with that address, if there is one.
///
/// # Errors
/// What the database says.
pub fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<AccountRow>, Error> {
    Ok(accounts::table
        .filter(accounts::email.eq(email.trim().to_lowercase()))
        .select(accounts::all_columns)
        .first(conn)
        .optional()?)
}

/// The account of that id.
///
/// # Errors
/// `not_found`.
pub fn find(conn: &mut Conn, id: &AccountId) -> Result<AccountRow, Error> {
    Ok(accounts::table
        .find(id.clone())
        .select(accounts::all_columns)
        .first(conn)?)
}

/// Up to that many accounts after that id, in the order of their ids.
///
/// # Errors
/// What the database says.
pub fn list(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<AccountRow>, Error> {
    Ok(accounts::table
        .filter(accounts::id.gt(after.to_owned()))
        .order(accounts::id)
        .limit(limit)
        .select(accounts::all_columns)
        .load(conn)?)
}

/// Takes a step of the authenticator; false where it, or a later one, was used already.
///
/// # Errors
/// What the database says.
pub fn use_step(conn: &mut Conn, id: &AccountId, step: i64) -> Result<bool, Error> {
    let taken = diesel::update(accounts::table.find(id.clone()))
        .filter(accounts::otp_step.lt(step))
        .set(accounts::otp_step.eq(step))
        .execute(conn)?;
    Ok(taken == 1)
}

/// Uses up a recovery code (given hashed); false where it is none.
///
/// # Errors
/// What the database says.
pub fn use_recovery_code(conn: &mut Conn, id: &AccountId, code_hash: &str) -> Result<bool, Error> {
    let used = diesel::delete(recovery_codes::table.find(code_hash.to_owned()))
        .filter(recovery_codes::account_id.eq(id.clone()))
        .execute(conn)?;
    Ok(used == 1)
}

/// Puts new recovery codes (given hashed) in the place of the old ones.
///
/// # Errors
/// What the database says.
pub fn replace_recovery_codes(conn: &mut Conn, id: &AccountId, hashes: &[String]) -> Result<(), Error> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(id.clone()))).execute(conn)?;
    for hash in hashes {
        diesel::insert_into(recovery_codes::table)
            .values((
                recovery_codes::code_hash.eq(hash.clone()),
                recovery_codes::account_id.eq(id.clone()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Whether an account belongs to that organisation.
///
/// # Errors
/// What the database says.
pub fn has_accounts(conn: &mut Conn, organisation: &OrganisationId) -> Result<bool, Error> {
    let found: Option<AccountId> = accounts::table
        .filter(accounts::organisation_id.eq(organisation.clone()))
        .select(accounts::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Whether there is an administrator who can log in, beside that one.
///
/// # Errors
/// What the database says.
pub fn has_other_admin(conn: &mut Conn, id: &AccountId) -> Result<bool, Error> {
    let others: i64 = accounts::table
        .filter(accounts::id.ne(id.clone()))
        .filter(accounts::role.eq(Role::Admin))
        .filter(accounts::disabled_at.is_null())
        .select(diesel::dsl::count_star())
        .first(conn)?;
    Ok(others > 0)
}

/// Opens a session with its first refresh token (given hashed).
///
/// # Errors
/// What the database says.
pub fn open_session(conn: &mut Conn, session: &SessionRow, token_hash: &str) -> Result<(), Error> {
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    keep_token(conn, &session.id, token_hash, session.created_at)
}

fn keep_token(conn: &mut Conn, session: &SessionId, token_hash: &str, now: UtcTime) -> Result<(), Error> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(token_hash),
            refresh_tokens::session_id.eq(session.clone()),
            refresh_tokens::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// What presenting a refresh token led to.
pub enum Refreshed {
    /// The session goes on under the new token.
    Renewed(Viewer),
    /// The token had been used before: the whole family is ended.
    Reused(AccountId),
    /// Unknown, ended or expired.
    Refused,
}

/// Uses a refresh token up and puts the next in its place. A token used twice ends its family.
///
/// # Errors
/// What the database says.
pub fn rotate(conn: &mut Conn, token_hash: &str, next_hash: &str, now: UtcTime) -> Result<Refreshed, Error> {
    let found: Option<(SessionId, Option<UtcTime>, UtcTime, AccountId)> = refresh_tokens::table
        .inner_join(sessions::table.on(sessions::id.eq(refresh_tokens::session_id)))
        .filter(refresh_tokens::token_hash.eq(token_hash))
        .select((
            refresh_tokens::session_id,
            refresh_tokens::used_at,
            refresh_tokens::created_at,
            sessions::account_id,
        ))
        .first(conn)
        .optional()?;
    let Some((session, used, made, account)) = found else {
        return Ok(Refreshed::Refused);
    };
    if used.is_some() {
        end_session(conn, &session, now)?;
        return Ok(Refreshed::Reused(account));
    }
    if made.plus_seconds(IDLE_SECONDS) < now {
        end_session(conn, &session, now)?;
        return Ok(Refreshed::Refused);
    }
    let viewer = match viewer(conn, &session, now) {
        Ok(viewer) => viewer,
        Err(error) if error.code == Code::Unauthorised => return Ok(Refreshed::Refused),
        Err(error) => return Err(error),
    };
    diesel::update(refresh_tokens::table.find(token_hash))
        .set(refresh_tokens::used_at.eq(now))
        .execute(conn)?;
    keep_token(conn, &session, next_hash, now)?;
    Ok(Refreshed::Renewed(viewer))
}

/// Notes that whoever speaks in a session has shown again that they are who they are.
///
/// # Errors
/// What the database says.
pub fn show_in_session(conn: &mut Conn, session: &SessionId, now: UtcTime) -> Result<(), Error> {
    diesel::update(sessions::table.find(session.clone()))
        .set(sessions::shown_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// What the database says.
pub fn end_session(conn: &mut Conn, session: &SessionId, now: UtcTime) -> Result<usize, Error> {
    Ok(diesel::update(sessions::table.find(session.clone()))
        .filter(sessions::ended_at.is_null())
        .set(sessions::ended_at.eq(now))
        .execute(conn)?)
}

/// Ends all sessions of an account, but for one.
///
/// # Errors
/// What the database says.
pub fn end_sessions(
    conn: &mut Conn,
    account: &AccountId,
    except: Option<&SessionId>,
    now: UtcTime,
) -> Result<(), Error> {
    let spared: Vec<SessionId> = except.into_iter().cloned().collect();
    diesel::update(sessions::table)
        .filter(sessions::account_id.eq(account.clone()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::id.ne_all(spared))
        .set(sessions::ended_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// The account's sessions that can still be used, newest first.
///
/// # Errors
/// What the database says.
pub fn open_sessions(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Vec<SessionRow>, Error> {
    let used_lately = refresh_tokens::table
        .filter(refresh_tokens::created_at.ge(now.plus_seconds(-IDLE_SECONDS)))
        .select(refresh_tokens::session_id);
    Ok(sessions::table
        .filter(sessions::account_id.eq(account.clone()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::id.eq_any(used_lately))
        .order((sessions::created_at.desc(), sessions::id))
        .select(sessions::all_columns)
        .load(conn)?)
}

/// Whether there was ever such a refresh token (given hashed).
///
/// # Errors
/// What the database says.
pub fn is_known_token(conn: &mut Conn, token_hash: &str) -> Result<bool, Error> {
    let known: i64 = refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(token_hash))
        .select(diesel::dsl::count_star())
        .first(conn)?;
    Ok(known > 0)
}

/// The role of the account, where there is one of that id that is not shut.
///
/// # Errors
/// What the database says.
pub fn role_of(conn: &mut Conn, id: &AccountId) -> Result<Option<Role>, Error> {
    Ok(accounts::table
        .find(id.clone())
        .filter(accounts::disabled_at.is_null())
        .select(accounts::role)
        .first(conn)
        .optional()?)
}
