//! Log-ins that fail are slowed down, by steps, and kept, so that a restart forgives nothing.
//!
//! Counted are the account from one address, the account from everywhere, and the address. From an address where the
//! account's owner has logged in before, only the first counts: whoever tries from elsewhere slows themselves down, not
//! the owner. Whether there is such an account makes no difference.

use std::net::IpAddr;

use diesel::prelude::*;

use crate::access::secret::Keys;
use crate::base::error::{Code, Error};
use crate::base::id::AccountId;
use crate::base::time::UtcTime;
use crate::schema::log_in_failures;
use crate::store::Conn;

/// What is counted, and after how many failures it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// An account from one address.
    Pair,
    /// An account from everywhere.
    Account,
    /// An address.
    Address,
}

impl Counted {
    fn free(self) -> i32 {
        match self {
            Self::Pair => 5,
            Self::Account => 20,
            Self::Address => 50,
        }
    }

    /// The longest wait. Of an account from everywhere it is short: a stranger must not keep its owner out.
    fn longest_seconds(self) -> i64 {
        match self {
            Self::Pair => 900,
            Self::Account => 5,
            Self::Address => 60,
        }
    }

    /// How many seconds to wait after so many failures: doubled with each, up to the longest.
    fn wait_seconds(self, failures: i32) -> i64 {
        match u32::try_from(failures - self.free()) {
            Ok(over) => 2_i64.saturating_pow(over.min(10)).min(self.longest_seconds()),
            Err(_) => 0,
        }
    }
}

/// Failures after which nothing happened for so long are forgotten.
const FORGOTTEN_AFTER_SECONDS: i64 = 24 * 3600;

#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = log_in_failures)]
struct FailureRow {
    key: String,
    failures: i32,
    last_at: UtcTime,
    known: bool,
}

/// What is tried: to log in, from where; or to show again that an account is one's own. Neither account nor address is kept:
/// only digests of them are, under a key of the installation's.
#[derive(Clone, Debug)]
pub struct Attempt {
    pair: String,
    /// The account from everywhere, and the address, where a stranger tries.
    around: Option<(String, String)>,
}

impl Attempt {
    /// To log in, with that address of mail, from that address of the net.
    #[must_use]
    pub fn to_log_in(keys: &Keys, email: &str, address: Option<IpAddr>) -> Self {
        let email = email.trim().to_lowercase();
        let address = network(address);
        let account = keys.digest(&format!("account\n{email}"));
        Self {
            pair: keys.digest(&format!("pair\n{email}\n{address}")),
            around: Some((account, keys.digest(&format!("address\n{address}")))),
        }
    }

    /// To show again, inside a session, that an account is one's own: nobody else is slowed down by it.
    #[must_use]
    pub fn of_owner(keys: &Keys, account: &AccountId) -> Self {
        let pair = keys.digest(&format!("owner\n{account}"));
        Self { pair, around: None }
    }

    /// A one-time password of an account whose password was right: a stranger without it slows down nobody.
    #[must_use]
    pub fn of_second_factor(keys: &Keys, account: &AccountId) -> Self {
        let pair = keys.digest(&format!("second factor\n{account}"));
        Self { pair, around: None }
    }

    fn every_key(&self) -> Vec<&String> {
        let around = self.around.iter().flat_map(|(account, address)| [account, address]);
        std::iter::once(&self.pair).chain(around).collect()
    }
}

/// An address of version 6 counts with its network of 64 bits, which one client has to itself; one of version 4 that
/// is written as one of version 6, as a socket for both gives it, counts as what it is. Empty where it is not known.
pub(super) fn network(address: Option<IpAddr>) -> String {
    match address.map(|whole| whole.to_canonical()) {
        Some(IpAddr::V6(whole)) => format!("{:?}", &whole.segments()[..4]),
        Some(IpAddr::V4(whole)) => whole.to_string(),
        None => String::new(),
    }
}

fn found(conn: &mut Conn, key: &str, now: UtcTime) -> Result<FailureRow, Error> {
    let row: Option<FailureRow> = log_in_failures::table
        .find(key.to_owned())
        .select(log_in_failures::all_columns)
        .first(conn)
        .optional()?;
    let mut row = row.unwrap_or(FailureRow {
        key: key.to_owned(),
        failures: 0,
        last_at: now,
        known: false,
    });
    if row.last_at.plus_seconds(FORGOTTEN_AFTER_SECONDS) < now {
        row.failures = 0;
    }
    Ok(row)
}

/// Refuses an attempt that comes too soon; else counts it as a failure until it has succeeded, in the same write, so that
/// many at once gain nothing.
///
/// # Errors
/// `too_many_requests`.
pub fn begin(conn: &mut Conn, attempt: &Attempt, now: UtcTime) -> Result<(), Error> {
    require(conn, attempt, now)?;
    diesel::delete(log_in_failures::table)
        .filter(log_in_failures::last_at.lt(now.plus_seconds(-FORGOTTEN_AFTER_SECONDS)))
        .filter(log_in_failures::known.eq(false))
        .execute(conn)?;
    fail(conn, attempt, now)
}

fn require(conn: &mut Conn, attempt: &Attempt, now: UtcTime) -> Result<(), Error> {
    let pair = found(conn, &attempt.pair, now)?;
    let mut counted = vec![(Counted::Pair, pair.clone())];
    if let (false, Some((account, address))) = (pair.known, &attempt.around) {
        counted.push((Counted::Account, found(conn, account, now)?));
        counted.push((Counted::Address, found(conn, address, now)?));
    }
    let waits = counted.iter().map(|(what, row)| {
        let whole = what.wait_seconds(row.failures);
        // A clock that was ahead makes nobody wait longer than that.
        (row.last_at.plus_seconds(whole).seconds() - now.seconds()).clamp(0, whole)
    });
    match waits.max() {
        Some(wait) if wait > 0 => {
            let mut error = Error::new(
                Code::TooManyRequests,
                "too many log-ins have failed: wait and try again",
            );
            error.retry_after_seconds = Some(wait);
            Err(error)
        }
        _ => Ok(()),
    }
}

fn fail(conn: &mut Conn, attempt: &Attempt, now: UtcTime) -> Result<(), Error> {
    for key in attempt.every_key() {
        let row = found(conn, key, now)?;
        let after = FailureRow {
            failures: row.failures.saturating_add(1),
            last_at: now,
            ..row
        };
        keep(conn, &after)?;
    }
    Ok(())
}

/// The attempt was no failure, but neither has the owner come in: it is taken back.
///
/// # Errors
/// What the database says.
pub fn take_back(conn: &mut Conn, attempt: &Attempt, now: UtcTime) -> Result<(), Error> {
    for key in attempt.every_key() {
        let row = found(conn, key, now)?;
        let failures = (row.failures - 1).max(0);
        keep(conn, &FailureRow { failures, ..row })?;
    }
    Ok(())
}

/// The owner has come in: the pair is known and forgiven, and the attempt was no failure.
///
/// # Errors
/// What the database says.
pub fn succeed(conn: &mut Conn, attempt: &Attempt, now: UtcTime) -> Result<(), Error> {
    take_back(conn, attempt, now)?;
    let row = found(conn, &attempt.pair, now)?;
    keep(
        conn,
        &FailureRow {
            failures: 0,
            last_at: now,
            known: true,
            ..row
        },
    )
}

fn keep(conn: &mut Conn, row: &FailureRow) -> Result<(), Error> {
    let changed = diesel::update(log_in_failures::table.find(row.key.clone()))
        .set(row)
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(log_in_failures::table).values(row).execute(conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_by_steps_and_ends_somewhere() {
        let waits: Vec<i64> = (0..20).map(|failures| Counted::Pair.wait_seconds(failures)).collect();
        assert_eq!(waits[..9], [0, 0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(Counted::Pair.wait_seconds(i32::MAX), 900);
        assert_eq!(Counted::Account.wait_seconds(19), 0);
        assert_eq!(Counted::Account.wait_seconds(1000), 5);
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let network = |address: &str| network(Some(address.parse().unwrap()));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn an_attempt_keeps_no_address() {
        let keys = Keys::derive(b"a secret of the tests, 32 bytes long").unwrap();
        let other = Keys::derive(b"another secret of the tests, 32 bytes").unwrap();
        let told =
            |keys: &Keys, email: &str| format!("{:?}", Attempt::to_log_in(keys, email, "192.0.2.1".parse().ok()));
        assert!(!told(&keys, "Staff@example.org").contains("staff") && !told(&keys, "a").contains("192.0.2.1"));
        assert_eq!(told(&keys, " staff@example.org"), told(&keys, "STAFF@example.org"));
        assert_ne!(told(&keys, "staff@example.org"), told(&other, "staff@example.org"));
        // What somebody writes as an address is never another's own.
        let id = AccountId::from_uuid(uuid::Uuid::nil());
        let own = Attempt::of_owner(&keys, &id);
        assert_ne!(
            own.pair,
            Attempt::to_log_in(&keys, &format!("own password of {id}"), None).pair
        );
    }
}
