//! A whole Conduit as `serve` starts it, driven over HTTP like a forge and an administrator would.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::forge::sample;
use conduit::secrets::Secret;
use conduit::settings::{DoorSettings, RedisUrl, Settings, SiteConfig, StoreUrl, WebSettings, WorkSettings};
use conduit::trace::Trace;
use jira_sim::{Account, Builder, JiraSim, NewIssue, Project, Workflow};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::redis::Redis;

pub(crate) const TOKEN: &str = "the-administrators-token";
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub(crate) const EMAIL: &str = "conduit@acme.example";
pub(crate) const API_KEY: &str = "the-jira-api-key";

/// The base example of the rule language: no rules of its own, so the default rules decide.
pub(crate) const RULES: &str = r#"
provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }
  statemachine "shop" {
    initial = "to_do"
    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "done" }
    state "in_progress" "prev" { transition = "to_do" }
    state "done" "next"        { transition = "<end>" }
  }
}
"#;

/// A board with SHOP tickets, in these statuses.
pub(crate) async fn board(issues: &[(&str, &str)]) -> JiraSim {
    site(issues).start().await.unwrap()
}

/// The same, to be changed.
pub(crate) fn site(issues: &[(&str, &str)]) -> Builder {
    let workflow = Workflow::simplified(&["To Do", "In Progress", "Done", "Blocked"]);
    let mut jira = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, API_KEY))
        .project(Project::new("SHOP").workflow(workflow));
    for (key, status) in issues {
        jira = jira.issue(NewIssue::new(key).status(status));
    }
    jira
}

/// Which store a story runs on.
pub(crate) enum On<'a> {
    Sqlite,
    Redis(&'a Redis),
}

/// A running Conduit.
pub(crate) struct TestService {
    service: Service,
    pub(crate) url: String,
    http: Client,
    folder: TempDir,
}

/// A registered hook, as its owner knows it.
pub(crate) struct Hook {
    pub(crate) secret: String,
    pub(crate) uri: String,
}

/// What a delivery was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// When to try again, if it was refused for now.
    pub(crate) retry_after: Option<String>,
    pub(crate) data: Value,
}

impl Answer {
    pub(crate) fn event_id(&self) -> &str {
        assert_eq!(self.status, 202, "{self:?}");
        self.data["event_id"].as_str().unwrap()
    }
}

/// Writes a configuration folder as an operator would.
pub(crate) fn write_config(folder: &Path, rules: &str) {
    let workers = "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop]\n";
    std::fs::create_dir_all(folder.join("statemachines")).unwrap();
    std::fs::write(folder.join("workers.yaml"), workers).unwrap();
    std::fs::write(folder.join("statemachines/jira.hcl"), rules).unwrap();
}

/// The settings of a `serve` in `folder`.
pub(crate) fn settings(folder: &Path, on: &On<'_>, jira: &JiraSim) -> Settings {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Settings {
        config: folder.to_owned(),
        store: match on {
            On::Sqlite => StoreUrl::Sqlite(folder.join("conduit.db")),
            On::Redis(redis) => StoreUrl::Redis(RedisUrl(Secret::new(redis.url()))),
        },
        admin_token: Some(Secret::new(TOKEN)),
        secret_key: Some(Secret::new(KEY)),
        retention: Duration::from_hours(24),
        management_listen: any_port,
        work: Some(WorkSettings {
            tickets_at_once: 4,
            lease: Duration::from_secs(30),
            site: SiteConfig {
                url: Some(jira.url()),
                email: Some(EMAIL.into()),
                api_key: Some(Secret::new(API_KEY)),
                dialect: Some("cloud".into()),
                ..SiteConfig::default()
            },
            github: None,
        }),
        web: Some(WebSettings {
            listen: any_port,
            public_url: None,
            keep_payloads: true,
            max_event_age: None,
            spool: None,
            door: DoorSettings::default(),
        }),
    }
}

impl TestService {
    /// Starts one with [`RULES`].
    pub(crate) async fn start(on: &On<'_>, jira: &JiraSim) -> Self {
        Self::with_rules(on, jira, RULES).await
    }

    /// Starts one with these rules.
    pub(crate) async fn with_rules(on: &On<'_>, jira: &JiraSim, rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), rules);
        let settings = settings(folder.path(), on, jira);
        Self::start_with(folder, settings).await.unwrap()
    }

    /// Starts one with these settings; its configuration is in `folder`.
    pub(crate) async fn start_with(folder: TempDir, settings: Settings) -> anyhow::Result<Self> {
        let service = Service::start(settings, Clock::system()).await?;
        let url = format!("http://{}", service.address.unwrap());
        Ok(Self { service, url, http: Client::new(), folder })
    }

    /// Where its configuration and its embedded store are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `/readyz` says on the management listener: its status and its details.
    pub(crate) async fn health(&self) -> (u16, Value) {
        let url = format!("http://{}/readyz", self.service.management);
        let response = self.http.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap()["data"].take())
    }

    /// Waits until the details of `/readyz` are as they should be.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let held = async {
            while !holds(&self.health().await.1) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), held)
            .await
            .unwrap_or_else(|_| panic!("{what}: it never was"));
    }

    /// Stops it cleanly.
    pub(crate) async fn stop(self) {
        self.service.stop().await;
    }

    /// Registers a repository.
    pub(crate) async fn register(&self, repo_path: &str) -> Hook {
        register(&self.url, repo_path).await
    }

    /// Registers what Jira's own webhooks tell of: a site, or one of its projects.
    pub(crate) async fn register_jira(&self, repo_path: &str) -> Hook {
        register_as(&self.url, "jira", repo_path, "acme-jira").await
    }

    /// Delivers as GitHub does.
    pub(crate) async fn deliver(&self, hook: &Hook, event: &str, id: &str, payload: &Value) -> Answer {
        deliver(&self.url, hook, event, id, payload).await
    }

    /// The trace of an event, once nothing of it waits any more.
    pub(crate) async fn trace(&self, event_id: &str) -> Trace {
        finished_trace(&self.http, &self.url, event_id).await
    }

    /// The traces of this many events of a ticket, oldest first, once nothing of them waits.
    pub(crate) async fn traces(&self, key: &str, count: usize) -> Vec<Trace> {
        let routed = async {
            loop {
                let found = self.ticket(key).await;
                if found.len() >= count {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let routed = tokio::time::timeout(Duration::from_mins(1), routed).await;
        let mut finished = Vec::new();
        for trace in routed.expect("the events are routed") {
            finished.push(self.trace(&trace.event_id).await);
        }
        finished.reverse();
        finished
    }

    /// The traces of all events that named a ticket, newest first.
    pub(crate) async fn ticket(&self, key: &str) -> Vec<Trace> {
        let data =
            api(&self.http, &self.url, Method::GET, &format!("/conduit/api/tickets/{key}"), None).await;
        serde_json::from_value(data).unwrap()
    }
}

/// Registers a repository at the service at `url`.
pub(crate) async fn register(url: &str, repo_path: &str) -> Hook {
    register_as(url, "github", repo_path, &repo_path.replace("/*", "").replace('/', "-")).await
}

async fn register_as(url: &str, provider: &str, repo_path: &str, repo_id: &str) -> Hook {
    let body = json!({ "provider": provider, "repo_path": repo_path, "repo_id": repo_id });
    let data = api(&Client::new(), url, Method::POST, "/conduit/webhooks/register", Some(body)).await;
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    Hook { secret: text("secret"), uri: text("uri") }
}

/// Delivers as GitHub does to the service at `url`.
pub(crate) async fn deliver(url: &str, hook: &Hook, event: &str, id: &str, payload: &Value) -> Answer {
    let body = payload.to_string();
    let mut request = Client::new().post(format!("{url}{}", hook.uri));
    for (name, value) in sample::headers(event, id, &hook.secret, body.as_bytes()) {
        request = request.header(name, value);
    }
    let response = request.body(body).send().await.unwrap();
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").map(|after| after.to_str().unwrap().to_owned());
    Answer { status, retry_after, data: response.json::<Value>().await.unwrap()["data"].take() }
}

/// Waits until nothing of an event waits any more.
pub(crate) async fn finished_trace(http: &Client, url: &str, event_id: &str) -> Trace {
    let path = format!("/conduit/api/events/{event_id}");
    let finished = async {
        loop {
            let data = api(http, url, Method::GET, &path, None).await;
            if data["state"] == "finished" {
                return serde_json::from_value(data).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), finished).await.expect("the event is worked off")
}

async fn api(http: &Client, url: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let request = http.request(method, format!("{url}{path}")).bearer_auth(TOKEN);
    let request = if let Some(body) = body { request.json(&body) } else { request };
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["success"], true, "{path}: {answer}");
    answer["data"].take()
}
