//! `conduit events list|show|replay`

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Api, ApiArgs};
use super::table::Table;
use super::why::print_json;
use super::{CliError, Output};
use crate::printable::printable;
use crate::trace::text::mark;
use crate::trace::{Outcome, Reason, Trace, text};

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

/// A page of events, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct EventPage {
    /// What is on it.
    pub(super) events: Vec<EventRow>,
    /// Where the next page begins.
    pub(super) next_cursor: Option<String>,
}

/// An event in a list.
#[derive(Debug, Deserialize)]
pub(super) struct EventRow {
    /// When it came in.
    pub(super) received_at: Timestamp,
    /// The hook it came in by.
    pub(super) hook: String,
    /// What happened.
    pub(super) kind: String,
    /// Its id.
    pub(super) event_id: String,
    repo: String,
    number: Option<u64>,
    outcome: Outcome,
    reason: Reason,
    tickets: Vec<TicketRow>,
}

#[derive(Debug, Deserialize)]
struct TicketRow {
    key: String,
    outcome: Outcome,
}

/// Asks for a page.
pub(super) async fn list<T: DeserializeOwned>(api: &Api, query: &[(&str, String)]) -> Result<T, CliError> {
    api.get(&["conduit", "api", "events"], query).await
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
        let api = self.api.connect()?;
        if output == Output::Json {
            let mut page: Value = list(&api, &query).await?;
            page["schema"] = json!("conduit.events/1");
            return print_json(&page);
        }
        let page: EventPage = list(&api, &query).await?;
        let mut table = Table::new(&["event", "received", "outcome", "what", "repository", "tickets"]);
        for event in &page.events {
            table.row(event.cells());
        }
        table.print("No event matches.");
        if let Some(next) = page.next_cursor {
            eprintln!("more: --cursor {next}");
        }
        Ok(())
    }
}

impl EventRow {
    fn cells(&self) -> [String; 6] {
        let number = self.number.map(|number| format!(" #{number}")).unwrap_or_default();
        let tickets = self.tickets.iter().map(|ticket| format!("{} {}", mark(ticket.outcome), ticket.key));
        [
            self.event_id.clone(),
            format!("{:.0}", self.received_at),
            format!("{} {}", mark(self.outcome), self.reason),
            printable(&self.kind).into_owned(),
            format!("{}{number}", printable(&self.repo)),
            tickets.collect::<Vec<_>>().join(", "),
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
