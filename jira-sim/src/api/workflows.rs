//! The site's statuses and workflows. Who administers nothing learns the statuses alone.

use serde_json::{Value, json};

use super::Call;
use crate::account::Permission;
use crate::dialect::Dialect;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::Renderer;
use crate::state::{IssueType, Status};

/// Every status of a project that the caller may see.
pub(crate) fn statuses(call: &Call) -> Answer {
    let state = call.state();
    let seen = |status: &&Status| {
        let of = |one: &&IssueType| one.statuses.contains(&status.id);
        state
            .projects
            .iter()
            .filter(|project| call.caller.may_in(Permission::BrowseProjects, &project.key))
            .any(|project| project.issue_types.iter().any(|one| of(&one)))
    };
    let render = Renderer::new(call);
    let list: Vec<Value> = state.statuses.values().filter(seen).map(|status| render.status(status)).collect();
    Answer::json(200, &Value::Array(list))
}

/// For administrators, of the site or of the project asked about. Others are told to log in as somebody else.
pub(crate) fn search(call: &Call) -> Outcome {
    let project = match call.query("projectId") {
        Some(id) => Some(call.project(id)?),
        None => None,
    };
    let may = match project {
        Some(project) => call.caller.may_in(Permission::AdministerProjects, &project.key),
        None => call.caller.may(Permission::Administer),
    };
    if !may {
        let message = "You do not have permission to read the statuses of this site.";
        return Err(Refusal::message(401, message));
    }
    let wanted = call.query("searchString").unwrap_or_default().to_lowercase();
    let scope = project.map(|project| project.key.as_str());
    let fits =
        |status: &&Status| status.project.as_deref() == scope && status.name.to_lowercase().contains(&wanted);
    let found: Vec<&Status> = call.state().statuses.values().filter(fits).collect();
    let (start, length) = call.page(200);
    let render = Renderer::new(call);
    let page: Vec<Value> =
        found.iter().skip(start).take(length).map(|status| render.scoped_status(status)).collect();
    let last = start + page.len() >= found.len();
    let answer = json!({
        "self": render.url("statuses/search"),
        "startAt": start,
        "maxResults": length,
        "total": found.len(),
        "isLast": last,
        "values": page,
    });
    Ok(Answer::json(200, &answer))
}

/// For administrators of the site: each different workflow once.
pub(crate) fn workflows(call: &Call) -> Outcome {
    call.administrator()?;
    let types = call.state().projects.iter().flat_map(|project| &project.issue_types);
    let mut different: Vec<&IssueType> = Vec::new();
    for one in types {
        if !different.iter().any(|known| known.shares_workflow_with(one)) {
            different.push(one);
        }
    }
    let render = Renderer::new(call);
    let list: Vec<Value> =
        different.into_iter().zip(1..).map(|(one, number)| render.workflow(one, number)).collect();
    let answer = match call.state().dialect {
        Dialect::Cloud => {
            let (total, values) = (list.len(), list);
            json!({ "startAt": 0, "maxResults": 50, "total": total, "isLast": true, "values": values })
        }
        Dialect::DataCenter => Value::Array(list),
    };
    Ok(Answer::json(200, &answer))
}
