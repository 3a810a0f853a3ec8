//! The door: who is let in, for what, and what a stranger is told.

use conscience::app::document::Document;
use serde_json::{Value, json};

use crate::support::{House, PASSWORD};

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
}
