//! The command line: one file a command.

mod audit;
mod check;
mod client;
mod completion;
mod demo;
mod doctor;
mod error;
mod events;
mod explain;
mod exposed;
mod fmt;
mod graph;
mod healthcheck;
mod hooks;
mod init;
mod output;
mod plan;
mod progress;
mod queue;
mod secrets;
mod serve;
mod store;
mod table;
mod tokens;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub use error::CliError;

use crate::app::dumps;
use crate::settings::{ServeArgs, WorkerArgs};

/// Moves Jira tickets when code moves.
#[derive(Debug, Parser)]
#[command(name = "conduit", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// How to print what was asked for
    #[arg(short, long, global = true, default_value = "text", value_name = "FORMAT")]
    output: Format,
    /// What to do
    #[command(subcommand)]
    command: Command,
}

/// What `-o` may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For scripts; every document carries its `schema`
    Json,
    /// `check` alone: findings as annotations of a GitHub workflow
    Github,
}

impl Format {
    /// The format of a command that knows the two common ones.
    fn common(self) -> Result<Output, CliError> {
        match self {
            Self::Text => Ok(Output::Text),
            Self::Json => Ok(Output::Json),
            Self::Github => Err(CliError::Usage(
                "`-o github` prints findings, and only `conduit check` has any; use `-o text` or `-o json`"
                    .into(),
            )),
        }
    }
}

/// How a command prints its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Text,
    /// For scripts; every document carries its `schema`.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take deliveries in and move tickets
    Serve(Box<ServeArgs>),
    /// Move tickets that another process has taken in
    Worker(Box<WorkerArgs>),
    /// The whole main job on this machine, with nothing to configure
    Demo(demo::DemoArgs),
    /// Look over the rule files
    Check(check::CheckArgs),
    /// Write a first rule file for a project, from the live Jira
    Init(Box<init::InitArgs>),
    /// Hold settings, store, logins and rules against the live Jira
    Doctor(Box<doctor::DoctorArgs>),
    /// Say what a delivery would do; nothing is written
    Plan(Box<plan::PlanArgs>),
    /// Lay the rule files out as all of them are laid out
    Fmt(fmt::FmtArgs),
    /// Tell the long story of a finding
    Explain(explain::ExplainArgs),
    /// Draw a project's machine
    Graph(graph::GraphArgs),
    /// Say why a ticket did, or did not, move
    Why(why::WhyArgs),
    /// Registered repositories
    #[command(subcommand)]
    Hooks(hooks::HooksCommand),
    /// What came in
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// What waits
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Tokens of people and scripts
    #[command(subcommand)]
    Tokens(tokens::TokensCommand),
    /// What is encrypted in the store
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// The store as a whole: copied to another, backed up
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Who did what: hooks, tokens, replays and pauses
    Audit(audit::AuditArgs),
    /// Ask a running service whether it is ready; for containers
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print the completion script for a shell
    Completion(completion::CompletionArgs),
}

/// Runs one command and says how it ended.
pub fn run() -> ExitCode {
    let (command, matches) = (Cli::command(), Cli::command().get_matches());
    for warning in exposed::warnings(&command, &matches).into_iter().chain(dumps::forbid().err()) {
        eprintln!("warning: {warning}");
    }
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command.run(cli.output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}

impl Command {
    fn run(self, format: Format) -> Result<(), CliError> {
        let output = match &self {
            Self::Check(_) => Output::Text, // it goes by the format itself
            _ => format.common()?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(anyhow::Error::from)?;
        runtime.block_on(async {
            match self {
                Self::Serve(args) => serve::serve(*args).await,
                Self::Worker(args) => serve::worker(*args).await,
                Self::Demo(args) => demo::run(args).await,
                Self::Check(args) => check::run(&args, format),
                Self::Init(args) => init::run(*args, output).await,
                Self::Doctor(args) => doctor::run(*args, output).await,
                Self::Plan(args) => plan::run(*args, output).await,
                Self::Fmt(args) => fmt::run(&args, output),
                Self::Explain(args) => explain::run(&args, output),
                Self::Graph(args) => graph::run(args, output).await,
                Self::Why(args) => why::run(args, output).await,
                Self::Hooks(command) => command.run(output).await,
                Self::Events(command) => command.run(output).await,
                Self::Queue(command) => command.run(output).await,
                Self::Tokens(command) => command.run(output).await,
                Self::Secrets(command) => command.run(output).await,
                Self::Store(command) => command.run(output).await,
                Self::Audit(args) => audit::run(args, output).await,
                Self::Healthcheck(args) => healthcheck::run(args).await,
                Self::Completion(args) => {
                    completion::run(&args);
                    Ok(())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
