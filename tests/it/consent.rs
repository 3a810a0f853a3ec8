//! Consent to publicity, its override by two people, and the people around a prisoner.

use serde_json::{Value, json};

use crate::support::{Actor, House};

/// Whether the actor gets anything of the person, by the front and by the side paths.
fn told(actor: &Actor, id: &str) -> bool {
    let person = actor.get(&format!("/v1/individuals/{id}")).status == 200;
    let scan = actor
        .post("/v1/statements/scan", &json!({"text": "Free Hu Jia."}))
        .text
        .contains(id);
    let found = actor.get("/v1/individuals/match?name=Hu%20Jia").text.contains(id);
    let listed = actor.get("/v1/priorities?as_of=2010-05-10").text.contains(id);
    let cases = actor.get("/v1/cases").text.contains(id);
    assert!(
        [scan, found, listed, cases].iter().all(|side| *side == person),
        "{scan} {found} {listed} {cases} but {person}"
    );
    person
}

fn prisoner(staff: &Actor, sharing: &str) -> String {
    let id = staff.make_silent(
        "/v1/individuals",
        &json!({"names": [{"text": "Hu Jia"}], "sharing": sharing}),
    );
    let case = staff.make(
        "/v1/cases",
        &json!({"individual_id": id, "country": "CN", "sharing": sharing}),
    );
    let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
    staff.make(&format!("/v1/cases/{case}/custody"), &stage);
    staff.make(
        &format!("/v1/cases/{case}/sentences"),
        &json!({"holds_from": "2008", "particulars": {"kind": "life"}}),
    );
    staff.make(
        &format!("/v1/cases/{case}/health"),
        &json!({"holds_from": "2009", "particulars": {"severity": "critical"}}),
    );
    id
}

fn say(staff: &Actor, id: &str, state: &str, scopes: &[&str]) {
    let consent = json!({"state": state, "given_by": "family", "given_on": "2010-04", "scopes": scopes});
    staff
        .post(&format!("/v1/individuals/{id}/consents"), &consent)
        .expect(201);
}

on_both! {
    fn nothing_is_public_without_consent(house: &House) {
        let (staff, partner, dashboard) = (house.staff(), house.partner(), house.dashboard());
        let id = prisoner(&staff, "public");
        assert!(told(&staff, &id) && !told(&partner, &id));
        assert_eq!(staff.get(&format!("/v1/individuals/{id}")).expect(200).body["public_until"], Value::Null);
        for (state, scopes) in [("not_asked", &[][..]), ("cannot_be_obtained", &[]), ("refused", &[]), ("given", &["raising_in_public"])] {
            say(&staff, &id, state, scopes);
            assert!(!told(&partner, &id), "{state} {scopes:?}");
        }
        // Shared with partners is not public: a dashboard shows what is.
        say(&staff, &id, "given", &["partner_sharing", "health"]);
        assert!(told(&partner, &id));
        assert!(!dashboard.get("/v1/priorities?as_of=2010-05-10").expect(200).text.contains("Hu Jia"));
        assert_eq!(dashboard.get("/v1/counts?by=country").expect(200).body["items"], json!([]));
        say(&staff, &id, "given", &["raising_in_public", "name"]);
        assert!(told(&partner, &id));
        let list = dashboard.get("/v1/priorities?as_of=2010-05-10").expect(200);
        let reasons: Vec<&Value> = list.body["items"][0]["reasons"].as_array().unwrap().iter().map(|reason| &reason["code"]).collect();
        assert_eq!(reasons, ["long_sentence"], "nothing was said of health");
        let seen = partner.get(&format!("/v1/individuals/{id}")).expect(200);
        assert!(seen.body.get("public_until").is_none(), "consents are for those inside");
        say(&staff, &id, "given", &["raising_in_public", "name", "health"]);
        assert_eq!(dashboard.get("/v1/priorities?as_of=2010-05-10").expect(200).body["items"][0]["reasons"][0]["code"], "seriously_ill");
        let since = staff.get(&format!("/v1/individuals/{id}")).expect(200).body["updated_at"].as_str().unwrap().to_owned();
        assert!(partner.get(&format!("/v1/individuals?updated_since={since}")).expect(200).text.contains(&id), "whoever follows the changes learns of them");
        // Withdrawn: with the next request nothing is shown outside.
        say(&staff, &id, "withdrawn", &[]);
        assert!(!told(&partner, &id) && told(&staff, &id));
        assert!(!dashboard.get("/v1/priorities?as_of=2010-05-10").expect(200).text.contains("Hu Jia"));
        assert_eq!(partner.get(&format!("/v1/individuals/{id}/history")).expect(404).problem(), "not_found");
        let history = staff.get(&format!("/v1/individuals/{id}/history")).expect(200).text;
        assert!(history.contains("withdrawn") && history.contains("cannot_be_obtained"), "what was said is kept");
    }

    fn partners_need_a_consent_of_their_own(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let id = prisoner(&staff, "partners");
        assert!(!told(&partner, &id));
        say(&staff, &id, "given", &["partner_sharing"]);
        assert!(told(&partner, &id));
        let consent = json!({"state": "given", "given_by": "self", "given_on": "2009", "scopes": ["partner_sharing"], "expires_on": "2010-05-09"});
        staff.post(&format!("/v1/individuals/{id}/consents"), &consent).expect(201);
        assert!(!told(&partner, &id), "expired long ago");
        // Whoever holds the record sees it all the same.
        let own = house.staff_of("partner");
        assert!(told(&partner, &prisoner(&own, "public")));
    }

    fn an_override_takes_two(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let id = prisoner(&staff, "public");
        say(&staff, &id, "cannot_be_obtained", &[]);
        let place = format!("/v1/individuals/{id}/overrides");
        let proposal = json!({"scopes": ["raising_in_public", "name"], "reason": "held without contact"});
        let made = staff.make(&place, &proposal);
        assert!(!told(&partner, &id));
        let confirm = format!("{place}/{made}/confirm");
        assert_eq!(staff.send("POST", &confirm, &[], None).expect(409).problem(), "conflict", "one is not two");
        assert!(!told(&partner, &id));
        let confirmed = admin.send("POST", &confirm, &[], None).expect(200);
        assert_ne!(confirmed.body["confirmed_by"], confirmed.body["proposed_by"]);
        assert_eq!(admin.send("POST", &confirm, &[], None).expect(409).problem(), "conflict");
        assert!(told(&partner, &id));
        staff.send("POST", &format!("{place}/{made}/end"), &[], None).expect(200);
        assert!(!told(&partner, &id));
        // Whatever the person says ends what was decided for them: a narrower yes, and a no.
        let third = staff.make(&place, &proposal);
        admin.send("POST", &format!("{place}/{third}/confirm"), &[], None).expect(200);
        assert!(told(&partner, &id));
        say(&staff, &id, "given", &["raising_in_confidence"]);
        assert!(!told(&partner, &id));
        let again = staff.make(&place, &proposal);
        admin.send("POST", &format!("{place}/{again}/confirm"), &[], None).expect(200);
        assert!(told(&partner, &id));
        say(&staff, &id, "refused", &[]);
        assert!(!told(&partner, &id));
        assert_eq!(staff.get(&place).expect(200).body["items"].as_array().unwrap().len(), 3);
        for actor in [&partner, &house.dashboard()] {
            assert_eq!(actor.get(&place).expect(403).problem(), "forbidden");
        }
    }

    fn consents_that_are_not_what_they_must_be(house: &House) {
        let staff = house.staff();
        let id = prisoner(&staff, "public");
        let place = format!("/v1/individuals/{id}/consents");
        let given = |field: &str, value: Value| {
            let mut body = json!({"state": "given", "given_by": "self", "given_on": "2010", "scopes": ["name"]});
            body[field] = value;
            body
        };
        for (body, pointer) in [
            (given("scopes", json!([])), "/scopes"), (given("scopes", json!(["name", "name"])), "/scopes"), (given("scopes", json!(["everything"])), "/scopes/0"),
            (given("given_by", Value::Null), "/given_by"), (given("given_on", Value::Null), "/given_on"), (given("given_on", json!("2999")), "/given_on"),
            (given("expires_on", json!("2009-01-01")), "/expires_on"), (given("expires_on", json!("2011-01")), "/expires_on"), (given("state", json!("refused")), "/scopes"),
            (given("state", json!("maybe")), "/state"), (given("source_id", json!(id)), "/source_id"), (json!({}), "/state"),
        ] {
            assert_eq!(staff.post(&place, &body).expect(422).pointer(), pointer, "{body}");
        }
        let overrides = format!("/v1/individuals/{id}/overrides");
        for (body, pointer) in [(json!({"scopes": [], "reason": "r"}), "/scopes"), (json!({"scopes": ["name"]}), "/reason"), (json!({"scopes": ["name"], "reason": " "}), "/reason")] {
            assert_eq!(staff.post(&overrides, &body).expect(422).pointer(), pointer);
        }
        assert_eq!(staff.get(&place).expect(200).body["items"], json!([]));
    }

    fn family_and_lawyers_stay_restricted_unless_someone_opens_them(house: &House) {
        let staff = house.staff();
        let hu = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}));
        let person = |name: &str, sharing: &str| staff.make_silent("/v1/individuals", &json!({"names": [{"text": name}], "sharing": sharing}));
        let (wife, lawyer) = (person("Zeng Jinyan", "internal"), person("Li Fangping", "restricted"));
        let place = format!("/v1/individuals/{hu}/relations");
        for kind in ["spouse", "parent", "child", "sibling", "other_family", "lawyer"] {
            assert_eq!(staff.post(&place, &json!({"kind": kind, "other_id": wife})).expect(422).pointer(), "/opened_because", "{kind}");
        }
        assert_eq!(staff.post(&format!("/v1/individuals/{wife}/relations"), &json!({"kind": "client", "other_id": hu})).expect(422).pointer(), "/opened_because");
        staff.make(&place, &json!({"kind": "spouse", "other_id": wife, "opened_because": "she speaks in public"}));
        staff.make(&place, &json!({"kind": "lawyer", "other_id": lawyer}));
        staff.make(&place, &json!({"kind": "colleague", "other_id": person("Qi Zhiyong", "internal")}));
        let record = format!("/v1/individuals/{lawyer}");
        let open = |body: Value| staff.patch(&record, &staff.get(&record).expect(200).etag(), &body);
        assert_eq!(open(json!({"sharing": "internal"})).expect(422).pointer(), "/opened_because");
        open(json!({"country": "CN"})).expect(200);
        open(json!({"sharing": "internal", "opened_because": "he has asked for it"})).expect(200);
        assert!(staff.get(&format!("{record}/history")).expect(200).text.contains("he has asked for it"));
    }
}
