//! What a public penetration test of the nearest system in use found (7ASecurity, BAY-01, 43 findings; sjacorg/bayanat replays
//! them in `tests/test_pentest_fixes.py`): one test a finding that an API like ours could have, named for what it prevents,
//! as the person who would try. The numbers are those of that replay, its code and its release notes; of some findings no
//! more than the kind was published.
//!
//! | finding | there | here |
//! |---|---|---|
//! | 001 | a history is read without access to its record | tested |
//! | 002 | what derives from a record (OCR text) is changed without access to it | tested |
//! | 003, 026 | an export holds what its reader may not see | tested, on what gives many records at once; there is no export |
//! | 004 | a file name reaches out of its folder | tested; no operation takes the name of a file |
//! | 005 | a stranger makes the first administrator | tested |
//! | 007 | passwords are guessed without end | tested |
//! | 008, 039 | markup from an import runs in a reader's browser | tested; text is text, and no page shows it |
//! | 009 | who may read may change | tested |
//! | 013, 032 | updates and backups of the host over the network | tested: no such operation |
//! | 014, 025 | an address in a record is fetched by the server | tested: the program fetches nothing |
//! | 015 | what another asked for is read by its id | tested, on sessions; there is no export |
//! | 016 | what is sensitive needs no fresh log-in | tested here for what is one's own; `reauthentication.rs` |
//! | 018 | a bulk change writes into the history of records out of reach | tested, on mentions found together; there is no bulk change |
//! | 020 | names of files are guessed | tested, on ids; there are no files |
//! | 021 | names of users in lists | tested |
//! | 022 | who is responsible is changed by who may not | tested |
//! | 037, 042 | a value of the wrong type is taken | tested |
//! | no number published | relations, and parts within their parent, show what is hidden | tested |
//! | no number published | a role is given through a change of something else | tested |
//! | 017 | releases are not signed | nothing is released yet |
//! | 023, 036 | pictures of pages, old spreadsheets | no file is read; limits of bodies and texts: `input.rs` |
//! | 024 | a cell of a spreadsheet is a formula | no spreadsheet is written |
//! | 031, 033 | rights on the host and in the database | `roles.rs`, `commands.rs` (files for their owner alone) |

use std::net::TcpListener;

use conscience::app::document::Document;
use serde_json::{Value, json};

use crate::support::{Actor, House, PASSWORD};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// An answer without the ids that it was asked with, nor its own.
fn plain(answer: &crate::support::Answer, id: &str) -> String {
    let request = answer.header("x-request-id");
    format!(
        "{} {}",
        answer.status,
        answer.text.replace(request, "").replace(id, UNKNOWN)
    )
}

fn person(staff: &Actor, name: &str, sharing: &str) -> String {
    staff.make(
        "/v1/individuals",
        &json!({"names": [{"text": name}], "sharing": sharing}),
    )
}

fn case(staff: &Actor, person: &str, sharing: &str) -> String {
    staff.make(
        "/v1/cases",
        &json!({"individual_id": person, "country": "CN", "sharing": sharing}),
    )
}

fn statement(staff: &Actor, text: &str, sharing: &str) -> Value {
    let body = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": text, "sharing": sharing});
    staff.post("/v1/statements", &body).expect(201).body
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

on_both! {
    /// BAY-01-001
    fn a_history_is_not_read_past_its_record(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let who = person(&staff, "Liu Xiaobo", "restricted");
        let places = [
            format!("/v1/individuals/{who}/history"),
            format!("/v1/cases/{}/history", case(&staff, &who, "restricted")),
            format!("/v1/statements/{}/history", id(&statement(&staff, "In confidence.", "restricted"))),
        ];
        for place in &places {
            let own = place.split('/').nth(3).unwrap();
            assert!(!staff.get(place).expect(200).body["items"].as_array().unwrap().is_empty());
            for actor in [&admin, &partner] {
                let told = actor.get(place).expect(404);
                assert_eq!(plain(&told, own), plain(&actor.get(&place.replace(own, UNKNOWN)), own));
            }
            let whole = admin.get(&format!("/v1/audit?record_id={own}")).expect(200);
            assert_eq!(whole.body["items"], json!([]), "nor by way of the whole ledger");
        }
    }

    /// BAY-01-002
    fn what_derives_from_a_hidden_record_is_not_changed_past_it(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        person(&staff, "Hu Jia", "internal");
        let hidden = statement(&staff, "Free Hu Jia.", "restricted");
        let open = id(&statement(&staff, "Free everyone.", "internal"));
        let mention = id(&hidden["mentions"][0]);
        // By its own path, and by that of a record that is theirs.
        for parent in [id(&hidden), open] {
            let place = format!("/v1/statements/{parent}/mentions/{mention}");
            admin.get(&place).expect(404);
            admin.patch(&place, "*", &json!({"state": "rejected"})).expect(404);
        }
        let kept = staff.get(&format!("/v1/statements/{}/mentions/{mention}", id(&hidden))).expect(200);
        assert_eq!(kept.body["state"], "suggested");
    }

    /// BAY-01-003, BAY-01-026
    fn many_records_at_once_hold_none_that_the_reader_may_not_see(house: &House) {
        let (staff, partner, dashboard) = (house.staff(), house.partner(), house.dashboard());
        let shown = person(&staff, "Hu Jia", "public");
        let hidden = person(&staff, "Liu Xiaobo", "internal");
        let cases = [case(&staff, &shown, "public"), case(&staff, &shown, "restricted"), case(&staff, &hidden, "internal")];
        let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
        for case in &cases {
            staff.make(&format!("/v1/cases/{case}/custody"), &stage);
        }
        statement(&staff, "Hu Jia and Liu Xiaobo.", "public");
        let text = id(&statement(&staff, "Hu Jia, in confidence.", "restricted"));
        let source = staff.make("/v1/sources", &json!({"title": "A relative", "reliability": "a", "sharing": "restricted"}));
        let all = |actor: &Actor, paths: &[&str]| paths.iter().map(|path| actor.get(path).expect(200).text).collect::<String>();
        let file = format!("/v1/individuals/{shown}/file");
        let lists = ["/v1/individuals", "/v1/cases", "/v1/statements", "/v1/sources", "/v1/priorities", "/v1/counts?by=status", &file];
        let (inside, outside) = (all(&staff, &lists), all(&partner, &lists) + &all(&dashboard, &["/v1/priorities", "/v1/counts?by=status"]));
        for secret in [&hidden, &cases[1], &cases[2], &text, &source] {
            assert!(inside.contains(secret.as_str()));
            assert!(!outside.contains(secret.as_str()));
        }
        assert!(outside.contains(&cases[0]));
        partner.get(&format!("/v1/sources/{source}")).expect(404);
        // To name them in so many words brings nothing more.
        let named = partner.get(&format!("/v1/cases?individual={hidden}"));
        assert_eq!(plain(&named, &hidden), plain(&partner.get(&format!("/v1/cases?individual={UNKNOWN}")), &hidden));
    }

    /// BAY-01-004
    fn no_path_reaches_a_file(house: &House) {
        let staff = house.staff();
        for up in ["../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//etc/passwd", "%00", "C:%5cwindows%5cwin.ini"] {
            for place in ["/docs", "/v1/individuals", "/v1/statements", "/.well-known", "/openapi.json"] {
                let answer = staff.get(&format!("{place}/{up}"));
                assert!([400, 404].contains(&answer.status), "{place}/{up}: {}", answer.status);
                assert!(!answer.text.contains("root:"), "{place}/{up}");
            }
        }
        let named = json!({"title": "T", "reliability": "a", "file": {"filename": "../../../etc/passwd"}});
        assert_eq!(staff.post("/v1/sources", &named).expect(422).pointer(), "/file");
    }

    /// BAY-01-005
    fn no_administrator_is_made_by_a_stranger(house: &House) {
        let anon = house.anon();
        let organisation = house.admin().get("/v1/me").expect(200).body["organisation_id"].clone();
        let rogue = json!({"email": "rogue@example.org", "name": "R", "role": "admin", "organisation_id": organisation, "password": PASSWORD});
        assert_eq!(anon.post("/v1/accounts", &rogue).expect(401).problem(), "unauthorised");
        for path in ["/api/create-admin", "/api/check-admin", "/v1/setup", "/setup", "/admin"] {
            anon.post(path, &rogue).expect(404);
        }
        anon.post("/v1/sessions", &json!({"email": "rogue@example.org", "password": PASSWORD})).expect(401);
        // What a stranger may call at all proves who they are, or shows nothing but the house's own papers.
        for (path, item) in Document::made().value["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if operation["security"] == json!([]) {
                    let known = path.starts_with("/v1/sessions") || path.starts_with("/oauth/") || method == "get";
                    assert!(known, "{method} {path} is open to strangers");
                }
            }
        }
    }

    /// BAY-01-007
    fn passwords_are_not_guessed_without_end(house: &House) {
        let anon = house.anon();
        let guess = |number: usize| anon.post("/v1/sessions", &json!({"email": "admin@example.org", "password": format!("a guess, the number {number}")}));
        let told: Vec<u16> = (0..8).map(|number| guess(number).status).collect();
        assert_eq!(told[..5], [401; 5]);
        assert!(told[5..].contains(&429), "{told:?}");
        // Who shares the address with the one who guesses still comes in.
        house.staff().get("/v1/me").expect(200);
    }

    /// BAY-01-008, BAY-01-039
    fn markup_is_text_and_is_shown_by_no_page(house: &House) {
        let staff = house.staff();
        let markup = "<script>steal()</script><img src=x onerror=alert(1)><a href=\"javascript:alert(1)\">x</a>";
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "biography": markup, "notes": "<svg/onload=alert(1)>"}));
        let shown = staff.get(&format!("/v1/individuals/{id}")).expect(200);
        assert_eq!(shown.body["biography"], markup, "as it was sent: whoever shows it escapes it");
        let refused = staff.get("/v1/cases?%3Cscript%3Ealert(1)%3C%2Fscript%3E=1").expect(422);
        let absent = staff.get("/v1/%3Cscript%3Ealert(1)%3C%2Fscript%3E").expect(404);
        for (answer, kind) in [(shown, "application/json"), (refused, "application/problem+json"), (absent, "application/problem+json")] {
            assert_eq!(answer.header("content-type"), kind);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'; base-uri 'none'; "));
        }
        let address = json!({"title": "T", "reliability": "a", "address": "javascript:alert(1)"});
        assert_eq!(staff.post("/v1/sources", &address).expect(422).pointer(), "/address");
    }

    /// BAY-01-009
    fn who_may_read_may_not_therefore_change(house: &House) {
        let (staff, partner, dashboard) = (house.staff(), house.partner(), house.dashboard());
        let who = person(&staff, "Hu Jia", "public");
        let case = case(&staff, &who, "public");
        let text = id(&statement(&staff, "Free Hu Jia.", "public"));
        for place in [format!("/v1/individuals/{who}"), format!("/v1/cases/{case}"), format!("/v1/statements/{text}")] {
            let etag = partner.get(&place).expect(200).etag();
            let before = staff.get(&place).expect(200).text;
            for actor in [&partner, &dashboard] {
                for tag in [etag.as_str(), "*"] {
                    assert_eq!(actor.patch(&place, tag, &json!({"notes": "tampered"})).expect(403).problem(), "forbidden");
                    assert_eq!(actor.delete(&place, tag).expect(403).problem(), "forbidden");
                }
            }
            assert_eq!(staff.get(&place).expect(200).text, before);
        }
    }

    /// BAY-01-013, BAY-01-032
    fn nothing_of_the_machine_is_done_over_the_network(house: &House) {
        let admin = house.admin();
        for path in ["/admin/api/updates/start", "/admin/api/snapshots/", "/admin/api/reload/", "/admin/api/configuration/", "/v1/backup", "/v1/migrate", "/v1/update", "/metrics", "/debug", "/.git/config", "/.env"] {
            admin.get(path).expect(404);
            admin.post(path, &json!({})).expect(404);
        }
        // An altered record is written back from the ledger, not from a file.
        let paths = Document::made().value["paths"].as_object().unwrap().clone();
        for path in paths.keys().filter(|path| !path.starts_with("/v1/altered-records/")) {
            for word in ["backup", "restore", "snapshot", "migrate", "update", "reload", "config", "shell"] {
                assert!(!path.contains(word), "{path}");
            }
        }
    }

    /// BAY-01-014, BAY-01-025
    fn an_address_in_a_record_is_not_fetched(house: &House) {
        let staff = house.staff();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}/latest/meta-data/", listener.local_addr().unwrap());
        let markup = format!("<img src=\"{address}\">");
        let source = staff.make("/v1/sources", &json!({"title": "T", "reliability": "a", "address": address}));
        let who = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "biography": markup, "source_id": source}));
        statement(&staff, &markup, "internal");
        for place in [format!("/v1/sources/{source}"), format!("/v1/individuals/{who}/file"), "/v1/statements".to_owned()] {
            staff.get(&place).expect(200);
        }
        let called = listener.accept().map(|(_, from)| from);
        assert_eq!(called.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        for scheme in ["file:///etc/passwd", "gopher://127.0.0.1/", "data:text/html,x"] {
            let body = json!({"title": "T", "reliability": "a", "address": scheme});
            assert_eq!(staff.post("/v1/sources", &body).expect(422).pointer(), "/address");
        }
    }

    /// BAY-01-015
    fn what_is_anothers_own_is_not_reached_by_its_id(house: &House) {
        let (staff, partner, admin) = (house.staff(), house.partner(), house.admin());
        let session = id(&staff.get("/v1/me/sessions").expect(200).body["items"][0]);
        let place = format!("/v1/me/sessions/{session}");
        for actor in [&partner, &admin] {
            let told = actor.send("DELETE", &place, &[], None).expect(404);
            let unknown = actor.send("DELETE", &place.replace(&session, UNKNOWN), &[], None);
            assert_eq!(plain(&told, &session), plain(&unknown, &session));
            assert!(!actor.get("/v1/me/sessions").expect(200).text.contains(&session));
        }
        staff.get("/v1/me").expect(200);
    }

    /// BAY-01-016
    fn what_is_sensitive_needs_the_password_again(house: &House) {
        let staff = house.staff();
        let change = json!({"current": "not the password", "new": "another long pass phrase"});
        assert_eq!(staff.put("/v1/me/password", &change).expect(422).pointer(), "/current");
        assert_eq!(staff.put("/v1/me/password", &json!({"new": "another long pass phrase"})).expect(422).pointer(), "/current");
        let admin = house.admin();
        let remove = |body: &Value| admin.raw("DELETE", "/v1/me/second-factor", body.to_string().as_bytes());
        assert_eq!(remove(&json!({"password": PASSWORD})).expect(401).problem(), "second_factor_required");
        assert_eq!(remove(&json!({"password": "not the password", "otp": house.otp()})).expect(401).problem(), "invalid_credentials");
        assert_eq!(remove(&json!({})).expect(422).pointer(), "/password");
        assert_eq!(admin.get("/v1/me").expect(200).body["otp_active"], true);
        house.actor("staff");
    }

    /// BAY-01-018
    fn what_is_done_to_many_leaves_no_trace_in_what_is_hidden(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let (shown, hidden) = (person(&staff, "Hu Jia", "internal"), person(&staff, "Liu Xiaobo", "restricted"));
        let history = format!("/v1/individuals/{hidden}/history");
        let file = format!("/v1/individuals/{hidden}/file");
        let before = (staff.get(&history).expect(200).text, staff.get(&file).expect(200).text);
        let filed = statement(&admin, "Hu Jia and Liu Xiaobo.", "internal");
        let found: Vec<&Value> = filed["mentions"].as_array().unwrap().iter().map(|mention| &mention["individual_id"]).collect();
        assert_eq!(found, [&json!(shown)]);
        assert_eq!((staff.get(&history).expect(200).text, staff.get(&file).expect(200).text), before);
    }

    /// BAY-01-020
    fn ids_tell_nothing_and_are_not_guessed(house: &House) {
        let staff = house.staff();
        let ids: Vec<uuid::Uuid> = (0..8).map(|number| person(&staff, &format!("Hu Number{number}"), "internal").parse().unwrap()).collect();
        for id in &ids {
            assert_eq!(id.get_version_num(), 4, "random, without a time or a machine in it");
        }
        assert!(!ids.is_sorted(), "nor in an order");
        let starts: std::collections::HashSet<u8> = ids.iter().map(|id| id.as_bytes()[0]).collect();
        assert!(starts.len() > 3, "{ids:?}");
    }

    /// BAY-01-021
    fn who_works_on_what_is_not_told_outside(house: &House) {
        let (staff, partner, dashboard) = (house.staff(), house.partner(), house.dashboard());
        let who = person(&staff, "Hu Jia", "public");
        let body = json!({"individual_id": who, "country": "CN", "sharing": "public", "officer_id": staff.account()});
        let case = staff.make("/v1/cases", &body);
        staff.make(&format!("/v1/cases/{case}/custody"), &json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}, "sharing": "public"}));
        let text = statement(&staff, "Free Hu Jia.", "public");
        let mention = format!("/v1/statements/{}/mentions/{}", id(&text), id(&text["mentions"][0]));
        staff.patch(&mention, &staff.get(&mention).etag(), &json!({"state": "confirmed"})).expect(200);
        let places = [
            "/v1/individuals".to_owned(), "/v1/cases".to_owned(), "/v1/statements".to_owned(), "/v1/priorities".to_owned(), mention,
            format!("/v1/individuals/{who}/file"), format!("/v1/individuals/{who}/history"), format!("/v1/cases/{case}"),
            format!("/v1/cases/{case}/custody"), format!("/v1/cases/{case}/history"), format!("/v1/statements/{}", id(&text)),
        ];
        let mut inside = String::new();
        for place in &places {
            inside += &staff.get(place).expect(200).text;
            for actor in [&partner, &dashboard] {
                let told = actor.get(place).text;
                for name in [&staff.account(), "staff@example.org", "officer_id", "decided_by", "actor_id"] {
                    assert!(!told.contains(name), "{name} in {place}: {told}");
                }
            }
        }
        assert!(inside.contains(&staff.account()));
        partner.get("/v1/accounts").expect(403);
        staff.get("/v1/accounts").expect(403);
    }

    /// BAY-01-022
    fn who_is_responsible_is_not_changed_by_who_may_not(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let who = person(&staff, "Hu Jia", "restricted");
        let place = format!("/v1/cases/{}", case(&staff, &who, "restricted"));
        staff.put(&format!("{place}/team/{}", partner.account()), &json!({})).expect(204);
        let etag = partner.get(&place).expect(200).etag();
        partner.patch(&place, &etag, &json!({"officer_id": partner.account()})).expect(403);
        partner.put(&format!("{place}/team/{}", house.actor("stranger").account()), &json!({})).expect(403);
        partner.send("DELETE", &format!("{place}/team/{}", staff.account()), &[], None).expect(403);
        partner.post(&format!("{place}/team"), &json!({"reason": "because"})).expect(403);
        assert_eq!(staff.get(&place).expect(200).body["officer_id"], Value::Null);
        house.actor("stranger").get(&place).expect(404);
    }

    /// BAY-01-037, BAY-01-042
    fn a_value_of_the_wrong_type_is_refused(house: &House) {
        let staff = house.staff();
        let named = |field: &str, value: Value| {
            let mut body = json!({"names": [{"text": "Hu Jia"}]});
            body[field] = value;
            body
        };
        for (body, pointer) in [
            (json!({"names": null}), "/names"), (json!({"names": "Hu Jia"}), "/names"), (json!({"names": []}), "/names"), (json!({"names": true}), "/names"),
            (named("sharing", json!(true)), "/sharing"), (named("sharing", json!(["public"])), "/sharing"), (named("country", json!(["CN"])), "/country"),
            (named("born_on", json!(1973)), "/born_on"), (named("biography", json!({"$ne": ""})), "/biography"), (named("source_id", json!(0)), "/source_id"),
        ] {
            assert_eq!(staff.post("/v1/individuals", &body).expect(422).pointer(), pointer, "{body}");
        }
        for query in ["limit=true", "limit[]=1", "limit=1&limit=2", "limit=0", "limit=1e2", "country[]=CN", "country[$ne]=CN"] {
            assert_eq!(staff.get(&format!("/v1/individuals?{query}")).expect(422).problem(), "invalid", "{query}");
        }
        assert_eq!(staff.get("/v1/individuals").expect(200).body["items"], json!([]));
    }

    /// Of the findings without a published number: relations, and parts within their parent.
    fn a_record_holds_nothing_of_what_is_hidden_beside_it(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let (who, lawyer) = (person(&staff, "Hu Jia", "public"), person(&staff, "Li Heping", "restricted"));
        let source = staff.make("/v1/sources", &json!({"title": "A relative", "reliability": "a", "sharing": "restricted"}));
        let place = format!("/v1/individuals/{who}");
        let relation = staff.make(&format!("{place}/relations"), &json!({"kind": "lawyer", "other_id": lawyer, "opened_because": "known"}));
        let body = json!({"individual_id": who, "country": "CN", "sharing": "public", "source_id": source});
        let case = staff.make("/v1/cases", &body);
        let illness = json!({"holds_from": "2009", "particulars": {"severity": "serious", "conditions": ["Liver"]}, "sharing": "internal", "source_id": source});
        let fact = staff.make(&format!("/v1/cases/{case}/health"), &illness);
        let held = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}, "sharing": "public", "notes": "told inside"});
        staff.make(&format!("/v1/cases/{case}/custody"), &held);
        staff.patch(&place, &staff.get(&place).etag(), &json!({"notes": "told inside"})).expect(200);
        let text = statement(&staff, "Hu Jia and Li Heping.", "public");
        assert_eq!(text["mentions"].as_array().unwrap().len(), 2);
        let places = [
            place.clone(), format!("{place}/relations"), format!("{place}/file"), format!("{place}/history"), format!("/v1/cases/{case}"),
            format!("/v1/cases/{case}/health"), format!("/v1/cases/{case}/custody"), format!("/v1/cases/{case}/history"), format!("/v1/statements/{}", id(&text)), format!("/v1/statements/{}/mentions", id(&text)),
        ];
        let mut inside = String::new();
        for shown in &places {
            inside += &staff.get(shown).expect(200).text;
            let told = partner.get(shown).expect(200).text;
            for secret in [&lawyer, &relation, &source, &fact, "Liver", "A relative", "told inside"] {
                assert!(!told.contains(secret), "{secret} in {shown}: {told}");
            }
        }
        for secret in [&lawyer, &relation, &source, &fact, "Liver", "told inside"] {
            assert!(inside.contains(secret), "{secret}");
        }
        partner.get(&format!("{place}/relations/{relation}")).expect(404);
        partner.get(&format!("/v1/cases/{case}/health/{fact}")).expect(404);
    }

    /// Of the findings without a published number: a role through a change of something else.
    fn no_change_of_another_thing_gives_a_role(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let account = format!("/v1/accounts/{}", partner.account());
        for actor in [&staff, &partner] {
            actor.patch(&account, "*", &json!({"role": "admin"})).expect(403);
        }
        let grab = json!({"role": "admin", "is_admin": true, "roles": ["admin"]});
        for answer in [partner.patch("/v1/me", "*", &grab), partner.put("/v1/me", &grab)] {
            assert_eq!(answer.problem(), "method_not_allowed");
        }
        let mut change = json!({"current": PASSWORD, "new": "another long pass phrase"});
        change["role"] = json!("admin");
        assert_eq!(partner.put("/v1/me/password", &change).expect(422).pointer(), "/role");
        let mut log_in = json!({"email": "partner@example.org", "password": PASSWORD});
        log_in["role"] = json!("admin");
        assert_eq!(house.anon().post("/v1/sessions", &log_in).expect(422).pointer(), "/role");
        for field in ["role", "organisation_id", "id", "created_at", "updated_at", "retired_at", "partners_updated_at"] {
            let mut body = json!({"names": [{"text": "Hu Jia"}]});
            body[field] = json!("x");
            assert_eq!(staff.post("/v1/individuals", &body).expect(422).pointer(), format!("/{field}"));
        }
        assert_eq!(partner.get("/v1/me").expect(200).body["role"], "partner");
    }
}
