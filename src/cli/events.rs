//! `conduit events list|show|replay`

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Api, ApiArgs};
use super::table::Table;
use super::why::print_json;
use super::{CliError, Output};
use crate::trace::text::mark;
use crate::trace::{Trace, printable, text};

/// What to do with what came in.
#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// List events, newest first
    List(List),
    /// Show one event's trace
    Show(Show),
    /// Send an event's failed and dead tickets through again
    Replay(Replay),
}

/// The flags of `events list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Events that name this issue key
    #[arg(long, value_name = "KEY")]
    ticket: Option<String>,
    /// Events of this repository
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// Events that ended so, or are `waiting`
    #[arg(long)]
    outcome: Option<String>,
    /// Events since this time, or of this last length of time (2h, 7d)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u16,
    /// Where the last page ended
    #[arg(long)]
    cursor: Option<String>,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `events show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The event's id
    id: String,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `events replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The event's id
    id: String,
    /// Every ticket, also those that moved: a rule that fires an edge moves them once more
    #[arg(long)]
    force: bool,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// A page of events.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventPage {
    /// Newest first.
    pub(super) events: Vec<EventRow>,
    /// Where the next page begins.
    next: Option<String>,
}

/// An event in a list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventRow {
    /// When it came in.
    pub(super) received_at: Timestamp,
    /// Where it is on its way.
    state: String,
    /// Its trace; a list leaves the tickets' details out.
    #[serde(flatten)]
    trace: Trace,
}

impl EventRow {
    /// Asks for a page.
    pub(super) async fn list(api: &Api, query: &[(&str, String)]) -> Result<EventPage, CliError> {
        api.get(&["conduit", "api", "events"], query).await
    }

    /// The hook it came in by.
    pub(super) fn hook(&self) -> Option<&String> {
        self.trace.received.as_ref().map(|received| &received.hook)
    }

    /// What happened.
    pub(super) fn kind(&self) -> &str {
        self.trace.event.as_ref().map_or("not understood", |event| &event.kind)
    }
}

impl EventsCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(output).await,
            Self::Show(args) => args.run(output).await,
            Self::Replay(args) => args.run(output).await,
        }
    }
}

impl List {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let filters = [
            ("ticket", self.ticket),
            ("repo", self.repo),
            ("outcome", self.outcome),
            ("since", self.since),
            ("cursor", self.cursor),
            ("limit", Some(self.limit.to_string())),
        ];
        let query: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page = EventRow::list(&self.api.connect()?, &query).await?;
        if output == Output::Json {
            return print_json(
                &json!({ "schema": "conduit.events/1", "events": page.events, "next": page.next }),
            );
        }
        let mut table = Table::new(&["event", "received", "outcome", "what", "repository", "tickets"]);
        for event in &page.events {
            table.row(event.cells());
        }
        table.print("No event matches.");
        if let Some(next) = page.next {
            eprintln!("more: --cursor {next}");
        }
        Ok(())
    }
}

impl EventRow {
    fn cells(&self) -> [String; 6] {
        let trace = &self.trace;
        let event = trace.event.as_ref();
        let number = event.and_then(|e| e.number).map(|n| format!(" #{n}")).unwrap_or_default();
        let repo = event.and_then(|e| e.repo.as_deref()).map(printable).unwrap_or_default();
        let tickets: Vec<_> =
            trace.tickets.iter().map(|t| format!("{} {}", mark(t.outcome), t.key)).collect();
        [
            trace.event_id.clone(),
            format!("{:.0}", self.received_at),
            format!("{} {}", mark(trace.outcome), trace.reason),
            printable(self.kind()).into_owned(),
            format!("{repo}{number}"),
            tickets.join(", "),
        ]
    }
}

impl Show {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let trace: Value = self.api.connect()?.get(&["conduit", "api", "events", &self.id], &[]).await?;
        if output == Output::Json {
            return print_json(&trace);
        }
        let trace: Trace = serde_json::from_value(trace).map_err(anyhow::Error::from)?;
        print!("{}", text::render(&trace, Timestamp::now()));
        Ok(())
    }
}

impl Replay {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let path = ["conduit", "api", "events", &self.id, "replay"];
        let body = json!({ "force": self.force });
        let answer: Value = self.api.connect()?.call(Method::POST, &path, Some(body)).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.replay/1", "replay": answer }));
        }
        eprintln!("Queued again. See how it goes:  conduit why {}", self.id);
        Ok(())
    }
}
