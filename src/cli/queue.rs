//! `conduit queue status|pause|resume`

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::ApiArgs;
use super::why::print_json;
use super::{CliError, Output};
use crate::printable::printable;
use crate::store::QueueStatus;

/// What to do with what waits.
#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    /// Say what waits, and for how long
    Status(Status),
    /// Stop work on a site; deliveries are taken in all the same
    Pause(Site),
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

/// The flags of `queue pause` and `queue resume`.
#[derive(Debug, Args)]
pub(super) struct Site {
    /// The site's name in workers.yaml
    #[arg(default_value = "atlassian")]
    site: String,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

impl QueueCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Status(args) => args.run(output).await,
            Self::Pause(site) => site.order("pause", "stands still", output).await,
            Self::Resume(site) => site.order("resume", "goes on", output).await,
        }
    }
}

impl Status {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let queue: QueueStatus = self.api.connect()?.get(&["conduit", "api", "queue"], &[]).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.queue/1", "queue": queue }));
        }
        println!(
            "{} events to fan out · {} tickets ready · {} being worked on · {} waiting for a retry · {} dead",
            queue.inbox, queue.ready, queue.leased, queue.delayed, queue.dead
        );
        println!("oldest unfinished: {} s", queue.oldest_seconds);
        for site in &queue.paused {
            println!("! {} stands still since {}: {}", site.site, site.since, printable(&site.why));
        }
        Ok(())
    }
}

impl Site {
    async fn order(self, order: &str, done: &str, output: Output) -> Result<(), CliError> {
        let body = json!({ "site": self.site });
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
