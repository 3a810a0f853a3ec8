//! The door: who is let in, for what, and what a stranger is told.

use conscience::app::document::Document;
use serde_json::{Value, json};

use crate::support::{House, Kind, PASSWORD};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

on_both! {
    fn every_operation_holds_to_the_role_matrix(house: &House) {
        let matrix = Document::made();
        let actors: Vec<_> = ["admin", "staff", "partner", "dashboard"].map(|name| (name, house.actor(name))).into();
        let roles: std::collections::HashMap<&str, &[conscience::base::words::Role]> =
            conscience::access::permission::TABLE.iter().map(|row| (row.name, row.roles)).collect();
        for (path, item) in matrix.value["paths"].as_object().unwrap() {
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let Some(permission) = operation["x-permission"].as_str() else { continue };
                if permission == "Stranger" || path == "/v1/sessions/current" {
                    continue;
                }
                let place = path.split('/').map(|part| if part.starts_with('{') { "00000000-0000-4000-8000-000000000000" } else { part }).collect::<Vec<_>>().join("/");
                let call = |actor: &crate::support::Actor| {
                    let headers = [("content-type", "application/json"), ("if-match", "\"x\"")];
                    let body: Option<&[u8]> = if operation["requestBody"].is_null() { None } else { Some(b"{\"no_such_field\": 1}") };
                    actor.send(&method.to_uppercase(), &place, &headers, body)
                };
                let nobody = call(&house.anon());
                assert_eq!((nobody.status, nobody.problem().as_str()), (401, "unauthorised"), "{method} {path}");
                for (name, actor) in &actors {
                    let answer = call(actor);
                    assert!(answer.status < 500, "{method} {path} as {name}: {}", answer.text);
                    let may = roles[permission].iter().any(|role| conscience::base::choice::Choice::slug(*role) == *name);
                    assert_eq!(answer.status != 403, may, "{method} {path} as {name}: {} {}", answer.status, answer.text);
                    if answer.status >= 400 {
                        answer.problem();
                    }
                }
            }
        }
    }

    fn sessions_are_refreshed_once_and_reuse_ends_the_family(house: &House) {
        let anon = house.anon();
        let first = anon.post("/v1/sessions", &json!({"email": "STAFF@example.org", "password": PASSWORD})).expect(201);
        assert_eq!((first.body["token_type"].as_str(), first.body["expires_in"].as_i64()), (Some("Bearer"), Some(600)));
        let refresh = json!({"refresh_token": first.body["refresh_token"]});
        let second = anon.post("/v1/sessions/refresh", &refresh);
        assert!(second.status < 300, "{}", second.text);
        let me = crate::support::Actor { token: second.body["access_token"].as_str().map(str::to_owned), ..house.anon() };
        me.get("/v1/me").expect(200);
        assert_eq!(anon.post("/v1/sessions/refresh", &refresh).status, 401);
        assert_eq!(me.get("/v1/me").status, 401);
        let next = json!({"refresh_token": second.body["refresh_token"]});
        assert_eq!(anon.post("/v1/sessions/refresh", &next).status, 401);
    }

    fn a_wrong_password_and_an_unknown_account_get_one_answer(house: &House) {
        let mut wrong = house.anon().post("/v1/sessions", &json!({"email": "staff@example.org", "password": "wrong wrong wrong"})).expect(401).body;
        let mut unknown = house.anon().post("/v1/sessions", &json!({"email": "nobody@example.org", "password": "wrong wrong wrong"})).expect(401).body;
        for body in [&mut wrong, &mut unknown] {
            body["request_id"] = Value::Null;
        }
        assert_eq!(wrong, unknown);
        assert_eq!(wrong["code"], "invalid_credentials");
    }

    fn a_shut_account_and_a_changed_role_hold_at_once(house: &House) {
        let (admin, staff) = (house.admin(), house.staff());
        let id = staff.get("/v1/me").expect(200).body["id"].as_str().unwrap().to_owned();
        let account = admin.get(&format!("/v1/accounts/{id}")).expect(200);
        admin.patch(&format!("/v1/accounts/{id}"), &account.etag(), &json!({"disabled": true})).expect(200);
        assert_eq!(staff.get("/v1/me").status, 401);
        assert_eq!(house.anon().post("/v1/sessions", &json!({"email": "staff@example.org", "password": PASSWORD})).status, 401);
    }

    fn forged_tokens_are_refused(house: &House) {
        let good = house.staff().token.unwrap();
        let parts: Vec<&str> = good.split('.').collect();
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
        for token in [
            String::new(), "x".to_owned(), format!("{}.{}.", parts[0], parts[1]), format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]), format!("{}.{}.{}", parts[0], parts[1], parts[2].chars().rev().collect::<String>()),
        ] {
            let forger = crate::support::Actor { token: Some(token.clone()), ..house.anon() };
            assert_eq!(forger.get("/v1/me").status, 401, "{token}");
        }
        assert_eq!(house.anon().get("/.well-known/jwks.json").expect(200).body["keys"][0]["crv"], "Ed25519");
    }

    fn the_open_pages_need_no_token_and_the_rest_tells_nothing(house: &House) {
        let anon = house.anon();
        for path in ["/livez", "/readyz", "/openapi.json", "/docs/", "/errors"] {
            anon.get(path).expect(200);
        }
        assert_eq!(anon.get("/docs").status, 308);
        assert_eq!(anon.get("/nothing").expect(404).problem(), "not_found");
        assert_eq!(house.staff().get("/v1/nothing").expect(404).problem(), "not_found");
        let wrong = house.staff().send("DELETE", "/v1/organisations", &[], None);
        assert_eq!((wrong.status, wrong.problem().as_str(), wrong.header("allow")), (405, "method_not_allowed", "GET, POST"));
        assert!(anon.get("/livez").header("x-content-type-options") == "nosniff");
    }

    fn tricks_of_path_and_method_gain_nothing(house: &House) {
        let partner = house.partner();
        for path in ["/v1/audit/", "/v1//audit", "/V1/audit", "/v1/Audit", "/v1/%61udit", "/v1/../v1/audit", "/v1/%2e%2e/v1/audit", "/v1/audit%2f", "/v1/audit;x", "//v1/audit"] {
            let answer = partner.get(path);
            assert!([400, 403, 404].contains(&answer.status), "{path}: {}", answer.status);
            assert!(!answer.text.contains("record_kind"), "{path}: {}", answer.text);
        }
        let name = json!({"names": [{"text": "A B"}]}).to_string();
        for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
            let headers = [("content-type", "application/json"), (header, "POST")];
            let answer = house.dashboard().send("GET", "/v1/individuals", &headers, Some(name.as_bytes()));
            assert_eq!(answer.status, 403, "{header}");
        }
        assert_eq!(house.staff().get("/v1/individuals").expect(200).body["items"], json!([]));
        let preflight = house.anon().send("OPTIONS", "/v1/individuals", &[("origin", "https://evil.example"), ("access-control-request-method", "GET")], None);
        assert_eq!(preflight.header("access-control-allow-origin"), "", "no origin is let in");
        for header in ["content-security-policy", "x-frame-options", "referrer-policy", "x-content-type-options", "strict-transport-security"] {
            assert_ne!(preflight.header(header), "", "{header}");
        }
    }

    fn json_is_read_to_a_depth(house: &House) {
        let staff = house.staff();
        let nested = |depth: usize| format!("{{\"names\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(staff.raw("POST", "/v1/individuals", nested(40).as_bytes()).expect(400).problem(), "malformed_json");
        assert_eq!(staff.raw("POST", "/v1/individuals", nested(100_000).as_bytes()).expect(400).problem(), "malformed_json");
        assert_eq!(staff.raw("POST", "/v1/individuals", nested(20).as_bytes()).expect(422).problem(), "invalid");
        // What looks like depth in a text is none.
        let text = json!({"names": [{"text": "A B"}], "biography": "[".repeat(100) + "\\\"{"});
        staff.post("/v1/individuals", &text).expect(201);
    }

    fn passwords_that_everyone_tries_are_refused(house: &House) {
        let staff = house.staff();
        for bad in ["fourteen chars", "passwordpassword", "correct horse battery staple", "123456789012345"] {
            let change = json!({"current": PASSWORD, "new": bad});
            assert_eq!(staff.put("/v1/me/password", &change).expect(422).pointer(), "/new", "{bad}");
        }
    }
}

/// By a clock that stands still, so that no waiting ends.
fn failed_log_ins_are_slowed_down(kind: Kind) {
    let house = House::with_sample(kind);
    let anon = house.anon();
    let log_in =
        |email: &str, password: &str| anon.post("/v1/sessions", &json!({"email": email, "password": password}));
    // Where the owner has come in before.
    log_in("staff@example.org", PASSWORD).expect(201);
    for email in ["staff@example.org", "nobody@example.org"] {
        let told: Vec<u16> = (0..7).map(|_| log_in(email, "wrong wrong wrong").status).collect();
        assert_eq!(
            told,
            [401, 401, 401, 401, 401, 429, 429],
            "{email}: the same for an account that is not there"
        );
    }
    let slowed = log_in("staff@example.org", PASSWORD).expect(429);
    assert_eq!(slowed.problem(), "too_many_requests");
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    // Others are not slowed down with them, from the same address.
    log_in("partner@example.org", PASSWORD).expect(201);
}

#[test]
fn failed_log_ins_are_slowed_down_sqlite() {
    failed_log_ins_are_slowed_down(Kind::Sqlite);
}

#[test]
fn failed_log_ins_are_slowed_down_postgres() {
    failed_log_ins_are_slowed_down(Kind::Postgres);
}
