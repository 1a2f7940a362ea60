//! Whether the process lives, and whether a delivery could be accepted now.
//!
//! A Jira that is down is not unready: deliveries are accepted and wait. What exactly is wrong is said on
//! the management listener alone.

use std::convert::Infallible;
use std::sync::atomic::Ordering;

use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::http::answer::{self, Answer};
use crate::http::extract::{authorise, state};
use crate::http::{ApiError, State};
use crate::store::{PausedSite, SpoolStatus};

use super::on;

/// What readiness rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::http) struct Health {
    ready: bool,
    /// `ok`, or why the store takes nothing.
    store: String,
    /// How the spool stands, where there is one. While it takes deliveries, a store that is away is not unready.
    #[serde(skip_serializing_if = "Option::is_none")]
    spool: Option<SpoolStatus>,
    /// Whether a rule set is in force.
    rules_loaded: bool,
    /// The hash of the rule set in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<String>,
    /// Why the rules on disk are not in force. Not unready: the set before them decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules_reload_failed: Option<String>,
    /// The sites that stand still, and why. Not unready: deliveries are accepted and wait.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paused: Vec<PausedSite>,
    /// The service is about to end.
    stopping: bool,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// The routes that anyone may ask.
pub(super) fn public(config: &mut ServiceConfig) {
    config
        .service(on(Method::GET, "/conduit/ping", ping))
        .service(on(Method::GET, "/conduit/version", version))
        .service(on(Method::GET, "/livez", ping))
        .service(on(Method::GET, "/readyz", ready));
}

/// The same for probes, with details.
pub(super) fn management(config: &mut ServiceConfig) {
    config
        .service(on(Method::GET, "/conduit-reactor/ping", ping))
        .service(on(Method::GET, "/livez", ping))
        .service(on(Method::GET, "/readyz", ready_with_details));
}

async fn ping() -> HttpResponse {
    answer::ok("pong")
}

async fn version() -> HttpResponse {
    answer::ok(Version { version: env!("CARGO_PKG_VERSION") })
}

async fn ready(request: HttpRequest) -> Answer {
    let health = health(&*state(&request)?).await;
    if health.ready { Ok(answer::ok("ready")) } else { Err(ApiError::Busy("not ready")) }
}

async fn ready_with_details(request: HttpRequest) -> Answer {
    let state = state(&request)?;
    // A probe without a token still learns the one thing that it is there for.
    if state.config.management_token_required && authorise(&state, &request, state.clock.now()).await.is_err()
    {
        return ready(request).await;
    }
    let health = health(&state).await;
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(HttpResponse::build(status).json(Details { success: health.ready, data: &health }))
}

#[derive(Serialize)]
struct Details<'a> {
    success: bool,
    data: &'a Health,
}

/// Asked of the store once a second at the most, whoever asks and however often.
async fn health(state: &State) -> Health {
    let look = async { Ok::<_, Infallible>(look(state).await) };
    match state.health.get(state.clock.now(), look).await {
        Ok(health) => {
            let stopping = state.stopping.load(Ordering::Acquire);
            Health { stopping, ready: health.ready && !stopping, ..(*health).clone() }
        }
        Err(never) => match never {},
    }
}

async fn look(state: &State) -> Health {
    let store = state.store.check().await;
    let spool = state.store.spool().await;
    let away = spool.as_ref().and_then(|spool| spool.store_away.clone());
    // A store that cannot say this says above what is wrong with it.
    let paused = state.store.paused().await.unwrap_or_default();
    let rules = state.in_force.rules();
    let rules_loaded = rules.is_some();
    Health {
        ready: store.is_ok() && rules_loaded,
        store: match store {
            Ok(()) => away.unwrap_or_else(|| "ok".to_owned()),
            Err(error) => error.to_string(),
        },
        spool,
        rules_loaded,
        rules: rules.map(|rules| rules.hash().to_owned()),
        rules_reload_failed: state.in_force.reload_failed(),
        paused,
        stopping: false,
    }
}
