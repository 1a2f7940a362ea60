//! Transitions of many issues at once: which there are, starting a task, and how far it is. Cloud alone has this.

use serde_json::{Value, json};

use super::Call;
use crate::account::Permission;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::Renderer;
use crate::state::{Edge, Issue, IssueType, State, Step};

/// Both calls take so many issues.
const MOST_ISSUES: usize = 1000;

/// The workflows of one page of the answer.
const PAGE: usize = 50;

/// The transitions that all the issues of a workflow can make without a field.
pub(crate) fn available(call: &Call) -> Outcome {
    permitted(call)?;
    let keys = call.query_list("issueIdsOrKeys").filter(|keys| !keys.is_empty());
    let keys = keys.ok_or_else(|| bad_request("The 'issueIdsOrKeys' query parameter is required."))?;
    within_limit(keys.len())?;
    let mut groups: Vec<(&IssueType, Vec<&Issue>)> = Vec::new();
    for key in &keys {
        let missing = || bad_request(format!("The issue '{key}' does not exist or you cannot see it."));
        let issue = call.visible(key).ok_or_else(missing)?;
        may_move(call, issue)?;
        let own = call.state().issue_type(issue).ok_or_else(missing)?;
        match groups.iter_mut().find(|(one, _)| one.shares_workflow_with(own)) {
            Some((_, issues)) => issues.push(issue),
            None => groups.push((own, vec![issue])),
        }
    }
    let start = call.query("startingAfter").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let page: Vec<Value> =
        groups.iter().skip(start).take(PAGE).map(|(one, issues)| group(call, one, issues)).collect();
    let mut answer = json!({ "availableTransitions": page });
    if start + PAGE < groups.len() {
        answer["startingAfter"] = (start + PAGE).to_string().into();
    }
    Ok(Answer::json(200, &answer))
}

fn group(call: &Call, one: &IssueType, issues: &[&Issue]) -> Value {
    let common = |edge: &&Edge| {
        let bare = edge.screen.as_ref().is_none_or(Vec::is_empty);
        let open = |issue: &&Issue| {
            let holds = |account| State::condition_holds(edge, issue, account);
            edge.starts_at(issue.status) && call.account().is_ok_and(holds)
        };
        bare && issues.iter().all(open)
    };
    let render = Renderer::new(call);
    let common: Vec<Value> = one
        .edges
        .iter()
        .filter(common)
        .filter_map(|edge| Some(render.bulk_transition(edge, edge.to?)))
        .collect();
    json!({
        "issues": issues.iter().map(|issue| issue.key.as_str()).collect::<Vec<_>>(),
        "isTransitionsFiltered": common.len() < one.edges.len(),
        "transitions": common,
    })
}

/// Starts a task, unless five are at work already.
pub(crate) fn submit(call: &mut Call) -> Outcome {
    let author = permitted(call)?;
    let body = call.json().map_err(|_| bad_request("The request body cannot be read."))?;
    let inputs = body["bulkTransitionInputs"].as_array().filter(|list| !list.is_empty());
    let inputs = inputs.ok_or_else(|| bad_request("bulkTransitionInputs must not be empty."))?;
    let (mut steps, mut named, mut inaccessible) = (Vec::new(), 0, 0);
    for input in inputs {
        let (transition, keys) = read(input)?;
        named += keys.len();
        for key in keys {
            let Some(issue) = call.visible(key) else {
                inaccessible += 1;
                continue;
            };
            may_move(call, issue)?;
            steps.push(Step { issue: issue.id, transition });
        }
    }
    within_limit(named)?;
    if !call.state().bulk_is_free() {
        let message =
            "The limit of 5 concurrent bulk operations has been reached. Wait until one has finished.";
        return Err(bad_request(message));
    }
    let task = call.core.state.submit_bulk(&author, steps, inaccessible);
    Ok(Answer::json(201, &json!({ "taskId": task.to_string() })))
}

fn read(input: &Value) -> Result<(u64, Vec<&str>), Refusal> {
    let transition = input["transitionId"].as_str().and_then(|id| id.parse().ok());
    let transition = transition.ok_or_else(|| bad_request("transitionId must be the id of a transition."))?;
    let list = input["selectedIssueIdsOrKeys"].as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| bad_request("selectedIssueIdsOrKeys must not be empty."))?;
    Ok((transition, list.iter().filter_map(Value::as_str).collect()))
}

/// How far a task is.
pub(crate) fn progress(call: &Call) -> Outcome {
    permitted(call)?;
    let task = call.subject().parse().ok().and_then(|id: u64| call.state().bulk.tasks.get(&id));
    let task = task.ok_or_else(|| bad_request(format!("There is no task '{}'.", call.subject())))?;
    Ok(Answer::json(200, &Renderer::new(call).bulk_task(task)))
}

/// The account that asks, if it may change in bulk.
fn permitted(call: &Call) -> Result<String, Refusal> {
    let account = call.account()?;
    if account.may(Permission::BulkChange) {
        return Ok(account.id.clone());
    }
    Err(Refusal::bulk(403, "You do not have the global permission to make bulk changes."))
}

fn may_move(call: &Call, issue: &Issue) -> Result<(), Refusal> {
    if call.caller.may_in(Permission::TransitionIssues, &issue.project) {
        return Ok(());
    }
    let project = &issue.project;
    Err(Refusal::bulk(403, format!("You do not have permission to transition issues in {project}.")))
}

fn within_limit(count: usize) -> Result<(), Refusal> {
    if count <= MOST_ISSUES {
        return Ok(());
    }
    Err(bad_request(format!("A bulk operation takes {MOST_ISSUES} issues at most, and {count} were named.")))
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::bulk(400, message)
}
