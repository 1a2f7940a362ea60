//! `conduit events list|show|replay`

mod list;
mod many;
mod replay;
mod selection;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Api;
use super::{CliError, Output};
use crate::store::EventState;
use crate::trace::{Outcome, Reason};

/// What to do with what came in.
#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// List events, newest first
    List(list::List),
    /// Show one event's trace
    Show(list::Show),
    /// Send failed and dead tickets through again: of one event, or of all that match
    Replay(replay::Replay),
}

/// Which events.
#[derive(Debug, Clone, Args)]
struct Filters {
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
}

impl Filters {
    fn query(&self) -> Vec<(&'static str, String)> {
        let filters = [
            ("ticket", &self.ticket),
            ("repo", &self.repo),
            ("outcome", &self.outcome),
            ("since", &self.since),
        ];
        filters.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
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
    state: EventState,
    outcome: Outcome,
    reason: Reason,
    tickets: Vec<TicketRow>,
}

#[derive(Debug, Deserialize)]
struct TicketRow {
    key: String,
    site: String,
    outcome: Outcome,
    reason: Reason,
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
