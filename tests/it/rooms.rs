//! The rooms of organisations, accounts, sources, relations and statements: changed, retired, and what is told of it.

use serde_json::{Value, json};

use crate::support::{Actor, House, PASSWORD};

fn changed(actor: &Actor, place: &str, change: &Value) -> Value {
    let before = actor.get(place).expect(200);
    assert_eq!(
        actor.patch(place, "\"another\"", change).expect(412).problem(),
        "precondition_failed",
        "{place}"
    );
    actor.patch(place, &before.etag(), change).expect(200).body
}

fn retired(actor: &Actor, list: &str, place: &str) {
    assert_eq!(
        actor.send("DELETE", place, &[], None).expect(428).problem(),
        "precondition_required"
    );
    actor.delete(place, &actor.get(place).expect(200).etag()).expect(204);
    assert_eq!(actor.get(place).expect(404).problem(), "not_found");
    let id = place.rsplit('/').next().unwrap();
    assert!(
        !actor.get(&format!("{list}?limit=200")).expect(200).text.contains(id),
        "{place} is still listed"
    );
}

fn told(actor: &Actor, path: &str) -> Vec<Value> {
    actor.get(path).expect(200).body["items"].as_array().unwrap().clone()
}

on_both! {
    fn organisations_are_changed_and_retired(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let id = staff.make("/v1/organisations", &json!({"name": "FORUM-ASIA", "kind": "ngo", "aliases": ["Asian Forum"]}));
        let place = format!("/v1/organisations/{id}");
        assert_eq!(changed(&staff, &place, &json!({"country": "TH", "website": null}))["country"], "TH");
        assert_eq!(partner.get(&place).expect(200).body["name"], "FORUM-ASIA");
        assert_eq!(house.dashboard().get(&place).expect(403).problem(), "forbidden");
        let twice = staff.post("/v1/organisations", &json!({"name": "FORUM-ASIA", "kind": "ngo", "country": "TH"})).expect(409);
        assert_eq!(twice.body["existing"], json!(id));
        for (body, pointer) in [(json!({"name": null}), "/name"), (json!({"country": "Thailand"}), "/country"), (json!({"kind": "club"}), "/kind"), (json!({"website": "javascript:alert(1)"}), "/website")] {
            assert_eq!(staff.patch(&place, &staff.get(&place).etag(), &body).expect(422).pointer(), pointer);
        }
        let own = format!("/v1/organisations/{}", staff.get("/v1/me").expect(200).body["organisation_id"].as_str().unwrap());
        let used = staff.delete(&own, &staff.get(&own).expect(200).etag());
        assert_eq!(used.expect(409).problem(), "in_use", "accounts belong to it");
        let entries = || told(&house.admin(), &format!("/v1/audit?record_id={id}")).len();
        let (before, same) = (entries(), staff.get(&place).expect(200));
        assert_eq!(staff.patch(&place, &same.etag(), &json!({"country": "TH"})).expect(200).body, same.body);
        assert_eq!(entries(), before, "what changes nothing leaves no trace");
        retired(&staff, "/v1/organisations", &place);
    }

    fn sources_are_changed_and_retired(house: &House) {
        let staff = house.staff();
        let text = json!({"title": "T", "kind": "statement", "issued_on": "2010", "language": "en", "text": "Words."});
        let statement = staff.make("/v1/statements", &text);
        let given = json!({"title": "Newsletter", "reliability": "b", "publisher": "CHRD", "published_on": "2010-04-22", "language": "en"});
        let id = staff.make("/v1/sources", &given);
        let place = format!("/v1/sources/{id}");
        let after = changed(&staff, &place, &json!({"reliability": "a", "publisher": null, "statement_id": statement}));
        assert_eq!((&after["reliability"], &after["publisher"], &after["statement_id"]), (&json!("a"), &Value::Null, &json!(statement)));
        for (body, pointer) in [
            (json!({"reliability": null}), "/reliability"), (json!({"reliability": "g"}), "/reliability"), (json!({"published_on": "2010-13"}), "/published_on"),
            (json!({"language": "English"}), "/language"), (json!({"statement_id": id}), "/statement_id"), (json!({"title": "\u{202e}x"}), "/title"),
        ] {
            assert_eq!(staff.patch(&place, &staff.get(&place).etag(), &body).expect(422).pointer(), pointer, "{body}");
        }
        // What rests on a retired source still names it.
        let person = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "source_id": id}));
        retired(&staff, "/v1/sources", &place);
        assert_eq!(staff.get(&format!("/v1/individuals/{person}")).expect(200).body["source_id"], json!(id));
        assert_eq!(staff.post("/v1/individuals", &json!({"names": [{"text": "A B"}], "source_id": id})).expect(422).pointer(), "/source_id");
    }

    fn relations_are_seen_from_both_sides_by_who_sees_both(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let person = |name: &str, sharing: &str| staff.make("/v1/individuals", &json!({"names": [{"text": name}], "sharing": sharing}));
        let (hu, zeng, lawyer) = (person("Hu Jia", "public"), person("Zeng Jinyan", "public"), person("Li Fangping", "internal"));
        let place = format!("/v1/individuals/{hu}/relations");
        let wife = staff.make(&place, &json!({"kind": "spouse", "other_id": zeng, "note": "married 2006", "opened_because": "known"}));
        staff.make(&place, &json!({"kind": "lawyer", "other_id": lawyer, "opened_because": "known"}));
        assert_eq!(told(&staff, &place).len(), 2);
        let seen = told(&partner, &place);
        assert_eq!((seen.len(), &seen[0]["other_name"], seen[0].get("note")), (1, &json!("Zeng Jinyan"), None));
        assert_eq!(told(&partner, &format!("/v1/individuals/{zeng}/relations"))[0]["other_id"], json!(hu));
        let client = told(&staff, &format!("/v1/individuals/{lawyer}/relations"));
        assert_ne!(client[0]["kind"], "lawyer", "the other side of it");
        for (body, pointer) in [
            (json!({"kind": "spouse", "other_id": hu, "opened_because": "known"}), "/other_id"), (json!({"kind": "friend of", "other_id": zeng}), "/kind"),
            (json!({"kind": "spouse", "other_id": wife, "opened_because": "known"}), "/other_id"), (json!({"kind": "spouse"}), "/other_id"),
        ] {
            assert_eq!(staff.post(&place, &body).expect(422).pointer(), pointer, "{body}");
        }
        assert!(!partner.get(&format!("/v1/individuals/{hu}/history")).expect(200).text.contains(&lawyer));
        let twice = staff.post(&place, &json!({"kind": "spouse", "other_id": zeng, "opened_because": "known"})).expect(409);
        assert_eq!((twice.problem().as_str(), &twice.body["existing"]), ("already_exists", &json!(wife)));
        assert_eq!(staff.post(&format!("/v1/individuals/{zeng}/relations"), &json!({"kind": "spouse", "other_id": hu, "opened_because": "known"})).expect(409).body["existing"], json!(wife));
        assert_eq!(partner.get(&format!("{place}/{wife}")).expect(200).body["other_name"], "Zeng Jinyan");
        retired(&staff, &place, &format!("{place}/{wife}"));
        assert_eq!(told(&partner, &place), Vec::<Value>::new());
    }

    fn accounts_are_opened_changed_and_shut(house: &House) {
        let admin = house.admin();
        let organisation = admin.get("/v1/me").expect(200).body["organisation_id"].clone();
        let given = |email: &str, password: &str| json!({"email": email, "name": "N", "role": "staff", "organisation_id": organisation, "password": password});
        let id = admin.make("/v1/accounts", &given("New@Example.org", PASSWORD));
        let place = format!("/v1/accounts/{id}");
        assert_eq!(admin.get(&place).expect(200).body["email"], "new@example.org");
        assert_eq!(admin.post("/v1/accounts", &given("new@example.org", PASSWORD)).expect(409).problem(), "already_exists");
        assert_eq!(admin.post("/v1/accounts", &given("other@example.org", "short")).expect(422).pointer(), "/password");
        assert_eq!(admin.post("/v1/accounts", &given("nobody", PASSWORD)).expect(422).pointer(), "/email");
        let new = house.actor("new");
        assert_eq!(changed(&admin, &place, &json!({"role": "partner"}))["role"], "partner");
        assert_eq!(new.get("/v1/me").expect(401).problem(), "unauthorised", "another role begins with another log-in");
        assert_eq!(house.actor("new").get("/v1/me").expect(200).body["role"], "partner");
        for body in [json!({"role": null}), json!({"role": "owner"})] {
            assert_eq!(admin.patch(&place, &admin.get(&place).etag(), &body).expect(422).pointer(), "/role");
        }
        let own = format!("/v1/accounts/{}", admin.account());
        let last = admin.patch(&own, &admin.get(&own).etag(), &json!({"disabled": true}));
        assert_eq!(last.expect(409).problem(), "conflict", "the last administrator");
        assert!(!admin.get("/v1/accounts?limit=200").expect(200).text.contains("argon2"));
    }

    fn sessions_are_listed_and_ended_by_their_owner(house: &House) {
        let (one, two, other) = (house.staff(), house.staff(), house.partner());
        let sessions = told(&one, "/v1/me/sessions");
        assert_eq!(sessions.len(), 2);
        let theirs = told(&other, "/v1/me/sessions")[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(one.send("DELETE", &format!("/v1/me/sessions/{theirs}"), &[], None).expect(404).problem(), "not_found");
        other.get("/v1/me").expect(200);
        let mine = one.get("/v1/me").expect(200);
        assert!(!mine.text.contains("password"));
        for session in &sessions {
            let id = session["id"].as_str().unwrap();
            if session["current"] == json!(false) {
                one.send("DELETE", &format!("/v1/me/sessions/{id}"), &[], None).expect(204);
            }
        }
        assert_eq!((one.get("/v1/me").status, two.get("/v1/me").status), (200, 401));
        one.send("DELETE", "/v1/sessions/current", &[], None).expect(204);
        assert_eq!(one.get("/v1/me").expect(401).problem(), "unauthorised", "logged out");
    }

    fn an_own_password_is_changed_by_who_knows_the_old_one(house: &House) {
        let (staff, elsewhere) = (house.staff(), house.staff());
        let change = |current: &str, new: &str| json!({"current": current, "new": new});
        assert_eq!(staff.put("/v1/me/password", &change("wrong wrong wrong", "a new long password")).expect(422).pointer(), "/current");
        assert_eq!(staff.put("/v1/me/password", &change(PASSWORD, "short")).expect(422).pointer(), "/new");
        staff.put("/v1/me/password", &change(PASSWORD, "a new long password")).expect(204);
        assert_eq!((staff.get("/v1/me").status, elsewhere.get("/v1/me").status), (200, 401), "the others are ended");
        let log_in = |password: &str| house.anon().post("/v1/sessions", &json!({"email": "staff@example.org", "password": password})).status;
        assert_eq!((log_in(PASSWORD), log_in("a new long password")), (401, 201));
    }

    fn a_statement_tells_its_history(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let hidden = staff.make("/v1/individuals", &json!({"names": [{"text": "Guo Quan"}]}));
        staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}));
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free Hu Jia and Guo Quan.", "sharing": "public"});
        let made = staff.post("/v1/statements", &text).expect(201).body;
        let place = format!("/v1/statements/{}", made["id"].as_str().unwrap());
        let mention = format!("{place}/mentions/{}", made["mentions"][0]["id"].as_str().unwrap());
        assert_eq!(changed(&staff, &mention, &json!({"state": "confirmed"}))["decided_by"], json!(staff.account()));
        assert_eq!(changed(&staff, &place, &json!({"title": "Another"}))["title"], "Another");
        let all = told(&staff, &format!("{place}/history"));
        assert_eq!(all.len(), 5, "filed, two mentions, one decided, a new title: {all:?}");
        assert_eq!(all[4]["fields"]["title"], json!({"from": "T", "to": "Another"}));
        let seen = partner.get(&format!("{place}/history")).expect(200);
        assert_eq!(seen.body["items"].as_array().unwrap().len(), 4, "{}", seen.text);
        assert!(!seen.text.contains(&hidden) && !seen.text.contains("Guo Quan\""), "{}", seen.text);
        let without = changed(&staff, &place, &json!({"text": "Free Hu Jia."}));
        assert_eq!(without["mentions"].as_array().unwrap().len(), 1);
        let gone = made["mentions"][1]["id"].as_str().unwrap();
        assert_eq!(house.admin().get(&format!("/v1/audit?record_id={gone}")).expect(200).body["items"].as_array().unwrap().len(), 2, "suggested and retired");
        assert!(told(&staff, &format!("{place}/history")).iter().any(|entry| entry["record_id"] == gone && entry["kind"] == "retired"));
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free Hu Jia.", "sharing": "public"});
        assert_eq!(staff.post("/v1/statements", &text).expect(409).body["existing"], json!(place.rsplit('/').next()));
        retired(&staff, "/v1/statements", &place);
        assert_eq!(told(&staff, &format!("{place}/history")).last().unwrap()["kind"], "retired", "the history stays");
        assert_eq!(partner.get(&format!("{place}/history")).expect(404).problem(), "not_found");
        staff.make("/v1/statements", &text);
    }

    fn the_audit_is_read_by_record_kind_and_time(house: &House) {
        let (admin, staff) = (house.admin(), house.staff());
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
        let place = format!("/v1/individuals/{id}");
        changed(&staff, &place, &json!({"country": "CN"}));
        let of = |query: &str| told(&admin, &format!("/v1/audit?{query}"));
        assert_eq!(of(&format!("record_id={id}")).iter().map(|entry| entry["kind"].clone()).collect::<Vec<_>>(), ["changed", "created"]);
        assert!(of("record_kind=individual").iter().all(|entry| entry["record_kind"] == "individual"));
        let first = of(&format!("record_id={id}"))[1]["at"].as_str().unwrap().to_owned();
        assert_eq!(of(&format!("record_id={id}&since={first}")).len(), 2);
        assert_eq!(of("since=2999-01-01T00:00:00Z"), Vec::<Value>::new());
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        while pages.len() < 2 {
            let page = admin.get(&format!("/v1/audit?limit=1{cursor}")).expect(200).body;
            cursor = format!("&cursor={}", page["next"].as_str().unwrap());
            pages.push(page["items"][0].clone());
        }
        assert_eq!(pages, of("limit=2"), "a cursor goes on where the page ended");
        assert_eq!(admin.get("/v1/audit?cursor=eA").expect(422).pointer(), "/cursor");
        assert_eq!(admin.get("/v1/audit?since=today").expect(422).pointer(), "/since");
    }
}
