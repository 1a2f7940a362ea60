//! One delivery, from its event to its last answer.

use super::{Event, Registration, payload};
use crate::dialect::Dialect;
use crate::state::State;

/// Cloud tries again so often, and Data Center never.
const RETRIES: usize = 5;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not sent yet.
    Waiting,
    /// On its way.
    Sending,
    /// Taken, with a 2xx.
    Delivered,
    /// Refused in a way that calls for another try, which comes when the test says so.
    Retrying,
    /// Refused for good, or once too often.
    GivenUp,
}

/// Something a webhook tells or told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookDelivery {
    /// `X-Atlassian-Webhook-Identifier`: the same for every try.
    pub identifier: String,
    /// The id of the webhook.
    pub webhook: u64,
    /// Such as `jira:issue_updated`.
    pub event: String,
    /// The issue's key.
    pub issue: String,
    /// Where it goes, with the variables filled in.
    pub url: String,
    /// The body; empty where the webhook leaves it out.
    pub body: String,
    /// `X-Hub-Signature`, where the webhook has a secret.
    pub signature: Option<String>,
    /// The status that each try was answered with; none where no answer came.
    pub answers: Vec<Option<u16>>,
    /// What became of it so far.
    pub state: DeliveryState,
    retries: usize,
}

impl WebhookDelivery {
    pub(crate) fn new(state: &State, webhook: &Registration, event: &Event, number: usize) -> Self {
        let body = if webhook.exclude_body { String::new() } else { payload::body(state, event).to_string() };
        let secret = webhook.secret.as_deref();
        Self {
            identifier: format!("{:08x}-0000-4000-8000-{number:012x}", webhook.id),
            webhook: webhook.id,
            event: event.name.into(),
            issue: event.issue.key.clone(),
            url: payload::url(state, &webhook.url, event),
            signature: secret.and_then(|secret| payload::signature(secret, &body)),
            body,
            answers: Vec::new(),
            state: DeliveryState::Waiting,
            retries: if state.dialect == Dialect::Cloud { RETRIES } else { 0 },
        }
    }

    /// The headers of the next try.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("Content-Type", "application/json; charset=UTF-8".to_owned()),
            ("X-Atlassian-Webhook-Identifier", self.identifier.clone()),
            ("X-Atlassian-Webhook-Flow", "Primary".to_owned()),
        ];
        if !self.answers.is_empty() {
            headers.push(("X-Atlassian-Webhook-Retry", self.answers.len().to_string()));
        }
        if let Some(signature) = &self.signature {
            headers.push(("X-Hub-Signature", signature.clone()));
        }
        headers
    }

    /// Notes what a try was answered with.
    pub(crate) fn answered(&mut self, status: Option<u16>) {
        self.answers.push(status);
        let again = match status {
            Some(200..=299) => {
                self.state = DeliveryState::Delivered;
                return;
            }
            Some(408 | 409 | 425 | 429 | 500..) | None => self.answers.len() <= self.retries,
            Some(_) => false,
        };
        // A duplicate that is refused takes nothing back.
        if self.state != DeliveryState::Delivered {
            self.state = if again { DeliveryState::Retrying } else { DeliveryState::GivenUp };
        }
    }
}
