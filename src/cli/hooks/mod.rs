//! `conduit hooks register|list|show|rotate|import|remove|test`
//!
//! A hook of Jira's has another half, the webhook at Jira: `--create` and `--at-jira` see to both (`at_jira`).
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

mod at_jira;
mod change;
mod register;
mod show;

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::at_jira::{AtJira, Counterpart, JiraFlags};
use self::change::{Remove, Rotate};
use self::register::{Import, Register};
use self::show::{List, Show};
use super::client::{Api, ApiArgs};
use super::{CliError, Output};
use crate::cli::output::sayln;
use crate::cli::why::print_json;

/// The provider whose hooks have another half.
const JIRA: &str = "jira";

/// What to do with registered repositories.
#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Register a repository; prints its secret, this once
    Register(Box<Register>),
    /// List the registered repositories
    List(List),
    /// Show one
    Show(Show),
    /// Give one a new secret; the old one stays valid for a while
    Rotate(Rotate),
    /// Take over a secret that the forge already has; it is read from standard input
    Import(Import),
    /// Remove one: its deliveries are refused from then on
    Remove(Remove),
    /// Say whether a genuine delivery has come in
    Test(One),
}

/// Which hook.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The name in the URL
    repo_id: String,
    /// The forge
    #[arg(long, default_value = "github")]
    provider: String,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// What a registration answers.
#[derive(Debug, Serialize, Deserialize)]
struct Issued {
    #[serde(default)]
    secret: Option<String>,
    uri: String,
    #[serde(default)]
    url: Option<String>,
}

/// A hook as the service lists it.
#[derive(Debug, Serialize, Deserialize)]
struct HookRow {
    provider: String,
    repo_id: String,
    repo_path: String,
    #[serde(default)]
    projects: Option<Vec<String>>,
    uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    secrets: Vec<SecretRow>,
    #[serde(default, skip_serializing)]
    created_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SecretRow {
    version: u32,
    created_at: Timestamp,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

impl HooksCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Register(args) => args.run(output).await,
            Self::Import(args) => args.run(output).await,
            Self::List(args) => args.run(output).await,
            Self::Show(args) => args.run(output).await,
            Self::Rotate(args) => args.run(output).await,
            Self::Remove(args) => args.run(output).await,
            Self::Test(one) => one.test(output).await,
        }
    }
}

/// Logs in at Jira, for what only a Jira hook has.
async fn about_jira(provider: &str, flag: &str, jira: &JiraFlags) -> Result<AtJira, CliError> {
    if provider != JIRA {
        return Err(CliError::Usage(format!("{flag} is for Jira's own webhooks: say --provider jira")));
    }
    jira.connect().await
}

/// What was made on both sides; the secret went to Jira alone.
fn print_made(issued: &Issued, webhook: &Counterpart, repo_id: &str, output: Output) -> Result<(), CliError> {
    if output == Output::Json {
        let Issued { uri, url, .. } = issued;
        return print_json(
            &json!({ "schema": "conduit.hook/1", "secret": null, "uri": uri, "url": url, "at_jira": webhook }),
        );
    }
    sayln!("jira/{repo_id} · at Jira: {}", webhook.line());
    eprintln!("Next: move a ticket in Jira; then  conduit hooks test {repo_id} --provider jira");
    Ok(())
}

fn print_issued(issued: &Issued, output: Output, provider: &str, repo_id: &str) -> Result<(), CliError> {
    if output == Output::Json {
        return print_json(
            &json!({ "schema": "conduit.hook/1", "secret": issued.secret, "uri": issued.uri, "url": issued.url }),
        );
    }
    if let Some(secret) = &issued.secret {
        sayln!("Secret (shown once): {secret}");
    }
    match &issued.url {
        Some(url) => sayln!("URL: {url}"),
        None => sayln!("URL: this service's public address, then {}", issued.uri),
    }
    if provider == JIRA {
        eprintln!(
            "Next: in Jira, System → WebHooks → Create: paste both, choose the events of issues and comments, and"
        );
        eprintln!(
            "      leave the body in (--create does that); then  conduit hooks test {repo_id} --provider jira"
        );
        return Ok(());
    }
    eprintln!(
        "Next: in the repository, Settings → Webhooks → Add webhook: paste both, content type application/json,"
    );
    eprintln!("      and choose the events; then  conduit hooks test {repo_id}");
    Ok(())
}

impl HookRow {
    fn name(&self) -> String {
        format!("{}/{}", self.provider, self.repo_id)
    }

    /// Its other half, when Jira was asked and it is Jira's.
    fn at_jira(&self, at_jira: Option<&AtJira>) -> Result<Option<Counterpart>, CliError> {
        match at_jira.filter(|_| self.provider == JIRA) {
            Some(at_jira) => at_jira.find(self.url.as_deref(), &self.uri),
            None => Ok(None),
        }
    }

    fn json(&self, half: Option<&Counterpart>, asked: bool) -> Value {
        let mut json = json!(self);
        if asked && self.provider == JIRA {
            json["at_jira"] = json!(half);
        }
        json
    }
}

impl One {
    async fn find(&self, api: &Api) -> Result<HookRow, CliError> {
        let query = [("provider", self.provider.clone()), ("repo_id", self.repo_id.clone())];
        api.get(&["conduit", "webhooks", "find"], &query).await
    }
}

/// Asks before something that cannot be taken back; where there is no terminal, `--yes` must have been said.
pub(super) fn confirm(question: &str) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("{question} There is no terminal to ask on: add --yes")));
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush().map_err(anyhow::Error::from)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(anyhow::Error::from)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
