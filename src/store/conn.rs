//! One connection, to either database. With `roles` the only module that speaks SQL as text.
#![allow(clippy::disallowed_methods)]
// What the derive makes has no documentation of its own.
#![allow(missing_docs)]

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::base::error::Error;
use crate::store::url::DatabaseUrl;

/// A connection to whichever database there is.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// Embedded.
    Sqlite(diesel::SqliteConnection),
    /// A server.
    Pg(diesel::PgConnection),
}

const SQLITE_BOTH: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824;";

fn establish(url: &DatabaseUrl) -> Result<Conn, ConnectionError> {
    match url {
        DatabaseUrl::Sqlite(path) => diesel::SqliteConnection::establish(path).map(Conn::Sqlite),
        DatabaseUrl::Postgres(address) => diesel::PgConnection::establish(address).map(Conn::Pg),
    }
}

fn prepare(conn: &mut Conn, sqlite: &str, postgres: &str) -> Result<(), diesel::result::Error> {
    match conn {
        Conn::Sqlite(inner) => inner.batch_execute(&format!("{SQLITE_BOTH} {sqlite}")),
        Conn::Pg(inner) => inner.batch_execute(&format!(
            "SET TIME ZONE 'UTC'; SET client_min_messages = warning; {postgres}"
        )),
    }
}

/// Makes a folder that its owner alone can enter; one that is there stays as it is.
///
/// # Errors
/// Where it cannot be made.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file that its owner alone can read, unless it is there; the files that `SQLite` keeps beside it follow it.
fn make_private_file(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A connection that may write: durable at COMMIT.
pub(crate) fn establish_writer(url: &DatabaseUrl) -> Result<Conn, Error> {
    if let DatabaseUrl::Sqlite(path) = url
        && let Some(folder) = Path::new(path).parent()
    {
        make_private(folder).map_err(Error::internal)?;
        make_private_file(Path::new(path)).map_err(Error::internal)?;
    }
    let mut conn = establish(url).map_err(Error::internal)?;
    prepare(
        &mut conn,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
        "",
    )
    .map_err(Error::internal)?;
    Ok(conn)
}

/// A connection that cannot write, and whose transactions see one moment.
pub(crate) fn establish_reader(url: &DatabaseUrl) -> Result<Conn, ConnectionError> {
    let mut conn = establish(url)?;
    prepare(
        &mut conn,
        "PRAGMA query_only = ON;",
        "SET default_transaction_read_only = on; SET default_transaction_isolation = 'repeatable read';",
    )
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Whether the connection still answers.
pub(crate) fn alive(conn: &mut Conn) -> Result<(), diesel::result::Error> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Pg(inner) => inner.batch_execute("SELECT 1"),
    }
}

/// Begins the writer's transaction: on SQLite with the lock at once, on PostgreSQL behind the one advisory lock, so
/// that writes are serial in every process and the ledger's positions dense.
pub(crate) fn begin_exclusive(conn: &mut Conn) -> Result<(), diesel::result::Error> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    match conn {
        Conn::Sqlite(inner) => AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE"),
        Conn::Pg(inner) => {
            AnsiTransactionManager::begin_transaction(inner)?;
            inner.batch_execute("SELECT pg_advisory_xact_lock(20100510)")
        }
    }
}

/// Ends it: what was written is on disk.
pub(crate) fn commit(conn: &mut Conn) -> Result<(), diesel::result::Error> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    match conn {
        Conn::Sqlite(inner) => AnsiTransactionManager::commit_transaction(inner),
        Conn::Pg(inner) => AnsiTransactionManager::commit_transaction(inner),
    }
}

/// Takes it back.
pub(crate) fn rollback(conn: &mut Conn) {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    let done = match conn {
        Conn::Sqlite(inner) => AnsiTransactionManager::rollback_transaction(inner),
        Conn::Pg(inner) => AnsiTransactionManager::rollback_transaction(inner),
    };
    if let Err(error) = done {
        log::warn!("a batch could not be rolled back: {error}");
    }
}

/// How many transactions are open within one another.
pub(crate) fn depth(conn: &mut Conn) -> Result<u32, diesel::result::Error> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    let status = match conn {
        Conn::Sqlite(inner) => AnsiTransactionManager::transaction_manager_status_mut(inner),
        Conn::Pg(inner) => AnsiTransactionManager::transaction_manager_status_mut(inner),
    };
    Ok(status.transaction_depth()?.map_or(0, std::num::NonZeroU32::get))
}

/// One column of text, called `word`.
#[derive(QueryableByName)]
pub(super) struct Word {
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub(super) word: String,
}

/// The migrations that were run, by their versions. Only reads, so that whoever serves needs no right to make tables:
/// diesel's own question makes its table first.
pub(crate) fn versions(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let there = match conn {
        Conn::Sqlite(_) => "SELECT name AS word FROM sqlite_master WHERE name = '__diesel_schema_migrations'",
        Conn::Pg(_) => {
            "SELECT CAST(relname AS TEXT) AS word FROM pg_class WHERE oid = to_regclass('__diesel_schema_migrations')"
        }
    };
    if diesel::sql_query(there).load::<Word>(conn)?.is_empty() {
        return Ok(Vec::new());
    }
    let run = diesel::sql_query("SELECT CAST(version AS TEXT) AS word FROM __diesel_schema_migrations");
    Ok(run.load::<Word>(conn)?.into_iter().map(|row| row.word).collect())
}

/// The tables that hold what is of a person.
const OF_PEOPLE: &str =
    "individuals, cases, facts, relations, judgements, merges, consents, consent_overrides, mentions,
    submissions, team_members, ledger_payloads, altered_records";

#[derive(diesel::QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// Writes the tables anew, without what was deleted from them.
pub(crate) fn scrub(conn: &mut Conn) -> Result<(), Error> {
    let later = |cause: &dyn std::fmt::Display| {
        log::error!("the files were not scrubbed: {cause}");
        let detail = "it is erased, but the files of the database still hold it: ask again";
        Error::new(crate::base::error::Code::Unavailable, detail)
    };
    match conn {
        Conn::Sqlite(inner) => {
            inner.batch_execute("VACUUM").map_err(|error| later(&error))?;
            let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpointed>(inner);
            match done.map_err(|error| later(&error))?.busy {
                0 => Ok(()),
                _ => Err(later(&"somebody reads")),
            }
        }
        // What is known of the tables' values for planning is made anew as well.
        Conn::Pg(inner) => {
            // The server only warns whoever does not own the tables.
            let owned = "SELECT CAST(tablename AS TEXT) AS word FROM pg_tables WHERE tablename = 'individuals'
                AND schemaname = current_schema() AND pg_has_role(tableowner, 'USAGE')";
            if diesel::sql_query(owned).load::<Word>(inner)?.is_empty() {
                return Err(later(
                    &"the role that serves does not own the tables: run `conscience scrub` as their owner",
                ));
            }
            // Whoever began before this may still see what was deleted, and the server keeps it for them.
            let before = "SELECT CAST(pid AS TEXT) AS word FROM pg_stat_activity WHERE datname = current_database()
                AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < statement_timestamp()";
            if !diesel::sql_query(before).load::<Word>(inner)?.is_empty() {
                return Err(later(&"somebody reads"));
            }
            inner
                .batch_execute("SET lock_timeout = '5s'")
                .and_then(|()| inner.batch_execute(&format!("VACUUM (FULL, ANALYZE) {OF_PEOPLE}")))
                .map_err(|error| later(&error))
        }
    }
}

/// A consistent copy of the embedded database, readable by its owner alone.
pub(crate) fn vacuum_into(conn: &mut diesel::SqliteConnection, file: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    // VACUUM INTO accepts an empty file: made first, so that it is private from its first byte.
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(Error::internal)?;
    diesel::sql_query("VACUUM INTO $1")
        .bind::<diesel::sql_types::Text, _>(file.to_string_lossy().into_owned())
        .execute(conn)?;
    Ok(())
}
