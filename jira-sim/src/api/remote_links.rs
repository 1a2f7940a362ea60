//! Links to other systems. A second POST with the same `globalId` replaces the link; what it leaves out is gone.

use serde_json::{Value, json};

use super::Call;
use crate::account::Permission;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::Renderer;
use crate::state::RemoteLink;

pub(crate) fn get(call: &Call) -> Outcome {
    let issue = call.issue()?;
    let render = Renderer::new(call);
    let Some(wanted) = call.query("globalId") else {
        let all: Vec<Value> = issue.remote_links.iter().map(|link| render.remote_link(issue, link)).collect();
        return Ok(Answer::json(200, &Value::Array(all)));
    };
    let link = issue.remote_links.iter().find(|link| link.global_id.as_deref() == Some(wanted));
    let missing =
        || Refusal::message(404, format!("No remote issue link with the global id '{wanted}' exists."));
    Ok(Answer::json(200, &render.remote_link(issue, link.ok_or_else(missing)?)))
}

pub(crate) fn post(call: &mut Call) -> Outcome {
    let issue = call.issue()?;
    let id = issue.id;
    let body = call.json()?;
    let link = read(&body)?;
    call.author(Permission::LinkIssues, &issue.project, || {
        Refusal::message(403, "You do not have permission to link issues in this project.")
    })?;
    let (link_id, created) = upsert(call, id, link);
    let location = format!("{}/remotelink/{link_id}", Renderer::new(call).issue_url(call.issue()?));
    let answer = Answer::json(if created { 201 } else { 200 }, &json!({ "id": link_id, "self": location }));
    Ok(answer.header("Location", location))
}

fn upsert(call: &mut Call, issue: u64, mut link: RemoteLink) -> (u64, bool) {
    let state = &mut call.core.state;
    let (fresh, now) = (state.fresh_id(), state.now());
    let Some(issue) = state.issue_mut(issue) else {
        return (fresh, false);
    };
    issue.updated = now;
    let known =
        issue.remote_links.iter_mut().find(|one| link.global_id.is_some() && one.global_id == link.global_id);
    if let Some(known) = known {
        link.id = known.id;
        *known = link;
        return (known.id, false);
    }
    link.id = fresh;
    issue.remote_links.push(link);
    (fresh, true)
}

fn read(body: &Value) -> Result<RemoteLink, Refusal> {
    let object = &body["object"];
    let absent = |part: &str| object[part].as_str().is_none_or(str::is_empty);
    let errors: Vec<_> = ["title", "url"]
        .into_iter()
        .filter(|part| absent(part))
        .map(|part| (part.to_owned(), format!("'{part}' is required.")))
        .collect();
    if !errors.is_empty() {
        return Err(Refusal::fields(400, errors));
    }
    let global_id = body["globalId"].as_str().map(str::to_owned);
    if global_id.as_ref().is_some_and(|id| id.chars().count() > 255) {
        return Err(Refusal::field("globalId", "'globalId' must not exceed 255 characters."));
    }
    Ok(RemoteLink {
        id: 0,
        global_id,
        application: body.get("application").filter(|given| given.is_object()).cloned(),
        relationship: body["relationship"].as_str().map(str::to_owned),
        object: object.clone(),
    })
}
