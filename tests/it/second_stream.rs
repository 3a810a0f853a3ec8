//! The second stream: who came in, who was refused, who read what is restricted; sealed as the ledger is.
#![allow(clippy::disallowed_methods)]

use std::process::Command;

use conscience::access::tree::Stream;
use conscience::cli::verify::{findings, log};
use conscience::store::url::DatabaseUrl;
use serde_json::json;

use crate::program::Place;
use crate::support::{House, PASSWORD};
use crate::verify::by_hand;

fn noted(house: &House, kind: &str) -> Vec<(String, String)> {
    house.flush();
    let all = house.events(kind).into_iter();
    all.map(|(account, subject)| (account.unwrap_or_default(), subject.unwrap_or_default()))
        .collect()
}

fn without_triggers(house: &House) {
    let triggers = match house.url() {
        DatabaseUrl::Sqlite(_) => "DROP TRIGGER access_events_no_update; DROP TRIGGER access_events_no_delete",
        DatabaseUrl::Postgres(_) => "DROP TRIGGER access_events_never_altered ON access_events",
    };
    by_hand(house.url(), triggers).unwrap();
}

on_both! {
    fn whoever_reads_what_is_restricted_leaves_a_trace(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let open = staff.make("/v1/individuals", &json!({"names": [{"text": "Guo Quan"}]}));
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "restricted"}));
        let case = staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN", "sharing": "restricted"}));
        let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
        staff.make(&format!("/v1/cases/{case}/custody"), &stage);
        let fact = staff.make(&format!("/v1/cases/{case}/health"), &json!({"holds_from": "2009", "particulars": {"severity": "critical"}}));
        let me = staff.account();
        for (path, record) in [
            (format!("/v1/individuals/{id}"), format!("individual/{id}")), ("/v1/individuals".to_owned(), format!("individual/{id}")),
            (format!("/v1/individuals/{id}/file"), format!("case/{case}")), (format!("/v1/individuals/{id}/history"), format!("individual/{id}")),
            (format!("/v1/cases/{case}"), format!("case/{case}")), (format!("/v1/cases/{case}/health"), format!("fact/{fact}")),
            (format!("/v1/cases/{case}/history"), format!("fact/{fact}")), ("/v1/priorities".to_owned(), format!("case/{case}")),
        ] {
            let before = noted(house, "read_restricted").len();
            staff.get(&path).expect(200);
            let after = noted(house, "read_restricted");
            assert!(after[before..].contains(&(me.clone(), record.clone())), "{path}: {:?}", &after[before..]);
        }
        // Parts that have no level of their own, and an answer that is an error.
        for path in [format!("/v1/individuals/{id}/relations"), format!("/v1/individuals/{id}/consents")] {
            let before = noted(house, "read_restricted").len();
            staff.get(&path).expect(200);
            assert!(noted(house, "read_restricted").len() > before, "{path}");
        }
        let before = noted(house, "read_restricted").len();
        staff.patch(&format!("/v1/individuals/{id}"), "\"old\"", &json!({"country": "CN"})).expect(412);
        assert!(noted(house, "read_restricted").len() > before, "what it holds stands in the error");
        let before = noted(house, "read_restricted").len();
        staff.get(&format!("/v1/individuals/{open}")).expect(200);
        admin.get("/v1/individuals").expect(200);
        assert_eq!(noted(house, "read_restricted").len(), before, "what is open, or not shown, leaves none");
        // Who tries is noted, whether it is there or not.
        let nothing = "00000000-0000-4000-8000-000000000000";
        for asked in [&id, nothing] {
            assert_eq!(admin.get(&format!("/v1/individuals/{asked}?")).status, 404);
            let told = noted(house, "refused");
            assert_eq!(told.last().unwrap(), &(admin.account(), format!("404 GET /v1/individuals/{{id}} {asked}")));
        }
        admin.post(&format!("/v1/individuals/{id}/team"), &json!({"reason": "The officer is away."})).expect(204);
        assert_eq!(noted(house, "joined_team"), [(admin.account(), id)]);
    }

    fn who_comes_in_and_who_is_refused_is_noted(house: &House) {
        let staff = house.staff();
        let me = staff.account();
        assert_eq!(noted(house, "logged_in").last().unwrap().0, me);
        let wrong = |email: &str| json!({"email": email, "password": "wrong wrong wrong"});
        house.anon().post("/v1/sessions", &wrong("staff@example.org")).expect(401);
        house.anon().post("/v1/sessions", &wrong("nobody@example.org")).expect(401);
        assert_eq!(noted(house, "log_in_refused"), [(me.clone(), String::new()), (String::new(), String::new())]);
        let session = json!({"email": "staff@example.org", "password": PASSWORD});
        let first = house.anon().post("/v1/sessions", &session).expect(201).body;
        let refresh = json!({"refresh_token": first["refresh_token"]});
        house.anon().post("/v1/sessions/refresh", &refresh).expect(200);
        house.anon().post("/v1/sessions/refresh", &refresh).expect(401);
        assert_eq!(noted(house, "refresh_reused"), [(me.clone(), String::new())]);
        let otp = json!({"email": "admin@example.org", "password": PASSWORD, "otp": house.otp()});
        house.anon().post("/v1/sessions", &otp).expect(201);
        house.anon().post("/v1/sessions", &otp).expect(401);
        assert_eq!(noted(house, "second_factor_refused").len(), 1, "a one-time password is used once");
        house.anon().post("/v1/sessions", &json!({"email": "admin@example.org", "password": PASSWORD})).expect(401);
        assert_eq!(noted(house, "second_factor_asked").len(), 1, "somebody has the password");
        assert_eq!(staff.get("/v1/audit").status, 403);
        assert_eq!(noted(house, "refused").last().unwrap(), &(me, "403 GET /v1/audit".to_owned()));
    }

    fn the_stream_is_sealed(house: &House) {
        house.staff().get("/v1/audit").expect(403);
        house.flush();
        let mut heads = vec![house.door.seal_blocking(Stream::Events).unwrap()];
        for _ in 0..3 {
            house.staff().get("/v1/audit").expect(403);
        }
        house.flush();
        heads.push(house.door.seal_blocking(Stream::Events).unwrap());
        assert_eq!(findings(&house.door, &heads, None).unwrap(), [""; 0]);
        for sql in ["UPDATE access_events SET kind = 'x'", "DELETE FROM access_events"] {
            assert!(by_hand(house.url(), sql).is_err(), "{sql}");
        }
        without_triggers(house);
        for (sql, named) in [
            ("UPDATE access_events SET subject = 'x' WHERE position = 2", "an event between 1 and 2 is not what was signed"),
            ("UPDATE access_events SET account_id = NULL WHERE position = 4", "the tree of events is not that of the events"),
            ("DELETE FROM access_events WHERE position > 4", "an event between 1 and 8 is gone"),
            ("DELETE FROM access_events WHERE position = 3", "event 3 is missing"),
        ] {
            by_hand(house.url(), sql).unwrap();
            let found = findings(&house.door, &heads, None).unwrap();
            assert!(found.iter().any(|what| what == named), "{sql}: {found:?}");
        }
    }
}

/// `docs/verify.py` reads this stream as it reads the ledger.
#[test]
#[ignore = "scripts/interop runs it"]
fn outsiders_verify_the_second_stream() {
    let house = House::new(crate::support::Kind::Sqlite);
    let staff = house.staff();
    staff.get("/v1/audit").expect(403);
    house.flush();
    let place = Place::new("events");
    let write = |name: &str, text: &str| std::fs::write(place.path(name), text).unwrap();
    let kept = log(&house.door, Stream::Events).unwrap();
    write("head", &house.door.seal_blocking(Stream::Events).unwrap());
    write("key", &house.door.verifier(Stream::Events));
    write("good", &kept);
    write("altered", &kept.replace("refused", "allowed"));
    let verify = |file: &str| {
        let mut python = Command::new("python3");
        python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.py"));
        for (flag, name) in [("--key", "key"), ("--head", "head")] {
            python.arg(flag).arg(place.path(name));
        }
        python.arg(place.path(file)).output().unwrap().status.success()
    };
    assert!(verify("good") && !verify("altered"));
}
