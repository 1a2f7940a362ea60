//! A ticket that bears another key by now: its job goes on in that key's queue.

use rusqlite::{Connection, params};

use crate::store::{Lease, NewJob, Result};

use super::jobs::{self, Note, held};
use super::routing::Run;
use super::rows::to_json;

/// Lets `to` take the place of a leased job, and tells how many tickets became ready.
pub(super) fn hand_over(
    conn: &Connection,
    lease: &Lease,
    to: &NewJob,
    first: &Note,
    last: &Note,
    now: i64,
) -> Result<usize> {
    let event = held(conn, lease)?.event;
    let received_at = conn
        .prepare_cached("SELECT received_at FROM events WHERE n = ?1")?
        .query_row([event], |row| row.get(0))?;
    let run = Run { conn, event, generation: lease.job.generation, received_at, now };
    if run.add(&to.key, &to.site, &to.project, &to_json(&to.found_in)?, None)? {
        let job = conn
            .prepare_cached("SELECT n FROM jobs WHERE event = ?1 AND key = ?2")?
            .query_row(params![event, to.key], |row| row.get(0))?;
        first.write(conn, job, None)?;
    }
    let ready = run.line_up(to)?;
    let ended = jobs::finish(conn, lease, last, now)?;
    Ok(ready + usize::from(ended.more))
}
