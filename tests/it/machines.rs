//! Partners' machines: clients with keys, OAuth 2.0 client credentials, the keys that sign, and what is refused.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use conscience::access::token::{ACCESS_TOKEN_SECONDS, Claims, Signer};
use serde_json::{Value, json};

use crate::support::{Actor, Answer, House, signer};

/// A client of that account; its id and key.
fn issued(house: &House, account: &str, scopes: &[&str], more: &Value) -> (String, String) {
    let mut body = json!({"account_id": account, "name": "Nightly import", "scopes": scopes});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let made = house.admin().post("/v1/clients", &body).expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let key = made.body["key"].as_str().unwrap().to_owned();
    (made.body["client"]["id"].as_str().unwrap().to_owned(), key)
}

fn with(house: &House, token: &str) -> Actor {
    Actor {
        token: Some(token.to_owned()),
        ..house.anon()
    }
}

fn form(house: &House, path: &str, basic: Option<(&str, &str)>, fields: &str) -> Answer {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    let coded = basic.map(|(id, key)| format!("Basic {}", STANDARD.encode(format!("{id}:{key}"))));
    if let Some(coded) = &coded {
        headers.push(("authorization", coded));
    }
    house.anon().send("POST", path, &headers, Some(fields.as_bytes()))
}

const GRANT: &str = "grant_type=client_credentials";

#[track_caller]
fn token(house: &House, id: &str, key: &str) -> String {
    let answer = form(house, "/oauth/token", Some((id, key)), GRANT).expect(200);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

fn part(token: &str, place: usize) -> Value {
    let coded = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(coded).unwrap()).unwrap()
}

on_both! {
    fn a_key_speaks_for_its_account_within_its_scopes(house: &House) {
        let partner = house.partner();
        let (id, key) = issued(house, &partner.account(), &["read"], &json!({}));
        assert!(key.starts_with("conscience_"), "{key}");
        let machine = with(house, &key);
        let staff = house.staff();
        let seen = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "partners"}));
        let hidden = staff.make("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}]}));
        for (actor, what) in [(&partner, "person"), (&machine, "machine")] {
            actor.get(&format!("/v1/individuals/{seen}")).expect(200);
            assert_eq!(actor.get(&format!("/v1/individuals/{hidden}")).status, 404, "{what}");
        }
        // What is for people is not for machines, whatever the scope; nor is what another scope is for.
        for path in ["/v1/me", "/v1/me/sessions", "/v1/accounts", "/v1/audit"] {
            assert_eq!(machine.get(path).expect(403).problem(), "forbidden", "{path}");
        }
        let lists = with(house, &issued(house, &house.dashboard().account(), &["lists"], &json!({})).1);
        lists.get("/v1/priorities").expect(200);
        assert_eq!(lists.get("/v1/individuals").status, 403);
        let reader = with(house, &issued(house, &staff.account(), &["read"], &json!({})).1);
        assert_eq!(reader.post("/v1/individuals", &json!({"names": [{"text": "A B"}]})).expect(403).problem(), "forbidden");
        let editor = with(house, &issued(house, &staff.account(), &["edit"], &json!({})).1);
        let made = editor.make_silent("/v1/individuals", &json!({"names": [{"text": "A B"}]}));
        let entry = house.admin().get(&format!("/v1/audit?record_id={made}")).expect(200).body["items"][0].clone();
        assert_eq!(entry["actor_id"], json!(staff.account()));
        assert!(entry["client_id"].is_string(), "the machine that did it: {entry}");
        // It was seen to come in; its key is in no answer.
        house.flush();
        let shown = house.admin().get(&format!("/v1/clients/{id}")).expect(200);
        assert!(shown.body["last_used_at"].is_string() && !shown.text.contains(&key[50..]), "{}", shown.text);
        let listed = house.admin().get(&format!("/v1/clients?account_id={}", partner.account())).expect(200);
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    }

    fn a_key_holds_until_its_day_from_its_addresses_and_until_it_is_revoked(house: &House) {
        let account = house.partner().account();
        let (_, elsewhere) = issued(house, &account, &["read"], &json!({"addresses": ["192.0.2.0/24", "2001:db8::/32"]}));
        assert_eq!(with(house, &elsewhere).get("/v1/individuals").expect(401).problem(), "unauthorised");
        let (id, near) = issued(house, &account, &["read"], &json!({"addresses": ["127.0.0.0/8", "::1"]}));
        let machine = with(house, &near);
        machine.get("/v1/individuals").expect(200);
        let granted = with(house, &token(house, &id, &near));
        granted.get("/v1/individuals").expect(200);
        house.admin().send("DELETE", &format!("/v1/clients/{id}"), &[], None).expect(204);
        assert_eq!((machine.get("/v1/individuals").status, granted.get("/v1/individuals").status), (401, 401));
        assert_eq!(form(house, "/oauth/token", Some((&id, &near)), GRANT).expect(401).body["error"], "invalid_client");
        assert_eq!(house.admin().send("DELETE", &format!("/v1/clients/{id}"), &[], None).expect(409).problem(), "conflict");
        // A machine was let in for what its account was.
        let (role, admin) = (house.staff_of("stranger"), house.admin());
        let (_, kept) = issued(house, &role.account(), &["read"], &json!({}));
        let place = format!("/v1/accounts/{}", role.account());
        with(house, &kept).get("/v1/individuals").expect(200);
        for to in ["partner", "staff"] {
            admin.patch(&place, &admin.get(&place).etag(), &json!({"role": to})).expect(200);
            assert_eq!(with(house, &kept).get("/v1/individuals").status, 401, "{to}");
        }
        // Who is shut speaks through no machine.
        let (_, key) = issued(house, &account, &["read"], &json!({}));
        let place = format!("/v1/accounts/{account}");
        let admin = house.admin();
        admin.patch(&place, &admin.get(&place).etag(), &json!({"disabled": true})).expect(200);
        assert_eq!(with(house, &key).get("/v1/individuals").status, 401);
        admin.patch(&place, &admin.get(&place).etag(), &json!({"disabled": false, "role": "admin"})).expect(200);
        assert_eq!(with(house, &key).get("/v1/individuals").status, 401, "no machine administers");
    }

    fn a_client_is_issued_with_care(house: &House) {
        let (admin, partner) = (house.admin(), house.partner());
        let good = json!({"account_id": partner.account(), "name": "N", "scopes": ["read"]});
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        for (body, pointer) in [
            (with("scopes", json!([])), "/scopes"), (with("scopes", json!(["all"])), "/scopes/0"), (with("addresses", json!(["192.0.2.1/24"])), "/addresses/0"),
            (with("addresses", json!(["host.example"])), "/addresses/0"), (with("expires_on", json!("2001-01-01")), "/expires_on"),
            (with("expires_on", json!("2999-01-01")), "/expires_on"), (with("account_id", json!(admin.account())), "/account_id"),
            (with("account_id", json!("00000000-0000-4000-8000-000000000000")), "/account_id"), (with("key_hash", json!("x")), "/key_hash"),
            (with("last_used_at", json!(null)), "/last_used_at"),
        ] {
            assert_eq!(admin.post("/v1/clients", &body).expect(422).pointer(), pointer, "{body}");
        }
        for (actor, status) in [(partner, 403), (house.staff(), 403), (house.dashboard(), 403), (house.anon(), 401)] {
            assert_eq!(actor.post("/v1/clients", &good).status, status);
            assert_eq!(actor.get("/v1/clients").status, status);
        }
        assert_eq!(admin.get("/v1/clients").expect(200).body["items"], json!([]), "nothing was stored");
    }

    fn client_credentials_are_as_the_standard_has_them(house: &House) {
        let (id, key) = issued(house, &house.partner().account(), &["read", "lists"], &json!({}));
        let answer = form(house, "/oauth/token", Some((&id, &key)), GRANT).expect(200);
        assert_eq!((answer.header("cache-control"), answer.header("content-type")), ("no-store", "application/json"));
        assert_eq!((&answer.body["token_type"], &answer.body["expires_in"], &answer.body["scope"]), (&json!("Bearer"), &json!(600), &json!("read lists")));
        let given = answer.body["access_token"].as_str().unwrap().to_owned();
        let (head, claims) = (part(&given, 0), part(&given, 1));
        assert_eq!((&head["typ"], &head["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
        for name in ["iss", "aud", "sub", "client_id", "jti", "iat", "exp", "scope"] {
            assert!(!claims[name].is_null(), "{name}");
        }
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(id), &json!(id)));
        with(house, &given).get("/v1/individuals").expect(200);
        // In the form as well; fewer scopes than it has, and no more.
        let fields = format!("{GRANT}&client_id={id}&client_secret={key}&scope=lists&unknown=1");
        let fewer = form(house, "/oauth/token", None, &fields).expect(200);
        let fewer = with(house, fewer.body["access_token"].as_str().unwrap());
        fewer.get("/v1/priorities").expect(200);
        assert_eq!(fewer.get("/v1/individuals").status, 403);
        let mut other = key.clone();
        other.replace_range(60..61, if &key[60..61] == "a" { "b" } else { "a" });
        let (_, foreign) = issued(house, &house.actor("stranger").account(), &["read"], &json!({}));
        for (basic, fields, status, error) in [
            (Some((id.as_str(), key.as_str())), "", 400, "invalid_request"),
            (Some((&id, &key)), "grant_type=password", 400, "unsupported_grant_type"),
            (Some((&id, &key)), "grant_type=client_credentials&scope=edit", 400, "invalid_scope"),
            (Some((&id, &key)), "grant_type=client_credentials&scope=everything", 400, "invalid_scope"),
            (Some((&id, &key)), "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
            (Some((&id, &key)), &format!("{GRANT}&client_id={id}&client_secret={key}"), 400, "invalid_request"),
            (Some((&id, &other)), GRANT, 401, "invalid_client"),
            (Some((&id, &foreign)), GRANT, 401, "invalid_client"),
            (Some((&id, "conscience_")), GRANT, 401, "invalid_client"),
            (Some(("nobody", &key)), GRANT, 401, "invalid_client"),
            (None, GRANT, 401, "invalid_client"),
            (None, &format!("{GRANT}&client_secret={key}"), 400, "invalid_request"),
        ] {
            let answer = form(house, "/oauth/token", basic, fields).expect(status);
            assert_eq!((answer.body["error"].as_str(), answer.header("content-type")), (Some(error), "application/json"), "{fields}");
            if status == 401 {
                assert_eq!(answer.header("www-authenticate"), "Basic realm=\"conscience\"");
            }
        }
        let json = house.anon().post("/oauth/token", &json!({"grant_type": "client_credentials"}));
        assert_eq!(json.expect(400).body["error"], "invalid_request");
        let metadata = house.anon().get("/.well-known/oauth-authorization-server").expect(200).body;
        assert_eq!(metadata["token_endpoint"], json!(format!("{}/oauth/token", claims["iss"].as_str().unwrap())));
    }

    fn a_revoked_token_holds_no_more_and_only_its_client_revokes_it(house: &House) {
        let (id, key) = issued(house, &house.partner().account(), &["read"], &json!({}));
        let (other, others) = issued(house, &house.actor("stranger").account(), &["read"], &json!({}));
        let (one, two) = (token(house, &id, &key), token(house, &id, &key));
        for nothing in [format!("token={one}"), "token=x".to_owned()] {
            form(house, "/oauth/revoke", Some((&other, &others)), &nothing).expect(200);
        }
        with(house, &one).get("/v1/individuals").expect(200);
        for _ in 0..2 {
            form(house, "/oauth/revoke", Some((&id, &key)), &format!("token={one}&token_type_hint=access_token")).expect(200);
        }
        assert_eq!(with(house, &one).get("/v1/individuals").status, 401);
        with(house, &two).get("/v1/individuals").expect(200);
        assert_eq!(form(house, "/oauth/revoke", None, &format!("token={two}")).expect(401).body["error"], "invalid_client");
        assert_eq!(form(house, "/oauth/revoke", Some((&id, &key)), "").expect(400).body["error"], "invalid_request");
        // A person's token is none of a client's.
        let staff = house.staff();
        form(house, "/oauth/revoke", Some((&id, &key)), &format!("token={}", staff.token.as_ref().unwrap())).expect(200);
        staff.get("/v1/me").expect(200);
    }

    fn forged_tokens_of_every_kind_are_refused_and_noted(house: &House) {
        let staff = house.staff();
        let good = staff.token.clone().unwrap();
        let (head, said) = (part(&good, 0), part(&good, 1));
        let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let keys = house.anon().get("/.well-known/jwks.json").expect(200).body;
        let public = keys["keys"][0]["x"].as_str().unwrap();
        let signed_with_the_public_key = {
            let head = json!({"typ": "at+jwt", "alg": "HS256", "kid": head["kid"]});
            let text = format!("{}.{}", coded(&head), coded(&said));
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &URL_SAFE_NO_PAD.decode(public).unwrap());
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
        };
        let none = format!("{}.{}.", coded(&json!({"typ": "at+jwt", "alg": "none", "kid": head["kid"]})), coded(&said));
        // What the house's own key signed, but not as an access token for the house.
        let own = signer();
        let signed = |head: &Value, claims: &str| {
            let text = format!("{}.{}", coded(head), URL_SAFE_NO_PAD.encode(claims));
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(own.sign(text.as_bytes())))
        };
        let other = |name: &str, value: Value| {
            let mut claims = said.clone();
            claims[name] = value;
            claims.to_string()
        };
        let text = said.to_string();
        let twice = text.replacen('{', &format!("{{\"sub\":{},", said["sub"]), 1);
        let mut forged = vec![signed_with_the_public_key, none];
        forged.extend([
            signed(&head, &other("aud", json!("https://elsewhere.example"))),
            signed(&head, &other("iss", json!("https://elsewhere.example"))),
            signed(&head, &other("aud", json!(null))),
            signed(&head, &other("exp", json!("later"))),
            signed(&head, &other("scope", json!("read"))),
            signed(&head, &other("sid", json!(null))),
            signed(&head, &other("sid", json!("00000000-0000-4000-8000-000000000000"))),
            signed(&head, &other("admin", json!(true))),
            signed(&head, &twice),
            signed(&json!({"typ": "JWT", "alg": "EdDSA", "kid": head["kid"]}), &text),
            signed(&json!({"alg": "EdDSA", "kid": head["kid"]}), &text),
            signed(&json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "other"}), &text),
            signed(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &text),
            signed(&json!({"typ": "at+jwt", "alg": "EdDSA", "jwk": keys["keys"][0]}), &text),
        ]);
        // By a key of the forger's own, that they bring along.
        let theirs = Signer::of(&[9; 32]).unwrap();
        let claims: Claims = serde_json::from_value(said.clone()).unwrap();
        forged.push(theirs.sign(&claims).unwrap());
        with(house, &signed(&head, &text)).get("/v1/me").expect(200);
        house.flush();
        let before = house.events("token_refused").len();
        for token in &forged {
            assert_eq!(with(house, token).get("/v1/me").expect(401).problem(), "unauthorised", "{token}");
        }
        house.flush();
        assert_eq!(house.events("token_refused").len(), before + forged.len());
        let late = signed(&head, &other("exp", json!(said["iat"].as_i64().unwrap() - 1)));
        assert_eq!(with(house, &late).get("/v1/me").expect(401).problem(), "token_expired");
        let (_, elsewhere) = issued(house, &house.partner().account(), &["read"], &json!({"addresses": ["192.0.2.0/24"]}));
        with(house, &elsewhere).get("/v1/individuals").expect(401);
        house.flush();
        let noted = house.events("token_refused");
        assert_eq!(noted.len(), before + forged.len() + 2);
        assert!(noted.last().unwrap().1.is_some(), "which machine it was is known");
        with(house, "x").get("/livez").expect(200);
        house.flush();
        assert_eq!(house.events("token_refused").len(), noted.len(), "nobody is asked there");
        assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), ACCESS_TOKEN_SECONDS);
    }

    fn keys_are_rotated_and_removed_while_tokens_are_used(house: &House) {
        let staff = house.staff();
        let kids = || -> Vec<String> {
            let keys = house.anon().get("/.well-known/jwks.json").expect(200).body;
            keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
        };
        let kid_of = |actor: &Actor| part(actor.token.as_ref().unwrap(), 0)["kid"].as_str().unwrap().to_owned();
        let first = kids();
        assert_eq!(first, [kid_of(&staff)]);
        // Published, it does not sign yet.
        let next = house.rotate_signing_key(300);
        assert_eq!(kids(), [first[0].clone(), next.clone()]);
        assert_eq!(kid_of(&house.staff()), first[0]);
        // The one after it signs at once; what the first signed is still believed.
        let third = house.rotate_signing_key(0);
        let late = house.staff();
        assert_eq!(kid_of(&late), third);
        for actor in [&staff, &late] {
            actor.get("/v1/me").expect(200);
        }
        house.remove_signing_key(&first[0]);
        assert_eq!(staff.get("/v1/me").expect(401).problem(), "unauthorised");
        late.get("/v1/me").expect(200);
        // Where the one that signs is removed, the next generation signs.
        house.remove_signing_key(&third);
        assert_eq!(late.get("/v1/me").status, 401);
        house.staff().get("/v1/me").expect(200);
        assert!(!kids().contains(&third) && !kids().contains(&first[0]));
    }
}

/// Another's program: it is told a line and answers with one.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.output.next().expect("it ended").unwrap()
    }

    fn end(mut self) -> Vec<String> {
        drop(self.input.take());
        let rest = self.output.by_ref().map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

/// Authlib and jose, as they are, before, during and after a rotation of the signing key. `scripts/interop` installs them and
/// runs this.
#[test]
#[ignore = "scripts/interop runs it"]
fn others_libraries_work_through_a_rotation() {
    let place = std::env::var("CONSCIENCE_TEST_INTEROP").expect("scripts/interop sets it");
    let house = House::new(crate::support::Kind::Sqlite);
    let (id, key) = issued(&house, &house.partner().account(), &["read"], &json!({}));
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");
    let mut client = Command::new(format!("{place}/python/bin/python"));
    client.args([&format!("{programs}/client.py"), &house.address, &id, &key]);
    // node looks for a library beside the program that asks for it.
    let program = format!("{place}/node/verifier.mjs");
    std::fs::copy(format!("{programs}/verifier.mjs"), &program).unwrap();
    let mut verifier = Command::new("node");
    verifier.args([&program, &house.address]);
    let (mut client, mut verifier) = (Program::start(client), Program::start(verifier));
    let mut signed_by = Vec::new();
    let mut calls = |signed_by: &mut Vec<String>| {
        for _ in 0..20 {
            let token = client.ask("go on");
            signed_by.push(verifier.ask(&token));
        }
    };
    calls(&mut signed_by);
    let first = signed_by[0].clone();
    let next = house.rotate_signing_key(1);
    // Until the new key signs, and then on: a token of the former is used beside each.
    while signed_by.last() != Some(&next) {
        calls(&mut signed_by);
    }
    calls(&mut signed_by);
    house.remove_signing_key(&first);
    assert_eq!(client.end(), ["done"]);
    assert!(verifier.end().is_empty());
    let change = signed_by.iter().position(|kid| *kid == next).unwrap();
    assert!(signed_by[..change].iter().all(|kid| *kid == first) && signed_by[change..].iter().all(|kid| *kid == next));
    println!(
        "{} tokens, {change} of the first key, every request answered",
        signed_by.len()
    );
}
