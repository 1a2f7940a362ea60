//! `conduit audit`
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::ApiArgs;
use super::table::Table;
use super::why::print_json;
use super::{CliError, Output};
use crate::printable::printable;
use crate::store::{Action, AuditEntry};

/// The flags of `conduit audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Only since then: a time, or an age such as 2h or 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only by the token of this name
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only this: registered, imported, rotated, removed, replayed, paused, resumed, token_made, token_revoked, rekeyed
    #[arg(long, value_name = "ACTION")]
    action: Option<Action>,
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

#[derive(Serialize, Deserialize)]
struct Page {
    entries: Vec<AuditEntry>,
    next_cursor: Option<String>,
}

/// Prints a page of the audit log, the newest first.
pub(super) async fn run(args: AuditArgs, output: Output) -> Result<(), CliError> {
    let AuditArgs { since, who, action, limit, cursor, api } = args;
    let action = action.map(|action| action.to_string());
    let filters = [("since", since), ("who", who), ("action", action), ("cursor", cursor)];
    let mut query: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    query.push(("limit", limit.to_string()));
    let page: Page = api.connect()?.get(&["conduit", "api", "audit"], &query).await?;
    if output == Output::Json {
        let Page { entries, next_cursor } = page;
        return print_json(
            &json!({ "schema": "conduit.audit/1", "entries": entries, "next_cursor": next_cursor }),
        );
    }
    let mut table = Table::new(&["when", "who", "what", "to", "from"]);
    for entry in &page.entries {
        table.row(cells(entry));
    }
    table.print("No entry of the audit log matches.");
    if let Some(next) = page.next_cursor {
        eprintln!("more: --cursor {next}");
    }
    Ok(())
}

fn cells(entry: &AuditEntry) -> [String; 5] {
    let mark = if entry.refused { "✗ refused: " } else { "" };
    [
        format!("{:.0}", entry.at),
        printable(&entry.who).into_owned(),
        format!("{mark}{}", entry.action),
        printable(&entry.target).into_owned(),
        entry.from.clone().unwrap_or_default(),
    ]
}
