//! `cargo run --release -p xtask -- load`: what a delivery costs, beside a bare handler that only reads the body and checks
//! its HMAC, in the same run.
//!
//! Both are processes of their own; this process is the sender. All three share the machine's cores, so
//! compare the two rates with each other, not with other machines.

mod bare;
mod flood;
mod generator;
mod processes;

use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

pub(crate) use bare::serve as serve_bare;
use generator::{Figures, Target};
use processes::{Child, Redis};

use crate::instance::SECRET;
use crate::process;

/// The flags of `cargo xtask load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Connections that send at once
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// Seconds of each run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Runs of each, in turn; the medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The store
    #[arg(long, value_enum, default_value_t = StoreKind::Redis)]
    store: StoreKind,
    /// Redis' appendfsync
    #[arg(long, default_value = "everysec", value_parser = ["no", "everysec", "always"])]
    appendfsync: String,
    /// Genuine deliveries at a steady rate, without and with a flood of forged ones, instead of the comparison
    #[arg(long)]
    flood: bool,
    /// Genuine deliveries a second in a flood
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    genuine: u32,
    /// Addresses that forge in a flood
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..255))]
    forgers: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreKind {
    Redis,
    Sqlite,
}

/// Runs both in turn and prints their figures.
pub(crate) async fn run(args: &LoadArgs) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        // The sender and the yardstick would be the bottleneck.
        anyhow::bail!("to measure, run the release build: cargo run --release -p xtask -- load");
    }
    if args.flood {
        return flood::run(args).await;
    }
    let program = process::build_conduit()?;
    let folder = tempfile::tempdir()?;
    let redis = match args.store {
        StoreKind::Redis => Some(Redis::start(folder.path(), &args.appendfsync).await?),
        StoreKind::Sqlite => None,
    };
    let bare = Child::bare().await?;
    let conduit = Child::conduit(&program, folder.path(), redis.as_ref().map(Redis::url)).await?;
    conduit.register_hook().await?;
    let idle = conduit.memory_kib("VmRSS")?;

    let mut runs = [Vec::new(), Vec::new()];
    for round in 1..=args.rounds {
        for (child, figures) in [&bare, &conduit].into_iter().zip(&mut runs) {
            let target = Target { address: child.address, path: child.path, secret: SECRET };
            let seconds = Duration::from_secs(args.seconds);
            let run = generator::run(&target, args.connections, seconds).await;
            let run = run.with_context(|| format!("loading {}", child.name))?;
            println!("round {round}  {:<8} {run}", child.name);
            figures.push(run);
        }
    }
    let [bare_runs, conduit_runs] = runs;
    report(&bare_runs, &conduit_runs);
    println!("memory of serve: {} MB idle, {} MB peak", idle / 1024, conduit.memory_kib("VmHWM")? / 1024);
    Ok(())
}

fn report(bare: &[Figures], conduit: &[Figures]) {
    let (bare, conduit) = (Figures::median(bare), Figures::median(conduit));
    println!("median   bare     {bare}");
    println!("median   conduit  {conduit}");
    println!("conduit handles {:.2} of the bare handler's rate", conduit.per_second / bare.per_second);
}
