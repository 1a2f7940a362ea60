//! Holds one exchange after another against the description.

use std::collections::HashMap;

use anyhow::{Context, Result};
use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::document::{Description, Lookup, Operation, schema};
use super::findings::{Finding, Report};
use super::recording::{Recorded, Recording};

/// The checker, with the schemas it has compiled.
pub(crate) struct Checker<'a> {
    description: &'a Description,
    compiled: HashMap<String, Validator>,
}

/// A deviation: which part of the exchange, where in it, and what.
type Deviation = (&'static str, String, String);

impl<'a> Checker<'a> {
    pub(crate) fn new(description: &'a Description) -> Self {
        Self { description, compiled: HashMap::new() }
    }

    /// Checks every exchange of a recording.
    pub(crate) fn check(&mut self, recording: &Recording, report: &mut Report) -> Result<()> {
        for exchange in &recording.exchanges {
            if exchange.undescribed {
                report.undescribed.insert(format!("{} {}", exchange.method, exchange.path));
                continue;
            }
            let Some(status) = exchange.status.filter(|status| *status < 500) else {
                report.skipped += 1;
                continue;
            };
            report.checked += 1;
            let deviations = self.exchange(exchange, status, recording.errs_on_purpose, report)?;
            report.findings.extend(deviations.into_iter().map(|(part, pointer, message)| Finding {
                scenario: recording.scenario,
                method: exchange.method.clone(),
                path: exchange.path.clone(),
                part,
                pointer,
                message,
            }));
        }
        Ok(())
    }

    fn exchange(
        &mut self,
        exchange: &Recorded,
        status: u16,
        on_purpose: bool,
        report: &mut Report,
    ) -> Result<Vec<Deviation>> {
        let whole = |message: &str| Ok(vec![("request", String::new(), message.to_owned())]);
        let operation = match self.description.lookup(&exchange.method, &exchange.path) {
            Lookup::NoSuchPath => return whole("the path is not described"),
            Lookup::NoSuchMethod => return whole("the path has no such method"),
            Lookup::Found(operation) => operation,
        };
        report.operations.insert(format!("{} {}", exchange.method, operation.template));
        let mut deviations = parameters(operation, exchange);
        if status < 400 || !on_purpose {
            deviations.extend(self.request(operation, exchange)?);
        }
        deviations.extend(self.response(operation, exchange, status)?);
        Ok(deviations)
    }

    fn request(&mut self, operation: Operation, exchange: &Recorded) -> Result<Vec<Deviation>> {
        let part = "request body";
        match (operation.request_schema(), &exchange.request) {
            (None, None) => Ok(Vec::new()),
            (None, Some(_)) => Ok(vec![(part, String::new(), "the operation takes none".into())]),
            (Some(_), None) => Ok(vec![(part, String::new(), "the operation needs one".into())]),
            (Some(schema), Some(body)) => {
                let name = format!("{} {} request", exchange.method, operation.template);
                let mut deviations = self.validate(operation, &name, schema, body, part)?;
                deviations.extend(unknown_keys(operation, schema, body));
                Ok(deviations)
            }
        }
    }

    fn response(&mut self, operation: Operation, exchange: &Recorded, status: u16) -> Result<Vec<Deviation>> {
        let Some(described) = operation.response(status) else {
            // Any operation may be limited, and few say so.
            let undeclared = ("response", String::new(), format!("the status {status} is not declared"));
            return Ok(if status == 429 { Vec::new() } else { vec![undeclared] });
        };
        let part = "response body";
        match (schema(described), &exchange.response) {
            (Some(_), Some(_)) if status == 204 => {
                Ok(vec![(part, String::new(), "204 comes without one".into())])
            }
            (Some(schema), Some(body)) => {
                let name = format!("{} {} {status}", exchange.method, operation.template);
                self.validate(operation, &name, schema, body, part)
            }
            (Some(schema), None) if schema.as_object().is_some_and(|map| !map.is_empty()) => {
                Ok(vec![(part, String::new(), "the description has one".into())])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn validate(
        &mut self,
        operation: Operation,
        name: &str,
        schema: &Value,
        body: &Value,
        part: &'static str,
    ) -> Result<Vec<Deviation>> {
        if !self.compiled.contains_key(name) {
            let validator =
                compile(&operation.standalone(schema)).with_context(|| format!("the schema of {name}"))?;
            self.compiled.insert(name.to_owned(), validator);
        }
        let errors = self.compiled[name].iter_errors(body);
        Ok(errors.map(|error| (part, error.instance_path().to_string(), error.to_string())).collect())
    }
}

/// `OpenAPI` 3.0 builds on an early JSON Schema: draft 4 is the nearest.
fn compile(schema: &Value) -> Result<Validator> {
    let options = jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(true)
        .with_format("date-time", is_date_time);
    options.build(schema).map_err(|error| anyhow::anyhow!("{error}"))
}

/// Jira writes `2026-11-22T12:00:00.000+0000`: as RFC 3339, but the offset may lack its colon.
fn is_date_time(text: &str) -> bool {
    let shape: String = text.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else {
        return false;
    };
    let offset = rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches('0'));
    matches!(offset, "Z" | "+0000" | "-0000" | "+00:00" | "-00:00")
}

fn parameters(operation: Operation, exchange: &Recorded) -> Vec<Deviation> {
    let declared: Vec<(&str, bool)> = operation.query_parameters().collect();
    let deviation = |name: &str, message: &str| ("query", format!("/{name}"), message.to_owned());
    let unknown = exchange.parameters.iter().filter(|name| !declared.iter().any(|(known, _)| known == name));
    let missing = declared
        .iter()
        .filter(|(name, required)| *required && !exchange.parameters.iter().any(|one| one == name));
    let unknown = unknown.map(|name| deviation(name, "the parameter is not declared"));
    unknown.chain(missing.map(|(name, _)| deviation(name, "the parameter is required"))).collect()
}

/// Most request schemas let additional properties pass; at the top level they are mistakes all the same.
fn unknown_keys(operation: Operation, schema: &Value, body: &Value) -> Vec<Deviation> {
    let (Some(known), Some(body)) = (operation.properties_of(schema), body.as_object()) else {
        return Vec::new();
    };
    let unknown = body.keys().filter(|key| !known.contains_key(*key));
    unknown
        .map(|key| ("request body", format!("/{key}"), "the schema names no such property".into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description() -> Description {
        let thing = json!({
            "type": "object",
            "required": ["name"],
            "properties": { "name": { "type": "string" }, "note": { "type": "string", "nullable": true } },
        });
        let body = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } });
        Description::of(vec![json!({
            "openapi": "3.0.1",
            "components": { "schemas": { "Thing": thing } },
            "paths": {
                "/rest/thing": { "post": {
                    "parameters": [{ "name": "how", "in": "query" }],
                    "requestBody": body,
                    "responses": { "201": body, "400": {} },
                } },
                "/rest/thing/{id}": { "put": { "requestBody": body, "responses": { "204": { "content": {} } } } },
                "/rest/thing/best": { "get": { "responses": { "200": body } } },
            },
        })])
    }

    fn exchange(
        method: &str,
        path: &str,
        request: Option<Value>,
        status: u16,
        response: Option<Value>,
    ) -> Recorded {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parameters = query.split('&').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        Recorded {
            method: method.into(),
            path: path.into(),
            undescribed: false,
            parameters,
            request,
            status: Some(status),
            response,
        }
    }

    fn findings(exchange: Recorded) -> Vec<String> {
        findings_of(exchange, false)
    }

    fn findings_of(exchange: Recorded, errs_on_purpose: bool) -> Vec<String> {
        let description = description();
        let recording = Recording { scenario: "test", errs_on_purpose, exchanges: vec![exchange] };
        let mut report = Report::default();
        Checker::new(&description).check(&recording, &mut report).unwrap();
        report.findings.iter().map(|one| format!("{} {}: {}", one.part, one.pointer, one.message)).collect()
    }

    #[test]
    fn what_the_description_allows_is_no_finding() {
        let thing = || Some(json!({ "name": "a", "note": null }));
        assert!(findings(exchange("POST", "/rest/thing?how", thing(), 201, thing())).is_empty());
        assert!(findings(exchange("GET", "/rest/thing/best", None, 200, thing())).is_empty());
        assert!(findings(exchange("PUT", "/rest/thing/7", thing(), 204, None)).is_empty());
    }

    #[test]
    fn paths_methods_and_parameters_must_be_described() {
        let thing = || Some(json!({ "name": "a" }));
        assert_eq!(
            findings(exchange("GET", "/rest/other", None, 200, None)),
            ["request : the path is not described"]
        );
        assert_eq!(
            findings(exchange("PUT", "/rest/thing", None, 200, None)),
            ["request : the path has no such method"]
        );
        let wrong = findings(exchange("POST", "/rest/thing?who", thing(), 201, thing()));
        assert_eq!(wrong, ["query /who: the parameter is not declared"]);
    }

    #[test]
    fn bodies_are_held_against_their_schemas() {
        let thing = || Some(json!({ "name": "a" }));
        let wrong = findings(exchange(
            "POST",
            "/rest/thing",
            Some(json!({ "name": 1, "colour": "red" })),
            201,
            thing(),
        ));
        assert_eq!(
            wrong,
            [
                "request body /name: 1 is not of type \"string\"",
                "request body /colour: the schema names no such property"
            ]
        );
        let wrong = findings(exchange("POST", "/rest/thing", thing(), 201, Some(json!({ "note": "b" }))));
        assert_eq!(wrong, ["response body : \"name\" is a required property"]);
        assert_eq!(
            findings(exchange("POST", "/rest/thing", None, 201, thing())),
            ["request body : the operation needs one"]
        );
    }

    #[test]
    fn a_status_must_be_declared_unless_it_is_a_429_or_an_injected_fault() {
        let thing = || Some(json!({ "name": "a" }));
        let wrong = findings(exchange("POST", "/rest/thing", thing(), 409, None));
        assert_eq!(wrong, ["response : the status 409 is not declared"]);
        for status in [429, 500, 503] {
            assert!(findings(exchange("POST", "/rest/thing", thing(), status, None)).is_empty());
        }
    }

    #[test]
    fn a_refused_request_is_checked_unless_it_was_wrong_on_purpose() {
        let refused = || exchange("POST", "/rest/thing", Some(json!({})), 400, None);
        assert_eq!(findings(refused()), ["request body : \"name\" is a required property"]);
        assert!(findings_of(refused(), true).is_empty());
    }

    #[test]
    fn jiras_dates_are_dates() {
        for text in ["2026-11-22T12:00:00.000+0000", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00.1-05:30"] {
            assert!(is_date_time(text), "{text}");
        }
        for text in ["2026-11-22", "2026-11-22 12:00:00Z", "2026-11-22T12:00:00", "now"] {
            assert!(!is_date_time(text), "{text}");
        }
    }
}
