//! The project's own chores, one file (or folder) for each: `cargo xtask help`.

mod cargo;
mod chaos;
mod conformance;
mod deps;
mod dist;
mod instance;
mod load;
mod measure;
mod process;
mod sbom;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test; on a bare Debian machine, install the redis-server they need
    Test(test::TestArgs),
    /// Hold the lock file against deny.toml
    Deps,
    /// Write down what the program is made of, as a software bill of materials
    Sbom(sbom::SbomArgs),
    /// Build what a release ships: the program, the same bytes from the same sources, its SBOM and their hashes
    Dist(dist::DistArgs),
    Conformance(conformance::Args),
    /// The proof: kill and hold everything at random, then hold Jira's history against what was accepted
    Chaos(chaos::ChaosArgs),
    /// Measure the queue: draining, memory, claims, the time from accepted to moved
    Measure(measure::MeasureArgs),
    /// Measure deliveries per second beside a bare handler, in the same run
    Load(load::LoadArgs),
    /// The bare handler that `load` measures beside Conduit
    #[command(hide = true)]
    LoadBare {
        /// Where it listens on 127.0.0.1
        port: u16,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().chore {
        Chore::Test(args) => done(test::run(&args)),
        Chore::Deps => done(deps::run()),
        Chore::Sbom(args) => done(sbom::run(&args)),
        Chore::Dist(args) => done(dist::run(&args)),
        Chore::Conformance(args) => conformance::run(&args),
        Chore::Chaos(args) => runtime().and_then(|runtime| runtime.block_on(chaos::run(&args))),
        Chore::Measure(args) => done(runtime().and_then(|runtime| runtime.block_on(measure::run(&args)))),
        Chore::Load(args) => done(runtime().and_then(|runtime| runtime.block_on(load::run(&args)))),
        Chore::LoadBare { port } => {
            done(runtime().and_then(|runtime| runtime.block_on(load::serve_bare(port))))
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn done(outcome: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
