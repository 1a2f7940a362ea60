//! A copy of the database file that can be kept.
//!
//! [`VACUUM INTO`](https://www.sqlite.org/lang_vacuum.html#vacuuminto) writes one state of the database, what stands in the
//! write-ahead log included, and keeps no writer waiting.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::Connection;

use crate::store::{Result, StoreError};

use super::schema;

/// Writes a backup of the file at `from`, which may be in use, to `to`, which must not exist. Answers its size.
///
/// It gets its name only when it is whole and on disk.
pub fn back_up(from: &Path, to: &Path) -> Result<u64> {
    if to.exists() {
        return Err(StoreError::Unfit(format!("{} exists already; name another file", to.display())));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let failed = |error: io::Error| {
        StoreError::Unavailable(format!("the backup {} cannot be written: {error}", part.display()))
    };
    // Left behind by one that was broken off.
    let _ = fs::remove_file(part);
    schema::create_private(part).map_err(failed)?;
    let name = part.to_str().ok_or_else(|| failed(io::Error::other("its name is not UTF-8")))?;
    schema::open_reader(from)?.execute("VACUUM INTO ?1", [name])?;
    look_over(part)?;
    let file = fs::File::open(part).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(part, to).map_err(failed)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(file.metadata().map_err(failed)?.len())
}

fn look_over(part: &Path) -> Result<()> {
    let backup: Connection = schema::open_reader(part)?;
    let found: String = backup.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged { what: "the backup".to_owned(), why: found })
}
