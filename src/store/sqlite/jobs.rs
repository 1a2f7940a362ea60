//! Tickets and their jobs: claimed in turn, worked on under a lease, given back or finished.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::{Claim, ClaimRequest, JobId, JobState, Lease, Result, StoreError, Unreadable};
use crate::trace::TicketTrace;

use super::lanes::{Lane, lanes, next_turn};
use super::millis;
use super::rows::{
    event_id, from_json, next_fence, pack, read_event, read_trace, settle, signed, time, to_json, verdict_of,
};

/// The first ticket of a lane that is ready, from `tickets_in_lane`.
pub(super) const FIRST_READY: &str = "SELECT key FROM tickets
     WHERE site = ?1 AND project = ?2 AND lease_until IS NULL AND run_at <= ?3 ORDER BY run_at, head LIMIT 1";

/// The tickets of an event whose head is its job and that are ready, as the event names them.
const READY_SIBLINGS: &str = "SELECT t.key FROM jobs j JOIN tickets t ON t.site = j.site AND t.key = j.key
     WHERE j.event = (SELECT n FROM events WHERE id = ?1) AND j.site = ?2 AND t.head = j.n
         AND t.lease_until IS NULL AND t.run_at <= ?3 AND j.site NOT IN (SELECT site FROM pauses)
     ORDER BY j.position LIMIT ?4";

/// The next unfinished job of a ticket, from `jobs_in_line`.
pub(super) const NEXT_IN_LINE: &str =
    "SELECT n FROM jobs WHERE site = ?1 AND key = ?2 AND finished_at IS NULL ORDER BY n LIMIT 1";

/// A claimed job, its texts still packed.
pub(super) struct Claimed {
    lease: Lease,
    project: String,
    found_in: String,
    queued_at: i64,
    expired: u32,
    progress: Option<String>,
    trace: Option<Vec<u8>>,
    projects: Option<String>,
    event: Option<Vec<u8>>,
    siblings: bool,
}

impl Claimed {
    /// What this version cannot read is told as the event's error, so that one such job, which a newer
    /// version may have left, does not cost the others of the same claim their worker.
    pub(super) fn unpack(self) -> Claim {
        let noted = self.state().and_then(|state| Ok((state, self.projects()?)));
        let (state, projects, event) = match noted {
            Ok((state, projects)) => (state, projects, read_event(self.event.as_deref())),
            Err(error) => (None, Some(Vec::new()), Err(Unreadable::Damaged(error.to_string()))),
        };
        Claim {
            lease: self.lease,
            project: self.project,
            found_in: from_json("a job", self.found_in.as_bytes()).unwrap_or_default(),
            queued_at: time(self.queued_at),
            expired: self.expired,
            siblings: self.siblings,
            state,
            projects,
            event,
        }
    }

    fn projects(&self) -> Result<Option<Vec<String>>> {
        self.projects.as_ref().map(|json| from_json("a hook's projects", json.as_bytes())).transpose()
    }

    fn state(&self) -> Result<Option<JobState>> {
        let (Some(progress), Some(trace)) = (&self.progress, &self.trace) else { return Ok(None) };
        Ok(Some(JobState {
            progress: from_json("a job's progress", progress.as_bytes())?,
            trace: read_trace(trace)?,
        }))
    }
}

pub(super) fn claim(conn: &Connection, request: &ClaimRequest, now: i64) -> Result<Vec<Claimed>> {
    let mut lanes = lanes(conn, now)?;
    for lane in &mut lanes {
        lane.open &= !request.skip_sites.contains(&lane.site);
    }
    let mut claimed = Vec::new();
    while claimed.len() < request.most
        && let Some(turn) = next_turn(&lanes)
    {
        let lane = &mut lanes[turn];
        match lease_first(conn, lane, request, now)? {
            Some(job) => claimed.push(job),
            None => lane.open = false,
        }
    }
    Ok(claimed)
}

/// Leases the first ready ticket of a lane.
fn lease_first(
    conn: &Connection,
    lane: &mut Lane,
    request: &ClaimRequest,
    now: i64,
) -> Result<Option<Claimed>> {
    let first: Option<String> = conn
        .prepare_cached(FIRST_READY)?
        .query_row(params![lane.site, lane.project, now], |row| row.get(0))
        .optional()?;
    let Some(key) = first else { return Ok(None) };
    let claimed = lease(conn, &lane.site, &key, request, now)?;
    lane.served = claimed.lease.fence;
    conn.prepare_cached("UPDATE lanes SET served = ?3 WHERE site = ?1 AND project = ?2")?
        .execute(params![lane.site, lane.project, signed(lane.served)])?;
    Ok(Some(claimed))
}

/// Leases the heads of other tickets of the same event that are ready. They take no turns of their own.
pub(super) fn claim_siblings(
    conn: &Connection,
    of: &Lease,
    request: &ClaimRequest,
    now: i64,
) -> Result<Vec<Claimed>> {
    let keys: Vec<String> = conn
        .prepare_cached(READY_SIBLINGS)?
        .query_map(params![of.job.event.as_str(), of.site, now, limit(request.most)], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    keys.iter().map(|key| lease(conn, &of.site, key, request, now)).collect()
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Leases a ticket that is ready.
fn lease(conn: &Connection, site: &str, key: &str, request: &ClaimRequest, now: i64) -> Result<Claimed> {
    let fence = next_fence(conn)?;
    let (head, expired) = conn
        .prepare_cached(
            "UPDATE tickets SET worker = ?3, fence = ?4, lease_until = ?5 WHERE site = ?1 AND key = ?2
             RETURNING head, expired",
        )?
        .query_row(params![site, key, request.worker, signed(fence), now + millis(request.lease)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?))
        })?;
    let claimed = conn
        .prepare_cached(
            "SELECT e.id, j.key, j.generation, j.site, j.project, j.found_in, j.queued_at, j.progress, j.trace,
                    e.event, e.projects,
                    EXISTS (SELECT 1 FROM jobs s
                            WHERE s.event = j.event AND s.key <> j.key AND s.site = j.site AND s.finished_at IS NULL)
             FROM jobs j JOIN events e ON e.n = j.event WHERE j.n = ?1",
        )?
        .query_row([head], |row| claimed(row, fence, request.lease))?;
    Ok(Claimed { expired, ..claimed })
}

fn claimed(row: &Row<'_>, fence: u64, duration: Duration) -> rusqlite::Result<Claimed> {
    let job = JobId { event: event_id(row, 0)?, key: row.get(1)?, generation: row.get(2)? };
    Ok(Claimed {
        lease: Lease { job, site: row.get(3)?, fence, duration },
        project: row.get(4)?,
        found_in: row.get(5)?,
        queued_at: row.get(6)?,
        expired: 0,
        progress: row.get(7)?,
        trace: row.get(8)?,
        event: row.get(9)?,
        projects: row.get(10)?,
        siblings: row.get(11)?,
    })
}

/// A job that its lease still holds.
pub(super) struct Held {
    pub(super) job: i64,
    pub(super) event: i64,
}

/// Checks a lease. One that has run out still holds until somebody takes the ticket back: nobody else can
/// have worked on it.
pub(super) fn held(conn: &Connection, lease: &Lease) -> Result<Held> {
    conn.prepare_cached(
        "SELECT j.n, j.event FROM tickets t JOIN jobs j ON j.n = t.head JOIN events e ON e.n = j.event
         WHERE t.site = ?1 AND t.key = ?2 AND t.fence = ?3 AND e.id = ?4 AND j.generation = ?5",
    )?
    .query_row(
        params![
            lease.site,
            lease.job.key,
            signed(lease.fence),
            lease.job.event.as_str(),
            lease.job.generation
        ],
        |row| Ok(Held { job: row.get(0)?, event: row.get(1)? }),
    )
    .optional()?
    .ok_or_else(|| StoreError::LostLease(lease.job.clone()))
}

pub(super) fn heartbeat(conn: &Connection, lease: &Lease, now: i64) -> Result<()> {
    held(conn, lease)?;
    conn.prepare_cached("UPDATE tickets SET lease_until = ?3 WHERE site = ?1 AND key = ?2")?
        .execute(params![lease.site, lease.job.key, now + millis(lease.duration)])?;
    Ok(())
}

/// What a worker writes into its job, its columns made.
pub(super) struct Note {
    progress: Option<String>,
    trace: Vec<u8>,
    outcome: &'static str,
    reason: &'static str,
}

impl Note {
    pub(super) fn of_state(state: &JobState) -> Result<Self> {
        let progress = Some(to_json(&state.progress)?);
        Ok(Self { progress, ..Self::of_trace(&state.trace)? })
    }

    pub(super) fn of_trace(trace: &TicketTrace) -> Result<Self> {
        let verdict = verdict_of(trace);
        Ok(Self {
            progress: None,
            trace: pack(trace)?,
            outcome: verdict.outcome.as_str(),
            reason: verdict.reason.as_str(),
        })
    }

    pub(super) fn write(&self, conn: &Connection, job: i64, finished_at: Option<i64>) -> Result<()> {
        conn.prepare_cached(
            "UPDATE jobs SET progress = ?2, trace = ?3, outcome = ?4, reason = ?5, finished_at = ?6 WHERE n = ?1",
        )?
        .execute(params![job, self.progress, self.trace, self.outcome, self.reason, finished_at])?;
        Ok(())
    }
}

pub(super) fn checkpoint(conn: &Connection, lease: &Lease, note: &Note, now: i64) -> Result<()> {
    note.write(conn, held(conn, lease)?.job, None)?;
    heartbeat(conn, lease, now)
}

pub(super) fn retry(conn: &Connection, lease: &Lease, delay: Duration, note: &Note, now: i64) -> Result<()> {
    let held = held(conn, lease)?;
    note.write(conn, held.job, None)?;
    settle(conn, held.event, now)?;
    release(conn, lease, held.job, now + millis(delay))
}

/// Back to the front: it was the first already.
pub(super) fn hand_back(conn: &Connection, lease: &Lease) -> Result<()> {
    let held = held(conn, lease)?;
    release(conn, lease, held.job, 0)
}

/// What the end of a job leads to.
pub(super) struct Ended {
    /// The ticket has another job.
    pub(super) more: bool,
    /// When the event was received, if all of it is over.
    pub(super) event_received_at: Option<i64>,
}

/// Ends a job.
pub(super) fn finish(conn: &Connection, lease: &Lease, note: &Note, now: i64) -> Result<Ended> {
    let held = held(conn, lease)?;
    note.write(conn, held.job, Some(now))?;
    let next: Option<i64> = conn
        .prepare_cached(NEXT_IN_LINE)?
        .query_row([&lease.site, &lease.job.key], |row| row.get(0))
        .optional()?;
    match next {
        Some(next) => release(conn, lease, next, now)?,
        None => leave(conn, lease)?,
    }
    let event_received_at = settle(conn, held.event, now)?;
    Ok(Ended { more: next.is_some(), event_received_at })
}

fn release(conn: &Connection, lease: &Lease, head: i64, run_at: i64) -> Result<()> {
    conn.prepare_cached(
        "UPDATE tickets SET head = ?3, run_at = ?4, expired = 0, worker = NULL, fence = NULL, lease_until = NULL
         WHERE site = ?1 AND key = ?2",
    )?
    .execute(params![lease.site, lease.job.key, head, run_at])?;
    Ok(())
}

fn leave(conn: &Connection, lease: &Lease) -> Result<()> {
    conn.prepare_cached("DELETE FROM tickets WHERE site = ?1 AND key = ?2")?
        .execute([&lease.site, &lease.job.key])?;
    Ok(())
}
