//! Every event that named a ticket.

use jiff::Timestamp;

use crate::http::ApiError;
use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::http::fields::{Field, Fields, Input, pattern};
use crate::store::EventQuery;

use super::events::{Traced, issue_key, traced};
use super::sight::seen;

/// The newest events are what somebody who asks *why* wants to see.
const MOST: usize = 20;

/// A ticket.
pub(super) struct Ticket {
    key: String,
}

impl Input for Ticket {
    const FIELDS: &[Field] = &[Field::text("key", "an issue key").like(pattern::ISSUE_KEY).required()];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        Ok(Self { key: issue_key("key", &fields.required("key")?)? })
    }
}

/// `GET /conduit/api/tickets/{key}`
pub(super) async fn show(ask: Ask<Ticket>) -> Answer<Vec<Traced>> {
    let query = EventQuery { ticket: Some(ask.input.key), limit: MOST, ..EventQuery::default() };
    let page = seen(&ask.state, &ask.by, query).await?;
    let mut traces = Vec::with_capacity(page.items.len());
    for record in page.items {
        traces.push(traced(&ask.state, record).await?);
    }
    Ok(answer::ok(traces))
}
