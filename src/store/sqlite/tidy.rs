//! Upkeep, and the orders to stop and go on.

use rusqlite::{Connection, params};

use crate::store::{Result, Tidied};

/// How many events are removed at a time, so that nobody waits long behind it.
const STEP: i64 = 200;

/// Takes expired leases back, to the front of their lanes.
pub(super) const REAP: &str = "UPDATE tickets
     SET run_at = 0, worker = NULL, fence = NULL, lease_until = NULL WHERE lease_until <= ?1";

/// Removes finished events; their jobs and bodies go with them.
pub(super) const REMOVE: &str = "DELETE FROM events WHERE n IN (
     SELECT n FROM events WHERE state = 'finished' AND finished_at < ?1 ORDER BY finished_at LIMIT ?2)";

/// `before`: events that finished earlier are removed.
pub(super) fn tidy(conn: &Connection, now: i64, before: i64) -> Result<Tidied> {
    let reaped = conn.prepare_cached(REAP)?.execute([now])?;
    let removed = conn.prepare_cached(REMOVE)?.execute([before, STEP])?;
    let count = |changed: usize| u64::try_from(changed).unwrap_or(u64::MAX);
    // Tickets and their events stand in one database, so nothing has to be carried home.
    Ok(Tidied { reaped: count(reaped), carried: 0, removed: count(removed) })
}

pub(super) fn pause(conn: &Connection, site: &str, why: &str, now: i64) -> Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO paused VALUES (?1, ?2, ?3)")?
        .execute(params![site, why, now])?;
    Ok(())
}

pub(super) fn resume(conn: &Connection, site: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM paused WHERE site = ?1")?.execute([site])? == 1)
}

/// A real write: a full or read-only disk shows only then.
pub(super) fn check(conn: &Connection, now: i64) -> Result<()> {
    conn.prepare_cached("UPDATE counters SET value = ?1 WHERE name = 'checked'")?.execute([now])?;
    Ok(())
}
