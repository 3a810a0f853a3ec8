//! A read or a write of the store on behalf of a viewer. Nobody but the door builds one.

use std::collections::{BTreeSet, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::altered::Altered;
use crate::access::ledger::{self, Changes, Classes, Deed, Gone, Record};
use crate::access::references;
use crate::access::sealing::{FieldKeys, Sealed};
use crate::access::secret::{self, Keys};
use crate::access::sharing::TeamRow;
use crate::access::viewer::Viewer;
use crate::base::error::Error;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::words::Sharing;
use crate::schema::tombstones;
use crate::store::Conn;
use crate::store::origin::Ids;
use crate::web::IfMatch;
use crate::web::reply::Tagged;

/// The restricted records that were shown in one request.
#[derive(Clone, Default)]
pub(crate) struct Noticed(Arc<Mutex<BTreeSet<String>>>);

impl Noticed {
    fn add(&self, record: String) {
        if let Ok(mut records) = self.0.lock() {
            records.insert(record);
        }
    }

    /// Takes what is there.
    pub(super) fn take(&self) -> BTreeSet<String> {
        self.0
            .lock()
            .map(|mut records| std::mem::take(&mut *records))
            .unwrap_or_default()
    }
}

/// What a reader may use: a connection, who they are, and the time.
pub struct Read<'a> {
    pub(crate) conn: &'a mut Conn,
    pub(crate) viewer: Viewer,
    pub(crate) now: UtcTime,
    pub(crate) keys: &'a Keys,
    /// The records that are not as their ledger says.
    pub(crate) altered: Arc<Altered>,
    /// The restricted records that were shown, for the second stream.
    pub(crate) noticed: Noticed,
    /// The records whose teams the reader is on, once asked for.
    pub(crate) teams: Option<HashSet<String>>,
}

impl<'a> Read<'a> {
    pub(super) fn new(
        conn: &'a mut Conn,
        viewer: Viewer,
        now: UtcTime,
        keys: &'a Keys,
        (altered, noticed): (Arc<Altered>, Noticed),
    ) -> Self {
        Self {
            conn,
            viewer,
            now,
            keys,
            altered,
            noticed,
            teams: None,
        }
    }

    /// Notes that a restricted record was shown.
    pub fn notice(&self, kind: &str, id: &str) {
        self.noticed.add(format!("{kind}/{id}"));
    }

    /// Notes that a record was found, or something of it, where it is restricted.
    pub fn notice_if_restricted<R: Record>(&self, row: &R, sharing: Sharing) {
        if sharing == Sharing::Restricted {
            self.notice(R::KIND, &row.id());
        }
    }

    /// The connection, for a room's queries.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// The keys of encrypted fields.
    #[must_use]
    pub fn field_keys(&self) -> &FieldKeys {
        &self.keys.fields
    }

    /// Who reads.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        self.viewer.clone()
    }

    /// When.
    #[must_use]
    pub fn now(&self) -> UtcTime {
        self.now
    }

    /// The day of now, UTC.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now.day()
    }

    /// An `Out` as this reader may see it: fields above their class are left out.
    ///
    /// # Errors
    /// `internal` where it cannot be written as JSON.
    #[cfg_attr(hole, track_caller)]
    pub fn seen<R: Record>(&self, row: &R, out: &impl Serialize) -> Result<Value, Error> {
        self.altered.assert_sound(row)?;
        let mut value = serde_json::to_value(out).map_err(Error::internal)?;
        let owner = row.owner();
        #[cfg(hole)]
        if crate::access::hole::here() {
            return Ok(value);
        }
        hide(&mut value, R::CLASSES, &self.viewer, owner.as_deref());
        if value["sharing"] == json!(Sharing::Restricted) {
            self.notice(R::KIND, &row.id());
        }
        if let (Some(shown), Some(updated)) = (value.get_mut("updated_at"), row.updated_for(&self.viewer)) {
            *shown = json!(updated);
        }
        Ok(value)
    }

    /// The same of a record with fields for its team: opened for those on it, left out for all others.
    ///
    /// # Errors
    /// `record_altered` where such a field is not what was sealed there.
    #[cfg_attr(hole, track_caller)]
    pub fn seen_with_sealed<R: Record>(&mut self, row: &R, out: &impl Serialize) -> Result<Value, Error> {
        let mut value = self.seen(row, out)?;
        let on_team = self.is_on_team_of(row)?;
        #[cfg(hole)]
        let on_team = on_team || crate::access::hole::here();
        if on_team {
            for (column, sealed) in row.sealed() {
                if sealed.is_some() {
                    self.notice(R::KIND, &row.id());
                }
                let opened = sealed.map_or(Ok(Value::Null), |sealed| self.opened(row, column, sealed))?;
                value[column] = opened;
            }
        }
        Ok(value)
    }

    /// Whether this reader is on a team that sees what is sealed of that record.
    ///
    /// # Errors
    /// What the database says.
    pub fn is_on_team_of<R: Record>(&mut self, row: &R) -> Result<bool, Error> {
        self.is_on_a_team(&row.teams())
    }

    /// Whether this reader is on the team of one of those records.
    ///
    /// # Errors
    /// What the database says.
    pub fn is_on_a_team(&mut self, ids: &[String]) -> Result<bool, Error> {
        if self.teams.is_none() {
            self.teams = Some(TeamRow::records_of(self.conn, &self.viewer)?);
        }
        let mine = self.teams.as_ref();
        Ok(ids.iter().any(|id| mine.is_some_and(|mine| mine.contains(id))))
    }

    /// What is sealed in that column.
    ///
    /// # Errors
    /// `record_altered` where it is not what was sealed there.
    pub fn opened<R: Record>(&self, row: &R, column: &'static str, sealed: &Sealed) -> Result<Value, Error> {
        let id = row.id();
        let plain = self.keys.fields.open(ledger::place_of::<R>(&id, column), sealed);
        plain
            .and_then(|plain| serde_json::from_slice(&plain).ok())
            .ok_or_else(|| Error::altered(R::KIND, &id))
    }

    /// A body without the ids of what this reader may not see, and with the tag of the bytes that they get.
    ///
    /// # Errors
    /// What the database says.
    pub fn tag(&mut self, mut body: Value) -> Result<Tagged, Error> {
        references::conceal(self.conn, &self.viewer, &mut body)?;
        let etag = self.keys.etag(body.to_string().as_bytes());
        Ok(Tagged { body, etag })
    }

    /// Refuses a change made from another version than the one this reader sees now.
    ///
    /// # Errors
    /// `precondition_failed`.
    pub fn require(&mut self, wanted: &IfMatch, current: Value) -> Result<(), Error> {
        let tagged = self.tag(current)?;
        wanted.require(&tagged.etag, &tagged.body)
    }
}

/// Leaves out the fields whose class is above what the viewer sees, and those without a class.
pub fn hide(value: &mut Value, classes: Classes, viewer: &Viewer, owner: Option<&str>) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| {
            classes
                .iter()
                .find(|(field, _)| field == name)
                .is_some_and(|(_, class)| viewer.sees(*class, owner))
        });
    }
}

/// A read that may change records. What it changes, it enters in the ledger.
pub struct Write<'a> {
    pub(crate) read: Read<'a>,
    pub(crate) ids: &'a Ids,
    pub(crate) by_command_line: bool,
}

impl<'a> Deref for Write<'a> {
    type Target = Read<'a>;
    fn deref(&self) -> &Read<'a> {
        &self.read
    }
}

impl<'a> DerefMut for Write<'a> {
    fn deref_mut(&mut self) -> &mut Read<'a> {
        &mut self.read
    }
}

impl Write<'_> {
    /// A fresh random id.
    #[must_use]
    pub fn uuid(&self) -> uuid::Uuid {
        self.ids.uuid()
    }

    /// Random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        self.ids.bytes()
    }

    /// Encrypts the value of a field for the record of that id.
    ///
    /// # Errors
    /// `internal` where it cannot be written as JSON.
    pub fn seal<R: Record>(&self, id: &str, column: &'static str, value: &impl Serialize) -> Result<Sealed, Error> {
        let place = ledger::place_of::<R>(id, column);
        let plain = serde_json::to_vec(value).map_err(Error::internal)?;
        self.read.keys.fields.seal(place, &plain, &self.ids.bytes())
    }

    /// The sealed field of a record after a change. Whoever is not on its team does not know what is there: their null
    /// leaves it, and a value of theirs is refused.
    ///
    /// # Errors
    /// `invalid`, at the field.
    pub fn reseal_changed<R: Record, T: Serialize>(
        &mut self,
        before: &R,
        column: &'static str,
        held: Option<&Sealed>,
        given: &Patch<T>,
    ) -> Result<Option<Sealed>, Error> {
        let on_team = self.is_on_team_of(before)?;
        match given {
            Patch::Absent => Ok(held.cloned()),
            Patch::Null => Ok(held.filter(|_| !on_team).cloned()),
            Patch::Value(_) if !on_team => Err(Error::invalid(
                &format!("/{column}"),
                "is for the record's team: join it first",
            )),
            Patch::Value(value) => {
                let known = held.map(|sealed| self.opened(before, column, sealed)).transpose()?;
                if known == Some(serde_json::to_value(value).map_err(Error::internal)?) {
                    return Ok(held.cloned());
                }
                self.seal::<R>(&before.id(), column, value).map(Some)
            }
        }
    }

    /// Stores a record whose sealed fields stand under another key: nothing that anyone sees of it has changed.
    ///
    /// # Errors
    /// `record_altered`, with nothing stored.
    pub fn store_resealed<R: Record>(&mut self, before: &R, after: &R) -> Result<(), Error> {
        ledger::assert_as_entered(self.read.conn, before)?;
        let level = before.level(self.read.conn)?;
        after.update(self.read.conn)?;
        let changes = Changes::between(Some(before), after);
        self.enter(
            after,
            changes,
            level,
            ("changed", Some("sealed under another key".to_owned())),
        )
    }

    /// Stores a new record.
    ///
    /// # Errors
    /// What the database says.
    pub fn create<R: Record>(&mut self, row: &R) -> Result<(), Error> {
        self.create_because(row, None)
    }

    /// Stores a new record, with why.
    ///
    /// # Errors
    /// What the database says.
    pub fn create_because<R: Record>(&mut self, row: &R, reason: Option<String>) -> Result<(), Error> {
        row.insert(self.read.conn)?;
        self.enter_as_new(row, reason)
    }

    /// Stores a changed record and gives it as stored; what changes nothing leaves no trace.
    ///
    /// # Errors
    /// What the database says.
    pub fn save<R: Record>(&mut self, before: &R, after: R) -> Result<R, Error> {
        self.change(before, after, "changed", None)
    }

    /// Stores a record that leaves the lists; its history stays.
    ///
    /// # Errors
    /// What the database says.
    pub fn retire<R: Record>(&mut self, before: &R, after: R) -> Result<(), Error> {
        self.change(before, after, "retired", None).map(drop)
    }

    /// Stores a changed fact, with why: `changed` where another took its place, `retracted` where it was wrong.
    ///
    /// # Errors
    /// What the database says.
    pub fn change<R: Record>(
        &mut self,
        before: &R,
        mut after: R,
        kind: &str,
        reason: Option<String>,
    ) -> Result<R, Error> {
        self.read.altered.assert_sound(before)?;
        let changes = Changes::between(Some(before), &after);
        if changes.is_empty() {
            return Ok(after);
        }
        ledger::assert_as_entered(self.read.conn, before)?;
        after.stamp(changes.most_open(R::CLASSES), self.read.now);
        let level = before.level(self.read.conn)?.max(after.level(self.read.conn)?);
        after.update(self.read.conn)?;
        self.enter(&after, changes, level, (kind, reason))?;
        Ok(after)
    }

    /// Takes a record out of its table; its history stays.
    ///
    /// # Errors
    /// What the database says.
    pub fn remove<R: Record>(&mut self, row: &R) -> Result<(), Error> {
        self.read.altered.assert_sound(row)?;
        ledger::assert_as_entered(self.read.conn, row)?;
        self.take_out(row, None)
    }

    /// Stores new records that were made together, each at that level.
    ///
    /// # Errors
    /// What the database says.
    pub fn create_all<R: Record>(&mut self, rows: &[(R, Sharing)]) -> Result<(), Error> {
        for (row, _) in rows {
            row.insert(self.read.conn)?;
        }
        let made = rows
            .iter()
            .map(|(row, level)| (row, Changes::between(None, row), self.deed(*level, ("created", None))))
            .collect();
        ledger::append(self.read.conn, made)
    }

    /// Enters a record that was altered as it now stands, or as it was restored, with why.
    ///
    /// # Errors
    /// What the database says.
    pub fn settle<R: Record>(
        &mut self,
        row: &R,
        changes: Changes,
        (reason, before): (String, Sharing),
    ) -> Result<(), Error> {
        row.update(self.read.conn)?;
        // What was said in confidence is not told by an entry for everyone.
        let level = row.level(self.read.conn)?.max(before);
        self.enter(row, changes, level, ("changed", Some(reason)))
    }

    /// Enters a record that is in no entry, or is there again, with why.
    ///
    /// # Errors
    /// What the database says.
    pub fn adopt<R: Record>(&mut self, row: &R, reason: String) -> Result<(), Error> {
        self.enter_as_new(row, Some(reason))
    }

    /// Takes a record that was taken out before out once more, with why.
    ///
    /// # Errors
    /// What the database says.
    pub fn remove_again<R: Record>(&mut self, row: &R, reason: String) -> Result<(), Error> {
        self.take_out(row, Some(reason))
    }

    /// Enters that a record is in no table any more, and leaves its tombstone.
    ///
    /// # Errors
    /// What the database says.
    pub fn entomb(&mut self, gone: &Gone, basis: &str, reason: Option<String>) -> Result<(), Error> {
        let deed = self.deed(gone.level, ("erased", reason));
        // One that was left before, of what was accepted as gone, gives way.
        let before = tombstones::table.find((gone.kind.clone(), gone.id.clone()));
        diesel::delete(before).execute(self.read.conn)?;
        diesel::insert_into(tombstones::table)
            .values((
                tombstones::record_kind.eq(gone.kind.clone()),
                tombstones::record_id.eq(gone.id.clone()),
                tombstones::erased_at.eq(deed.at),
                tombstones::erased_by.eq(deed.actor.as_ref().map(ToString::to_string)),
                tombstones::basis.eq(basis.to_owned()),
            ))
            .execute(self.read.conn)?;
        ledger::append_gone(self.read.conn, gone, deed)
    }

    fn enter_as_new<R: Record>(&mut self, row: &R, reason: Option<String>) -> Result<(), Error> {
        let level = row.level(self.read.conn)?;
        self.enter(row, Changes::between(None, row), level, ("created", reason))
    }

    fn take_out<R: Record>(&mut self, row: &R, reason: Option<String>) -> Result<(), Error> {
        let level = row.level(self.read.conn)?;
        row.remove(self.read.conn)?;
        self.enter(row, Changes::between(Some(row), row), level, ("retired", reason))
    }

    fn enter<R: Record>(
        &mut self,
        row: &R,
        changes: Changes,
        level: Sharing,
        how: (&str, Option<String>),
    ) -> Result<(), Error> {
        let deed = self.deed(level, how);
        ledger::append(self.read.conn, vec![(row, changes, deed)])
    }

    fn deed<'k>(&self, level: Sharing, (kind, reason): (&'k str, Option<String>)) -> Deed<'k> {
        Deed {
            kind,
            reason,
            at: self.read.now,
            actor: (!self.by_command_line).then(|| self.read.viewer.account_id.clone()),
            client: self
                .read
                .viewer
                .machine
                .as_ref()
                .map(|machine| machine.client_id.clone()),
            salt: secret::text_of(&self.ids.bytes::<16>()),
            level,
        }
    }
}
