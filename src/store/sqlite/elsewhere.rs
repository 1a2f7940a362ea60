//! Noticing what others write to the file.
//!
//! [`PRAGMA data_version`](https://www.sqlite.org/pragma.html#pragma_data_version) differs from what a connection saw
//! before once any other connection has committed. It is read from shared memory, so asking costs some microseconds
//! and keeps no writer waiting. What this process writes itself shows too; that is one look in vain.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::store::Result;

use super::schema;

/// How often to look: what another process accepts waits half of this on average, and an idle one is hardly busy.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A connection that only asks whether something was written.
pub(super) struct Elsewhere {
    path: PathBuf,
    seen: Arc<Mutex<Option<Seen>>>,
}

struct Seen {
    conn: Connection,
    version: i64,
}

impl Elsewhere {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: Arc::default() }
    }

    /// Ends when something was written since it ended last; the first time in any case.
    pub(super) async fn written(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let (path, seen) = (self.path.clone(), Arc::clone(&self.seen));
            let looked = tokio::task::spawn_blocking(move || {
                look(&path, &mut seen.lock().unwrap_or_else(PoisonError::into_inner))
            });
            // Whoever cannot look waits as if nothing had been written; the worker looks once a second anyway.
            if matches!(looked.await, Ok(Ok(true))) {
                return;
            }
        }
    }
}

fn look(path: &Path, seen: &mut Option<Seen>) -> Result<bool> {
    if let Some(seen) = seen {
        let before = std::mem::replace(&mut seen.version, version(&seen.conn)?);
        return Ok(seen.version != before);
    }
    let conn = schema::open_reader(path)?;
    let version = version(&conn)?;
    *seen = Some(Seen { conn, version });
    Ok(true)
}

fn version(conn: &Connection) -> Result<i64> {
    Ok(conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}
