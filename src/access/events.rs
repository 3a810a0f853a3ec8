//! The second stream: log-ins, refusals, reads of what is restricted. Kept in memory, written in batches: what a stranger
//! does costs no fsync. What a process had not written when it was killed is lost.

use std::sync::Mutex;

use diesel::prelude::*;
use serde_json::json;

use crate::access::tree::Stream;
use crate::base::error::Error;
use crate::base::time::UtcTime;
use crate::schema::access_events;
use crate::store::Conn;

/// How many events wait at most; more are counted in the log and dropped.
const WAITING: usize = 10_000;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: UtcTime,
    /// Whose account, where it is known.
    pub account_id: Option<String>,
    /// The machine that spoke for the account, where it was one.
    pub client_id: Option<String>,
    /// What: `logged_in`, `log_in_refused`, `token_refused`, `refused`, `read_restricted` and so on.
    pub kind: String,
    /// What it was about: a record, an operation, a session; never a name or an address.
    pub subject: Option<String>,
}

/// An event as stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = access_events)]
pub struct EventRow {
    /// Dense, from 1.
    pub position: i64,
    /// When.
    pub at: UtcTime,
    /// Whose account.
    pub account_id: Option<String>,
    /// The machine that spoke for it.
    pub client_id: Option<String>,
    /// What.
    pub kind: String,
    /// What it was about.
    pub subject: Option<String>,
}

impl EventRow {
    /// The event as it stands in the log and as a leaf of the tree: one line of JSON, its fields in this order.
    #[must_use]
    pub fn line(&self) -> String {
        json!({
            "position": self.position,
            "at": self.at,
            "account_id": self.account_id,
            "client_id": self.client_id,
            "kind": self.kind,
            "subject": self.subject,
        })
        .to_string()
    }
}

/// The events that have not been written yet.
#[derive(Default)]
pub struct Events(Mutex<Vec<Event>>);

impl Events {
    /// Takes note of an event.
    pub fn note(&self, event: Event) {
        if let Ok(mut waiting) = self.0.lock() {
            if waiting.len() < WAITING {
                waiting.push(event);
            } else {
                log::warn!("an access event was dropped: {WAITING} are waiting");
            }
        }
    }

    /// What could not be written waits on, before what came meanwhile.
    pub fn put_back(&self, mut events: Vec<Event>) {
        if let Ok(mut waiting) = self.0.lock() {
            events.append(&mut waiting);
            events.truncate(WAITING);
            *waiting = events;
        }
    }

    /// Takes what waits.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        self.0
            .lock()
            .map(|mut waiting| std::mem::take(&mut *waiting))
            .unwrap_or_default()
    }
}

/// Writes events, and seals them into their tree.
///
/// # Errors
/// What the database says.
pub fn store(conn: &mut Conn, events: &[Event]) -> Result<(), Error> {
    let last = Stream::Events.last_position(conn)?;
    let edge = Stream::Events.edge(conn)?;
    let mut lines = Vec::with_capacity(events.len());
    for (position, event) in (last + 1..).zip(events) {
        let row = EventRow {
            position,
            at: event.at,
            account_id: event.account_id.clone(),
            client_id: event.client_id.clone(),
            kind: event.kind.clone(),
            subject: event.subject.clone(),
        };
        diesel::insert_into(access_events::table).values(&row).execute(conn)?;
        lines.push(row.line());
    }
    Stream::Events.append(conn, edge, &lines)
}

/// Events after that position, in their order.
///
/// # Errors
/// What the database says.
pub fn after(conn: &mut Conn, position: i64, limit: i64) -> Result<Vec<EventRow>, Error> {
    Ok(access_events::table
        .filter(access_events::position.gt(position))
        .order(access_events::position)
        .limit(limit)
        .select(access_events::all_columns)
        .load(conn)?)
}

/// Asks the database for an answer.
///
/// # Errors
/// What the database says.
pub fn ping(conn: &mut Conn) -> Result<(), Error> {
    access_events::table
        .select(diesel::dsl::count_star())
        .filter(access_events::position.eq(0))
        .first::<i64>(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str) -> Event {
        Event {
            at: UtcTime::from_utc(chrono::DateTime::UNIX_EPOCH),
            account_id: None,
            client_id: None,
            kind: kind.to_owned(),
            subject: None,
        }
    }

    #[test]
    fn what_could_not_be_written_is_not_lost() {
        let events = Events::default();
        events.note(event("first"));
        let taken = events.take();
        events.note(event("second"));
        events.put_back(taken);
        let kinds: Vec<String> = events.take().into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["first", "second"]);
    }
}
