//! Carries deliveries out, one after the other: to this machine and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::task::AbortHandle;

use super::{DeliveryState, WebhookDelivery};
use crate::server::Site;

/// Jira waits so long for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

fn client() -> reqwest::Result<Client> {
    Client::builder().redirect(Policy::none()).timeout(PATIENCE).no_proxy().build()
}

/// Sends what waits, whenever something does, until it is told to stop.
pub(crate) fn start(site: Arc<Site>) -> AbortHandle {
    let work = async move {
        let mut changes = site.changes.subscribe();
        while changes.changed().await.is_ok() {
            while let Some(identifier) = next(&site) {
                send(&site, &identifier).await;
            }
        }
    };
    tokio::spawn(work).abort_handle()
}

fn next(site: &Site) -> Option<String> {
    let core = site.lock();
    let webhooks = &core.state.webhooks;
    let mut waiting = webhooks.deliveries.iter().filter(|one| one.state == DeliveryState::Waiting);
    waiting.next().filter(|_| !webhooks.held).map(|one| one.identifier.clone())
}

/// Makes one try, and notes and returns what it was answered with.
pub(crate) async fn send(site: &Site, identifier: &str) -> Option<u16> {
    let delivery = site.change(|core| {
        let delivery = core.state.webhooks.delivery(identifier)?;
        if delivery.state == DeliveryState::Waiting {
            delivery.state = DeliveryState::Sending;
        }
        Some(delivery.clone())
    })?;
    let client = site.client.get_or_init(|| client().ok()).clone();
    let status = match client {
        Some(client) => try_once(&client, &delivery).await,
        None => None,
    };
    site.change(|core| {
        if let Some(delivery) = core.state.webhooks.delivery(identifier) {
            delivery.answered(status);
        }
    });
    status
}

async fn try_once(client: &Client, delivery: &WebhookDelivery) -> Option<u16> {
    let url = Url::parse(&delivery.url).ok().filter(is_this_machine)?;
    let request = client.post(url).body(delivery.body.clone());
    let headers = delivery.headers().into_iter();
    let request = headers.fold(request, |request, (name, value)| request.header(name, value));
    Some(request.send().await.ok()?.status().as_u16())
}

fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}
