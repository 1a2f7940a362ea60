//! A delivery as the spool keeps it: what identifies it in columns, the rest as JSON, its content packed.

use serde::{Deserialize, Serialize};

use crate::store::sqlite::rows::{from_json, pack, read_event, to_json};
use crate::store::{Content, EventId, NewEvent, Result, StoreError, Unreadable, compress, decompress};
use crate::trace::{Received, Verdict};

/// The columns of a delivery.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) id: EventId,
    /// Of what is to be worked on; anything else stands for nothing.
    pub(super) occurrence: Option<String>,
    pub(super) head: String,
    /// One of the two is set.
    pub(super) event: Option<Vec<u8>>,
    pub(super) raw: Option<Vec<u8>>,
}

/// Everything but the id and the content.
#[derive(Serialize, Deserialize)]
struct Head {
    provider: String,
    delivery_id: String,
    occurrence: Option<String>,
    repo: String,
    kind: String,
    projects: Option<Vec<String>>,
    received: Received,
    verdict: Option<Verdict>,
    detail: Option<String>,
}

impl Packed {
    pub(super) fn new(event: &NewEvent) -> Result<Self> {
        let (normalised, raw) = match &event.content {
            Content::Event(event) => (Some(pack(event)?), None),
            Content::Raw(body) => (None, Some(compress(body)?)),
        };
        Ok(Self {
            id: event.id.clone(),
            occurrence: event.occurrence.clone().filter(|_| event.verdict.is_none()),
            head: to_json(&Head::of(event))?,
            event: normalised,
            raw,
        })
    }

    /// What [`Packed::new`] was given.
    pub(super) fn unpack(self) -> Result<NewEvent> {
        let head: Head = from_json("a spooled delivery", self.head.as_bytes())?;
        let unreadable =
            |why: Unreadable| StoreError::Damaged { what: "a spooled event".into(), why: why.to_string() };
        let content = match &self.raw {
            Some(raw) => Content::Raw(decompress(raw)?),
            None => Content::Event(Box::new(read_event(self.event.as_deref()).map_err(unreadable)?)),
        };
        let Head { provider, delivery_id, occurrence, repo, kind, projects, received, verdict, detail } =
            head;
        let id = self.id;
        Ok(NewEvent {
            id,
            provider,
            delivery_id,
            occurrence,
            repo,
            kind,
            projects,
            content,
            received,
            verdict,
            detail,
        })
    }

    /// The bytes that it takes, roughly.
    pub(super) fn size(&self) -> usize {
        let content = self.event.as_ref().or(self.raw.as_ref()).map_or(0, Vec::len);
        self.head.len() + content
    }
}

impl Head {
    fn of(event: &NewEvent) -> Self {
        Self {
            provider: event.provider.clone(),
            delivery_id: event.delivery_id.clone(),
            occurrence: event.occurrence.clone(),
            repo: event.repo.clone(),
            kind: event.kind.clone(),
            projects: event.projects.clone(),
            received: event.received.clone(),
            verdict: event.verdict,
            detail: event.detail.clone(),
        }
    }
}
