//! A database file that one process has to itself, to be copied from or to.
//!
//! It is opened with SQLite's exclusive lock, which nobody gets while another process has the file open, and which keeps
//! others out until it is closed: so nothing is at work on it meanwhile.

mod export;
mod import;

use std::path::Path;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::clock::Clock;
use crate::store::copy::{Copyable, Item, MARK, Reading, Standing};
use crate::store::{Result, StoreError};

use super::{schema, tidy, writer};

/// Finished events are old at no time while a store is put in order.
const KEEP_ALL: i64 = i64::MIN;

/// Whatever may hold a row; children first.
const TABLES: &[&str] = &[
    "router", "inbox", "tickets", "lanes", "jobs", "merges", "bodies", "events", "pauses", "audit", "tokens",
    "hooks",
];

/// A database file under an exclusive lock.
pub struct SqliteFile {
    writer: writer::Writer,
    clock: Clock,
}

impl SqliteFile {
    /// Opens the file at `path`, and makes it if it is missing. Fails while another process has it open.
    pub fn open(path: &Path, clock: Clock) -> Result<Self> {
        // Makes it, and brings it up to date; then it is closed again, because this one is not alone yet.
        drop(schema::open_writer(path)?);
        let conn = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        conn.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 67108864;",
        )
        .and_then(|()| conn.execute_batch("BEGIN EXCLUSIVE; COMMIT"))
        .map_err(|error| in_use(path, error))?;
        conn.set_prepared_statement_cache_capacity(96);
        Ok(Self { writer: writer::Writer::start(conn)?, clock })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }
}

fn in_use(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unfit(format!(
            "{} is in use: stop every `conduit serve` and `conduit worker` on it first",
            path.display()
        )),
        _ => error.into(),
    }
}

/// Refuses half a copy. See [`crate::store::copy`].
pub(super) fn refuse_half(conn: &Connection, path: &Path) -> Result<()> {
    if !is_marked(conn)? {
        return Ok(());
    }
    Err(StoreError::Unfit(format!(
        "{} is half a copy: `conduit store copy` into it was broken off. Run it again, or remove the file",
        path.display()
    )))
}

fn is_marked(conn: &Connection) -> Result<bool> {
    let mut mark = conn.prepare("SELECT EXISTS (SELECT 1 FROM settings WHERE name = ?1)")?;
    Ok(mark.query_row([MARK], |row| row.get(0))?)
}

#[async_trait]
impl Copyable for SqliteFile {
    /// Nobody else has the file open. Who held a lease may still have a request under way until it runs out.
    async fn at_work(&self) -> Result<Option<String>> {
        let now = self.now();
        let leased = self.writer.run(move |conn| {
            conn.prepare_cached("SELECT site || '/' || key FROM tickets WHERE lease_until > ?1 LIMIT 1")?
                .query_row([now], |row| row.get::<_, String>(0))
                .optional()
                .map_err(StoreError::from)
        });
        Ok(leased
            .await?
            .map(|ticket| format!("a worker that has not parted holds {ticket} until its lease is over")))
    }

    async fn put_in_order(&self) -> Result<()> {
        let now = self.now();
        while self.writer.run(move |conn| tidy::tidy(conn, now, KEEP_ALL)).await?.reaped > 0 {}
        Ok(())
    }

    async fn events(&self) -> Result<u64> {
        let count = |conn: &Connection| {
            let count = conn.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        };
        self.writer.run(count).await
    }

    fn read(&self) -> Box<dyn Reading + '_> {
        Box::new(export::Export::new(&self.writer))
    }

    async fn standing(&self) -> Result<Standing> {
        let standing = |conn: &Connection| {
            if is_marked(conn)? {
                return Ok(Standing::Half);
            }
            for table in TABLES.iter().chain(&["settings"]) {
                let used = format!("SELECT EXISTS (SELECT 1 FROM {table})");
                if conn.query_row(&used, [], |row| row.get(0))? {
                    return Ok(Standing::Whole);
                }
            }
            Ok(Standing::Empty)
        };
        self.writer.run(standing).await
    }

    async fn begin(&self) -> Result<()> {
        let begin = |conn: &Connection| {
            conn.execute("INSERT OR IGNORE INTO settings VALUES (?1, '')", [MARK])?;
            conn.execute("DELETE FROM settings WHERE name <> ?1", [MARK])?;
            for table in TABLES {
                conn.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        };
        self.writer.run(begin).await
    }

    async fn write(&self, items: Vec<Item>) -> Result<u64> {
        let now = self.now();
        self.writer.run(move |conn| import::write(conn, &items, now)).await
    }

    async fn end(&self) -> Result<()> {
        let unmark = |conn: &Connection| {
            conn.execute("DELETE FROM settings WHERE name = ?1", [MARK])?;
            Ok(())
        };
        self.writer.run(unmark).await
    }
}
