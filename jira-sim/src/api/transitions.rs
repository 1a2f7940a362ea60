//! Transitions: what is offered, and making one.

use serde_json::{Value, json};

use super::Call;
use super::fields::Form;
use crate::account::Permission;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::Renderer;
use crate::state::{Edge, Edit, Issue, State};

/// Without the permission the list is empty, and still a 200.
pub(crate) fn get(call: &Call) -> Outcome {
    let issue = call.issue()?;
    let hidden_too = call.query("includeUnavailableTransitions") == Some("true");
    let with_fields = call.expands("transitions.fields");
    let wanted = call.query("transitionId");
    let render = Renderer::new(call);
    let offered = edges(call.state(), issue).filter_map(|edge| {
        let available = is_offered(call, issue, edge);
        let asked_for = wanted.is_none_or(|id| id == edge.id.to_string());
        (asked_for && edge.starts_at(issue.status) && (available || hidden_too))
            .then(|| render.transition(edge, issue.status, available, with_fields))
    });
    let offered: Vec<Value> = if may_transition(call, issue) { offered.collect() } else { Vec::new() };
    Ok(Answer::json(200, &json!({ "expand": "transitions", "transitions": offered })))
}

/// The checks come in Jira's order: the request, the id, the state, the fields, the validator.
pub(crate) fn post(call: &mut Call) -> Outcome {
    let body = call.json()?;
    let issue = call.issue()?;
    let author = call.account()?.id.clone();
    let edge = chosen(call, issue, &body)?;
    if issue.in_transition {
        let message = "Another transition is in progress on this issue. Try again later.";
        return Err(Refusal::message(409, message));
    }
    let mut edits = filled_in(call, issue, edge, &body)?;
    validate(issue, edge, &edits)?;
    edits.push(Edit::Status(edge.target(issue.status)));
    let id = issue.id;
    call.core.state.apply(id, &author, edits);
    Ok(Answer::empty(204))
}

fn edges<'a>(state: &'a State, issue: &Issue) -> impl Iterator<Item = &'a Edge> {
    state.issue_type(issue).map(|one| one.edges.iter()).into_iter().flatten()
}

fn may_transition(call: &Call, issue: &Issue) -> bool {
    call.caller.may_in(Permission::TransitionIssues, &issue.project)
}

fn is_offered(call: &Call, issue: &Issue, edge: &Edge) -> bool {
    call.account().is_ok_and(|account| State::condition_holds(edge, issue, account))
}

/// The transition that the request names, if it may be made now.
fn chosen<'a>(call: &'a Call, issue: &Issue, body: &Value) -> Result<&'a Edge, Refusal> {
    let id = match &body["transition"]["id"] {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return Err(Refusal::bad_request("Missing 'transition' identifier")),
    };
    let edge = edges(call.state(), issue).find(|edge| edge.id.to_string() == id);
    let permitted = may_transition(call, issue);
    let Some(edge) = edge.filter(|edge| permitted && is_offered(call, issue, edge)) else {
        return Err(not_valid(call.state(), &id));
    };
    if edge.starts_at(issue.status) {
        return Ok(edge);
    }
    Err(Refusal::bad_request(format!(
        "It seems that you have tried to perform a workflow operation ({}) that is not valid for the current state of \
         this issue ({}). The likely cause is that somebody has changed the issue recently, please look at the issue \
         history for details.",
        edge.name, issue.key,
    )))
}

/// An id that does not exist, a hidden one and a forbidden one look alike.
fn not_valid(state: &State, id: &str) -> Refusal {
    if state.switches.wrong_transition_is_500 {
        return Refusal::message(500, "Internal server error");
    }
    Refusal::bad_request(format!("Transition id '{id}' is not valid for this issue."))
}

fn filled_in(call: &Call, issue: &Issue, edge: &Edge, body: &Value) -> Result<Vec<Edit>, Refusal> {
    let form = Form {
        state: call.state(),
        issue,
        api: call.request.route.api,
        offered: edge.screen.clone().unwrap_or_default(),
        summary: false,
        keeps_comments: edge.screen.is_some(),
    };
    let edits = form.edits(body)?;
    form.missing(&edits)?;
    Ok(edits)
}

fn validate(issue: &Issue, edge: &Edge, edits: &[Edit]) -> Result<(), Refusal> {
    let Some(validator) = &edge.validator else {
        return Ok(());
    };
    let edited = edits.iter().rev().find_map(|edit| super::fields::filled_by(edit, &validator.field));
    if edited.unwrap_or_else(|| issue.has(&validator.field)) {
        return Ok(());
    }
    Err(Refusal::bad_request(&validator.message))
}
