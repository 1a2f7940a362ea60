//! Who did what.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::ApiError;
use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::http::fields::{Field, Fields, Input};
use crate::store::{Action, AuditEntry, AuditQuery, Page};

use super::events::{CURSOR, LIMIT, PageSize, SINCE};

impl Input for AuditQuery {
    const FIELDS: &[Field] = &[
        SINCE,
        Field::text("who", "by the token of this name"),
        Field::of::<Action>("action", "what was done"),
        LIMIT,
        CURSOR,
    ];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        Ok(Self {
            since: fields.moment("since", now)?,
            who: fields.text("who")?,
            action: fields.parsed::<Action>("action")?,
            cursor: fields.text("cursor")?,
            limit: PageSize::read(fields)?,
        })
    }
}

/// `GET /conduit/api/audit`
pub(super) async fn list(ask: Ask<AuditQuery>) -> Answer<Entries> {
    let Page { items: entries, next: next_cursor } = ask.state.store.audit(&ask.input).await?;
    Ok(answer::ok(Entries { entries, next_cursor }))
}

/// A page of the audit log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditEntries")]
pub(super) struct Entries {
    entries: Vec<AuditEntry>,
    next_cursor: Option<String>,
}
