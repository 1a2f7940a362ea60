//! Managing webhooks, for administrators: at one path on Cloud and on Data Center before version 10, at another and in
//! another shape from version 10 on.

use serde_json::{Value, json};

use super::{Call, jql};
use crate::dialect::Dialect;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::state::State;
use crate::webhook::Registration;

/// Where the filter for events of issues stands.
const ISSUES: &str = "issue-related-events-section";

pub(crate) fn list(call: &Call) -> Outcome {
    call.administrator()?;
    let all = call.state().webhooks.registrations.values();
    Ok(Answer::json(200, &all.map(|one| rendered(call.state(), one)).collect()))
}

pub(crate) fn get(call: &Call) -> Outcome {
    call.administrator()?;
    Ok(Answer::json(200, &rendered(call.state(), found(call)?)))
}

pub(crate) fn post(call: &mut Call) -> Outcome {
    let author = call.administrator()?.id.clone();
    let body = call.json()?;
    let (id, now) = (call.core.state.fresh_id(), call.state().now());
    let mut new = Registration {
        id,
        name: String::new(),
        url: String::new(),
        events: Vec::new(),
        jql: String::new(),
        filter: Vec::new(),
        exclude_body: false,
        secret: None,
        active: true,
        updated_by: author,
        created: now,
        updated: now,
    };
    take_over(&mut new, &body, is_new(call.state()))?;
    let answer = Answer::json(201, &rendered(call.state(), &new));
    call.core.state.webhooks.registrations.insert(id, new);
    Ok(answer)
}

pub(crate) fn put(call: &mut Call) -> Outcome {
    let author = call.administrator()?.id.clone();
    let body = call.json()?;
    let mut changed = found(call)?.clone();
    take_over(&mut changed, &body, is_new(call.state()))?;
    (changed.updated_by, changed.updated) = (author, call.state().now());
    let answer = Answer::json(200, &rendered(call.state(), &changed));
    call.core.state.webhooks.registrations.insert(changed.id, changed);
    Ok(answer)
}

pub(crate) fn delete(call: &mut Call) -> Outcome {
    call.administrator()?;
    let id = found(call)?.id;
    call.core.state.webhooks.registrations.remove(&id);
    Ok(Answer::empty(204))
}

fn found<'a>(call: &'a Call) -> Result<&'a Registration, Refusal> {
    let id = call.subject().parse().ok();
    let found = id.and_then(|id: u64| call.state().webhooks.registrations.get(&id));
    found.ok_or_else(|| Refusal::message(404, format!("There is no webhook '{}'.", call.subject())))
}

/// Whether the site speaks the shape of Data Center 10.
fn is_new(state: &State) -> bool {
    state.dialect == Dialect::DataCenter && state.switches.version[0] >= 10
}

/// Takes over what the body says, and leaves the rest.
fn take_over(webhook: &mut Registration, body: &Value, new: bool) -> Result<(), Refusal> {
    let text = |part: &str| body[part].as_str().map(str::to_owned);
    webhook.name = text("name").unwrap_or_else(|| webhook.name.clone());
    webhook.url = text("url").unwrap_or_else(|| webhook.url.clone());
    if let Some(events) = body["events"].as_array() {
        webhook.events = events.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let active = if new { &body["active"] } else { &body["enabled"] };
    webhook.active = active.as_bool().unwrap_or(webhook.active);
    let options = if new { new_options(body) } else { options(body) };
    webhook.jql = options.jql.unwrap_or_else(|| webhook.jql.clone());
    webhook.exclude_body = options.exclude_body.unwrap_or(webhook.exclude_body);
    if let Some(secret) = options.secret {
        webhook.secret = Some(secret).filter(|secret| !secret.is_empty());
    }
    webhook.filter = jql::parse(&webhook.jql)?;
    let empty = [("name", webhook.name.is_empty()), ("url", webhook.url.is_empty())];
    match empty.into_iter().find(|(_, empty)| *empty) {
        Some((field, _)) => Err(Refusal::bad_request(format!("The field '{field}' must not be empty."))),
        None => Ok(()),
    }
}

/// What both shapes say, at different places.
struct Options {
    jql: Option<String>,
    exclude_body: Option<bool>,
    secret: Option<String>,
}

fn options(body: &Value) -> Options {
    Options {
        jql: body["filters"][ISSUES].as_str().map(str::to_owned),
        exclude_body: body["excludeBody"].as_bool(),
        secret: body["secret"].as_str().map(str::to_owned),
    }
}

/// From version 10 on the secret stands in the configuration. One beside it is ignored without a word, and what is then
/// delivered is not signed.
fn new_options(body: &Value) -> Options {
    let configuration = &body["configuration"];
    let excluded = configuration["EXCLUDE_BODY"].as_str().map(|word| word == "true");
    Options {
        exclude_body: excluded.or(body["excludeBody"].as_bool()),
        secret: configuration["SECRET"].as_str().map(str::to_owned),
        ..options(body)
    }
}

/// A webhook as the site shows it: never with its secret.
fn rendered(state: &State, webhook: &Registration) -> Value {
    let filters = json!({ ISSUES: webhook.jql });
    if is_new(state) {
        return json!({
            "id": webhook.id,
            "name": webhook.name,
            "url": webhook.url,
            "events": webhook.events,
            "filters": filters,
            "configuration": { "EXCLUDE_BODY": webhook.exclude_body.to_string() },
            "active": webhook.active,
            "scopeType": "global",
            "sslVerificationRequired": true,
            "createdDate": webhook.created.as_millisecond(),
            "updatedDate": webhook.updated.as_millisecond(),
        });
    }
    let who = state.account(&webhook.updated_by);
    json!({
        "self": format!("{}/rest/webhooks/1.0/webhook/{}", state.base_url, webhook.id),
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events,
        "filters": filters,
        "excludeBody": webhook.exclude_body,
        "enabled": webhook.active,
        "isSigned": webhook.secret.is_some(),
        "lastUpdated": webhook.updated.as_millisecond(),
        "lastUpdatedUser": webhook.updated_by,
        "lastUpdatedDisplayName": who.map(|account| account.display_name.clone()),
    })
}
