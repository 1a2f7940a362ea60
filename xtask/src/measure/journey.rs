//! From accepted to moved, at a steady rate.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::rig::Rig;
use super::{LATENCIES, StoreKind, ms, percentile};

/// Enough for the rate at the longer latency, three times over.
const AT_ONCE: usize = 32;

pub(super) async fn run(program: &Path, kind: StoreKind, rate: u32, seconds: u32) -> anyhow::Result<()> {
    for latency in LATENCIES {
        let mut took = journeys(program, kind, rate, seconds, latency).await?;
        took.sort_unstable();
        println!(
            "journey {:<7} {rate} events/s, Jira {:>2} ms: p50 {:>7.1} ms   p99 {:>7.1} ms   worst {:>7.1} ms",
            kind.name(),
            latency.as_millis(),
            ms(percentile(&took, 50)),
            ms(percentile(&took, 99)),
            ms(percentile(&took, 100))
        );
    }
    Ok(())
}

async fn journeys(
    program: &Path,
    kind: StoreKind,
    rate: u32,
    seconds: u32,
    latency: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let events = usize::try_from(rate.saturating_mul(seconds).max(1))?;
    // The first second warms caches up and is not counted.
    let warm_up = usize::try_from(rate)?;
    let rig = Rig::start(program, kind, warm_up + events, latency, true).await?;
    let _worker = rig.worker(AT_ONCE)?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut senders = JoinSet::new();
    for number in 1..=warm_up + events {
        ticks.tick().await;
        let delivery = rig.deliver(number);
        senders.spawn(async move { delivery.await.map(|accepted| (number, accepted)) });
    }
    let mut accepted = Vec::new();
    while let Some(sent) = senders.join_next().await {
        accepted.push(sent??);
    }
    rig.until_empty(&["inbox", "ready", "leased", "delayed"]).await?;
    let measured = accepted.into_iter().filter(|(number, _)| *number > warm_up);
    measured
        .map(|(number, accepted)| {
            let moved = rig.moved_at(number).context("a ticket was not moved")?;
            // A move may be seen before the sender has read the answer.
            Ok(Duration::try_from(moved.duration_since(accepted)).unwrap_or_default())
        })
        .collect()
}
