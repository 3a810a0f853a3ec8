//! The tables: up, down, up; the ledger is never altered.

use conscience::store::{Db, Options};
use diesel::connection::SimpleConnection;

use crate::support::{House, Kind, database};

fn there_and_back(kind: Kind) {
    let db = Db::open(&database(kind), Options::default()).unwrap();
    assert!(db.require_current().is_err());
    db.migrate().unwrap();
    db.require_current().unwrap();
    db.migrate().unwrap();
    db.revert().unwrap();
    assert!(db.require_current().is_err());
    db.migrate().unwrap();
    db.require_current().unwrap();
    let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')";
    db.write_blocking(|conn| Ok(conn.batch_execute(later)?)).unwrap();
    let told = db.require_current().unwrap_err().detail;
    assert!(told.contains("newer version"), "{told}");
}

#[test]
fn up_down_up_sqlite() {
    there_and_back(Kind::Sqlite);
}

#[test]
fn up_down_up_postgres() {
    there_and_back(Kind::Postgres);
}

on_both! {
    fn entries_are_never_altered(house: &House) {
        use diesel::prelude::*;
        use conscience::schema::ledger_entries;
        let db = Db::open(house.url(), Options::default()).unwrap();
        let altered = db.write_blocking(|conn| {
            diesel::update(ledger_entries::table).set(ledger_entries::kind.eq("changed")).execute(conn)?;
            Ok(())
        });
        assert!(altered.is_err());
        let deleted = db.write_blocking(|conn| {
            diesel::delete(ledger_entries::table).execute(conn)?;
            Ok(())
        });
        assert!(deleted.is_err());
    }
}

mod columns {
    use std::collections::BTreeMap;

    use conscience::store::{Conn, Db, Options};
    use diesel::prelude::*;
    use diesel::sql_types::{Bool, Text};

    use crate::support::{Kind, database};

    /// Of a table: each column, its type in the house's words, and whether it may be empty.
    type Columns = BTreeMap<String, Vec<(String, String, bool)>>;

    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        place: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Bool)]
        empty: bool,
    }

    const SQLITE: &str = "SELECT tables.name AS place, columns.name AS name, columns.type AS kind, columns.\"notnull\" = 0 AS empty
        FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%' AND tables.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'
        ORDER BY tables.name, columns.cid";
    const POSTGRES: &str = "SELECT table_name::text AS place, column_name::text AS name, data_type::text AS kind, is_nullable = 'YES' AS empty
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'
        ORDER BY table_name, ordinal_position";

    /// The types of both databases and of diesel by one word each.
    fn word(kind: &str) -> String {
        let known = match kind.to_lowercase().as_str() {
            "timestamp" | "timestamp without time zone" => "timestamp",
            "bigint" | "int8" => "bigint",
            "integer" | "int4" => "integer",
            "double precision" | "double" => "double",
            "text" => "text",
            "date" => "date",
            "boolean" | "bool" => "boolean",
            other => panic!("{other}: not a portable type"),
        };
        known.to_owned()
    }

    #[allow(clippy::disallowed_methods)]
    fn of(kind: Kind) -> Columns {
        let db = Db::open(&database(kind), Options::default()).unwrap();
        db.migrate().unwrap();
        let found: Vec<Column> = db
            .write_blocking(|conn| {
                Ok(match conn {
                    Conn::Sqlite(inner) => diesel::sql_query(SQLITE).load(inner)?,
                    Conn::Pg(inner) => diesel::sql_query(POSTGRES).load(inner)?,
                })
            })
            .unwrap();
        let mut columns = Columns::new();
        for Column {
            place,
            name,
            kind,
            empty,
        } in found
        {
            columns.entry(place).or_default().push((name, word(&kind), empty));
        }
        columns
    }

    /// What the program believes.
    fn believed() -> Columns {
        let mut columns = Columns::new();
        let mut table = String::new();
        for line in include_str!("../../src/schema.rs").lines() {
            let line = line.trim();
            if let Some((name, _)) = line.strip_suffix(" {").and_then(|line| line.split_once(" (")) {
                name.clone_into(&mut table);
            } else if let Some((name, kind)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
                let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
                let entry = (name.to_owned(), word(inner.unwrap_or(kind)), inner.is_some());
                columns.entry(table.clone()).or_default().push(entry);
            }
        }
        columns
    }

    #[test]
    fn both_databases_have_the_tables_that_the_program_believes() {
        let believed = believed();
        assert!(believed.len() > 12 && believed["facts"].len() > 15, "{believed:?}");
        assert_eq!(of(Kind::Sqlite), believed);
        assert_eq!(of(Kind::Postgres), believed);
    }
}
