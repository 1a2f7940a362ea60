//! How fast what waits is worked off.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::processor::Ticks;
use super::rig::Rig;
use super::{LATENCIES, StoreKind};

/// Tickets that one worker process works on at once.
const AT_ONCE: [usize; 2] = [16, 64];
/// A ticket whose transition is known takes two calls.
const CALLS: u32 = 2;

pub(super) async fn run(program: &Path, kind: StoreKind, seconds: u64, events: usize) -> anyhow::Result<()> {
    for latency in LATENCIES {
        for at_once in AT_ONCE {
            let bound = bound(at_once, latency);
            let events = bound.map_or(events, |bound| whole(bound) * usize::try_from(seconds).unwrap_or(1));
            let Drained { rate, busy, worker } =
                drain(program, kind, at_once, latency, events.max(100)).await?;
            let of_bound = bound.map_or("no bound but the processor".to_owned(), |bound| {
                format!("{:.0} % of {bound:.0}", rate / bound * 100.0)
            });
            println!(
                "drain {:<7} {at_once:>3} at once, Jira {:>2} ms: {rate:>7.0} events/s  {of_bound}; \
                 processors {busy} % busy, {worker} % by the worker",
                kind.name(),
                latency.as_millis()
            );
        }
    }
    Ok(())
}

/// What concurrency and latency allow.
fn bound(at_once: usize, latency: Duration) -> Option<f64> {
    let at_once = u32::try_from(at_once).ok()?;
    (!latency.is_zero()).then(|| f64::from(at_once) / (latency * CALLS).as_secs_f64())
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of some hundreds")]
fn whole(rate: f64) -> usize {
    rate as usize
}

/// How it went.
struct Drained {
    /// Events per second.
    rate: f64,
    /// How busy the processors were meanwhile, and with the worker, in percent.
    busy: u64,
    worker: u64,
}

async fn drain(
    program: &Path,
    kind: StoreKind,
    at_once: usize,
    latency: Duration,
    events: usize,
) -> anyhow::Result<Drained> {
    let rig = Rig::start(program, kind, events, latency, true).await?;
    rig.deliver_all(1..=events).await?;
    let worker = rig.worker(at_once)?;
    let began = Ticks::now(&worker)?;
    rig.until_empty(&["inbox", "ready", "leased", "delayed"]).await?;
    let (busy, by_worker) = Ticks::now(&worker)?.since(began);
    let moves: Vec<_> = (1..=events).filter_map(|number| rig.moved_at(number)).collect();
    anyhow::ensure!(moves.len() == events, "{} of {events} tickets were moved", moves.len());
    let (first, last) = moves.iter().min().zip(moves.iter().max()).context("nothing was moved")?;
    let took = Duration::try_from(last.duration_since(*first))?;
    let rate = f64::from(u32::try_from(events)?) / took.as_secs_f64();
    Ok(Drained { rate, busy, worker: by_worker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_concurrency_over_the_time_of_two_calls() {
        assert_eq!(bound(16, Duration::from_millis(50)), Some(160.0));
        assert_eq!(bound(64, Duration::from_millis(50)), Some(640.0));
        assert_eq!(bound(64, Duration::ZERO), None);
    }
}
