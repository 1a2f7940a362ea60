//! Who may come in: the door that the settings describe, and the forge's own list of its addresses.

use std::time::Duration;

use tokio::sync::watch;
use url::Url;

use crate::forge_api;
use crate::http::{AllowList, DoorConfig, Published, Rate};
use crate::settings::{AllowSettings, DoorSettings, WebSettings};

/// How often the list is asked for.
const DAILY: Duration = Duration::from_hours(24);
/// How long after a failure it is asked for again, at first and at most.
const SOON: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_mins(15);

/// The door as the HTTP room wants it.
pub(super) fn config(settings: &DoorSettings, allow: Option<AllowList>) -> DoorConfig {
    DoorConfig {
        trusted_proxies: settings.trusted_proxies.clone(),
        allow,
        refused: Rate::per_minute(settings.rate_refused),
        hook: Rate::per_minute(settings.rate_hook),
        tokens: Rate::per_minute(settings.rate_tokens),
    }
}

/// The list of addresses, and who keeps it up to date where a forge publishes a part of it.
pub(super) fn allow_list(settings: &DoorSettings) -> (Option<AllowList>, Option<Keeper>) {
    let Some(AllowSettings { networks, published_by }) = &settings.allow else { return (None, None) };
    let keeper =
        published_by.clone().map(|api| Keeper { api, published: Published::default(), known: false });
    let published = keeper.as_ref().map(|keeper| keeper.published.clone());
    (Some(AllowList { networks: networks.clone(), published }), keeper)
}

/// Says once what is probably not meant: bearer tokens and payloads that cross a network in clear.
pub(super) fn warn_of_plain_http(web: &WebSettings) {
    if web.listen.ip().is_loopback() || web.door.tls.is_some() || !web.door.trusted_proxies.is_empty() {
        return;
    }
    tracing::warn!(
        "{} is served without TLS: tokens and payloads can be read on the way. Set CONDUIT_TLS_CERT and \
         CONDUIT_TLS_KEY, or name the proxy that ends TLS in CONDUIT_TRUSTED_PROXIES",
        web.listen
    );
}

/// Keeps the networks that a forge publishes.
pub(super) struct Keeper {
    api: Url,
    published: Published,
    known: bool,
}

impl Keeper {
    /// Asks once, so that a start usually knows them. Whether it does is not awaited for longer than one call.
    pub(super) async fn begin(mut self) -> Self {
        self.ask().await;
        self
    }

    /// Asks every day, and more often while it fails, until it is told to stop.
    pub(super) async fn keep(mut self, mut stop: watch::Receiver<bool>) {
        let mut failures = u32::from(!self.known);
        while !*stop.borrow() {
            let wait = if failures == 0 { DAILY } else { (SOON * (1 << failures.min(10))).min(AT_MOST) };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => break,
            }
            failures = if self.ask().await { 0 } else { failures + 1 };
        }
    }

    async fn ask(&mut self) -> bool {
        match Box::pin(forge_api::hook_networks(&self.api)).await {
            Ok(networks) => {
                tracing::info!("deliveries are taken from {} networks that GitHub publishes", networks.len());
                self.published.replace(networks);
                self.known = true;
                true
            }
            Err(error) if self.known => {
                tracing::warn!("GitHub's networks stay as they were told last: {error}");
                false
            }
            Err(error) => {
                tracing::error!(
                    "deliveries get 503 until GitHub tells its networks (CONDUIT_ALLOW_FROM); networks that are \
                     listed there are let in: {error}"
                );
                false
            }
        }
    }
}
