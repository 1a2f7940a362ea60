//! The routes, one file for each thing that is asked about. This file is the list of them.

mod events;
pub(super) mod health;
mod hooks;
mod machines;
mod metrics;
mod queue;
mod tickets;
mod webhooks;

use actix_web::web::{self, ServiceConfig};

/// What the outside reaches.
pub(super) fn public(config: &mut ServiceConfig) {
    health::public(config);
    // Forges and scripts that were set up without the prefix are served alike.
    for prefix in ["/conduit", ""] {
        let path = |rest: &str| format!("{prefix}{rest}");
        config
            .route(&path("/webhooks/{provider}/{repo_id}/payload"), web::post().to(webhooks::payload))
            .route(&path("/webhooks/update"), web::patch().to(hooks::update));
    }
    config
        .route("/conduit/webhooks/register", web::post().to(hooks::register))
        .route("/internal/webhooks/import", web::patch().to(hooks::import))
        .route("/conduit/webhooks/list", web::get().to(hooks::list))
        .route("/conduit/webhooks/find", web::get().to(hooks::find))
        .route("/conduit/webhooks/{provider}/{repo_id}", web::delete().to(hooks::remove))
        .route("/conduit/api/events", web::get().to(events::list))
        .route("/conduit/api/events/{id}", web::get().to(events::show))
        .route("/conduit/api/events/{id}/replay", web::post().to(events::replay))
        .route("/conduit/api/tickets/{key}", web::get().to(tickets::show))
        .route("/conduit/api/queue", web::get().to(queue::show))
        .route("/conduit/api/queue/pause", web::post().to(queue::pause))
        .route("/conduit/api/queue/resume", web::post().to(queue::resume))
        .route("/conduit/api/machines", web::get().to(machines::list));
}

/// What the operator's own network reaches.
pub(super) fn management(config: &mut ServiceConfig) {
    health::management(config);
    config.route("/metrics", web::get().to(metrics::show));
}
