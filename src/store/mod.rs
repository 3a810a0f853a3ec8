//! The database: the same house on SQLite and on PostgreSQL.
mod conn;
pub mod origin;
mod pool;
mod roles;
pub mod url;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use conn::{Conn, MultiBackend, make_private};

use crate::base::error::{Code, Error};
use pool::Pool;
use url::DatabaseUrl;
use writer::Writer;

/// How many ids a query names at most: a database bounds its parameters.
pub const IN_ONE_QUERY: usize = 500;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// How much of a machine the store takes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Connections that read.
    pub readers: u32,
    /// How long a reader waits for one, in milliseconds.
    pub wait_ms: u64,
    /// Writes that wait at most; more are refused.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 8,
            wait_ms: 250,
            queue: 1024,
        }
    }
}

/// The store: readers from a pool, one writer.
#[derive(Clone)]
pub struct Db {
    url: DatabaseUrl,
    readers: Pool,
    writer: Arc<Writer>,
}

impl Db {
    /// Opens the database; an SQLite file is made where there is none.
    ///
    /// # Errors
    /// Where it cannot be reached.
    pub fn open(url: &DatabaseUrl, options: Options) -> Result<Self, Error> {
        let conn = conn::establish_writer(url)?;
        Ok(Self {
            url: url.clone(),
            readers: Pool::new(url, options.readers, Duration::from_millis(options.wait_ms))?,
            writer: Arc::new(Writer::start(url.clone(), conn, options.queue)?),
        })
    }

    /// Brings the database to this version.
    ///
    /// # Errors
    /// What a migration says.
    pub fn migrate(&self) -> Result<(), Error> {
        let mut conn = conn::establish_writer(&self.url)?;
        conn.run_pending_migrations(MIGRATIONS).map_err(Error::internal)?;
        let after = match &conn {
            Conn::Sqlite(_) => include_str!("sqlite.sql"),
            Conn::Pg(_) => include_str!("postgres.sql"),
        };
        conn.batch_execute(after).map_err(Error::internal)
    }

    /// Takes every migration back; for tests of the migrations.
    ///
    /// # Errors
    /// What a migration says.
    pub fn revert(&self) -> Result<(), Error> {
        let mut conn = conn::establish_writer(&self.url)?;
        conn.revert_all_migrations(MIGRATIONS).map_err(Error::internal)?;
        Ok(())
    }

    /// Refuses a database of another version.
    ///
    /// # Errors
    /// `unavailable`, with what to do in words.
    pub fn require_current(&self) -> Result<(), Error> {
        let run = conn::versions(&mut conn::establish_writer(&self.url)?)?;
        let known = MigrationSource::<diesel::sqlite::Sqlite>::migrations(&MIGRATIONS).map_err(Error::internal)?;
        let known: Vec<String> = known.iter().map(|one| one.name().version().to_string()).collect();
        if known.iter().any(|version| !run.contains(version)) {
            return Err(Error::new(
                Code::Unavailable,
                "the database is of an older version: run `conscience migrate` first",
            ));
        }
        if run.iter().any(|version| !known.contains(version)) {
            return Err(Error::new(
                Code::Unavailable,
                "the database is of a newer version than this program",
            ));
        }
        Ok(())
    }

    /// Gives a role of the server what serving needs and no more: it reads everything and changes records, but alters no
    /// entry of the ledger, no signed head and no table.
    ///
    /// # Errors
    /// `invalid` for an embedded database, and for a role that is not there or could do more.
    pub fn grant_serving(&self, role: &str) -> Result<(), Error> {
        match conn::establish_writer(&self.url)? {
            Conn::Pg(mut server) => roles::grant_serving(&mut server, role),
            Conn::Sqlite(_) => Err(Error::new(
                Code::Invalid,
                "an SQLite database has no roles: --serve-role is for PostgreSQL",
            )),
        }
    }

    /// Reads, on a blocking thread; all of it as of one moment, whatever is written meanwhile.
    ///
    /// # Errors
    /// `unavailable` where every reader is busy for too long, else what the work says.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let db = self.clone();
        let done = actix_web::rt::task::spawn_blocking(move || db.read_blocking(work));
        done.await.unwrap_or_else(|error| Err(Error::internal(error)))
    }

    /// The same for a command, which has no runtime.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
        let mut reader = self.readers.get()?;
        let conn: &mut Conn = &mut reader;
        conn.transaction(work)
    }

    /// Writes: all of it or nothing, answered after it is on disk.
    ///
    /// # Errors
    /// `unavailable` where too many wait or the commit fails, else what the work says.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.writer
            .queue(work)?
            .await
            .unwrap_or_else(|_| Err(Error::unavailable()))
    }

    /// The same for a command, which has no runtime.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.writer
            .queue(work)?
            .blocking_recv()
            .unwrap_or_else(|_| Err(Error::unavailable()))
    }

    /// Takes from the database's files what its tables do not hold any more: for erasure, which is seldom. Meanwhile
    /// writes wait, and on PostgreSQL reads of the tables concerned.
    ///
    /// # Errors
    /// `unavailable` where somebody else holds them for too long: it can be asked again.
    pub async fn scrub(&self) -> Result<(), Error> {
        let db = self.clone();
        let done = actix_web::rt::task::spawn_blocking(move || db.scrub_blocking());
        done.await.unwrap_or_else(|error| Err(Error::internal(error)))
    }

    /// The same for a command, which may come as the tables' owner.
    ///
    /// # Errors
    /// As [`Db::scrub`].
    pub fn scrub_blocking(&self) -> Result<(), Error> {
        conn::scrub(&mut conn::establish_writer(&self.url)?)
    }

    /// Writes one consistent file of the embedded database.
    ///
    /// # Errors
    /// `invalid` for a file that exists already, or for PostgreSQL, which has its own tools.
    pub fn backup(&self, file: &Path) -> Result<(), Error> {
        if file.exists() {
            return Err(Error::new(Code::Invalid, format!("{} exists already", file.display())));
        }
        match conn::establish_writer(&self.url)? {
            Conn::Sqlite(mut sqlite) => conn::vacuum_into(&mut sqlite, file),
            Conn::Pg(_) => Err(Error::new(
                Code::Invalid,
                "a PostgreSQL database is backed up with pg_dump or pg_basebackup",
            )),
        }
    }
}

/// Makes an empty database on a PostgreSQL server; for tests and set-up.
///
/// # Errors
/// What the server says, or a name that is not plain.
pub fn create_postgres_database(server: &str, name: &str) -> Result<(), Error> {
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return Err(Error::invalid("/name", "must be lower-case letters, digits and _"));
    }
    let mut conn = conn::establish_writer(&DatabaseUrl::parse(server, false)?)?;
    conn.batch_execute(&format!("CREATE DATABASE {name}"))
        .map_err(Error::internal)
}
