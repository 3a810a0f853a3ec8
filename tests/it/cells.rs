//! Every cell of every kind of record: whichever is altered behind the program's back, the record is named.

use conscience::audit::soundness::KINDS;
use conscience::cli::verify::findings;
use conscience::store::url::DatabaseUrl;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;

use crate::support::{House, Kind};

/// The tables of records; a kind of the ledger each.
const TABLES: [&str; 17] = [
    "organisations",
    "accounts",
    "clients",
    "signing_keys",
    "sources",
    "individuals",
    "consents",
    "consent_overrides",
    "relations",
    "judgements",
    "merges",
    "cases",
    "facts",
    "submissions",
    "statements",
    "mentions",
    "team_members",
];

/// What changes with use and is no part of a record.
const BESIDE: [(&str, &str); 2] = [("accounts", "otp_step"), ("clients", "last_used_at")];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Another value of that type than the one that is there.
fn other(column: &Column) -> String {
    let name = &column.name;
    match column.kind.as_str() {
        "TEXT" => format!("COALESCE({name}, '') || 'x'"),
        "DATE" => format!("CASE {name} WHEN '2001-02-03' THEN '2001-02-04' ELSE '2001-02-03' END"),
        "TIMESTAMP" => {
            format!("CASE {name} WHEN '2001-02-03 04:05:06' THEN '2001-02-03 04:05:07' ELSE '2001-02-03 04:05:06' END")
        }
        "BOOLEAN" => format!("NOT {name}"),
        "INTEGER" | "BIGINT" => format!("COALESCE({name}, 0) + 1"),
        "DOUBLE PRECISION" => format!("COALESCE({name}, 0) / 2 + 0.125"),
        other => panic!("{other}"),
    }
}

#[test]
#[allow(clippy::disallowed_methods)]
fn whichever_is_altered_is_found() {
    assert_eq!(TABLES.len(), KINDS.len(), "a kind of record is missing here");
    let house = House::with_sample(Kind::Sqlite);
    let (staff, partner) = (house.staff(), house.partner());
    let client = json!({"account_id": partner.account(), "name": "N", "scopes": ["read"]});
    house.admin().post("/v1/clients", &client).expect(201);
    house.rotate_signing_key(300);
    let case = staff.get("/v1/cases").expect(200).body["items"][0]["id"].clone();
    let case = format!("/v1/cases/{}", case.as_str().unwrap());
    partner.make(
        &format!("{case}/submissions"),
        &json!({"changes": {"summary": "Proposed"}}),
    );
    staff
        .put(&format!("{case}/team/{}", partner.account()), &json!({}))
        .expect(204);
    let source =
        json!({"title": "S", "reliability": "a", "identity": "a guard", "publisher": "P", "published_on": "2010"});
    staff.make("/v1/sources", &source);
    let consent = json!({"state": "given", "given_by": "self", "given_on": "2009", "evidence": "e", "expires_on": "2020-01-01", "scopes": ["photo"]});
    let person = staff.make_silent(
        "/v1/individuals",
        &json!({"names": [{"text": "Hu Jia"}], "contacts": ["c"], "born_on": "1973"}),
    );
    staff
        .post(&format!("/v1/individuals/{person}/consents"), &consent)
        .expect(201);
    let twin = staff.make_silent(
        "/v1/individuals",
        &json!({"names": [{"text": "Hu Jiaqi"}], "identifiers": [{"register": "R", "value": "1"}]}),
    );
    let judgement = json!({"individual_id": person, "other_id": twin, "verdict": "different", "reason": "r"});
    let judgement = staff.make("/v1/individuals/judgements", &judgement);
    let judgement = format!("/v1/individuals/judgements/{judgement}");
    staff.delete(&judgement, &staff.get(&judgement).etag()).expect(204);
    let merge = staff.merge(
        &twin,
        &staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Hu Chiachi"}]})),
    );
    staff
        .post(&format!("/v1/merges/{merge}/undo"), &json!({"reason": "r"}))
        .expect(200);

    let DatabaseUrl::Sqlite(path) = house.url() else {
        unreachable!()
    };
    let mut conn = SqliteConnection::establish(path).unwrap();
    let off = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA busy_timeout = 5000;";
    conn.batch_execute(off).unwrap();
    assert_eq!(findings(&house.door, &[], None).unwrap(), [""; 0]);
    let mut cells = 0;
    for table in TABLES {
        let ask = format!("SELECT name, type AS kind FROM pragma_table_info('{table}')");
        let columns: Vec<Column> = diesel::sql_query(ask).load(&mut conn).unwrap();
        assert!(columns.len() > 2, "{table}");
        for column in columns
            .iter()
            .filter(|column| !BESIDE.contains(&(table, column.name.as_str())))
        {
            let (name, other) = (&column.name, other(column));
            // The first that has something there, else the first.
            let row = format!("(SELECT rowid FROM {table} ORDER BY {name} IS NULL, rowid LIMIT 1)");
            conn.batch_execute(&format!(
                "CREATE TABLE kept AS SELECT rowid AS place, * FROM {table} WHERE rowid = {row};
                 UPDATE {table} SET {name} = {other} WHERE rowid = (SELECT place FROM kept);"
            ))
            .unwrap_or_else(|error| panic!("{table}.{name}: {error}"));
            let found = findings(&house.door, &[], None).unwrap();
            assert!(!found.is_empty(), "{table}.{name} was altered and nothing says so");
            cells += 1;
            conn.batch_execute(&format!(
                "DELETE FROM {table} WHERE rowid = (SELECT place FROM kept);
                 INSERT INTO {table} (rowid, {names}) SELECT place, {names} FROM kept; DROP TABLE kept;",
                names = columns
                    .iter()
                    .map(|column| column.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))
            .unwrap();
        }
    }
    assert_eq!(findings(&house.door, &[], None).unwrap(), [""; 0]);
    println!("{cells} columns altered, each found");
}
