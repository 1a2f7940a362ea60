//! Upkeep.

use rusqlite::{Connection, params};

use crate::store::{Result, SUSPECT_AFTER, SUSPECTS_APART, Tidied};

use super::millis;

/// How many events are removed, and leases taken back, at a time, so that nobody waits long behind it.
const STEP: i64 = 200;

/// Leases that have run out, and how often in a row they did before.
pub(super) const EXPIRED: &str =
    "SELECT site, key, expired FROM tickets WHERE lease_until <= ?1 ORDER BY lease_until LIMIT ?2";

/// Takes an expired lease back.
const TAKE_BACK: &str = "UPDATE tickets
     SET run_at = ?3, expired = expired + 1, worker = NULL, fence = NULL, lease_until = NULL
     WHERE site = ?1 AND key = ?2";

/// Removes finished events; their jobs and bodies go with them.
pub(super) const REMOVE: &str = "DELETE FROM events WHERE n IN (
     SELECT n FROM events WHERE state = 'finished' AND finished_at < ?1 ORDER BY finished_at LIMIT ?2)";

/// `before`: events that finished earlier are removed.
pub(super) fn tidy(conn: &Connection, now: i64, before: i64) -> Result<Tidied> {
    let reaped = reap(conn, now)?;
    let removed = conn.prepare_cached(REMOVE)?.execute([before, STEP])?;
    let count = |changed: usize| u64::try_from(changed).unwrap_or(u64::MAX);
    // Tickets and their events stand in one database, so nothing has to be carried home.
    Ok(Tidied { reaped: count(reaped), carried: 0, removed: count(removed) })
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
