//! The register: every recorded name, in memory. It follows the ledger's positions and nothing else, so it is the same
//! in every process and after a restart.

use std::sync::RwLock;

use diesel::prelude::*;

use crate::access::Read;
use crate::base::error::Error;
use crate::base::id::IndividualId;
use crate::base::text::Listed;
use crate::individuals::model::Name;
use crate::names::Index;
use crate::schema::{individuals, ledger_entries};
use crate::store::IN_ONE_QUERY;

/// The names of all people, whoever may see them: a reader is asked for at every use.
#[derive(Default)]
pub struct Register(RwLock<Following>);

#[derive(Default)]
struct Following {
    position: Option<i64>,
    index: Index<IndividualId>,
}

impl Register {
    /// Uses the index as of the last change on record.
    ///
    /// # Errors
    /// What the database says.
    pub fn with_current<T>(&self, tx: &mut Read<'_>, work: impl FnOnce(&Index<IndividualId>) -> T) -> Result<T, Error> {
        let broken = || Error::internal("the register is broken");
        let last: i64 = ledger_entries::table
            .select(diesel::dsl::max(ledger_entries::position))
            .first::<Option<i64>>(tx.conn())?
            .unwrap_or(0);
        let known = self.0.read().map_err(|_| broken())?.position;
        if known.is_none_or(|known| known < last) {
            let mut following = self.0.write().map_err(|_| broken())?;
            following.catch_up(tx, last)?;
        }
        Ok(work(&self.0.read().map_err(|_| broken())?.index))
    }
}

impl Following {
    fn catch_up(&mut self, tx: &mut Read<'_>, last: i64) -> Result<(), Error> {
        let known = match self.position {
            Some(known) if known >= last => return Ok(()),
            known => known,
        };
        if let Some(known) = known {
            let changed: Vec<String> = ledger_entries::table
                .filter(
                    ledger_entries::position
                        .gt(known)
                        .and(ledger_entries::position.le(last)),
                )
                .filter(ledger_entries::record_kind.eq("individual"))
                .select(ledger_entries::record_id)
                .distinct()
                .load(tx.conn())?;
            for chunk in changed.chunks(IN_ONE_QUERY) {
                for id in chunk.iter().filter_map(|id| IndividualId::parse(id).ok()) {
                    self.index.remove(&id);
                }
                self.take(tx, Some(chunk.to_vec()))?;
            }
        } else {
            self.take(tx, None)?;
        }
        self.position = Some(last);
        Ok(())
    }

    fn take(&mut self, tx: &mut Read<'_>, ids: Option<Vec<String>>) -> Result<(), Error> {
        let mut rows = individuals::table
            .filter(individuals::retired_at.is_null())
            .select((individuals::id, individuals::names))
            .into_boxed();
        if let Some(ids) = ids {
            rows = rows.filter(individuals::id.eq_any(ids));
        }
        for row in rows.load_iter::<(IndividualId, Listed<Name>), diesel::connection::DefaultLoadingMode>(tx.conn())? {
            let (id, names) = row?;
            let texts: Vec<&str> = names.items().iter().map(|name| name.text.as_str()).collect();
            self.index.set_names(&id, &texts);
        }
        Ok(())
    }
}
