//! What the document shows as answers: real ones, of the sample, written down by a test that asks for them again.

use serde_json::{Map, Value, json};

/// By the name of the schema.
const ANSWERS: &str = include_str!("../../openapi/examples.json");

/// Gives each operation's success an example where it has none of its own.
pub(super) fn add(document: &mut Value) {
    let answers: Map<String, Value> = serde_json::from_str(ANSWERS).unwrap_or_default();
    let schemas = document["components"]["schemas"].clone();
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for operation in paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
    {
        let Some(responses) = operation["responses"].as_object_mut() else {
            continue;
        };
        for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            let Some(body) = response.pointer_mut("/content/application~1json") else {
                continue;
            };
            if body["example"].is_null()
                && let Some(example) = example_of(&body["schema"], &schemas, &answers)
            {
                body["example"] = example;
            }
        }
    }
}

/// The answer itself, or a list of it.
fn example_of(schema: &Value, schemas: &Value, answers: &Map<String, Value>) -> Option<Value> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    if let Some(answer) = answers.get(name).or_else(|| schemas[name].get("example")) {
        return Some(answer.clone());
    }
    let fields = &schemas[name]["properties"];
    let item = example_of(&fields["items"]["items"], schemas, answers)?;
    let mut list = json!({"items": [item]});
    if !fields["next"].is_null() {
        list["next"] = Value::Null;
    }
    Some(list)
}
