//! The audit log: who did what.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{Action, AuditEntry, AuditQuery, Store, StoreError};

fn entry(who: &str, action: Action, target: &str, clock: &Clock) -> AuditEntry {
    clock.advance(Duration::from_millis(1));
    AuditEntry {
        at: clock.now(),
        who: who.into(),
        action,
        target: target.into(),
        from: Some("192.0.2.7".into()),
        refused: false,
    }
}

async fn all(store: &Arc<dyn Store>, query: AuditQuery) -> Vec<AuditEntry> {
    let page = store.audit(&AuditQuery { limit: 100, ..query }).await.unwrap();
    assert_eq!(page.next, None);
    page.items
}

pub(crate) async fn the_audit_log_is_read_from_its_newest_entry_and_filtered(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    assert!(all(store, AuditQuery::default()).await.is_empty());
    let first = entry("ada", Action::Registered, "github/shop", clock);
    let second = AuditEntry { refused: true, from: None, ..entry("vera", Action::Paused, "/a path", clock) };
    let third = entry("ada", Action::Paused, "atlassian", clock);
    for entry in [&first, &second, &third] {
        store.record_audit(entry).await.unwrap();
    }
    store.record_audit(&third).await.unwrap();
    let newest_first = [third.clone(), second.clone(), first.clone()];
    assert_eq!(all(store, AuditQuery::default()).await, newest_first, "twice written, once there");

    let by_ada = AuditQuery { who: Some("ada".into()), ..AuditQuery::default() };
    assert_eq!(all(store, by_ada).await, [third.clone(), first]);
    let pauses = AuditQuery { action: Some(Action::Paused), ..AuditQuery::default() };
    assert_eq!(all(store, pauses.clone()).await, [third.clone(), second.clone()]);
    let since = AuditQuery { since: Some(second.at), ..AuditQuery::default() };
    assert_eq!(all(store, since).await, [third.clone(), second]);
    let none = AuditQuery { who: Some("nobody".into()), ..pauses };
    assert!(all(store, none).await.is_empty());
}

pub(crate) async fn pages_of_the_audit_log_follow_each_other(store: &Arc<dyn Store>, clock: &Clock) {
    for n in 0..7 {
        let who = if n % 2 == 0 { "ada" } else { "otto" };
        store.record_audit(&entry(who, Action::Replayed, &format!("event {n}"), clock)).await.unwrap();
    }
    let mut query = AuditQuery { who: Some("ada".into()), limit: 2, ..AuditQuery::default() };
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = store.audit(&query).await.unwrap();
        pages += 1;
        seen.extend(page.items.into_iter().map(|entry| entry.target));
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, 2);
    assert_eq!(seen, ["event 6", "event 4", "event 2", "event 0"]);
    let elsewhere = AuditQuery { cursor: Some("7.3".into()), limit: 2, ..AuditQuery::default() };
    assert!(matches!(store.audit(&elsewhere).await, Err(StoreError::BadCursor(_))));
}

pub(crate) async fn the_audit_log_forgets_after_a_year(store: &Arc<dyn Store>, clock: &Clock) {
    store.record_audit(&entry("ada", Action::Rotated, "github/shop", clock)).await.unwrap();
    clock.advance(Duration::from_hours(364 * 24));
    let later = entry("ada", Action::Removed, "github/shop", clock);
    store.record_audit(&later).await.unwrap();
    assert_eq!(all(store, AuditQuery::default()).await.len(), 2);
    clock.advance(Duration::from_hours(2 * 24));
    let last = entry("ada", Action::Registered, "github/shop", clock);
    store.record_audit(&last).await.unwrap();
    assert_eq!(all(store, AuditQuery::default()).await, [last, later]);
}
