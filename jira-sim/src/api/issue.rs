//! One issue: read it, change its fields.

use serde_json::Value;

use super::Call;
use super::fields::Form;
use crate::account::Permission;
use crate::field::Field;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::{Renderer, Wanted};
use crate::state::{Issue, State};

pub(crate) fn get(call: &Call) -> Outcome {
    let issue = call.issue()?;
    let wanted = Wanted {
        fields: call.query_list("fields"),
        properties: call.query_list("properties").unwrap_or_default(),
        changelog: call.expands("changelog"),
    };
    Ok(Answer::json(200, &Renderer::new(call).issue(issue, &wanted)))
}

pub(crate) fn put(call: &mut Call) -> Outcome {
    let issue = call.issue()?;
    let body = call.json()?;
    let author = call.author(Permission::EditIssues, &issue.project, || {
        Refusal::message(403, "You do not have permission to edit issues in this project.")
    })?;
    if [&body["fields"], &body["update"], &body["properties"]].into_iter().all(Value::is_null) {
        return Err(Refusal::bad_request("one of 'fields' or 'update' required"));
    }
    let state = call.state();
    let form = Form {
        state,
        issue,
        api: call.request.route.api,
        offered: editable(state, issue),
        summary: true,
        keeps_comments: true,
    };
    let edits = form.edits(&body)?;
    let id = issue.id;
    call.core.state.apply(id, &author, edits);
    if call.query("returnIssue") == Some("true") {
        return get(call);
    }
    Ok(Answer::empty(204))
}

/// What the edit screen shows: the common fields, and the custom fields of the issue's own workflow.
fn editable(state: &State, issue: &Issue) -> Vec<Field> {
    let mut fields = vec![Field::labels(), Field::fix_versions(), Field::assignee()];
    let edges = state.issue_type(issue).map(|one| one.edges.iter()).into_iter().flatten();
    let custom = edges
        .flat_map(|edge| edge.screen.iter().flatten())
        .filter(|field| field.key.starts_with("customfield_"));
    fields.extend(custom.cloned());
    fields
}
