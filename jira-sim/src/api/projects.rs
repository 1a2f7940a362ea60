//! Projects: themselves, their statuses by issue type, their versions.

use serde_json::Value;

use super::Call;
use crate::refusal::{Answer, Outcome};
use crate::render::Renderer;

pub(crate) fn get(call: &Call) -> Outcome {
    let project = call.project(call.subject())?;
    Ok(Answer::json(200, &Renderer::new(call).project(project)))
}

pub(crate) fn statuses(call: &Call) -> Outcome {
    let project = call.project(call.subject())?;
    let render = Renderer::new(call);
    let types: Vec<Value> = project.issue_types.iter().map(|one| render.type_with_statuses(one)).collect();
    Ok(Answer::json(200, &Value::Array(types)))
}

pub(crate) fn versions(call: &Call) -> Outcome {
    let project = call.project(call.subject())?.id;
    let render = Renderer::new(call);
    let versions = call.state().versions.values().filter(|version| version.project == project);
    let versions: Vec<Value> = versions.map(|version| render.version(version)).collect();
    Ok(Answer::json(200, &Value::Array(versions)))
}
