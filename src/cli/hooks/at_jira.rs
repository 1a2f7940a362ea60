//! A Jira hook's other half: the webhook at Jira that delivers to it.
//!
//! It is Jira's administrator who speaks here, from the operator's machine, with the login of `workers.yaml` or of the
//! environment: the service itself never needs such rights. The secret goes from the service to Jira and is not
//! printed. A webhook is known by its address, which is this hook's and nobody else's.
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

use clap::Args;
use serde::Serialize;
use url::{Host, Url};

use super::Issued;
use crate::app::rules::WORKERS;
use crate::app::sites;
use crate::cli::CliError;
use crate::clock::Clock;
use crate::jira::webhooks::{Wanted, jql};
use crate::jira::{CallLog, Credential, Failure, JiraError, Webhook, Webhooks};
use crate::printable::printable;
use crate::registration::project_key;
use crate::settings::{ConfigArgs, JiraArgs, SiteConfig, WorkersFile};

/// Which Jira, and where it reaches the service.
#[derive(Debug, Args)]
pub(super) struct JiraFlags {
    /// The site: a worker's name in workers.yaml [default: the only one]
    #[arg(long, value_name = "NAME", help_heading = "At Jira")]
    site: Option<String>,
    /// Where Jira reaches the service [default: what the service says]
    #[arg(long, env = "CONDUIT_PUBLIC_URL", value_name = "URL", help_heading = "At Jira")]
    public_url: Option<Url>,
    /// Where workers.yaml is.
    #[command(flatten)]
    config: ConfigArgs,
    /// Jira, when workers.yaml names no site of its own.
    #[command(flatten)]
    jira: JiraArgs,
}

/// A site's webhooks, ready to be managed.
pub(super) struct AtJira {
    webhooks: Webhooks,
    listed: Vec<Webhook>,
    /// As hooks know the site: `acme.atlassian.net`.
    pub(super) home: String,
    /// The projects of the worker, in capitals.
    pub(super) projects: Vec<String>,
    public_url: Option<Url>,
    on_this_machine: bool,
}

/// A Jira hook's other half, as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Counterpart {
    pub(super) id: String,
    name: String,
    url: String,
    jql: String,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<bool>,
}

impl JiraFlags {
    /// Logs in and reads what is registered there: who may not do that, may do none of the rest.
    pub(super) async fn connect(&self) -> Result<AtJira, CliError> {
        let (worker, projects, site) = self.worker()?;
        let client = sites::client(&worker, &site, &Clock::system())?;
        let (address, mut log) = (site.address()?, CallLog::default());
        let webhooks = Webhooks::of(client, &mut log).await.map_err(refused)?;
        let listed = webhooks.list(&mut log).await.map_err(refused)?;
        Ok(AtJira {
            webhooks,
            listed,
            home: home(&address),
            projects,
            public_url: self.public_url.clone(),
            on_this_machine: is_loopback(&address),
        })
    }

    /// The worker whose site it is, with its projects.
    fn worker(&self) -> Result<(String, Vec<String>, SiteConfig), CliError> {
        let workers = WorkersFile::read(&self.config.config.join(WORKERS))?.workers;
        let known = || workers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = match (&self.site, workers.len()) {
            (Some(name), _) => Some(name),
            (None, 1) => workers.keys().next(),
            (None, _) => None,
        };
        let name =
            name.ok_or_else(|| CliError::Usage(format!("say which site: --site with one of {}", known())))?;
        let unknown =
            || CliError::NotFound(format!("workers.yaml has no worker `{name}`; it has {}", known()));
        let entry = workers.get(name).ok_or_else(unknown)?;
        let projects = entry.projects.iter().map(|key| key.to_ascii_uppercase()).collect();
        Ok((name.clone(), projects, entry.site(name, &self.jira.site())?))
    }
}

impl AtJira {
    /// The webhook that delivers to the hook at this address.
    pub(super) fn find(&self, url: Option<&str>, uri: &str) -> Result<Option<Counterpart>, CliError> {
        let address = self.public_url.as_ref().map(|base| join(base, uri)).or_else(|| url.map(str::to_owned));
        let delivers = |webhook: &&Webhook| match &address {
            Some(address) => without_query(&webhook.url).eq_ignore_ascii_case(address),
            None => without_query(&webhook.url).ends_with(uri),
        };
        let mut found = self.listed.iter().filter(delivers);
        let (first, second) = (found.next(), found.next());
        if address.is_none() && second.is_some() {
            return Err(CliError::Usage(
                "several of Jira's webhooks end like this hook's address: say which service by CONDUIT_PUBLIC_URL".into(),
            ));
        }
        Ok(first.map(Counterpart::from))
    }

    /// Makes the webhook that delivers to what the service has just issued, or makes the one that is there already
    /// what it is to be. Whether it was there. `variables` are what Jira is to write into the address.
    pub(super) async fn make(
        &self,
        issued: &Issued,
        repo_id: &str,
        projects: &[String],
        variables: &[String],
    ) -> Result<(Counterpart, bool), CliError> {
        let address = self.address(issued)?;
        let there = self.find(Some(&address), &issued.uri)?;
        // What somebody has written behind the address stays.
        let kept = there.as_ref().map(Counterpart::query).filter(|_| variables.is_empty());
        let url = format!("{address}{}", kept.unwrap_or(self.webhooks.query(variables).as_str()));
        let secret = issued.secret.as_deref().map(Credential::new);
        let secret = secret.ok_or_else(|| anyhow::anyhow!("the service has issued no secret"))?;
        let (name, jql) = (format!("conduit {repo_id}"), jql(&in_capitals(projects)?));
        let wanted = Wanted { name: &name, url: &url, jql: &jql, secret: &secret };
        let mut log = CallLog::default();
        let made = match &there {
            Some(webhook) => self.webhooks.update(&webhook.id, &wanted, &mut log).await,
            None => self.webhooks.create(&wanted, &mut log).await,
        };
        Ok((Counterpart::from(&made.map_err(refused)?), there.is_some()))
    }

    /// Deletes it.
    pub(super) async fn delete(&self, webhook: &Counterpart) -> Result<(), CliError> {
        match self.webhooks.delete(&webhook.id, &mut CallLog::default()).await {
            // Somebody was quicker.
            Err(error) if error.failure == Failure::NotFound => Ok(()),
            done => done.map_err(refused),
        }
    }

    /// Where Jira is to deliver to.
    fn address(&self, issued: &Issued) -> Result<String, CliError> {
        let own = self.public_url.as_ref().map(|base| join(base, &issued.uri));
        let address = own.or_else(|| issued.url.clone()).ok_or_else(|| {
            CliError::Usage(
                "Jira must know where to deliver: set CONDUIT_PUBLIC_URL, here or for the service".into(),
            )
        })?;
        deliverable(&address, &self.home, self.on_this_machine)?;
        Ok(address)
    }
}

/// Whether a Jira can deliver there: one of another machine cannot deliver to this one's loopback.
fn deliverable(address: &str, home: &str, on_this_machine: bool) -> Result<(), CliError> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        return Err(CliError::Usage(format!(
            "CONDUIT_PUBLIC_URL: {} is no http(s) address",
            printable(address)
        )));
    };
    if is_loopback(&url) && !on_this_machine {
        return Err(CliError::Usage(format!(
            "CONDUIT_PUBLIC_URL: {home} cannot reach {url}, which is this machine alone: give the address by which the outside reaches the service"
        )));
    }
    Ok(())
}

/// Jira's no, with what can be done about it.
fn refused(error: JiraError) -> CliError {
    let help = match error.failure {
        Failure::Credentials => {
            "the login is refused: webhooks are managed with the login of a Jira administrator"
        }
        Failure::Forbidden => {
            "only a Jira administrator manages webhooks: run this once with such a login (ATLASSIAN_…), the service needs none"
        }
        Failure::NotFound => "this Jira has no webhooks at this path: is `dialect` right?",
        Failure::Unreachable | Failure::NoAnswer => return CliError::Unreachable(error.to_string()),
        _ => return CliError::Failed(error.into()),
    };
    CliError::Failed(anyhow::anyhow!("{help} ({error})"))
}

fn in_capitals(projects: &[String]) -> Result<Vec<String>, CliError> {
    let keys = projects.iter().map(|key| project_key(key));
    keys.collect::<Result<_, _>>().map_err(|invalid| CliError::Usage(invalid.to_string()))
}

/// A site as hooks know it: host, port and context path.
fn home(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let home = format!("{}{port}{}", url.host_str().unwrap_or_default(), url.path());
    home.trim_end_matches('/').to_ascii_lowercase()
}

fn join(base: &Url, uri: &str) -> String {
    format!("{}{uri}", base.as_str().trim_end_matches('/'))
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl From<&Webhook> for Counterpart {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.clone(),
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            jql: webhook.jql.clone(),
            active: webhook.active && !webhook.without_body,
            signed: webhook.signed,
        }
    }
}

impl Counterpart {
    /// What stands behind the address.
    fn query(&self) -> &str {
        self.url.get(without_query(&self.url).len()..).unwrap_or_default()
    }

    /// On one line: `webhook 12 · active · project in ("SHOP")`.
    pub(super) fn line(&self) -> String {
        let state = match (self.active, self.signed) {
            (false, _) => "off, or without a body",
            (true, Some(false)) => "not signed: its deliveries are refused",
            (true, _) => "active",
        };
        let of = if self.jql.is_empty() { "all tickets".into() } else { printable(&self.jql) };
        format!("webhook {} · {state} · {of}", printable(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_its_host_with_port_and_context_path() {
        let of = |url: &str| home(&url.parse().unwrap());
        assert_eq!(of("https://ACME.atlassian.net/"), "acme.atlassian.net");
        assert_eq!(of("https://tools.acme.example/jira"), "tools.acme.example/jira");
        assert_eq!(of("http://127.0.0.1:8080"), "127.0.0.1:8080");
    }

    #[test]
    fn a_jira_elsewhere_cannot_deliver_to_this_machine() {
        let to = |address: &str, near: bool| {
            deliverable(address, "acme.atlassian.net", near).map_err(|e| e.to_string())
        };
        for here in
            ["http://localhost:9091/x", "http://127.0.0.1:9091/x", "http://[::1]/x", "http://0.0.0.0/x"]
        {
            assert!(to(here, false).unwrap_err().contains("acme.atlassian.net cannot reach"), "{here}");
            assert!(to(here, true).is_ok(), "{here}");
        }
        assert!(to("https://conduit.example.com/x", false).is_ok());
        assert!(to("conduit.example.com/x", false).unwrap_err().contains("is no http(s) address"));
    }

    #[test]
    fn an_address_is_the_same_whatever_is_asked_along() {
        assert_eq!(
            without_query("https://c.example/x/payload?issue={issue.key}"),
            "https://c.example/x/payload"
        );
        assert_eq!(join(&"https://c.example/".parse().unwrap(), "/x"), "https://c.example/x");
    }
}
