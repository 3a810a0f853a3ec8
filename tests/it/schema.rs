//! The tables: up, down, up; the ledger is never altered.

use conscience::store::{Db, Options};

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
