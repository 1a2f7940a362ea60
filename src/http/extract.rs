//! Who asks, and for what: the one extractor of the API's routes.
//!
//! [`Ask`] looks at the token before anything else, then reads the fields of the request into something
//! that is already checked, so that a handler has only its own work to do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest};
use jiff::Timestamp;
use serde_json::Value;

use crate::secrets::token;

use super::fields::{Fields, Input};
use super::rights::{self, Asker};
use super::{ApiError, Http, Room, State, body};

/// The largest JSON body of the API.
pub(super) const LARGEST_JSON: usize = 64 * 1024;

pub(super) const JSON_WANTED: &str = "the body must be application/json";

/// A request by somebody who may, with its fields read and checked.
pub(super) struct Ask<I: Input> {
    /// The shared state.
    pub(super) state: Arc<State>,
    /// Who asks.
    pub(super) by: Asker,
    /// What is asked for.
    pub(super) input: I,
    /// The time of asking.
    pub(super) now: Timestamp,
}

impl<I: Input + 'static> FromRequest for Ask<I> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload).into_inner();
        Box::pin(async move {
            let state = state(&request)?;
            let now = state.clock.now();
            let by = authorise(&state, &request, now).await?;
            let payload = payload.map_err(|error| ApiError::internal("no payload", error))?;
            let mut fields = fields(&state, &request, payload).await?;
            fields.only(I::FIELDS)?;
            let input = I::read(&mut fields, now)?;
            Ok(Self { state, by, input, now })
        })
    }
}

/// What every route shares, once there is a store.
pub(super) fn state(request: &HttpRequest) -> Result<Arc<State>, ApiError> {
    room(request)?.state.get().map(Arc::clone).ok_or(ApiError::NoStoreYet)
}

/// What there is before.
pub(super) fn room(request: &HttpRequest) -> Result<&Room, ApiError> {
    let http = request.app_data::<Data<Http>>();
    http.map(|http| &*http.0).ok_or_else(|| ApiError::internal("routing", "no shared state"))
}

/// Whose token the request bears, if it may do what the route does.
pub(super) async fn authorise(
    state: &State,
    request: &HttpRequest,
    now: Timestamp,
) -> Result<Asker, ApiError> {
    let right = rights::asked_by(request)?;
    let presented = bearer(request).ok_or(ApiError::NotAuthorised)?;
    let tokens = state.tokens.get(now, state.store.tokens()).await?;
    let found = token::find(&tokens, presented, now);
    state.door.hear(request, found.map(|token| token.name.as_str()), now)?;
    let token = found.ok_or(ApiError::NotAuthorised)?;
    let by = Asker::new(token, right, state.door.address(request));
    if let Err(refusal) = right.allow(token) {
        state.refused(&by, request.path()).await;
        return Err(refusal);
    }
    Ok(by)
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn fields(state: &State, request: &HttpRequest, payload: web::Payload) -> Result<Fields, ApiError> {
    let mut fields = Fields::default();
    // What is still percent-encoded here (a slash, say) can stand in no name that we give.
    for (name, value) in request.match_info().iter() {
        fields.add(name, Value::String(value.to_owned()))?;
    }
    fields.add_query(request.query_string())?;
    if matches!(*request.method(), Method::POST | Method::PATCH | Method::PUT) && has_body(request) {
        body::check_head(request, &["application/json"], JSON_WANTED, LARGEST_JSON)?;
        let (patience, share) = (state.config.body_timeout, state.budget.share(None));
        let body = body::read(request, payload, LARGEST_JSON, patience, share).await?;
        fields.add_json(&body.bytes)?;
    }
    Ok(fields)
}

fn has_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
}
