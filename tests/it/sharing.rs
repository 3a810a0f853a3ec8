//! Nobody learns what they may not: hidden is absent, in every list, scan and count.

use serde_json::{Value, json};

use crate::support::{Actor, House};

fn everything(actor: &Actor) -> Vec<Value> {
    [
        "/v1/individuals",
        "/v1/cases",
        "/v1/statements",
        "/v1/priorities?as_of=2010-05-10",
        "/v1/counts?by=status&as_of=2010-05-10",
        "/v1/counts?by=country&as_of=2010-05-10",
        "/v1/individuals/match?name=Liu%20Xiaobo%20Ming",
        "/v1/sources",
    ]
    .iter()
    .map(|path| {
        let mut answer = actor.get(path);
        if answer.status >= 400 {
            answer.body["request_id"] = Value::Null;
        }
        json!([path, answer.status, answer.body, answer.etag()])
    })
    .collect()
}

fn scan(actor: &Actor) -> Value {
    actor
        .post(
            "/v1/statements/scan",
            &json!({"text": "Liu Xiaobo Ming and Liu Xiaobo."}),
        )
        .body
}

fn hidden_person(staff: &Actor, sharing: &str) -> (String, String) {
    let id = staff
        .post(
            "/v1/individuals",
            &json!({"names": [{"text": "Liu Xiaobo Ming"}], "sharing": sharing}),
        )
        .expect(201)
        .id();
    let case = staff
        .post(
            "/v1/cases",
            &json!({"individual_id": id, "country": "VN", "sharing": sharing}),
        )
        .expect(201)
        .id();
    let held = json!({"holds_from": "2009", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
    staff.post(&format!("/v1/cases/{case}/custody"), &held).expect(201);
    let life = json!({"holds_from": "2009", "particulars": {"kind": "life"}});
    staff.post(&format!("/v1/cases/{case}/sentences"), &life).expect(201);
    (id, case)
}

on_both! {
    fn what_is_hidden_changes_nothing(house: &House) {
        let (staff, partner, dashboard) = (house.staff(), house.partner(), house.dashboard());
        staff.make("/v1/individuals", &json!({"names": [{"text": "Liu Xiaobo"}], "sharing": "public"}));
        let before = (everything(&partner), scan(&partner), everything(&dashboard));
        let (id, case) = hidden_person(&staff, "internal");
        assert_eq!((everything(&partner), scan(&partner), everything(&dashboard)), before);
        for path in [format!("/v1/individuals/{id}"), format!("/v1/individuals/{id}/file"), format!("/v1/cases/{case}"), format!("/v1/cases/{case}/history"), format!("/v1/cases/{case}/health")] {
            assert_eq!(partner.get(&path).expect(404).problem(), "not_found");
            staff.get(&path).expect(200);
        }
        let seen = scan(&staff);
        assert_eq!(seen["mentions"][0]["text"], "Liu Xiaobo Ming");
    }

    fn what_is_restricted_is_for_its_team_alone(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let before = (everything(&admin), scan(&admin));
        let (id, case) = hidden_person(&staff, "restricted");
        assert_eq!((everything(&admin), scan(&admin)), before);
        assert_eq!(admin.get(&format!("/v1/cases/{case}")).status, 404);
        assert!(!admin.get("/v1/audit").expect(200).text.contains(&case), "the audit tells of a restricted case");
        assert_eq!(admin.put(&format!("/v1/cases/{case}/team/{case}"), &json!({})).status, 404);
        let partner = house.partner();
        let account = partner.get("/v1/me").expect(200).body["id"].as_str().unwrap().to_owned();
        staff.put(&format!("/v1/cases/{case}/team/{account}"), &json!({})).expect(204);
        partner.get(&format!("/v1/cases/{case}")).expect(200);
        partner.get(&format!("/v1/individuals/{id}")).expect(200);
        staff.send("DELETE", &format!("/v1/cases/{case}/team/{account}"), &[], None).expect(204);
        assert_eq!(partner.get(&format!("/v1/cases/{case}")).status, 404);
    }

    fn access_ends_with_the_team_and_with_the_case(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let (id, case) = hidden_person(&staff, "restricted");
        let place = format!("/v1/individuals/{id}");
        let account = admin.get("/v1/me").expect(200).body["id"].as_str().unwrap().to_owned();
        let team = format!("/v1/cases/{case}/team/{account}");
        staff.put(&team, &json!({})).expect(204);
        let etag = admin.get(&place).expect(200).etag();
        admin.patch(&place, &etag, &json!({"country": "VN"})).expect(200);
        staff.send("DELETE", &team, &[], None).expect(204);
        assert_eq!(admin.get(&place).status, 404, "an edit gave lasting access");
        staff.put(&team, &json!({})).expect(204);
        admin.get(&place).expect(200);
        let version = staff.get(&format!("/v1/cases/{case}")).expect(200).etag();
        staff.delete(&format!("/v1/cases/{case}"), &version).expect(204);
        assert_eq!(admin.get(&place).status, 404, "a retired case still lets its team in");
        assert_eq!(staff.get("/v1/individuals?q=%3F%3F").expect(422).pointer(), "/q");
    }

    fn a_field_above_the_level_is_not_there(house: &House) {
        let staff = house.staff();
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Guo Quan"}], "sharing": "partners", "notes": "inside", "religion": "none"}));
        let seen = house.partner().get(&format!("/v1/individuals/{id}")).expect(200);
        assert!(seen.body.get("notes").is_none() && seen.body["religion"] == "none");
        assert_eq!(staff.get(&format!("/v1/individuals/{id}")).expect(200).body["notes"], "inside");
        let unknown = house.partner().get("/v1/cases?officer=00000000-0000-4000-8000-000000000000");
        assert_eq!(unknown.expect(422).pointer(), "/officer");
    }
}

/// What a partner knows of the records, with the times of their changes.
fn known(partner: &Actor, places: &[&str]) -> Vec<Value> {
    let of = |place: &&str| {
        let answer = partner.get(place).expect(200);
        json!([place, answer.body, answer.etag()])
    };
    places.iter().map(of).collect()
}

on_both! {
    fn a_hidden_change_moves_nothing(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let hidden = |title: &str| staff.make("/v1/sources", &json!({"title": title, "reliability": "a"}));
        let (one, other) = (hidden("A relative"), hidden("A guard"));
        let source = format!("/v1/sources/{}", staff.make("/v1/sources", &json!({"title": "S", "reliability": "a", "sharing": "partners"})));
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Guo Quan"}], "sharing": "public", "source_id": one}));
        let person = format!("/v1/individuals/{id}");
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN", "sharing": "public", "source_id": one})));
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free them.", "sharing": "public"});
        let statement = format!("/v1/statements/{}", staff.make("/v1/statements", &text));
        let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}, "source_id": one});
        staff.make(&format!("{case}/custody"), &stage);
        let (file, custody, histories) = (format!("{person}/file"), format!("{case}/custody"), [format!("{person}/history"), format!("{case}/history"), format!("{statement}/history")]);
        let since = format!("/v1/individuals?updated_since={}", partner.get(&person).expect(200).body["created_at"].as_str().unwrap());
        let places = [&person, &source, &case, &statement, &file, &custody, &histories[0], &histories[1], &histories[2], &since].map(String::as_str);
        let before = known(&partner, &places);
        for place in [&person, &source, &case, &statement] {
            let text = partner.get(place).expect(200).text;
            assert!(!text.contains(&one), "{place} names a hidden source: {text}");
            staff.patch(place, &staff.get(place).etag(), &json!({"notes": "a hidden change"})).expect(200);
        }
        for place in [&person, &case, &statement] {
            staff.patch(place, &staff.get(place).etag(), &json!({"source_id": other})).expect(200);
        }
        let mut stricter = stage.clone();
        stricter["sharing"] = json!("internal");
        let inside = staff.make(&custody, &stricter);
        let mut newer = stage.clone();
        (newer["supersedes"], newer["reason"], newer["sharing"]) = (json!(inside), json!("a slip"), json!("internal"));
        staff.make(&custody, &newer);
        assert_eq!(known(&partner, &places), before);
        // The same for what everyone inside sees of a restricted one, and a visible change does move them.
        staff.patch(&person, &staff.get(&person).etag(), &json!({"religion": "none"})).expect(200);
        let moved = partner.get(&person).expect(200).body["updated_at"].clone();
        assert_ne!(moved, before[0][1]["updated_at"]);
        assert_eq!(staff.get(&person).expect(200).body["updated_at"], moved);
    }

    fn a_changed_fact_is_a_change_of_its_case(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Guo Quan"}], "sharing": "public"}));
        let case = staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN", "sharing": "public"}));
        let place = format!("/v1/cases/{case}");
        let first = partner.get(&place).expect(200).body["updated_at"].as_str().unwrap().to_owned();
        let health = |sharing: &str| json!({"holds_from": "2010", "particulars": {"severity": "serious"}, "sharing": sharing});
        staff.make(&format!("{place}/health"), &health("internal"));
        assert_eq!(partner.get(&place).expect(200).body["updated_at"], json!(first));
        let inside = staff.get(&place).expect(200).body["updated_at"].as_str().unwrap().to_owned();
        assert!(inside > first);
        let since = |actor: &Actor, from: &str| actor.get(&format!("/v1/cases?updated_since={from}")).expect(200).body["items"].as_array().unwrap().len();
        assert_eq!((since(&staff, &inside), since(&partner, &inside)), (1, 0));
        staff.make(&format!("{place}/health"), &health("partners"));
        assert_eq!((since(&staff, &inside), since(&partner, &inside)), (1, 1));
        assert!(partner.get(&place).expect(200).body["updated_at"].as_str().unwrap() > inside.as_str());
    }
}
