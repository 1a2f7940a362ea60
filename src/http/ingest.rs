//! From a request to a durable event: the order of the checks, and the I/O between them.
//!
//! What costs nothing is refused first; then the raw body is read, within its limits; then the delivery is
//! proved genuine; only then is it parsed. 202 is said after the store has said yes. How it went is remembered of the
//! address that it came from.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Payload;
use bytes::Bytes;
use jiff::Timestamp;

use crate::forge::{self, Forge, Headers};
use crate::printable::printable;
use crate::registration::{Hook, RepoCheck, validate_repo_id};
use crate::store::{EventId, Ingested, NewEvent, StoreError};
use crate::telemetry::{self, Delivery, Laps};

use super::cache::OpenHook;
use super::door::Visitor;
use super::intake::{self, Arrival, Proof, Refused, Understood};
use super::{ApiError, State, body};

/// The largest delivery: 25 MiB, which is GitHub's own limit.
pub(super) const LARGEST: usize = 25 * 1024 * 1024;

/// Verifying and parsing more than this would keep the reactor from its other connections.
const OFF_REACTOR: usize = 256 * 1024;

/// How often a pin is tried against others who change the same hook.
const PIN_TRIES: usize = 5;

pub(super) const TYPES: &[&str] = &["application/json", "application/x-www-form-urlencoded"];
const WANTED: &str = "a delivery must be application/json or application/x-www-form-urlencoded";

/// A delivery that is durable.
pub(super) struct Accepted {
    /// The event's id.
    pub(super) id: EventId,
    /// It, or the same change, had been accepted before.
    pub(super) duplicate: bool,
    /// It is to be worked on; otherwise it is finished already.
    pub(super) queued: bool,
}

/// Takes in a delivery on the hook `repo_id` of `forge`, if there is such a forge and the sender may try.
pub(super) async fn receive(
    state: &State,
    forge: Result<&'static dyn Forge, ApiError>,
    repo_id: &str,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Accepted, ApiError> {
    let visitor = state.door.admit(request, state.clock.now())?;
    let taken = async { take_in(state, forge?, repo_id, request, payload, &visitor).await }.await;
    state.door.remember(&visitor, taken.as_ref().err(), state.clock.now());
    taken
}

async fn take_in(
    state: &State,
    forge: &'static dyn Forge,
    repo_id: &str,
    request: &HttpRequest,
    payload: Payload,
    visitor: &Visitor,
) -> Result<Accepted, ApiError> {
    let mut laps = Laps::begin();
    body::check_head(request, TYPES, WANTED, LARGEST)?;
    let share = state.budget.share(visitor.standing.clone());
    let body = body::read(request, payload, LARGEST, state.config.body_timeout, share).await?;
    visitor.has_sent(body.bytes.len());
    laps.done("receive");
    let at = state.clock.now();
    let hook = hook(state, forge.name(), repo_id, at).await?;
    let looked = look(forge, request.headers(), &body.bytes, hook.clone(), (at, laps)).await?;
    let (understood, laps) = looked.map_err(|refused| refuse(&refused, forge.name(), repo_id, visitor))?;
    // Without a hook there is no secret, and without a secret nothing is genuine.
    let hook = hook.ok_or(ApiError::BadSignature)?;
    state.door.take_from(&hook.rate, at).inspect_err(|_| {
        tracing::warn!(
            "a genuine delivery to {} got 429: it has more than CONDUIT_RATE_HOOK allows",
            hook.hook.name()
        );
    })?;
    let (hook, repo) = pin(state, &understood, hook.hook.clone()).await?;
    let arrival =
        Arrival { at, now: state.clock.now(), body: &body.bytes, max_age: state.config.max_event_age };
    let event = intake::new_event(understood, &hook, repo, arrival);
    store(state, event, body.bytes.clone(), laps).await
}

async fn hook(
    state: &State,
    provider: &str,
    repo_id: &str,
    at: Timestamp,
) -> Result<Option<Arc<OpenHook>>, ApiError> {
    // What cannot be registered needs no look-up, and must not fill the memory of unknown names.
    if validate_repo_id(repo_id).is_err() {
        return Ok(None);
    }
    state.hooks.get(&*state.store, &state.keyring, (provider, repo_id), at).await
}

/// Proves and parses the body, off the reactor when it is large.
async fn look(
    forge: &'static dyn Forge,
    headers: &HeaderMap,
    body: &Bytes,
    hook: Option<Arc<OpenHook>>,
    arrived: (Timestamp, Laps),
) -> Result<Result<(Understood, Laps), Refused>, ApiError> {
    let look = move |headers: &HeaderMap, body: &[u8]| {
        let (at, mut laps) = arrived;
        let proof = prove(forge, headers, body, hook.as_deref(), at)?;
        laps.done("verify");
        let understood = intake::understand(forge, &RequestHeaders(headers), body, proof)?;
        laps.done("normalise");
        Ok((understood, laps))
    };
    if body.len() <= OFF_REACTOR {
        return Ok(look(headers, body));
    }
    let (headers, body) = (headers.clone(), body.clone());
    tokio::task::spawn_blocking(move || look(&headers, &body))
        .await
        .map_err(|error| ApiError::internal("a large delivery could not be looked at", error))
}

fn prove(
    forge: &dyn Forge,
    headers: &HeaderMap,
    body: &[u8],
    hook: Option<&OpenHook>,
    at: Timestamp,
) -> Result<Proof, Refused> {
    let live = hook.map(|hook| hook.live(at).collect::<Vec<_>>()).unwrap_or_default();
    let secrets: Vec<_> = live.iter().map(|(version, secret)| (*version, secret.expose())).collect();
    intake::prove(forge, &RequestHeaders(headers), body, &secrets)
}

struct RequestHeaders<'a>(&'a HeaderMap);

impl Headers for RequestHeaders<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

/// The outside gets one answer for whatever is wrong with a signature; the log says which it was.
fn refuse(refused: &Refused, provider: &str, repo_id: &str, visitor: &Visitor) -> ApiError {
    let (name, from) = (printable(repo_id), visitor.name());
    match refused {
        Refused::Unverified(why) => {
            tracing::info!("a delivery to {provider}/{name} from {from} got 401: {why}");
            ApiError::BadSignature
        }
        Refused::ContentType(found) => {
            let found = printable(found);
            tracing::info!("a delivery to {provider}/{name} from {from} got 415: {found}");
            ApiError::UnsupportedMedia(WANTED)
        }
        Refused::Malformed(why) => {
            tracing::info!("a delivery to {provider}/{name} from {from} got 400: {}", printable(why));
            ApiError::Malformed(why.clone())
        }
    }
}

/// Checks the repository, and pins its id when this is the hook's first delivery.
///
/// The pin is durable before the event is, and a hook that another process pins or rotates at the same
/// moment is read again. While the store is away nothing can be pinned: the delivery is of the registered
/// path, so it may be spooled where there is a spool, and a later one pins.
async fn pin(state: &State, understood: &Understood, mut hook: Hook) -> Result<(Hook, RepoCheck), ApiError> {
    for _ in 0..PIN_TRIES {
        let check = understood.check_repo(&hook);
        let (RepoCheck::Pin, Some(id)) = (check, understood.repo_id()) else { return Ok((hook, check)) };
        let (provider, repo_id) = (hook.provider.clone(), hook.repo_id.clone());
        hook.pinned_repo = Some(id.to_owned());
        let saved = match state.store.save_hook(&hook).await {
            Err(StoreError::Unavailable(_)) => return Ok((hook, RepoCheck::Same)),
            answer => answer?,
        };
        state.hooks.forget(&provider, &repo_id);
        if saved {
            return Ok((hook, RepoCheck::Same));
        }
        // Gone meanwhile: as if it had never been there.
        hook = state.store.hook(&provider, &repo_id).await?.ok_or(ApiError::BadSignature)?;
    }
    Err(ApiError::Busy("this hook is being changed"))
}

async fn store(state: &State, event: NewEvent, body: Bytes, mut laps: Laps) -> Result<Accepted, ApiError> {
    let ingested = state.store.ingest(&event).await?;
    laps.done("store");
    tell(&event, &ingested, laps);
    let NewEvent { id, verdict, .. } = event;
    if !ingested.duplicate {
        if let Some(verdict) = verdict {
            telemetry::outcome(verdict.outcome.as_str(), verdict.reason.as_str());
        }
        if let (Some(keeper), false) = (&state.keeper, matches!(event.content, crate::store::Content::Raw(_)))
        {
            keeper.keep(id.clone(), body);
        }
    }
    Ok(Accepted { id, duplicate: ingested.duplicate, queued: verdict.is_none() })
}

/// Says of an event that it is durable, where the log and the traces are read.
fn tell(event: &NewEvent, &Ingested { duplicate, known, .. }: &Ingested, laps: Laps) {
    let NewEvent { id, received, .. } = event;
    let (trace_id, kind) = (telemetry::trace_id(id.as_str()), printable(&event.kind));
    let ended = event.verdict.map(|verdict| (verdict.outcome.as_str(), verdict.reason.as_str()));
    let reason = ended.map(|(_, reason)| reason);
    tracing::info!(event = %id, trace_id, hook = received.hook, kind = %kind, duplicate, reason, "event {id} is accepted");
    laps.accepted(&Delivery {
        event: id.as_str(),
        provider: &event.provider,
        repo: &event.repo,
        kind: &event.kind,
        duplicate,
        known,
        ended,
    });
}

/// The forge that the route names.
pub(super) fn provider(name: &str) -> Result<&'static dyn Forge, ApiError> {
    forge::find(name).ok_or_else(unknown)
}

/// The names of the forges.
pub(super) fn providers() -> Vec<&'static str> {
    forge::all().iter().map(|forge| forge.name()).collect()
}

fn unknown() -> ApiError {
    ApiError::UnknownProvider(providers().join(", "))
}

/// Everything that a delivery may be refused with, for the API description.
pub(super) fn refusals() -> Vec<ApiError> {
    vec![
        ApiError::Malformed("the body is not readable: it is not JSON".to_owned()),
        ApiError::BadSignature,
        unknown(),
        ApiError::TooSlow,
        ApiError::TooLarge(LARGEST),
        ApiError::UnsupportedMedia(WANTED),
        ApiError::Busy("the store is not available"),
        ApiError::AddressLimited(1),
        ApiError::HookLimited(1),
        ApiError::AddressNotAllowed,
    ]
}
