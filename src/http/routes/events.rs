//! What came in, and sending it through again.

use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::event::Event;
use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::http::fields::{Field, Fields, Input, pattern};
use crate::http::{ApiError, State};
use crate::store::{EventId, EventQuery, EventRecord, EventState, ReplayScope, Replayed, TicketState};
use crate::trace::{Outcome, Reason, TicketTrace, Trace};

use super::sight::{find, no_event, seen};

/// How many events are on a page.
const PAGE: usize = 50;
pub(super) const LARGEST_PAGE: usize = 200;

/// How many tickets an error names.
const NAMED: usize = 5;

pub(super) const SINCE: Field =
    Field::text("since", "a time (2026-11-22T08:00:00Z) or an age (2h, 7d)").like(pattern::MOMENT);
pub(super) const LIMIT: Field =
    Field::text("limit", "how many on a page: 1 to 200, default 50").like(pattern::LIMIT);
pub(super) const CURSOR: Field = Field::text("cursor", "`next_cursor` of the page before");
const ID: Field = Field::text("id", "an event's id").like(pattern::EVENT_ID).required();

impl Input for EventQuery {
    const FIELDS: &[Field] = &[
        Field::text("ticket", "events that name this key").like(pattern::ISSUE_KEY),
        Field::text("repo", "events of this repository, acme/shop"),
        Field::of::<Outcome>("outcome", "events that ended like this"),
        SINCE,
        LIMIT,
        CURSOR,
    ];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        Ok(Self {
            ticket: fields.text("ticket")?.map(|key| issue_key("ticket", &key)).transpose()?,
            repo: fields.text("repo")?,
            outcome: fields.parsed::<Outcome>("outcome")?,
            since: fields.moment("since", now)?,
            cursor: fields.text("cursor")?,
            limit: PageSize::read(fields)?,
        })
    }
}

pub(super) struct PageSize(usize);

impl PageSize {
    /// How many are to be on a page.
    pub(super) fn read(fields: &mut Fields) -> Result<usize, ApiError> {
        Ok(fields.parsed::<Self>("limit")?.map_or(PAGE, |size| size.0))
    }
}

impl FromStr for PageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let size = text.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size));
        size.map(Self).ok_or_else(|| format!("must be a number from 1 to {LARGEST_PAGE}"))
    }
}

/// What could be an issue key, in capitals.
pub(super) fn issue_key(name: &str, text: &str) -> Result<String, ApiError> {
    let good = text.rsplit_once('-').is_some_and(|(project, number)| {
        crate::registration::project_key(project).is_ok()
            && (1..=18).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit())
    });
    let refusal = || ApiError::Malformed(format!("`{name}` must be an issue key like SHOP-42"));
    good.then(|| text.to_ascii_uppercase()).ok_or_else(refusal)
}

impl Input for EventId {
    const FIELDS: &[Field] = &[ID];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        let id = fields.required("id")?;
        Self::parse(&id)
            .ok_or_else(|| ApiError::Malformed("`id` must be an event's id: 26 letters and digits".into()))
    }
}

/// An event to be sent through again.
pub(super) struct Replay {
    id: EventId,
    scope: ReplayScope,
    /// Of these tickets; empty: of all.
    among: Vec<String>,
    /// Tickets that a relative rule has moved may move another step.
    second_step: bool,
}

impl Input for Replay {
    const FIELDS: &[Field] = &[
        ID,
        Field::list("tickets", "only these of the event's tickets").like(pattern::ISSUE_KEY),
        Field::flag("force", "every ticket, also those that moved"),
        Field::flag("second_step", "with `force`: also tickets that a relative rule has moved already"),
    ];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        let id = EventId::read(fields, now)?;
        let scope = if fields.flag("force")? { ReplayScope::All } else { ReplayScope::Unfinished };
        let among = fields.list("tickets")?.unwrap_or_default();
        let among = among.iter().map(|key| issue_key("tickets", key)).collect::<Result<_, _>>()?;
        Ok(Self { id, scope, among, second_step: fields.flag("second_step")? })
    }
}

/// `GET /conduit/api/events`
pub(super) async fn list(ask: Ask<EventQuery>) -> Answer<Rows<'static>> {
    let page = seen(&ask.state, &ask.by, ask.input).await?;
    let events = page.items.iter().map(Row::from).collect();
    Ok(answer::ok(Rows { events, next_cursor: page.next.as_deref() }))
}

/// `GET /conduit/api/events/{id}`
pub(super) async fn show(ask: Ask<EventId>) -> Answer<Traced> {
    let record = find(&ask.state, &ask.by, &ask.input).await?;
    Ok(answer::ok(traced(&ask.state, record).await?))
}

/// `POST /conduit/api/events/{id}/replay`
pub(super) async fn replay(ask: Ask<Replay>) -> Answer<Again<'static>> {
    let Replay { id, scope, among, second_step } = &ask.input;
    find(&ask.state, &ask.by, id).await?;
    if *scope == ReplayScope::All && !second_step {
        no_second_step(&ask.state, id, among).await?;
    }
    match ask.state.store.replay(id, *scope, among).await? {
        Replayed::Queued(tickets) => {
            tracing::info!(event = %id, "event {id} sent through again by {}", ask.by);
            ask.state.done(&ask.by, id.as_str()).await;
            Ok(answer::ok(Again { event_id: id, tickets }))
        }
        Replayed::NotFound => Err(no_event(id)),
        Replayed::NotFinished => Err(ApiError::Conflict(format!("event {id} is not finished yet"))),
        Replayed::Refused(reason) => Err(ApiError::Conflict(refused(id, reason))),
    }
}

/// Refuses what would take a ticket a second step for one event, unless that is said in so many words.
async fn no_second_step(state: &State, id: &EventId, among: &[String]) -> Result<(), ApiError> {
    let traces = state.store.ticket_traces(id).await?;
    let named = |trace: &&TicketTrace| among.is_empty() || among.contains(&trace.key);
    let again = traces.iter().filter(named).filter(|trace| trace.goes_a_second_step());
    let again: Vec<&str> = again.map(|trace| trace.key.as_str()).collect();
    if again.is_empty() { Ok(()) } else { Err(ApiError::Conflict(second_step(id, &again))) }
}

fn second_step(id: &EventId, keys: &[&str]) -> String {
    let named = keys.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = keys.len().saturating_sub(NAMED);
    let named = if more == 0 { named } else { format!("{named} and {more} more") };
    format!(
        "event {id} has moved {named} already, and its rule says one step on (fire), not where to: they would go a \
         second step. Say so if that is meant: --second-step, or \"second_step\": true"
    )
}

fn refused(id: &EventId, reason: Reason) -> String {
    format!(
        "nothing of event {id} can be sent through again: {reason}, {}. Forced (--force, or \"force\": true), every ticket goes, also those that moved",
        reason.meaning()
    )
}

/// An event with the traces of its tickets.
pub(super) async fn traced(state: &State, record: EventRecord) -> Result<Traced, ApiError> {
    let tickets = state.store.ticket_traces(&record.id).await?;
    let waits = record.state != EventState::Finished;
    let paused = if waits { state.store.paused().await? } else { Vec::new() };
    Ok(Traced {
        received_at: record.received.at,
        state: record.state,
        normalised: record.event.clone(),
        trace: record.into_trace(tickets, &paused),
    })
}

/// A trace as the API answers it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventTrace")]
pub(super) struct Traced {
    #[serde(flatten)]
    trace: Trace,
    received_at: Timestamp,
    state: EventState,
    /// All that a decision can see of it; `plan` takes it from here.
    normalised: Option<Event>,
}

/// What goes through again.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Replayed")]
pub(super) struct Again<'a> {
    event_id: &'a EventId,
    /// Empty: all that the event will be found to name.
    tickets: Vec<String>,
}

/// A page of events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Events")]
pub(super) struct Rows<'a> {
    events: Vec<Row<'a>>,
    next_cursor: Option<&'a str>,
}

/// An event in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventRow")]
struct Row<'a> {
    event_id: &'a EventId,
    provider: &'a str,
    delivery_id: &'a str,
    /// The hook it came in by.
    hook: &'a str,
    repo: &'a str,
    kind: &'a str,
    /// A pull request's number.
    number: Option<u64>,
    received_at: Timestamp,
    state: EventState,
    outcome: Outcome,
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<&'a EventId>,
    generation: u32,
    tickets: Vec<RowTicket<'a>>,
}

/// A ticket of an event in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventTicket")]
struct RowTicket<'a> {
    key: &'a str,
    site: &'a str,
    outcome: Outcome,
    reason: Reason,
}

impl<'a> From<&'a EventRecord> for Row<'a> {
    fn from(record: &'a EventRecord) -> Self {
        Self {
            event_id: &record.id,
            provider: &record.provider,
            delivery_id: &record.delivery_id,
            hook: &record.received.hook,
            repo: &record.repo,
            kind: &record.kind,
            number: record.event.as_ref().and_then(Event::pull_request).map(|pr| pr.number),
            received_at: record.received.at,
            state: record.state,
            outcome: record.verdict.outcome,
            reason: record.verdict.reason,
            detail: record.detail.as_deref(),
            duplicate_of: record.duplicate_of.as_ref(),
            generation: record.generation,
            tickets: record.tickets.iter().map(RowTicket::from).collect(),
        }
    }
}

impl<'a> From<&'a TicketState> for RowTicket<'a> {
    fn from(ticket: &'a TicketState) -> Self {
        let TicketState { key, site, verdict, .. } = ticket;
        Self { key, site, outcome: verdict.outcome, reason: verdict.reason }
    }
}
