//! The routes, one file for each thing that is asked about. This file is the list of them: it is what serves, and what
//! the API description is made from.

mod audit;
mod description;
mod events;
pub(super) mod health;
mod hooks;
mod machines;
mod metrics;
mod queue;
mod sight;
mod tickets;
mod tokens;
mod webhooks;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder};

use super::ApiError;
use super::answer::Answer;
use super::describe::{Answers, Asks, Operation};
use super::ingest;

/// One method of one path: what it does, and what serves it.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: String,
    /// What it is about.
    pub(super) group: &'static str,
    pub(super) operation: Operation,
    serve: actix_web::Route,
}

/// What the outside reaches.
pub(super) fn public() -> Vec<Route> {
    let mut routes = group("Health", health::public());
    routes.extend(group("Description", description::public()));
    // Forges and scripts that were set up without the prefix are served alike.
    for prefix in ["/conduit", ""] {
        routes.extend(group("Deliveries", vec![delivery(prefix)]));
        routes.extend(group("Hooks", vec![update(prefix)]));
    }
    routes.extend(group("Hooks", hooks()));
    routes.extend(group("Events and tickets", events()));
    routes.extend(group("Queue and machines", queue()));
    routes.extend(group("Tokens", tokens()));
    routes.extend(group(
        "Audit log",
        vec![on(Method::GET, "/conduit/api/audit", "Who did what, newest first", audit::list)],
    ));
    routes
}

/// What the operator's own network reaches.
pub(super) fn management() -> Vec<Route> {
    let mut routes = group("Health", health::management());
    let metrics = on(Method::GET, "/metrics", "What Prometheus scrapes", metrics::show)
        .or(ApiError::NotAuthorised)
        .or(ApiError::Forbidden("this token is for acme/shop alone".to_owned()))
        .or(ApiError::Busy("the store is not available"));
    routes.extend(group("Health", vec![metrics]));
    routes
}

fn delivery(prefix: &str) -> Route {
    let path = format!("{prefix}/webhooks/{{provider}}/{{repo_id}}/payload");
    let route = on(
        Method::POST,
        &path,
        "Where a forge delivers; it answers once the event is durable",
        webhooks::payload,
    );
    ingest::refusals().into_iter().fold(route, Route::or)
}

fn update(prefix: &str) -> Route {
    on(Method::PATCH, &format!("{prefix}/webhooks/update"), "Gives a hook a new secret", hooks::update)
        .or(no_hook())
        .or(conflict("hook github/acme-shop is being changed by somebody else; try again"))
}

fn hooks() -> Vec<Route> {
    let stands = || ApiError::AlreadyRegistered("github/acme-shop".to_owned());
    vec![
        on(Method::POST, "/conduit/webhooks/register", "Makes a hook and its secret", hooks::register)
            .or(stands()),
        on(Method::PATCH, "/internal/webhooks/import", "Makes a hook with the forge's secret", hooks::import)
            .or(stands()),
        on(Method::GET, "/conduit/webhooks/list", "The hooks, never a secret", hooks::list),
        on(Method::GET, "/conduit/webhooks/find", "One hook", hooks::find).or(no_hook()),
        on(Method::DELETE, "/conduit/webhooks/{provider}/{repo_id}", "Removes a hook", hooks::remove)
            .or(no_hook()),
    ]
}

fn events() -> Vec<Route> {
    let gone = || missing("there is no event nhzph2etjmclld3qfgkcz3a7pq; it may be older than the retention");
    vec![
        on(Method::GET, "/conduit/api/events", "What came in, newest first", events::list),
        on(Method::GET, "/conduit/api/events/{id}", "An event's whole trace", events::show).or(gone()),
        on(Method::POST, "/conduit/api/events/{id}/replay", "Sends an event through again", events::replay)
            .or(gone())
            .or(conflict("event nhzph2etjmclld3qfgkcz3a7pq is not finished yet")),
        on(Method::GET, "/conduit/api/tickets/{key}", "The newest events that name a ticket", tickets::show),
    ]
}

fn queue() -> Vec<Route> {
    let unknown = || missing("there is no such site; known are: atlassian");
    vec![
        on(Method::GET, "/conduit/api/queue", "What waits", queue::show),
        on(Method::POST, "/conduit/api/queue/pause", "Lets a site stand still", queue::pause).or(unknown()),
        on(Method::POST, "/conduit/api/queue/resume", "Lets a site go on", queue::resume).or(unknown()),
        on(Method::GET, "/conduit/api/machines", "The rule set in force", machines::list),
    ]
}

fn tokens() -> Vec<Route> {
    vec![
        on(Method::GET, "/conduit/api/tokens", "The tokens, never one itself", tokens::list),
        on(Method::POST, "/conduit/api/tokens", "Makes a token, shown this once", tokens::create)
            .or(conflict("there is a token ci already; revoke it, or choose another name")),
        on(Method::DELETE, "/conduit/api/tokens/{name}", "Revokes a token", tokens::revoke)
            .or(missing("there is no token ci that is not revoked already"))
            .or(conflict(
                "ada is the last administrator's token that does not expire; make another one first",
            )),
    ]
}

fn no_hook() -> ApiError {
    ApiError::NotRegistered("github/acme-shop".to_owned())
}

fn missing(text: &str) -> ApiError {
    ApiError::NotFound(text.to_owned())
}

fn conflict(text: &str) -> ApiError {
    ApiError::Conflict(text.to_owned())
}

fn group(name: &'static str, routes: Vec<Route>) -> Vec<Route> {
    routes.into_iter().map(|route| Route { group: name, ..route }).collect()
}

/// One method of a path. The handler's own types describe what it takes and what it answers.
fn on<H, Args>(method: Method, path: &str, summary: &'static str, handler: H) -> Route
where
    H: Handler<Args>,
    H::Output: Responder + Answers + 'static,
    Args: FromRequest + Asks + 'static,
{
    let operation = Operation::new::<Args, H::Output>(summary);
    let serve = web::method(method.clone()).to(handler);
    Route { method, path: path.to_owned(), group: "", operation, serve }
}

impl Route {
    /// It may be refused with this, too.
    fn or(mut self, refusal: ApiError) -> Self {
        self.operation.refusals.push(refusal);
        self
    }
}

/// Serves the routes. A path says to every method that it does not take which it takes.
pub(super) fn mount(routes: Vec<Route>, config: &mut ServiceConfig) {
    let mut paths: Vec<(String, Vec<Route>)> = Vec::new();
    for route in routes {
        match paths.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, methods)) => methods.push(route),
            None => paths.push((route.path.clone(), vec![route])),
        }
    }
    for (path, methods) in paths {
        let allowed: Vec<String> = methods.iter().map(|route| route.method.to_string()).collect();
        let allowed = allowed.join(", ");
        let refuse = move || std::future::ready(Answer::<()>::Err(ApiError::WrongMethod(allowed.clone())));
        let resource =
            methods.into_iter().fold(web::resource(path), |resource, route| resource.route(route.serve));
        config.service(resource.default_service(web::to(refuse)));
    }
}
