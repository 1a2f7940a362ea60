//! The spool's file: SQLite as the embedded store uses it, one writer that groups commits.
//!
//! ```text
//!  table       what a row is                               written by
//!  deliveries  a delivery that waits, in order of `n`      push, keep_body; gone when drained
//!  hooks       a hook of the store, secrets sealed         put_hooks
//!  settings    a setting of the store, as it was chosen    put_setting
//!  probe       when it was last looked whether this writes  check
//! ```
//!
//! A delivery that the store refuses for good stays, with the reason in `refused`, and holds up nobody. The next
//! start tries it again: a newer version may have learned better.

use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::packed::Packed;
use crate::registration::Hook;
use crate::store::sqlite::rows::{from_json, to_json};
use crate::store::sqlite::schema;
use crate::store::sqlite::writer::Writer;
use crate::store::{EventId, Result, StoreError};
use crate::telemetry;

/// "CndS": another mark than the embedded store's, so that neither is taken for the other.
const MARK: i32 = 0x436e_6453;

/// Each brings a file from the version that is its index to the next. Never changed once released.
const MIGRATIONS: &[&str] = &["
CREATE TABLE deliveries (
    n          INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given out twice
    id         TEXT NOT NULL UNIQUE,
    occurrence TEXT,   -- of what is to be worked on
    refused    TEXT,   -- why the store will not have it
    head       TEXT NOT NULL,
    event      BLOB,
    raw        BLOB,
    body       BLOB    -- for the event log
) STRICT;
CREATE INDEX deliveries_of_change ON deliveries (occurrence) WHERE occurrence IS NOT NULL;
CREATE TABLE hooks (name TEXT PRIMARY KEY, hook TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE probe (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), looks INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
"];

/// What a row of the file costs beyond its bytes, and room for the hooks' own changes.
const RESERVE: u64 = 64 * 1024;

/// More than most deliveries take: where this does not fit, the spool is full.
const SMALL: usize = 4096;

/// The open file, and the lock that keeps others from it.
pub(super) struct SpoolFile {
    writer: Writer,
    folder: PathBuf,
    most: u64,
    level: Arc<Level>,
    /// Freed by the operating system, however the process ends.
    _lock: fs::File,
}

/// What is in it, for whoever looks from outside.
#[derive(Debug, Default)]
struct Level {
    waiting: AtomicU64,
    refused: AtomicU64,
    bytes: AtomicU64,
}

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
    pub(super) async fn open(folder: &Path, most: u64) -> Result<Self> {
        let lock = lock(folder)?;
        let writer = Writer::start(schema::open_file(&folder.join("spool.db"), MARK, MIGRATIONS)?)?;
        let level = Arc::<Level>::default();
        let file = Self { writer, folder: folder.to_owned(), most, level, _lock: lock };
        file.run(|conn, level| {
            conn.execute("UPDATE deliveries SET refused = NULL WHERE refused IS NOT NULL", [])?;
            let waiting: i64 = conn.query_row("SELECT count(*) FROM deliveries", [], |row| row.get(0))?;
            level.waiting.store(waiting.unsigned_abs(), Ordering::Release);
            level.bytes.store(used(conn)?, Ordering::Release);
            Ok(())
        })
        .await?;
        Ok(file)
    }

    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Level) -> Result<T> + Send + 'static,
    {
        let level = Arc::clone(&self.level);
        self.writer.run(move |conn| work(conn, &level)).await
    }

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

    /// A real write, with room for more: a full or read-only disk shows only then.
    pub(super) async fn check(&self) -> Result<()> {
        let most = self.most;
        self.run(move |conn, level| {
            conn.prepare_cached("UPDATE probe SET looks = looks + 1")?.execute([])?;
            level.room(conn, SMALL, most)
        })
        .await
    }

    pub(super) async fn hooks(&self) -> Result<Vec<Hook>> {
        self.run(|conn, _| {
            let mut statement = conn.prepare_cached("SELECT hook FROM hooks")?;
            let stored =
                statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            stored.iter().map(|json| from_json("a hook in the spool", json.as_bytes())).collect()
        })
        .await
    }

    /// Makes these the hooks of the copy. They are few and seldom change.
    pub(super) async fn put_hooks(&self, hooks: Vec<Hook>) -> Result<()> {
        self.run(move |conn, _| {
            conn.execute("DELETE FROM hooks", [])?;
            let mut insert = conn.prepare_cached("INSERT INTO hooks VALUES (?1, ?2)")?;
            for hook in hooks {
                insert.execute([hook.name(), to_json(&hook)?])?;
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn settings(&self) -> Result<Vec<(String, String)>> {
        self.run(|conn, _| {
            let mut statement = conn.prepare_cached("SELECT name, value FROM settings")?;
            let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(pairs.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    pub(super) async fn put_setting(&self, name: &str, value: &str) -> Result<()> {
        let pair = [name.to_owned(), value.to_owned()];
        self.run(move |conn, _| {
            conn.prepare_cached("INSERT OR IGNORE INTO settings VALUES (?1, ?2)")?.execute(pair)?;
            Ok(())
        })
        .await
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn waiting(&self) -> u64 {
        self.level.waiting.load(Ordering::Acquire)
    }

    pub(super) fn refused(&self) -> u64 {
        self.level.refused.load(Ordering::Acquire)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.level.bytes.load(Ordering::Acquire)
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }
}

impl Level {
    fn fewer(&self, gone: usize) {
        let less = |waiting: u64| Some(waiting.saturating_sub(gone as u64));
        // Never fails: it always says a number.
        let _ = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// Whether so many more bytes stay within `most`.
    fn room(&self, conn: &Connection, more: usize, most: u64) -> Result<()> {
        let used = used(conn)?;
        self.bytes.store(used, Ordering::Release);
        if used.saturating_add(more as u64).saturating_add(RESERVE) <= most {
            return Ok(());
        }
        let full = format!("the spool is full ({used} of {most} bytes, see CONDUIT_SPOOL_SIZE)");
        Err(StoreError::Unavailable(full))
    }
}

/// The bytes in use. A file never shrinks, so what was freed does not count.
fn used(conn: &Connection) -> Result<u64> {
    let sql = "SELECT (p.page_count - f.freelist_count) * s.page_size
               FROM pragma_page_count AS p, pragma_freelist_count AS f, pragma_page_size AS s";
    let bytes: i64 = conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(bytes.unsigned_abs())
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

/// Two processes would drain each other's deliveries and break their order.
fn lock(folder: &Path) -> Result<fs::File> {
    let path = folder.join("spool.lock");
    let trouble = |error| StoreError::Unavailable(format!("the spool in {}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(trouble)?;
    let file = fs::OpenOptions::new().create(true).append(true).open(&path).map_err(trouble)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Unfit(format!(
            "the spool in {} is in use by another process: give each `conduit serve` a folder of its own",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => Err(trouble(error)),
    }
}
