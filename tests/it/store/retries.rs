//! A ticket that has to wait.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{EventState, Store};
use conduit::trace::{Outcome, Reason, Verdict};

use super::given::{claim, claim_all, finish, keys, routed, settled, waiting};

const DELAY: Duration = Duration::from_mins(1);

pub(crate) async fn a_ticket_in_backoff_blocks_only_itself(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    let first = claim(store).await;
    store.retry(&first.lease, DELAY, &waiting(&first, Reason::RateLimited, 1)).await.unwrap();
    routed(store, clock, "d-2", &["SHOP-1", "SHOP-3"]).await;
    assert_eq!(keys(&claim_all(store).await), ["SHOP-2", "SHOP-3"]);

    clock.advance(DELAY / 2);
    assert!(claim_all(store).await.is_empty());
    clock.advance(DELAY);
    assert_eq!(claim(store).await.lease.job, first.lease.job);
}

pub(crate) async fn two_events_of_one_ticket_keep_their_order_through_a_retry(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let first = routed(store, clock, "d-1", &["SHOP-1"]).await;
    let second = routed(store, clock, "d-2", &["SHOP-1"]).await;
    for attempt in 1..=3 {
        let held = claim(store).await;
        assert_eq!(held.lease.job.event, first, "attempt {attempt}");
        assert!(claim_all(store).await.is_empty());
        store.retry(&held.lease, DELAY, &waiting(&held, Reason::Jira5xx, attempt)).await.unwrap();
        assert!(claim_all(store).await.is_empty(), "the second waits behind the first");
        clock.advance(DELAY * 2);
    }
    let held = claim(store).await;
    assert_eq!(held.state, Some(waiting(&held, Reason::Jira5xx, 3)));
    finish(store, &held, Verdict::dead(Reason::Jira5xx)).await;
    let held = claim(store).await;
    assert_eq!(held.lease.job.event, second, "a dead letter blocks nobody");
    finish(store, &held, Reason::Moved).await;
    assert_eq!(settled(store, &first).await.verdict, Verdict::dead(Reason::Jira5xx));
    assert_eq!(settled(store, &second).await.verdict, Reason::Moved.into());
}

pub(crate) async fn a_retry_says_what_the_ticket_waits_for(store: &Arc<dyn Store>, clock: &Clock) {
    let event = routed(store, clock, "d-1", &["SHOP-1"]).await;
    let held = claim(store).await;
    let state = waiting(&held, Reason::Credentials, 1);
    store.retry(&held.lease, DELAY, &state).await.unwrap();
    assert_eq!(store.ticket_traces(&event).await.unwrap(), [state.trace]);
    let record = settled(store, &event).await;
    assert_eq!((record.state, record.verdict.outcome), (EventState::Working, Outcome::Waiting));
}
