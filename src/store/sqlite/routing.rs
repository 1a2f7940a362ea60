//! Fan-out: from an event of the inbox to the queues of its tickets.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::model::Part;
use crate::store::{InboxItem, NewJob, Result, Routing, StoreError};
use crate::trace::{Reason, TicketTrace};

use super::rows::{inbox_lease, pack, read_trace, settle, signed, to_json, verdict_of};

/// Fans an event out and tells how many tickets became ready.
pub(super) fn route(conn: &Connection, item: &InboxItem, routing: &Routing, now: i64) -> Result<usize> {
    let held = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM router WHERE fence = ?1)")?
        .query_row([signed(item.fence)], |row| row.get::<_, bool>(0))?;
    if !held {
        return Err(StoreError::LostLease(inbox_lease(&item.id, item.generation)));
    }
    let Some((event, received_at)) = take_off(conn, item)? else { return Ok(0) };
    let run = Run { conn, event, generation: item.generation, received_at, now };
    run.forget_earlier(item, routing)?;
    let mut ready = 0;
    for part in routing.parts() {
        match part {
            Part::Job(job) => {
                run.add(&job.key, &job.site, &job.project, &to_json(&job.found_in)?, None)?;
                ready += run.line_up(job)?;
            }
            Part::Settled(trace) => {
                run.add(&trace.key, "", "", &to_json(&trace.found_in)?, Some(trace))?;
            }
        }
    }
    run.save(routing)?;
    settle(conn, event, now)?;
    Ok(ready)
}

/// Takes a run off the inbox; `None` when it had been routed before.
fn take_off(conn: &Connection, item: &InboxItem) -> Result<Option<(i64, i64)>> {
    let mut statement = conn.prepare_cached(
        "DELETE FROM inbox WHERE generation = ?2 AND event = (SELECT n FROM events WHERE id = ?1)
         RETURNING event, (SELECT e.received_at FROM events e WHERE e.n = inbox.event)",
    )?;
    let found = statement
        .query_row(params![item.id.as_str(), item.generation], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found)
}

/// One run of an event through the inbox.
pub(super) struct Run<'a> {
    pub(super) conn: &'a Connection,
    pub(super) event: i64,
    pub(super) generation: u32,
    pub(super) received_at: i64,
    pub(super) now: i64,
}

impl Run<'_> {
    /// A run over the whole event replaces its list; one over some tickets leaves the others alone, and
    /// those it no longer finds are what they were before.
    fn forget_earlier(&self, item: &InboxItem, routing: &Routing) -> Result<()> {
        if item.only.is_empty() {
            self.conn
                .prepare_cached(
                    "DELETE FROM jobs WHERE event = ?1 AND generation < ?2 AND finished_at IS NOT NULL",
                )?
                .execute(params![self.event, self.generation])?;
        }
        let found = |key: &String| {
            routing.jobs.iter().any(|job| job.key == *key) || routing.settled.iter().any(|t| t.key == *key)
        };
        item.only.iter().filter(|key| !found(key)).try_for_each(|key| self.restore(key))
    }

    /// An unreadable trace must not hold up the inbox: the ticket was not found, and that is said.
    fn restore(&self, key: &str) -> Result<()> {
        let packed: Option<Vec<u8>> = self
            .conn
            .prepare_cached("SELECT trace FROM jobs WHERE event = ?1 AND key = ?2")?
            .query_row(params![self.event, key], |row| row.get(0))
            .optional()?
            .flatten();
        let earlier = packed.and_then(|packed| read_trace(&packed).ok());
        let verdict = earlier.as_ref().map_or(Reason::NoKeys.into(), verdict_of);
        self.conn
            .prepare_cached("UPDATE jobs SET outcome = ?3, reason = ?4 WHERE event = ?1 AND key = ?2")?
            .execute(params![self.event, key, verdict.outcome.as_str(), verdict.reason.as_str()])?;
        Ok(())
    }

    /// Adds a ticket to the event: to be worked on, or settled with its final trace. A ticket that goes
    /// through again keeps its place in the event and gets a new one, the last, in its queue. Whether it was not there.
    pub(super) fn add(
        &self,
        key: &str,
        site: &str,
        project: &str,
        found_in: &str,
        settled: Option<&TicketTrace>,
    ) -> Result<bool> {
        let earlier: Option<i64> = self
            .conn
            .prepare_cached(
                "DELETE FROM jobs WHERE event = ?1 AND key = ?2 AND generation < ?3 AND finished_at IS NOT NULL
                 RETURNING position",
            )?
            .query_row(params![self.event, key, self.generation], |row| row.get(0))
            .optional()?;
        let verdict = settled.map_or(Reason::Queued.into(), verdict_of);
        let added = self
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO jobs (event, key, generation, position, site, project, found_in, received_at,
                                             queued_at, trace, outcome, reason, finished_at)
                 VALUES (?1, ?2, ?3,
                         ifnull(?4, (SELECT ifnull(max(position), 0) + 1 FROM jobs WHERE event = ?1)),
                         ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                self.event,
                key,
                self.generation,
                earlier,
                site,
                project,
                found_in,
                self.received_at,
                self.now,
                settled.map(pack).transpose()?,
                verdict.outcome.as_str(),
                verdict.reason.as_str(),
                settled.map(|_| self.now),
            ])?;
        Ok(added == 1)
    }

    /// Makes the ticket ready unless it has earlier jobs; tells how many tickets became ready.
    pub(super) fn line_up(&self, job: &NewJob) -> Result<usize> {
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO lanes (site, project) VALUES (?1, ?2)")?
            .execute([&job.site, &job.project])?;
        let ready = self
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO tickets (site, key, project, head, run_at)
                 SELECT site, key, project, n, ?3 FROM jobs
                 WHERE event = ?1 AND key = ?2 AND finished_at IS NULL",
            )?
            .execute(params![self.event, job.key, self.now])?;
        Ok(ready)
    }

    fn save(&self, routing: &Routing) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE events SET ignored = ?2, own = ?3, detail = ?4 WHERE n = ?1")?
            .execute(params![
                self.event,
                to_json(&routing.ignored)?,
                routing.verdict.as_ref().map(to_json).transpose()?,
                routing.detail,
            ])?;
        Ok(())
    }
}
