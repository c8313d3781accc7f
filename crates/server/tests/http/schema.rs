//! Every answer of every test against the OpenAPI document: its status is documented, and its body
//! has the members that the schema names, of the types that it gives, and no others.

use serde_json::Value;

use crate::world::Reply;

/// Fails unless the document describes this answer.
pub(crate) fn assert_documented(document: &Value, method: &str, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap();
    let Some(operation) = operation(document, method, path) else { return };
    let responses = operation["responses"].as_object().unwrap();
    let status = reply.status.to_string();
    let range = format!("{}XX", &status[..1]);
    let response = responses.get(&status).or_else(|| responses.get(&range));
    let response = response.unwrap_or_else(|| panic!("{method} {path}: {status} is not documented"));
    let Some(content) = response["content"].as_object() else { return };
    let media_type = reply.header("content-type").unwrap_or_default().split(';').next().unwrap();
    let content = content.get(media_type).unwrap_or_else(|| panic!("{method} {path}: {media_type} is not documented"));
    if media_type.ends_with("json") && !media_type.contains("ndjson") {
        check(document, &content["schema"], &reply.json(), &format!("{method} {path} {status}"));
    }
}

/// The operation whose template the path fits; one with fewer parameters is the better fit.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let fits = |template: &str| {
        let (mut parts, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (parts.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let paths = document["paths"].as_object().unwrap();
    let template =
        paths.keys().filter(|template| fits(template)).min_by_key(|template| template.matches('{').count())?;
    paths[template].get(method.to_lowercase())
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"));
        return check(document, found, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = choices.iter().any(|choice| choice["type"] == "null");
        if value.is_null() && null {
            return;
        }
        let choice = choices.iter().find(|choice| choice["type"] != "null").unwrap();
        if choice["type"].is_string() || choice["$ref"].is_string() {
            return check_one_of(document, choices, value, at);
        }
    }
    let types = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        _ => return,
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = types.contains(&found) || (found == "integer" && types.contains(&"number"));
    assert!(fits, "{at}: {found} where the document says {types:?}: {value}");
    if let (Some(items), Value::Array(values)) = (schema.get("items"), value) {
        values.iter().enumerate().for_each(|(place, item)| check(document, items, item, &format!("{at}[{place}]")));
    }
    if let (Some(properties), Value::Object(members)) = (schema["properties"].as_object(), value) {
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(members.contains_key(required.as_str().unwrap()), "{at}: {required} is missing");
        }
        for (name, member) in members {
            let property = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not documented"));
            check(document, property, member, &format!("{at}.{name}"));
        }
    }
}

/// A value that may be null or one other thing.
fn check_one_of(document: &Value, choices: &[Value], value: &Value, at: &str) {
    let real: Vec<_> = choices.iter().filter(|choice| choice["type"] != "null").collect();
    if let [only] = real.as_slice() {
        check(document, only, value, at);
    }
}

/// The check itself can fail.
#[tokio::test]
async fn what_is_not_documented_is_noticed() {
    let world = crate::world::World::new().await;
    world.account("ada", 5).await;
    let good = world.get("/v1/accounts/ada/balance").await;
    let document = world.call("GET", "/openapi.json").empty().await.json();
    for (pointer, member, value) in [
        ("", "colour", serde_json::json!("red")),
        ("", "available", serde_json::json!("5")),
        ("/lots/0", "colour", serde_json::json!(1)),
        ("/left/0", "quantity", Value::Null),
    ] {
        let mut body = good.json();
        body.pointer_mut(pointer).unwrap()[member] = value;
        let bad = Reply { body: serde_json::to_vec(&body).unwrap(), ..good.clone() };
        let seen = std::panic::catch_unwind(|| {
            assert_documented(&document, "GET", "/v1/accounts/ada/balance", &bad);
        });
        assert!(seen.is_err(), "{pointer} {member}");
    }
}
