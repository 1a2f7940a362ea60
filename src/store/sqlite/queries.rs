//! Questions: one event, lists of events, what waits.

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::event::Event;
use crate::store::{EventId, EventQuery, EventRecord, Page, QueueStatus, Result, StoreError, Unreadable};
use crate::trace::TicketTrace;

use super::pauses;
use super::rows::{Found, RECORD, json, number, read_event, read_trace, record, tickets, time, unsigned};

pub(super) const QUEUE: &str = "SELECT
    (SELECT count(*) FROM inbox),
    (SELECT count(*) FROM tickets WHERE lease_until IS NULL AND run_at <= ?1),
    (SELECT count(*) FROM tickets WHERE lease_until IS NOT NULL),
    (SELECT count(*) FROM tickets WHERE lease_until IS NULL AND run_at > ?1),
    (SELECT count(*) FROM jobs WHERE outcome = 'dead'),
    (SELECT min(received_at) FROM events WHERE state <> 'finished')";

pub(super) fn find(conn: &Connection, id: &EventId) -> Result<Option<Found>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {RECORD} FROM events e WHERE e.id = ?1"))?;
    let found = statement.query_row([id.as_str()], record).optional()?;
    found.map(|found| with_tickets(conn, found)).transpose()
}

fn with_tickets(conn: &Connection, mut found: Found) -> Result<Found> {
    found.record.tickets = tickets(conn, found.n)?;
    Ok(found)
}

pub(super) fn ticket_traces(conn: &Connection, id: &EventId) -> Result<Vec<TicketTrace>> {
    number(conn, id)?.map_or(Ok(Vec::new()), |event| traces(conn, event))
}

pub(super) fn traces(conn: &Connection, event: i64) -> Result<Vec<TicketTrace>> {
    let mut statement = conn.prepare_cached(
        "SELECT key, found_in, queued_at, trace FROM jobs WHERE event = ?1 ORDER BY position",
    )?;
    let stored = statement.query_map([event], |row| {
        let queued = TicketTrace::queued(row.get::<_, String>(0)?, json(row, 1)?, time(row.get(2)?));
        Ok((queued, row.get::<_, Option<Vec<u8>>>(3)?))
    })?;
    stored
        .map(|row| {
            let (queued, trace) = row?;
            trace.map_or(Ok(queued), |packed| read_trace(&packed))
        })
        .collect()
}

/// The most pull requests that are looked at for one commit; more than one is rare enough.
const MOST_MERGED: i64 = 50;

pub(super) const MERGED_AS: &str = "SELECT e.id, e.event FROM merges m JOIN events e ON e.n = m.event
     WHERE m.name = ?1 ORDER BY m.event LIMIT ?2";

pub(super) fn merged_as(conn: &Connection, name: &str) -> Result<Vec<Event>> {
    let mut statement = conn.prepare_cached(MERGED_AS)?;
    let rows = statement.query_map(params![name, MOST_MERGED], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
    })?;
    rows.map(|row| {
        let (id, packed) = row?;
        let damaged =
            |why: Unreadable| StoreError::Damaged { what: format!("event {id}"), why: why.to_string() };
        read_event(packed.as_deref()).map_err(damaged)
    })
    .collect()
}

pub(super) fn body(conn: &Connection, id: &EventId) -> Result<Option<Vec<u8>>> {
    let mut statement =
        conn.prepare_cached("SELECT body FROM bodies WHERE event = (SELECT n FROM events WHERE id = ?1)")?;
    Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?)
}

pub(super) fn events(conn: &Connection, query: &EventQuery) -> Result<Page<EventRecord>> {
    let limit = query.limit.max(1);
    let (sql, values) = list(query)?;
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found =
        statement.query_map(values.as_slice(), record)?.collect::<rusqlite::Result<Vec<Found>>>()?;
    // One more than asked for tells whether there is a next page.
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| format!("{}.{}", last.received_at, last.n));
    let items = found
        .into_iter()
        .map(|found| with_tickets(conn, found).map(|found| found.record))
        .collect::<Result<_>>()?;
    Ok(Page { items, next })
}

/// The statement of a list, and its values in order. Every clause stands on an index that also gives the
/// order; a ticket's own index leads when there is one, because it leaves the fewest events.
pub(super) fn list(query: &EventQuery) -> Result<(String, Vec<Box<dyn ToSql>>)> {
    let (before_at, before_n) = match &query.cursor {
        None => (i64::MAX, i64::MAX),
        Some(cursor) => parse_cursor(cursor).ok_or_else(|| StoreError::BadCursor(cursor.clone()))?,
    };
    let (tables, at, n) = match query {
        EventQuery { ticket: Some(_), .. } => {
            ("jobs j CROSS JOIN events e ON e.n = j.event", "j.received_at", "j.event")
        }
        // Named, because SQLite takes it to be no better than one of the outcome alone.
        EventQuery { repo: Some(_), outcome: Some(_), .. } => {
            ("events e INDEXED BY events_by_repo_and_outcome", "e.received_at", "e.n")
        }
        _ => ("events e", "e.received_at", "e.n"),
    };
    let mut sql = format!("SELECT {RECORD} FROM {tables} WHERE ({at}, {n}) < (?, ?)");
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(before_at), Box::new(before_n)];
    let mut filter = |clause: &str, value: Option<Box<dyn ToSql>>| {
        if let Some(value) = value {
            sql.push_str(clause);
            values.push(value);
        }
    };
    filter(" AND j.key = ?", query.ticket.clone().map(|key| Box::new(key) as _));
    filter(" AND e.repo = ?", query.repo.clone().map(|repo| Box::new(repo) as _));
    filter(" AND e.outcome = ?", query.outcome.map(|outcome| Box::new(outcome.as_str()) as _));
    let since = query.since.map(|since| Box::new(since.as_millisecond()) as _);
    filter(&format!(" AND {at} >= ?"), since);
    let order = format!(" ORDER BY {at} DESC, {n} DESC LIMIT ?");
    sql.push_str(&order);
    values.push(Box::new(i64::try_from(query.limit.max(1) + 1).unwrap_or(i64::MAX)));
    Ok((sql, values))
}

fn parse_cursor(cursor: &str) -> Option<(i64, i64)> {
    let (at, n) = cursor.split_once('.')?;
    Some((at.parse().ok()?, n.parse().ok()?))
}

pub(super) fn queue(conn: &Connection, now: i64) -> Result<QueueStatus> {
    let mut status = conn.prepare_cached(QUEUE)?.query_row([now], |row| {
        let oldest: Option<i64> = row.get(5)?;
        Ok(QueueStatus {
            inbox: unsigned(row, 0)?,
            ready: unsigned(row, 1)?,
            leased: unsigned(row, 2)?,
            delayed: unsigned(row, 3)?,
            dead: unsigned(row, 4)?,
            oldest_seconds: oldest.map_or(0, |at| u64::try_from((now - at) / 1000).unwrap_or(0)),
            paused: Vec::new(),
        })
    })?;
    status.paused = pauses::paused(conn)?;
    Ok(status)
}
