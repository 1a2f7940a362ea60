//! What the site tells by webhook: held, sent out of order, twice, or again.

use super::{JiraSim, View};
use crate::webhook::{DeliveryState, WebhookDelivery, courier};

impl JiraSim {
    /// From now on deliveries wait until [`JiraSim::send_webhook`] sends them, in whatever order the test likes.
    pub fn hold_webhooks(&self) {
        self.site.change(|core| core.state.webhooks.held = true);
    }

    /// Sends what waits, in the order of the events, and holds no more.
    pub fn release_webhooks(&self) {
        self.site.change(|core| core.state.webhooks.held = false);
    }

    /// Everything that was or is to be sent, in the order of the events.
    pub fn webhook_deliveries(&self) -> Vec<WebhookDelivery> {
        self.site.lock().state.webhooks.deliveries.clone()
    }

    /// Sends one delivery now, also one that was sent before, and returns the status it was answered with.
    pub async fn send_webhook(&self, identifier: &str) -> Option<u16> {
        courier::send(&self.site, identifier).await
    }

    /// Sends everything again that was refused in a way that calls for it, as Cloud does minutes later, and returns
    /// how many that were.
    pub async fn retry_webhooks(&self) -> usize {
        let due: Vec<String> = self
            .webhook_deliveries()
            .into_iter()
            .filter(|one| one.state == DeliveryState::Retrying)
            .map(|one| one.identifier)
            .collect();
        for identifier in &due {
            courier::send(&self.site, identifier).await;
        }
        due.len()
    }
}

impl View<'_> {
    /// Everything that webhooks told or are to tell, in the order of the events.
    pub fn webhook_deliveries(&self) -> &[WebhookDelivery] {
        &self.0.state.webhooks.deliveries
    }
}
