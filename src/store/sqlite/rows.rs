//! From rows to the store's model and back, and the one place that derives an event's state and verdict.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::event::Event;
use crate::store::{
    EventId, EventRecord, EventState, JobId, Result, StoreError, TicketState, Unreadable, compress,
    decompress, unreadable,
};
use crate::trace::{Reason, TicketTrace, Verdict};

/// JSON above this size is worth compressing. An event of a pull request has some 900 bytes and leaves half of them.
pub(super) const LARGE: usize = 256;

/// What a zstd frame begins with; no JSON does.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The columns of [`record`], of `events AS e`.
pub(super) const RECORD: &str = "e.n, e.id, e.provider, e.delivery_id, e.repo, e.kind, e.received, e.state, \
     e.outcome, e.reason, e.detail, e.duplicate_of, e.generation, e.ignored, e.event, e.received_at";

/// An event's row, still without its tickets.
pub(super) struct Found {
    pub(super) n: i64,
    pub(super) received_at: i64,
    pub(super) record: EventRecord,
}

pub(in crate::store) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| damaged("a value to be stored", &error))
}

pub(in crate::store) fn from_json<T: DeserializeOwned>(what: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| damaged(what, &error))
}

/// JSON for a BLOB column.
pub(in crate::store) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let json = to_json(value)?.into_bytes();
    if json.len() > LARGE { compress(&json) } else { Ok(json) }
}

fn unpack(packed: &[u8]) -> Result<Cow<'_, [u8]>> {
    if packed.starts_with(&ZSTD) { Ok(decompress(packed)?.into()) } else { Ok(packed.into()) }
}

/// The stored event, or why this version cannot read it.
pub(in crate::store) fn read_event(packed: Option<&[u8]>) -> std::result::Result<Event, Unreadable> {
    let nothing = || Unreadable::Damaged("the payload could not be understood when it came in".to_owned());
    unreadable::read_event(packed.ok_or_else(nothing)?)
}

pub(super) fn read_trace(packed: &[u8]) -> Result<TicketTrace> {
    from_json("a trace", &unpack(packed)?)
}

/// A stored number of milliseconds as a time.
pub(super) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

pub(super) fn verdict_of(trace: &TicketTrace) -> Verdict {
    Verdict { outcome: trace.outcome, reason: trace.reason }
}

/// `outcome` and `reason`, from two neighbouring columns.
pub(super) fn verdict(row: &Row<'_>, at: usize) -> rusqlite::Result<Verdict> {
    Ok(Verdict { outcome: parsed(row, at, str::parse)?, reason: parsed(row, at + 1, str::parse)? })
}

pub(super) fn event_id(row: &Row<'_>, at: usize) -> rusqlite::Result<EventId> {
    parsed(row, at, |text| EventId::parse(text).ok_or("not an event id"))
}

/// A JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    parsed(row, at, |text| serde_json::from_str(text))
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Found> {
    let state: String = row.get(7)?;
    let event: Option<Vec<u8>> = row.get(14)?;
    let duplicate_of: Option<String> = row.get(11)?;
    let record = EventRecord {
        id: event_id(row, 1)?,
        provider: row.get(2)?,
        delivery_id: row.get(3)?,
        repo: row.get(4)?,
        kind: row.get(5)?,
        received: json(row, 6)?,
        state: match state.as_str() {
            "waiting" => EventState::Waiting,
            "working" => EventState::Working,
            _ => EventState::Finished,
        },
        verdict: verdict(row, 8)?,
        detail: row.get(10)?,
        duplicate_of: duplicate_of.as_deref().and_then(EventId::parse),
        generation: row.get(12)?,
        tickets: Vec::new(),
        ignored: json(row, 13)?,
        event: read_event(event.as_deref()).ok(),
    };
    Ok(Found { n: row.get(0)?, received_at: row.get(15)?, record })
}

/// The tickets of an event, in the order it names them.
pub(super) fn tickets(conn: &Connection, event: i64) -> Result<Vec<TicketState>> {
    let mut statement = conn.prepare_cached(
        "SELECT key, site, generation, outcome, reason FROM jobs WHERE event = ?1 ORDER BY position",
    )?;
    let tickets = statement.query_map([event], |row| {
        Ok(TicketState {
            key: row.get(0)?,
            site: row.get(1)?,
            generation: row.get(2)?,
            verdict: verdict(row, 3)?,
        })
    })?;
    Ok(tickets.collect::<rusqlite::Result<_>>()?)
}

/// The row of an event.
pub(super) fn number(conn: &Connection, id: &EventId) -> Result<Option<i64>> {
    let mut statement = conn.prepare_cached("SELECT n FROM events WHERE id = ?1")?;
    Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?)
}

/// Brings an event's state and verdict in line with its runs in the inbox and its tickets. Answers when it
/// was received, if it is finished.
pub(super) fn settle(conn: &Connection, event: i64, now: i64) -> Result<Option<i64>> {
    let (waits, works, own, received_at): (bool, bool, Option<String>, i64) = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM inbox WHERE event = ?1),
                    EXISTS (SELECT 1 FROM jobs WHERE event = ?1 AND finished_at IS NULL), own, received_at
             FROM events WHERE n = ?1",
        )?
        .query_row([event], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let queued = waits.then_some(Verdict::from(Reason::Queued));
    let own: Option<Verdict> = own.map(|own| from_json("an event's verdict", own.as_bytes())).transpose()?;
    let of_tickets = tickets(conn, event)?.into_iter().map(|ticket| ticket.verdict);
    let verdict = Verdict::gravest(of_tickets.chain(own).chain(queued))
        // A run that found neither tickets nor a reason for it.
        .unwrap_or(Verdict::from(Reason::NoKeys));
    let state = match (waits, works) {
        (true, _) => "waiting",
        (false, true) => "working",
        (false, false) => "finished",
    };
    conn.prepare_cached(
        "UPDATE events SET state = ?2, outcome = ?3, reason = ?4,
             finished_at = CASE WHEN ?2 = 'finished' THEN ifnull(finished_at, ?5) END
         WHERE n = ?1",
    )?
    .execute(params![event, state, verdict.outcome.as_str(), verdict.reason.as_str(), now])?;
    Ok((state == "finished").then_some(received_at))
}

/// A fence or a revision for an INTEGER column.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A fence or a count from an INTEGER column.
pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or_default())
}

/// The next fence of the store.
pub(super) fn next_fence(conn: &Connection) -> Result<u64> {
    let mut statement =
        conn.prepare_cached("UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value")?;
    Ok(statement.query_row([], |row| unsigned(row, 0))?)
}

/// The name under which losing the inbox is reported.
pub(super) fn inbox_lease(event: &EventId, generation: u32) -> JobId {
    JobId { event: event.clone(), key: "inbox".to_owned(), generation }
}

fn parsed<T, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    row: &Row<'_>,
    at: usize,
    parse: impl Fn(&str) -> std::result::Result<T, E>,
) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    parse(&text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, error.into()))
}

fn damaged(what: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged { what: what.to_owned(), why: error.to_string() }
}
