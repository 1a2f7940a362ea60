//! Jira's own webhooks: who registered for what, what happened, and the deliveries that follow.

pub(crate) mod courier;
mod delivery;
mod payload;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::Clause;
use crate::state::{Comment, History, Issue, State};

pub use delivery::{DeliveryState, WebhookDelivery};

/// Somebody's wish to be told.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// With its variables, such as `{issue.key}`.
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) jql: String,
    /// The filter, read; empty for everything.
    pub(crate) filter: Vec<Clause>,
    pub(crate) exclude_body: bool,
    pub(crate) secret: Option<String>,
    pub(crate) active: bool,
    /// The account id of who last changed it.
    pub(crate) updated_by: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Something that webhooks tell.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// `webhookEvent`, such as `jira:issue_updated`.
    pub(crate) name: &'static str,
    /// `issue_event_type_name`, such as `issue_generic`.
    pub(crate) type_name: Option<&'static str>,
    /// The issue as it was afterwards.
    pub(crate) issue: Issue,
    /// The account id of who did it.
    pub(crate) author: String,
    pub(crate) change: Option<History>,
    pub(crate) comment: Option<Comment>,
    pub(crate) at: Timestamp,
}

/// The site's webhooks.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    pub(crate) registrations: BTreeMap<u64, Registration>,
    /// What happened, until it has been made into deliveries.
    pub(crate) events: Vec<Event>,
    /// Everything that was or is to be sent, in the order of the events.
    pub(crate) deliveries: Vec<WebhookDelivery>,
    /// Deliveries wait until they are sent by hand.
    pub(crate) held: bool,
}

/// Makes deliveries of everything that happened.
pub(crate) fn post(state: &mut State) {
    for event in std::mem::take(&mut state.webhooks.events) {
        let told: Vec<Registration> =
            state.webhooks.registrations.values().filter(|one| one.wants(state, &event)).cloned().collect();
        for registration in told {
            let number = state.webhooks.deliveries.len() + 1;
            let delivery = WebhookDelivery::new(state, &registration, &event, number);
            state.webhooks.deliveries.push(delivery);
        }
    }
}

impl Webhooks {
    pub(crate) fn delivery(&mut self, identifier: &str) -> Option<&mut WebhookDelivery> {
        self.deliveries.iter_mut().find(|one| one.identifier == identifier)
    }
}

impl Registration {
    fn wants(&self, state: &State, event: &Event) -> bool {
        self.active
            && self.events.iter().any(|name| name == event.name)
            && self.filter.iter().all(|clause| clause.fits(state, &event.issue))
    }
}
