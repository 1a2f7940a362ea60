//! `cargo xtask conformance PATH`: holds recorded exchanges with Jira against Atlassian's own description of it.
//!
//! A scenario drives something against the simulated Jira and hands in what was said; the checker knows nothing of
//! scenarios. To add one: write a module with a `record` function, and name it in [`record`].

mod check;
mod client;
mod corrections;
mod document;
mod findings;
mod recording;
mod simulator;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use check::Checker;
use document::Description;
use findings::Report;
use recording::Recording;

/// Hold requests to Jira, and the simulator's answers, against Atlassian's `OpenAPI` documents.
///
/// Atlassian publishes the document of Jira Cloud at
/// <https://developer.atlassian.com/cloud/jira/platform/rest/v3/> ("Download `OpenAPI`"). It is not part of this
/// repository. Every *.json file in PATH that has `openapi` and `paths` is read.
///
/// Prints each finding with method, path and JSON pointer. Exits with 0 if there is none, with 1 if there are, and
/// with 2 if the check could not be made.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A folder with Atlassian's `OpenAPI` documents, or one such document.
    path: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let description = Description::read(&args.path)?;
    let recordings = tokio::runtime::Runtime::new()?.block_on(record())?;
    let mut report = Report::default();
    for recording in &recordings {
        Checker::new(&description).check(recording, &mut report)?;
    }
    print!("{report}");
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Every scenario's exchanges.
async fn record() -> Result<Vec<Recording>> {
    Ok(vec![simulator::record().await?, client::record().await?])
}

#[cfg(test)]
mod tests {
    /// Needs no description: each scenario sees for itself that it leaves nothing out.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_call_of_the_client_and_no_path_of_the_simulator_is_left_out() {
        let recordings = super::record().await.unwrap();
        assert_eq!(recordings.len(), 2);
    }
}
