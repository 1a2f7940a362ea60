//! Upkeep.

use rusqlite::{Connection, params};

use crate::store::{Result, SUSPECT_AFTER, SUSPECTS_APART, Tidied};

use super::millis;

/// How many events are removed, and leases taken back, at a time, so that nobody waits long behind it.
const STEP: i64 = 200;

/// How many tickets go with them at most: a release may name a thousand. One event always goes.
const MOST_TICKETS: i64 = 2000;

/// Leases that have run out, and how often in a row they did before.
pub(super) const EXPIRED: &str =
    "SELECT site, key, expired FROM tickets WHERE lease_until <= ?1 ORDER BY lease_until LIMIT ?2";

/// Takes an expired lease back.
const TAKE_BACK: &str = "UPDATE tickets
     SET run_at = ?3, expired = expired + 1, worker = NULL, fence = NULL, lease_until = NULL
     WHERE site = ?1 AND key = ?2";

/// Finished events, the oldest first, each with the number of its tickets.
pub(super) const OLD: &str = "SELECT e.n, (SELECT count(*) FROM jobs j WHERE j.event = e.n) FROM events e
     WHERE e.state = 'finished' AND e.finished_at < ?1 ORDER BY e.finished_at LIMIT ?2";

/// Removes an event; its jobs, its body and its merge go with it.
const REMOVE: &str = "DELETE FROM events WHERE n = ?1";

/// `before`: events that finished earlier are removed.
pub(super) fn tidy(conn: &Connection, now: i64, before: i64) -> Result<Tidied> {
    let reaped = reap(conn, now)?;
    let old = old(conn, before)?;
    let mut remove = conn.prepare_cached(REMOVE)?;
    for event in &old {
        remove.execute([event])?;
    }
    let count = |changed: usize| u64::try_from(changed).unwrap_or(u64::MAX);
    // Tickets and their events stand in one database, so nothing has to be carried home.
    Ok(Tidied { reaped: count(reaped), carried: 0, removed: count(old.len()) })
}

/// The events to remove in this step.
fn old(conn: &Connection, before: i64) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(OLD)?;
    let rows = statement.query_map([before, STEP], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (mut events, mut with_them) = (Vec::new(), 0_i64);
    for row in rows {
        let (event, tickets): (i64, i64) = row?;
        with_them += tickets;
        if with_them > MOST_TICKETS && !events.is_empty() {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

/// Takes expired leases back: to the front of their lanes, and those that keep expiring one after the other.
fn reap(conn: &Connection, now: i64) -> Result<usize> {
    let expired: Vec<(String, String, u32)> = conn
        .prepare_cached(EXPIRED)?
        .query_map(params![now, STEP], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut suspects = 0;
    for (site, key, before) in &expired {
        let run_at = if before + 1 < SUSPECT_AFTER {
            0
        } else {
            suspects += 1;
            now + millis(SUSPECTS_APART * suspects)
        };
        conn.prepare_cached(TAKE_BACK)?.execute(params![site, key, run_at])?;
    }
    Ok(expired.len())
}

/// A real write: a full or read-only disk shows only then.
pub(super) fn check(conn: &Connection, now: i64) -> Result<()> {
    conn.prepare_cached("UPDATE counters SET value = ?1 WHERE name = 'checked'")?.execute([now])?;
    Ok(())
}
