//! Who am I, what may I do, and what site is this.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Call;
use crate::account::Permission;
use crate::dialect::Dialect;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::{Renderer, date_time};
use crate::state::State;

pub(crate) fn myself(call: &Call) -> Outcome {
    let account = call.account()?;
    let mut user = Renderer::new(call).user(account);
    if let Some(user) = user.as_object_mut() {
        user.insert("locale".into(), account.locale.as_str().into());
    }
    Ok(Answer::json(200, &user))
}

/// Cloud insists on the parameter; Data Center answers with all it knows.
pub(crate) fn my_permissions(call: &Call) -> Outcome {
    let wanted = match (call.query_list("permissions"), call.state().dialect) {
        (Some(list), _) if !list.is_empty() => list,
        (_, Dialect::DataCenter) => Permission::ALL.iter().map(|one| one.key().to_owned()).collect(),
        _ => {
            return Err(Refusal::bad_request("The 'permissions' query parameter is required."));
        }
    };
    let place = place(call)?;
    let mut permissions = Map::new();
    for key in &wanted {
        permissions.insert(key.clone(), permission(call, key, place)?);
    }
    Ok(Answer::json(200, &json!({ "permissions": permissions })))
}

/// The key of the project that the question is about; none when it is about all of them.
fn place<'a>(call: &'a Call) -> Result<Option<&'a str>, Refusal> {
    if let Some(project) = call.query("projectId").or(call.query("projectKey")) {
        return Ok(Some(&call.project(project)?.key));
    }
    let Some(issue) = call.query("issueId").or(call.query("issueKey")) else {
        return Ok(None);
    };
    Ok(Some(&call.visible(issue).ok_or_else(Refusal::no_issue)?.project))
}

fn permission(call: &Call, key: &str, project: Option<&str>) -> Result<Value, Refusal> {
    let (place, known) = Permission::ALL
        .iter()
        .enumerate()
        .find(|(_, one)| one.key() == key)
        .ok_or_else(|| Refusal::bad_request(format!("Unrecognized permission: {key}")))?;
    Ok(json!({
        "id": (10 + place).to_string(),
        "key": key,
        "name": key.replace('_', " ").to_lowercase(),
        "type": if known.is_global() { "GLOBAL" } else { "PROJECT" },
        "description": "",
        "havePermission": has(call, *known, project),
    }))
}

/// Without a project the question is whether the caller has the permission in any project.
fn has(call: &Call, permission: Permission, project: Option<&str>) -> bool {
    match project {
        _ if permission.is_global() => call.caller.may(permission),
        Some(project) => call.caller.may_in(permission, project),
        None => call.state().projects.iter().any(|one| call.caller.may_in(permission, &one.key)),
    }
}

/// What the site takes for the time, which may be wrong.
fn server_time(state: &State) -> Timestamp {
    state.now().checked_add(state.clock_skew).unwrap_or(Timestamp::MAX)
}

/// Anybody may ask this.
pub(crate) fn server_info(call: &Call) -> Answer {
    let state = call.state();
    let (deployment, version) = match state.dialect {
        Dialect::Cloud => ("Cloud", [1001, 0, 0]),
        Dialect::DataCenter => ("Server", state.switches.version),
    };
    let numbers = version.map(|number| number.to_string());
    let info = json!({
        "baseUrl": state.base_url,
        "displayUrl": state.base_url,
        "version": numbers.join("."),
        "versionNumbers": version,
        "deploymentType": deployment,
        "buildNumber": 100_000,
        "buildDate": "2026-01-01T00:00:00.000+0000",
        "serverTime": date_time(server_time(state)),
        "scmInfo": "simulated",
        "serverTitle": "Simulated Jira",
    });
    Answer::json(200, &info)
}
