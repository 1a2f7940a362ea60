//! `conduit hooks rotate` and `conduit hooks remove`

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::at_jira::{AtJira, Counterpart, JiraFlags};
use super::{Issued, JIRA, One, about_jira, confirm, print_issued, print_made};
use crate::cli::client::Api;
use crate::cli::why::print_json;
use crate::cli::{CliError, Output};

/// The flags of `hooks rotate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    /// Which.
    #[command(flatten)]
    hook: One,
    /// How long the old secret stays valid; 0 after a leak ends all older ones at once
    #[arg(long, default_value = "24h", value_name = "TIME")]
    overlap: String,
    /// Give the new secret to Jira's webhook; it is not printed
    #[arg(long, help_heading = "At Jira")]
    at_jira: bool,
    /// Which Jira.
    #[command(flatten)]
    jira: JiraFlags,
}

/// The flags of `hooks remove`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Remove {
    /// Which.
    #[command(flatten)]
    hook: One,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Delete Jira's webhook that delivers to it, too
    #[arg(long, help_heading = "At Jira")]
    at_jira: bool,
    /// Which Jira.
    #[command(flatten)]
    jira: JiraFlags,
}

impl Rotate {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        let hook = &self.hook;
        if !self.at_jira {
            let issued = self.rotate(&hook.api.connect()?).await?;
            return print_issued(&issued, output, &hook.provider, &hook.repo_id);
        }
        let at_jira = about_jira(&hook.provider, "--at-jira", &self.jira).await?;
        let api = hook.api.connect()?;
        let projects = hook.find(&api).await?.projects.unwrap_or_default();
        let issued = self.rotate(&api).await?;
        let made = at_jira.make(&issued, &hook.repo_id, &projects, &[]).await;
        let (webhook, _) = made.inspect_err(|_| {
            eprintln!(
                "The hook has a new secret and Jira does not: run this again. The old one is valid for {}.",
                self.overlap
            );
        })?;
        print_made(&issued, &webhook, &hook.repo_id, output)
    }

    async fn rotate(&self, api: &Api) -> Result<Issued, CliError> {
        let One { provider, repo_id, .. } = &self.hook;
        let body = json!({ "provider": provider, "repo_id": repo_id, "overlap": self.overlap });
        api.call(Method::PATCH, &["conduit", "webhooks", "update"], Some(body)).await
    }
}

impl Remove {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        let (hook, api) = (&self.hook, self.hook.api.connect()?);
        let name = format!("{}/{}", hook.provider, hook.repo_id);
        let other_half = self.other_half(&api).await?;
        let both = other_half
            .as_ref()
            .map(|(_, half)| format!(", and Jira's webhook {}", half.id))
            .unwrap_or_default();
        if !self.yes && !confirm(&format!("Remove {name}{both}? Its deliveries will be refused."))? {
            return Err(CliError::Findings);
        }
        // Jira's first: without ours, nobody would know which one it was.
        if let Some((at_jira, half)) = &other_half {
            at_jira.delete(half).await?;
        }
        let path = ["conduit", "webhooks", &hook.provider, &hook.repo_id];
        let removed: Value = api.call(Method::DELETE, &path, None).await?;
        if output == Output::Json {
            let half = other_half.as_ref().map(|(_, half)| half);
            return print_json(&json!({ "schema": "conduit.hook/1", "removed": removed, "at_jira": half }));
        }
        eprintln!("{name}{both} is removed; its events stay readable.");
        if hook.provider == JIRA && other_half.is_none() {
            eprintln!("A webhook at Jira that delivers to it is still there; --at-jira removes both.");
        }
        Ok(())
    }

    /// The webhook at Jira, when it is to go, too, and there is one.
    async fn other_half(&self, api: &Api) -> Result<Option<(AtJira, Counterpart)>, CliError> {
        if !self.at_jira {
            return Ok(None);
        }
        let at_jira = about_jira(&self.hook.provider, "--at-jira", &self.jira).await?;
        let half = self.hook.find(api).await?.at_jira(Some(&at_jira))?;
        Ok(half.map(|half| (at_jira, half)))
    }
}
