//! How much one asker may ask. Each has a bucket that holds as much as a minute allows and fills again evenly; what is
//! asked of an empty one is refused. Buckets stand in this process's memory: each process counts for itself, and a
//! restart forgets. (Log-ins that fail are another matter, and kept: `throttle`.)
//!
//! Whoever is let in is counted by account, or by the client that speaks for it, a stranger by the address they come from. A bucket is one number, the moment
//! at which it is full again, so that whoever has asked nothing for a minute needs none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::access::throttle;
use crate::access::viewer::Viewer;
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, ClientId};
use crate::base::time::UtcTime;

/// How often an account may ask in a minute, unless the settings say otherwise.
pub const PER_MINUTE: u32 = 6000;
/// The most that the settings may allow.
pub const MOST_PER_MINUTE: u32 = 1_000_000;
/// A stranger may ask this much less often than an account: nothing but log-in and a few open pages is there for them.
const FEWER_FOR_STRANGERS: u32 = 10;
/// How many askers are counted apart; of the strangers beyond, all share one bucket.
const APART: usize = 65_536;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Whoever speaks for an account.
    Account(AccountId),
    /// A machine, by its key.
    Client(ClientId),
    /// A stranger from that network.
    Stranger(String),
    /// The strangers who came when too many were there to be counted apart.
    Crowd,
}

impl Asker {
    /// Someone who was let in.
    #[must_use]
    pub fn of(viewer: &Viewer) -> Self {
        match &viewer.machine {
            Some(machine) => Self::Client(machine.client_id.clone()),
            None => Self::Account(viewer.account_id.clone()),
        }
    }

    /// A stranger from that address.
    #[must_use]
    pub fn stranger(address: Option<IpAddr>) -> Self {
        Self::Stranger(throttle::network(address))
    }
}

/// What a kind of asker may ask.
#[derive(Clone, Copy, Debug)]
struct Policy {
    name: &'static str,
    per_minute: i64,
}

impl Policy {
    /// In how many microseconds one more may be asked.
    fn interval(self) -> i64 {
        MINUTE / self.per_minute
    }

    /// In how many microseconds an empty bucket is full.
    fn whole(self) -> i64 {
        self.interval() * self.per_minute
    }

    /// Takes one out of a bucket that is full again at that moment, if there is one: when it is full after that, and what
    /// is left.
    fn take(self, full_at: i64, now: i64) -> (i64, Allowance) {
        // A clock that was ahead makes nobody wait longer than an empty bucket does.
        let missing = (full_at - now).clamp(0, self.whole());
        let after = missing + self.interval();
        let (missing, wait) = if after <= self.whole() {
            (after, None)
        } else {
            (missing, Some(seconds(after - self.whole())))
        };
        let allowance = Allowance {
            policy: self,
            left: (self.whole() - missing) / self.interval(),
            full_in_seconds: seconds(missing),
            wait_seconds: wait,
        };
        (now + missing, allowance)
    }
}

/// Whole seconds, rounded up.
fn seconds(microseconds: i64) -> i64 {
    (microseconds + SECOND - 1) / SECOND
}

/// What is left to an asker.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    policy: Policy,
    left: i64,
    full_in_seconds: i64,
    wait_seconds: Option<i64>,
}

impl Allowance {
    /// Whether nothing was left.
    #[must_use]
    pub fn is_spent(self) -> bool {
        self.wait_seconds.is_some()
    }

    /// The refusal, where nothing was left.
    #[must_use]
    pub fn refusal(self) -> Option<Error> {
        self.wait_seconds.map(|wait| {
            let mut error = Error::new(Code::TooManyRequests, "too many requests: wait and try again");
            error.retry_after_seconds = Some(wait);
            error
        })
    }

    /// The header fields that tell it (draft-ietf-httpapi-ratelimit-headers-10).
    #[must_use]
    pub fn fields(self) -> [(&'static str, String); 2] {
        let Policy { name, per_minute } = self.policy;
        [
            ("ratelimit-policy", format!("\"{name}\";q={per_minute};w=60")),
            (
                "ratelimit",
                format!("\"{name}\";r={};t={}", self.left, self.full_in_seconds),
            ),
        ]
    }
}

#[derive(Default)]
struct Buckets {
    full_at: HashMap<Asker, i64>,
    swept_at: i64,
}

impl Buckets {
    /// Who counts as whom: there is no end of addresses, but there is of memory.
    fn counted(&mut self, asker: Asker, now: i64) -> Asker {
        let known = matches!(asker, Asker::Account(_) | Asker::Client(_)) || self.full_at.contains_key(&asker);
        if known || self.full_at.len() < APART {
            return asker;
        }
        if (now - self.swept_at).abs() >= SECOND {
            self.swept_at = now;
            self.full_at
                .retain(|_, full_at| (now + 1..=now + MINUTE).contains(full_at));
        }
        if self.full_at.len() < APART {
            asker
        } else {
            Asker::Crowd
        }
    }
}

/// Counts who asks.
pub struct Limiter {
    account: Policy,
    stranger: Policy,
    buckets: Mutex<Buckets>,
}

impl Limiter {
    /// Where an account may ask that often in a minute.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        let policy = |name, most: u32| Policy {
            name,
            per_minute: i64::from(most.clamp(1, MOST_PER_MINUTE)),
        };
        Self {
            account: policy("account", per_minute),
            stranger: policy("address", per_minute / FEWER_FOR_STRANGERS),
            buckets: Mutex::default(),
        }
    }

    /// Counts one request, and says what is left.
    pub fn ask(&self, asker: Asker, now: UtcTime) -> Allowance {
        let policy = match asker {
            Asker::Account(_) | Asker::Client(_) => self.account,
            Asker::Stranger(_) | Asker::Crowd => self.stranger,
        };
        let now = now.microseconds();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let asker = buckets.counted(asker, now);
        let full_at = buckets.full_at.get(&asker).copied().unwrap_or(now);
        let (full_at, allowance) = policy.take(full_at, now);
        buckets.full_at.insert(asker, full_at);
        allowance
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> UtcTime {
        let start: chrono::DateTime<chrono::Utc> = "2010-05-10T08:00:00Z".parse().unwrap();
        UtcTime::from_utc(start).plus_seconds(seconds)
    }

    #[test]
    fn an_empty_bucket_fills_evenly() {
        let limiter = Limiter::new(60);
        let asker = || Asker::Stranger("192.0.2.1".to_owned());
        for left in (0..6).rev() {
            let allowance = limiter.ask(asker(), at(0));
            assert!(allowance.refusal().is_none());
            assert_eq!(
                allowance.fields()[1].1,
                format!("\"address\";r={left};t={}", (6 - left) * 10)
            );
        }
        let refusal = limiter.ask(asker(), at(0)).refusal().unwrap();
        assert_eq!(refusal.retry_after_seconds, Some(10));
        assert!(
            limiter.ask(asker(), at(9)).refusal().is_some(),
            "what is refused costs nothing, but is refused"
        );
        assert!(limiter.ask(asker(), at(10)).refusal().is_none());
        assert!(limiter.ask(asker(), at(10)).refusal().is_some());
        assert!(
            limiter
                .ask(Asker::Stranger("192.0.2.2".to_owned()), at(10))
                .refusal()
                .is_none()
        );
    }

    #[test]
    fn there_is_an_end_of_memory_but_not_for_accounts() {
        let limiter = Limiter::new(60);
        for number in 0..APART + 1000 {
            limiter.ask(Asker::Stranger(number.to_string()), at(0));
        }
        assert_eq!(
            limiter.buckets.lock().unwrap().full_at.len(),
            APART + 1,
            "and one for the crowd"
        );
        assert!(
            limiter
                .ask(Asker::Stranger("new".to_owned()), at(0))
                .refusal()
                .is_some()
        );
        assert!(limiter.ask(Asker::Stranger("0".to_owned()), at(0)).refusal().is_none());
        let account = Asker::Account(AccountId::from_uuid(uuid::Uuid::nil()));
        assert!(limiter.ask(account, at(0)).refusal().is_none());
        assert!(
            limiter
                .ask(Asker::Stranger("new".to_owned()), at(61))
                .refusal()
                .is_none()
        );
        assert!(
            limiter.buckets.lock().unwrap().full_at.len() < 10,
            "who has waited is forgotten"
        );
    }

    proptest! {
        /// In any stretch of time no more is allowed than a full bucket and what flows into it; and whoever waits as long as
        /// they are told is let in.
        #[test]
        fn no_more_is_allowed_than_fits(per_minute in 1_i64..2000, steps in prop::collection::vec(0_i64..40_000_000, 1..200)) {
            let policy = Policy { name: "account", per_minute };
            let (mut now, mut full_at, mut allowed) = (0, 0, Vec::new());
            for step in steps {
                now += step;
                let (after, allowance) = policy.take(full_at, now);
                prop_assert!((0..=per_minute).contains(&allowance.left));
                match allowance.wait_seconds {
                    None => allowed.push(now),
                    Some(wait) => {
                        prop_assert!((1..=60).contains(&wait));
                        prop_assert!(policy.take(after, now + wait * SECOND).1.wait_seconds.is_none());
                    }
                }
                full_at = after;
            }
            for (place, from) in allowed.iter().enumerate() {
                for (more, to) in allowed[place..].iter().enumerate() {
                    let most = per_minute + (to - from) / policy.interval();
                    prop_assert!(i64::try_from(more + 1).unwrap() <= most);
                }
            }
        }

        /// A clock that goes back keeps nobody out for longer than a minute.
        #[test]
        fn a_clock_that_was_ahead_is_forgiven(per_minute in 1_i64..2000, ahead in 0_i64..1_000_000_000_000) {
            let policy = Policy { name: "account", per_minute };
            let (after, allowance) = policy.take(ahead, 0);
            prop_assert!(after <= MINUTE && allowance.wait_seconds.unwrap_or(0) <= 60);
        }
    }
}
