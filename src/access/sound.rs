//! Records that are altered are shown to nobody as if they were sound: whoever could see one gets 503.
//!
//! Who could see such a record is told by the ledger, not by the record: to the others it is hidden, as it was.

use crate::access::altered::{AlteredRow, What};
use crate::access::ledger::Record;
use crate::access::sharing::TeamRow;
use crate::access::tx::Read;
use crate::access::viewer::Viewer;
use crate::base::error::Error;
use crate::base::words::Sharing;

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
        if self.altered.is_empty() {
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
        if self.altered.is_empty() {
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
        if self.altered.is_empty() {
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
}

fn by_level(viewer: &Viewer, level: Sharing, owner: Option<&str>) -> bool {
    let own = owner.is_some_and(|owner| viewer.owns().iter().any(|id| id.as_str() == owner));
    viewer.levels().contains(&level) || (own && level != Sharing::Restricted)
}
