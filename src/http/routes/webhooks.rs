//! Where forges deliver.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::http::ApiError;
use crate::http::answer::{self, Answer};
use crate::http::extract::state;
use crate::http::ingest::{self, Accepted};
use crate::store::EventId;
use crate::telemetry::{self, WebhookResult};

/// What a forge is told.
#[derive(Serialize)]
struct Receipt {
    event_id: EventId,
    duplicate: bool,
}

/// `POST /conduit/webhooks/{provider}/{repo_id}/payload`
pub(super) async fn payload(request: HttpRequest, path: Path<(String, String)>, payload: Payload) -> Answer {
    let (provider, repo_id) = path.into_inner();
    let state = state(&request)?;
    let forge = ingest::provider(&provider);
    let name = forge.as_ref().map_or("unknown", |forge| forge.name());
    let result = ingest::receive(&state, forge, &repo_id, &request, payload).await;
    count(name, result.as_ref());
    result.map(receipt)
}

fn receipt(accepted: Accepted) -> HttpResponse {
    let receipt = Receipt { event_id: accepted.id, duplicate: accepted.duplicate };
    answer::with(StatusCode::ACCEPTED, receipt)
}

fn count(provider: &'static str, result: Result<&Accepted, &ApiError>) {
    let result = match result {
        Ok(accepted) if accepted.duplicate => WebhookResult::Duplicate,
        Ok(accepted) if accepted.queued => WebhookResult::Accepted,
        Ok(_) => WebhookResult::Recorded,
        Err(ApiError::UnknownProvider(_)) => WebhookResult::UnknownProvider,
        Err(ApiError::BadSignature) => WebhookResult::BadSignature,
        Err(ApiError::Malformed(_) | ApiError::TooSlow) => WebhookResult::Malformed,
        Err(ApiError::TooLarge(_)) => WebhookResult::TooLarge,
        Err(ApiError::UnsupportedMedia(_)) => WebhookResult::UnsupportedMedia,
        Err(ApiError::AddressLimited(_)) => WebhookResult::AddressLimited,
        Err(ApiError::HookLimited(_)) => WebhookResult::HookLimited,
        Err(ApiError::AddressNotAllowed) => WebhookResult::AddressNotAllowed,
        Err(ApiError::Busy(_)) => WebhookResult::Unavailable,
        Err(_) => WebhookResult::Error,
    };
    telemetry::webhook(provider, result);
}
