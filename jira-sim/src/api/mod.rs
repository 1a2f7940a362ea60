//! The API itself: who asks, may they ask now, and which handler answers.

mod adf;
mod auth;
mod bulk;
mod call;
mod comments;
mod development;
mod fields;
mod issue;
mod jql;
mod oauth;
mod projects;
mod remote_links;
mod search;
mod session;
mod transitions;
mod values;
mod versions;
mod webhooks;
mod workflows;

use serde_json::json;

use crate::dialect::Dialect;
use crate::language;
use crate::limits::Asking;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::route::Kind;

pub(crate) use auth::Caller;
pub(crate) use call::Call;
pub(crate) use jql::Clause;

/// Answers a request, and changes the state if it asks for that.
pub(crate) fn answer(call: &mut Call) -> Answer {
    let mut headers = Vec::new();
    let outcome = admit(call, &mut headers).and_then(|()| dispatch(call));
    let refused = |refusal: Refusal| language::translated(refusal.0, call.caller.language());
    let mut answer = outcome.unwrap_or_else(refused);
    answer.headers.extend(headers);
    answer
}

/// Finds out who asks, and whether they may ask now.
fn admit(call: &mut Call, headers: &mut Vec<(String, String)>) -> Result<(), Refusal> {
    let route = &call.request.route;
    if matches!(route.kind, Kind::TenantInfo | Kind::OAuthToken) {
        return Ok(());
    }
    call.caller = auth::identify(&call.core.state, &call.request.headers, route.gateway)?;
    if call.state().dialect == Dialect::DataCenter {
        headers.push(("X-AUSERNAME".into(), call.caller.name().to_owned()));
    }
    let asking = Asking {
        method: &call.request.method,
        kind: call.request.route.kind,
        issue: call.request.route.issue().and_then(|key| call.state().issue(key)).map(|issue| issue.id),
        writes: call.request.route.issue().is_some() && call.request.method != "GET",
        user: call.caller.name(),
        with_api_token: call.caller.has_api_token(),
        now: call.state().now(),
    };
    headers.extend(call.core.limiter.ask(&asking).map_err(Refusal)?);
    Ok(())
}

fn dispatch(call: &mut Call) -> Outcome {
    match (call.request.method.as_str(), call.request.route.kind) {
        ("GET", Kind::Issue) => issue::get(call),
        ("PUT", Kind::Issue) => issue::put(call),
        ("GET", Kind::Transitions) => transitions::get(call),
        ("POST", Kind::Transitions) => transitions::post(call),
        ("GET", Kind::Comments) => comments::get(call),
        ("POST", Kind::Comments) => comments::post(call),
        ("GET", Kind::RemoteLinks) => remote_links::get(call),
        ("POST", Kind::RemoteLinks) => remote_links::post(call),
        ("POST", Kind::BulkFetch) => search::bulk_fetch(call),
        ("GET" | "POST", Kind::SearchJql) => search::jql(call),
        ("GET" | "POST", Kind::Search) => search::old(call),
        ("GET", Kind::BulkTransitions) => bulk::available(call),
        ("POST", Kind::BulkTransitions) => bulk::submit(call),
        ("GET", Kind::BulkTask) => bulk::progress(call),
        ("POST", Kind::Versions) => versions::post(call),
        ("GET", Kind::Version) => versions::get(call),
        ("PUT", Kind::Version) => versions::put(call),
        ("GET", Kind::Project) => projects::get(call),
        ("GET", Kind::ProjectStatuses) => projects::statuses(call),
        ("GET", Kind::ProjectVersions) => projects::versions(call),
        ("GET", Kind::MyPermissions) => session::my_permissions(call),
        ("GET", Kind::Myself) => session::myself(call),
        ("GET", Kind::ServerInfo) => Ok(session::server_info(call)),
        ("GET", Kind::Statuses) => Ok(workflows::statuses(call)),
        ("GET", Kind::StatusSearch) => workflows::search(call),
        ("GET", Kind::WorkflowSearch | Kind::Workflows) => workflows::workflows(call),
        ("POST", Kind::DevInfo) => development::repositories(call),
        ("POST", Kind::Builds) => development::flat(call, &development::BUILDS),
        ("POST", Kind::Deployments) => development::flat(call, &development::DEPLOYMENTS),
        ("GET", Kind::Webhooks) => webhooks::list(call),
        ("POST", Kind::Webhooks) => webhooks::post(call),
        ("GET", Kind::Webhook) => webhooks::get(call),
        ("PUT", Kind::Webhook) => webhooks::put(call),
        ("DELETE", Kind::Webhook) => webhooks::delete(call),
        ("GET", Kind::TenantInfo) => Ok(oauth::tenant_info(call)),
        ("POST", Kind::OAuthToken) => oauth::token(call),
        (_, Kind::Unknown) if call.request.route.gateway => Err(no_such_site(call)),
        (_, Kind::Unknown) => Err(no_such_path(call)),
        _ => Err(Refusal(Answer::empty(405))),
    }
}

/// The gateway knows neither the site nor the path.
fn no_such_site(call: &Call) -> Refusal {
    let error = json!({
        "timestamp": call.state().now().to_string(),
        "status": 404,
        "error": "Not Found",
        "message": "No message available",
        "path": call.request.path,
    });
    Refusal(Answer::json(404, &error))
}

/// Cloud answers an unknown path with problem details, Data Center with a message of its own.
fn no_such_path(call: &Call) -> Refusal {
    let path = &call.request.path;
    if call.state().dialect == Dialect::DataCenter {
        let message = format!("null for uri: {}{path}", call.state().base_url);
        return Refusal(Answer::json(404, &json!({ "message": message, "status-code": 404 })));
    }
    let problem = json!({
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": format!("No static resource {}.", path.trim_start_matches('/')),
        "instance": path,
    });
    Refusal(Answer::text(404, "application/problem+json", problem.to_string()))
}
