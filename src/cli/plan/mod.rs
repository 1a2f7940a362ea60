//! `conduit plan EVENT`: what a delivery would do, told in the manner of `terraform plan`.
//!
//! | file | what it does |
//! |---|---|
//! | `given` | which events: files, a folder, recorded ones |
//! | `standing` | where each ticket stands: said, recorded, read from Jira, or assumed |
//! | `compare` | what would differ from what did happen |
//! | `expect` | `--expect`, for CI |
//! | `text` | the plan as people read it |
//!
//! It decides nothing itself: [`Planner`] asks what a worker asks. Nor can it write: it holds Jira as
//! [`ReadOnly`](crate::worker::processor::ReadOnly) or not at all.
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

mod compare;
mod expect;
mod given;
mod standing;
mod text;

use std::path::PathBuf;

use clap::Args;

use self::compare::Difference;
use self::expect::Expectation;
use self::given::Given;
use self::standing::{Said, Standing};
use super::client::ApiArgs;
use super::why::print_json;
use super::{CliError, Output};
use crate::app::rules::Config;
use crate::app::sites;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::settings::{ConfigArgs, JiraArgs, WorkersFile};
use crate::trace::{Trace, Verdict};
use crate::worker::plan::{Fan, Part, Planned, Planner};

/// The flags of `conduit plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A payload (JSON), a folder of them, or a recorded event's id
    #[arg(value_name = "EVENT", required_unless_present = "since")]
    what: Option<String>,
    /// What the payload tells of, as the forge names it: pull_request, release, … [default: the beginning of the
    /// file's name]
    #[arg(long, value_name = "NAME", conflicts_with = "since")]
    event: Option<String>,
    /// The forge that made the payload
    #[arg(long, default_value = "github", value_name = "NAME")]
    provider: String,
    /// Every recorded event since this time, or of this last length of time (2h, 7d)
    #[arg(long, value_name = "TIME", conflicts_with = "what")]
    since: Option<String>,
    /// Of those, the ones of this repository
    #[arg(long, value_name = "OWNER/NAME", requires = "since")]
    repo: Option<String>,
    /// Of those, the ones that name this issue key
    #[arg(long, value_name = "KEY", requires = "since")]
    ticket: Option<String>,
    /// Of those, the ones that ended so
    #[arg(long, requires = "since")]
    outcome: Option<String>,
    /// Plan with the rules of this configuration folder instead of --config
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// The rules in force.
    #[command(flatten)]
    config: ConfigArgs,
    /// Where a ticket stands, by alias or by status: SHOP-42="In Progress"
    #[arg(long, value_name = "KEY=STATUS")]
    status: Vec<Said>,
    /// Ask Jira where the tickets stand; only reads
    #[arg(long)]
    live: bool,
    /// Show only what would differ from what did happen
    #[arg(long)]
    compare: bool,
    /// Fail unless the ticket would move to this alias, or with `none` would not move: SHOP-42=done
    #[arg(long, value_name = "KEY=ALIAS|none")]
    expect: Vec<Expectation>,
    /// Jira, for --live.
    #[command(flatten)]
    jira: JiraArgs,
    /// The service, for recorded events.
    #[command(flatten)]
    api: ApiArgs,
}

/// What one event would do.
struct Plan {
    /// What to call the event.
    name: String,
    trace: Trace,
    /// The tickets of the trace, with what a trace does not hold.
    tickets: Vec<Planned>,
    /// What did happen.
    recorded: Option<Trace>,
}

/// Prints the plan; `--expect` decides the exit code.
pub(super) async fn run(args: PlanArgs, output: Output) -> Result<(), CliError> {
    let config = Config::read(args.rules.as_deref().unwrap_or(&args.config.config))?;
    let (workers, rules) = sound(config)?;
    let map = sites::map(&workers).map_err(anyhow::Error::from)?;
    let planner = Planner::new(&rules, &map);
    let mut standing = Standing::new(&args.status);
    if args.live {
        standing.ask(sites::read_only(&workers, &args.jira.site(), &Clock::system())?);
    }
    let events = given::events(&args).await?;
    if args.compare && events.iter().any(|event| event.recorded.is_none()) {
        return Err(CliError::Usage(
            "--compare: a file was never delivered; give a recorded event's id, or --since".into(),
        ));
    }
    let mut plans = Vec::new();
    for event in events {
        plans.push(plan(&planner, event, &mut standing).await);
    }
    print(&args, &plans, output)?;
    conclude(&args.expect, &plans, &standing)
}

fn sound(config: Config) -> Result<(WorkersFile, crate::machine::RuleSet), CliError> {
    let findings = config.findings(false);
    let mistakes = || anyhow::anyhow!("the rules have mistakes, so nothing can be planned\n\n{findings}");
    Ok((config.workers, config.rules.ok_or_else(mistakes)?))
}

async fn plan(planner: &Planner<'_>, given: Given, standing: &mut Standing) -> Plan {
    let Given { name, mut trace, event, projects, recorded } = given;
    let Some(event) = event else { return Plan { name, trace, tickets: Vec::new(), recorded } };
    let Fan { parts, ignored, verdict, detail } = planner.fan_out(&event, projects.as_deref());
    let mut tickets = Vec::new();
    for part in parts {
        tickets.push(match part {
            Part::Settled(trace) => (*trace).into(),
            Part::Job(job) => standing.plan(planner, &event, &job, recorded.as_ref()).await,
        });
    }
    trace.tickets = tickets.iter().map(|ticket| ticket.trace.clone()).collect();
    trace.ignored_keys = ignored;
    trace.detail = detail;
    let own = trace.tickets.iter().map(|t| Verdict { outcome: t.outcome, reason: t.reason });
    if let Some(Verdict { outcome, reason }) = Verdict::gravest(own).or(verdict) {
        (trace.outcome, trace.reason) = (outcome, reason);
    }
    Plan { name, trace, tickets, recorded }
}

fn print(args: &PlanArgs, plans: &[Plan], output: Output) -> Result<(), CliError> {
    if output == Output::Text {
        say!("{}", text::render(plans, args.compare, args.live));
        return Ok(());
    }
    if args.compare {
        return print_json(&compare::json(plans));
    }
    let traces: Vec<_> = plans.iter().map(|plan| &plan.trace).collect();
    match traces.as_slice() {
        [one] if args.asks_for_one() => print_json(one),
        all => print_json(&all),
    }
}

fn conclude(expected: &[Expectation], plans: &[Plan], standing: &Standing) -> Result<(), CliError> {
    let unmet: Vec<_> = expected.iter().filter_map(|one| one.unmet(plans)).collect();
    for sentence in &unmet {
        eprintln!("expected otherwise: {sentence}");
    }
    if let Some(why) = standing.unreachable() {
        return Err(CliError::Unreachable(why.to_owned()));
    }
    if unmet.is_empty() { Ok(()) } else { Err(CliError::Findings) }
}

impl PlanArgs {
    /// Whether a single event is asked for: a folder of one file is still a folder.
    fn asks_for_one(&self) -> bool {
        self.what.as_ref().is_some_and(|what| !std::path::Path::new(what).is_dir())
    }
}

impl Plan {
    /// How each ticket's plan compares with what did happen to it; one entry for an event without tickets.
    fn differences(&self) -> Vec<Difference> {
        self.recorded.as_ref().map(|recorded| compare::all(recorded, &self.trace)).unwrap_or_default()
    }
}
