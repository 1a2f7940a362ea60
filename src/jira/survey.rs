//! Looking a site over: what `doctor` and `init` read. Whoever holds a [`Survey`] cannot write, by no mistake.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::answer::Answer;
use super::client::Request;
use super::model::{Account, Named, Transition};
use super::wire::read_moment;
use super::{CallLog, Dialect, Endpoint, JiraClient, JiraError, Permissions, Scope};

/// How many tickets a page of [`Survey::recent`] holds.
const PAGE: usize = 100;

/// A client that can only read.
#[derive(Debug, Clone)]
pub struct Survey {
    client: JiraClient,
}

/// Which Jira answers, and what time it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `1001.0.0`, `9.12.4`.
    pub version: String,
    /// What it says of itself; `None` when it does not.
    pub dialect: Option<Dialect>,
    /// How far its clock is ahead of ours; negative: behind. `None` when it does not tell the time.
    pub ahead: Option<SignedDuration>,
    /// What it says of how much may be asked; many say nothing until it is too much.
    pub limit: Option<RateLimit>,
}

/// How much may be asked, as an answer's headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests are left for now.
    pub remaining: u64,
    /// Of how many.
    pub of: Option<u64>,
    /// Jira says that it will soon be too much.
    pub near: bool,
}

/// An issue type of a project, with the statuses of its workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeStatuses {
    /// The type.
    pub issue_type: Named,
    /// Whether its tickets are parts of others.
    pub subtask: bool,
    /// The statuses, as Jira orders them.
    pub statuses: Vec<BoardStatus>,
}

/// A status of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardStatus {
    /// Its id.
    pub id: String,
    /// Its name, in the account's language.
    pub name: String,
    /// Of which kind it is.
    pub category: Category,
}

/// Jira's three kinds of status, in the order of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Not begun.
    New,
    /// Being worked on; also whatever Jira invents beside the three.
    Indeterminate,
    /// Settled.
    Done,
}

/// Some tickets of a project, the latest changed first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The tickets.
    pub tickets: Vec<Sample>,
    /// What to ask for the next page with; `None` on the last.
    pub next: Option<String>,
}

/// A ticket by which the workflow of its type can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its key.
    pub key: String,
    /// The id of its type.
    pub type_id: String,
    /// The id of its status.
    pub status_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerBody {
    #[serde(default)]
    version: String,
    #[serde(default)]
    deployment_type: String,
    #[serde(default)]
    server_time: String,
}

impl ServerBody {
    fn time(&self) -> Option<Timestamp> {
        read_moment(&self.server_time)
    }

    fn dialect(&self) -> Option<Dialect> {
        match self.deployment_type.as_str() {
            "Cloud" => Some(Dialect::Cloud),
            "Server" => Some(Dialect::DataCenter),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct StatusesBody(Vec<TypeBody>);

#[derive(Deserialize)]
struct TypeBody {
    id: String,
    name: String,
    #[serde(default)]
    subtask: bool,
    #[serde(default)]
    statuses: Vec<StatusBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody {
    id: String,
    name: String,
    #[serde(default)]
    status_category: CategoryBody,
}

#[derive(Default, Deserialize)]
struct CategoryBody {
    #[serde(default)]
    key: String,
}

impl StatusesBody {
    fn into_types(self) -> Vec<TypeStatuses> {
        let types = self.0.into_iter().map(|one| TypeStatuses {
            issue_type: Named { id: one.id, name: one.name },
            subtask: one.subtask,
            statuses: one.statuses.into_iter().map(BoardStatus::from).collect(),
        });
        types.collect()
    }
}

impl From<StatusBody> for BoardStatus {
    fn from(StatusBody { id, name, status_category }: StatusBody) -> Self {
        let category = match status_category.key.as_str() {
            "new" => Category::New,
            "done" => Category::Done,
            _ => Category::Indeterminate,
        };
        Self { id, name, category }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchBody {
    issues: Vec<SampleBody>,
    #[serde(default)]
    next_page_token: Option<String>,
    /// Data Center counts instead.
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct SampleBody {
    key: String,
    fields: SampleFields,
}

#[derive(Deserialize)]
struct SampleFields {
    issuetype: Id,
    status: Id,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl From<SampleBody> for Sample {
    fn from(SampleBody { key, fields }: SampleBody) -> Self {
        Self { key, type_id: fields.issuetype.id, status_id: fields.status.id }
    }
}

impl Survey {
    /// Takes the client away from who could have written with it.
    pub fn new(client: JiraClient) -> Self {
        Self { client }
    }

    /// The site's name, as it is configured.
    pub fn site(&self) -> &str {
        self.client.site()
    }

    /// The dialect its site is spoken to in.
    pub fn dialect(&self) -> Dialect {
        self.client.dialect()
    }

    /// Whom Jira takes us for.
    pub async fn myself(&self, log: &mut CallLog) -> Result<Account, JiraError> {
        self.client.myself(log).await
    }

    /// What the account may do there.
    pub async fn permissions(
        &self,
        wanted: &[&str],
        scope: Scope<'_>,
        log: &mut CallLog,
    ) -> Result<Permissions, JiraError> {
        self.client.permissions(wanted, scope, log).await
    }

    /// Which Jira answers, and what time it has.
    pub async fn about(&self, log: &mut CallLog) -> Result<About, JiraError> {
        let before = self.client.now();
        let request = Request::get(Endpoint::ServerInfo, &["serverInfo"], &[]);
        let read = |answer: &Answer| Ok((answer.json::<ServerBody>()?, RateLimit::read(&answer.headers)));
        let (server, limit) = self.client.send(request, read, log).await?;
        let after = self.client.now();
        let ahead = server.time().map(|time| time.duration_since(middle(before, after)));
        Ok(About { ahead, dialect: server.dialect(), version: server.version, limit })
    }

    /// The issue types of a project, with the statuses of their workflows.
    pub async fn statuses(&self, project: &str, log: &mut CallLog) -> Result<Vec<TypeStatuses>, JiraError> {
        let path = ["project", project, "statuses"];
        let request = Request::get(Endpoint::Statuses, &path, &[]);
        Ok(self.client.ask::<StatusesBody>(request, log).await?.into_types())
    }

    /// The tickets of a project, the latest changed first, a page at a time: `from` is [`Recent::next`].
    pub async fn recent(
        &self,
        project: &str,
        from: Option<&str>,
        log: &mut CallLog,
    ) -> Result<Recent, JiraError> {
        let jql = format!("project = \"{project}\" ORDER BY updated DESC");
        match self.client.dialect() {
            Dialect::Cloud => self.recent_on_cloud(&jql, from, log).await,
            Dialect::DataCenter => self.recent_on_data_center(&jql, from, log).await,
        }
    }

    async fn recent_on_cloud(
        &self,
        jql: &str,
        from: Option<&str>,
        log: &mut CallLog,
    ) -> Result<Recent, JiraError> {
        let mut body = json!({ "jql": jql, "maxResults": PAGE, "fields": ["issuetype", "status"] });
        if let Some(token) = from {
            body["nextPageToken"] = json!(token);
        }
        // A read all the same: Jira takes the query in the body.
        let request = Request::write(Endpoint::Search, Method::POST, &["search", "jql"], body, &[200]);
        let page = self.client.ask::<SearchBody>(request, log).await?;
        Ok(Recent {
            next: page.next_page_token,
            tickets: page.issues.into_iter().map(Sample::from).collect(),
        })
    }

    async fn recent_on_data_center(
        &self,
        jql: &str,
        from: Option<&str>,
        log: &mut CallLog,
    ) -> Result<Recent, JiraError> {
        let (start, most) = (from.unwrap_or("0"), PAGE.to_string());
        let query = [("jql", jql), ("startAt", start), ("maxResults", &most), ("fields", "issuetype,status")];
        let page =
            self.client.ask::<SearchBody>(Request::get(Endpoint::Search, &["search"], &query), log).await?;
        let reached = start.parse::<usize>().unwrap_or_default() + page.issues.len();
        let more = !page.issues.is_empty() && reached < page.total;
        Ok(Recent {
            next: more.then(|| reached.to_string()),
            tickets: page.issues.into_iter().map(Sample::from).collect(),
        })
    }

    /// The transitions of a ticket's workflow from its status; on Cloud also those that a condition hides.
    pub async fn transitions(&self, key: &str, log: &mut CallLog) -> Result<Vec<Transition>, JiraError> {
        match self.client.dialect() {
            Dialect::Cloud => self.client.all_transitions(key, log).await,
            Dialect::DataCenter => self.client.transitions(key, log).await,
        }
    }
}

impl RateLimit {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let said = |name: &str| headers.get(name)?.to_str().ok();
        let number = |name| said(name)?.trim().parse().ok();
        Some(Self {
            remaining: number("x-ratelimit-remaining")?,
            of: number("x-ratelimit-limit"),
            near: said("x-ratelimit-nearlimit").is_some_and(|near| near.eq_ignore_ascii_case("true")),
        })
    }
}

/// Halfway between asking and being answered: when Jira most likely looked at its clock.
fn middle(before: Timestamp, after: Timestamp) -> Timestamp {
    let half = after.duration_since(before) / 2;
    before.checked_add(half).unwrap_or(after)
}
