//! What waits, and letting a site stand still.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::http::fields::{Field, Fields, Input};
use crate::http::rights::Asker;
use crate::http::{ApiError, State};
use crate::store::{EventQuery, Pause as Order, PauseKind, QueueStatus};
use crate::trace::Outcome;

use super::events::LARGEST_PAGE;
use super::sight::seen;

/// No fields at all.
pub(super) struct Nothing;

/// Which site, and why.
pub(super) struct Pause {
    site: Option<String>,
    why: Option<String>,
}

/// Which site.
pub(super) struct Resume {
    site: Option<String>,
}

const SITE: Field = Field::text("site", "the configured name of a site; left out: all of them");

impl Input for Nothing {
    const FIELDS: &[Field] = &[];

    fn read(_: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        Ok(Self)
    }
}

impl Input for Pause {
    const FIELDS: &[Field] = &[SITE, Field::text("why", "for whoever asks why nothing moves")];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        Ok(Self { site: fields.text("site")?, why: fields.text("why")? })
    }
}

impl Input for Resume {
    const FIELDS: &[Field] = &[SITE];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        Ok(Self { site: fields.text("site")? })
    }
}

/// `GET /conduit/api/queue`
///
/// The numbers are the whole service's. Why a site stands still, and who ordered it, is told to somebody who sees some
/// repositories alone as far as something of theirs waits for it.
pub(super) async fn show(ask: Ask<Nothing>) -> Answer<QueueStatus> {
    let mut status = ask.state.store.queue().await?;
    if ask.by.is_limited() && !status.paused.is_empty() {
        let sites = waited_for(&ask.state, &ask.by).await?;
        status.paused.retain(|paused| sites.contains(&paused.site));
    }
    Ok(answer::ok(status))
}

/// The sites that something of theirs waits for.
async fn waited_for(state: &State, by: &Asker) -> Result<BTreeSet<String>, ApiError> {
    let waiting =
        EventQuery { outcome: Some(Outcome::Waiting), limit: LARGEST_PAGE, ..EventQuery::default() };
    let events = seen(state, by, waiting).await?.items;
    let tickets = events.into_iter().flat_map(|event| event.tickets);
    Ok(tickets
        .filter(|ticket| ticket.verdict.outcome == Outcome::Waiting)
        .map(|ticket| ticket.site)
        .collect())
}

/// `POST /conduit/api/queue/pause`
pub(super) async fn pause(ask: Ask<Pause>) -> Answer<Sites> {
    let sites = sites(&ask.state, ask.input.site)?;
    let why = ask.input.why.map(|why| format!(": {why}")).unwrap_or_default();
    for site in &sites {
        let why = format!("paused by {}{why}", ask.by);
        ask.state.store.pause(site, &Order { kind: PauseKind::Operator, why, rest: None }).await?;
        tracing::info!("site {site} paused by {}", ask.by);
    }
    ask.state.done(&ask.by, &sites.join(", ")).await;
    Ok(answer::ok(Sites { sites }))
}

/// `POST /conduit/api/queue/resume`
pub(super) async fn resume(ask: Ask<Resume>) -> Answer<Sites> {
    let mut resumed = Vec::new();
    for site in sites(&ask.state, ask.input.site)? {
        if ask.state.store.resume(&site, None).await? {
            tracing::info!("site {site} resumed by {}", ask.by);
            resumed.push(site);
        }
    }
    if !resumed.is_empty() {
        ask.state.done(&ask.by, &resumed.join(", ")).await;
    }
    Ok(answer::ok(Sites { sites: resumed }))
}

/// The site that is named, or all of them.
fn sites(state: &State, named: Option<String>) -> Result<Vec<String>, ApiError> {
    let known = state.in_force.sites();
    match named {
        None => Ok(known),
        Some(site) if known.contains(&site) => Ok(vec![site]),
        Some(_) => Err(ApiError::NotFound(format!("there is no such site; known are: {}", known.join(", ")))),
    }
}

/// The sites that changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct Sites {
    sites: Vec<String>,
}
