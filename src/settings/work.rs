//! How tickets are worked on: the Jira site, and what a payload lacks.
#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these doc comments are the text of --help, not Markdown"
)]

use std::time::Duration;

use clap::Args;
use url::Url;

use super::{GitHubSettings, SettingError, SiteConfig, WorkSettings, duration, http_url};
use crate::secrets::Secret;

/// How tickets are worked on.
#[derive(Debug, Clone, Args)]
pub struct WorkArgs {
    /// Tickets worked on at once
    #[arg(long = "workers", env = "CONDUIT_WORKERS", default_value = "16", value_name = "N")]
    pub workers: String,
    /// How long a ticket stays with a worker that gives no sign of life; the same for all processes of a store
    #[arg(long, env = "CONDUIT_LEASE", default_value = "30s", value_name = "TIME")]
    pub lease: String,
    /// The Jira site.
    #[command(flatten)]
    pub jira: JiraArgs,
    /// What a payload lacks.
    #[command(flatten)]
    pub github: GitHubArgs,
}

/// The Jira site, for workers in workers.yaml that do not name one of their own.
#[derive(Debug, Clone, Default, Args)]
pub struct JiraArgs {
    /// The Jira site, e.g. https://acme.atlassian.net
    #[arg(long, env = "ATLASSIAN_DOMAIN_URL", value_name = "URL")]
    pub atlassian_domain_url: Option<String>,
    /// Cloud: the account's e-mail address; Data Center: a user
    #[arg(long, env = "ATLASSIAN_EMAIL", value_name = "EMAIL")]
    pub atlassian_email: Option<String>,
    /// Cloud: an API token; Data Center: the user's password
    #[arg(long, env = "ATLASSIAN_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub atlassian_api_key: Option<String>,
    /// Data Center: a personal access token
    #[arg(long, env = "ATLASSIAN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub atlassian_token: Option<String>,
}

/// GitHub's API, for rules that ask for the files or the commits of a pull request.
#[derive(Debug, Clone, Args)]
pub struct GitHubArgs {
    /// Reads pull requests: a rule with `paths`, or with `commits` among its `keys`, needs it
    #[arg(long, env = "GITHUB_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub github_token: Option<String>,
    /// GitHub's API; on an Enterprise server https://HOST/api/v3
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com", value_name = "URL")]
    pub github_api_url: String,
}

impl WorkArgs {
    pub(super) fn check(&self) -> Result<WorkSettings, SettingError> {
        let Ok(tickets_at_once @ 1..=1024) = self.workers.parse() else {
            return Err(SettingError::wrong("CONDUIT_WORKERS", &self.workers, "a number from 1 to 1024"));
        };
        let (lease, site) = (lease(&self.lease)?, self.jira.site());
        Ok(WorkSettings { tickets_at_once, lease, site, github: self.github.check()? })
    }
}

/// Shorter, requests to Jira would have no time; longer, a dead worker's tickets would stand still.
fn lease(text: &str) -> Result<Duration, SettingError> {
    let lease = duration("CONDUIT_LEASE", text)?;
    if (Duration::from_secs(3)..=Duration::from_mins(5)).contains(&lease) {
        return Ok(lease);
    }
    Err(SettingError::wrong("CONDUIT_LEASE", text, "a length of time from 3s to 5m"))
}

impl GitHubArgs {
    pub(super) fn api_url(&self) -> Result<Url, SettingError> {
        http_url("GITHUB_API_URL", &self.github_api_url)
    }

    pub(super) fn check(&self) -> Result<Option<GitHubSettings>, SettingError> {
        let api_url = self.api_url()?;
        match self.github_token.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Some(GitHubSettings { token: Secret::new(token), api_url }))
            }
            Some(_) => Err(SettingError {
                name: "GITHUB_TOKEN".into(),
                found: "it holds spaces or characters that no token has".into(),
                allowed: "a token of GitHub's, such as github_pat_…".into(),
            }),
        }
    }
}

impl JiraArgs {
    /// The site as the environment describes it; whether it is whole is checked when a worker needs it. A variable
    /// that is set to nothing is not set: a compose file passes on what nobody gave it as that.
    pub fn site(&self) -> SiteConfig {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let secret = |value: &Option<String>| given(value).map(Secret::new);
        SiteConfig {
            url: given(&self.atlassian_domain_url),
            email: given(&self.atlassian_email),
            api_key: secret(&self.atlassian_api_key),
            token: secret(&self.atlassian_token),
            ..SiteConfig::default()
        }
    }
}
