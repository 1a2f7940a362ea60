//! Whether the process lives, and whether a delivery could be accepted now.
//!
//! A Jira that is down is not unready: deliveries are accepted and wait. What exactly is wrong is said on
//! the management listener alone.

use std::convert::Infallible;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use actix_web::body::BoxBody;
use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::http::answer::{self, Answer};
use crate::http::describe::{Answers, Told, envelope, success};
use crate::http::extract::{authorise, room, state};
use crate::http::{ApiError, InForce, Room, State};
use crate::store::{PausedSite, SpoolStatus};

use super::{Route, on};

/// What readiness rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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

/// Which Conduit this is.
#[derive(Serialize, JsonSchema)]
struct Version {
    version: &'static str,
}

const READY: &str = "Whether a delivery would be accepted now; the management listener says why not";

/// The routes that anyone may ask.
pub(super) fn public() -> Vec<Route> {
    vec![
        on(Method::GET, "/conduit/ping", "Whether somebody is there", ping),
        on(Method::GET, "/conduit/version", "Which version this is", version),
        on(Method::GET, "/livez", "Whether the process lives", ping),
        on(Method::GET, "/readyz", READY, ready).or(ApiError::Busy("not ready")),
    ]
}

/// The same for probes, with details.
pub(super) fn management() -> Vec<Route> {
    vec![
        on(Method::GET, "/conduit-reactor/ping", "Whether somebody is there", ping),
        on(Method::GET, "/livez", "Whether the process lives", ping),
        on(Method::GET, "/readyz", READY, ready_with_details).or(ApiError::Busy("not ready")),
    ]
}

async fn ping() -> Answer<&'static str> {
    Ok(answer::ok("pong"))
}

async fn version() -> Answer<Version> {
    Ok(answer::ok(Version { version: env!("CARGO_PKG_VERSION") }))
}

async fn ready(request: HttpRequest) -> Answer<&'static str> {
    let health = health(&*state(&request)?).await;
    if health.ready { Ok(answer::ok("ready")) } else { Err(ApiError::Busy("not ready")) }
}

async fn ready_with_details(request: HttpRequest) -> Result<Readiness, ApiError> {
    let state = match state(&request) {
        // Before the store is there no token can be looked up, so nobody proves that the details are for him.
        Err(ApiError::NoStoreYet) if !room(&request)?.parts.config.management_token_required => {
            return Ok(Readiness::of(&Health::before_the_store(room(&request)?)));
        }
        state => state?,
    };
    let bare = request.clone();
    // A probe without a token still learns the one thing that it is there for.
    if state.config.management_token_required && authorise(&state, &request, state.clock.now()).await.is_err()
    {
        return ready(request).await.map(|said| Readiness(said.respond_to(&bare)));
    }
    Ok(Readiness::of(&health(&state).await))
}

/// Ready or not, with details or without them.
struct Readiness(HttpResponse);

impl Readiness {
    fn of(health: &Health) -> Self {
        let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Self(HttpResponse::build(status).json(Details { success: health.ready, data: health }))
    }
}

impl Responder for Readiness {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

impl Answers for Result<Readiness, ApiError> {
    fn told() -> Vec<Told> {
        let told = |status, schema| Told { status, media: "application/json", schema };
        vec![told(200, success::<&str>), told(200, success::<Health>), told(503, not_ready)]
    }
}

fn not_ready(schemas: &mut SchemaGenerator) -> Value {
    envelope(&json!({ "const": false }), &schemas.subschema_for::<Health>().to_value())
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
    let rules = Health::of_rules(&*state.in_force);
    Health {
        ready: store.is_ok() && rules.rules_loaded,
        store: match store {
            Ok(()) => away.unwrap_or_else(|| "ok".to_owned()),
            Err(error) => error.to_string(),
        },
        spool,
        // A store that cannot say this says above what is wrong with it.
        paused: state.store.paused().await.unwrap_or_default(),
        ..rules
    }
}

impl Health {
    /// As far as the rules go.
    fn of_rules(in_force: &dyn InForce) -> Self {
        let rules = in_force.rules();
        Self {
            ready: false,
            store: String::new(),
            spool: None,
            rules_loaded: rules.is_some(),
            rules: rules.map(|rules| rules.hash().to_owned()),
            rules_reload_failed: in_force.reload_failed(),
            paused: Vec::new(),
            stopping: false,
        }
    }

    fn before_the_store(room: &Room) -> Self {
        let why = room.awaited.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { store: why, ..Self::of_rules(&*room.parts.in_force) }
    }
}
