//! Where Atlassian's description contradicts its own words or its own examples, it is put right before anything is
//! held against it. Each correction says what it rests on. What is not there is left alone.

use serde_json::{Value, json};

/// Applies every correction.
pub(crate) fn apply(document: &mut Value) {
    several_remote_links(document);
    nothing_before_a_change(document);
    times_of_a_bulk_task(document);
    patterns_of_lists(document);
}

/// The answer is "all remote issue links" unless a global id is given, as the operation's own words and its example
/// have it. The schema knows a single link only.
fn several_remote_links(document: &mut Value) {
    let place = "/paths/~1rest~1api~13~1issue~1{issueIdOrKey}~1remotelink/get/responses/200/content/application~1json/schema";
    if let Some(schema) = document.pointer_mut(place) {
        *schema = json!({ "anyOf": [schema.clone(), { "type": "array", "items": schema.clone() }] });
    }
}

/// A field that was empty before or is empty after has null in the change log: its item's four texts.
fn nothing_before_a_change(document: &mut Value) {
    for name in ["from", "fromString", "to", "toString"] {
        let place = format!("/components/schemas/ChangeDetails/properties/{name}");
        if let Some(Value::Object(schema)) = document.pointer_mut(&place) {
            schema.insert("nullable".into(), true.into());
        }
    }
}

/// The operation's own words show milliseconds in its examples. The schema knows text only; both are met.
fn times_of_a_bulk_task(document: &mut Value) {
    for name in ["created", "started", "updated"] {
        let place = format!("/components/schemas/BulkOperationProgress/properties/{name}");
        if let Some(schema) = document.pointer_mut(&place) {
            *schema = json!({ "anyOf": [schema.clone(), { "type": "integer" }] });
        }
    }
}

/// A list of issue keys has a pattern, in Java's notation, that is meant for its items. On a list it says nothing, and no
/// JSON Schema library reads it.
fn patterns_of_lists(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(patterns_of_lists),
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "array") {
                map.remove("pattern");
            }
            map.values_mut().for_each(patterns_of_lists);
        }
        _ => {}
    }
}
