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
        staff.post("/v1/individuals", &json!({"names": [{"text": "Liu Xiaobo"}], "sharing": "public"})).expect(201);
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
        let id = staff.post("/v1/individuals", &json!({"names": [{"text": "Guo Quan"}], "sharing": "partners", "notes": "inside", "religion": "none"})).expect(201).id();
        let seen = house.partner().get(&format!("/v1/individuals/{id}")).expect(200);
        assert!(seen.body.get("notes").is_none() && seen.body["religion"] == "none");
        assert_eq!(staff.get(&format!("/v1/individuals/{id}")).expect(200).body["notes"], "inside");
        let unknown = house.partner().get("/v1/cases?officer=00000000-0000-4000-8000-000000000000");
        assert_eq!(unknown.expect(422).pointer(), "/officer");
    }
}
