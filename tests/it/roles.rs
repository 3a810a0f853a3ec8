//! Two roles on one PostgreSQL database: whoever serves can do what serving needs, and nothing to the ledger's past.
#![allow(clippy::disallowed_methods)]

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::json;

use crate::program::{Place, Running};
use crate::support::{Kind, database_url};

/// Makes a role of its own, and gives its name.
fn role(owner: &mut PgConnection, attributes: &str) -> String {
    let name = format!("role_{}", uuid::Uuid::new_v4().simple());
    owner
        .batch_execute(&format!("CREATE ROLE {name} LOGIN {attributes}"))
        .unwrap();
    name
}

fn as_role(url: &str, role: &str) -> String {
    url.replacen("postgres://conscience@", &format!("postgres://{role}@"), 1)
}

#[test]
fn whoever_serves_cannot_alter_the_past_or_the_tables() {
    let place = Place::new("roles");
    let url = database_url(Kind::Postgres);
    let mut owner = PgConnection::establish(&url).unwrap();
    let role = role(&mut owner, "");
    let serving = as_role(&url, &role);
    assert_ne!(serving, url);
    let told = place.refused(&["migrate", "--database", &url, "--serve-role", "nobody_of_that_name"]);
    assert!(told.contains("nobody_of_that_name is not there"), "{told}");
    place.furnished(&url);
    place.done(&["migrate", "--database", &url, "--serve-role", &role], "");

    // It serves: log in, write, read, sign the head, change, take out.
    let running = Running::serve(&place, &serving);
    let staff = running.staff();
    let person = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
    let path = format!("/v1/individuals/{person}");
    let found = staff.get(&path).expect(200);
    staff.patch(&path, &found.etag(), &json!({"country": "CN"})).expect(200);
    let found = staff.get(&path).expect(200);
    assert_eq!(found.body["country"], "CN");
    assert_eq!(staff.delete(&path, &found.etag()).status, 204);
    running.admin().get("/v1/audit").expect(200);
    place.done(
        &["checkpoint", "--database", &serving, "--secret", crate::program::SECRET],
        "",
    );
    assert!(
        place
            .done(
                &["verify", "--database", &serving, "--secret", crate::program::SECRET],
                ""
            )
            .contains("good")
    );

    // And no more than that.
    let mut conn = PgConnection::establish(&serving).unwrap();
    for forbidden in [
        "UPDATE ledger_entries SET kind = 'x'",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints",
        "UPDATE access_events SET kind = 'x'",
        "DELETE FROM access_events",
        "DROP TRIGGER ledger_entries_never_altered ON ledger_entries",
        "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
        "ALTER TABLE cases ADD COLUMN x TEXT",
        "DROP TABLE cases",
        "TRUNCATE cases CASCADE",
        "CREATE TABLE x (y TEXT)",
        "CREATE OR REPLACE FUNCTION ledger_is_never_altered() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "SET session_replication_role = replica",
        "DELETE FROM __diesel_schema_migrations",
        "CREATE ROLE x",
    ] {
        let said = conn.batch_execute(forbidden).expect_err(forbidden).to_string();
        assert!(
            said.contains("permission denied") || said.contains("must be owner"),
            "{forbidden}: {said}"
        );
    }
    let told = place.refused(&["scrub", "--database", &serving]);
    assert!(told.contains("as their owner"), "{told}");
    place.done(&["scrub", "--database", &url], "");
    let told = place.refused(&["migrate", "--database", &serving]);
    assert!(
        told.contains("permission denied") || told.contains("must be owner"),
        "{told}"
    );
}

#[test]
fn a_role_that_could_do_more_is_refused() {
    let place = Place::new("roles-more");
    let url = database_url(Kind::Postgres);
    let mut owner = PgConnection::establish(&url).unwrap();
    let member = role(&mut owner, "IN ROLE conscience");
    let superuser = role(&mut owner, "SUPERUSER");
    let maker = role(&mut owner, "CREATEROLE");
    for (role, told) in [
        ("conscience", "migrate with another role"),
        (&member, "migrate with another role"),
        (&superuser, "migrate with another role"),
        (&maker, "may make tables or roles"),
        ("x\"; DROP TABLE cases; --", "must be named"),
    ] {
        let said = place.refused(&["migrate", "--database", &url, "--serve-role", role]);
        assert!(said.contains(told), "{role}: {said}");
        let granted = owner.batch_execute(&format!("SET ROLE {maker}; SELECT 1 FROM cases; RESET ROLE"));
        assert!(granted.is_err(), "{role}: what is refused gives nothing");
        owner.batch_execute("RESET ROLE").unwrap();
    }
}

#[test]
fn an_embedded_database_has_no_roles() {
    let place = Place::new("roles-sqlite");
    let told = place.refused(&["migrate", "--database", "sqlite://x.sqlite", "--serve-role", "x"]);
    assert!(told.contains("has no roles"), "{told}");
}
