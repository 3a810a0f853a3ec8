//! Encrypted fields: for the team of their record alone, bound to their cell, under keys that can be changed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::program::{Place, Running, SECRET};
use crate::support::{Actor, House, Kind, database_url};
use crate::verify::behind_the_back;

fn told(actor: &Actor, place: &str) -> Value {
    actor.get(place).expect(200).body
}

/// The fields of a change of sealed ones that this reader finds in a history.
fn changes_told(actor: &Actor, place: &str, field: &str) -> usize {
    let items = told(actor, &format!("{place}/history"))["items"]
        .as_array()
        .unwrap()
        .clone();
    items
        .iter()
        .filter(|item| item["fields"].get(field).is_some())
        .inspect(|item| assert_eq!(item["fields"][field], json!({"from": null, "to": "changed"})))
        .count()
}

on_both! {
    fn what_is_sealed_is_for_the_team_alone(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let person = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "public", "contacts": ["+86 10 canary"]}));
        let other = staff.make("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}], "sharing": "public"}));
        let source = staff.make("/v1/sources", &json!({"title": "A neighbour", "reliability": "b", "sharing": "public", "identity": "Wang canary"}));
        let relation = staff.make(&format!("/v1/individuals/{person}/relations"), &json!({"kind": "colleague", "other_id": other, "note": "canary note"}));
        let place = format!("/v1/individuals/{person}");
        let (source, relation) = (format!("/v1/sources/{source}"), format!("{place}/relations/{relation}"));
        let fields = [(&place, "contacts", json!(["+86 10 canary"])), (&source, "identity", json!("Wang canary")), (&relation, "note", json!("canary note"))];
        for (place, field, value) in &fields {
            assert_eq!(told(&staff, place)[field], *value);
            for reader in [&admin, &partner, &house.staff_of_nobody()] {
                assert!(!reader.get(place).expect(200).text.contains("canary"), "{place}");
                assert_eq!(told(reader, place).get(field), None, "{place}");
            }
        }
        // The file shows them too; the list of those outside does not.
        assert_eq!(told(&staff, &format!("{place}/file"))["individual"]["contacts"], json!(["+86 10 canary"]));
        for path in ["/v1/individuals", "/v1/sources", &format!("{place}/file"), &format!("{place}/history"), "/v1/audit"] {
            assert!(!admin.get(path).expect(200).text.contains("canary"), "{path}");
        }
        // Whoever wrote them is on the team.
        assert_eq!(told(&staff, &format!("{source}/team"))["items"][0]["account_id"], json!(staff.account()));
        // A change that others may not know of moves nothing of theirs.
        let before = [admin.get(&place).expect(200), admin.get(&format!("{place}/history")).expect(200), partner.get(&place).expect(200)];
        let etag = staff.get(&place).etag();
        let changed = staff.patch(&place, &etag, &json!({"contacts": ["by her sister, canary"]})).expect(200);
        assert_eq!(changed.body["contacts"], json!(["by her sister, canary"]));
        let again = staff.patch(&place, &changed.etag(), &json!({"contacts": ["by her sister, canary"]})).expect(200);
        assert_eq!(again.etag(), changed.etag(), "what changes nothing leaves no trace");
        let after = [admin.get(&place).expect(200), admin.get(&format!("{place}/history")).expect(200), partner.get(&place).expect(200)];
        for (one, other) in before.iter().zip(&after) {
            assert_eq!((one.etag(), &one.text), (other.etag(), &other.text));
        }
        assert_eq!((changes_told(&staff, &place, "contacts"), changes_told(&admin, &place, "contacts")), (2, 0));
        // Who does not see it can neither clear nor replace it.
        let etag = admin.get(&place).etag();
        let cleared = admin.patch(&place, &etag, &json!({"contacts": null, "ethnicity": "Han"})).expect(200);
        assert_eq!(cleared.body.get("contacts"), None);
        assert_eq!(admin.patch(&place, &cleared.etag(), &json!({"contacts": ["mine"]})).expect(422).pointer(), "/contacts");
        assert_eq!(told(&staff, &place)["contacts"], json!(["by her sister, canary"]));
        // On the team, by a recorded act, they see it; a partner too, and no dashboard.
        admin.post(&format!("{place}/team"), &json!({"reason": "the officer is ill"})).expect(204);
        staff.put(&format!("{place}/team/{}", partner.account()), &json!({})).expect(204);
        for reader in [&admin, &partner] {
            assert_eq!(told(reader, &place)["contacts"], json!(["by her sister, canary"]));
            assert_eq!(told(reader, &relation)["note"], "canary note", "the team of the person on either side");
        }
        let etag = staff.get(&place).etag();
        assert_eq!(staff.patch(&place, &etag, &json!({"contacts": null})).expect(200).body["contacts"], Value::Null);
    }

    fn not_even_the_partner_that_owns_the_record_sees_what_is_for_its_team(house: &House) {
        let (own, partner) = (house.staff_of("partner"), house.partner());
        let person = own.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "notes": "ours", "contacts": ["canary"]}));
        let seen = partner.get(&format!("/v1/individuals/{person}")).expect(200);
        assert_eq!((&seen.body["notes"], seen.body.get("contacts")), (&json!("ours"), None));
    }

    fn a_cell_that_was_moved_or_changed_is_never_read(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let person = |name: &str| staff.make("/v1/individuals", &json!({"names": [{"text": name}], "contacts": [name]}));
        let (one, other) = (person("Hu Jia"), person("Zeng Jinyan"));
        let source = staff.make("/v1/sources", &json!({"title": "S", "reliability": "b", "identity": "Wang"}));
        let cell = |table: &str, column: &str, id: &str| format!("(SELECT {column} FROM {table} WHERE id = '{id}')");
        for sql in [
            format!("UPDATE individuals SET contacts = {} WHERE id = '{one}'", cell("individuals", "contacts", &other)),
            format!("UPDATE individuals SET contacts = {} WHERE id = '{one}'", cell("sources", "identity", &source)),
            format!("UPDATE individuals SET contacts = substr(contacts, 1, 30) WHERE id = '{one}'"),
            format!("UPDATE individuals SET contacts = substr(contacts, 1, 20) || 'AAAA' || substr(contacts, 25) WHERE id = '{one}'"),
            format!("UPDATE individuals SET contacts = '' WHERE id = '{one}'"),
            format!("UPDATE individuals SET contacts = '[\"Hu Jia\"]' WHERE id = '{one}'"),
        ] {
            behind_the_back(house.url(), &format!("CREATE TABLE kept AS SELECT id, contacts FROM individuals; {sql}"));
            let refused = staff.get(&format!("/v1/individuals/{one}")).expect(503);
            assert_eq!((refused.problem().as_str(), refused.header("retry-after")), ("record_altered", "3600"), "{sql}");
            assert!(refused.body["detail"].as_str().unwrap().contains(&one));
            assert_eq!(staff.get("/v1/individuals").status, 503);
            assert_eq!(staff.patch(&format!("/v1/individuals/{one}"), "\"x\"", &json!({"country": "CN"})).expect(503).problem(), "record_altered");
            // Who does not see the field is not held up by it.
            admin.get(&format!("/v1/individuals/{one}")).expect(200);
            behind_the_back(house.url(), "UPDATE individuals SET contacts = (SELECT contacts FROM kept WHERE kept.id = individuals.id); DROP TABLE kept");
            staff.get(&format!("/v1/individuals/{one}")).expect(200);
        }
    }
}

fn fresh_key(place: &Place) -> String {
    place.done(&["keys", "new"], "").trim().to_owned()
}

fn serving(place: &Place, database: &str) -> Running {
    let mut command = place.to_serve(database);
    command.args(["--field-keys-file", "keys"]);
    Running::start(command)
}

/// From the key that is derived from the secret to one of a file, and on to the next, with sudden ends on the way.
fn keys_are_rotated(kind: Kind) {
    let place = Place::new("keys");
    let database = database_url(kind);
    place.furnished(&database);
    let running = Running::serve(&place, &database);
    let staff = running.staff();
    running.admin();
    let people: Vec<String> = (0..180)
        .map(|number| staff.make("/v1/individuals", &json!({"names": [{"text": format!("Person Number{number}")}], "contacts": [format!("contact {number}")]})))
        .collect();
    let source = staff.make(
        "/v1/sources",
        &json!({"title": "S", "reliability": "b", "identity": "Wang"}),
    );
    let seen = told(&staff, &format!("/v1/sources/{source}"));
    drop(running);
    let reads = |keys: &str| {
        std::fs::write(place.path("keys"), keys).unwrap();
        let running = serving(&place, &database);
        let staff = running.staff();
        for (number, id) in people.iter().enumerate() {
            assert_eq!(
                told(&staff, &format!("/v1/individuals/{id}"))["contacts"],
                json!([format!("contact {number}")])
            );
        }
        assert_eq!(
            told(&staff, &format!("/v1/sources/{source}")),
            seen,
            "updated_at has not moved"
        );
    };
    let keys = ["--database", &database, "--secret", SECRET, "--field-keys-file", "keys"];
    let (first, second) = (fresh_key(&place), fresh_key(&place));
    assert_ne!(first, second);
    std::fs::write(place.path("keys"), format!("# of 2010\n{first}\n")).unwrap();
    place.done(&[&["keys", "reseal"], &keys[..]].concat(), "");
    reads(&first);
    let both = format!("{second}\n{first}\n");
    std::fs::write(place.path("keys"), &both).unwrap();
    let mut child = place
        .program(&[&["keys", "reseal"], &keys[..]].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let remain = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("individuals: "));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(remain.as_deref(), Some("individuals: 130 remain"));
    reads(&both);
    let rest = place.done(&[&["keys", "reseal"], &keys[..]].concat(), "");
    assert!(rest.contains("everything is sealed under the first key"), "{rest}");
    let nothing = place.done(&[&["keys", "reseal"], &keys[..]].concat(), "");
    assert!(!nothing.contains("remain"), "{nothing}");
    reads(&second);
    place.done(&[&["verify"], &keys[..]].concat(), "");
    // With another key alone, nothing of them is read.
    std::fs::write(place.path("keys"), &first).unwrap();
    let running = serving(&place, &database);
    assert_eq!(
        running
            .staff()
            .get(&format!("/v1/individuals/{}", people[0]))
            .expect(503)
            .problem(),
        "record_altered"
    );
    drop(running);
    let told = place.run(&[&["keys", "reseal"], &keys[..]].concat(), "");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains(&people[0]) && told.contains("do not open"), "{told}");
}

#[test]
fn keys_are_rotated_on_sqlite() {
    keys_are_rotated(Kind::Sqlite);
}

#[test]
fn keys_are_rotated_on_postgres() {
    keys_are_rotated(Kind::Postgres);
}

#[test]
fn weak_field_keys_are_refused_at_the_start_and_none_is_printed() {
    let place = Place::new("weak-keys");
    place.furnished("sqlite://one.sqlite");
    let good = fresh_key(&place);
    let refused = |keys| {
        place.refused(&[
            "serve",
            "--database",
            "sqlite://one.sqlite",
            "--secret",
            SECRET,
            "--field-keys-file",
            keys,
        ])
    };
    for (text, told) in [
        (format!("{good}\n{good}"), "twice"),
        ("# none".to_owned(), "holds no key"),
        (format!("{good}\nc2hvcnQ="), "line 2"),
    ] {
        std::fs::write(place.path("keys"), text).unwrap();
        let refused = refused("keys");
        assert!(refused.contains(told) && !refused.contains(&good), "{refused}");
    }
    assert!(refused("gone").contains("gone"));
}

#[test]
fn nothing_of_them_stands_in_the_file() {
    let place = Place::new("strings");
    place.furnished("sqlite://one.sqlite");
    let running = Running::serve(&place, "sqlite://one.sqlite");
    let staff = running.staff();
    let person = staff.make(
        "/v1/individuals",
        &json!({"names": [{"text": "Visible Name"}], "contacts": ["canary one"]}),
    );
    let other = staff.make("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}]}));
    staff.make(
        "/v1/sources",
        &json!({"title": "S", "reliability": "b", "identity": "canary two"}),
    );
    staff.make(
        &format!("/v1/individuals/{person}/relations"),
        &json!({"kind": "colleague", "other_id": other, "note": "canary three"}),
    );
    let at = format!("/v1/individuals/{person}");
    staff
        .patch(&at, &staff.get(&at).etag(), &json!({"contacts": ["canary four"]}))
        .expect(200);
    let contains = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
    let bytes = ["one.sqlite", "one.sqlite-wal", "one.sqlite-shm"]
        .map(|file| std::fs::read(place.path(file)).unwrap_or_default())
        .concat();
    assert!(contains(&bytes, "Visible Name") && !contains(&bytes, "canary"));
}
