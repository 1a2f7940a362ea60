//! What Prometheus scrapes.

use actix_web::{HttpRequest, HttpResponse};

use crate::http::answer::Answer;
use crate::http::extract::{authorise, state};
use crate::store::{PauseKind, PausedSite, QueueStatus};
use crate::telemetry;

/// `GET /metrics` on the management listener.
pub(super) async fn show(request: HttpRequest) -> Answer {
    let state = state(&request)?;
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
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(state.metrics.render()))
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
