//! Events: in at the door and into the inbox; and in again when they are redelivered or replayed.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::model::{as_named, failed};
use crate::store::{
    Content, EventId, EventState, INBOX_BYTES, InboxItem, Ingested, NewEvent, ReplayScope, Replayed, Result,
    StoreError, Unreadable, compress,
};
use crate::trace::{Reason, TicketTrace, Verdict};

use super::queries;
use super::rows::{
    event_id, json, next_fence, number, pack, read_event, settle, signed, tickets, to_json, unsigned,
};

/// How long a worker may fan out without asking for the inbox again.
const HOLD: Duration = Duration::from_secs(10);

/// A new event with its columns made, so that the writer does not spend its time on it.
pub(super) struct Delivery {
    event: NewEvent,
    received: String,
    projects: Option<String>,
    normalised: Option<Vec<u8>>,
    raw: Option<Vec<u8>>,
    merge: Option<String>,
}

impl Delivery {
    pub(super) fn new(event: &NewEvent) -> Result<Self> {
        let (normalised, raw) = match &event.content {
            Content::Event(event) => (Some(pack(event)?), None),
            Content::Raw(body) => (None, Some(compress(body)?)),
        };
        Ok(Self {
            received: to_json(&event.received)?,
            projects: event.projects.as_ref().map(to_json).transpose()?,
            normalised,
            raw,
            merge: event.merge(),
            event: without_content(event),
        })
    }
}

/// Everything but what is packed already.
fn without_content(event: &NewEvent) -> NewEvent {
    NewEvent {
        id: event.id.clone(),
        provider: event.provider.clone(),
        delivery_id: event.delivery_id.clone(),
        occurrence: event.occurrence.clone(),
        repo: event.repo.clone(),
        kind: event.kind.clone(),
        projects: None,
        content: Content::Raw(Vec::new()),
        received: event.received.clone(),
        verdict: event.verdict,
        detail: event.detail.clone(),
    }
}

pub(super) fn ingest(conn: &Connection, delivery: &Delivery, now: i64) -> Result<Ingested> {
    let new = &delivery.event;
    if let Some(known) = number(conn, &new.id)? {
        let requeued = requeue_failed(conn, known, now)?;
        return Ok(Ingested { duplicate: true, known: true, requeued });
    }
    let stands = match &new.occurrence {
        Some(occurrence) if new.verdict.is_none() => standing_for(conn, occurrence)?,
        _ => None,
    };
    let verdict = if stands.is_some() { Some(Reason::Duplicate.into()) } else { new.verdict };
    let event = insert(conn, delivery, verdict, stands.as_ref(), now)?;
    if let Some(raw) = &delivery.raw {
        save_body(conn, &new.id, raw)?;
    }
    if verdict.is_none() {
        if let Some(merge) = &delivery.merge {
            conn.prepare_cached("INSERT INTO merges VALUES (?1, ?2)")?.execute(params![merge, event])?;
        }
        enqueue(conn, event, 1, &[], false)?;
    }
    Ok(Ingested { duplicate: stands.is_some(), known: false, requeued: Vec::new() })
}

fn insert(
    conn: &Connection,
    delivery: &Delivery,
    verdict: Option<Verdict>,
    stands: Option<&EventId>,
    now: i64,
) -> Result<i64> {
    let new = &delivery.event;
    let shown = verdict.unwrap_or(Reason::Queued.into());
    conn.prepare_cached(
        "INSERT INTO events (id, provider, delivery_id, occurrence, repo, kind, projects, received, received_at,
                             event, generation, state, outcome, reason, own, detail, duplicate_of,
                             finished_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        new.id.as_str(),
        new.provider,
        new.delivery_id,
        new.occurrence.as_ref().filter(|_| verdict.is_none()),
        new.repo,
        new.kind,
        delivery.projects,
        delivery.received,
        new.received.at.as_millisecond(),
        delivery.normalised,
        if verdict.is_some() { "finished" } else { "waiting" },
        shown.outcome.as_str(),
        shown.reason.as_str(),
        verdict.as_ref().map(to_json).transpose()?,
        new.detail,
        stands.map(EventId::as_str),
        verdict.map(|_| now),
    ])?;
    Ok(conn.last_insert_rowid())
}

fn standing_for(conn: &Connection, occurrence: &str) -> Result<Option<EventId>> {
    let mut statement = conn.prepare_cached("SELECT id FROM events WHERE occurrence = ?1")?;
    Ok(statement.query_row([occurrence], |row| event_id(row, 0)).optional()?)
}

/// A redelivery takes failed and dead tickets up again, whatever the others are doing.
fn requeue_failed(conn: &Connection, event: i64, now: i64) -> Result<Vec<String>> {
    let keys = failed(&tickets(conn, event)?, &readable_traces(conn, event)?);
    if !keys.is_empty() {
        run_again(conn, event, &keys, false, now)?;
    }
    Ok(keys)
}

/// A trace that cannot be read knows of no other key, and holds up no replay.
fn readable_traces(conn: &Connection, event: i64) -> Result<Vec<TicketTrace>> {
    match queries::traces(conn, event) {
        Err(StoreError::Damaged { .. }) => Ok(Vec::new()),
        traces => traces,
    }
}

/// Puts an event into the inbox as its next generation.
fn run_again(conn: &Connection, event: i64, keys: &[String], replayed: bool, now: i64) -> Result<()> {
    let generation = conn
        .prepare_cached(
            "UPDATE events SET generation = generation + 1, own = NULL, detail = NULL WHERE n = ?1
             RETURNING generation",
        )?
        .query_row([event], |row| row.get(0))?;
    enqueue(conn, event, generation, keys, replayed)?;
    // They wait from now on, so that a second redelivery finds nothing to do.
    let mut wait = conn.prepare_cached(
        "UPDATE jobs SET outcome = 'waiting', reason = 'queued' WHERE event = ?1 AND key = ?2",
    )?;
    for key in keys {
        wait.execute(params![event, key])?;
    }
    settle(conn, event, now).map(drop)
}

fn enqueue(conn: &Connection, event: i64, generation: u32, keys: &[String], replayed: bool) -> Result<()> {
    conn.prepare_cached("INSERT INTO inbox (event, generation, tickets, replayed) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![event, generation, to_json(&keys)?, replayed])?;
    Ok(())
}

pub(super) fn replay(
    conn: &Connection,
    id: &EventId,
    scope: ReplayScope,
    among: &[String],
    now: i64,
) -> Result<Replayed> {
    let Some(found) = queries::find(conn, id)? else { return Ok(Replayed::NotFound) };
    if found.record.state != EventState::Finished {
        return Ok(Replayed::NotFinished);
    }
    let keys = match scope.select(found.record.verdict, &found.record.tickets, among) {
        Ok(keys) => keys,
        Err(reason) => return Ok(Replayed::Refused(reason)),
    };
    let keys = as_named(keys, &readable_traces(conn, found.n)?);
    run_again(conn, found.n, &keys, true, now)?;
    Ok(Replayed::Queued(keys))
}

/// Keeps the first body: a redelivery brings the same, and a failed event may have nothing else.
pub(super) fn save_body(conn: &Connection, id: &EventId, compressed: &[u8]) -> Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO bodies (event, body) SELECT n, ?2 FROM events WHERE id = ?1")?
        .execute(params![id.as_str(), compressed])?;
    Ok(())
}

/// An item of the inbox, its event still packed.
pub(super) struct Waiting {
    item: InboxItem,
    event: Option<Vec<u8>>,
}

impl Waiting {
    pub(super) fn unpack(self) -> InboxItem {
        InboxItem { event: read_event(self.event.as_deref()), ..self.item }
    }
}

pub(super) fn inbox(conn: &Connection, worker: &str, most: usize, now: i64) -> Result<Vec<Waiting>> {
    let some = conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM inbox)")?.query_row([], |row| row.get(0))?;
    // Nothing is written while nothing waits, so that an idle Conduit leaves the disk alone.
    let fence = if some { hold(conn, worker, now)? } else { None };
    let Some(fence) = fence else { return Ok(Vec::new()) };
    let mut statement = conn.prepare_cached(
        "SELECT e.id, i.generation, i.tickets, i.replayed, e.projects, e.event
         FROM inbox i JOIN events e ON e.n = i.event ORDER BY i.n LIMIT ?1",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let (mut items, mut bytes) = (Vec::new(), 0);
    for item in statement.query_map([most], |row| waiting(row, fence))? {
        let item = item?;
        bytes += item.event.as_ref().map_or(0, Vec::len);
        items.push(item);
        if bytes >= INBOX_BYTES {
            break;
        }
    }
    Ok(items)
}

fn waiting(row: &Row<'_>, fence: u64) -> rusqlite::Result<Waiting> {
    let projects: Option<String> = row.get(4)?;
    let item = InboxItem {
        id: event_id(row, 0)?,
        generation: row.get(1)?,
        only: json(row, 2)?,
        replayed: row.get(3)?,
        projects: projects.map(|_| json(row, 4)).transpose()?,
        event: Err(Unreadable::Damaged(String::new())),
        fence,
        partition: 0,
    };
    Ok(Waiting { item, event: row.get(5)? })
}

/// Takes or renews the inbox's lease; `None` while somebody else has it.
fn hold(conn: &Connection, worker: &str, now: i64) -> Result<Option<u64>> {
    let holder = conn
        .prepare_cached("SELECT worker, fence, until FROM router")?
        .query_row([], |row| Ok((row.get::<_, String>(0)?, unsigned(row, 1)?, row.get::<_, i64>(2)?)))
        .optional()?;
    let fence = match holder {
        Some((holder, fence, _)) if holder == worker => fence,
        Some((_, _, until)) if until > now => return Ok(None),
        _ => next_fence(conn)?,
    };
    conn.prepare_cached("INSERT OR REPLACE INTO router VALUES (1, ?1, ?2, ?3)")?.execute(params![
        worker,
        signed(fence),
        now + super::millis(HOLD)
    ])?;
    Ok(Some(fence))
}
