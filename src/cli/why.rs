//! `conduit why TICKET-or-EVENT`

use clap::Args;
use jiff::Timestamp;

use super::client::ApiArgs;
use super::{CliError, Output};
use crate::cli::output::{say, sayln};
use crate::store::EventId;
use crate::trace::{Trace, text};

/// The flags of `conduit why`.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// An issue key (SHOP-42) or an event's id
    ticket_or_event: String,
    /// Show every event that named the ticket, not only the newest
    #[arg(long)]
    all: bool,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// Prints the trace of an event, or the newest of those that named a ticket.
pub(super) async fn run(args: WhyArgs, output: Output) -> Result<(), CliError> {
    let api = args.api.connect()?;
    if let Some(id) = EventId::parse(&args.ticket_or_event) {
        let trace: Trace = api.get(&["conduit", "api", "events", id.as_str()], &[]).await?;
        return print(&trace, &trace, output);
    }
    let key = args.ticket_or_event.to_ascii_uppercase();
    let traces: Vec<Trace> = api.get(&["conduit", "api", "tickets", &key], &[]).await?;
    if traces.is_empty() {
        return Err(CliError::NotFound(format!(
            "no recorded event names {key}: nothing came in for it, or it is older than the retention"
        )));
    }
    if output == Output::Json {
        return print_json(&traces);
    }
    let shown = if args.all { traces.len() } else { 1 };
    for trace in traces.iter().take(shown) {
        say!("{}", text::render(&only(trace, &key), Timestamp::now()));
    }
    if traces.len() > shown {
        let earlier = traces.len() - shown;
        let events = if earlier == 1 { "event" } else { "events" };
        eprintln!("{earlier} earlier {events} named {key}: conduit why {key} --all");
    }
    Ok(())
}

/// The trace with this ticket alone.
fn only(trace: &Trace, key: &str) -> Trace {
    let tickets = trace.tickets.iter().filter(|ticket| ticket.key == key).cloned().collect();
    Trace { tickets, ..trace.clone() }
}

fn print<T: serde::Serialize>(json: &T, trace: &Trace, output: Output) -> Result<(), CliError> {
    match output {
        Output::Json => print_json(json),
        Output::Text => {
            say!("{}", text::render(trace, Timestamp::now()));
            Ok(())
        }
    }
}

pub(super) fn print_json<T: serde::Serialize>(value: &T) -> Result<(), CliError> {
    sayln!("{}", serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?);
    Ok(())
}
