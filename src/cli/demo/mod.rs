//! `conduit demo`: the whole main job on this machine, with nothing to configure.
//!
//! Everything is real but Jira: the service, its embedded store and its API are those of `conduit serve`,
//! the deliveries are shaped and signed as GitHub's are and go over HTTP. Jira is the simulator that the
//! tests use.

mod report;
mod story;
mod world;

use clap::Args;

use super::CliError;
use crate::telemetry::{LogFormat, init_logs};
use world::World;

/// The flags of `conduit demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Leave everything running to play with
    #[arg(long)]
    keep: bool,
    /// What to log beside the story
    #[arg(long, default_value = "error", value_name = "FILTER")]
    log: String,
}

/// Tells the story, and stays if asked to.
pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    init_logs(&args.log, LogFormat::Text).map_err(|error| CliError::Usage(format!("--log: {error}")))?;
    let world = World::start(args.keep).await?;
    report::begin(&world);
    let mut told = Vec::new();
    for step in story::steps() {
        let answer = world.deliver(&step.delivery).await?;
        let trace = match &answer.event_id {
            Some(id) => Some(world.finished(id).await?),
            None => None,
        };
        report::step(&step, &answer, trace.as_ref());
        told.push((step, answer, trace));
    }
    report::summary(&told);
    if args.keep {
        report::how_to_play(&world);
        return Ok(world.keep().await?);
    }
    report::next();
    world.end().await;
    Ok(())
}
