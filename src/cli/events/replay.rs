//! `conduit events replay`: of one event, or of all that match.

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::selection::Wanted;
use super::{Filters, many};
use crate::cli::client::{Api, ApiArgs};
use crate::cli::why::print_json;
use crate::cli::{CliError, Output};
use crate::store::ReplayScope;

/// The flags of `events replay`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// The event's id; or say which events by filters
    #[arg(required_unless_present_any = ["ticket", "repo", "outcome", "since"], conflicts_with_all = ["ticket", "repo", "outcome", "since"])]
    id: Option<String>,
    /// Which.
    #[command(flatten)]
    filters: Filters,
    /// Only the tickets whose rule says where to: a second run changes nothing
    #[arg(long, value_enum, conflicts_with = "id")]
    only: Option<Only>,
    /// Every ticket, also those that moved
    #[arg(long)]
    force: bool,
    /// With --force: also tickets that a rule moved one step on; they move another step
    #[arg(long, requires = "force")]
    second_step: bool,
    /// Refuse to send more events than this through at once
    #[arg(long, default_value_t = 1000, conflicts_with = "id")]
    limit: usize,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// What `--only` may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Tickets for which a second run changes nothing
    Safe,
}

impl Replay {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        if self.api.takes_stdin() && self.id.is_none() && !self.yes {
            return Err(CliError::Usage(
                "--token -: standard input has the token, so the question cannot be answered there: add --yes"
                    .into(),
            ));
        }
        let api = self.api.connect()?;
        let wanted = self.wanted();
        match &self.id {
            Some(id) => one(&api, id, &wanted, output).await,
            None => many::run(&api, &self.filters.query(), self.limit, &wanted, self.yes, output).await,
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            scope: if self.force { ReplayScope::All } else { ReplayScope::Unfinished },
            among: self.filters.ticket.iter().map(|key| key.to_ascii_uppercase()).collect(),
            safe_only: self.only == Some(Only::Safe),
            second_step: self.second_step,
        }
    }
}

async fn one(api: &Api, id: &str, wanted: &Wanted, output: Output) -> Result<(), CliError> {
    let answer = send(api, id, wanted, &[]).await?;
    if output == Output::Json {
        return print_json(&json!({ "schema": "conduit.replay/1", "replay": answer }));
    }
    eprintln!("Queued again. See how it goes:  conduit why {id}");
    Ok(())
}

/// Sends these tickets of an event through again; none named: all that the scope takes.
pub(super) async fn send(
    api: &Api,
    id: &str,
    wanted: &Wanted,
    tickets: &[String],
) -> Result<Value, CliError> {
    let force = wanted.scope == ReplayScope::All;
    let body = json!({ "force": force, "second_step": wanted.second_step, "tickets": tickets });
    api.call(Method::POST, &["conduit", "api", "events", id, "replay"], Some(body)).await
}
