//! Records that are not as their last ledger entry says: altered behind the program's back, found by the sweep
//! (`audit/soundness.rs`). They answer 503 until staff accept or restore them. The door keeps the few there are in
//! memory, so that reading asks the database nothing for it.
//!
//! Who could see such a record is told by the ledger, not by the record: to the others it is hidden, as it was.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::accounts::AccountRow;
use crate::access::clients::ClientRow;
use crate::access::ledger::Record;
use crate::access::sharing::TeamRow;
use crate::access::{Read, Viewer};
use crate::base::error::Error;
use crate::base::time::UtcTime;
use crate::base::words::Sharing;
use crate::schema::altered_records;
use crate::store::Conn;

choice! {
    /// In what way a record is not as its ledger says.
    pub enum What("alteration") {
        Altered("altered", "It does not hold what was entered last"),
        Derived("derived", "A column that is made from others is not what it must be"),
        Unreadable("unreadable", "It cannot be read"),
        Missing("missing", "It is not there any more"),
        Unknown("unknown", "It is there, and in no entry"),
        Again("again", "It is there again, though it was taken out"),
    }
}

/// A finding of the sweep, as stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = altered_records)]
pub struct AlteredRow {
    /// What kind of record.
    pub record_kind: String,
    /// Which record.
    pub record_id: String,
    /// The record it is part of, by the ledger.
    pub parent_id: Option<String>,
    /// Who could see it, by the ledger.
    pub level: Sharing,
    /// In what way.
    pub what: What,
    /// Since when it is known.
    pub found_at: UtcTime,
}

/// What is known to be altered.
#[derive(Debug, Default)]
pub struct Altered(HashMap<String, HashMap<String, AlteredRow>>);

impl Altered {
    /// As the sweep has found it.
    ///
    /// # Errors
    /// What the database says.
    pub fn load(conn: &mut Conn) -> Result<Self, Error> {
        let rows: Vec<AlteredRow> = altered_records::table.select(altered_records::all_columns).load(conn)?;
        let mut all = Self::default();
        for row in rows {
            let kind = all.0.entry(row.record_kind.clone()).or_default();
            kind.insert(row.record_id.clone(), row);
        }
        Ok(all)
    }

    /// What is found of that record.
    #[must_use]
    pub fn get(&self, kind: &str, id: &str) -> Option<&AlteredRow> {
        self.0.get(kind)?.get(id)
    }

    /// What is found of those parts of these records.
    fn parts(&self, kind: &str, parents: &[String]) -> Vec<AlteredRow> {
        let found = self.0.get(kind).into_iter().flat_map(HashMap::values);
        let of = |row: &&AlteredRow| row.parent_id.as_ref().is_some_and(|parent| parents.contains(parent));
        found.filter(of).cloned().collect()
    }

    /// Refuses whoever may do nothing until it is settled: an altered account or client, and an account that was put on a
    /// team behind the program's back.
    ///
    /// # Errors
    /// `record_altered`.
    pub fn assert_speaks(&self, viewer: &Viewer) -> Result<(), Error> {
        let account = viewer.account_id.as_str();
        let put =
            |row: &AlteredRow| matches!(row.what, What::Unknown | What::Again) && row.record_id.ends_with(account);
        let teams = self.0.get(TeamRow::KIND);
        if self.get(AccountRow::KIND, account).is_some() || teams.is_some_and(|teams| teams.values().any(put)) {
            return Err(Error::altered(AccountRow::KIND, account));
        }
        match &viewer.machine {
            Some(machine) if self.get(ClientRow::KIND, machine.client_id.as_str()).is_some() => {
                Err(Error::altered(ClientRow::KIND, machine.client_id.as_str()))
            }
            _ => Ok(()),
        }
    }
}

impl Read<'_> {
    /// Whether this reader could see that record, as the ledger has it.
    ///
    /// # Errors
    /// What the database says.
    pub fn knew(&mut self, row: &AlteredRow, owner: Option<&str>) -> Result<bool, Error> {
        if by_level(&self.viewer, row.level, owner) {
            return Ok(true);
        }
        self.is_on_its_team(row)
    }

    fn is_on_its_team(&mut self, row: &AlteredRow) -> Result<bool, Error> {
        let ids = [Some(&row.record_id), row.parent_id.as_ref()];
        self.is_on_a_team(&ids.into_iter().flatten().cloned().collect::<Vec<_>>())
    }

    fn refuse(&mut self, row: &AlteredRow, owner: Option<&str>) -> Result<(), Error> {
        if self.knew(row, owner)? {
            return Err(Error::altered(&row.record_kind, &row.record_id));
        }
        Ok(())
    }

    /// The same of a record that is not among those that this reader sees: outside, one that is there and hidden makes no
    /// difference, since its level does not tell what consent does.
    fn refuse_hidden(&mut self, row: &AlteredRow) -> Result<(), Error> {
        if row.what == What::Missing || self.viewer.sees(Sharing::Internal, None) || self.is_on_its_team(row)? {
            return self.refuse(row, None);
        }
        Ok(())
    }

    /// Those rows, if none is altered; without those that this reader could not see, as the ledger has it.
    ///
    /// # Errors
    /// `record_altered`.
    pub fn sound<R: Record>(&mut self, rows: Vec<R>) -> Result<Vec<R>, Error> {
        if self.altered.0.is_empty() {
            return Ok(rows);
        }
        let altered = self.altered.clone();
        let mut sound = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, me) = (row.id(), self.viewer.account_id.clone());
            if let Some(team) = altered.get(TeamRow::KIND, &format!("{id}/{me}")) {
                return Err(Error::altered(&team.record_kind, &team.record_id));
            }
            match altered.get(R::KIND, &id) {
                None => sound.push(row),
                Some(found) => self.refuse(found, row.owner().as_deref())?,
            }
        }
        Ok(sound)
    }

    /// The row, if it is there and not altered. One that the ledger knows and that is gone is altered, not absent.
    ///
    /// # Errors
    /// `not_found`; `record_altered`.
    pub fn sound_one<R: Record>(&mut self, id: &str, found: Option<R>) -> Result<R, Error> {
        let Some(row) = found else {
            let altered = self.altered.clone();
            for kind in [
                (R::KIND, id.to_owned()),
                (TeamRow::KIND, format!("{id}/{}", self.viewer.account_id)),
            ] {
                if let Some(known) = altered.get(kind.0, &kind.1) {
                    self.refuse_hidden(known)?;
                }
            }
            return Err(Error::not_found());
        };
        self.sound(vec![row])?.pop().ok_or_else(Error::not_found)
    }

    /// Those rows, all of them parts of these records, if none is altered and none is missing.
    ///
    /// # Errors
    /// `record_altered`.
    pub fn sound_parts<R: Record>(&mut self, parents: &[String], rows: Vec<R>) -> Result<Vec<R>, Error> {
        if self.altered.0.is_empty() {
            return Ok(rows);
        }
        for part in self.altered.clone().parts(R::KIND, parents) {
            match rows.iter().find(|row| row.id() == part.record_id) {
                Some(row) => self.refuse(&part, row.owner().as_deref())?,
                None => self.refuse_hidden(&part)?,
            }
        }
        self.sound(rows)
    }

    /// Those rows, without those that rest on an altered record which this reader could not see.
    ///
    /// # Errors
    /// `record_altered` where they could.
    pub fn resting_on<T>(&mut self, kind: &str, rows: Vec<T>, id: impl Fn(&T) -> String) -> Result<Vec<T>, Error> {
        if self.altered.0.is_empty() {
            return Ok(rows);
        }
        let altered = self.altered.clone();
        let mut sound = Vec::with_capacity(rows.len());
        for row in rows {
            match altered.get(kind, &id(&row)) {
                None => sound.push(row),
                Some(found) => self.refuse(found, None)?,
            }
        }
        Ok(sound)
    }

    /// Refuses a record that is altered.
    ///
    /// # Errors
    /// `record_altered`.
    pub fn assert_sound<R: Record>(&self, row: &R) -> Result<(), Error> {
        if !self.altered.0.is_empty() && self.altered.get(R::KIND, &row.id()).is_some() {
            return Err(Error::altered(R::KIND, &row.id()));
        }
        Ok(())
    }
}

fn by_level(viewer: &Viewer, level: Sharing, owner: Option<&str>) -> bool {
    let own = owner.is_some_and(|owner| viewer.owns().iter().any(|id| id.as_str() == owner));
    viewer.levels().contains(&level) || (own && level != Sharing::Restricted)
}
