//! Versions of a project.

use serde_json::Value;

use super::Call;
use crate::account::Permission;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::Renderer;
use crate::state::Version;

pub(crate) fn get(call: &Call) -> Outcome {
    let version = found(call)?;
    Ok(Answer::json(200, &Renderer::new(call).version(version)))
}

pub(crate) fn post(call: &mut Call) -> Outcome {
    let body = call.json()?;
    call.account()?;
    let wanted = wanted_project(&body)?;
    let may = |key: &str| call.caller.may_in(Permission::AdministerProjects, key);
    let project = call.project(&wanted).ok().filter(|project| may(&project.key));
    let refused = || {
        let message = format!(
            "Project with key '{wanted}' either does not exist or you do not have permission to create versions in it."
        );
        Refusal::message(404, message)
    };
    let project = project.ok_or_else(refused)?.id;
    let name = name(call, project, &body, None)?;
    check(&body)?;
    let name = name.ok_or_else(|| Refusal::field("name", "You must specify a valid version name"))?;
    let id = call.core.state.add_version(project, &name);
    change(call, id, &body);
    rendered(call, id, 201)
}

pub(crate) fn put(call: &mut Call) -> Outcome {
    let body = call.json()?;
    call.account()?;
    let version = found(call)?;
    let key = project_key(call, version);
    call.author(Permission::AdministerProjects, key, || no_version(call.subject()))?;
    let (id, project) = (version.id, version.project);
    let name = name(call, project, &body, Some(id))?;
    check(&body)?;
    if let (Some(name), Some(version)) = (name, call.core.state.versions.get_mut(&id)) {
        version.name = name;
    }
    change(call, id, &body);
    rendered(call, id, 200)
}

fn found<'a>(call: &'a Call) -> Result<&'a Version, Refusal> {
    let id: Option<u64> = call.subject().parse().ok();
    let version = id.and_then(|id| call.state().versions.get(&id));
    let seen = |one: &&Version| call.caller.may_in(Permission::BrowseProjects, project_key(call, one));
    version.filter(seen).ok_or_else(|| no_version(call.subject()))
}

fn project_key<'a>(call: &'a Call, version: &Version) -> &'a str {
    let mut projects = call.state().projects.iter();
    projects.find(|project| project.id == version.project).map_or("", |project| &project.key)
}

fn no_version(id: &str) -> Refusal {
    Refusal::message(404, format!("Could not find version for id '{id}'"))
}

fn rendered(call: &Call, id: u64, status: u16) -> Outcome {
    let version = call.state().versions.get(&id).ok_or_else(|| no_version(call.subject()))?;
    Ok(Answer::json(status, &Renderer::new(call).version(version)))
}

fn wanted_project(body: &Value) -> Result<String, Refusal> {
    match (&body["projectId"], &body["project"]) {
        (Value::Number(id), _) => Ok(id.to_string()),
        (Value::String(id), _) => Ok(id.clone()),
        (_, Value::String(key)) => Ok(key.clone()),
        _ => Err(Refusal::field("projectId", "A project must be specified to create a version.")),
    }
}

/// The name given, if it is one and free.
fn name(call: &Call, project: u64, body: &Value, own: Option<u64>) -> Result<Option<String>, Refusal> {
    let Some(name) = body.get("name") else {
        return Ok(None);
    };
    let name = name.as_str().map(str::trim).unwrap_or_default();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Refusal::field("name", "You must specify a valid version name"));
    }
    let taken = call.state().version_named(project, name).is_some_and(|version| Some(version.id) != own);
    if taken {
        return Err(Refusal::field("name", "A version with this name already exists in this project."));
    }
    Ok(Some(name.to_owned()))
}

fn check(body: &Value) -> Result<(), Refusal> {
    for part in ["startDate", "releaseDate"] {
        let date = &body[part];
        let valid =
            date.is_null() || date.as_str().is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok());
        if !valid {
            return Err(Refusal::field(part, "The date must be of the format yyyy-MM-dd."));
        }
    }
    Ok(())
}

/// Takes over what the body says, and leaves the rest.
fn change(call: &mut Call, id: u64, body: &Value) {
    let Some(version) = call.core.state.versions.get_mut(&id) else {
        return;
    };
    let text = |part: &str| body[part].as_str().map(str::to_owned);
    version.released = body["released"].as_bool().unwrap_or(version.released);
    version.archived = body["archived"].as_bool().unwrap_or(version.archived);
    version.description = text("description").or(version.description.take());
    version.start_date = text("startDate").or(version.start_date.take());
    version.release_date = text("releaseDate").or(version.release_date.take());
}
