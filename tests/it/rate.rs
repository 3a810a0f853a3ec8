//! How often one may ask, and how one is told.

use serde_json::json;

use crate::program::{Place, Running};
use crate::support::{Actor, Answer, House, Kind, PASSWORD};

fn told(answer: &Answer) -> (&str, &str) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

fn whoever_asks_too_often_waits_and_nobody_else(kind: Kind) {
    let house = House::limited(kind, 60);
    let (staff, partner) = (house.staff(), house.partner());
    for left in (0..60).rev() {
        let answer = staff.get("/v1/me").expect(200);
        let limit = format!("\"account\";r={left};t={}", 60 - left);
        assert_eq!(told(&answer), ("\"account\";q=60;w=60", limit.as_str()));
    }
    // Nothing of the request is read any more: neither the path nor the body.
    for answer in [
        staff.get("/v1/me"),
        staff.get("/v1/nothing"),
        staff.raw("POST", "/v1/individuals", b"{"),
    ] {
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(told(&answer), ("\"account\";q=60;w=60", "\"account\";r=0;t=60"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.problem(), "too_many_requests");
    }
    let refused = json!({"names": [{"text": "Never Stored"}]});
    assert_eq!(staff.post("/v1/individuals", &refused).status, 429);
    assert_eq!(partner.get("/v1/individuals").expect(200).body["items"], json!([]));
    // Another session of the same account is the same account.
    let again = house.staff();
    assert_eq!(again.get("/v1/me").status, 429);
}

fn a_stranger_is_counted_by_address_whatever_they_claim(kind: Kind) {
    let house = House::limited(kind, 60);
    let staff = house.staff();
    let forger = Actor {
        token: Some("forged".to_owned()),
        ..house.anon()
    };
    let first = house.anon().get("/v1/me").expect(401);
    assert_eq!(told(&first), ("\"address\";q=6;w=60", "\"address\";r=4;t=20"));
    assert_eq!(told(&forger.get("/v1/me").expect(401)).1, "\"address\";r=3;t=30");
    assert_eq!(told(&forger.get("/nothing").expect(404)).1, "\"address\";r=2;t=40");
    assert_eq!(
        told(&house.anon().get("/openapi.json").expect(200)).1,
        "\"address\";r=1;t=50"
    );
    house.anon().get("/docs/").expect(200);
    let log_in = json!({"email": "partner@example.org", "password": PASSWORD});
    let slowed = house.anon().post("/v1/sessions", &log_in).expect(429);
    assert_eq!(
        (slowed.header("retry-after"), slowed.problem().as_str()),
        ("10", "too_many_requests")
    );
    let pretender = house.anon().send(
        "GET",
        "/v1/me",
        &[("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")],
        None,
    );
    assert_eq!(pretender.status, 429, "an address that is claimed counts for nothing");
    // Whoever is let in is not kept out by the strangers beside them.
    staff.get("/v1/me").expect(200);
    for path in ["/livez", "/readyz"] {
        let answer = house.anon().get(path).expect(200);
        assert_eq!(
            told(&answer),
            ("", ""),
            "whoever watches over the process is never counted"
        );
    }
}

on_each!(
    whoever_asks_too_often_waits_and_nobody_else,
    a_stranger_is_counted_by_address_whatever_they_claim
);

#[test]
fn the_rate_is_a_setting() {
    let place = Place::new("rate");
    place.furnished("sqlite://r.sqlite");
    let serve = |rate| {
        let mut command = place.to_serve("sqlite://r.sqlite");
        command.env("CONSCIENCE_RATE_PER_MINUTE", rate);
        command
    };
    for wrong in ["0", "1000001", "many"] {
        let output = serve(wrong).output().unwrap();
        assert!(!output.status.success(), "{wrong}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{wrong}");
    }
    let running = Running::start(serve("70"));
    assert_eq!(
        told(&running.anon().get("/errors").expect(200)).0,
        "\"address\";q=7;w=60"
    );
    assert_eq!(
        told(&running.staff().get("/v1/me").expect(200)).0,
        "\"account\";q=70;w=60"
    );
}
