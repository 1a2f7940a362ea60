//! What a claim costs while few or many tickets wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use conduit::clock::Clock;
use conduit::event::Event;
use conduit::event::ticket::Source;
use conduit::store::redis::RedisStore;
use conduit::store::sqlite::SqliteStore;
use conduit::store::{ClaimRequest, Content, EventId, NewEvent, NewJob, Routing, Store};
use conduit::trace::Received;
use futures_util::future::try_join_all;

use super::{StoreKind, ms, percentile, rig};

/// Claims that are measured, each given back at once.
const CLAIMS: usize = 500;
/// Tickets of an event, as a release names them: a claim looks at tickets, and a store is filled sooner so.
const TICKETS_EACH: usize = 50;
/// Events that are written at once while the store is filled.
const BATCH: usize = 16;

pub(super) async fn run(kind: StoreKind, sizes: &[usize]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = rig::Store::start(kind, folder.path()).await?;
    let store: Arc<dyn Store> = match kind {
        StoreKind::Sqlite => Arc::new(SqliteStore::open(&folder.path().join("conduit.db"), Clock::system())?),
        StoreKind::Redis => Arc::new(RedisStore::open(&server.url, Clock::system()).await?),
    };
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    let mut filled = 0;
    for size in sizes {
        let began = Instant::now();
        fill(&*store, filled, size).await?;
        filled = filled.max(size);
        let took = began.elapsed();
        let claims = claims(&*store).await?;
        println!(
            "claims {:<7} {size:>8} tickets waiting: p50 {:>6.2} ms   p99 {:>6.2} ms   (filled in {:.0} s)",
            kind.name(),
            ms(percentile(&claims, 50)),
            ms(percentile(&claims, 99)),
            took.as_secs_f64()
        );
    }
    Ok(())
}

/// Claims a ticket and gives it back, again and again.
async fn claims(store: &dyn Store) -> anyhow::Result<Vec<Duration>> {
    let lease = Duration::from_secs(30);
    let request = ClaimRequest { worker: "measure".into(), lease, most: 1, skip_sites: Vec::new() };
    let mut took = Vec::with_capacity(CLAIMS);
    for _ in 0..CLAIMS {
        let began = Instant::now();
        let claims = store.claim(&request).await?;
        took.push(began.elapsed());
        store.hand_back(&claims.first().context("nothing can be claimed")?.lease).await?;
    }
    took.sort_unstable();
    Ok(took)
}

/// Events for the tickets from `from` to `to`, each fanned out to some of them.
async fn fill(store: &dyn Store, from: usize, to: usize) -> anyhow::Result<()> {
    let tickets: Vec<_> = (from..to).collect();
    let releases: Vec<_> = tickets.chunks(TICKETS_EACH).collect();
    for batch in releases.chunks(BATCH) {
        let numbers = batch.iter().filter_map(|tickets| tickets.first());
        let events = numbers.map(|number| event(*number)).collect::<anyhow::Result<Vec<_>>>()?;
        try_join_all(events.iter().map(|event| store.ingest(event))).await?;
        let routings: HashMap<_, _> = events
            .into_iter()
            .map(|event| event.id)
            .zip(batch.iter().map(|tickets| to_tickets(tickets)))
            .collect();
        loop {
            let items = store.inbox("measure", BATCH).await?;
            if items.is_empty() {
                break;
            }
            let routed = items.iter().filter_map(|item| Some(store.route(item, routings.get(&item.id)?)));
            try_join_all(routed).await?;
        }
    }
    Ok(())
}

/// The tickets of an event.
fn to_tickets(numbers: &[usize]) -> Routing {
    let job = |number| NewJob {
        site: "atlassian".into(),
        project: "SHOP".into(),
        key: format!("SHOP-{number}"),
        found_in: vec![Source::Title],
    };
    Routing { jobs: numbers.iter().map(job).collect(), ..Routing::default() }
}

fn event(number: usize) -> anyhow::Result<NewEvent> {
    let delivery = format!("measure-{number}");
    let event: Event = serde_json::from_value(serde_json::json!({
        "schema": 1, "provider": "github", "kind": "pull_request.merged", "triggers": ["pull_request.merged"],
        "repo": { "id": "101", "name": "shop", "path": "acme/shop", "url": "https://github.com/acme/shop" },
        "subject": { "pull_request": { "number": number, "title": format!("SHOP-{number}: pay by invoice") } },
    }))?;
    Ok(NewEvent {
        id: EventId::new("github/acme-shop", "101", &delivery),
        provider: "github".into(),
        delivery_id: delivery,
        occurrence: None,
        repo: "acme/shop".into(),
        kind: "pull_request.merged".into(),
        projects: None,
        content: Content::Event(Box::new(event)),
        received: Received {
            at: jiff::Timestamp::now(),
            hook: "github/acme-shop".into(),
            bytes: 24_600,
            ms: 1,
            verified_by: "HMAC-SHA256".into(),
            secret_version: 1,
        },
        verdict: None,
        detail: None,
    })
}
