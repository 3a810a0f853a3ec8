//! Two roles on one PostgreSQL database: the one that migrates owns the tables, the one that serves uses them.
#![allow(clippy::disallowed_methods)]

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::base::error::{Code, Error};
use crate::store::conn::Word;

/// What serving needs of a table.
fn rights(table: &str) -> &'static str {
    match table {
        "__diesel_schema_migrations" => "SELECT",
        // Never altered; where the triggers say so to everyone, this says so to whoever could take a trigger away.
        "ledger_entries" | "checkpoints" | "access_events" => "SELECT, INSERT",
        _ => "SELECT, INSERT, UPDATE, DELETE",
    }
}

/// Gives the role what serving needs in the present schema, and takes from it whatever else it had there.
pub(super) fn grant_serving(conn: &mut PgConnection, role: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if role.is_empty() || !role.bytes().all(plain) {
        return Err(refused(role, "must be named with lower-case letters, digits and _"));
    }
    conn.transaction(|conn| {
        if words(
            conn,
            "SELECT CAST(rolname AS TEXT) AS word FROM pg_roles WHERE rolname = $1",
            role,
        )?
        .is_empty()
        {
            return Err(refused(role, "is not there: make it with CREATE ROLE ... LOGIN"));
        }
        // A superuser counts as a member of every role.
        let owned = "SELECT CAST(tablename AS TEXT) AS word FROM pg_tables
            WHERE schemaname = current_schema() AND pg_has_role($1, tableowner, 'MEMBER')";
        if !words(conn, owned, role)?.is_empty() {
            return Err(refused(
                role,
                "owns the tables, or may act as their owner: migrate with another role",
            ));
        }
        let schema = words(
            conn,
            "SELECT quote_ident(current_schema()) AS word WHERE $1 <> ''",
            role,
        )?
        .concat();
        conn.batch_execute(&format!(
            "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM \"{role}\";
             REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, \"{role}\";
             GRANT USAGE ON SCHEMA {schema} TO \"{role}\";"
        ))?;
        let tables =
            "SELECT CAST(tablename AS TEXT) AS word FROM pg_tables WHERE schemaname = current_schema() AND $1 <> ''";
        for table in words(conn, tables, role)? {
            let rights = rights(&table);
            conn.batch_execute(&format!("GRANT {rights} ON {schema}.\"{table}\" TO \"{role}\""))?;
        }
        let more = "SELECT $1 AS word WHERE has_schema_privilege($1, current_schema(), 'CREATE')
            OR EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcreaterole)";
        if !words(conn, more, role)?.is_empty() {
            return Err(refused(
                role,
                "may make tables or roles by other rights: it owns the database, the schema, or others",
            ));
        }
        Ok(())
    })
}

fn words(conn: &mut PgConnection, query: &str, role: &str) -> Result<Vec<String>, Error> {
    let rows: Vec<Word> = diesel::sql_query(query).bind::<Text, _>(role).load(conn)?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

fn refused(role: &str, what: &str) -> Error {
    Error::new(Code::Invalid, format!("the role {role} {what}"))
}
