//! The streams in the database: of each the right edge of its tree is kept, and its head is signed.

use diesel::prelude::*;

use crate::access::secret::Keys;
use crate::access::tree::{self, Edge, Stream};
use crate::base::error::Error;
use crate::base::time::UtcTime;
use crate::schema::{access_events, checkpoints, ledger_entries, trees};
use crate::store::Conn;

impl Stream {
    /// The position of its last entry; 0 where there is none.
    ///
    /// # Errors
    /// What the database says.
    pub fn last_position(self, conn: &mut Conn) -> Result<i64, Error> {
        let last: Option<i64> = match self {
            Self::Ledger => ledger_entries::table
                .select(diesel::dsl::max(ledger_entries::position))
                .first(conn)?,
            Self::Events => access_events::table
                .select(diesel::dsl::max(access_events::position))
                .first(conn)?,
        };
        Ok(last.unwrap_or(0))
    }

    /// The right edge of its tree.
    ///
    /// # Errors
    /// What the database says.
    pub fn edge(self, conn: &mut Conn) -> Result<Edge, Error> {
        let stored: Option<String> = trees::table
            .find(self.name())
            .select(trees::edge)
            .first(conn)
            .optional()?;
        stored.map_or_else(
            || Ok(Edge::default()),
            |text| serde_json::from_str(&text).map_err(Error::internal),
        )
    }

    /// Appends entries, each as its line, to the tree that ended with that edge.
    ///
    /// # Errors
    /// What the database says.
    pub fn append(self, conn: &mut Conn, mut edge: Edge, lines: &[String]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        for line in lines {
            edge.append(tree::leaf(line.as_bytes()));
        }
        let text = serde_json::to_string(&edge).map_err(Error::internal)?;
        let kept = diesel::update(trees::table.find(self.name()))
            .set(trees::edge.eq(text.clone()))
            .execute(conn)?;
        if kept == 0 {
            diesel::insert_into(trees::table)
                .values((trees::name.eq(self.name()), trees::edge.eq(text)))
                .execute(conn)?;
        }
        Ok(())
    }

    /// Signs its head, where it has grown since the last; keeps it and gives it.
    ///
    /// # Errors
    /// What the database says; `internal` where the tree is not that of the entries.
    pub fn sign(self, conn: &mut Conn, keys: &Keys, now: UtcTime) -> Result<String, Error> {
        let edge = self.edge(conn)?;
        let size = i64::try_from(edge.size()).map_err(Error::internal)?;
        let known: Option<String> = checkpoints::table
            .find((self.name(), size))
            .select(checkpoints::note)
            .first(conn)
            .optional()?;
        if self.last_position(conn)? != size {
            return Err(Error::internal(
                "the tree is not that of the entries: nothing is signed",
            ));
        }
        if let Some(note) = known {
            // What stands there may have been put there.
            let own = tree::opened(&note, &keys.verifier(self)) == Some((edge.size(), edge.root()));
            return if own {
                Ok(note)
            } else {
                Err(Error::internal("a head of this size is not ours"))
            };
        }
        let note = keys.checkpoint(self, &edge);
        diesel::insert_into(checkpoints::table)
            .values((
                checkpoints::tree.eq(self.name()),
                checkpoints::size.eq(size),
                checkpoints::note.eq(note.clone()),
                checkpoints::signed_at.eq(now),
            ))
            .execute(conn)?;
        Ok(note)
    }

    /// Its heads that were signed, the smallest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn heads(self, conn: &mut Conn) -> Result<Vec<String>, Error> {
        Ok(checkpoints::table
            .filter(checkpoints::tree.eq(self.name()))
            .order(checkpoints::size)
            .select(checkpoints::note)
            .load(conn)?)
    }
}
