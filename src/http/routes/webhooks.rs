//! Where forges deliver.

use actix_web::HttpRequest;
use actix_web::web::{Path, Payload};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::forge;
use crate::http::ApiError;
use crate::http::answer::{self, Answer, Said};
use crate::http::describe::{Asked, Asks};
use crate::http::extract::state;
use crate::http::fields::pattern;
use crate::http::ingest::{self, Accepted};
use crate::store::EventId;
use crate::telemetry::{self, WebhookResult};

/// What a forge is told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Receipt {
    event_id: EventId,
    duplicate: bool,
}

/// `POST /conduit/webhooks/{provider}/{repo_id}/payload`
pub(super) async fn payload(
    request: HttpRequest,
    path: Path<(String, String)>,
    payload: Payload,
) -> Answer<Receipt, 202> {
    let (provider, repo_id) = path.into_inner();
    let forge = ingest::provider(&provider);
    let name = forge.as_ref().map_or("unknown", |forge| forge.name());
    let result = match state(&request) {
        Ok(state) => ingest::receive(&state, forge, &repo_id, &request, payload).await,
        Err(too_early) => Err(too_early),
    };
    count(name, result.as_ref());
    result.map(receipt)
}

/// A delivery: whatever the forge sends, and the headers that it proves itself by.
impl Asks for (HttpRequest, Path<(String, String)>, Payload) {
    fn asked() -> Asked {
        let segment = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema });
        let mut parameters = vec![
            segment("provider", "the forge", json!({ "type": "string", "enum": ingest::providers() })),
            segment("repo_id", "the hook's name", json!({ "type": "string", "pattern": pattern::REPO_ID })),
        ];
        for forge in forge::all() {
            parameters.extend(forge.headers().iter().map(|(name, about)| {
                let about = format!("{}: {about}", forge.name());
                json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } })
            }));
        }
        let form = json!({ "type": "object", "properties": { "payload": { "type": "string" } } });
        let raw = ingest::TYPES.iter().map(|media| match *media {
            "application/json" => (*media, json!({ "description": "the event as the forge writes it" })),
            _ => (*media, form.clone()),
        });
        Asked { parameters, raw: raw.collect(), ..Asked::default() }
    }
}

fn receipt(accepted: Accepted) -> Said<Receipt, 202> {
    answer::with(Receipt { event_id: accepted.id, duplicate: accepted.duplicate })
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
        Err(ApiError::Busy(_) | ApiError::NoStoreYet) => WebhookResult::Unavailable,
        Err(_) => WebhookResult::Error,
    };
    telemetry::webhook(provider, result);
}
