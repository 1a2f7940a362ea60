//! What is SQLite's own: the file, the disk, the writer. The promises of every store are told in
//! `tests/it/store/`.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::clock::Clock;
use crate::store::{ClaimRequest, Result, Store, StoreError};

use super::{SqliteStore, readers, schema, writer};

const LEASE: Duration = Duration::from_secs(30);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(path: &Path) -> Result<SqliteStore> {
    SqliteStore::open(path, Clock::system())
}

fn unavailable<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("{other:?} is not Unavailable"),
    }
}

fn unfit(result: Result<SqliteStore>) -> String {
    match result {
        Err(StoreError::Unfit(why)) => why,
        Err(other) => panic!("{other:?} is not Unfit"),
        Ok(_) => panic!("it was opened"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone_and_says_so_when_it_is_not() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("not/yet/there/conduit.db");
    let store = open(&path).unwrap();
    store.check().await.unwrap();
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let mode = file.as_ref().unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
    assert!(store.warnings().await.unwrap().is_empty());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = store.warnings().await.unwrap();
    assert!(warnings[0].contains("chmod 600"), "{warnings:?}");
}

#[test]
fn a_file_of_a_newer_version_or_of_another_program_is_left_alone() {
    let folder = folder();
    let newer = folder.path().join("newer.db");
    drop(open(&newer).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let why = unfit(open(&newer));
    assert!(why.contains("newer Conduit") && why.contains("schema 99"), "{why}");

    let strange = folder.path().join("strange.db");
    Connection::open(&strange).unwrap().execute_batch("CREATE TABLE wine (year)").unwrap();
    assert!(unfit(open(&strange)).contains("another program"));
    let mode: String =
        Connection::open(&strange).unwrap().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "not even its journal was changed");

    std::fs::write(folder.path().join("text.db"), "not a database at all, but long enough".repeat(99))
        .unwrap();
    assert!(matches!(open(&folder.path().join("text.db")), Err(StoreError::Damaged { .. })));
    unavailable(open(&folder.path().join("text.db/conduit.db")).map(drop));
}

#[tokio::test]
async fn a_full_disk_is_told_loses_nothing_and_is_over_when_there_is_room() {
    let folder = folder();
    let store = open(&folder.path().join("conduit.db")).unwrap();
    let pages = |count: i64| {
        store
            .writer
            .run(move |conn| Ok(conn.query_row(&format!("PRAGMA max_page_count = {count}"), [], |_| Ok(()))?))
    };
    // SQLite raises a limit below the file's size to that size: no page more from now on.
    pages(1).await.unwrap();
    let mut taken = Vec::new();
    let why = loop {
        let value = taken.len().to_string().repeat(500);
        match store.setting_once(&taken.len().to_string(), &value).await {
            Ok(_) => taken.push(value),
            full => break unavailable(full),
        }
        assert!(taken.len() < 10_000, "the limit is not in force");
    };
    assert!(why.contains("the disk is full"), "{why}");
    unavailable(store.setting_once("more", &"x".repeat(9000)).await);
    store.check().await.unwrap();

    pages(1_000_000).await.unwrap();
    assert_eq!(store.setting_once("more", "y").await.unwrap(), "y", "nothing of it was kept");
    for (name, value) in taken.iter().enumerate() {
        assert_eq!(&store.setting_once(&name.to_string(), "another").await.unwrap(), value);
    }
}

#[tokio::test]
async fn a_file_that_another_process_has_locked_is_told_and_waited_for() {
    let folder = folder();
    let path = folder.path().join("conduit.db");
    let conn = schema::open_writer(&path).unwrap();
    conn.busy_timeout(Duration::ZERO).unwrap();
    let writer = writer::Writer::start(conn).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let why = unavailable(writer.run(|conn| super::config::setting_once(conn, "a", "b")).await);
    assert!(why.contains("another process"), "{why}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(writer.run(|conn| super::config::setting_once(conn, "a", "c")).await.unwrap(), "c");
}

#[tokio::test]
async fn looking_for_work_where_there_is_none_writes_nothing() {
    let folder = folder();
    let path = folder.path().join("conduit.db");
    let store = open(&path).unwrap();
    store.check().await.unwrap();
    let log = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let before = log();
    let request = ClaimRequest { worker: "idle".into(), lease: LEASE, most: 16, skip_sites: Vec::new() };
    for _ in 0..10 {
        assert!(store.inbox("idle", 10).await.unwrap().is_empty());
        assert!(store.claim(&request).await.unwrap().is_empty());
        store.tidy(LEASE).await.unwrap();
    }
    assert_eq!(log(), before);
    store.check().await.unwrap();
    assert!(log() > before, "a write is noticed");
}

#[tokio::test]
async fn a_request_that_fails_takes_back_its_own_changes_alone() {
    let folder = folder();
    let path = folder.path().join("conduit.db");
    let writer = writer::Writer::start(schema::open_writer(&path).unwrap()).unwrap();
    // Sent together, so that they share a commit.
    let answers = join_all((0..200).map(|number: u32| {
        writer.run(move |conn| {
            super::config::setting_once(conn, &number.to_string(), "here")?;
            if number.is_multiple_of(3) { Err(StoreError::Unfit("on purpose".into())) } else { Ok(number) }
        })
    }))
    .await;
    let readers = readers::Readers::new(&path);
    for (number, answer) in answers.into_iter().enumerate() {
        let kept = readers.ask(move |conn| {
            let sql = "SELECT EXISTS (SELECT 1 FROM settings WHERE name = ?1)";
            Ok(conn.query_row(sql, [number.to_string()], |row| row.get::<_, bool>(0))?)
        });
        assert_eq!(kept.await.unwrap(), answer.is_ok(), "{number}");
    }
}

#[tokio::test]
async fn a_job_that_a_newer_version_left_does_not_hold_up_the_others() {
    let folder = folder();
    let store = open(&folder.path().join("conduit.db")).unwrap();
    store
        .writer
        .run(|conn| {
            Ok(conn.execute_batch(
                "INSERT INTO events (n, id, provider, delivery_id, repo, kind, received, received_at, generation,
                                     state, outcome, reason)
                 VALUES (1, 'aaaaaaaaaaaaaaaaaaaaaaaaaa', 'github', 'd-1', '', 'push', '{}', 0, 1,
                         'working', 'waiting', 'queued');
                 INSERT INTO jobs (n, event, key, generation, position, site, project, found_in, received_at,
                                   queued_at, progress, trace, outcome, reason)
                 VALUES (1, 1, 'SHOP-1', 1, 1, 'jira', 'SHOP', '[]', 0, 0, '{}', CAST('{}' AS BLOB), 'waiting', 'queued'),
                        (2, 1, 'SHOP-2', 1, 2, 'jira', 'SHOP', '[]', 0, 0, NULL, NULL, 'waiting', 'queued');
                 INSERT INTO tickets (site, key, project, head, run_at) SELECT site, key, project, n, 0 FROM jobs;
                 INSERT INTO lanes (site, project) VALUES ('jira', 'SHOP');",
            )?)
        })
        .await
        .unwrap();
    let request = ClaimRequest { worker: "old".into(), lease: LEASE, most: 9, skip_sites: Vec::new() };
    let claims = store.claim(&request).await.unwrap();
    assert_eq!(
        claims.iter().map(|claim| claim.lease.job.key.as_str()).collect::<Vec<_>>(),
        ["SHOP-1", "SHOP-2"]
    );
    let why = claims[0].event.as_ref().unwrap_err().to_string();
    assert!(why.contains("a trace"), "{why}");
}

#[test]
fn what_cannot_be_read_is_damage_and_not_a_panic() {
    assert!(matches!(super::rows::read_trace(b"{\"key\":"), Err(StoreError::Damaged { .. })));
    assert!(super::rows::read_event(Some(&[0x28, 0xb5, 0x2f, 0xfd, 1])).is_err());
    assert!(super::rows::read_event(None).is_err());
}
