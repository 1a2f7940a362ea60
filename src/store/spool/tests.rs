//! The spool's file by itself. Its stories with a store that comes and goes are in `tests/it/store/spool.rs`.

use std::path::Path;

use jiff::Timestamp;

use super::file::SpoolFile;
use super::packed::Packed;
use super::*;
use crate::event::{Event, SCHEMA, Sender, Subject};
use crate::store::Content;
use crate::trace::{Reason, Received};

const MOST: u64 = 1 << 20;

fn event(delivery_id: &str) -> NewEvent {
    NewEvent {
        id: EventId::new("github/shop", "7", delivery_id),
        provider: "github".into(),
        delivery_id: delivery_id.into(),
        occurrence: None,
        repo: "acme/shop".into(),
        kind: "push".into(),
        projects: Some(vec!["SHOP".into()]),
        content: Content::Event(Box::new(Event {
            schema: SCHEMA,
            provider: "github".into(),
            kind: "push".into(),
            triggers: Vec::new(),
            repo: None,
            sender: Sender::default(),
            occurred_at: None,
            change: None,
            subject: Subject::Nothing,
        })),
        received: Received {
            at: Timestamp::UNIX_EPOCH,
            hook: "github/shop".into(),
            bytes: 24_600,
            ms: 2,
            verified_by: "HMAC-SHA256".into(),
            secret_version: 3,
        },
        verdict: None,
        detail: None,
    }
}

async fn push(file: &SpoolFile, event: &NewEvent) -> Result<bool> {
    let found = file.push(Packed::new(event)?).await?;
    Ok(found.known || found.stands)
}

async fn waiting(file: &SpoolFile) -> Vec<NewEvent> {
    let batch = file.first(1000, usize::MAX).await.unwrap();
    batch.into_iter().map(|next| next.packed.unpack().unwrap()).collect()
}

#[tokio::test]
async fn deliveries_come_back_as_they_were_and_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    let odd = NewEvent {
        content: Content::Raw(b"{\"odd\":1}".to_vec()),
        verdict: Some(Reason::NotNormalisable.into()),
        detail: Some("it has no number".into()),
        projects: None,
        ..event("d-2")
    };
    let all = [event("d-1"), odd, event("d-3")];
    for event in &all {
        assert!(!push(&file, event).await.unwrap());
    }
    assert!(push(&file, &all[0]).await.unwrap(), "a redelivery");
    drop(file);

    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    assert_eq!((waiting(&file).await.as_slice(), file.waiting()), (&all[..], 3));
}

#[tokio::test]
async fn the_same_change_by_another_hook_is_kept_and_called_a_duplicate() {
    let folder = tempfile::tempdir().unwrap();
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    let change = |id| NewEvent { occurrence: Some("github/7/merged/118".into()), ..event(id) };
    let stale = NewEvent { verdict: Some(Reason::Stale.into()), ..change("d-0") };
    assert!(!push(&file, &stale).await.unwrap());
    assert!(!push(&file, &change("d-1")).await.unwrap(), "what is finished at the door stands for nothing");
    assert!(push(&file, &change("d-2")).await.unwrap());
    assert_eq!(waiting(&file).await.len(), 3, "the store records each of them");
}

#[tokio::test]
async fn a_full_spool_says_so_keeps_what_it_has_and_takes_more_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    let large = |n: u32| NewEvent { detail: Some("x".repeat(3_000)), ..event(&format!("d-{n}")) };
    let mut taken = 0;
    let full = loop {
        match push(&file, &large(taken)).await {
            Ok(_) => taken += 1,
            Err(full) => break full.to_string(),
        }
        assert!(taken < 1000, "it is not bounded");
    };
    assert!(full.contains("the spool is full") && full.contains("CONDUIT_SPOOL_SIZE"), "{full}");
    assert!(file.check().await.is_err(), "it is not ready for more");
    assert_eq!(waiting(&file).await.len(), taken as usize);
    assert!(file.bytes() <= MOST);

    let all = file.first(1000, usize::MAX).await.unwrap();
    assert!(file.first(1000, 8_000).await.unwrap().len() < 5, "what is read at a time is bounded too");
    file.remove(all.iter().map(|next| (next.n, next.has_body)).collect()).await.unwrap();
    assert!(file.is_empty().await.unwrap());
    file.check().await.unwrap();
    assert!(!push(&file, &large(0)).await.unwrap());
}

#[tokio::test]
async fn a_body_is_kept_beside_its_event_while_the_spool_is_not_half_full() {
    let folder = tempfile::tempdir().unwrap();
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    let event = event("d-1");
    assert!(!file.keep_body(&event.id, b"body").await.unwrap(), "its event is not here");
    push(&file, &event).await.unwrap();
    let before = file.first(1, 1).await.unwrap();
    assert!(file.keep_body(&event.id, &vec![7; 600_000]).await.unwrap());
    assert_eq!(file.body(before[0].n).await.unwrap(), None, "more than half");
    assert!(file.keep_body(&event.id, b"body").await.unwrap());
    assert_eq!(file.body(before[0].n).await.unwrap().unwrap(), b"body");

    file.remove(vec![(before[0].n, before[0].has_body)]).await.unwrap();
    assert_eq!(waiting(&file).await.len(), 1, "a body that came after the event was read is not lost");
}

#[tokio::test]
async fn what_was_refused_for_good_holds_up_nobody_and_is_tried_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    for id in ["d-1", "d-2"] {
        push(&file, &event(id)).await.unwrap();
    }
    let first = file.first(1, 1).await.unwrap().remove(0);
    file.refuse(first.n, "the record is damaged".into()).await.unwrap();
    assert_eq!(waiting(&file).await[0].delivery_id, "d-2");
    assert_eq!((file.waiting(), file.refused()), (1, 1));
    drop(file);
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    assert_eq!(waiting(&file).await[0].delivery_id, "d-1");
}

#[tokio::test]
async fn one_process_at_a_time_and_no_other_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    let refused = |folder: &Path| {
        let folder = folder.to_owned();
        async move { SpoolFile::open(&folder, MOST).await.err().map(|error| error.to_string()).unwrap() }
    };
    assert!(refused(folder.path()).await.contains("in use by another process"));
    drop(file);
    drop(SpoolFile::open(folder.path(), MOST).await.unwrap());

    let other = tempfile::tempdir().unwrap();
    let store = crate::store::sqlite::SqliteStore::open(
        &other.path().join("spool.db"),
        crate::clock::Clock::system(),
    );
    drop(store.unwrap());
    assert!(refused(other.path()).await.contains("another program"), "an embedded store is no spool");
}

/// What a power cut leaves: the files as they are at that moment, and nothing of the process.
#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_at_that_moment() {
    let (folder, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = SpoolFile::open(folder.path(), MOST).await.unwrap();
    push(&file, &event("d-1")).await.unwrap();
    for name in ["spool.db", "spool.db-wal"] {
        std::fs::copy(folder.path().join(name), after.path().join(name)).unwrap();
    }
    let found = SpoolFile::open(after.path(), MOST).await.unwrap();
    assert_eq!(waiting(&found).await, [event("d-1")]);
}
