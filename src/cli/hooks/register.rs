//! `conduit hooks register` and `conduit hooks import`

use std::io::{IsTerminal as _, Read as _};

use clap::Args;
use clap::builder::PossibleValuesParser;
use reqwest::Method;
use serde_json::{Value, json};

use super::at_jira::JiraFlags;
use super::{Issued, about_jira, print_issued, print_made};
use crate::cli::client::{Api, ApiArgs};
use crate::cli::{CliError, Output};
use crate::jira::webhooks::VARIABLES;

/// The flags of `hooks register`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Register {
    /// What is registered.
    #[command(flatten)]
    new: Import,
    /// Make the webhook at Jira, too; its secret is not printed. With --provider jira
    #[arg(long, help_heading = "At Jira")]
    create: bool,
    /// What Jira shall write into the address it calls, as its query, for whoever reads the logs before Conduit
    #[arg(
        long, value_delimiter = ',', value_name = "NAME,…", requires = "create", help_heading = "At Jira",
        value_parser = PossibleValuesParser::new(VARIABLES)
    )]
    url_variables: Vec<String>,
    /// Which Jira.
    #[command(flatten)]
    jira: JiraFlags,
}

/// The flags of `hooks import`, and what both are about.
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The repository (acme/shop), or an organisation's repositories (acme/*). A project of a Jira site
    /// (acme.atlassian.net/SHOP), or the whole site (acme.atlassian.net/*) [with --create: the site of workers.yaml]
    repo_path: Option<String>,
    /// The name in the URL [default: owner-name]
    #[arg(long, value_name = "SLUG")]
    repo_id: Option<String>,
    /// The forge
    #[arg(long, default_value = "github")]
    provider: String,
    /// The projects that its events may move [default: all]
    #[arg(long, value_delimiter = ',', value_name = "KEY,…")]
    projects: Option<Vec<String>>,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

impl Register {
    pub(super) async fn run(mut self, output: Output) -> Result<(), CliError> {
        if !self.create {
            let issued = self.new.register(&self.new.api.connect()?).await?;
            return self.new.print(&issued, output);
        }
        let at_jira = about_jira(&self.new.provider, "--create", &self.jira).await?;
        self.new.repo_path.get_or_insert_with(|| format!("{}/*", at_jira.home));
        let projects = self.new.projects.get_or_insert_with(|| at_jira.projects.clone()).clone();
        let (api, repo_id) = (self.new.api.connect()?, self.new.repo_id()?);
        let issued = self.new.register(&api).await?;
        let (webhook, adopted) = match at_jira.make(&issued, &repo_id, &projects, &self.url_variables).await {
            Ok(made) => made,
            Err(error) => {
                // Half a hook is none: nobody would ever sign with its secret.
                let path = ["conduit", "webhooks", "jira", &repo_id];
                api.call::<Value>(Method::DELETE, &path, None).await?;
                return Err(error);
            }
        };
        if adopted {
            eprintln!(
                "Jira had a webhook that delivers here already: it is this hook's now, with its new secret."
            );
        }
        print_made(&issued, &webhook, &repo_id, output)
    }
}

impl Import {
    fn repo_path(&self) -> Result<&str, CliError> {
        let missing =
            || CliError::Usage("say what to register: OWNER/NAME, or OWNER/* for all of an owner's".into());
        self.repo_path.as_deref().ok_or_else(missing)
    }

    fn repo_id(&self) -> Result<String, CliError> {
        match &self.repo_id {
            Some(repo_id) => Ok(repo_id.clone()),
            None => self.repo_path().map(default_repo_id),
        }
    }

    fn body(&self) -> Result<Value, CliError> {
        let (repo_path, repo_id) = (self.repo_path()?, self.repo_id()?);
        Ok(json!({
            "provider": self.provider, "repo_path": repo_path, "repo_id": repo_id, "projects": self.projects,
        }))
    }

    async fn register(&self, api: &Api) -> Result<Issued, CliError> {
        api.call(Method::POST, &["conduit", "webhooks", "register"], Some(self.body()?)).await
    }

    fn print(&self, issued: &Issued, output: Output) -> Result<(), CliError> {
        print_issued(issued, output, &self.provider, &self.repo_id()?)
    }

    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        if self.api.takes_stdin() {
            return Err(CliError::Usage(
                "--token -: the secret comes on standard input; give the token as @FILE or in CONDUIT_TOKEN"
                    .into(),
            ));
        }
        if std::io::stdin().is_terminal() {
            eprint!("Secret: ");
        }
        let mut secret = String::new();
        std::io::stdin().read_to_string(&mut secret).map_err(anyhow::Error::from)?;
        let mut body = self.body()?;
        body["secret"] = json!(secret.trim());
        let path = ["internal", "webhooks", "import"];
        let issued: Issued = self.api.connect()?.call(Method::PATCH, &path, Some(body)).await?;
        self.print(&Issued { secret: None, ..issued }, output)
    }
}

/// `acme/shop` → `acme-shop`, `acme/*` → `acme`, `127.0.0.1:8080/jira/*` → `127.0.0.1-8080-jira`.
fn default_repo_id(path: &str) -> String {
    path.trim_end_matches("/*").replace(['/', ':'], "-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_repositorys_slug_is_its_path() {
        assert_eq!(super::default_repo_id("acme/shop"), "acme-shop");
        assert_eq!(super::default_repo_id("acme/*"), "acme");
        assert_eq!(super::default_repo_id("acme.atlassian.net/*"), "acme.atlassian.net");
        assert_eq!(super::default_repo_id("127.0.0.1:8080/jira/*"), "127.0.0.1-8080-jira");
    }
}
