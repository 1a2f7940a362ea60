//! Who works on what, and in which order.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::event::ticket::Source;
use conduit::store::{Claim, ClaimRequest, Content, JobId, NewEvent, Routing, Store};
use conduit::trace::Reason;

use super::given::{
    LEASE, claim, claim_all, delivery, finish, job, keys, merged, request, routed, routed_as, to_tickets,
    trace,
};

pub(crate) async fn a_claim_hands_over_the_job_with_its_event(store: &Arc<dyn Store>, clock: &Clock) {
    let before = clock.now();
    let event = routed(store, clock, "d-1", &["DEV_OPS-7"]).await;
    let claim = claim(store).await;
    assert_eq!(claim.lease.job, JobId { event, key: "DEV_OPS-7".into(), generation: 1 });
    assert_eq!((claim.lease.site.as_str(), claim.project.as_str()), ("jira", "DEV_OPS"));
    assert_eq!(claim.lease.duration, LEASE);
    assert_eq!(claim.found_in, [Source::Branch, Source::Title]);
    assert_eq!(claim.event, Ok(merged("acme/shop")));
    assert_eq!(claim.state, None);
    // Stores may count in milliseconds.
    let (queued, earliest) = (claim.queued_at.as_millisecond(), before.as_millisecond());
    assert!(earliest <= queued && queued <= clock.now().as_millisecond());
}

pub(crate) async fn only_the_head_of_a_queue_is_claimed(store: &Arc<dyn Store>, clock: &Clock) {
    let first = routed(store, clock, "d-1", &["SHOP-1"]).await;
    let second = routed(store, clock, "d-2", &["SHOP-1", "SHOP-2"]).await;
    let claims = claim_all(store).await;
    assert_eq!(keys(&claims), ["SHOP-1", "SHOP-2"]);
    assert_eq!(claims[0].lease.job.event, first);
    assert!(claim_all(store).await.is_empty(), "the ticket is being worked on");

    finish(store, &claims[0], Reason::Moved).await;
    let next = claim(store).await;
    assert_eq!(next.lease.job, JobId { event: second, key: "SHOP-1".into(), generation: 1 });
    assert!(next.lease.fence > claims[1].lease.fence, "fences go up over the whole store");
}

pub(crate) async fn the_end_of_the_last_ticket_tells_when_its_event_came(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let event = routed(store, clock, "d-1", &["SHOP-1", "SHOP-2"]).await;
    let claims = claim_all(store).await;
    let end = async |claim: &Claim| {
        let moved = trace(&claim.lease.job.key, Reason::Moved);
        store.finish(&claim.lease, &moved).await.unwrap().map(jiff::Timestamp::as_millisecond)
    };
    assert_eq!(end(&claims[1]).await, None, "another ticket is still open");
    let received = store.event(&event).await.unwrap().unwrap().received.at.as_millisecond();
    assert_eq!(end(&claims[0]).await, Some(received));
}

pub(crate) async fn tickets_are_claimed_in_the_order_of_routing(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-3", "SHOP-1"]).await;
    routed(store, clock, "d-2", &["SHOP-2", "SHOP-1"]).await;
    assert_eq!(keys(&claim_all(store).await), ["SHOP-3", "SHOP-1", "SHOP-2"]);
}

pub(crate) async fn a_claim_takes_no_more_than_it_asks_for(store: &Arc<dyn Store>, clock: &Clock) {
    routed(store, clock, "d-1", &["SHOP-1", "SHOP-2", "SHOP-3"]).await;
    assert!(store.claim(&request("worker", 0)).await.unwrap().is_empty());
    assert_eq!(store.claim(&request("worker", 2)).await.unwrap().len(), 2);
    assert_eq!(store.claim(&request("worker", 2)).await.unwrap().len(), 1);
}

pub(crate) async fn projects_of_a_site_take_turns(store: &Arc<dyn Store>, clock: &Clock) {
    let burst: Vec<String> = (1..=20).map(|number| format!("BIG-{number}")).collect();
    routed(store, clock, "d-1", &burst.iter().map(String::as_str).collect::<Vec<_>>()).await;
    claim(store).await;
    routed(store, clock, "d-2", &["SMALL-1", "SMALL-2"]).await;

    let mut next = Vec::new();
    for _ in 0..4 {
        next.push(claim(store).await.project);
    }
    assert_eq!(next.iter().filter(|project| *project == "SMALL").count(), 2, "{next:?}");
    assert_eq!(store.claim(&request("worker", 3)).await.unwrap().len(), 3, "and then the rest");
}

pub(crate) async fn sites_take_turns(store: &Arc<dyn Store>, clock: &Clock) {
    let mut jobs: Vec<_> =
        (1..=10).flat_map(|n| ["A", "B", "C"].map(|p| job("large", &format!("{p}-{n}")))).collect();
    jobs.extend([job("small", "X-1"), job("small", "X-2"), job("small", "X-3")]);
    routed_as(store, delivery("d-1", clock), &Routing { jobs, ..Routing::default() }).await;

    let mut next = Vec::new();
    for _ in 0..6 {
        next.push(claim(store).await.lease.site);
    }
    assert_eq!(next.iter().filter(|site| *site == "small").count(), 3, "{next:?}");
}

pub(crate) async fn a_burst_of_one_project_in_one_claim_leaves_the_others_their_turns(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    let burst: Vec<String> = (1..=30).map(|number| format!("BIG-{number}")).collect();
    routed(store, clock, "d-1", &burst.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let jobs = vec![job("jira", "SMALL-1"), job("jira", "SMALL-2"), job("other", "X-1"), job("other", "X-2")];
    routed_as(store, delivery("d-2", clock), &Routing { jobs, ..Routing::default() }).await;

    let claims = store.claim(&request("worker", 8)).await.unwrap();
    let of = |project: &str| claims.iter().filter(|claim| claim.project == project).count();
    assert_eq!((of("SMALL"), of("X"), of("BIG")), (2, 2, 4), "{:?}", keys(&claims));
}

pub(crate) async fn sites_that_have_enough_workers_are_left_out(store: &Arc<dyn Store>, clock: &Clock) {
    let jobs = vec![job("jira", "SHOP-1"), job("other", "OPS-1")];
    routed_as(store, delivery("d-1", clock), &Routing { jobs, ..Routing::default() }).await;
    let busy = ClaimRequest { skip_sites: vec!["jira".into()], ..request("worker", 9) };
    assert_eq!(keys(&store.claim(&busy).await.unwrap()), ["OPS-1"]);
    assert_eq!(keys(&claim_all(store).await), ["SHOP-1"]);
}

pub(crate) async fn a_claim_says_which_projects_the_hook_may_move(store: &Arc<dyn Store>, clock: &Clock) {
    let only_shop = NewEvent { projects: Some(vec!["SHOP".into()]), ..delivery("d-1", clock) };
    routed_as(store, only_shop, &to_tickets(&["SHOP-1"])).await;
    routed_as(store, delivery("d-2", clock), &to_tickets(&["SHOP-2"])).await;
    let claims = claim_all(store).await;
    let projects: Vec<_> = claims.iter().map(|claim| claim.projects.as_deref()).collect();
    assert_eq!(projects, [Some(&["SHOP".to_owned()][..]), None]);
    store.hand_back(&claims[0].lease).await.unwrap();
    assert_eq!(claim(store).await.projects, claims[0].projects, "also from what is remembered");
}

pub(crate) async fn an_unreadable_event_is_claimed_with_the_reason(store: &Arc<dyn Store>, clock: &Clock) {
    let mut newer = merged("acme/shop");
    newer.schema = conduit::event::SCHEMA + 1;
    let event = NewEvent { content: Content::Event(Box::new(newer)), ..delivery("d-1", clock) };
    routed_as(store, event, &to_tickets(&["SHOP-1"])).await;
    let why = claim(store).await.event.expect_err("it cannot be read").to_string();
    assert!(why.contains("newer"), "{why}");
}
