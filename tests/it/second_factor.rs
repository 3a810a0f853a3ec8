//! The second factor: required of administrators, offered to all, used once.

use conscience::access::otp;
use serde_json::{Value, json};

use crate::program::unbase32;
use crate::support::{Actor, House, Kind, PASSWORD};

fn log_in(house: &House, email: &str, otp: Option<&str>) -> crate::support::Answer {
    let mut body = json!({"email": email, "password": PASSWORD});
    if let Some(otp) = otp {
        body["otp"] = json!(otp);
    }
    house.anon().post("/v1/sessions", &body)
}

/// Takes a second factor; its secret and the recovery codes.
fn enrolled(actor: &Actor, seconds: i64) -> (Vec<u8>, Vec<Value>) {
    let begun = actor
        .post("/v1/me/second-factor", &json!({"password": PASSWORD}))
        .expect(201)
        .body;
    assert!(
        begun["uri"]
            .as_str()
            .unwrap()
            .contains(begun["secret"].as_str().unwrap())
    );
    let secret = unbase32(begun["secret"].as_str().unwrap());
    assert_eq!(
        actor
            .put("/v1/me/second-factor", &json!({"otp": "000000"}))
            .expect(422)
            .pointer(),
        "/otp"
    );
    let code = otp::code(&secret, otp::step(seconds));
    let codes = actor
        .put("/v1/me/second-factor", &json!({"otp": code}))
        .expect(200)
        .body["recovery_codes"]
        .clone();
    assert_eq!(
        actor
            .put("/v1/me/second-factor", &json!({"otp": code}))
            .expect(409)
            .problem(),
        "conflict"
    );
    (secret, codes.as_array().unwrap().clone())
}

/// On the day of the founding statement, by a clock that stands still.
fn whole(kind: Kind) {
    const NOW: i64 = 1_273_478_400;
    let house = House::with_sample(kind);
    assert_eq!(
        log_in(&house, "admin@example.org", None).expect(401).problem(),
        "second_factor_required"
    );
    assert_eq!(
        log_in(&house, "admin@example.org", Some("000000"))
            .expect(401)
            .problem(),
        "invalid_credentials"
    );
    let code = house.otp();
    log_in(&house, "admin@example.org", Some(&code)).expect(201);
    assert_eq!(
        log_in(&house, "admin@example.org", Some(&code)).expect(401).problem(),
        "invalid_credentials",
        "used once"
    );
    // A wrong password is answered before the second factor is spoken of.
    let wrong = json!({"email": "admin@example.org", "password": "wrong wrong wrong", "otp": code});
    assert_eq!(
        house.anon().post("/v1/sessions", &wrong).expect(401).problem(),
        "invalid_credentials"
    );

    let staff = house.staff();
    let (secret, codes) = enrolled(&staff, NOW);
    assert_eq!(codes.len(), 10);
    assert_eq!(
        log_in(&house, "staff@example.org", None).expect(401).problem(),
        "second_factor_required"
    );
    let same = otp::code(&secret, otp::step(NOW));
    assert_eq!(
        log_in(&house, "staff@example.org", Some(&same)).expect(401).problem(),
        "invalid_credentials",
        "used to confirm"
    );
    let next = otp::code(&secret, otp::step(NOW) + 1);
    log_in(&house, "staff@example.org", Some(&next)).expect(201);
    let recovery = codes[0].as_str().unwrap();
    log_in(&house, "staff@example.org", Some(recovery)).expect(201);
    assert_eq!(
        log_in(&house, "staff@example.org", Some(recovery))
            .expect(401)
            .problem(),
        "invalid_credentials"
    );
    let remove = |body: Value| staff.raw("DELETE", "/v1/me/second-factor", body.to_string().as_bytes());
    for (given, code) in [
        (
            json!({"password": "wrong wrong wrong", "otp": codes[1]}),
            "invalid_credentials",
        ),
        (json!({"password": PASSWORD}), "second_factor_required"),
        (json!({"password": PASSWORD, "otp": recovery}), "invalid_credentials"),
    ] {
        assert_eq!(remove(given).expect(401).problem(), code);
    }
    remove(json!({"password": PASSWORD, "otp": codes[2]})).expect(204);
    log_in(&house, "staff@example.org", None).expect(201);
    // Whoever holds a token takes no factor in the owner's name; who came in before it has to come in anew.
    let begin = |body: Value| staff.post("/v1/me/second-factor", &body);
    assert_eq!(begin(json!({})).expect(422).pointer(), "/password");
    assert_eq!(
        begin(json!({"password": "wrong wrong wrong"})).expect(401).problem(),
        "invalid_credentials"
    );
    let elsewhere = house.actor("staff");
    enrolled(&staff, NOW);
    assert_eq!((elsewhere.get("/v1/me").status, staff.get("/v1/me").status), (401, 200));
    // Six digits are not guessed by whoever has the password.
    let guesses = (0..12).map(|_| log_in(&house, "staff@example.org", Some("000000")).status);
    let guesses: Vec<u16> = guesses.collect();
    assert!(
        guesses[..5].iter().all(|status| *status == 401) && guesses.contains(&429),
        "{guesses:?}"
    );
    let told = staff.get("/v1/me").expect(200).text + &staff.get("/v1/individuals").expect(200).text;
    assert!(!told.contains("otp_secret") && !told.contains(recovery));
}

#[test]
fn sqlite() {
    whole(Kind::Sqlite);
}

#[test]
fn postgres() {
    whole(Kind::Postgres);
}

on_both! {
    fn an_administrator_without_it_can_only_take_one(house: &House) {
        let admin = house.admin();
        let organisation = admin.get("/v1/me").expect(200).body["organisation_id"].clone();
        let new = json!({"email": "second@example.org", "name": "S", "role": "admin", "organisation_id": organisation, "password": PASSWORD});
        admin.make("/v1/accounts", &new);
        let second = house.actor("second");
        assert_eq!(second.get("/v1/me").expect(200).body["role"], "admin");
        for path in ["/v1/individuals", "/v1/accounts", "/v1/audit", "/v1/priorities"] {
            assert_eq!(second.get(path).expect(403).problem(), "forbidden", "{path}");
        }
    }
}
