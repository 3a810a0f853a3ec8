//! The golden files: the OpenAPI document, the role matrix, the error codes. `CONSCIENCE_BLESS=1` writes them anew.
#![allow(clippy::disallowed_methods)]

use conscience::app::document::Document;
use conscience::base::error::Code;
use serde_json::Value;

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
            if let Some(body) = operation.get("requestBody") {
                assert!(
                    !body["content"]["application/json"]["example"].is_null(),
                    "{name} has no example of its body"
                );
            }
        }
    }
    assert!(count > 50, "{count}");
    assert_eq!(document["openapi"], Value::from("3.1.0"));
}
