//! Development information, builds and deployments: taken with a 202, and what was not taken is told in the body. No
//! API token opens these, only one that client credentials bought.

use serde_json::{Map, Value, json};

use super::Call;
use crate::account::Login;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::state::{Entity, State, Taken};

/// One request takes so many entities.
const MOST: usize = 1000;

/// Commits, branches and pull requests, by repository.
pub(crate) fn repositories(call: &mut Call) -> Outcome {
    admitted(call)?;
    let wrap = |messages: Value| json!({ "errorMessages": messages });
    let body = body(call, wrap)?;
    let repositories = body["repositories"].as_array().filter(|list| (1..=100).contains(&list.len()));
    let repositories = repositories.ok_or_else(|| refused(400, "Between 1 and 100 repositories.", wrap))?;
    let count =
        |repository: &Value| KINDS.iter().map(|kind| entities(repository, kind).count()).sum::<usize>();
    if repositories.iter().map(count).sum::<usize>() > MOST {
        return Err(refused(413, "Too many entities: 1000 at most.", wrap));
    }
    let (mut accepted, mut failed, mut unknown) = (Map::new(), Map::new(), Vec::new());
    for repository in repositories {
        let id = repository["id"].as_str().unwrap_or_default();
        let (good, bad) = repository_taken(&mut call.core.state, id, repository, &mut unknown);
        accepted.insert(id.into(), good.into());
        if !bad.is_empty() {
            failed.insert(id.into(), bad.into());
        }
    }
    let answer = json!({
        "acceptedDevinfoEntities": accepted,
        "failedDevinfoEntities": failed,
        "unknownIssueKeys": unknown,
    });
    Ok(Answer::json(202, &answer))
}

const KINDS: [&str; 3] = ["commits", "branches", "pullRequests"];

fn entities<'a>(repository: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    repository[kind].as_array().into_iter().flatten()
}

/// The ids that were taken and the errors of those that were not, by kind.
fn repository_taken(
    state: &mut State,
    repository: &str,
    json: &Value,
    unknown: &mut Vec<String>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut accepted, mut failed) = (Map::new(), Map::new());
    for kind in KINDS {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for entity in entities(json, kind) {
            let id = entity["id"].as_str().unwrap_or_default();
            let whole = if id.is_empty() { String::new() } else { format!("{repository}/{id}") };
            let sequence = &entity["updateSequenceId"];
            let told = Entity { kind, id: &whole, sequence, json: entity, most_keys: 500 };
            match state.take_development(&told, unknown) {
                Taken::Accepted => good.push(id.to_owned()),
                Taken::Failed(why) => bad.push(json!({ "id": id, "errorMessages": [{ "message": why }] })),
                Taken::Nowhere => {}
            }
        }
        if !good.is_empty() {
            accepted.insert(kind.into(), good.into());
        }
        if !bad.is_empty() {
            failed.insert(kind.into(), bad.into());
        }
    }
    (accepted, failed)
}

/// How builds and deployments differ.
pub(crate) struct Shape {
    kind: &'static str,
    accepted: &'static str,
    rejected: &'static str,
    /// The longest list.
    most: usize,
    key: fn(&Value) -> Value,
}

pub(crate) const BUILDS: Shape = Shape {
    kind: "builds",
    accepted: "acceptedBuilds",
    rejected: "rejectedBuilds",
    most: 100,
    key: |build| json!({ "pipelineId": build["pipelineId"], "buildNumber": build["buildNumber"] }),
};

pub(crate) const DEPLOYMENTS: Shape = Shape {
    kind: "deployments",
    accepted: "acceptedDeployments",
    rejected: "rejectedDeployments",
    most: MOST,
    key: |one| {
        json!({
            "pipelineId": one["pipeline"]["id"],
            "environmentId": one["environment"]["id"],
            "deploymentSequenceNumber": one["deploymentSequenceNumber"],
        })
    },
};

/// Builds, or deployments.
pub(crate) fn flat(call: &mut Call, shape: &Shape) -> Outcome {
    admitted(call)?;
    let wrap = |messages| messages;
    let body = body(call, wrap)?;
    let list = body[shape.kind].as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| refused(400, "There is nothing in it.", wrap))?;
    if list.len() > shape.most {
        let message = format!("Too many entities: {} at most.", shape.most);
        return Err(refused(413, &message, wrap));
    }
    let (mut accepted, mut rejected, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for one in list {
        let key = (shape.key)(one);
        let complete = key.as_object().is_some_and(|key| key.values().all(|part| !part.is_null()));
        let id = if complete { key.to_string() } else { String::new() };
        let sequence = &one["updateSequenceNumber"];
        let told = Entity { kind: shape.kind, id: &id, sequence, json: one, most_keys: 100 };
        match call.core.state.take_development(&told, &mut unknown) {
            Taken::Accepted => accepted.push(key),
            Taken::Failed(why) => rejected.push(json!({ "key": key, "errors": [{ "message": why }] })),
            Taken::Nowhere => {}
        }
    }
    let answer = json!({ shape.accepted: accepted, shape.rejected: rejected, "unknownIssueKeys": unknown });
    Ok(Answer::json(202, &answer))
}

fn admitted(call: &Call) -> Result<(), Refusal> {
    match &call.account()?.login {
        Login::Client { .. } => Ok(()),
        _ => Err(Refusal::message(401, "Client must be authenticated to access this resource.")),
    }
}

/// The list of messages, which the three calls wrap differently.
fn refused(status: u16, message: &str, wrap: fn(Value) -> Value) -> Refusal {
    Refusal(Answer::json(status, &wrap(json!([{ "message": message }]))))
}

fn body(call: &Call, wrap: fn(Value) -> Value) -> Result<Value, Refusal> {
    call.json().map_err(|_| refused(400, "The request body cannot be read.", wrap))
}
