//! The other tickets of an event, leased beside a claimed one.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{Claim, Routing, Store};
use conduit::trace::Reason;

use super::given::{
    LEASE, RETENTION, by_hand, claim, claim_all, delivery, finish, job, request, routed, routed_as, waiting,
};

/// The keys of claims, in the order of the alphabet: partitions have none.
fn keys(claims: &[Claim]) -> Vec<&str> {
    let mut keys = super::given::keys(claims);
    keys.sort_unstable();
    keys
}

async fn siblings(store: &Arc<dyn Store>, of: &Claim, most: usize) -> Vec<Claim> {
    store.claim_siblings(&of.lease, &request("worker", most)).await.unwrap()
}

pub(crate) async fn the_other_tickets_of_an_event_are_leased_beside_one(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let event = routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "PAY-3", "SHOP-4"]).await;
    let first = claim(store).await;
    assert!(first.siblings);
    let others = siblings(store, &first, 9).await;
    let mut all = keys(&others);
    all.push(&first.lease.job.key);
    all.sort_unstable();
    assert_eq!(all, ["PAY-3", "SHOP-1", "SHOP-2", "SHOP-4"]);
    for other in &others {
        assert_eq!((&other.lease.job.event, &other.event), (&event, &first.event));
        assert!(other.siblings && other.found_in == first.found_in && other.lease.duration == LEASE);
    }
    assert!(claim_all(store).await.is_empty());
    assert!(siblings(store, &first, 9).await.is_empty(), "to ask again does no harm");
    for one in others.iter().chain([&first]) {
        finish(store, one, Reason::Moved).await;
    }
    assert_eq!(super::given::settled(store, &event).await.verdict, Reason::Moved.into());
}

pub(crate) async fn a_ticket_that_is_alone_has_no_siblings(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    routed(store, clock, "d-2", &["SHOP-2"]).await;
    let alone = claim(store).await;
    assert!(!alone.siblings);
    assert!(siblings(store, &alone, 9).await.is_empty(), "another event's ticket is none");
}

pub(crate) async fn no_more_siblings_are_leased_than_are_asked_for(store: &Arc<dyn Store>, clock: &Clock) {
    let all: Vec<String> = (1..=40).map(|number| format!("SHOP-{number}")).collect();
    routed(store, clock, "d-1", &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let first = claim(store).await;
    assert!(siblings(store, &first, 0).await.is_empty());
    assert_eq!(siblings(store, &first, 25).await.len(), 25);
    assert_eq!(siblings(store, &first, 25).await.len(), 14);
}

pub(crate) async fn only_what_could_be_claimed_now_is_leased_beside_a_ticket(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    routed(store, clock, "d-0", &["SHOP-2"]).await;
    let mut jobs: Vec<_> = ["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4"].map(|key| job("jira", key)).into();
    jobs.push(job("other", "OPS-1"));
    routed_as(store, delivery("d-1", clock), &Routing { jobs, ..Routing::default() }).await;
    let claims = claim_all(store).await;
    let of = |key: &str| claims.iter().find(|claim| claim.lease.job.key == key).unwrap();
    for key in ["SHOP-1", "SHOP-2", "OPS-1"] {
        store.hand_back(&of(key).lease).await.unwrap();
    }
    let delayed = waiting(of("SHOP-4"), Reason::Conflict, 1);
    store.retry(&of("SHOP-4").lease, Duration::from_hours(1), &delayed).await.unwrap();

    let others = siblings(store, of("SHOP-3"), 9).await;
    assert_eq!(keys(&others), ["SHOP-1"], "not what waits, is another event's head or on another site");
    assert_eq!(keys(&claim_all(store).await), ["OPS-1", "SHOP-2"]);
}

pub(crate) async fn a_paused_site_gives_no_siblings(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    let first = claim(store).await;
    store.pause("jira", &by_hand("maintenance")).await.unwrap();
    assert!(siblings(store, &first, 9).await.is_empty());
    store.resume("jira", None).await.unwrap();
    assert_eq!(siblings(store, &first, 9).await.len(), 1);
}

pub(crate) async fn each_sibling_has_a_lease_of_its_own(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3"]).await;
    let first = claim(store).await;
    let others = siblings(store, &first, 9).await;
    clock.advance(LEASE.saturating_sub(Duration::from_secs(1)));
    store.heartbeat(&others[0].lease).await.unwrap();
    clock.advance(Duration::from_secs(2));
    store.tidy(RETENTION).await.unwrap();

    let (back, kept) = (claim_all(store).await, &others[0].lease.job.key);
    assert_eq!(back.len(), 2);
    assert!(back.iter().all(|claim| claim.lease.job.key != *kept));
    assert!(store.heartbeat(&others[1].lease).await.is_err(), "it is another's");
    finish(store, &others[0], Reason::Moved).await;
}

pub(crate) async fn two_that_ask_for_the_same_siblings_share_them(store: &Arc<dyn Store>, clock: &Clock) {
    let all: Vec<String> = (1..=30).map(|number| format!("SHOP-{number}")).collect();
    routed(store, clock, "d-1", &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (one, two) = (claim(store).await, claim(store).await);
    let (ones, twos) = tokio::join!(siblings(store, &one, 100), siblings(store, &two, 100));
    let mut together = [ones, twos].concat();
    together.extend([one, two]);
    let mut keys = keys(&together);
    keys.dedup();
    assert_eq!((keys.len(), together.len()), (30, 30));
}
