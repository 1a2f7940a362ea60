//! `conduit graph PROJECT`

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};

use super::client::ApiArgs;
use super::why::print_json;
use super::{CliError, Output};
use crate::app::rules::Config;
use crate::cli::output::say;
use crate::machine::draw::{self, Graph};
use crate::machine::{Machine, RuleSet};
use crate::printable::printable;
use crate::settings::ConfigArgs;
use crate::trace::{Outcome, Reason, TicketTrace, Trace};

/// The flags of `conduit graph`.
#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    /// A project's key, in either case
    project: String,
    /// How to draw it [default: text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Show where this ticket was last seen; asks the service
    #[arg(long, value_name = "KEY")]
    ticket: Option<String>,
    /// The rules.
    #[command(flatten)]
    config: ConfigArgs,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// What to draw it as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// For a Markdown page
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Prints a project's machine.
pub(super) async fn run(args: GraphArgs, output: Output) -> Result<(), CliError> {
    if output == Output::Json && args.format.is_some() {
        return Err(CliError::Usage("--format and `-o json` name two formats: keep one".into()));
    }
    let rules = rules(&args.config)?;
    let machine = machine(&rules, &args.project)?;
    let mut graph = Graph::of(machine);
    if let Some(key) = &args.ticket {
        let key = key.to_ascii_uppercase();
        belongs(&key, machine)?;
        let status = last_seen(&args.api, &key).await?;
        graph = graph.with_ticket(machine, &key, status.as_deref());
        say_unless_shown(&graph);
    }
    if output == Output::Json {
        return print_json(&graph);
    }
    say!("{}", render(&graph, args.format.unwrap_or(Format::Text)));
    Ok(())
}

fn render(graph: &Graph, format: Format) -> String {
    match format {
        Format::Text => draw::text(graph),
        Format::Mermaid => draw::mermaid(graph),
        Format::Dot => draw::dot(graph),
        Format::Svg => draw::svg(graph),
    }
}

/// The rules; mistakes in them are printed as `check` prints them.
fn rules(args: &ConfigArgs) -> Result<RuleSet, CliError> {
    let config = Config::read(&args.config)?;
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let findings = config.findings(color);
    config.rules.ok_or_else(|| {
        eprint!("{findings}");
        CliError::Findings
    })
}

fn machine<'r>(rules: &'r RuleSet, project: &str) -> Result<&'r Machine, CliError> {
    let key = project.to_ascii_uppercase();
    rules.machine(&key).ok_or_else(|| {
        let help = match rules.nearest_project(&key) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are: {}", rules.projects().collect::<Vec<_>>().join(", ")),
        };
        CliError::NotFound(format!(
            "no rule file has a machine for `{}`; {}",
            printable(project),
            printable(&help)
        ))
    })
}

fn belongs(key: &str, machine: &Machine) -> Result<(), CliError> {
    match key.rsplit_once('-') {
        Some((project, _)) if project == machine.project => Ok(()),
        _ => Err(CliError::Usage(format!(
            "--ticket: {} is not a ticket of {}",
            printable(key),
            printable(&machine.project)
        ))),
    }
}

/// The status in which the newest event that looked at the ticket left it.
async fn last_seen(api: &ApiArgs, key: &str) -> Result<Option<String>, CliError> {
    let traces: Vec<Trace> = api.connect()?.get(&["conduit", "api", "tickets", key], &[]).await?;
    let entries = traces.iter().flat_map(|trace| &trace.tickets).filter(|ticket| ticket.key == key);
    let newest = entries.into_iter().find(|ticket| status_at_decision(ticket).is_some());
    Ok(newest.and_then(status_after).map(str::to_owned))
}

fn status_at_decision(ticket: &TicketTrace) -> Option<&str> {
    ticket.status.as_ref().map(|seen| seen.name.as_str()).or(ticket.from.as_deref())
}

/// Where a ticket stands after an event; `None` where the trace cannot tell.
fn status_after(ticket: &TicketTrace) -> Option<&str> {
    let unsettled = matches!(ticket.outcome, Outcome::Waiting | Outcome::Dead)
        && ticket.attempts.iter().any(|attempt| attempt.call == "transition");
    match ticket.reason {
        Reason::Moved => ticket.to.as_deref(),
        Reason::PartialPath | Reason::MovedByOther => None,
        _ if unsettled => None,
        _ => status_at_decision(ticket),
    }
}

/// Says on standard error why a ticket is not in the picture, where it is not.
fn say_unless_shown(graph: &Graph) {
    let Some(ticket) = &graph.ticket else { return };
    let key = printable(&ticket.key);
    match (&ticket.status, &ticket.state) {
        (_, Some(_)) => {}
        (Some(status), None) => {
            eprintln!(
                "{key} was last seen in \"{}\", which no alias of this machine names",
                printable(status)
            );
        }
        (None, _) => eprintln!("where {key} stands is unknown: no recorded event tells"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::trace::{Attempt, StatusSeen};

    fn ticket(outcome: Outcome, reason: Reason) -> TicketTrace {
        let status = StatusSeen { name: "To Do".into(), alias: None, source: "live".into() };
        TicketTrace {
            outcome,
            reason,
            from: Some("To Do".into()),
            to: Some("Done".into()),
            status: Some(status),
            ..TicketTrace::queued("SHOP-1", Vec::new(), Timestamp::UNIX_EPOCH)
        }
    }

    #[test]
    fn a_ticket_stands_where_its_event_left_it() {
        let after = |outcome, reason| status_after(&ticket(outcome, reason)).map(str::to_owned);
        assert_eq!(after(Outcome::Moved, Reason::Moved).as_deref(), Some("Done"));
        assert_eq!(after(Outcome::NothingToDo, Reason::NoEdge).as_deref(), Some("To Do"));
        assert_eq!(after(Outcome::Failed, Reason::FieldsRequired).as_deref(), Some("To Do"));
    }

    #[test]
    fn a_move_that_may_or_may_not_have_happened_tells_nothing() {
        let mut waiting = ticket(Outcome::Waiting, Reason::Jira5xx);
        assert_eq!(status_after(&waiting), Some("To Do"), "nothing was asked of Jira yet");
        let call = "transition".to_owned();
        waiting.attempts =
            vec![Attempt { at: Timestamp::UNIX_EPOCH, call, status: Some(502), ms: 9, note: None }];
        assert_eq!(status_after(&waiting), None);
        assert_eq!(status_after(&ticket(Outcome::Failed, Reason::PartialPath)), None);
        assert_eq!(status_after(&ticket(Outcome::Skipped, Reason::MovedByOther)), None);
    }
}
