//! What Prometheus scrapes.

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde_json::json;

use crate::http::ApiError;
use crate::http::describe::{Answers, Told};
use crate::http::extract::{authorise, room, state};
use crate::store::{PauseKind, PausedSite, QueueStatus};
use crate::telemetry;

/// `GET /metrics` on the management listener.
pub(super) async fn show(request: HttpRequest) -> Result<Exposition, ApiError> {
    let state = match state(&request) {
        // Whoever waits for the store wants to be alerted of it; a token could not be looked up.
        Err(ApiError::NoStoreYet) if !room(&request)?.parts.config.management_token_required => {
            telemetry::store_up(false);
            return Ok(Exposition(room(&request)?.parts.metrics.render()));
        }
        state => state?,
    };
    if state.config.management_token_required {
        authorise(&state, &request, state.clock.now()).await?;
    }
    // A store that is out must not take the other metrics with it: they say that it is out.
    let status = state.store.queue().await;
    telemetry::store_up(status.is_ok());
    match status {
        Ok(status) => {
            set_queue(&status);
            set_paused(&state.in_force.sites(), &status.paused);
        }
        Err(error) => tracing::warn!("the queue's metrics are old, because the store cannot say: {error}"),
    }
    Ok(Exposition(state.metrics.render()))
}

/// Prometheus' text format.
pub(super) struct Exposition(String);

impl Responder for Exposition {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(self.0)
    }
}

impl Answers for Result<Exposition, ApiError> {
    fn told() -> Vec<Told> {
        vec![Told { status: 200, media: "text/plain", schema: |_| json!({ "type": "string" }) }]
    }
}

fn set_queue(status: &QueueStatus) {
    let QueueStatus { inbox, ready, leased, delayed, dead, oldest_seconds, .. } = *status;
    let depths =
        [("inbox", inbox), ("ready", ready), ("leased", leased), ("delayed", delayed), ("dead", dead)];
    telemetry::queue(depths, oldest_seconds);
}

/// Every kind of every site, so that a pause that is over shows as such.
fn set_paused(sites: &[String], paused: &[PausedSite]) {
    for site in sites {
        let is = |kind: PauseKind| paused.iter().any(|pause| pause.site == *site && pause.kind == kind);
        telemetry::site_paused(site, PauseKind::ALL.iter().map(|kind| (kind.as_str(), is(*kind))));
    }
}
