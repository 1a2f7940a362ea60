//! What the demo starts: a simulated Jira, the service on its embedded store, and three registered hooks.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jira_sim::{Account, Category, JiraSim, NewIssue, Project, Transition, Workflow};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::story::{Delivery, Signature};
use crate::app::service::Service;
use crate::clock::Clock;
use crate::forge::sample;
use crate::secrets::Secret;
use crate::settings::{DoorSettings, Settings, SiteConfig, StoreUrl, WebSettings, WorkSettings};
use crate::trace::{Outcome, Trace};

const EMAIL: &str = "conduit@acme.example";

const WORKERS: &str = "workers:\n  atlassian:\n    statefile: demo.hcl\n    projects: [shop, pay, web]\n";

/// The repositories of the story.
pub(super) const REPOSITORIES: [&str; 3] = ["acme/shop", "acme/pay", "acme/web"];

/// How long a delivery of the story may take to be worked off before something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that runs.
pub(super) struct World {
    pub(super) jira: JiraSim,
    service: Service,
    address: SocketAddr,
    token: Secret,
    hooks: BTreeMap<String, RegisteredHook>,
    http: Client,
    folder: TempDir,
}

/// What the registration API answered.
#[derive(Debug, Deserialize)]
struct RegisteredHook {
    secret: String,
    uri: String,
}

/// What a delivery was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) event_id: Option<String>,
    pub(super) duplicate: bool,
}

impl World {
    /// Starts it all. `fixed_port` takes Conduit's usual port, so that a person can type it.
    pub(super) async fn start(fixed_port: bool) -> anyhow::Result<Self> {
        let jira = start_jira().await?;
        let folder = tempfile::Builder::new().prefix("conduit-demo-").tempdir()?;
        let token = Secret::generate()?;
        let settings = settings(&folder, &jira, &token, fixed_port)?;
        let service = Service::start(settings, Clock::system()).await?;
        let address = service.address.context("the demo's service has no public listener")?;
        let mut world =
            Self { jira, service, address, token, hooks: BTreeMap::new(), http: Client::new(), folder };
        for repository in REPOSITORIES {
            let hook = world.register(repository).await?;
            world.hooks.insert(repository.to_owned(), hook);
        }
        Ok(world)
    }

    /// The service's address for people.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The administrator's token.
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// The secret and the URL of a repository's hook, as its owner would paste them.
    pub(super) fn hook(&self, repository: &str) -> Option<(&str, String)> {
        let hook = self.hooks.get(repository)?;
        Some((&hook.secret, format!("{}{}", self.url(), hook.uri)))
    }

    async fn register(&self, repository: &str) -> anyhow::Result<RegisteredHook> {
        let body = json!({
            "provider": "github", "repo_path": repository, "repo_id": repository.replace('/', "-"),
        });
        let answer = self.api(Method::POST, "/conduit/webhooks/register", Some(body)).await?;
        serde_json::from_value(answer).context("the registration API's answer")
    }

    /// Sends a delivery as GitHub would, or as somebody who would like to be GitHub.
    pub(super) async fn deliver(&self, delivery: &Delivery) -> anyhow::Result<Answer> {
        let hook = self.hooks.get(delivery.repository).context("a repository that is not registered")?;
        let body = delivery.payload.to_string();
        let secret = match delivery.signature {
            Signature::Genuine => hook.secret.as_str(),
            Signature::Forged => "a guess",
        };
        let response = self
            .http
            .post(format!("{}{}", self.url(), hook.uri))
            .header("content-type", "application/json")
            .header("x-github-event", delivery.event)
            .header("x-github-delivery", &delivery.id)
            .header("x-hub-signature-256", sample::sign(secret, body.as_bytes()))
            .body(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        let data = response.json::<Value>().await?["data"].take();
        Ok(Answer {
            status,
            event_id: data["event_id"].as_str().map(str::to_owned),
            duplicate: data["duplicate"].as_bool().unwrap_or(false),
        })
    }

    /// The trace of an event, once nothing of it waits any more.
    pub(super) async fn finished(&self, event_id: &str) -> anyhow::Result<Trace> {
        let path = format!("/conduit/api/events/{event_id}");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            let data = self.api(Method::GET, &path, None).await?;
            if data["state"] == "finished" {
                let trace: Trace = serde_json::from_value(data).context("the trace")?;
                if trace.outcome != Outcome::Waiting {
                    return Ok(trace);
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("event {event_id} was not worked off within {PATIENCE:?}; try again with --log info")
    }

    async fn api(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let request =
            self.http.request(method, format!("{}{path}", self.url())).bearer_auth(self.token.expose());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let mut answer: Value = request.send().await?.json().await?;
        if answer["success"] != true {
            bail!("{path}: {}", answer["error_msg"]);
        }
        Ok(answer["data"].take())
    }

    /// Stays until Ctrl-C.
    pub(super) async fn keep(self) -> anyhow::Result<()> {
        let Self { service, jira, folder, .. } = self;
        service.run().await?;
        drop((jira, folder));
        Ok(())
    }

    /// Stops everything and leaves nothing behind.
    pub(super) async fn end(self) {
        self.service.stop().await;
    }
}

fn settings(folder: &TempDir, jira: &JiraSim, token: &Secret, fixed_port: bool) -> anyhow::Result<Settings> {
    let config = folder.path().join("config");
    std::fs::create_dir_all(config.join("statemachines"))?;
    std::fs::write(config.join("workers.yaml"), WORKERS)?;
    std::fs::write(config.join("statemachines/demo.hcl"), include_str!("rules.hcl"))?;
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Settings {
        config,
        store: StoreUrl::Sqlite(folder.path().join("conduit.db")),
        admin_token: Some(token.clone()),
        secret_key: None,
        retention: Duration::from_hours(24),
        management_listen: loopback(0),
        work: Some(WorkSettings {
            tickets_at_once: 8,
            lease: Duration::from_secs(30),
            site: SiteConfig {
                url: Some(jira.url()),
                email: Some(EMAIL.into()),
                api_key: Some(Secret::new("demo-token")),
                dialect: Some("cloud".into()),
                ..SiteConfig::default()
            },
            github: None,
        }),
        web: Some(WebSettings {
            listen: loopback(if fixed_port { 9091 } else { 0 }),
            public_url: None,
            keep_payloads: true,
            max_event_age: None,
            spool: None,
            door: DoorSettings::default(),
        }),
    })
}

/// A board with three projects; one ticket stands in a status that no alias names.
async fn start_jira() -> anyhow::Result<JiraSim> {
    let qa = Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("In QA", Category::Indeterminate)
        .status("Blocked", Category::Indeterminate)
        .status("Done", Category::Done)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do"))
        .transition(Transition::new(21, "Hand over", "In QA").from("In Progress"))
        .transition(Transition::new(31, "Ship", "Done").from("In QA"))
        .transition(Transition::new(41, "Block", "Blocked"));
    let simple = || Workflow::simplified(&["To Do", "In Progress", "Done"]);
    let mut jira = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, "demo-token"))
        .project(Project::new("SHOP").name("Shop").workflow(simple()))
        .project(Project::new("PAY").name("Payments").workflow(qa))
        .project(Project::new("WEB").name("Web").workflow(Workflow::simplified(&["To Do", "Done"])));
    for (key, status, summary) in ISSUES {
        jira = jira.issue(NewIssue::new(key).status(status).summary(summary));
    }
    Ok(jira.start().await?)
}

/// The tickets on the board before the story begins.
const ISSUES: [(&str, &str, &str); 8] = [
    ("SHOP-1", "To Do", "Pay by invoice"),
    ("SHOP-2", "In Progress", "Wish lists"),
    ("SHOP-3", "In Progress", "Gift wrapping"),
    ("PAY-1", "In Progress", "Refunds"),
    ("PAY-2", "In Progress", "Partial refunds"),
    ("PAY-3", "In QA", "Currencies"),
    ("PAY-4", "Blocked", "Direct debit"),
    ("WEB-1", "To Do", "Dark theme"),
];
