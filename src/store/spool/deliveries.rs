//! The deliveries in the spool's file: put in at the end, read from the front, removed once the store has them.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::file::{SpoolFile, used};
use super::packed::Packed;
use crate::store::{EventId, Result, StoreError};
use crate::telemetry;

/// What a push found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Duplicate {
    /// The same delivery is in the spool.
    pub(super) known: bool,
    /// Another delivery in the spool reports the same change.
    pub(super) stands: bool,
}

/// A delivery to be drained.
pub(super) struct Spooled {
    pub(super) n: i64,
    pub(super) packed: Packed,
    pub(super) has_body: bool,
}

impl SpoolFile {
    /// Adds a delivery at the end, unless it is there.
    pub(super) async fn push(&self, new: Packed) -> Result<Duplicate> {
        let most = self.most;
        self.run(move |conn, level| {
            let known =
                exists(conn, "SELECT EXISTS (SELECT 1 FROM deliveries WHERE id = ?1)", new.id.as_str())?;
            if known {
                return Ok(Duplicate { known, stands: false });
            }
            let same = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE occurrence = ?1)";
            let stands = new.occurrence.as_ref().map(|change| exists(conn, same, change)).transpose()?;
            level.room(conn, new.size(), most)?;
            conn.prepare_cached(
                "INSERT INTO deliveries (id, occurrence, head, event, raw) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![new.id.as_str(), new.occurrence, new.head, new.event, new.raw])?;
            level.waiting.fetch_add(1, Ordering::AcqRel);
            Ok(Duplicate { known, stands: stands.unwrap_or_default() })
        })
        .await
    }

    /// Keeps the body of a delivery, while the spool is not half full: events come first. `false` when the
    /// delivery is not here.
    pub(super) async fn keep_body(&self, id: &EventId, compressed: &[u8]) -> Result<bool> {
        let (id, body, half) = (id.clone(), compressed.to_vec(), self.most / 2);
        self.run(move |conn, level| {
            let here = exists(conn, "SELECT EXISTS (SELECT 1 FROM deliveries WHERE id = ?1)", id.as_str())?;
            if here && level.room(conn, body.len(), half).is_err() {
                telemetry::body_dropped();
            } else if here {
                conn.prepare_cached("UPDATE deliveries SET body = ?2 WHERE id = ?1 AND body IS NULL")?
                    .execute(params![id.as_str(), body])?;
            }
            Ok(here)
        })
        .await
    }

    /// The first deliveries that wait: at least one if there is any, and no more than `most`, or `bytes`.
    pub(super) async fn first(&self, most: usize, bytes: usize) -> Result<Vec<Spooled>> {
        self.run(move |conn, _| {
            let mut statement = conn.prepare_cached(
                "SELECT n, id, occurrence, head, event, raw, body IS NOT NULL FROM deliveries
                 WHERE refused IS NULL ORDER BY n LIMIT ?1",
            )?;
            let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
            let (mut batch, mut taken) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let next = spooled(row)?;
                taken += next.packed.size();
                batch.push(next);
                if taken >= bytes {
                    break;
                }
            }
            Ok(batch)
        })
        .await
    }

    pub(super) async fn body(&self, n: i64) -> Result<Option<Vec<u8>>> {
        self.run(move |conn, _| {
            let mut statement = conn.prepare_cached("SELECT body FROM deliveries WHERE n = ?1")?;
            Ok(statement.query_row([n], |row| row.get(0)).optional()?.flatten())
        })
        .await
    }

    /// Whether nothing waits. Sees every push that began before.
    pub(super) async fn is_empty(&self) -> Result<bool> {
        self.run(|conn, level| {
            let some = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE refused IS NULL)";
            let empty = !conn.prepare_cached(some)?.query_row([], |row| row.get::<_, bool>(0))?;
            if empty {
                // A push whose commit failed was counted, and is not there.
                level.waiting.store(0, Ordering::Release);
            }
            Ok(empty)
        })
        .await
    }

    /// Removes what was drained, in one commit. One whose body came in meanwhile stays, and is drained again.
    pub(super) async fn remove(&self, drained: Vec<(i64, bool)>) -> Result<()> {
        self.run(move |conn, level| {
            let mut removal =
                conn.prepare_cached("DELETE FROM deliveries WHERE n = ?1 AND (body IS NOT NULL) = ?2")?;
            for (n, has_body) in drained {
                level.fewer(removal.execute(params![n, has_body])?);
            }
            level.bytes.store(used(conn)?, Ordering::Release);
            Ok(())
        })
        .await
    }

    /// Sets a delivery aside.
    pub(super) async fn refuse(&self, n: i64, why: String) -> Result<()> {
        self.run(move |conn, level| {
            level.fewer(conn.execute("UPDATE deliveries SET refused = ?2 WHERE n = ?1", params![n, why])?);
            level.refused.fetch_add(1, Ordering::AcqRel);
            Ok(())
        })
        .await
    }
}

fn exists(conn: &Connection, sql: &str, value: &str) -> Result<bool> {
    Ok(conn.prepare_cached(sql)?.query_row([value], |row| row.get(0))?)
}

fn spooled(row: &Row<'_>) -> Result<Spooled> {
    let id: String = row.get(1)?;
    let id = EventId::parse(&id).ok_or_else(|| StoreError::Damaged {
        what: "a spooled delivery".into(),
        why: format!("id `{id}`"),
    })?;
    let packed =
        Packed { id, occurrence: row.get(2)?, head: row.get(3)?, event: row.get(4)?, raw: row.get(5)? };
    Ok(Spooled { n: row.get(0)?, packed, has_body: row.get(6)? })
}
