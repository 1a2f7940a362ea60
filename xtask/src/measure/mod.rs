//! `cargo run --release -p xtask -- measure`: what the queue costs, on both stores.
//!
//! | what | how |
//! |---|---|
//! | `drain` | deliveries wait, one worker starts: from the first to the last move in Jira's change log |
//! | `memory` | what Redis and the SQLite file grow by while deliveries wait |
//! | `claims` | one claim, with few and with many tickets waiting, through [`conduit::store::Store`] itself |
//! | `journey` | at a steady rate, from the 202 to the move in Jira's change log |
//!
//! Sender, Jira, Conduit and Redis share the machine: compare the figures of one run with each other.

mod claims;
mod drain;
mod journey;
mod memory;
mod processor;
mod rig;

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

/// The flags of `cargo xtask measure`.
#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    #[command(subcommand)]
    what: What,
    /// The store; both without it
    #[arg(long, value_enum, global = true)]
    store: Option<StoreKind>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Events per second that one worker process works off
    Drain {
        /// Seconds that each of the four runs shall take at least, by the bound that latency and concurrency set
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Events of the runs without latency, where no such bound is known
        #[arg(long, default_value_t = 10_000)]
        events: usize,
    },
    /// Bytes that a waiting delivery takes
    Memory {
        /// Deliveries
        #[arg(long, default_value_t = 5_000)]
        events: usize,
    },
    /// The time that a claim takes
    Claims {
        /// How many tickets wait; may be given several times
        #[arg(long, default_values_t = [10, 10_000, 1_000_000])]
        events: Vec<usize>,
    },
    /// The time from accepted to moved
    Journey {
        /// Events per second
        #[arg(long, default_value_t = 100)]
        rate: u32,
        /// Seconds of each run
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
}

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreKind {
    Redis,
    Sqlite,
}

impl StoreKind {
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Jira's latencies that are measured.
const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(50)];

/// Measures what is asked for, and prints a line for each figure.
pub(crate) async fn run(args: &MeasureArgs) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures only show that measuring works");
    }
    let program = crate::process::build_conduit()?;
    for store in [StoreKind::Sqlite, StoreKind::Redis] {
        if args.store.is_some_and(|wanted| wanted != store) {
            continue;
        }
        match &args.what {
            What::Drain { seconds, events } => drain::run(&program, store, *seconds, *events).await?,
            What::Memory { events } => memory::run(&program, store, *events).await?,
            What::Claims { events } => claims::run(store, events).await?,
            What::Journey { rate, seconds } => journey::run(&program, store, *rate, *seconds).await?,
        }
    }
    Ok(())
}

/// A time for people.
fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The value below which so many in a hundred are; they must be sorted.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 50), Duration::from_millis(50));
        assert_eq!(percentile(&values, 99), Duration::from_millis(99));
        assert_eq!(percentile(&values, 100), Duration::from_millis(100));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
