//! The routes, one file for each thing that is asked about. This file is the list of them.

mod audit;
mod events;
pub(super) mod health;
mod hooks;
mod machines;
mod metrics;
mod queue;
mod tickets;
mod tokens;
mod webhooks;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder};

use super::ApiError;

/// What the outside reaches.
pub(super) fn public(config: &mut ServiceConfig) {
    health::public(config);
    // Forges and scripts that were set up without the prefix are served alike.
    for prefix in ["/conduit", ""] {
        let path = |rest: &str| format!("{prefix}{rest}");
        config
            .service(on(Method::POST, &path("/webhooks/{provider}/{repo_id}/payload"), webhooks::payload))
            .service(on(Method::PATCH, &path("/webhooks/update"), hooks::update));
    }
    config
        .service(on(Method::POST, "/conduit/webhooks/register", hooks::register))
        .service(on(Method::PATCH, "/internal/webhooks/import", hooks::import))
        .service(on(Method::GET, "/conduit/webhooks/list", hooks::list))
        .service(on(Method::GET, "/conduit/webhooks/find", hooks::find))
        .service(on(Method::DELETE, "/conduit/webhooks/{provider}/{repo_id}", hooks::remove))
        .service(on(Method::GET, "/conduit/api/events", events::list))
        .service(on(Method::GET, "/conduit/api/events/{id}", events::show))
        .service(on(Method::POST, "/conduit/api/events/{id}/replay", events::replay))
        .service(on(Method::GET, "/conduit/api/tickets/{key}", tickets::show))
        .service(on(Method::GET, "/conduit/api/queue", queue::show))
        .service(on(Method::POST, "/conduit/api/queue/pause", queue::pause))
        .service(on(Method::POST, "/conduit/api/queue/resume", queue::resume))
        .service(on(Method::GET, "/conduit/api/machines", machines::list))
        .service(on_either(
            "/conduit/api/tokens",
            (Method::GET, tokens::list),
            (Method::POST, tokens::create),
        ))
        .service(on(Method::DELETE, "/conduit/api/tokens/{name}", tokens::revoke))
        .service(on(Method::GET, "/conduit/api/audit", audit::list));
}

/// What the operator's own network reaches.
pub(super) fn management(config: &mut ServiceConfig) {
    health::management(config);
    config.service(on(Method::GET, "/metrics", metrics::show));
}

/// A path that takes one method, and says so to every other.
fn on<H, Args>(method: Method, path: &str, handler: H) -> Resource
where
    H: Handler<Args>,
    H::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    at(path, method.to_string()).route(web::method(method).to(handler))
}

/// A path that takes two methods.
fn on_either<H1, Args1, H2, Args2>(path: &str, one: (Method, H1), other: (Method, H2)) -> Resource
where
    H1: Handler<Args1>,
    H1::Output: Responder + 'static,
    Args1: FromRequest + 'static,
    H2: Handler<Args2>,
    H2::Output: Responder + 'static,
    Args2: FromRequest + 'static,
{
    let resource = at(path, format!("{}, {}", one.0, other.0));
    resource.route(web::method(one.0).to(one.1)).route(web::method(other.0).to(other.1))
}

fn at(path: &str, allowed: String) -> Resource {
    let refuse = move || std::future::ready(Err::<HttpResponse, _>(ApiError::WrongMethod(allowed.clone())));
    web::resource(path).default_service(web::to(refuse))
}
