//! `conduit events list|show`

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{EventPage, EventRow, Filters, list};
use crate::cli::client::ApiArgs;
use crate::cli::output::say;
use crate::cli::table::Table;
use crate::cli::why::print_json;
use crate::cli::{CliError, Output};
use crate::printable::printable;
use crate::trace::text::mark;
use crate::trace::{Trace, text};

/// How many of an event's tickets a line names: a release may have a thousand.
const MOST_NAMED: usize = 8;

/// The flags of `events list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Which.
    #[command(flatten)]
    filters: Filters,
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
pub(in crate::cli) struct Show {
    /// The event's id
    id: String,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

impl List {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        let mut query = self.filters.query();
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        query.push(("limit", self.limit.to_string()));
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
        [
            self.event_id.clone(),
            format!("{:.0}", self.received_at),
            format!("{} {}", mark(self.outcome), self.reason),
            printable(&self.kind).into_owned(),
            format!("{}{number}", printable(&self.repo)),
            self.which(),
        ]
    }

    /// Its tickets; of very many only how many there are.
    fn which(&self) -> String {
        let marked = self.tickets.iter().map(|ticket| (mark(ticket.outcome), &ticket.key));
        if self.tickets.len() <= MOST_NAMED {
            return marked.map(|(mark, key)| format!("{mark} {key}")).collect::<Vec<_>>().join(", ");
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for (mark, _) in marked {
            match counts.iter_mut().find(|(counted, _)| *counted == mark) {
                Some((_, count)) => *count += 1,
                None => counts.push((mark, 1)),
            }
        }
        let counts: Vec<_> = counts.iter().map(|(mark, count)| format!("{mark} {count}")).collect();
        format!("{} tickets: {}", self.tickets.len(), counts.join(", "))
    }
}

impl Show {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        let trace: Value = self.api.connect()?.get(&["conduit", "api", "events", &self.id], &[]).await?;
        if output == Output::Json {
            return print_json(&trace);
        }
        let trace: Trace = serde_json::from_value(trace).map_err(anyhow::Error::from)?;
        say!("{}", text::render(&trace, Timestamp::now()));
        Ok(())
    }
}
