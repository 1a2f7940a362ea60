//! Many at once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{EventId, Store};
use conduit::trace::Reason;
use futures_util::future::join_all;

use super::given::{delivery, finish, request, routed};

/// Far more than any of this takes: the end of a test that hangs.
const HANGS: Duration = Duration::from_mins(2);

/// What is being worked on, and what was worked on in which order.
#[derive(Default)]
struct Ledger {
    held: HashSet<String>,
    done: HashMap<String, Vec<EventId>>,
    finished: usize,
}

pub(crate) async fn eight_claimers_never_hold_the_same_ticket(store: &Arc<dyn Store>, clock: &Clock) {
    let keys: Vec<String> = (1..=30).map(|number| format!("SHOP-{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut events = Vec::new();
    for number in 0..3 {
        events.push(routed(store, clock, &format!("d-{number}"), &keys).await);
    }
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let workers = (0..8).map(|number| {
        tokio::spawn(work(Arc::clone(store), format!("worker-{number}"), Arc::clone(&ledger), keys.len() * 3))
    });
    for worker in tokio::time::timeout(HANGS, join_all(workers)).await.expect("they come to an end") {
        worker.unwrap();
    }
    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.done.len(), keys.len());
    for (key, order) in &ledger.done {
        assert_eq!(order, &events, "each event once for {key}, in the order they came");
    }
}

async fn work(store: Arc<dyn Store>, name: String, ledger: Arc<Mutex<Ledger>>, all: usize) {
    while ledger.lock().unwrap().finished < all {
        let claims = store.claim(&request(&name, 3)).await.unwrap();
        if claims.is_empty() {
            store.wait_for_work(Duration::from_millis(20)).await;
        }
        for claim in &claims {
            let job = &claim.lease.job;
            assert!(ledger.lock().unwrap().held.insert(job.key.clone()), "{job} is held twice");
        }
        tokio::task::yield_now().await;
        for claim in &claims {
            let job = &claim.lease.job;
            {
                let mut ledger = ledger.lock().unwrap();
                ledger.held.remove(&job.key);
                ledger.done.entry(job.key.clone()).or_default().push(job.event.clone());
            }
            finish(&store, claim, Reason::Moved).await;
            ledger.lock().unwrap().finished += 1;
        }
    }
}

pub(crate) async fn whoever_waits_for_work_is_woken_by_it(store: &Arc<dyn Store>, clock: &Clock) {
    let waiter = {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.wait_for_work(HANGS * 10).await })
    };
    store.ingest(&delivery("d-1", clock)).await.unwrap();
    tokio::time::timeout(HANGS, waiter).await.expect("the hint arrives").unwrap();
    // And it ends by itself when nothing comes.
    store.wait_for_work(Duration::from_millis(10)).await;
    store.wait_for_work(Duration::from_millis(10)).await;
}

pub(crate) async fn a_store_that_is_well_takes_writes(store: &Arc<dyn Store>, _clock: &Clock) {
    store.check().await.unwrap();
    for warning in store.warnings().await.unwrap() {
        assert!(warning.contains(' '), "`{warning}` is no sentence");
    }
}
