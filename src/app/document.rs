//! The OpenAPI document: what the rooms say of themselves, completed with what holds for all of them.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::access::accounts::AccountRow;
use crate::access::allowed::UNCOUNTED;
use crate::access::clients::ClientRow;
use crate::access::ledger::{Classes, Record};
use crate::access::permission;
use crate::base::choice::Choice;
use crate::base::error::Code;
use crate::base::words::Scope;
use crate::cases::{CaseRow, FactRow};
use crate::individuals::IndividualRow;
use crate::individuals::consent::{ConsentRow, OverrideRow};
use crate::individuals::judgements::JudgementRow;
use crate::individuals::merges::MergeRow;
use crate::individuals::relations::RelationRow;
use crate::organisations::OrganisationRow;
use crate::sources::SourceRow;
use crate::statements::{MentionRow, StatementRow};
use crate::submissions::SubmissionRow;

/// The document, and what is known of its paths.
pub struct Document {
    /// The document.
    pub value: Value,
    /// The same, as sent.
    pub text: String,
    paths: Vec<(Vec<String>, String)>,
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

impl Document {
    /// Made from the rooms.
    #[must_use]
    pub fn made() -> Self {
        let mut value = serde_json::to_value(super::told()).unwrap_or_default();
        value["info"] = json!({
            "title": "Conscience",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Case tracking for prisoners of conscience: individuals, their cases, custody, charges, sentences and health, the statements that mention them, and whom to raise first, and why.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        });
        complete(&mut value);
        refer_to_items(&mut value);
        tell_sharing(&mut value);
        super::examples::add(&mut value);
        value["components"]["securitySchemes"] = json!({"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token, or a client's key"},
                "client": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes()}}}});
        value["components"]["schemas"]["Problem"] = problem_schema();
        value["components"]["headers"] = headers();
        let paths = paths_of(&value);
        let text = serde_json::to_string_pretty(&value).unwrap_or_default() + "\n";
        Self { value, text, paths }
    }

    /// The methods that a path knows, for `Allow`; none where there is no such path.
    #[must_use]
    pub fn methods_of(&self, path: &str) -> Option<String> {
        let asked: Vec<&str> = path.split('/').collect();
        let fits = |template: &Vec<String>| {
            template.len() == asked.len()
                && template
                    .iter()
                    .zip(&asked)
                    .all(|(part, given)| part.starts_with('{') || part == given)
        };
        self.paths
            .iter()
            .find(|(template, _)| fits(template))
            .map(|(_, methods)| methods.clone())
    }

    /// The operations that know query parameters.
    #[must_use]
    pub fn asking(&self) -> HashSet<String> {
        let mut asking = HashSet::new();
        for (path, item) in entries(&self.value["paths"]) {
            for method in METHODS {
                let parameters = item[method]["parameters"].as_array().into_iter().flatten();
                if parameters.clone().any(|parameter| parameter["in"] == "query") {
                    asking.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        asking
    }

    /// Permission by role and operation by permission, as a text that is checked in.
    #[must_use]
    pub fn role_matrix(&self) -> String {
        let mut lines = vec![
            "# Generated: which role may call which operation. x = may, . = 403; nobody = without a token.".to_owned(),
        ];
        lines.push(format!(
            "{:<44} {:<22} nobody admin staff partner dashboard",
            "operation", "permission"
        ));
        for (path, item) in entries(&self.value["paths"]) {
            for method in METHODS {
                let operation = &item[method];
                if operation.is_null() {
                    continue;
                }
                let name = operation["x-permission"].as_str().unwrap_or("-");
                let open = name == "-" || name == "Stranger";
                let mark = |may: bool| if may { "x" } else { "." };
                let row = permission::TABLE.iter().find(|row| row.name == name);
                let roles: Vec<&str> = crate::base::words::Role::ALL
                    .iter()
                    .map(|role| mark(open || row.is_some_and(|row| row.roles.contains(role))))
                    .collect();
                lines.push(format!(
                    "{:<6} {path:<52} {name:<20} {} {}",
                    method.to_uppercase(),
                    mark(open),
                    roles.join(" ")
                ));
            }
        }
        lines.join("\n") + "\n"
    }
}

fn entries(value: &Value) -> BTreeMap<&String, &Value> {
    value.as_object().map(|map| map.iter().collect()).unwrap_or_default()
}

fn paths_of(document: &Value) -> Vec<(Vec<String>, String)> {
    let mut paths: Vec<(Vec<String>, String)> = entries(&document["paths"])
        .into_iter()
        .map(|(path, item)| {
            let methods: Vec<String> = METHODS
                .iter()
                .filter(|method| !item[**method].is_null())
                .map(|method| method.to_uppercase())
                .collect();
            (path.split('/').map(str::to_owned).collect(), methods.join(", "))
        })
        .collect();
    paths.push((vec![String::new(), "openapi.json".to_owned()], "GET".to_owned()));
    paths.push((vec![String::new(), "errors".to_owned()], "GET".to_owned()));
    // A literal segment wins over a parameter, as it does in the router.
    paths.sort_by_key(|(template, _)| template.iter().filter(|part| part.starts_with('{')).count());
    paths
}

/// Adds to each operation who may call it and the errors that it can answer.
fn complete(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, item) in paths.iter_mut() {
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else {
                continue;
            };
            settle_extensions(operation);
            let permission = operation["x-permission"].as_str().map(str::to_owned);
            let closed = permission.as_deref().is_some_and(|name| name != "Stranger");
            let has_body = !operation["requestBody"].is_null();
            let counted = !UNCOUNTED.contains(&path.as_str());
            let mut codes = vec![Code::Internal, Code::Unavailable];
            if counted {
                codes.push(Code::TooManyRequests);
            }
            if closed {
                // Every operation refuses query parameters that it does not know.
                codes.extend([Code::Unauthorised, Code::Forbidden, Code::Invalid]);
                let row = permission::TABLE
                    .iter()
                    .find(|row| Some(row.name) == permission.as_deref());
                let scopes: Vec<&str> = row
                    .map_or(&[][..], |row| row.scopes)
                    .iter()
                    .map(|scope| scope.slug())
                    .collect();
                operation["security"] = if scopes.is_empty() {
                    json!([{"bearer": []}])
                } else {
                    // In any of its scopes a client may.
                    let any = scopes.iter().map(|scope| json!({"client": [scope]}));
                    std::iter::once(json!({"bearer": []})).chain(any).collect()
                };
                if row.is_some_and(|row| row.anew) {
                    operation["x-anew"] = json!(true);
                }
            } else {
                operation["security"] = json!([]);
            }
            if permission.as_deref() == Some("Stranger") {
                codes.extend([Code::InvalidCredentials, Code::SecondFactorRequired]);
            }
            if path.contains('{') {
                codes.push(Code::NotFound);
            }
            if method == "get" && ["/v1/individuals/{id}", "/v1/individuals/{id}/file"].contains(&path.as_str()) {
                codes.push(Code::Merged);
            }
            if has_body {
                codes.extend([
                    Code::MalformedJson,
                    Code::TooLarge,
                    Code::UnsupportedMediaType,
                    Code::Invalid,
                ]);
            }
            if (method == "post" && path == "/v1/individuals") || (method == "patch" && path == "/v1/individuals/{id}")
            {
                codes.push(Code::PossibleDuplicates);
            }
            let conditional = method == "post" && !operation["x-conditional"].is_null();
            if conditional || method == "patch" || (method == "delete" && operation["x-unconditional"].is_null()) {
                codes.extend([Code::PreconditionFailed, Code::PreconditionRequired]);
            }
            if matches!(method, "patch" | "delete" | "put") || (method == "post" && (has_body || path.contains('{'))) {
                codes.push(Code::Conflict);
            }
            let responses = &mut operation["responses"];
            for code in codes {
                let status = code.status().to_string();
                if responses[&status].is_null() {
                    responses[&status] = problem_response(code);
                }
            }
            tell_headers(responses, counted);
        }
    }
}

/// What a client may be let do, for the document.
fn scopes() -> Map<String, Value> {
    Scope::ALL
        .iter()
        .map(|scope| (scope.slug().to_owned(), json!(scope.label())))
        .collect()
}

/// Says of each answer which headers tell the caller when to ask again.
fn tell_headers(responses: &mut Value, counted: bool) {
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        let waits = matches!(status.as_str(), "429" | "503").then_some("Retry-After");
        // Every answer carries them; they are told where a client is written for.
        let told = counted && (status.starts_with('2') || status == "429");
        let counts = ["RateLimit-Policy", "RateLimit"].into_iter().filter(|_| told);
        for name in counts.chain(waits) {
            response["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
    }
}

/// The headers that answers refer to.
fn headers() -> Value {
    json!({
        "RateLimit-Policy": {
            "description": "How much the caller may ask: `q` requests in `w` seconds, by account, or by address where there is no valid token; counted by each process for itself",
            "schema": {"type": "string"},
            "example": "\"account\";q=6000;w=60",
        },
        "RateLimit": {
            "description": "What is left of it: `r` requests, and in `t` seconds all of them again",
            "schema": {"type": "string"},
            "example": "\"account\";r=5999;t=1",
        },
        "Retry-After": {
            "description": "How many seconds to wait",
            "schema": {"type": "integer"},
            "example": 1,
        },
    })
}

/// What each record's answers hold, and the table of classes that decides who gets which field.
fn classes() -> Vec<(&'static str, Classes)> {
    let mut known = vec![
        ("AccountOut", AccountRow::CLASSES),
        ("ClientOut", ClientRow::CLASSES),
        ("OrganisationOut", OrganisationRow::CLASSES),
        ("SourceOut", SourceRow::CLASSES),
        ("IndividualOut", IndividualRow::CLASSES),
        ("RelationOut", RelationRow::CLASSES),
        ("JudgementOut", JudgementRow::CLASSES),
        ("MergeOut", MergeRow::CLASSES),
        ("CaseOut", CaseRow::CLASSES),
        ("StatementOut", StatementRow::CLASSES),
        ("MentionOut", MentionRow::CLASSES),
        ("ConsentOut", ConsentRow::CLASSES),
        ("OverrideOut", OverrideRow::CLASSES),
        ("SubmissionOut", SubmissionRow::CLASSES),
    ];
    let facts = [
        "FactOut_Custody",
        "FactOut_Charge",
        "FactOut_Sentence",
        "FactOut_Health",
    ];
    known.extend(facts.map(|name| (name, FactRow::CLASSES)));
    known
}

/// A list refers to what it lists: each thing is told once, with who is shown which field.
fn refer_to_items(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    let known: Vec<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let item = match name.split_once('_') {
            Some(("Page", item)) => item.to_owned(),
            _ => continue,
        };
        if known.contains(&item) {
            schema["properties"]["items"]["items"] = json!({"$ref": format!("#/components/schemas/{item}")});
        }
    }
}

/// Says of each field of a record who is shown it.
fn tell_sharing(document: &mut Value) {
    for (name, classes) in classes() {
        let Some(fields) = document["components"]["schemas"][name]["properties"].as_object_mut() else {
            continue;
        };
        for (field, schema) in fields {
            if let Some((_, class)) = classes.iter().find(|(known, _)| known == field) {
                schema["x-sharing"] = json!(class);
            }
        }
    }
}

/// Extensions come from a hash map: in the order of their names the document is the same every time.
fn settle_extensions(operation: &mut Value) {
    let Some(fields) = operation.as_object_mut() else {
        return;
    };
    let mut extensions: Vec<(String, Value)> = fields
        .iter()
        .filter(|(name, _)| name.starts_with("x-"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    extensions.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, value) in extensions {
        fields.shift_remove(&name);
        fields.insert(name, value);
    }
}

fn problem_response(code: Code) -> Value {
    json!({
        "description": code.title(),
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": {"type": format!("/errors#{}", code.slug()), "title": code.title(), "status": code.status(), "code": code.slug(), "detail": code.title(), "request_id": "9b2f8a4e-6f0e-4a53-8f6b-2f6f4b1f7a11"},
        }},
    })
}

fn problem_schema() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.slug()).collect();
    let mut properties = Map::new();
    for (name, schema) in [
        (
            "type",
            json!({"type": "string", "description": "Where the code is explained"}),
        ),
        ("title", json!({"type": "string", "description": "What the code means"})),
        ("status", json!({"type": "integer", "description": "The HTTP status"})),
        (
            "code",
            json!({"type": "string", "enum": codes, "description": "What went wrong, by a name that clients may rely on"}),
        ),
        (
            "detail",
            json!({"type": "string", "description": "What went wrong here"}),
        ),
        (
            "request_id",
            json!({"type": "string", "description": "The request's id, for whoever asks us about it; also in `X-Request-Id`"}),
        ),
        (
            "errors",
            json!({"type": "array", "description": "The fields concerned, each by its JSON pointer, or `/parameter`", "items": {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}, "required": ["pointer", "detail"]}}),
        ),
        (
            "existing",
            json!({"type": "string", "description": "The record that is there already, if the caller may see it"}),
        ),
        (
            "candidates",
            json!({"type": "array", "description": "Who it may be, of those whom the caller may see, best first", "items": {"$ref": "#/components/schemas/LikelyOut"}}),
        ),
        (
            "merged_into",
            json!({"type": "string", "description": "Who the person was merged into"}),
        ),
        (
            "current",
            json!({"description": "The record as the caller may see it now"}),
        ),
    ] {
        properties.insert(name.to_owned(), schema);
    }
    json!({"type": "object", "description": "An error (RFC 9457)", "properties": properties, "required": ["type", "title", "status", "code", "detail", "request_id"]})
}
