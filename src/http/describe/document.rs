//! The document: what the routes say of themselves, put where OpenAPI 3.1 wants it.
//!
//! See <https://spec.openapis.org/oas/v3.1.1.html>.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::ResponseError as _;
use actix_web::http::header::CONTENT_TYPE;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::http::ApiError;
use crate::http::rights::{self, Reach, Right};
use crate::http::routes::Route;

use super::field::Field;
use super::{NeedsToken, Operation};

const ABOUT: &str = "Moves Jira tickets when code moves. Every answer is JSON in one envelope (metrics and pages apart): \
    `{\"success\":true,\"data\":…}`, or `{\"success\":false,\"error_code\":N,\"error_msg\":\"…\"}`. A path that exists \
    answers a method that it does not take with 405 and error code 213; `Allow` says which it takes. A query parameter \
    without a value is as good as none.";

/// Describes both listeners.
pub(in crate::http) fn document(public: &[Route], management: &[Route]) -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .for_serialize()
        .into_generator();
    let mut paths = Map::new();
    for (routes, server) in [(public, None), (management, Some(management_server()))] {
        for route in routes {
            add(&mut paths, route, server.as_ref(), &mut schemas);
        }
    }
    let groups: BTreeSet<&str> = public.iter().chain(management).map(|route| route.group).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Conduit", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/", "description": "the public listener" }],
        "tags": groups.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "A token of Conduit's. The first one is shown at the first start; it makes the others.",
            } },
        },
    });
    say_plainly(&mut document);
    document
}

fn management_server() -> Value {
    json!({
        "url": "http://{management}", "description": "the management listener",
        "variables": { "management": { "default": "127.0.0.1:9093", "description": "CONDUIT_MANAGEMENT_LISTEN" } },
    })
}

/// Adds a route; where both listeners have it, what either of them answers is an answer.
fn add(paths: &mut Map<String, Value>, route: &Route, server: Option<&Value>, schemas: &mut SchemaGenerator) {
    let item = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
    let mut new = operation(route, schemas);
    if let Some(server) = server {
        new["servers"] = json!([server]);
    }
    match &mut item[route.method.as_str().to_ascii_lowercase()] {
        absent @ Value::Null => *absent = new,
        known => {
            known["servers"] = json!([{ "url": "/", "description": "the public listener" }, server]);
            merge(&mut known["responses"], new["responses"].take());
        }
    }
}

fn merge(known: &mut Value, new: Value) {
    let Value::Object(new) = new else { return };
    for (status, response) in new {
        match &mut known[&status] {
            absent @ Value::Null => *absent = response,
            known if *known == response => {}
            known => either(
                &mut known["content"]["application/json"]["schema"],
                response["content"]["application/json"]["schema"].clone(),
            ),
        }
    }
}

/// Lets a schema be another one as well.
fn either(known: &mut Value, other: Value) {
    if *known == other {
        return;
    }
    match known.get_mut("anyOf").and_then(Value::as_array_mut) {
        Some(either) => either.push(other),
        None => *known = json!({ "anyOf": [known.take(), other] }),
    }
}

fn operation(route: &Route, schemas: &mut SchemaGenerator) -> Value {
    let Route { method, path, group, operation, .. } = route;
    let right = rights::find(method.as_str(), path);
    let has_body = matches!(method.as_str(), "POST" | "PATCH" | "PUT");
    let mut described = json!({
        "operationId": id(method.as_str(), path),
        "tags": [group],
        "summary": operation.summary,
        "security": security(operation, right),
        "parameters": parameters(operation, path, has_body, schemas),
        "responses": responses(operation, right, has_body, schemas),
    });
    if let Some(right) = right {
        described["description"] = who(right).into();
    }
    if has_body {
        described["requestBody"] = body(operation, path, schemas);
    }
    described
}

/// `GET /conduit/api/events/{id}` is `get_conduit_api_events_id`.
fn id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn who(right: &Right) -> String {
    let reach = match right.reach {
        Reach::Repositories => "; a token for some repositories sees these alone",
        Reach::Everything => "; the token must be for all repositories",
        Reach::Anybody => "",
    };
    format!("Needs the role {}{reach}.", right.role)
}

fn security(operation: &Operation, right: Option<&Right>) -> Value {
    match (right, operation.asked.token) {
        (None, _) => json!([]),
        (Some(_), NeedsToken::Always) => json!([{ "token": [] }]),
        (Some(_), NeedsToken::Perhaps) => json!([{}, { "token": [] }]),
    }
}

fn in_path(field: &Field, path: &str) -> bool {
    path.contains(&format!("{{{}}}", field.name))
}

fn parameters(
    operation: &Operation,
    path: &str,
    has_body: bool,
    schemas: &mut SchemaGenerator,
) -> Vec<Value> {
    let mut parameters = operation.asked.parameters.clone();
    for field in operation.asked.fields {
        let in_path = in_path(field, path);
        if in_path || !has_body {
            parameters.push(json!({
                "name": field.name, "in": if in_path { "path" } else { "query" }, "required": field.required,
                "description": field.about, "schema": field.schema(schemas),
            }));
        }
    }
    parameters
}

fn body(operation: &Operation, path: &str, schemas: &mut SchemaGenerator) -> Value {
    let asked = &operation.asked;
    if !asked.raw.is_empty() {
        let content =
            asked.raw.iter().map(|(media, schema)| ((*media).to_owned(), json!({ "schema": schema })));
        return json!({ "required": true, "content": content.collect::<Map<_, _>>() });
    }
    let members: Vec<&Field> = asked.fields.iter().filter(|field| !in_path(field, path)).collect();
    let mut properties = Map::new();
    for field in &members {
        let mut schema = field.member(schemas);
        schema["description"] = field.about.into();
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = members.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({
        "required": !required.is_empty(),
        "content": { "application/json": { "schema": {
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        } } },
    })
}

fn responses(
    operation: &Operation,
    right: Option<&Right>,
    has_body: bool,
    schemas: &mut SchemaGenerator,
) -> Value {
    let mut responses = json!({});
    for told in &operation.told {
        let schema = (told.schema)(schemas);
        let response =
            json!({ "description": "It is done.", "content": { (told.media): { "schema": schema } } });
        merge(&mut responses, json!({ (told.status.to_string()): response }));
    }
    let mut refusals = (operation.asked.refusals)(has_body);
    refusals.extend(right.filter(|_| operation.asked.token == NeedsToken::Always).and_then(Right::refusal));
    refusals.extend(operation.refusals.iter().cloned());
    refusals.push(ApiError::Internal("9f3c01ab77de".to_owned()));
    let mut by_status: BTreeMap<u16, Vec<ApiError>> = BTreeMap::new();
    for refusal in refusals {
        let of_status = by_status.entry(refusal.row().1.as_u16()).or_default();
        if !of_status.iter().any(|known| known.row() == refusal.row()) {
            of_status.push(refusal);
        }
    }
    for (status, refusals) in by_status {
        merge(&mut responses, json!({ (status.to_string()): refused(&refusals) }));
    }
    responses
}

/// The answer of one status: its codes, an example of each, and the headers that it comes with.
fn refused(refusals: &[ApiError]) -> Value {
    let codes: Vec<u16> = refusals.iter().map(|refusal| refusal.row().0).collect();
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let mut examples = Map::new();
    let mut headers = Map::new();
    for (code, (refusal, text)) in codes.iter().zip(refusals.iter().zip(&texts)) {
        let value = json!({ "success": false, "error_code": code, "error_msg": text });
        examples.insert(format!("code_{code}"), json!({ "value": value }));
        for (name, _) in refusal.error_response().headers().iter().filter(|(name, _)| *name != CONTENT_TYPE) {
            headers.insert(name.to_string(), json!({ "schema": { "type": "string" } }));
        }
    }
    json!({
        "description": texts.join("; or: "),
        "headers": headers,
        "content": { "application/json": { "examples": examples, "schema": {
            "type": "object",
            "required": ["success", "error_code", "error_msg"],
            "properties": {
                "success": { "const": false }, "error_code": { "enum": codes }, "error_msg": { "type": "string" },
            },
            "additionalProperties": false,
        } } },
    })
}

/// Comments speak to whoever reads the source: [`Trace::event`] is only `Trace::event` elsewhere.
fn say_plainly(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            members.values_mut().for_each(say_plainly);
        }
        Value::Array(items) => items.iter_mut().for_each(say_plainly),
        _ => {}
    }
}
