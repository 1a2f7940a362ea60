//! `conduit queue status|pause|resume`

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::ApiArgs;
use super::why::print_json;
use super::{CliError, Output};
use crate::cli::output::sayln;
use crate::printable::printable;
use crate::store::{PauseKind, PausedSite, QueueStatus};

/// What to do with what waits.
#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    /// Say what waits, and for how long
    Status(Status),
    /// Stop work on a site; deliveries are taken in all the same
    Pause(Halt),
    /// Let a site go on
    Resume(Site),
}

/// The flags of `queue status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// Which site, and where the service is.
#[derive(Debug, Args)]
pub(super) struct Site {
    /// The site's name in workers.yaml
    #[arg(default_value = "atlassian")]
    site: String,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `queue pause`.
#[derive(Debug, Args)]
pub(super) struct Halt {
    /// Which site.
    #[command(flatten)]
    site: Site,
    /// Why, for whoever wonders
    #[arg(long)]
    why: Option<String>,
}

impl QueueCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Status(args) => args.run(output).await,
            Self::Pause(Halt { site, why }) => site.order("pause", why, "stands still", output).await,
            Self::Resume(site) => site.order("resume", None, "goes on", output).await,
        }
    }
}

impl Status {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let queue: QueueStatus = self.api.connect()?.get(&["conduit", "api", "queue"], &[]).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.queue/1", "queue": queue }));
        }
        sayln!(
            "{} events to fan out · {} tickets ready · {} being worked on · {} waiting for a retry · {} dead",
            queue.inbox,
            queue.ready,
            queue.leased,
            queue.delayed,
            queue.dead
        );
        sayln!("oldest unfinished: {} s", queue.oldest_seconds);
        for site in &queue.paused {
            sayln!("! {}", sentence(site));
        }
        Ok(())
    }
}

/// Why a site stands still, and what ends it.
fn sentence(paused: &PausedSite) -> String {
    let PausedSite { site, kind, why, since, until, .. } = paused;
    let end = match (kind, until) {
        (PauseKind::Operator, _) => format!("until `conduit queue resume {site}`"),
        (_, Some(until)) => format!("asked again at {until:.0}"),
        (_, None) => "until it answers".to_owned(),
    };
    format!("{site} stands still since {since:.0} ({kind}), {end}: {}", printable(why))
}

impl Site {
    async fn order(
        self,
        order: &str,
        why: Option<String>,
        done: &str,
        output: Output,
    ) -> Result<(), CliError> {
        let body = match why {
            Some(why) => json!({ "site": self.site, "why": why }),
            None => json!({ "site": self.site }),
        };
        let path = ["conduit", "api", "queue", order];
        let answer: Value = self.api.connect()?.call(Method::POST, &path, Some(body)).await?;
        if output == Output::Json {
            return print_json(
                &json!({ "schema": "conduit.queue_order/1", "order": order, "answer": answer }),
            );
        }
        eprintln!("{} {done}.", self.site);
        Ok(())
    }
}
