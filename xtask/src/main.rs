//! The project's own chores, one file (or folder) for each: `cargo xtask help`.

mod conformance;

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
    Conformance(conformance::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().chore {
        Chore::Conformance(args) => conformance::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
