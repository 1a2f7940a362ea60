//! `cargo xtask chaos`: the proof that nothing is lost, done twice or done out of order.
//!
//! ```text
//!  sender ──▶ serve ──▶ store ◀── worker, worker, worker ──▶ Jira, hostile
//!                └────────┴──────────────┴─ killed and held at random
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `world` | what runs, and the supervisor that starts it again |
//! | `board` | the simulated Jira and the rules that move its tickets |
//! | `sender` | signed deliveries, sent until they are accepted |
//! | `storm` | the faults |
//! | `records` | what the store says in the end |
//! | `ledger` | PURE: the balance |
//! | `report` | the balance on a page |
//!
//! A seed gives every tormentor and every sender the same dice again; what they meet is up to the scheduler.
//! The idea is Jepsen's: real processes, real faults, and a checker that looks at the history alone.

mod board;
mod ledger;
mod records;
mod report;
mod sender;
mod storm;
mod world;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::process;
use ledger::{Ledger, Ticket};
use sender::{LANES, Lane, Numbers};
use storm::Storm;
use world::{Plan, World};

/// How long it may take until the next event is finished when the storm is over, or the last delivery accepted.
const DRAINS_WITHIN: Duration = Duration::from_mins(4);
/// How often is said how it goes.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// So many offences are shown, and kept with their traces; all of them stand in a file.
const SHOWN: usize = 5;

/// The flags of `cargo xtask chaos`.
#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    /// Seconds of faults on each store; what waits is worked off after that
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The store
    #[arg(long, value_enum, default_value_t = Which::Both)]
    store: Which,
    /// Worker processes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=32))]
    workers: u8,
    /// Seconds of a lease; a request to Jira takes two fifths of it at most
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(3..=300))]
    lease: u64,
    /// On Redis: one `serve` with a spool, instead of two without
    #[arg(long)]
    spool: bool,
    /// The dice [default: other ones each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the folder with logs and stores
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Sqlite,
    Redis,
    Both,
}

/// Runs the proof on each store that is asked for.
pub(crate) async fn run(args: &ChaosArgs) -> anyhow::Result<ExitCode> {
    if args.spool && args.store != Which::Redis {
        anyhow::bail!("a spool goes before Redis: --store redis --spool");
    }
    let program = process::build_conduit()?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut clean = true;
    for (store, name) in [(Which::Sqlite, "sqlite"), (Which::Redis, "redis")] {
        if args.store == store || args.store == Which::Both {
            let proof = Proof { args, program: &program, name, seed };
            clean &= tokio::select! {
                done = proof.run() => done?,
                _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
            };
        }
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One run on one store.
struct Proof<'a> {
    args: &'a ChaosArgs,
    program: &'a Path,
    name: &'static str,
    seed: u64,
}

impl Proof<'_> {
    /// Whether every promise was kept.
    async fn run(&self) -> anyhow::Result<bool> {
        let folder = tempfile::Builder::new().prefix("conduit-chaos-").tempdir()?;
        eprintln!("chaos on {}: seed {}, in {}", self.name, self.seed, folder.path().display());
        let lanes: Vec<_> = (0..LANES).map(|lane| Lane::new(lane, self.seed)).collect();
        let keys: Vec<_> = lanes.iter().flat_map(|lane| lane.keys().to_vec()).collect();
        let lease = Duration::from_secs(self.args.lease);
        let plan = Plan {
            program: self.program,
            folder: folder.path().to_owned(),
            redis: self.name == "redis",
            spool: self.args.spool,
            workers: self.args.workers.into(),
            lease,
            keys: &keys,
        };
        let world = World::start(&plan).await?;
        let storm = Arc::new(Storm::new(world, lease, Duration::from_secs(self.args.seconds)));
        let proved = tokio::select! {
            proved = self.prove(&storm, lanes, folder.path()) => proved,
            () = storm.world.supervise(|name| storm.count(&format!("{name} ended by itself"))) => Ok(false),
        };
        let clean = proved.as_ref().is_ok_and(|clean| *clean);
        self.part_with(folder, clean);
        proved
    }

    async fn prove(&self, storm: &Arc<Storm>, lanes: Vec<Lane>, folder: &Path) -> anyhow::Result<bool> {
        let lanes = self.rage(storm, lanes).await?;
        let over = Instant::now();
        let accepted: Vec<_> = lanes.iter().flat_map(Lane::accepted).collect();
        let records = records::drained(&storm.world, &accepted, DRAINS_WITHIN).await?;
        let drained = over.elapsed();
        let tickets = tickets(storm, &lanes);
        let ledger = Ledger::of(&tickets, &records, &storm.pauses());
        if !ledger.offences.is_empty() {
            std::fs::write(folder.join("offences.txt"), report::offences(&ledger, &tickets))?;
        }
        for offence in ledger.offences.iter().take(SHOWN) {
            records::keep_traces(&storm.world, offence, folder).await?;
        }
        let title = format!(
            "chaos on {}{}: {} s, {} workers, lease {} s, seed {}; worked off {:.1} s after that",
            self.name,
            if self.args.spool { " with a spool" } else { "" },
            self.args.seconds,
            self.args.workers,
            self.args.lease,
            self.seed,
            drained.as_secs_f64()
        );
        println!("{}", report::page(&title, &ledger, &storm.counts(), SHOWN));
        Ok(ledger.is_clean())
    }

    /// Lets senders and faults loose, until the time is over and the last event is accepted.
    async fn rage(&self, storm: &Arc<Storm>, lanes: Vec<Lane>) -> anyhow::Result<Vec<Lane>> {
        let mut tormentors = storm.break_out(self.seed);
        let numbers = Arc::new(Numbers::default());
        let mut senders = JoinSet::new();
        for lane in lanes {
            let (storm, numbers) = (Arc::clone(storm), Arc::clone(&numbers));
            senders.spawn(async move { lane.send(&storm, &numbers).await });
        }
        while storm.rages_after(SAY_EVERY).await {
            report::progress(self.name, storm).await;
        }
        while let Some(ended) = tormentors.join_next().await {
            ended??;
        }
        let patience = tokio::time::timeout(DRAINS_WITHIN, senders.join_all());
        patience.await.context("the faults are over, and a delivery is still not accepted")
    }

    /// A folder that tells what went wrong is kept.
    fn part_with(&self, folder: TempDir, clean: bool) {
        if self.args.keep || !clean {
            eprintln!("logs, stores and traces: {}", folder.keep().display());
        }
    }
}

/// Each ticket: what it was sent, and what Jira shows.
fn tickets(storm: &Storm, lanes: &[Lane]) -> Vec<Ticket> {
    let of = |lane: &Lane, key: &String| Ticket {
        key: key.clone(),
        owed: lane.owed(key),
        log: board::log(&storm.world.jira, key),
    };
    lanes.iter().flat_map(|lane| lane.keys().iter().map(move |key| of(lane, key))).collect()
}
