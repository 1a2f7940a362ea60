//! The audit log.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::audit::MOST;
use crate::store::{Action, AuditEntry, AuditQuery, Page, Result};

use super::rows::{from_json, to_json};

/// The oldest go when a new one comes.
pub(super) fn record(conn: &Connection, entry: &AuditEntry) -> Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO audit VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        entry.place(),
        entry.who,
        entry.action.as_str(),
        to_json(entry)?
    ])?;
    conn.prepare_cached("DELETE FROM audit WHERE place < ?1")?.execute([entry.oldest_kept()])?;
    // The place of the first that is one too many, when there is one.
    let surplus: Option<String> = conn
        .prepare_cached("SELECT place FROM audit ORDER BY place DESC LIMIT 1 OFFSET ?1")?
        .query_row([MOST], |row| row.get(0))
        .optional()?;
    conn.prepare_cached("DELETE FROM audit WHERE place <= ?1")?.execute([surplus.unwrap_or_default()])?;
    Ok(())
}

pub(super) fn list(conn: &Connection, query: &AuditQuery) -> Result<Page<AuditEntry>> {
    let limit = query.limit.max(1);
    let mut statement = conn.prepare_cached(
        "SELECT place, entry FROM audit
         WHERE place >= ?1 AND (?2 IS NULL OR place < ?2)
           AND who = ifnull(?3, who) AND action = ifnull(?4, action)
         ORDER BY place DESC LIMIT ?5",
    )?;
    // One more than asked for tells whether there is a next page.
    let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let action = query.action.map(Action::as_str);
    let values = params![query.after(), query.before()?, query.who, action, most];
    let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found = rows.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(place, _)| place.clone());
    let read = |(_, json): &(String, String)| from_json("an entry of the audit log", json.as_bytes());
    Ok(Page { items: found.iter().map(read).collect::<Result<_>>()?, next })
}
