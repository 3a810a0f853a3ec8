//! What asks for the password anew: for a session that is left open, or a token that was stolen.

use chrono::{DateTime, Utc};
use conscience::store::origin::Clock;
use serde_json::{Value, json};

use crate::support::{House, Kind, PASSWORD};

fn at(time: &str) -> Clock {
    let moment: DateTime<Utc> = time.parse().unwrap();
    Clock::Fixed(moment)
}

fn sensitive_acts_ask_anew(kind: Kind) {
    let house = House::with_sample(kind);
    let (admin, staff) = (house.admin(), house.staff());
    let person = staff.get("/v1/individuals?q=hu+jia").expect(200).body["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let tokens = [admin.token.clone().unwrap(), staff.token.clone().unwrap()];
    let organisation = admin.get("/v1/me").expect(200).body["organisation_id"].clone();
    let url = house.url().clone();
    house.leave();
    // Nine minutes later the access tokens still hold, and so does what was shown at log-in.
    let account = |name: &str| json!({"email": format!("{name}@example.org"), "name": name, "role": "staff", "organisation_id": organisation, "password": PASSWORD});
    let overriding = json!({"scopes": ["photo"], "reason": "He cannot be asked."});
    let soon = House::on(url.clone(), at("2010-05-10T08:09:00Z"), 21);
    let [admin, staff] = tokens.clone().map(|token| soon.with_token(&token));
    admin.post("/v1/accounts", &account("soon")).expect(201);
    let refresh = |house: &House, name: &str, otp: Option<&str>| {
        let mut body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        house.anon().post("/v1/sessions", &body).expect(201).body["refresh_token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    staff.get("/v1/me").expect(200);
    let kept = [
        refresh(&soon, "admin", Some(&soon.otp())),
        refresh(&soon, "staff", None),
    ];
    soon.leave();
    // Half an hour later the session goes on, but nobody has shown for long that it is theirs.
    let later = House::on(url, at("2010-05-10T08:40:00Z"), 22);
    let [admin, staff] = kept.map(|token| {
        let next = later
            .anon()
            .post("/v1/sessions/refresh", &json!({"refresh_token": token}))
            .expect(200)
            .body;
        later.with_token(next["access_token"].as_str().unwrap())
    });
    admin.get("/v1/accounts").expect(200);
    let own = admin.account();
    let client = json!({"account_id": staff.account(), "name": "N", "scopes": ["read"]});
    let place = format!("/v1/individuals/{person}/overrides");
    for (actor, method, path, body) in [
        (&admin, "POST", "/v1/accounts", account("late")),
        (&admin, "PATCH", &format!("/v1/accounts/{own}"), json!({"name": "N"})),
        (&admin, "POST", "/v1/clients", client.clone()),
        (
            &admin,
            "DELETE",
            "/v1/clients/00000000-0000-4000-8000-000000000000",
            json!({}),
        ),
        (
            &admin,
            "POST",
            &format!("/v1/individuals/{person}/team"),
            json!({"reason": "To see."}),
        ),
        (&staff, "POST", place.as_str(), overriding.clone()),
    ] {
        let answer = actor.raw(method, path, body.to_string().as_bytes());
        assert_eq!(
            answer.expect(401).problem(),
            "reauthentication_required",
            "{method} {path}"
        );
    }
    let again = "/v1/sessions/current/reauthentication";
    assert_eq!(
        staff
            .post(again, &json!({"password": "wrong wrong wrong"}))
            .expect(401)
            .problem(),
        "invalid_credentials"
    );
    assert_eq!(staff.post(&place, &overriding).status, 401);
    assert_eq!(
        admin.post(again, &json!({"password": PASSWORD})).expect(401).problem(),
        "second_factor_required"
    );
    assert_eq!(later.anon().post(again, &json!({"password": PASSWORD})).status, 401);
    staff.post(again, &json!({"password": PASSWORD})).expect(204);
    staff.post(&place, &overriding).expect(201);
    let otp = json!({"password": PASSWORD, "otp": later.otp()});
    admin.post(again, &otp).expect(204);
    admin.post("/v1/clients", &client).expect(201);
    assert_eq!(
        admin.post(again, &otp).expect(401).problem(),
        "invalid_credentials",
        "a one-time password is used once"
    );
}

#[test]
fn sqlite() {
    sensitive_acts_ask_anew(Kind::Sqlite);
    an_unused_session_ends(Kind::Sqlite);
}

#[test]
fn postgres() {
    sensitive_acts_ask_anew(Kind::Postgres);
    an_unused_session_ends(Kind::Postgres);
}

/// A session that nobody uses ends by itself, before the thirty days that it may last.
fn an_unused_session_ends(kind: Kind) {
    let house = House::with_sample(kind);
    let url = house.url().clone();
    let log_in = |house: &House| {
        let body = json!({"email": "staff@example.org", "password": PASSWORD});
        house.anon().post("/v1/sessions", &body).expect(201).body["refresh_token"].clone()
    };
    let (used, unused) = (log_in(&house), log_in(&house));
    house.leave();
    let refresh = |house: &House, token: &Value| {
        house
            .anon()
            .post("/v1/sessions/refresh", &json!({"refresh_token": token}))
    };
    let soon = House::on(url.clone(), at("2010-05-16T08:00:00Z"), 31);
    let next = refresh(&soon, &used).expect(200).body["refresh_token"].clone();
    soon.leave();
    let later = House::on(url, at("2010-05-18T08:00:00Z"), 32);
    refresh(&later, &next).expect(200);
    assert_eq!(refresh(&later, &unused).expect(401).problem(), "unauthorised");
}
