//! The golden files: the OpenAPI document, the role matrix, the error codes. `CONSCIENCE_BLESS=1` writes them anew.
#![allow(clippy::disallowed_methods)]

use conscience::app::document::Document;
use conscience::base::error::Code;
use serde_json::{Value, json};

use crate::support::{House, Kind};

fn golden(path: &str, made: &str) {
    let path = format!("{}/openapi/{path}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CONSCIENCE_BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{path} is not what the code says: look at the difference, then CONSCIENCE_BLESS=1 cargo test documents"
    );
}

#[test]
fn the_openapi_document_is_as_checked_in() {
    golden("openapi.json", &Document::made().text);
}

#[test]
fn the_role_matrix_is_as_checked_in() {
    golden("role-matrix.txt", &Document::made().role_matrix());
}

#[test]
fn the_error_codes_are_as_checked_in() {
    let lines: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("{} {} {}", code.status(), code.slug(), code.title()))
        .collect();
    golden("error-codes.txt", &(lines.join("\n") + "\n"));
}

#[test]
fn every_operation_says_what_it_does_with_an_example_and_its_errors() {
    let document = Document::made().value;
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            count += 1;
            for text in ["summary", "description", "operationId"] {
                assert!(
                    operation[text].as_str().is_some_and(|text| !text.is_empty()),
                    "{name} has no {text}"
                );
            }
            if path.starts_with("/v1/") {
                assert!(operation["x-permission"].is_string(), "{name} has no permission");
                assert!(operation["responses"].get("503").is_some(), "{name} has no errors");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                for body in response["content"]
                    .as_object()
                    .into_iter()
                    .flat_map(|content| content.values())
                {
                    assert!(!body["example"].is_null(), "{name} has no example of its {status}");
                }
            }
            if let Some(body) = operation.get("requestBody") {
                let kinds = body["content"].as_object().unwrap();
                assert!(
                    !kinds.is_empty() && kinds.values().all(|kind| !kind["example"].is_null()),
                    "{name} has no example of its body"
                );
            }
        }
    }
    assert!(count > 50, "{count}");
    assert_eq!(document["openapi"], Value::from("3.1.0"));
}

/// Real answers of the sample, by the name of their schema; the same bytes in every run, since time and randomness
/// are given.
#[test]
fn the_examples_are_answers_of_the_sample() {
    let house = House::with_sample(Kind::Sqlite);
    let (admin, staff) = (house.admin(), house.staff());
    let found = |path: &str| staff.get(path).expect(200).body;
    let hu = found("/v1/individuals?q=hu+jia")["items"][0].clone();
    let person = hu["id"].as_str().unwrap();
    let case = found(&format!("/v1/cases?individual={person}"))["items"][0].clone();
    let part = |place: &str| found(&format!("/v1/cases/{}/{place}", case["id"].as_str().unwrap()))["items"][0].clone();
    let text = json!({"title": "Raise individual cases", "kind": "press_release", "issued_on": "2010-05-10", "language": "en",
        "text": "We call for the release of Hu Jia."});
    let statement = staff.post("/v1/statements", &text).expect(201).body;
    let consent = json!({"state": "given", "given_by": "family", "given_on": "2010-04", "scopes": ["raising_in_public", "name", "health"]});
    let consent = staff
        .post(&format!("/v1/individuals/{person}/consents"), &consent)
        .expect(201)
        .body;
    let client = json!({"account_id": staff.account(), "name": "Nightly import", "scopes": ["read"], "addresses": ["192.0.2.0/24"]});
    let entry = admin.get("/v1/audit").expect(200).body["items"][0].clone();
    let proposed = json!({"changes": {"impugned_activity": "Wrote on behalf of people with HIV/AIDS."},
        "facts": {"health": [{"holds_from": "2010-05-04", "particulars": {"severity": "serious"}}]}});
    let place = format!("/v1/cases/{}/submissions", case["id"].as_str().unwrap());
    house.partner().post(&place, &proposed).expect(201);
    let other = found("/v1/individuals?q=zeng+jinyan")["items"][0]["id"].clone();
    let judged =
        json!({"individual_id": person, "other_id": other, "verdict": "different", "reason": "Husband and wife."});
    let judged = staff.post("/v1/individuals/judgements", &judged).expect(201).body;
    let twice = json!({"names": [{"text": "Hu Jia"}, {"text": "Hu Chia"}], "identifiers": [{"register": "CECC", "value": "2004-05001"}], "sharing": "public", "another_person": [person]});
    let twice = staff.make_silent("/v1/individuals", &twice);
    let kept = staff.make_silent(
        "/v1/individuals",
        &json!({"names": [{"text": "胡佳"}], "sharing": "public"}),
    );
    let merge = staff.merge(&kept, &twice);
    let merge = found(&format!("/v1/merges/{merge}"));
    let examples = json!({
        "JudgementOut": judged,
        "MergeOut": merge,
        "ConsentOut": consent,
        "OverrideOut": found(&format!("/v1/individuals/{person}/overrides"))["items"][0],
        "AccountOut": admin.get("/v1/accounts").expect(200).body["items"][0],
        "OrganisationOut": found("/v1/organisations")["items"][0],
        "SourceOut": found("/v1/sources")["items"][0],
        "IndividualOut": hu,
        "RelationOut": found(&format!("/v1/individuals/{person}/relations"))["items"][0],
        "CaseOut": case,
        "FactOut_Custody": part("custody"),
        "FactOut_Charge": part("charges"),
        "FactOut_Sentence": part("sentences"),
        "FactOut_Health": part("health"),
        "MentionOut": statement["mentions"][0],
        "StatementOut": statement,
        "SubmissionOut": found("/v1/submissions")["items"][0],
        "EntryOut": entry,
        "ClientOut": admin.post("/v1/clients", &client).expect(201).body["client"],
    });
    golden(
        "examples.json",
        &(serde_json::to_string_pretty(&examples).unwrap() + "\n"),
    );
}

#[test]
fn every_field_of_a_record_says_who_is_shown_it() {
    let document = Document::made().value;
    for name in [
        "AccountOut",
        "ClientOut",
        "OrganisationOut",
        "SourceOut",
        "IndividualOut",
        "RelationOut",
        "CaseOut",
        "FactOut_Custody",
        "FactOut_Charge",
        "FactOut_Sentence",
        "FactOut_Health",
        "StatementOut",
        "MentionOut",
        "ConsentOut",
        "OverrideOut",
        "SubmissionOut",
        "JudgementOut",
        "MergeOut",
    ] {
        let fields = document["components"]["schemas"][name]["properties"]
            .as_object()
            .unwrap();
        for (field, schema) in fields {
            assert!(schema["x-sharing"].is_string(), "{name}.{field}");
        }
    }
}
