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
//! `deliveries` and `known` hold the statements on them.
//!
//! A delivery that the store refuses for good stays, with the reason in `refused`, and holds up nobody. The next
//! start tries it again: a newer version may have learned better.

use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use crate::store::sqlite::schema;
use crate::store::sqlite::writer::Writer;
use crate::store::{Result, StoreError};

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
    pub(super) most: u64,
    level: Arc<Level>,
    /// Freed by the operating system, however the process ends.
    _lock: fs::File,
}

/// What is in it, for whoever looks from outside.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) waiting: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) bytes: AtomicU64,
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

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Level) -> Result<T> + Send + 'static,
    {
        let level = Arc::clone(&self.level);
        self.writer.run(move |conn| work(conn, &level)).await
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
    pub(super) fn fewer(&self, gone: usize) {
        let less = |waiting: u64| Some(waiting.saturating_sub(gone as u64));
        // Never fails: it always says a number.
        let _ = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// Whether so many more bytes stay within `most`.
    pub(super) fn room(&self, conn: &Connection, more: usize, most: u64) -> Result<()> {
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
pub(super) fn used(conn: &Connection) -> Result<u64> {
    let sql = "SELECT (p.page_count - f.freelist_count) * s.page_size
               FROM pragma_page_count AS p, pragma_freelist_count AS f, pragma_page_size AS s";
    let bytes: i64 = conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(bytes.unsigned_abs())
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
