//! `conduit healthcheck [URL]`: the image has no shell and no curl, so the program asks itself.

use std::time::Duration;

use clap::Args;

use super::CliError;

/// The flags of `conduit healthcheck`.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// What to ask
    #[arg(default_value = "http://127.0.0.1:9093/readyz", value_name = "URL")]
    url: String,
}

/// Asks once; ready or not decides the exit code.
pub(super) async fn run(args: HealthcheckArgs) -> Result<(), CliError> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(3))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(anyhow::Error::from)?;
    let response = client
        .get(&args.url)
        .send()
        .await
        .map_err(|error| CliError::Unreachable(format!("{} does not answer: {error}", args.url)))?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(CliError::Failed(anyhow::anyhow!("{} answers {}", args.url, response.status())))
}
