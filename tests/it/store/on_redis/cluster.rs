//! A cluster: nodes die, come back, are replaced, hand over slots.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::store::redis::RedisStore;
use conduit::store::{EventState, NewEvent, Store, StoreError};
use conduit::trace::Reason;

use super::super::given::{
    RETENTION, claim_all, delivery_of, finish, job, keys, request, settled, to_tickets,
};
use crate::support::redis::{Redis, free_port};
use crate::support::redis_cluster::{Cluster, until};

async fn open(cluster: &Cluster, options: &str, clock: &Clock) -> Arc<dyn Store> {
    Arc::new(RedisStore::open(&format!("{}{options}", cluster.url()), clock.clone()).await.unwrap())
}

/// Deliveries of so many repositories: all over the partitions.
fn deliveries(many: usize, clock: &Clock) -> Vec<NewEvent> {
    (0..many)
        .map(|number| delivery_of(&format!("acme/repo-{number}"), &format!("d-{number}"), clock))
        .collect()
}

/// Sends a delivery again until it is accepted, as the spool does.
pub(super) async fn accepted(store: &Arc<dyn Store>, delivery: &NewEvent) {
    until(async || match store.ingest(delivery).await {
        Ok(_) => true,
        Err(StoreError::Unavailable(_)) => false,
        Err(error) => panic!("{error}"),
    })
    .await;
}

/// Routes and works off whatever there is, until this many events were routed; what is away is asked again.
pub(super) async fn work_off(store: &Arc<dyn Store>, clock: &Clock, events: &[NewEvent]) {
    until(async || {
        clock.advance(Duration::from_secs(1));
        let Ok(items) = store.inbox("worker", 100).await else { return false };
        for (number, item) in items.iter().enumerate() {
            let _ = store.route(item, &to_tickets(&[&format!("SHOP-{number}"), "SHOP-1000"])).await;
        }
        while let Ok(claims) = store.claim(&request("worker", 100)).await
            && !claims.is_empty()
        {
            for claim in claims {
                let moved = super::super::given::trace(&claim.lease.job.key, Reason::Moved);
                let _ = store.finish(&claim.lease, &moved).await;
            }
        }
        let _ = store.tidy(RETENTION).await;
        for event in events {
            if !matches!(store.event(&event.id).await, Ok(Some(event)) if event.state == EventState::Finished)
            {
                return false;
            }
        }
        true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_takes_its_part_with_it_and_no_other() {
    let mut cluster = Cluster::start().await;
    let clock = Clock::system();
    let store = open(&cluster, "", &clock).await;
    let deliveries = deliveries(40, &clock);
    for delivery in &deliveries[..20] {
        store.ingest(delivery).await.unwrap();
    }
    cluster.nodes[1].kill();

    let mut refused = Vec::new();
    for delivery in &deliveries[20..] {
        match store.ingest(delivery).await {
            Ok(_) => {}
            Err(StoreError::Unavailable(_)) => refused.push(delivery),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!refused.is_empty() && refused.len() < 15, "{} of 20 were refused", refused.len());
    store.tidy(RETENTION).await.unwrap();
    let items = store.inbox("worker", 100).await.unwrap();
    assert!(!items.is_empty() && items.len() < 40, "{} wait in the parts that are there", items.len());
    let here: BTreeSet<u16> = items.iter().map(|item| item.partition).collect();
    assert!(here.len() > 4, "{here:?}");

    cluster.nodes[1].start_again().await;
    cluster.settles().await;
    for delivery in refused {
        accepted(&store, delivery).await;
    }
    work_off(&store, &clock, &deliveries).await;
    assert_eq!(store.queue().await.unwrap().inbox, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_under_load_is_replaced_and_nothing_accepted_is_lost() {
    let mut cluster = Cluster::start().await.with_replicas(3).await;
    let clock = Clock::system();
    let waiting = open(&cluster, "?wait=1", &clock).await;
    // The new master has no replica to wait for.
    let store = open(&cluster, "", &clock).await;
    let deliveries = deliveries(60, &clock);
    for delivery in &deliveries[..20] {
        accepted(&waiting, delivery).await;
    }
    cluster.nodes[0].kill();
    for delivery in &deliveries[20..] {
        accepted(&store, delivery).await;
    }
    work_off(&store, &clock, &deliveries).await;
    let role: Vec<redis::Value> = cluster.nodes[3].run(&["ROLE"]).await;
    assert_eq!(redis::from_redis_value::<String>(role[0].clone()).unwrap(), "master");
    assert_eq!(store.queue().await.unwrap().inbox, 0);
}

#[tokio::test]
async fn fewer_replicas_than_asked_for_accept_nothing_and_the_delivery_is_known_when_it_comes_again() {
    let cluster = Cluster::start().await;
    let clock = Clock::system();
    let store = open(&cluster, "?wait=1", &clock).await;
    let delivery = &deliveries(1, &clock)[0];
    for _ in 0..2 {
        let error = store.ingest(delivery).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("replicas")), "{error}");
    }
    assert!(store.warnings().await.unwrap().concat().contains("no replica"));
    let store = open(&cluster, "", &clock).await;
    assert!(store.ingest(delivery).await.unwrap().duplicate);
}

#[tokio::test]
async fn a_partition_on_its_way_to_another_node_is_unavailable_until_all_of_it_has_arrived() {
    let cluster = Cluster::start().await;
    let clock = Clock::system();
    let store = open(&cluster, "", &clock).await;
    let (before, after) = (delivery_of("acme/shop", "d-1", &clock), delivery_of("acme/shop", "d-2", &clock));
    store.ingest(&before).await.unwrap();
    let item = store.inbox("worker", 1).await.unwrap().remove(0);
    let slot: u16 = cluster.nodes[0].run(&["CLUSTER", "KEYSLOT", &format!("i:{}", item.partition)]).await;
    let from = usize::from(slot / 5461).min(2);
    let (source, target) = (&cluster.nodes[from], &cluster.nodes[(from + 1) % 3]);
    let (source_id, target_id): (String, String) =
        (source.run(&["CLUSTER", "MYID"]).await, target.run(&["CLUSTER", "MYID"]).await);
    let slot = slot.to_string();
    target.run::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id]).await;
    source.run::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id]).await;

    let keys: Vec<String> = source.run(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]).await;
    assert!(keys.len() > 3, "{keys:?}");
    for (number, key) in keys.iter().enumerate() {
        if number == keys.len() / 2 {
            let error = store.ingest(&after).await.unwrap_err();
            assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("moved")), "{error}");
            assert!(store.ingest(&before).await.is_err());
        }
        let port = target.port().to_string();
        source.run::<()>(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]).await;
    }
    for node in [target, source] {
        node.run::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]).await;
    }
    assert!(!store.ingest(&after).await.unwrap().duplicate);
    assert!(store.ingest(&before).await.unwrap().duplicate);
    assert_eq!(store.inbox("worker", 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn each_partition_gets_its_turn_and_sites_take_turns_within_one() {
    let cluster = Cluster::start().await;
    let clock = Clock::system();
    let store = open(&cluster, "", &clock).await;
    let delivery = delivery_of("acme/shop", "d-1", &clock);
    store.ingest(&delivery).await.unwrap();
    let item = store.inbox("worker", 1).await.unwrap().remove(0);
    let mut routing = to_tickets(&[]);
    routing.jobs = (1..=300).map(|number| job("large", &format!("BIG-{number}"))).collect();
    routing.jobs.extend((1..=40).map(|number| job("small", &format!("TINY-{number}"))));
    store.route(&item, &routing).await.unwrap();

    // One at a time, as a worker that is nearly full asks.
    let mut first = Vec::new();
    for _ in 0..80 {
        first.extend(store.claim(&request("worker", 1)).await.unwrap());
    }
    let small = first.iter().filter(|claim| claim.lease.site == "small").count();
    assert!(small >= 25, "{small} of 80 were of the small site: about half of them could be");
    let rest = claim_all(&store).await;
    assert_eq!(first.len() + rest.len(), 340);
    let distinct: BTreeSet<&str> = keys(&first).into_iter().chain(keys(&rest)).collect();
    assert_eq!(distinct.len(), 340);
    for claim in first.iter().chain(&rest) {
        finish(&store, claim, Reason::Moved).await;
    }
    assert_eq!(settled(&store, &delivery.id).await.state, EventState::Finished);
    assert_eq!(store.ticket_traces(&delivery.id).await.unwrap().len(), 340);
}

#[tokio::test]
async fn a_single_server_refuses_to_be_called_a_cluster_and_a_node_to_be_called_one_server() {
    let server = Redis::start().await;
    let as_cluster = server.url().replace("redis://", "redis+cluster://");
    let error = RedisStore::open(&as_cluster, Clock::system()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unfit(why) if why.contains("redis://")), "{error:?}");
    let node =
        Redis::start_with(&["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()]).await;
    let error = RedisStore::open(&node.url(), Clock::system()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unfit(why) if why.contains("redis+cluster://")), "{error:?}");
}
