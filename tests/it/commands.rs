//! The program as it is started: its commands, its settings, several of it on one database, and its sudden end.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use serde_json::{Value, json};

use crate::program::{Place, Running, SECRET};
use crate::support::{Actor, Kind, PASSWORD, database_url};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn individuals(actor: &Actor) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = actor
            .get(&format!("/v1/individuals?limit=200{cursor}"))
            .expect(200)
            .body;
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn what_is_wrong_at_the_start_is_said_at_the_start() {
    let place = Place::new("wrong");
    let serve = |more: &[&str]| place.refused(&[&["serve", "--listen", "127.0.0.1:0"], more].concat());
    assert!(serve(&["--database", "sqlite://x.sqlite"]).contains("CONSCIENCE_SECRET must be"));
    assert!(
        serve(&[
            "--database",
            "sqlite://x.sqlite",
            "--secret",
            "please-change-me-0123456789-abcdefghij"
        ])
        .contains("CONSCIENCE_SECRET must be")
    );
    assert!(
        serve(&["--database", "sqlite://x.sqlite", "--secret", SECRET]).contains("migrate"),
        "an empty database"
    );
    for url in ["mysql://localhost/x", "x.sqlite", "sqlite:", ""] {
        let told = serve(&["--database", url, "--secret", SECRET]);
        assert!(told.contains("sqlite://"), "{url}: {told}");
    }
    let told = serve(&[
        "--database",
        "postgres://db.example.org/x?sslmode=disable",
        "--secret",
        SECRET,
    ]);
    assert!(told.contains("sslmode"), "{told}");
    std::fs::write(place.path("c.toml"), "no_such_setting = 1\n").unwrap();
    assert!(serve(&["--config", "c.toml"]).contains("no_such_setting"));
    assert!(serve(&["--config", "none.toml"]).contains("none.toml"));
    let typo = place
        .program(&["openapi"])
        .env("CONSCIENCE_TYPO", "1")
        .output()
        .unwrap();
    assert!(!typo.status.success() && String::from_utf8_lossy(&typo.stderr).contains("CONSCIENCE_TYPO"));
    place.done(&["migrate", "--database", "sqlite://x.sqlite"], "");
    let told = place.refused(&[
        "serve",
        "--listen",
        "256.0.0.1:1",
        "--database",
        "sqlite://x.sqlite",
        "--secret",
        SECRET,
    ]);
    assert!(told.contains("cannot listen on 256.0.0.1:1"), "{told}");
}

#[test]
fn a_flag_beats_the_environment_and_that_the_file() {
    let place = Place::new("settings");
    std::fs::write(place.path("secret"), format!("{SECRET}\n")).unwrap();
    let file = "listen = \"256.0.0.1:1\"\ndatabase = \"mysql://file\"\nsecret = \"short\"\n";
    std::fs::write(place.path("c.toml"), file).unwrap();
    let told = place.refused(&["migrate", "--config", "c.toml"]);
    assert!(told.contains("sqlite://"), "the file is read: {told}");
    let migrate = place
        .program(&["migrate", "--config", "c.toml"])
        .env("DATABASE_URL", "sqlite://one.sqlite")
        .output()
        .unwrap();
    assert!(
        migrate.status.success() && place.path("one.sqlite").exists(),
        "the environment beats the file"
    );
    let mut command = place.program(&[
        "serve",
        "--config",
        "c.toml",
        "--listen",
        "127.0.0.1:0",
        "--database",
        "sqlite://one.sqlite",
    ]);
    command
        .env("CONSCIENCE_SECRET_FILE", "secret")
        .env("CONSCIENCE_LISTEN", "256.0.0.1:1")
        .env("DATABASE_URL", "mysql://environment");
    Running::start(command).anon().get("/readyz").expect(200);
}

#[test]
fn the_demo_is_made_once_and_kept() {
    let place = Place::new("demo");
    let start = |password: Option<&str>| {
        let mut command = place.program(&["demo", "--listen", "127.0.0.1:0"]);
        if let Some(password) = password {
            command.env("CONSCIENCE_DEMO_PASSWORD", password);
        }
        command
    };
    let short = start(Some("short")).output().unwrap();
    assert!(!short.status.success() && String::from_utf8_lossy(&short.stderr).contains("12 characters"));
    std::fs::remove_dir_all(place.path("data")).unwrap();
    let first = Running::start(start(None));
    for file in [
        "demo-password",
        "demo-secret",
        "conscience.sqlite",
        "conscience.sqlite-wal",
    ] {
        assert_eq!(mode(&place.path("data").join(file)), 0o600, "{file}");
    }
    let password = std::fs::read_to_string(place.path("data/demo-password")).unwrap();
    let list = |running: &Running, password: &str| {
        let dashboard = running.actor("dashboard@example.org", password);
        dashboard.get("/v1/priorities?as_of=2010-05-10").expect(200).text
    };
    let told = list(&first, password.trim());
    let people = individuals(&first.actor("staff@example.org", password.trim()));
    first.kill();
    let second = Running::start(start(Some("another password")));
    assert_eq!(list(&second, "another password"), told);
    assert_eq!(
        individuals(&second.actor("staff@example.org", "another password")),
        people
    );
    let old = json!({"email": "staff@example.org", "password": password.trim()});
    assert_eq!(second.anon().post("/v1/sessions", &old).status, 401);
}

#[test]
fn a_backup_is_one_file_that_can_be_served() {
    let place = Place::new("backup");
    place.furnished("sqlite://live.sqlite");
    let live = Running::serve(&place, "sqlite://live.sqlite");
    live.staff()
        .make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
    place.done(&["backup", "copy.sqlite", "--database", "sqlite://live.sqlite"], "");
    assert_eq!(mode(&place.path("copy.sqlite")), 0o600);
    live.staff()
        .make("/v1/individuals", &json!({"names": [{"text": "Later"}]}));
    let bytes = std::fs::read(place.path("copy.sqlite")).unwrap();
    assert!(
        place
            .refused(&["backup", "copy.sqlite", "--database", "sqlite://live.sqlite"])
            .contains("exists already")
    );
    assert_eq!(std::fs::read(place.path("copy.sqlite")).unwrap(), bytes);
    assert!(
        place
            .refused(&["backup", "x", "--database", "sqlite://none.sqlite"])
            .contains("none.sqlite")
    );
    assert!(!place.path("none.sqlite").exists(), "a typing error makes no database");
    let copy = Running::serve(&place, "sqlite://copy.sqlite");
    let names: Vec<Value> = individuals(&copy.staff())
        .iter()
        .map(|person| person["display_name"].clone())
        .collect();
    assert_eq!(names, ["Hu Jia"]);
}

#[test]
fn the_document_is_printed() {
    let place = Place::new("openapi");
    let printed: Value = serde_json::from_slice(&place.run(&["openapi"], "").stdout).unwrap();
    assert_eq!(printed["info"]["title"], "Conscience");
}

fn accounts_are_managed(kind: Kind) {
    let place = Place::new("accounts");
    let database = database_url(kind);
    place.furnished(&database);
    let running = Running::serve(&place, &database);
    let staff = running.staff();
    staff.get("/v1/me").expect(200);
    let add = |email: &str, role: &str, password: &str| {
        place.run(
            &[
                "account",
                "add",
                email,
                "--role",
                role,
                "--organisation",
                "House",
                "--name",
                "N",
                "--database",
                &database,
            ],
            password,
        )
    };
    for (email, role, password, told) in [
        ("staff@example.org", "staff", PASSWORD, "there is an account"),
        (
            "other@example.org",
            "owner",
            PASSWORD,
            "admin, staff, partner or dashboard",
        ),
        ("other@example.org", "staff", "short", "15 characters"),
        ("nobody", "staff", PASSWORD, "must be an address"),
    ] {
        let output = add(email, role, &format!("{password}\n"));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && text.contains(told),
            "{email} {role}: {text}"
        );
    }
    place.done(
        &["account", "password", "staff@example.org", "--database", &database],
        "another long password\n",
    );
    assert_eq!(staff.get("/v1/me").status, 401, "a new password ends the sessions");
    let staff = running.actor("staff@example.org", "another long password");
    place.done(
        &["account", "disable", "staff@example.org", "--database", &database],
        "",
    );
    assert_eq!(staff.get("/v1/me").status, 401);
    assert!(
        place
            .refused(&["account", "disable", "nobody@example.org", "--database", &database])
            .contains("no such account")
    );
    let audit = running.admin().get("/v1/audit?record_kind=account").expect(200);
    assert_eq!(
        audit.body["items"][2]["actor_id"],
        Value::Null,
        "done by nobody's account"
    );
    assert!(!audit.text.contains("argon2"), "{}", audit.text);
}

fn two_processes_are_one_house(kind: Kind) {
    let place = Place::new("two");
    let database = database_url(kind);
    place.furnished(&database);
    let (one, other) = (Running::serve(&place, &database), Running::serve(&place, &database));
    let (here, there) = (
        one.staff(),
        Actor {
            address: other.address.clone(),
            ..one.staff()
        },
    );
    assert_eq!(
        here.get("/v1/me").expect(200).etag(),
        there.get("/v1/me").expect(200).etag()
    );
    let scan = json!({"text": "Free Hu Jia and Liu Xiaobo."});
    let found = |actor: &Actor| {
        actor.post("/v1/statements/scan", &scan).expect(200).body["mentions"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((found(&here), found(&there)), (0, 0));
    let id = here.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
    assert_eq!((found(&here), found(&there)), (1, 1), "the other process follows");
    there.make("/v1/individuals", &json!({"names": [{"text": "Liu Xiaobo"}]}));
    assert_eq!((found(&here), found(&there)), (2, 2));
    let version = |actor: &Actor| actor.get(&format!("/v1/individuals/{id}")).expect(200).etag();
    assert_eq!(version(&here), version(&there), "a tag is the same in every process");
    // Both write at once: each change has its place in the one ledger.
    let writers: Vec<_> = [&here, &there]
        .into_iter()
        .cloned()
        .enumerate()
        .map(|(process, actor)| {
            std::thread::spawn(move || {
                for number in 0..25 {
                    actor.make(
                        "/v1/individuals",
                        &json!({"names": [{"text": format!("Person Number{number} Of{process}")}]}),
                    );
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let admin = other.admin();
    assert_eq!(
        positions(&database).len(),
        individuals(&admin).len() + 5,
        "two accounts, their organisation, and a second factor in two steps"
    );
    // Shut in one process, out in the other.
    let account = admin.get(&format!("/v1/accounts/{}", here.account())).expect(200);
    admin
        .patch(
            &format!("/v1/accounts/{}", account.id()),
            &account.etag(),
            &json!({"role": "dashboard"}),
        )
        .expect(200);
    assert_eq!((here.get("/v1/me").status, there.get("/v1/me").status), (401, 401));
}

/// The ledger's positions, which must be dense from 1.
fn positions(database: &str) -> Vec<i64> {
    use conscience::schema::ledger_entries;
    use diesel::prelude::*;
    let db = Db::open(&DatabaseUrl::parse(database, false).unwrap(), Options::default()).unwrap();
    let all: Vec<i64> = db
        .write_blocking(|conn| {
            Ok(ledger_entries::table
                .select(ledger_entries::position)
                .order(ledger_entries::position)
                .load(conn)?)
        })
        .unwrap();
    assert!(
        all.iter().zip(1..).all(|(position, place)| *position == place),
        "{all:?}"
    );
    all
}

/// Written means on disk: what was answered is there after a sudden end, and nothing is there by half.
fn a_sudden_end_loses_nothing_that_was_answered(kind: Kind) {
    let place = Place::new("kill");
    let database = database_url(kind);
    place.furnished(&database);
    let mut answered = Vec::new();
    for round in 0..3 {
        let running = Running::serve(&place, &database);
        let staff = running.staff();
        let (told, said) = std::sync::mpsc::channel();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (staff, told) = (staff.clone(), told.clone());
                std::thread::spawn(move || {
                    for number in 0.. {
                        let body = json!({"names": [{"text": format!("Round{round} Writer{writer} Number{number}")}]});
                        let Some(answer) = staff.try_post("/v1/individuals", &body) else {
                            break;
                        };
                        if answer.status != 201 || told.send(answer.id()).is_err() {
                            break;
                        }
                    }
                })
            })
            .collect();
        drop(told);
        answered.extend(said.iter().take(60));
        running.kill();
        answered.extend(said.iter());
        for writer in writers {
            writer.join().unwrap();
        }
    }
    let running = Running::serve(&place, &database);
    let people = individuals(&running.staff());
    let there: std::collections::HashSet<&str> = people.iter().map(|person| person["id"].as_str().unwrap()).collect();
    assert!(answered.len() >= 180);
    for id in &answered {
        assert!(there.contains(id.as_str()), "{id} was answered and is lost");
    }
    assert_eq!(
        positions(&database).len(),
        people.len() + 3,
        "a person without an entry, or an entry without a person"
    );
}

/// A canary in every field that is a person's, in addresses and in what is refused: the log sings of none.
fn nothing_personal_is_logged(kind: Kind) {
    let place = Place::new("canary");
    let database = database_url(kind);
    place.furnished(&database);
    let mut command = place.to_serve(&database);
    command.env("RUST_LOG", "info");
    let running = Running::start(command);
    let staff = running.staff();
    let c = "Canary";
    let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Canary Name"}, {"text": "金丝雀"}], "born_on": "1977-07-07", "country": "CN", "ethnicity": c, "religion": c,
        "occupations": [c], "biography": c, "identifiers": [{"register": c, "value": c}], "notes": c, "sharing": "public"}));
    let case = staff.make(
        "/v1/cases",
        &json!({"individual_id": id, "country": "CN", "impugned_activity": c, "summary": c, "notes": c}),
    );
    let at = |part: &str| format!("/v1/cases/{case}/{part}");
    staff.make(&at("custody"), &json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed", "facility": c, "place": c, "authority": c}, "notes": c}));
    staff.make(&at("health"), &json!({"holds_from": "2008", "particulars": {"severity": "serious", "conditions": [c], "disability": c, "reported_by": c}, "notes": c}));
    staff.make(
        &at("charges"),
        &json!({"holds_from": "2008", "particulars": {"offence": c, "status": "indicted", "law": c}}),
    );
    staff.make(
        "/v1/sources",
        &json!({"title": c, "publisher": c, "reliability": "a", "notes": c, "address": "https://canary.example/"}),
    );
    let text = json!({"title": c, "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free Canary Name (金丝雀).", "notes": c});
    staff.make("/v1/statements", &text);
    staff.post("/v1/statements", &text).expect(409);
    for path in [
        "/v1/individuals?q=canary",
        "/v1/individuals/match?name=Canary%20Name",
        "/v1/individuals?canary=1",
        "/v1/Canary",
        "/v1/individuals/canary",
    ] {
        staff.get(path);
    }
    staff.post(
        "/v1/individuals",
        &json!({"names": [{"text": "Canary\u{202e}"}], "sex": "canary", "canary": "canary"}),
    );
    staff.raw("POST", "/v1/statements", b"{\"title\": \"Canary");
    let anon = running.anon();
    anon.post(
        "/v1/sessions",
        &json!({"email": "canary@example.org", "password": "canary canary canary"}),
    )
    .expect(401);
    Actor {
        token: Some("canary.canary.canary".to_owned()),
        ..running.anon()
    }
    .get("/v1/me")
    .expect(401);
    let token = staff.token.clone().unwrap();
    let log = running.logged();
    let lower = log.to_lowercase();
    for canary in [
        "canary",
        "金丝雀",
        "1977-07-07",
        "staff@example.org",
        PASSWORD,
        SECRET,
        &token,
    ] {
        assert!(!lower.contains(&canary.to_lowercase()), "{canary} is in the log: {log}");
    }
}

on_each!(
    nothing_personal_is_logged,
    accounts_are_managed,
    two_processes_are_one_house,
    a_sudden_end_loses_nothing_that_was_answered
);
