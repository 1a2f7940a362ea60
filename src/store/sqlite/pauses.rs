//! Sites that stand still, and the orders to stop and go on.

use std::time::Duration;

use rusqlite::{Connection, Row, params};

use crate::store::{Pause, PauseKind, PausedSite, Result, StoreError};

use super::millis;
use super::rows::time;

/// Of two of one kind the first reason stays, and the later end counts.
pub(super) fn pause(conn: &Connection, site: &str, pause: &Pause, now: i64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO pauses (site, kind, why, since, until) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
    )?
    .execute(params![
        site,
        pause.kind.as_str(),
        pause.why,
        now,
        pause.rest.map(|rest| now + millis(rest))
    ])?;
    Ok(())
}

pub(super) fn resume(conn: &Connection, site: &str, kind: Option<PauseKind>) -> Result<bool> {
    let ended = conn
        .prepare_cached("DELETE FROM pauses WHERE site = ?1 AND kind = ifnull(?2, kind)")?
        .execute(params![site, kind.map(PauseKind::as_str)])?;
    Ok(ended > 0)
}

/// One statement, so that of many who ask one gets it.
pub(super) fn take_probe(
    conn: &Connection,
    site: &str,
    kind: PauseKind,
    rest: Duration,
    now: i64,
) -> Result<bool> {
    let taken = conn
        .prepare_cached(
            "UPDATE pauses SET until = ?4, probes = probes + 1 WHERE site = ?1 AND kind = ?2 AND until <= ?3",
        )?
        .execute(params![site, kind.as_str(), now, now + millis(rest)])?;
    Ok(taken == 1)
}

pub(super) fn paused(conn: &Connection) -> Result<Vec<PausedSite>> {
    let mut statement =
        conn.prepare_cached("SELECT site, kind, why, since, until, probes FROM pauses ORDER BY site, kind")?;
    let rows = statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.into_iter().collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<PausedSite>> {
    let (site, kind) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
    let kind = match kind.parse() {
        Ok(kind) => kind,
        Err(why) => return Ok(Err(StoreError::Damaged { what: format!("a pause of site {site}"), why })),
    };
    let until = row.get::<_, Option<i64>>(4)?.map(time);
    let (why, since, probes) = (row.get(2)?, time(row.get(3)?), row.get(5)?);
    Ok(Ok(PausedSite { site, kind, why, since, until, probes }))
}
