//! Every operation with the ids of real records that the caller may not see: the same answer as for no record.

use conscience::app::document::Document;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, House, PASSWORD};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// The ids of one restricted record of each kind, and of the open person whom they touch.
struct Hidden {
    person: String,
    case: String,
    fact: String,
    source: String,
    statement: String,
    mention: String,
    relation: String,
    judgement: String,
    merge: String,
    submission: String,
    open: String,
}

impl Hidden {
    fn made(house: &House) -> Self {
        let staff = &house.staff();
        let restricted = "restricted";
        let open = staff.make(
            "/v1/individuals",
            &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}),
        );
        let person = staff.make(
            "/v1/individuals",
            &json!({"names": [{"text": "Liu Xiaobo"}], "sharing": restricted}),
        );
        let case = staff.make(
            "/v1/cases",
            &json!({"individual_id": person, "country": "CN", "sharing": restricted}),
        );
        let health = json!({"holds_from": "2010", "particulars": {"severity": "serious"}});
        let fact = staff.make(&format!("/v1/cases/{case}/health"), &health);
        let source = staff.make(
            "/v1/sources",
            &json!({"title": "A relative", "reliability": "a", "sharing": restricted}),
        );
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free Hu Jia.", "sharing": restricted});
        let filed = staff.post("/v1/statements", &text).expect(201).body;
        let relation = staff.make(
            &format!("/v1/individuals/{open}/relations"),
            &json!({"kind": "lawyer", "other_id": person, "opened_because": "known"}),
        );
        let partners = house.partner().get("/v1/me").expect(200).body["organisation_id"].clone();
        let account = json!({"email": "confidant@example.org", "name": "C", "role": "partner", "organisation_id": partners, "password": PASSWORD});
        let confidant = house.admin().make("/v1/accounts", &account);
        staff
            .put(&format!("/v1/cases/{case}/team/{confidant}"), &json!({}))
            .expect(204);
        let submission = house.actor("confidant").make(
            &format!("/v1/cases/{case}/submissions"),
            &json!({"changes": {"summary": "In confidence."}}),
        );
        let judged = json!({"individual_id": open, "other_id": person, "verdict": "different"});
        let judgement = staff.make("/v1/individuals/judgements", &judged);
        let twice = json!({"names": [{"text": "Liu Hsiao-po"}], "sharing": restricted});
        let merge = staff.merge(&person, &staff.make("/v1/individuals", &twice));
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            person,
            case,
            fact,
            source,
            relation,
            judgement,
            merge,
            submission,
            open,
            statement: id(&filed["id"]),
            mention: id(&filed["mentions"][0]["id"]),
        }
    }

    fn all(&self) -> [&String; 10] {
        [
            &self.person,
            &self.case,
            &self.fact,
            &self.source,
            &self.statement,
            &self.mention,
            &self.relation,
            &self.judgement,
            &self.merge,
            &self.submission,
        ]
    }

    /// The path with the ids of hidden records, and the same with an unknown one in their place; nothing where the
    /// path names no record that can be hidden.
    fn filled(&self, path: &str, account: &str) -> Option<(String, String)> {
        let id = match path.split('/').nth(2)? {
            _ if path.contains("{relation_id}") => &self.open,
            _ if path.contains("{judgement_id}") => &self.open,
            "individuals" => &self.person,
            "merges" => &self.merge,
            "cases" => &self.case,
            "sources" => &self.source,
            "statements" => &self.statement,
            "submissions" => &self.submission,
            _ => return None,
        };
        let known = path
            .replace("{id}", id)
            .replace("{fact_id}", &self.fact)
            .replace("{mention_id}", &self.mention)
            .replace("{relation_id}", &self.relation)
            .replace("{judgement_id}", &self.judgement)
            .replace("{account_id}", account);
        Some((known.clone(), self.masked(&known)))
    }

    fn masked(&self, text: &str) -> String {
        self.all()
            .into_iter()
            .fold(text.to_owned(), |text, id| text.replace(id.as_str(), UNKNOWN))
    }

    /// All that a client reads, but for the request's id and the id asked for.
    fn read(&self, answer: &Answer) -> Value {
        let mut body: Value = serde_json::from_str(&self.masked(&answer.text)).unwrap_or(Value::Null);
        if !body["request_id"].is_null() {
            body["request_id"] = Value::Null;
        }
        let header = |name| answer.header(name).to_owned();
        json!([
            answer.status,
            body,
            header("etag"),
            header("allow"),
            header("location"),
            header("content-type")
        ])
    }
}

fn every_role(house: &House) -> Vec<(&'static str, Actor)> {
    ["admin", "partner", "stranger", "dashboard"]
        .map(|name| (name, house.actor(name)))
        .into()
}

on_both! {
    fn hidden_in_the_path_is_absent(house: &House) {
        let hidden = Hidden::made(house);
        let document = Document::made().value;
        let mut calls = 0;
        for (name, actor) in every_role(house) {
            let account = house.staff().account();
            for (path, item) in document["paths"].as_object().unwrap() {
                let Some((known, unknown)) = hidden.filled(path, &account) else { continue };
                if known == unknown {
                    continue;
                }
                for (method, operation) in item.as_object().unwrap() {
                    // An administrator may join the team of a record that they cannot see: a recorded act.
                    if operation["x-permission"] == "JoinTeams" && name == "admin" {
                        continue;
                    }
                    let body = operation["requestBody"]["content"]["application/json"]["example"].to_string();
                    let body = (!operation["requestBody"].is_null()).then_some(body.as_bytes());
                    let headers = [("content-type", "application/json"), ("if-match", "*")];
                    let call = |place: &str| hidden.read(&actor.send(&method.to_uppercase(), place, &headers, body));
                    let told = call(&known);
                    assert_eq!(told, call(&unknown), "{method} {path} as {name}");
                    assert!([403, 404].contains(&told[0].as_u64().unwrap()), "{method} {path} as {name}: {told}");
                    calls += 1;
                }
            }
        }
        assert!(calls > 150, "{calls}");
        // And nothing happened to them.
        let staff = house.staff();
        for place in [format!("/v1/individuals/{}", hidden.person), format!("/v1/cases/{}", hidden.case), format!("/v1/sources/{}", hidden.source), format!("/v1/statements/{}", hidden.statement)] {
            staff.get(&place).expect(200);
        }
        assert_eq!(staff.get(&format!("/v1/individuals/{}/relations", hidden.open)).expect(200).body["items"].as_array().unwrap().len(), 1);
    }

    fn hidden_in_a_body_or_a_query_is_absent(house: &House) {
        let hidden = Hidden::made(house);
        let admin = house.admin();
        let person = |field: &str, id: &str| json!({"names": [{"text": "A B"}], field: id});
        let statement = |field: &str, value: Value| {
            let mut body = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Other words."});
            body[field] = value;
            body
        };
        let open = format!("/v1/cases/{}", admin.make("/v1/cases", &json!({"individual_id": hidden.open, "country": "CN"})));
        let text = admin.make("/v1/statements", &json!({"title": "U", "kind": "letter", "issued_on": "2010", "language": "en", "text": "More words."}));
        let health = |field: &str, id: &str| json!({"holds_from": "2010", "particulars": {"severity": "mild"}, "reason": "r", field: id});
        for (path, body) in [
            ("/v1/individuals".to_owned(), person("source_id", &hidden.source)),
            ("/v1/cases".to_owned(), json!({"individual_id": hidden.person, "country": "CN"})),
            ("/v1/cases".to_owned(), json!({"individual_id": hidden.open, "country": "CN", "source_id": hidden.source})),
            (format!("{open}/health"), health("source_id", &hidden.source)),
            (format!("{open}/health"), health("supersedes", &hidden.fact)),
            ("/v1/sources".to_owned(), json!({"title": "S", "reliability": "a", "statement_id": hidden.statement})),
            ("/v1/statements".to_owned(), statement("source_id", json!(hidden.source))),
            ("/v1/statements".to_owned(), statement("related", json!([{"kind": "answers", "statement_id": hidden.statement}]))),
            (format!("/v1/statements/{text}/mentions"), json!({"individual_id": hidden.person, "start": 0, "end": 4})),
            (format!("/v1/individuals/{}/relations", hidden.open), json!({"kind": "lawyer", "other_id": hidden.person, "opened_because": "known"})),
            ("/v1/individuals/judgements".to_owned(), json!({"individual_id": hidden.open, "other_id": hidden.person, "verdict": "same"})),
            ("/v1/individuals".to_owned(), json!({"names": [{"text": "A B"}], "another_person": [hidden.person]})),
        ] {
            let told = hidden.read(&admin.post(&path, &body));
            let unknown: Value = serde_json::from_str(&hidden.masked(&body.to_string())).unwrap();
            assert_eq!(told, hidden.read(&admin.post(&path, &unknown)), "{path} {body}");
            assert_eq!(told[0], 422, "{path} {body}: {told}");
        }
        for (name, actor) in every_role(house) {
            for query in [format!("/v1/cases?individual={}", hidden.person), format!("/v1/audit?record_id={}", hidden.person), format!("/v1/audit?record_id={}", hidden.case), format!("/v1/audit?record_id={}", hidden.mention), format!("/v1/audit?record_id={}", hidden.submission), format!("/v1/submissions?case={}", hidden.case), format!("/v1/merges?individual={}", hidden.person), format!("/v1/individuals/judgements?individual={}", hidden.person)] {
                assert_eq!(hidden.read(&actor.get(&query)), hidden.read(&actor.get(&hidden.masked(&query))), "{query} as {name}");
            }
        }
    }

    fn what_only_a_team_sees_outlives_what_others_do(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let person = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}));
        let place = format!("/v1/individuals/{person}");
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": person, "country": "CN", "sharing": "restricted"})));
        // The administrator sees no case, so nothing tells them of one.
        admin.delete(&place, &admin.get(&place).etag()).expect(204);
        assert_eq!(admin.get(&place).status, 404);
        staff.get(&case).expect(200);
        staff.get(&place).expect(200);
        assert!(admin.get(&format!("/v1/audit?record_id={person}")).expect(200).text.contains("Hu Jia"));
        // A former officer is out, and so is a dashboard, whatever it was before.
        let organisation = admin.get("/v1/me").expect(200).body["organisation_id"].clone();
        let new = json!({"email": "officer@example.org", "name": "O", "role": "staff", "organisation_id": organisation, "password": crate::support::PASSWORD});
        let id = admin.make("/v1/accounts", &new);
        let officer = house.actor("officer");
        staff.patch(&case, &staff.get(&case).etag(), &json!({"officer_id": id})).expect(200);
        officer.get(&case).expect(200);
        staff.patch(&case, &staff.get(&case).etag(), &json!({"officer_id": staff.account()})).expect(200);
        assert_eq!(officer.get(&case).status, 404);
        let team = format!("{case}/team/{id}");
        staff.put(&team, &json!({})).expect(204);
        officer.get(&case).expect(200);
        let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
        staff.make(&format!("{case}/custody"), &stage);
        staff.make(&format!("{case}/health"), &json!({"holds_from": "2009", "particulars": {"severity": "critical"}}));
        assert!(officer.get("/v1/priorities").expect(200).text.contains("Hu Jia"));
        let account = format!("/v1/accounts/{id}");
        admin.patch(&account, &admin.get(&account).etag(), &json!({"role": "dashboard"})).expect(200);
        let seen = house.actor("officer").get("/v1/priorities").expect(200).text;
        assert!(!seen.contains("Hu Jia"), "{seen}");
        assert_eq!(partner.get(&case).status, 404);
    }

    fn what_was_said_in_confidence_is_not_told_when_a_record_is_opened(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}, {"text": "Secret Alias"}], "sharing": "restricted"}));
        let person = format!("/v1/individuals/{id}");
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN", "sharing": "restricted", "summary": "told by guard Wang"})));
        let change = |place: &str, body: Value| staff.patch(place, &staff.get(place).expect(200).etag(), &body).expect(200);
        change(&person, json!({"names": [{"text": "Hu Jia"}]}));
        change(&case, json!({"summary": null}));
        change(&person, json!({"sharing": "public"}));
        staff.consented(&id);
        change(&case, json!({"sharing": "public"}));
        change(&case, json!({"summary": "An activist."}));
        for actor in [&admin, &partner] {
            for place in [&case, &person] {
                let told = actor.get(&format!("{place}/history")).expect(200).text;
                assert!(!told.contains("guard Wang") && !told.contains("Secret Alias"), "{told}");
            }
            assert!(actor.get(&format!("{case}/history")).expect(200).text.contains("An activist."));
        }
        assert!(!admin.get("/v1/audit?limit=200").expect(200).text.contains("guard Wang"));
        let own = staff.get(&format!("{case}/history")).expect(200).text;
        assert!(own.contains("guard Wang") && own.contains("An activist."), "its team knew it: {own}");
    }

    fn a_team_of_an_open_case_opens_nothing_else(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN"})));
        staff.put(&format!("{case}/team/{}", partner.account()), &json!({})).expect(204);
        assert_eq!((partner.get(&case).status, partner.get(&format!("/v1/individuals/{id}")).status), (404, 404));
        assert_eq!(partner.post("/v1/statements/scan", &json!({"text": "Hu Jia"})).expect(200).body["mentions"], json!([]));
    }

    fn a_fact_is_not_replaced_behind_its_owners_back(house: &House) {
        let (staff, own, partner) = (house.staff(), house.staff_of("partner"), house.partner());
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}));
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN", "sharing": "public"})));
        let health = format!("{case}/health");
        let report = |sharing: &str, old: Option<&str>| {
            let mut body = json!({"holds_from": "2010", "particulars": {"severity": "serious"}, "sharing": sharing});
            if let Some(old) = old {
                (body["supersedes"], body["reason"]) = (json!(old), json!("the guard was wrong"));
            }
            body
        };
        let theirs = own.make(&health, &report("internal", None));
        assert_eq!(partner.get(&health).expect(200).body["items"].as_array().unwrap().len(), 1);
        assert_eq!(staff.post(&health, &report("internal", Some(&theirs))).expect(422).pointer(), "/sharing");
        let mut without = report("public", None);
        without["reason"] = json!("why");
        assert_eq!(staff.post(&health, &without).expect(422).pointer(), "/reason");
        // Why a hidden fact was replaced speaks of that fact.
        let hidden = staff.make(&health, &report("restricted", None));
        let shown = staff.make(&health, &report("internal", Some(&hidden)));
        let admin = house.admin();
        let seen = admin.get(&format!("{health}/{shown}")).expect(200);
        assert_eq!((&seen.body["supersedes"], &seen.body["reason"]), (&Value::Null, &Value::Null));
        assert!(!admin.get(&format!("{case}/history")).expect(200).text.contains("the guard was wrong"));
        assert!(!admin.get("/v1/audit?limit=200").expect(200).text.contains("the guard was wrong"));
    }

    fn what_an_editor_does_not_see_stays(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let source = staff.make("/v1/sources", &json!({"title": "A relative", "reliability": "a", "sharing": "restricted"}));
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
        let person = format!("/v1/individuals/{id}");
        let text = |text: &str, sharing: &str| json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": text, "sharing": sharing});
        let hidden = staff.make("/v1/statements", &text("In confidence.", "restricted"));
        let statement = format!("/v1/statements/{}", staff.make("/v1/statements", &text("In public.", "internal")));
        let before = admin.get(&person).expect(200);
        let seen = admin.get("/v1/individuals?updated_since=2020-01-01T00:00:00Z").expect(200).text;
        staff.patch(&person, &staff.get(&person).etag(), &json!({"source_id": source})).expect(200);
        let link = json!([{"kind": "answers", "statement_id": hidden}]);
        staff.patch(&statement, &staff.get(&statement).etag(), &json!({"related": link})).expect(200);
        assert_eq!((admin.get(&person).etag(), admin.get("/v1/individuals?updated_since=2020-01-01T00:00:00Z").text), (before.etag(), seen));
        // What they read is what they write back.
        admin.patch(&person, &before.etag(), &json!({"source_id": null, "country": "CN"})).expect(200);
        assert_eq!(staff.get(&person).expect(200).body["source_id"], json!(source));
        let oracle = admin.patch(&statement, &admin.get(&statement).etag(), &json!({"related": link}));
        assert_eq!(oracle.expect(422).pointer(), "/related/0/statement_id");
        admin.patch(&statement, &admin.get(&statement).etag(), &json!({"related": []})).expect(200);
        assert_eq!(staff.get(&statement).expect(200).body["related"], link);
    }

    fn a_restricted_record_keeps_a_reader(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let organisation = admin.get("/v1/me").expect(200).body["organisation_id"].clone();
        let new = json!({"email": "second@example.org", "name": "S", "role": "staff", "organisation_id": organisation, "password": crate::support::PASSWORD});
        let second = admin.make("/v1/accounts", &new);
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
        let body = json!({"individual_id": id, "country": "CN", "officer_id": staff.account()});
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &body));
        // Whoever closes a case is not thrown out by it.
        staff.patch(&case, &staff.get(&case).etag(), &json!({"sharing": "restricted", "officer_id": null})).expect(200);
        staff.get(&case).expect(200);
        staff.put(&format!("{case}/team/{second}"), &json!({})).expect(204);
        let account = format!("/v1/accounts/{second}");
        admin.patch(&account, &admin.get(&account).etag(), &json!({"disabled": true})).expect(200);
        let leave = staff.send("DELETE", &format!("{case}/team/{}", staff.account()), &[], None);
        assert_eq!(leave.expect(409).problem(), "in_use", "the other cannot log in any more");
    }
}
