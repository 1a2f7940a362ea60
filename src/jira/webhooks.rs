//! Jira's own webhooks, as an administrator of the site manages them.
//!
//! Cloud and Data Center before version 10 have them at one path, later Data Centers at another and in another shape:
//! there the secret and the switch for the body stand in `configuration`, and a secret beside it is ignored without a
//! word, so that deliveries come unsigned. Jira never shows a secret.
//! <https://developer.atlassian.com/server/jira/platform/webhooks/>

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Request;
use super::{CallLog, Credential, Dialect, Endpoint, JiraClient, JiraError, Survey};

/// From this version on, a Data Center has its webhooks elsewhere.
const MOVED_IN: u32 = 10;

/// Where the filter for events of tickets stands, in both shapes.
const ISSUES: &str = "issue-related-events-section";

/// What Conduit listens to.
pub const EVENTS: &[&str] = &["jira:issue_created", "jira:issue_updated", "comment_created"];

/// What Jira can write into the address it calls, for events of tickets.
pub const VARIABLES: [&str; 6] =
    ["issue.id", "issue.key", "project.id", "project.key", "modifiedUser.key", "modifiedUser.name"];

/// The webhooks of a site.
#[derive(Debug, Clone)]
pub struct Webhooks {
    client: JiraClient,
    shape: Shape,
}

/// The two ways of managing webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Cloud, and Data Center before version 10.
    First,
    /// Data Center from version 10 on.
    Second,
}

/// A webhook as Jira shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Jira's id for it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it delivers, with its variables.
    pub url: String,
    /// What it tells of.
    pub events: Vec<String>,
    /// Of which tickets; empty: of all.
    pub jql: String,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether its deliveries are signed, where Jira says so.
    pub signed: Option<bool>,
    /// Whether its deliveries come without a body, which says nothing.
    pub without_body: bool,
}

/// What a webhook is to be.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it delivers.
    pub url: &'a str,
    /// Of which tickets.
    pub jql: &'a str,
    /// What it signs with.
    pub secret: &'a Credential,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookBody {
    #[serde(rename = "self", default)]
    address: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    name: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    filters: Value,
    #[serde(default)]
    exclude_body: bool,
    #[serde(default)]
    configuration: Value,
    #[serde(alias = "enabled", default = "yes")]
    active: bool,
    is_signed: Option<bool>,
}

fn yes() -> bool {
    true
}

impl Webhooks {
    /// Those of the site that `client` talks to. A Data Center is asked for its version.
    pub async fn of(client: JiraClient, log: &mut CallLog) -> Result<Self, JiraError> {
        let shape = match client.dialect() {
            Dialect::Cloud => Shape::First,
            Dialect::DataCenter => Shape::of(&Survey::new(client.clone()).about(log).await?.version),
        };
        Ok(Self { client, shape })
    }

    /// All that are registered.
    pub async fn list(&self, log: &mut CallLog) -> Result<Vec<Webhook>, JiraError> {
        let request = Request::get(Endpoint::Webhooks, &[], &[]).below(self.shape.root());
        let all: Vec<WebhookBody> = self.client.ask(request, log).await?;
        Ok(all.into_iter().map(Webhook::from).collect())
    }

    /// A query of these [`VARIABLES`], as this Jira spells them: `?issue.key={issue.key}`.
    pub fn query(&self, variables: &[String]) -> String {
        let old = self.shape == Shape::First && self.client.dialect() == Dialect::DataCenter;
        let sign = if old { "$" } else { "" };
        let pairs: Vec<_> = variables.iter().map(|name| format!("{name}={sign}{{{name}}}")).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// Registers one.
    pub async fn create(&self, wanted: &Wanted<'_>, log: &mut CallLog) -> Result<Webhook, JiraError> {
        let body = self.shape.body(wanted);
        let request = Request::write(Endpoint::CreateWebhook, Method::POST, &[], body, &[200, 201]);
        let made: WebhookBody = self.client.ask(request.below(self.shape.root()), log).await?;
        Ok(made.into())
    }

    /// Makes one what it is to be, its secret included.
    pub async fn update(
        &self,
        id: &str,
        wanted: &Wanted<'_>,
        log: &mut CallLog,
    ) -> Result<Webhook, JiraError> {
        let (path, body) = ([id], self.shape.body(wanted));
        let request = Request::write(Endpoint::UpdateWebhook, Method::PUT, &path, body, &[200]);
        let made: WebhookBody = self.client.ask(request.below(self.shape.root()), log).await?;
        Ok(made.into())
    }

    /// Deletes one.
    pub async fn delete(&self, id: &str, log: &mut CallLog) -> Result<(), JiraError> {
        let path = [id];
        let request = Request {
            method: Method::DELETE,
            done: &[200, 204],
            ..Request::get(Endpoint::DeleteWebhook, &path, &[])
        };
        self.client.tell(request.below(self.shape.root()), log).await
    }
}

impl Shape {
    /// What a Data Center of this version has; of one that does not say, what most have.
    fn of(version: &str) -> Self {
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major >= MOVED_IN) { Self::Second } else { Self::First }
    }

    fn root(self) -> &'static [&'static str] {
        match self {
            Self::First => &["rest", "webhooks", "1.0", "webhook"],
            Self::Second => &["rest", "jira-webhook", "1.0", "webhooks"],
        }
    }

    fn body(self, wanted: &Wanted<'_>) -> Value {
        let Wanted { name, url, jql, secret } = wanted;
        let filters = json!({ ISSUES: jql });
        match self {
            Self::First => json!({
                "name": name, "url": url, "events": EVENTS, "filters": filters,
                "excludeBody": false, "enabled": true, "secret": secret.expose(),
            }),
            Self::Second => json!({
                "name": name, "url": url, "events": EVENTS, "filters": filters, "active": true,
                "configuration": { "EXCLUDE_BODY": "false", "SECRET": secret.expose() },
            }),
        }
    }
}

impl From<WebhookBody> for Webhook {
    fn from(body: WebhookBody) -> Self {
        let id = match &body.id {
            Value::Number(id) => id.to_string(),
            Value::String(id) => id.clone(),
            _ => body.address.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        let excluded = body.configuration["EXCLUDE_BODY"].as_str() == Some("true");
        Self {
            id,
            name: body.name,
            url: body.url,
            events: body.events,
            jql: body.filters[ISSUES].as_str().unwrap_or_default().to_owned(),
            active: body.active,
            signed: body.is_signed,
            without_body: body.exclude_body || excluded,
        }
    }
}

/// The filter for tickets of these projects, in JQL; empty for none, which means all.
pub fn jql(projects: &[String]) -> String {
    let quoted: Vec<_> = projects.iter().map(|key| format!("\"{key}\"")).collect();
    if quoted.is_empty() { String::new() } else { format!("project in ({})", quoted.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_centers_version_says_where_its_webhooks_are() {
        assert_eq!(Shape::of("9.12.4"), Shape::First);
        assert_eq!(Shape::of("10.0.0"), Shape::Second);
        assert_eq!(Shape::of("11.3.1-m0002"), Shape::Second);
        assert_eq!(Shape::of(""), Shape::First);
    }

    #[test]
    fn a_filter_names_its_projects_in_quotes() {
        assert_eq!(jql(&["SHOP".into(), "IN".into()]), "project in (\"SHOP\", \"IN\")");
        assert_eq!(jql(&[]), "");
    }
}
