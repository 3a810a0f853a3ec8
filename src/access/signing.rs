//! Which key signs access tokens, and which are still believed. Every key derives from the installation's secret and the number of
//! its generation, so that a copy of the database holds none. Which of them signs and which are still believed is asked of
//! the database with each request: a rotation holds at once, in every process.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::access::secret::Keys;
use crate::access::token::{self, ACCESS_TOKEN_SECONDS, Claims, SLACK_SECONDS, Signer};
use crate::access::tx::Write;
use crate::base::error::{Code, Error};
use crate::base::time::UtcTime;
use crate::base::words::Sharing;
use crate::schema::signing_keys;
use crate::store::Conn;

/// How long a new key is published before it signs, unless said: as long as others may keep the key set.
pub const PUBLISHED_BEFORE_SECONDS: i64 = 300;

/// A generation of the signing key as stored. The first is there without a row.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = signing_keys, treat_none_as_null = true)]
pub struct SigningKeyRow {
    /// The key's id in tokens and in the key set.
    pub id: String,
    /// Which one, from 1.
    pub generation: i64,
    /// From when it signs; until then it is only published.
    pub signs_from: UtcTime,
    /// From when what it signed is refused, if it was removed.
    pub removed_at: Option<UtcTime>,
}

crate::record!(SigningKeyRow, signing_keys, "signing_key", parent: |_row| None, owner: |_row| None, level: |_row, _conn| Ok(Sharing::Public), {
    id: Public,
    generation: Internal,
    signs_from: Internal,
    removed_at: Internal,
});

/// The keys that are believed now, the next among them, and the one that signs.
pub struct Ring {
    issuer: String,
    believed: Vec<Arc<Signer>>,
    signer: Arc<Signer>,
}

impl Ring {
    /// The keys as they stand at that moment.
    ///
    /// # Errors
    /// What the database says; `internal` where no key signs.
    pub fn load(conn: &mut Conn, keys: &Keys, now: UtcTime) -> Result<Self, Error> {
        let rows = generations(conn, keys)?;
        let (believed, signer) = standing(&rows, now);
        let signer = signer.ok_or_else(|| Error::internal("no key signs"))?;
        Ok(Self {
            issuer: keys.issuer().to_owned(),
            signer: keys.signer(signer)?,
            believed: believed
                .into_iter()
                .map(|generation| keys.signer(generation))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": self.believed.iter().map(|key| key.jwk()).collect::<Vec<_>>()})
    }

    /// A signed token of that id: for a session of an account, or for a client with its scopes.
    ///
    /// # Errors
    /// `internal` where signing fails.
    pub fn token(&self, subject: &str, rests_on: RestsOn, token_id: &str, now: UtcTime) -> Result<String, Error> {
        let (sid, scope) = match rests_on {
            RestsOn::Session(session) => (Some(session), None),
            RestsOn::Scopes(scope) => (None, Some(scope)),
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: subject.to_owned(),
            client_id: subject.to_owned(),
            jti: token_id.to_owned(),
            iat: now.seconds(),
            exp: now.seconds() + ACCESS_TOKEN_SECONDS,
            sid,
            scope,
        };
        self.signer.sign(&claims)
    }

    /// Checks signature, type, key, issuer and audience; expiry against the house's own clock.
    ///
    /// # Errors
    /// `unauthorised`, or `token_expired`.
    pub fn verify(&self, token: &str, now: UtcTime) -> Result<Claims, Error> {
        let refused = || Error::new(Code::Unauthorised, "the access token is not valid");
        let claims = token::kid(token)
            .and_then(|kid| self.believed.iter().find(|key| key.kid() == kid))
            .and_then(|key| key.verify(token, &self.issuer))
            .ok_or_else(refused)?;
        if claims.exp <= now.seconds() {
            return Err(Error::new(Code::TokenExpired, "the access token has expired"));
        }
        Ok(claims)
    }
}

/// What a token rests on.
pub enum RestsOn {
    /// A session, by its id.
    Session(String),
    /// A client's scopes, with spaces between.
    Scopes(String),
}

/// Every generation, in the order in which they sign.
fn generations(conn: &mut Conn, keys: &Keys) -> Result<Vec<SigningKeyRow>, Error> {
    let mut rows: Vec<SigningKeyRow> = signing_keys::table.select(signing_keys::all_columns).load(conn)?;
    if rows.iter().all(|row| row.generation != 1) {
        rows.push(first(keys)?);
    }
    rows.sort_by_key(|row| (row.signs_from, row.generation));
    Ok(rows)
}

fn first(keys: &Keys) -> Result<SigningKeyRow, Error> {
    Ok(SigningKeyRow {
        id: keys.signer(1)?.kid().to_owned(),
        generation: 1,
        signs_from: UtcTime::from_utc(chrono::DateTime::UNIX_EPOCH),
        removed_at: None,
    })
}

/// The generations that are believed at that moment, and the one that signs: the last that has begun to, unless it was
/// removed. A former one never signs again, and is believed until what it signed has expired.
fn standing(rows: &[SigningKeyRow], now: UtcTime) -> (Vec<i64>, Option<i64>) {
    let began = |row: &&SigningKeyRow| row.removed_at.is_none_or(|removed| removed > row.signs_from);
    let rows: Vec<&SigningKeyRow> = rows.iter().filter(began).collect();
    let believed = rows.iter().enumerate().filter(|(place, row)| {
        let followed = rows.get(place + 1).map(|next| next.signs_from);
        row.removed_at.is_none()
            && followed.is_none_or(|at| at.plus_seconds(ACCESS_TOKEN_SECONDS + SLACK_SECONDS) > now)
    });
    let last = rows.iter().rfind(|row| row.signs_from <= now);
    (
        believed.map(|(_, row)| row.generation).collect(),
        last.filter(|row| row.removed_at.is_none()).map(|row| row.generation),
    )
}

/// Publishes the next generation, which signs after so many seconds; gives its id.
///
/// # Errors
/// `invalid` for less than nothing.
pub fn rotate(tx: &mut Write<'_>, after_seconds: i64) -> Result<String, Error> {
    if after_seconds < 0 {
        return Err(Error::invalid("/after", "must not be negative"));
    }
    let (keys, now) = (tx.keys, tx.now());
    let known = generations(tx.conn(), keys)?;
    let generation = known.iter().map(|row| row.generation).max().unwrap_or(1) + 1;
    let row = SigningKeyRow {
        id: keys.signer(generation)?.kid().to_owned(),
        generation,
        signs_from: now.plus_seconds(after_seconds),
        removed_at: None,
    };
    tx.create(&row)?;
    Ok(row.id)
}

/// Removes a key: what it signed is refused at once. Where none would sign any more, the next generation does.
///
/// # Errors
/// `invalid` for an id that is none, or that was removed.
pub fn remove(tx: &mut Write<'_>, id: &str) -> Result<(), Error> {
    let (keys, now) = (tx.keys, tx.now());
    let known = generations(tx.conn(), keys)?;
    let before = known
        .iter()
        .find(|row| row.id == id && row.removed_at.is_none())
        .ok_or_else(|| Error::invalid("/id", "there is no such key"))?;
    let after = SigningKeyRow {
        removed_at: Some(now),
        ..before.clone()
    };
    let stored: i64 = signing_keys::table
        .find(id.to_owned())
        .select(diesel::dsl::count_star())
        .first(tx.conn())?;
    if stored == 0 {
        tx.create(&after)?;
    } else {
        tx.retire(before, after)?;
    }
    let left = generations(tx.conn(), keys)?;
    if standing(&left, now).1.is_none() {
        rotate(tx, 0)?;
    }
    Ok(())
}

/// The keys that are believed, a line each: id, from when it signs, whether it does.
///
/// # Errors
/// What the database says.
pub fn list(conn: &mut Conn, keys: &Keys, now: UtcTime) -> Result<Vec<String>, Error> {
    let rows = generations(conn, keys)?;
    let (believed, signer) = standing(&rows, now);
    let told = rows.iter().filter(|row| believed.contains(&row.generation)).map(|row| {
        let state = match row.generation {
            generation if Some(generation) == signer => "signs",
            _ if row.signs_from > now => "next",
            _ => "former",
        };
        format!(
            "{}  {state}  from {}",
            row.id,
            json!(row.signs_from).as_str().unwrap_or_default()
        )
    });
    Ok(told.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(generation: i64, seconds: i64, removed: bool) -> SigningKeyRow {
        let start = UtcTime::from_utc(chrono::DateTime::UNIX_EPOCH);
        SigningKeyRow {
            id: generation.to_string(),
            generation,
            signs_from: start.plus_seconds(seconds),
            removed_at: removed.then_some(start),
        }
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_believed_until_its_tokens_are_gone() {
        let rows = [row(1, 0, false), row(2, 1000, false)];
        let at = |seconds: i64| standing(&rows, row(0, seconds, false).signs_from);
        assert_eq!(at(999), (vec![1, 2], Some(1)));
        assert_eq!(at(1000), (vec![1, 2], Some(2)));
        assert_eq!(at(1000 + ACCESS_TOKEN_SECONDS), (vec![1, 2], Some(2)));
        assert_eq!(at(1000 + ACCESS_TOKEN_SECONDS + SLACK_SECONDS), (vec![2], Some(2)));
    }

    #[test]
    fn a_removed_key_is_believed_no_more_and_wakes_no_former_one() {
        let now = row(0, 2000, false).signs_from;
        let removed = |generation, from, at: i64| SigningKeyRow {
            removed_at: Some(row(0, at, false).signs_from),
            ..row(generation, from, false)
        };
        assert_eq!(
            standing(&[row(1, 0, false), removed(2, 1000, 1500)], now),
            (vec![], None)
        );
        assert_eq!(
            standing(&[removed(1, 0, 1500), row(2, 1000, false)], now),
            (vec![2], Some(2))
        );
        assert_eq!(standing(&[removed(1, 0, 1500)], now), (vec![], None));
        // One that was removed before it signed followed nobody.
        assert_eq!(
            standing(&[row(1, 0, false), removed(2, 1000, 900)], now),
            (vec![1], Some(1))
        );
        assert_eq!(
            standing(&[row(1, 0, false), removed(2, 3000, 1500)], now),
            (vec![1], Some(1))
        );
    }
}
