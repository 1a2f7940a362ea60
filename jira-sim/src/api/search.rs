//! Many issues at once: the search, its predecessor, and the read in bulk.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Call;
use super::jql::{self, Clause, Field};
use crate::dialect::Dialect;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::{Renderer, Wanted};
use crate::state::{Issue, State};

/// Jira forgets a page after so long.
const PAGE_LIVES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Cloud's search. It answers ids alone unless fields are asked for, and never a total.
pub(crate) fn jql(call: &Call) -> Outcome {
    let body = if call.request.method == "GET" { from_query(call) } else { call.json()? };
    let clauses = jql::parse(body["jql"].as_str().unwrap_or_default())?;
    if clauses.is_empty() {
        let message =
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
        return Err(Refusal::bad_request(message));
    }
    let fresh: Vec<u64> =
        body["reconcileIssues"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    if fresh.len() > 50 {
        return Err(Refusal::bad_request("The reconcileIssues parameter accepts at most 50 issue ids."));
    }
    let length = length(&body, 50, 5000)?;
    let start = start(call.state(), &body)?;
    let found = matching(call, &clauses, &fresh)?;
    let fields = strings(&body["fields"]);
    let page = found.iter().skip(start).take(length).map(|issue| listed(call, issue, fields.clone()));
    let page: Vec<Value> = page.collect();
    let next = start + page.len();
    let mut answer = json!({ "issues": page, "isLast": next >= found.len() });
    if next < found.len() {
        answer["nextPageToken"] = page_token(call.state(), next).into();
    }
    Ok(Answer::json(200, &answer))
}

/// The old search: gone from Cloud, kept by Data Center.
pub(crate) fn old(call: &Call) -> Outcome {
    if call.state().dialect == Dialect::Cloud {
        return Err(Refusal::message(
            410,
            "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration \
             guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
        ));
    }
    let body = if call.request.method == "GET" { from_query(call) } else { call.json()? };
    let clauses = jql::parse(body["jql"].as_str().unwrap_or_default())?;
    let length = length(&body, 50, 1000)?;
    let start = usize::try_from(body["startAt"].as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
    let clauses = if body["validateQuery"] == false { known(call, clauses) } else { clauses };
    let found = matching(call, &clauses, &[])?;
    let wanted = Wanted { fields: strings(&body["fields"]), ..Wanted::default() };
    let render = Renderer::new(call);
    let page = found.iter().skip(start).take(length).map(|issue| render.issue(issue, &wanted));
    let page: Vec<Value> = page.collect();
    let answer = json!({ "startAt": start, "maxResults": length, "total": found.len(), "issues": page });
    Ok(Answer::json(200, &answer))
}

/// Up to a hundred issues by key or id. What is missing is left out without a word.
pub(crate) fn bulk_fetch(call: &Call) -> Outcome {
    let body = call.json()?;
    let Some(wanted) = strings(&body["issueIdsOrKeys"]).filter(|list| !list.is_empty()) else {
        return Err(Refusal::field("issueIdsOrKeys", "issueIdsOrKeys must not be empty"));
    };
    if wanted.len() > 100 {
        return Err(Refusal::field("issueIdsOrKeys", "issueIdsOrKeys must not have more than 100 entries"));
    }
    let shape = Wanted {
        fields: strings(&body["fields"]),
        properties: strings(&body["properties"]).unwrap_or_default(),
        changelog: strings(&body["expand"]).is_some_and(|list| list.iter().any(|one| one == "changelog")),
    };
    let render = Renderer::new(call);
    let mut seen = Vec::new();
    for issue in wanted.iter().filter_map(|key| call.visible(key)) {
        if !seen.iter().any(|one: &&Issue| one.id == issue.id) {
            seen.push(issue);
        }
    }
    let issues: Vec<Value> = seen.into_iter().map(|issue| render.issue(issue, &shape)).collect();
    Ok(Answer::json(200, &json!({ "issues": issues, "issueErrors": [] })))
}

fn from_query(call: &Call) -> Value {
    let number = |name| call.query(name).and_then(|text| text.parse::<u64>().ok());
    json!({
        "jql": call.query("jql"),
        "startAt": number("startAt"),
        "maxResults": number("maxResults"),
        "fields": call.query_list("fields"),
        "nextPageToken": call.query("nextPageToken"),
        "reconcileIssues": call
            .query_list("reconcileIssues")
            .map(|ids| ids.iter().filter_map(|id| id.parse::<u64>().ok()).collect::<Vec<_>>()),
    })
}

/// A search's issue: the id alone, unless more was asked for.
fn listed(call: &Call, issue: &Issue, fields: Option<Vec<String>>) -> Value {
    match fields {
        Some(fields) if fields.iter().any(|field| field != "id") => {
            Renderer::new(call).issue(issue, &Wanted { fields: Some(fields), ..Wanted::default() })
        }
        _ => json!({ "id": issue.id.to_string() }),
    }
}

fn strings(list: &Value) -> Option<Vec<String>> {
    let list = list.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn length(body: &Value, default: u64, most: u64) -> Result<usize, Refusal> {
    let wanted = match &body["maxResults"] {
        Value::Null => default,
        number => number.as_u64().ok_or_else(Refusal::bad_json)?,
    };
    Ok(usize::try_from(wanted.min(most)).unwrap_or(usize::MAX))
}

/// The name of the page that begins at `next`, with all that decides whether it is still there.
fn page_token(state: &State, next: usize) -> String {
    let text = format!("{}.{}.{next}", state.page_generation, state.now().as_millisecond());
    BASE64URL_NOPAD.encode(text.as_bytes())
}

fn start(state: &State, body: &Value) -> Result<usize, Refusal> {
    let Some(token) = body["nextPageToken"].as_str() else {
        return Ok(0);
    };
    let expired = || Refusal::bad_request("The provided next page token is invalid or expired.");
    page_start(state, token).ok_or_else(expired)
}

fn page_start(state: &State, token: &str) -> Option<usize> {
    let text = String::from_utf8(BASE64URL_NOPAD.decode(token.as_bytes()).ok()?).ok()?;
    let (generation, rest) = text.split_once('.')?;
    let (issued, next) = rest.split_once('.')?;
    let issued = Timestamp::from_millisecond(issued.parse().ok()?).ok()?;
    let alive =
        generation.parse() == Ok(state.page_generation) && state.now().duration_since(issued) < PAGE_LIVES;
    next.parse().ok().filter(|_| alive)
}

/// What the index knows, except that the issues in `fresh` are read as they are.
fn matching<'a>(call: &'a Call, clauses: &[Clause], fresh: &[u64]) -> Result<Vec<&'a Issue>, Refusal> {
    for clause in clauses {
        check(call, clause)?;
    }
    let state = call.state();
    let index = state.index.as_ref().unwrap_or(&state.issues);
    let mut known: BTreeMap<u64, &Issue> = index.iter().map(|(id, issue)| (*id, issue)).collect();
    for id in fresh {
        match state.issues.get(id) {
            Some(issue) => drop(known.insert(*id, issue)),
            None => drop(known.remove(id)),
        }
    }
    let visible = known.into_values().filter(|issue| call.sees(issue));
    Ok(visible.filter(|issue| clauses.iter().all(|clause| clause.fits(state, issue))).collect())
}

/// The clauses without the keys and projects that are not there: what a query that is not validated finds.
fn known(call: &Call, mut clauses: Vec<Clause>) -> Vec<Clause> {
    for clause in &mut clauses {
        clause.values.retain(|value| match clause.field {
            Field::Key => call.visible(value).is_some(),
            Field::Project => call.project(value).is_ok(),
        });
    }
    clauses
}

/// Jira refuses keys and projects that are not there, instead of finding nothing.
fn check(call: &Call, clause: &Clause) -> Result<(), Refusal> {
    for value in &clause.values {
        let (known, message) = match clause.field {
            Field::Key => (
                call.visible(value).is_some(),
                format!("An issue with key '{value}' does not exist for field 'key'."),
            ),
            Field::Project => (
                call.project(value).is_ok(),
                format!("The value '{value}' does not exist for the field 'project'."),
            ),
        };
        if !known {
            return Err(Refusal::bad_request(message));
        }
    }
    Ok(())
}
