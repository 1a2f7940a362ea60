//! What is removed leaves no key behind, and a list costs what it shows.

use std::collections::BTreeSet;

use conduit::clock::Clock;
use conduit::store::{EventQuery, NewEvent, Routing, Store};
use conduit::trace::{Outcome, Reason};
use futures_util::future::join_all;

use super::monitor::Monitor;
use super::{open, run};
use crate::store::given::{delivery, delivery_of, routed_as, trace};
use crate::store::leftovers;
use crate::support::redis::Redis;

/// Keys of no event: the fence and the turns, who fans out, hints for those who wait, the server's run.
const OF_NO_EVENT: &[&str] = &["fence", "turn", "rota", "router", "run", "wake"];

async fn keys(server: &Redis) -> BTreeSet<String> {
    run::<Vec<String>>(server, &["KEYS", "*"]).await.into_iter().collect()
}

#[tokio::test]
async fn nothing_of_a_removed_event_stays_behind() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    leftovers::a_whole_life(&store, &clock).await;
    let before = keys(&server).await;
    leftovers::its_end(&store, &clock).await;
    let of_no_event = |key: &String| {
        let (home, name) = key.split_once("}:").unwrap();
        home.ends_with("{cfg") || OF_NO_EVENT.contains(&name.split(':').next().unwrap())
    };
    let left: Vec<_> = keys(&server).await.into_iter().filter(|key| !of_no_event(key)).collect();
    assert!(left.is_empty(), "{left:#?}");
    let of_events = before.iter().filter(|key| !of_no_event(key)).count();
    assert!(of_events > 20, "only {before:#?} were there before");
}

/// Commands and their arguments that a server was asked for one page.
async fn cost(server: &Redis, store: &std::sync::Arc<dyn Store>, query: &EventQuery) -> (usize, usize) {
    let monitor = Monitor::start(server).await;
    assert_eq!(store.events(query).await.unwrap().items.len(), 1, "{query:?}");
    // A new connection's greetings are left out.
    let mut seen = monitor.end(server).await;
    seen.retain(|command| command.keys().next().is_some());
    (seen.len(), seen.iter().map(|command| command.words.len()).sum())
}

#[tokio::test]
async fn a_page_costs_no_more_when_there_are_more_events() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    let rare = Routing { settled: vec![trace("SHOP-1", Reason::NoRuleMatched)], ..Routing::default() };
    routed_as(&store, delivery_of("acme/rare", "d-rare", &clock), &rare).await;
    let all = EventQuery { limit: 20, ..EventQuery::default() };
    let queries = [
        EventQuery { ticket: Some("SHOP-1".into()), outcome: Some(Outcome::NothingToDo), ..all.clone() },
        EventQuery { repo: Some("acme/rare".into()), outcome: Some(Outcome::NothingToDo), ..all.clone() },
        EventQuery { ticket: Some("SHOP-1".into()), repo: Some("acme/rare".into()), ..all },
    ];
    let mut costs = Vec::new();
    for round in 0..2 {
        let common = (0..600).map(|number| NewEvent {
            verdict: Some(Reason::UnsupportedEvent.into()),
            ..delivery(&format!("d-{round}-{number}"), &clock)
        });
        let kept = &store;
        join_all(common.map(|event| async move { kept.ingest(&event).await.unwrap() })).await;
        let mut round = Vec::new();
        for query in &queries {
            round.push(cost(&server, &store, query).await);
        }
        costs.push(round);
    }
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0].iter().all(|(commands, words)| *commands < 10 && *words < 60), "{costs:?}");
}

#[tokio::test]
async fn a_page_that_would_take_too_long_is_short_and_the_next_goes_on() {
    let server = Redis::start().await;
    let clock = Clock::system();
    let store = open(&server, &clock).await;
    let failed = EventQuery { outcome: Some(Outcome::Skipped), ..EventQuery::default() };
    let query = EventQuery { repo: Some("acme/shop".into()), limit: 5, ..failed };
    // As many as one page looks at in each index, and none of them in both but the oldest.
    let skipped = NewEvent { verdict: Some(Reason::Stale.into()), ..delivery("d-1", &clock) };
    store.ingest(&skipped).await.unwrap();
    let newer = clock.now().as_microsecond() + 1;
    for index in ["r:acme/shop", "s:skipped"] {
        let key = format!("conduit:{{i:0}}:ix:{index}");
        for chunk in 0..12 {
            let mut add = redis::cmd("ZADD");
            add.arg(&key);
            for number in 0..1000 {
                // Two of them at a time came in the same microsecond.
                let at = newer + chunk * 500 + number / 2;
                let id = conduit::store::EventId::new(index, index, &format!("{chunk}-{number}"));
                add.arg(at).arg(id.as_str());
            }
            add.query_async::<i64>(&mut server.connect().await).await.unwrap();
        }
    }
    let first = store.events(&query).await.unwrap();
    assert!(first.items.is_empty() && first.next.is_some(), "{first:?}");
    let second = store.events(&EventQuery { cursor: first.next, ..query }).await.unwrap();
    assert_eq!(second.items.iter().map(|record| &record.id).collect::<Vec<_>>(), [&skipped.id]);
    assert_eq!(second.next, None);
}
