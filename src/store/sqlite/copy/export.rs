//! A database file, read from its first thing to its last.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use crate::store::copy::{
    AT_ONCE, EventCopy, Item, JobCopy, MARK, Name, Reading, RunCopy, TicketCopy, unpacked,
};
use crate::store::{AuditQuery, EventState, Result};
use crate::trace::{Reason, Received, TicketTrace, Verdict};

use super::super::rows::{self, event_id, from_json, json, verdict};
use super::super::writer::Writer;
use super::super::{audit, config, pauses};

/// Bodies read at once, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

const EVENTS: &str =
    "SELECT e.n, e.id, e.provider, e.delivery_id, e.repo, e.kind, e.projects, e.received, e.event,
        e.generation, e.state, e.outcome, e.reason, e.own, e.detail, e.duplicate_of, e.ignored, e.occurrence,
        e.finished_at, (SELECT body FROM bodies WHERE event = e.n),
        (SELECT name FROM merges WHERE event = e.n LIMIT 1)
     FROM events e WHERE e.n > ?1 ORDER BY e.n LIMIT ?2";

/// The columns of a [`TicketCopy`], of `jobs AS j`.
const TICKET: &str = "j.key, j.position, j.generation, j.site, j.project, j.found_in, j.queued_at, j.outcome, j.reason, j.trace";

/// The tickets of a lane, as they are claimed one after the other; lanes one after the other.
const TICKETS: &str = "SELECT site, project, run_at, head, key, expired FROM tickets
     WHERE lease_until IS NULL AND (site, project, run_at, head) > (?1, ?2, ?3, ?4)
     ORDER BY site, project, run_at, head LIMIT 1";

/// An event's runs are one: those that wait behind its first are merged into it.
const RUNS: &str =
    "SELECT i.n, e.id, (SELECT json_group_array(json(r.tickets)) FROM inbox r WHERE r.event = i.event),
        (SELECT max(replayed) FROM inbox r WHERE r.event = i.event)
     FROM inbox i JOIN events e ON e.n = i.event
     WHERE i.n > ?1 AND NOT EXISTS (SELECT 1 FROM inbox r WHERE r.event = i.event AND r.n < i.n)
     ORDER BY i.n LIMIT ?2";

/// How far the reading is.
#[derive(Debug, Clone)]
enum Place {
    Configuration,
    /// Before this cursor.
    Audit(Option<String>),
    /// Behind this row.
    Events(i64),
    Tickets(Ticket),
    /// Behind this row.
    Runs(i64),
    End,
}

/// A ticket whose jobs are read, and behind which.
#[derive(Debug, Clone, Default)]
struct Ticket {
    site: String,
    project: String,
    run_at: i64,
    head: i64,
    key: String,
    expired: u32,
    /// The row of the job that was read last, and how many were.
    job: i64,
    read: u32,
}

/// A reading under way.
pub(super) struct Export<'a> {
    writer: &'a Writer,
    place: Place,
}

impl<'a> Export<'a> {
    pub(super) fn new(writer: &'a Writer) -> Self {
        Self { writer, place: Place::Configuration }
    }
}

#[async_trait]
impl Reading for Export<'_> {
    async fn next(&mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while items.is_empty() && !matches!(self.place, Place::End) {
            let place = self.place.clone();
            (items, self.place) = self.writer.run(move |conn| step(conn, place)).await?;
        }
        Ok(items)
    }
}

fn step(conn: &Connection, place: Place) -> Result<(Vec<Item>, Place)> {
    Ok(match place {
        Place::Configuration => (configuration(conn)?, Place::Audit(None)),
        Place::Audit(cursor) => {
            let page = audit::list(conn, &AuditQuery { cursor, limit: AT_ONCE, ..AuditQuery::default() })?;
            let next = page.next.map_or(Place::Events(0), |next| Place::Audit(Some(next)));
            (page.items.into_iter().map(Item::Audit).collect(), next)
        }
        Place::Events(after) => {
            let (events, last) = events(conn, after)?;
            (events, last.map_or_else(|| Place::Tickets(Ticket::default()), Place::Events))
        }
        Place::Tickets(ticket) => jobs(conn, ticket)?,
        Place::Runs(after) => {
            let (runs, last) = runs(conn, after)?;
            (runs, last.map_or(Place::End, Place::Runs))
        }
        Place::End => (Vec::new(), Place::End),
    })
}

fn configuration(conn: &Connection) -> Result<Vec<Item>> {
    let mut settings = conn.prepare_cached("SELECT name, value FROM settings WHERE name <> ?1")?;
    let settings = settings.query_map([MARK], |row| Ok(Item::Setting(row.get(0)?, row.get(1)?)))?;
    let mut items = settings.collect::<rusqlite::Result<Vec<_>>>()?;
    items.extend(config::hooks(conn, None)?.into_iter().map(|hook| Item::Hook(Box::new(hook))));
    items.extend(config::tokens(conn)?.into_iter().map(Item::Token));
    items.extend(pauses::paused(conn)?.into_iter().map(Item::Pause));
    Ok(items)
}

fn at_once() -> i64 {
    i64::try_from(AT_ONCE).unwrap_or(i64::MAX)
}

fn events(conn: &Connection, after: i64) -> Result<(Vec<Item>, Option<i64>)> {
    let mut statement = conn.prepare_cached(EVENTS)?;
    let rows = statement.query_map([after, at_once()], |row| Ok((row.get::<_, i64>(0)?, event(row)?)))?;
    let (mut items, mut last, mut bytes) = (Vec::new(), None, 0);
    for row in rows {
        let (n, mut event) = row?;
        event.finished = finished(conn, n)?;
        last = Some(n);
        bytes += event.body.as_ref().map_or(0, Vec::len);
        items.push(Item::Event(Box::new(event)));
        if bytes >= MOST_BYTES {
            break;
        }
    }
    Ok((items, last))
}

fn event(row: &Row<'_>) -> rusqlite::Result<EventCopy> {
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let received: Received = json(row, 7)?;
    Ok(EventCopy {
        id: event_id(row, 1)?,
        provider: row.get(2)?,
        delivery_id: row.get(3)?,
        repo: row.get(4)?,
        kind: row.get(5)?,
        projects: text(6)?.map(|_| json(row, 6)).transpose()?,
        received: Received {
            at: jiff::Timestamp::from_microsecond(received.at.as_microsecond()).unwrap_or(received.at),
            ..received
        },
        event: row.get::<_, Option<Vec<u8>>>(8)?.map(unpacked),
        generation: row.get(9)?,
        state: match row.get::<_, String>(10)?.as_str() {
            "waiting" => EventState::Waiting,
            "working" => EventState::Working,
            _ => EventState::Finished,
        },
        verdict: verdict(row, 11)?,
        own: text(13)?.map(|_| json(row, 13)).transpose()?,
        detail: text(14)?,
        duplicate_of: text(15)?.map(|_| event_id(row, 15)).transpose()?,
        ignored: json(row, 16)?,
        occurrence: text(17)?.map(Name::Full),
        finished_at: row.get(18)?,
        body: row.get(19)?,
        merge: text(20)?.map(Name::Full),
        finished: Vec::new(),
    })
}

fn finished(conn: &Connection, event: i64) -> Result<Vec<TicketCopy>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {TICKET} FROM jobs j WHERE j.event = ?1 AND j.finished_at IS NOT NULL ORDER BY j.position, j.key"
    ))?;
    let tickets = statement.query_map([event], ticket)?;
    tickets.map(|ticket| ended(ticket?)).collect()
}

fn ticket(row: &Row<'_>) -> rusqlite::Result<TicketCopy> {
    Ok(TicketCopy {
        key: row.get(0)?,
        position: row.get(1)?,
        generation: row.get(2)?,
        site: row.get(3)?,
        project: row.get(4)?,
        found_in: json(row, 5)?,
        queued_at: row.get(6)?,
        verdict: verdict(row, 7)?,
        trace: row.get::<_, Option<Vec<u8>>>(9)?.map(unpacked),
    })
}

/// A ticket that goes through again is shown as waiting; how it ended stands in its trace. A settled one was
/// never queued.
fn ended(mut ticket: TicketCopy) -> Result<TicketCopy> {
    if !ticket.verdict.outcome.is_final() {
        ticket.verdict = verdict_in(ticket.trace.as_deref())?.unwrap_or(Reason::NoKeys.into());
    }
    if ticket.site.is_empty() {
        (ticket.queued_at, ticket.found_in) = (0, Vec::new());
    }
    Ok(ticket)
}

fn verdict_in(trace: Option<&[u8]>) -> Result<Option<Verdict>> {
    let trace = trace.map(|json| from_json::<TicketTrace>("a trace", json)).transpose()?;
    Ok(trace.as_ref().map(rows::verdict_of))
}

/// The jobs of a ticket behind those that were read; when there are no more, the next ticket.
fn jobs(conn: &Connection, mut at: Ticket) -> Result<(Vec<Item>, Place)> {
    let mut next_ticket = conn.prepare_cached(TICKETS)?;
    let mut items = Vec::new();
    while items.len() < AT_ONCE {
        let room = AT_ONCE - items.len();
        let read = jobs_of(conn, &mut at, room)?;
        let over = read.len() < room;
        items.extend(read);
        if !over {
            break;
        }
        let mut found = next_ticket.query(params![at.site, at.project, at.run_at, at.head])?;
        let Some(row) = found.next()? else { return Ok((items, Place::Runs(0))) };
        at = Ticket {
            site: row.get(0)?,
            project: row.get(1)?,
            run_at: row.get(2)?,
            head: row.get(3)?,
            key: row.get(4)?,
            expired: row.get(5)?,
            ..Ticket::default()
        };
    }
    Ok((items, Place::Tickets(at)))
}

fn jobs_of(conn: &Connection, of: &mut Ticket, most: usize) -> Result<Vec<Item>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {TICKET}, e.id, j.progress, j.n,
                EXISTS (SELECT 1 FROM jobs s
                        WHERE s.event = j.event AND s.key <> j.key AND s.site = j.site AND s.finished_at IS NULL)
         FROM jobs j JOIN events e ON e.n = j.event
         WHERE j.site = ?1 AND j.key = ?2 AND j.finished_at IS NULL AND j.n > ?3 ORDER BY j.n LIMIT ?4"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![of.site, of.key, of.job, most], |row| {
        Ok((ticket(row)?, event_id(row, 10)?, row.get(11)?, row.get::<_, i64>(12)?, row.get(13)?))
    })?;
    let (mut items, due) = (Vec::new(), of.run_at);
    for row in rows {
        let (mut ticket, event, progress, n, siblings) = row?;
        ticket.verdict = verdict_in(ticket.trace.as_deref())?.unwrap_or(Reason::Queued.into());
        let first = of.read == 0;
        items.push(Item::Job(Box::new(JobCopy {
            event,
            ticket,
            progress,
            place: of.read,
            expired: if first { of.expired } else { 0 },
            due: first.then_some(due),
            siblings,
        })));
        (of.job, of.read) = (n, of.read + 1);
    }
    Ok(items)
}

fn runs(conn: &Connection, after: i64) -> Result<(Vec<Item>, Option<i64>)> {
    let mut statement = conn.prepare_cached(RUNS)?;
    let rows = statement.query_map([after, at_once()], |row| {
        Ok((row.get::<_, i64>(0)?, event_id(row, 1)?, json::<Vec<Vec<String>>>(row, 2)?, row.get(3)?))
    })?;
    let (mut items, mut last) = (Vec::new(), None);
    for row in rows {
        let (n, event, runs, replayed) = row?;
        last = Some(n);
        items.push(Item::Run(RunCopy { event, only: merged(&runs), replayed }));
    }
    Ok((items, last))
}

/// The tickets of several runs. One over the whole event takes them all.
fn merged(runs: &[Vec<String>]) -> Vec<String> {
    if runs.iter().any(Vec::is_empty) { Vec::new() } else { runs.concat() }
}
