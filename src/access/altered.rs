//! Records that are not as their last ledger entry says: altered behind the program's back, found by the sweep
//! (`audit/soundness.rs`). They answer 503 until staff accept or restore them (`sound.rs`). The door keeps the few there
//! are in memory, so that reading asks the database nothing for it.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::accounts::AccountRow;
use crate::access::clients::ClientRow;
use crate::access::ledger::Record;
use crate::access::sharing::TeamRow;
use crate::access::viewer::Viewer;
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

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is found of those parts of these records.
    pub(super) fn parts(&self, kind: &str, parents: &[String]) -> Vec<AlteredRow> {
        let found = self.0.get(kind).into_iter().flat_map(HashMap::values);
        let of = |row: &&AlteredRow| row.parent_id.as_ref().is_some_and(|parent| parents.contains(parent));
        found.filter(of).cloned().collect()
    }

    /// Refuses a record that is altered.
    ///
    /// # Errors
    /// `record_altered`.
    pub fn assert_sound<R: Record>(&self, row: &R) -> Result<(), Error> {
        if !self.0.is_empty() && self.get(R::KIND, &row.id()).is_some() {
            return Err(Error::altered(R::KIND, &row.id()));
        }
        Ok(())
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
