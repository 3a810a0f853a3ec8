//! Log-ins that fail are slowed down, by steps, and kept, so that a restart forgives nothing.
//!
//! Counted are the account from one address, the account from everywhere, and the address. From an address where the
//! account's owner has logged in before, only the first counts: whoever tries from elsewhere slows themselves down, not
//! the owner. Whether there is such an account makes no difference.

use std::net::IpAddr;

use diesel::prelude::*;

use crate::access::secret;
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

/// Who tries to log in, from where. Neither is kept: only digests of them are.
#[derive(Clone, Debug)]
pub struct Attempt {
    pair: String,
    account: String,
    address: String,
}

impl Attempt {
    /// Of that address of mail, from that address of the net.
    #[must_use]
    pub fn new(email: &str, address: &str) -> Self {
        let email = email.trim().to_lowercase();
        let address = &network(address);
        let digest = |kind: &str, text: &str| secret::hash_token(&format!("{kind}\n{text}"));
        Self {
            pair: digest("pair", &format!("{email}\n{address}")),
            account: digest("account", &email),
            address: digest("address", address),
        }
    }
}

impl Attempt {
    /// To show again, inside a session, that an account is one's own.
    #[must_use]
    pub fn of_owner(account: &AccountId) -> Self {
        Self::new(&format!("own password of {account}"), "token")
    }
}

/// An address of version 6 counts with its network of 64 bits, which one client has to itself; one of version 4 that
/// is written as one of version 6, as a socket for both gives it, counts as what it is.
pub(super) fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|whole| whole.to_canonical()) {
        Ok(IpAddr::V6(whole)) => format!("{:?}", &whole.segments()[..4]),
        Ok(IpAddr::V4(whole)) => whole.to_string(),
        Err(_) => address.to_owned(),
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
    if !pair.known {
        counted.push((Counted::Account, found(conn, &attempt.account, now)?));
        counted.push((Counted::Address, found(conn, &attempt.address, now)?));
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
    for key in [&attempt.pair, &attempt.account, &attempt.address] {
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

/// The owner has come in: the pair is known and forgiven, and the attempt was no failure.
///
/// # Errors
/// What the database says.
pub fn succeed(conn: &mut Conn, attempt: &Attempt, now: UtcTime) -> Result<(), Error> {
    for key in [&attempt.account, &attempt.address] {
        let row = found(conn, key, now)?;
        let failures = (row.failures - 1).max(0);
        keep(conn, &FailureRow { failures, ..row })?;
    }
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
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn an_attempt_keeps_no_address() {
        let told = format!("{:?}", Attempt::new("Staff@example.org", "192.0.2.1"));
        assert!(!told.contains("staff") && !told.contains("192.0.2.1"));
        assert_eq!(
            Attempt::new(" staff@example.org", "a").account,
            Attempt::new("STAFF@example.org", "b").account
        );
    }
}
