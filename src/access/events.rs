//! The second stream: log-ins and refusals. Kept in memory, written in batches: what a stranger does costs no fsync.

use std::sync::Mutex;

use diesel::prelude::*;

use crate::base::error::Error;
use crate::base::time::UtcTime;
use crate::schema::access_events;
use crate::store::Conn;

/// How many events wait at most; more are counted in the log and dropped.
const WAITING: usize = 10_000;

/// One event.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = access_events)]
pub struct EventRow {
    /// Its id.
    pub id: String,
    /// When.
    pub at: UtcTime,
    /// Whose account, where it is known.
    pub account_id: Option<String>,
    /// What: `logged_in`, `log_in_refused`, `refresh_reused`, `forbidden`.
    pub kind: String,
    /// What it was about: a permission or a session, never a name or an address.
    pub subject: Option<String>,
}

/// The events that have not been written yet.
#[derive(Default)]
pub struct Events(Mutex<Vec<EventRow>>);

impl Events {
    /// Takes note of an event.
    pub fn note(&self, event: EventRow) {
        if let Ok(mut waiting) = self.0.lock() {
            if waiting.len() < WAITING {
                waiting.push(event);
            } else {
                log::warn!("an access event was dropped: {WAITING} are waiting");
            }
        }
    }

    /// Takes what waits.
    #[must_use]
    pub fn take(&self) -> Vec<EventRow> {
        self.0
            .lock()
            .map(|mut waiting| std::mem::take(&mut *waiting))
            .unwrap_or_default()
    }
}

/// Writes events.
///
/// # Errors
/// What the database says.
pub fn store(conn: &mut Conn, events: &[EventRow]) -> Result<(), Error> {
    for event in events {
        diesel::insert_into(access_events::table).values(event).execute(conn)?;
    }
    Ok(())
}

/// Asks the database for an answer.
///
/// # Errors
/// What the database says.
pub fn ping(conn: &mut Conn) -> Result<(), Error> {
    access_events::table
        .select(diesel::dsl::count_star())
        .filter(access_events::id.eq(""))
        .first::<i64>(conn)?;
    Ok(())
}
