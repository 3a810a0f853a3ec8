//! Where time and randomness enter the house; a test gives its own.
#![allow(clippy::disallowed_methods)]

use std::sync::Mutex;

use aws_lc_rs::{digest, rand};
use chrono::{DateTime, Utc};

use crate::base::time::UtcTime;

/// The time.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// Always that moment.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// Now.
    #[must_use]
    pub fn now(&self) -> UtcTime {
        UtcTime::from_utc(match self {
            Self::System => Utc::now(),
            Self::Fixed(moment) => *moment,
        })
    }
}

/// Randomness.
#[derive(Debug)]
pub enum Ids {
    /// The machine's.
    Random,
    /// A fixed sequence, for tests: the seed and how many were taken.
    Seeded(u64, Mutex<u64>),
}

impl Ids {
    /// A fixed sequence.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(seed, Mutex::new(0))
    }

    /// Bytes that nobody can guess.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::Random => {
                // The operating system's generator does not fail once the machine is up; without it nothing is safe.
                if rand::fill(&mut bytes).is_err() {
                    log::error!("no randomness");
                    std::process::abort();
                }
            }
            Self::Seeded(seed, taken) => {
                let number = taken.lock().map_or(0, |mut taken| {
                    *taken += 1;
                    *taken
                });
                let block = digest::digest(&digest::SHA256, format!("{seed}:{number}").as_bytes());
                for (byte, from) in bytes.iter_mut().zip(block.as_ref().iter().cycle()) {
                    *byte = *from;
                }
            }
        }
        bytes
    }

    /// A random uuid.
    #[must_use]
    pub fn uuid(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }
}
