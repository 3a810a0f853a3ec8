//! Records: made, changed, retired, and what their history says.

use serde_json::{Value, json};

use crate::support::{Actor, House};

fn person(staff: &Actor, name: &str, sharing: &str) -> String {
    staff.make(
        "/v1/individuals",
        &json!({"names": [{"text": name}], "sharing": sharing, "notes": "inside"}),
    )
}

fn case(staff: &Actor, individual: &str, sharing: &str) -> String {
    staff.post("/v1/cases", &json!({"individual_id": individual, "country": "CN", "sharing": sharing, "notes": "inside", "concerns": ["torture"]})).expect(201).id()
}

on_both! {
    fn a_change_needs_the_version_it_was_made_from(house: &House) {
        let staff = house.staff();
        let id = person(&staff, "Liu Xiaobo", "public");
        let place = format!("/v1/individuals/{id}");
        let first = staff.get(&place).expect(200);
        assert_eq!(staff.send("GET", &place, &[("if-none-match", &first.etag())], None).status, 304);
        assert_eq!(staff.raw("PATCH", &place, b"{}").expect(428).problem(), "precondition_required");
        let second = staff.patch(&place, &first.etag(), &json!({"born_on": "1955-12-28", "notes": null})).expect(200);
        assert_eq!(second.body["notes"], Value::Null);
        let late = staff.patch(&place, &first.etag(), &json!({"born_on": "1956"})).expect(412);
        assert_eq!((late.problem().as_str(), &late.body["current"]["born_on"]), ("precondition_failed", &json!("1955-12-28")));
        assert_eq!(late.etag(), second.etag(), "the current version");
        assert_eq!(staff.patch(&place, &second.etag(), &json!({"names": null})).expect(422).pointer(), "/names");
        assert_eq!(staff.get("/v1/individuals?born=1955").expect(200).body["items"].as_array().unwrap().len(), 1);
        assert_eq!(staff.get("/v1/individuals?born=1956").expect(200).body["items"].as_array().unwrap().len(), 0);
        staff.delete(&place, &second.etag()).expect(204);
        assert_eq!(staff.get(&place).expect(404).problem(), "not_found");
        assert_eq!(staff.get("/v1/individuals").expect(200).body["items"], json!([]));
        assert_eq!(staff.post("/v1/statements/scan", &json!({"text": "Liu Xiaobo"})).expect(200).body["mentions"], json!([]));
    }

    fn history_shows_each_reader_what_they_may_see(house: &House) {
        let staff = house.staff();
        let individual = person(&staff, "Guo Quan", "partners");
        let id = case(&staff, &individual, "partners");
        let place = format!("/v1/cases/{id}");
        let etag = staff.get(&place).expect(200).etag();
        staff.patch(&place, &etag, &json!({"summary": "New words.", "notes": "more inside"})).expect(200);
        let inside = staff.get(&format!("{place}/history")).expect(200);
        let entries = inside.body["items"].as_array().unwrap();
        assert_eq!(entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["created", "changed"]);
        assert_eq!(entries[1]["fields"]["summary"], json!({"from": null, "to": "New words."}));
        assert_eq!(entries[1]["fields"]["notes"], json!({"from": "inside", "to": "more inside"}));
        let outside = house.partner().get(&format!("{place}/history")).expect(200);
        assert!(outside.text.contains("New words.") && !outside.text.contains("inside"), "{}", outside.text);
        assert_eq!(house.dashboard().get(&format!("{place}/history")).status, 403);
        assert!(house.admin().get("/v1/audit").expect(200).text.contains(&id));
    }

    fn facts_are_superseded_or_retracted_never_overwritten(house: &House) {
        let staff = house.staff();
        let individual = person(&staff, "Chen Guangcheng", "public");
        let id = case(&staff, &individual, "public");
        let custody = format!("/v1/cases/{id}/custody");
        let stage = |day: &str, status: &str| json!({"holds_from": day, "particulars": {"status": status, "certainty": "confirmed"}});
        let first = staff.post(&custody, &stage("2006-06-10", "criminally_detained")).expect(201);
        let mut other = stage("2006-06-11", "released");
        other["supersedes"] = json!(first.id());
        assert_eq!(staff.post(&custody, &other).expect(422).pointer(), "/reason");
        other["reason"] = json!("another source");
        let second = staff.post(&custody, &other).expect(201);
        assert_eq!(staff.post(&custody, &other).expect(409).problem(), "conflict");
        let status = |actor: &Actor| actor.get(&format!("/v1/cases/{id}")).expect(200).body["current"]["custody"]["says"]["status"].clone();
        assert_eq!(status(&staff), "released");
        let listed = staff.get(&custody).expect(200).body["items"].clone();
        assert_eq!(listed[0]["superseded_by"].as_str().unwrap(), second.id());
        staff.post(&format!("{custody}/{}/retract", second.id()), &json!({"reason": "mistaken identity"})).expect(200);
        staff.post(&format!("{custody}/{}/retract", second.id()), &json!({"reason": "again"})).expect(409);
        assert_eq!(status(&staff), "criminally_detained");
        staff.post(&custody, &stage("2006-06-21", "arrested_pretrial")).expect(201);
        assert_eq!(status(&staff), "arrested_pretrial");
        assert_eq!(staff.get("/v1/cases?status=arrested_pretrial").expect(200).body["items"].as_array().unwrap().len(), 1);
        assert_eq!(staff.get("/v1/cases?status=released").expect(200).body["items"], json!([]));
        let rsdl = json!({"holds_from": "2006", "particulars": {"status": "residential_surveillance", "form": "rsdl", "certainty": "confirmed"}});
        assert_eq!(staff.post(&custody, &rsdl).expect(422).pointer(), "/particulars/form");
        let until = json!({"holds_from": "2006-06-10", "particulars": {"status": "released", "certainty": "confirmed", "until": "2005"}});
        assert_eq!(staff.post(&custody, &until).expect(422).pointer(), "/particulars/until");
        let history = staff.get(&format!("/v1/cases/{id}/history")).expect(200);
        assert!(history.text.contains("mistaken identity"));
    }

    fn a_person_with_cases_is_not_retired_and_no_case_is_more_open(house: &House) {
        let staff = house.staff();
        let individual = person(&staff, "Hu Jia", "internal");
        let open = staff.post("/v1/cases", &json!({"individual_id": individual, "country": "CN", "sharing": "public"}));
        assert_eq!(open.expect(422).pointer(), "/sharing");
        let id = case(&staff, &individual, "internal");
        let place = format!("/v1/individuals/{individual}");
        let etag = staff.get(&place).expect(200).etag();
        assert_eq!(staff.delete(&place, &etag).expect(409).problem(), "in_use");
        let closed = staff.patch(&place, &etag, &json!({"sharing": "restricted"}));
        assert_eq!(closed.expect(422).pointer(), "/sharing");
        let case_etag = staff.get(&format!("/v1/cases/{id}")).expect(200).etag();
        staff.delete(&format!("/v1/cases/{id}"), &case_etag).expect(204);
        staff.delete(&place, &staff.get(&place).expect(200).etag()).expect(204);
    }
}
