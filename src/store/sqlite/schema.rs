//! The tables, and how a database file is opened.
//!
//! ```text
//!  table      what a row is                      written by
//!  settings   a value chosen once                setting_once, replace_setting
//!  hooks      a registered hook, as JSON         add_hook, save_hook, remove_hook
//!  tokens     a token, as JSON                   save_token, revoke_tokens
//!  counters   `fence`: the last fence given out  claim, inbox;   `checked`: check
//!  events     a delivery; its id is the dedupe   ingest; its state and verdict by whatever changes its tickets
//!  merges     a commit that a pull request became ingest; gone with its event
//!  bodies     a raw body, zstd                   save_body; ingest when it could not be normalised
//!  inbox      a run of an event to be fanned out ingest, replay; taken off by route
//!  router     who may fan out (at most one row)  inbox
//!  jobs       a ticket of an event, newest run   route; then claim's lease holder; gone with its event
//!  tickets    a ticket with unfinished jobs      route, claim, finish, retry, hand_back, tidy
//!  lanes      a project of a site, last served   route, claim
//!  pauses     why a site stands still            pause, resume, take_probe
//!  audit      who did what, see `store::audit`   record_audit
//! ```
//!
//! A ticket is *leased* while `lease_until` is set, else *delayed* until `run_at`, else *ready*; so it is in
//! exactly one of the three by construction, and nothing has to be promoted when a delay is over. `head` is
//! the first unfinished job of its queue; jobs queue in the order of `n`.
//!
//! Times are milliseconds since 1970, by the store's clock. `events.event` and `jobs.trace` are JSON,
//! compressed when large.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::store::{Result, StoreError};

/// "Cond": marks a file as ours, so that nobody else's database is written to.
const APPLICATION_ID: i32 = 0x436f_6e64;

/// How long a write waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Each brings a file from the version that is its index to the next. Never changed once released.
const MIGRATIONS: &[&str] = &[FIRST, MERGES, OUTCOMES_OF_REPO, PAUSES, AUDIT];

const FIRST: &str = "
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE hooks (
    provider TEXT NOT NULL,
    repo_id  TEXT NOT NULL,
    revision INTEGER NOT NULL,
    hook     TEXT NOT NULL,
    PRIMARY KEY (provider, repo_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (hash TEXT PRIMARY KEY, token TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('fence', 0), ('checked', 0);

CREATE TABLE events (
    n            INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    provider     TEXT NOT NULL,
    delivery_id  TEXT NOT NULL,
    occurrence   TEXT,             -- only on the event that stands for the change
    repo         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    projects     TEXT,             -- JSON; NULL: all
    received     TEXT NOT NULL,    -- JSON
    received_at  INTEGER NOT NULL,
    event        BLOB,             -- NULL: could not be normalised, see bodies
    generation   INTEGER NOT NULL,
    state        TEXT NOT NULL,    -- waiting, working, finished
    finished_at  INTEGER,
    outcome      TEXT NOT NULL,    -- with reason: the gravest of its tickets', or its own
    reason       TEXT NOT NULL,
    own          TEXT,             -- its own verdict, JSON, when it has no tickets
    detail       TEXT,
    duplicate_of TEXT,
    ignored      TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE UNIQUE INDEX events_of_change ON events (occurrence) WHERE occurrence IS NOT NULL;
CREATE INDEX events_by_time ON events (received_at);
CREATE INDEX events_by_repo ON events (repo, received_at);
CREATE INDEX events_by_outcome ON events (outcome, received_at);
CREATE INDEX events_finished ON events (finished_at) WHERE state = 'finished';
CREATE INDEX events_unfinished ON events (received_at) WHERE state <> 'finished';

CREATE TABLE bodies (
    event INTEGER PRIMARY KEY REFERENCES events ON DELETE CASCADE,
    body  BLOB NOT NULL
) STRICT;

CREATE TABLE inbox (
    n          INTEGER PRIMARY KEY,
    event      INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    tickets    TEXT NOT NULL,      -- JSON; []: all that the event names
    replayed   INTEGER NOT NULL,
    UNIQUE (event, generation)
) STRICT;

CREATE TABLE router (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    worker TEXT NOT NULL,
    fence  INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
    n           INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
    key         TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    position    INTEGER NOT NULL,  -- among the event's tickets
    site        TEXT NOT NULL,     -- '': settled without asking anybody
    project     TEXT NOT NULL,
    found_in    TEXT NOT NULL,     -- JSON
    received_at INTEGER NOT NULL,  -- the event's
    queued_at   INTEGER NOT NULL,
    progress    TEXT,              -- the worker's notes, JSON
    trace       BLOB,              -- NULL: nobody has worked on it
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    finished_at INTEGER,
    UNIQUE (event, key)
) STRICT;
CREATE INDEX jobs_of_ticket ON jobs (key, received_at, event);
CREATE INDEX jobs_in_line ON jobs (site, key) WHERE finished_at IS NULL;
CREATE INDEX jobs_dead ON jobs (outcome) WHERE outcome = 'dead';

CREATE TABLE tickets (
    site        TEXT NOT NULL,
    key         TEXT NOT NULL,
    project     TEXT NOT NULL,
    head        INTEGER NOT NULL,  -- jobs.n
    run_at      INTEGER NOT NULL,  -- 0: before all others
    worker      TEXT,
    fence       INTEGER,
    lease_until INTEGER,
    PRIMARY KEY (site, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_in_lane ON tickets (site, project, run_at, head) WHERE lease_until IS NULL;
CREATE INDEX tickets_due ON tickets (run_at) WHERE lease_until IS NULL;
CREATE INDEX tickets_leased ON tickets (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE lanes (
    site    TEXT NOT NULL,
    project TEXT NOT NULL,
    served  INTEGER NOT NULL DEFAULT 0,  -- the fence of its last claim
    PRIMARY KEY (site, project)
) STRICT, WITHOUT ROWID;

CREATE TABLE paused (site TEXT PRIMARY KEY, why TEXT NOT NULL, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

const MERGES: &str = "
CREATE TABLE merges (
    name  TEXT NOT NULL,            -- provider, repository's id, commit
    event INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
    PRIMARY KEY (name, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX merges_of_event ON merges (event);
";

/// What failed in one repository of many: neither index alone would leave few enough.
const OUTCOMES_OF_REPO: &str = "
CREATE INDEX events_by_repo_and_outcome ON events (repo, outcome, received_at);
";

/// Pauses have kinds, and a ticket counts how often in a row its lease ran out.
const PAUSES: &str = "
CREATE TABLE pauses (
    site   TEXT NOT NULL,
    kind   TEXT NOT NULL,              -- operator, credentials, down, quota
    why    TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER,                    -- when the site is asked whether it is over; NULL: by hand alone
    probes INTEGER NOT NULL DEFAULT 0, -- how often it was asked
    PRIMARY KEY (site, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO pauses (site, kind, why, since, until)
    SELECT site, 'operator', why, since, NULL FROM paused WHERE why NOT LIKE 'credentials: %'
    UNION ALL
    SELECT site, 'credentials', substr(why, 14), since, 0 FROM paused WHERE why LIKE 'credentials: %';
DROP TABLE paused;
ALTER TABLE tickets ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
";

const AUDIT: &str = "
CREATE TABLE audit (
    place  TEXT PRIMARY KEY,           -- in the order of time
    who    TEXT NOT NULL,
    action TEXT NOT NULL,
    entry  TEXT NOT NULL               -- JSON
) STRICT, WITHOUT ROWID;
";

/// Opens the store's file for writing.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    open_file(path, APPLICATION_ID, MIGRATIONS)
}

/// Opens a file for writing, makes it and its folder if they are missing, and brings it up to date. `mark`
/// says whose file it is.
pub(in crate::store) fn open_file(path: &Path, mark: i32, migrations: &[&str]) -> Result<Connection> {
    create_private(path)
        .map_err(|error| StoreError::Unavailable(format!("cannot make {}: {error}", path.display())))?;
    let mut conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    // Before anything is changed, so that somebody else's file stays as it is.
    refuse_strangers(&conn, path, mark, migrations.len())?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Unfit(format!(
            "{} is on a file system that cannot carry a write-ahead log (a network share?): put it on a local disk",
            path.display()
        )));
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;",
    )?;
    conn.set_prepared_statement_cache_capacity(96);
    migrate(&mut conn, mark, migrations)?;
    Ok(conn)
}

/// Opens the file, which [`open_writer`] has seen to, for reading beside the writer.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    Ok(conn)
}

/// Makes the file readable by its owner alone: it holds sealed secrets and other people's payloads. What
/// SQLite puts beside it gets the same mode.
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn refuse_strangers(conn: &Connection, path: &Path, mark: i32, known: usize) -> Result<()> {
    let marked: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && marked != mark {
        return Err(StoreError::Unfit(format!("{} is the database of another program", path.display())));
    }
    let found = version(conn)?;
    if found > known {
        return Err(StoreError::Unfit(format!(
            "{} was written by a newer Conduit (schema {found}; this one knows up to {known}): \
             start that version, or use another file",
            path.display()
        )));
    }
    Ok(())
}

fn migrate(conn: &mut Connection, mark: i32, migrations: &[&str]) -> Result<()> {
    // Two processes may start at once: the second waits here and then finds nothing left to do.
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (index, sql) in migrations.iter().enumerate().skip(version(&tx)?) {
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
    }
    tx.pragma_update(None, "application_id", mark)?;
    Ok(tx.commit()?)
}

fn version(conn: &Connection) -> Result<usize> {
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or_default())
}

/// A sentence when other users may read the file.
pub(super) fn open_to_others(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).ok()?.permissions()) & 0o777;
        (mode & 0o077 != 0).then(|| {
            format!("other users of this machine may open {0} (mode {mode:o}): chmod 600 {0}", path.display())
        })
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_from_before_pauses_had_kinds_keeps_its_pauses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conduit.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(FIRST).unwrap();
        old.execute_batch(MERGES).unwrap();
        old.execute_batch(
            "INSERT INTO paused VALUES ('a', 'paused by ada', 7), ('b', 'credentials: no such token', 8)",
        )
        .unwrap();
        old.pragma_update(None, "user_version", 2).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        drop(old);

        let conn = open_writer(&path).unwrap();
        let mut statement = conn.prepare("SELECT site, kind, why, since, until FROM pauses").unwrap();
        let rows = statement.query_map([], |row| {
            let (site, kind, why): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((format!("{site} {kind}: {why}"), row.get::<_, i64>(3)?, row.get::<_, Option<i64>>(4)?))
        });
        let pauses: Vec<_> = rows.unwrap().map(std::result::Result::unwrap).collect();
        let expected = [("a operator: paused by ada", 7, None), ("b credentials: no such token", 8, Some(0))];
        assert_eq!(pauses, expected.map(|(text, since, until)| (text.to_owned(), since, until)));
    }
}
