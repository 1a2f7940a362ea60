//! Who am I, what may I do, and what site is this.

use serde_json::{Map, Value, json};

use super::Call;
use crate::account::Permission;
use crate::dialect::Dialect;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::{Renderer, date_time};

pub(crate) fn myself(call: &Call) -> Outcome {
    let account = call.account()?;
    let mut user = Renderer::new(call).user(account);
    if let (Dialect::Cloud, Some(user)) = (call.state().dialect, user.as_object_mut()) {
        user.insert("locale".into(), "en_GB".into());
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
    if let Some(project) = call.query("projectKey").or(call.query("projectId")) {
        call.project(project)?;
    }
    if let Some(issue) = call.query("issueKey").or(call.query("issueId")) {
        call.visible(issue).ok_or_else(Refusal::no_issue)?;
    }
    let mut permissions = Map::new();
    for key in &wanted {
        permissions.insert(key.clone(), permission(call, key)?);
    }
    Ok(Answer::json(200, &json!({ "permissions": permissions })))
}

fn permission(call: &Call, key: &str) -> Result<Value, Refusal> {
    let (place, known) = Permission::ALL
        .iter()
        .enumerate()
        .find(|(_, one)| one.key() == key)
        .ok_or_else(|| Refusal::bad_request(format!("Unrecognized permission: {key}")))?;
    Ok(json!({
        "id": (10 + place).to_string(),
        "key": key,
        "name": key.replace('_', " ").to_lowercase(),
        "type": "PROJECT",
        "description": "",
        "havePermission": call.caller.may(*known),
    }))
}

/// Anybody may ask this.
pub(crate) fn server_info(call: &Call) -> Answer {
    let state = call.state();
    let (deployment, version) = match state.dialect {
        Dialect::Cloud => ("Cloud", [1001, 0, 0]),
        Dialect::DataCenter => ("Server", [9, 12, 0]),
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
        "serverTime": date_time(state.now()),
        "scmInfo": "simulated",
        "serverTitle": "Simulated Jira",
    });
    Answer::json(200, &info)
}
