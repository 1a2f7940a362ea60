//! Sites that stand still, each for its reasons.

use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::{Pause, PauseKind, PausedSite, Routing, Store};

use super::given::{by_hand, claim_all, delivery, job, keys, routed, routed_as};

const REST: Duration = Duration::from_secs(30);

fn automatic(kind: PauseKind, why: &str) -> Pause {
    Pause { kind, why: why.into(), rest: Some(REST) }
}

async fn the_one(store: &Arc<dyn Store>) -> PausedSite {
    let mut paused = store.paused().await.unwrap();
    assert_eq!(paused, store.queue().await.unwrap().paused);
    assert_eq!(paused.len(), 1, "{paused:?}");
    paused.remove(0)
}

pub(crate) async fn a_paused_site_stands_still_until_it_is_resumed(store: &Arc<dyn Store>, clock: &Clock) {
    let jobs = vec![job("jira", "SHOP-1"), job("other", "OPS-1")];
    routed_as(store, delivery("d-1", clock), &Routing { jobs, ..Routing::default() }).await;
    let before = clock.now().as_millisecond();
    store.pause("jira", &by_hand("paused by ada")).await.unwrap();
    store.pause("jira", &by_hand("paused by bob")).await.unwrap();
    let pause = the_one(store).await;
    assert_eq!((pause.site.as_str(), pause.kind), ("jira", PauseKind::Operator));
    assert_eq!((pause.why.as_str(), pause.until), ("paused by ada", None), "the first reason stays");
    assert!((before..=clock.now().as_millisecond()).contains(&pause.since.as_millisecond()));

    assert_eq!(keys(&claim_all(store).await), ["OPS-1"]);
    assert!(store.resume("jira", None).await.unwrap());
    assert!(!store.resume("jira", None).await.unwrap(), "it goes on already");
    assert_eq!(keys(&claim_all(store).await), ["SHOP-1"]);
    assert!(store.paused().await.unwrap().is_empty());
}

pub(crate) async fn a_pause_by_hand_outlives_an_automatic_one_and_its_end(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    routed(store, clock, "d-1", &["SHOP-1"]).await;
    store.pause("jira", &automatic(PauseKind::Down, "503")).await.unwrap();
    store.pause("jira", &by_hand("paused by ada")).await.unwrap();
    assert_eq!(store.paused().await.unwrap().len(), 2);

    assert!(store.resume("jira", Some(PauseKind::Down)).await.unwrap());
    assert_eq!(the_one(store).await.kind, PauseKind::Operator);
    assert!(claim_all(store).await.is_empty());
    assert!(!store.resume("jira", Some(PauseKind::Down)).await.unwrap());

    store.pause("jira", &automatic(PauseKind::Quota, "used up")).await.unwrap();
    assert!(store.resume("jira", None).await.unwrap(), "a hand ends them all");
    assert_eq!(keys(&claim_all(store).await), ["SHOP-1"]);
}

pub(crate) async fn an_automatic_pause_says_when_the_site_is_asked_again(
    store: &Arc<dyn Store>,
    clock: &Clock,
) {
    store.pause("jira", &automatic(PauseKind::Quota, "used up")).await.unwrap();
    let first = the_one(store).await;
    assert!(first.until.unwrap().duration_since(first.since).as_secs() == 30, "{first:?}");

    let earlier = Pause { rest: Some(REST / 2), ..automatic(PauseKind::Quota, "still") };
    store.pause("jira", &earlier).await.unwrap();
    assert_eq!(the_one(store).await, first, "the later end counts");
    clock.advance(REST);
    store.pause("jira", &automatic(PauseKind::Quota, "still")).await.unwrap();
    let later = the_one(store).await;
    assert!(later.until > first.until);
    assert_eq!((later.since, &later.why), (first.since, &first.why));
}

pub(crate) async fn of_many_who_would_ask_a_paused_site_one_may(store: &Arc<dyn Store>, clock: &Clock) {
    let take = || store.take_probe("jira", PauseKind::Down, REST * 2);
    assert!(!take().await.unwrap(), "it is not paused");
    store.pause("jira", &automatic(PauseKind::Down, "503")).await.unwrap();
    assert!(!take().await.unwrap(), "it is not time");

    clock.advance(REST + Duration::from_secs(1));
    assert!(!store.take_probe("jira", PauseKind::Credentials, REST).await.unwrap(), "another trouble");
    let mut taken = 0;
    for answer in futures_util::future::join_all((0..20).map(|_| take())).await {
        taken += usize::from(answer.unwrap());
    }
    assert_eq!(taken, 1);
    assert_eq!(the_one(store).await.probes, 1);

    clock.advance(REST + Duration::from_secs(1));
    assert!(!take().await.unwrap(), "the rest that was asked for is longer");
    clock.advance(REST);
    assert!(take().await.unwrap());
    let pause = the_one(store).await;
    assert_eq!((pause.probes, pause.why.as_str()), (2, "503"));
}

pub(crate) async fn nobody_asks_whether_a_pause_by_hand_is_over(store: &Arc<dyn Store>, clock: &Clock) {
    store.pause("jira", &by_hand("paused by ada")).await.unwrap();
    clock.advance(REST * 1000);
    assert!(!store.take_probe("jira", PauseKind::Operator, REST).await.unwrap());
}
