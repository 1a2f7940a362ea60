//! What a measurement runs on: a store, a `serve`, a simulated Jira with one ticket for each event, a sender.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use conduit::forge::sample::{self, PullRequest, Repository};
use jiff::Timestamp;
use jira_sim::{Account, JiraSim, NewIssue, Project};
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::StoreKind;
use crate::instance::{self, HOOK, SECRET};
use crate::process::{self, Process, answers, free_address};

const EMAIL: &str = "conduit@acme.example";
const API_KEY: &str = "the-jira-api-key";

const WORKERS: &str = "workers:
  atlassian:
    statefile: shop.hcl
    projects: [shop]
    site: { url: env://RIG_JIRA_URL, email: env://RIG_JIRA_EMAIL, api_key: env://RIG_JIRA_KEY, dialect: cloud }
";

const RULES: &str = r#"
provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }
  statemachine "shop" {
    initial = "to_do"
    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "done" }
    state "done" "next"        { transition = "<end>" }
  }
}
"#;

/// How many deliveries are sent at once.
const SENDERS: usize = 16;
/// How long what waits may take to be worked off.
const PATIENCE: Duration = Duration::from_mins(15);

/// A store and a `serve` on it.
pub(super) struct Rig {
    pub(super) jira: JiraSim,
    program: PathBuf,
    store: Store,
    serve: Process,
    address: SocketAddr,
    http: Client,
    folder: TempDir,
}

/// A store of our own, by its URL.
pub(super) struct Store {
    pub(super) url: String,
    redis: Option<(Process, SocketAddr)>,
    file: PathBuf,
}

impl Store {
    /// Makes one in `folder`.
    pub(super) async fn start(kind: StoreKind, folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join("conduit.db");
        if kind == StoreKind::Sqlite {
            return Ok(Self { url: format!("sqlite:{}", file.display()), redis: None, file });
        }
        let address = free_address()?;
        let mut command = process::redis_server(address, folder, "always");
        command.stdout(Stdio::null());
        let redis = Process::start(command)?;
        answers(address).await?;
        Ok(Self { url: format!("redis://{address}"), redis: Some((redis, address)), file })
    }

    /// What it takes: of memory on Redis; of the disk on SQLite, when nobody has the file open.
    pub(super) async fn bytes(&self) -> anyhow::Result<u64> {
        match &self.redis {
            Some((_, address)) => used_memory(*address).await,
            None => Ok(std::fs::metadata(&self.file)?.len()),
        }
    }
}

/// `used_memory` of Redis' own account.
async fn used_memory(address: SocketAddr) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"INFO memory\r\nQUIT\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let line = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|bytes| bytes.trim().parse().ok()).context("Redis does not say what memory it uses")
}

impl Rig {
    /// Starts it, with so many tickets.
    pub(super) async fn start(
        program: &Path,
        kind: StoreKind,
        tickets: usize,
        latency: Duration,
        keep_payloads: bool,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        write_config(folder.path())?;
        let store = Store::start(kind, folder.path()).await?;
        let mut jira = JiraSim::cloud()
            .latency(latency)
            .account(Account::with_api_token(EMAIL, API_KEY))
            .project(Project::new("SHOP"));
        for number in 1..=tickets {
            jira = jira.issue(NewIssue::new(&format!("SHOP-{number}")));
        }
        let jira = jira.start().await?;
        let address = free_address()?;
        let serve = serve(program, folder.path(), &store.url, address, keep_payloads)?;
        instance::ready(address).await?;
        let http = Client::new();
        instance::register_hook(&http, address).await?;
        Ok(Self { jira, program: program.to_owned(), store, serve, address, http, folder })
    }

    /// Starts a worker process.
    pub(super) fn worker(&self, tickets_at_once: usize) -> anyhow::Result<Process> {
        let mut command = instance::command(&self.program, self.folder.path(), &self.store.url)?;
        command
            .args(["worker", "--log", "error", "--workers", &tickets_at_once.to_string()])
            .env("RIG_JIRA_URL", self.jira.url())
            .env("RIG_JIRA_EMAIL", EMAIL)
            .env("RIG_JIRA_KEY", API_KEY);
        Process::start(command)
    }

    /// Delivers one event for each of the tickets, as fast as it goes.
    pub(super) async fn deliver_all(&self, tickets: std::ops::RangeInclusive<usize>) -> anyhow::Result<()> {
        let mut senders = JoinSet::new();
        for number in tickets {
            if senders.len() >= SENDERS {
                senders.join_next().await.context("a sender is gone")???;
            }
            let (http, address) = (self.http.clone(), self.address);
            senders.spawn(async move { deliver(&http, address, number).await });
        }
        while let Some(sent) = senders.join_next().await {
            sent??;
        }
        Ok(())
    }

    /// Delivers the event of one ticket, and says when it was accepted.
    pub(super) fn deliver(&self, number: usize) -> impl Future<Output = anyhow::Result<Timestamp>> + 'static {
        let (http, address) = (self.http.clone(), self.address);
        async move { deliver(&http, address, number).await }
    }

    /// When the ticket was moved.
    pub(super) fn moved_at(&self, number: usize) -> Option<Timestamp> {
        Some(self.jira.history(&format!("SHOP-{number}")).first()?.created)
    }

    /// Lets the site stand still: events are fanned out, and nothing is claimed.
    pub(super) async fn pause(&self) -> anyhow::Result<()> {
        self.api(Method::POST, "/conduit/api/queue/pause").await.map(drop)
    }

    /// Waits until the named parts of the queue are empty.
    pub(super) async fn until_empty(&self, parts: &[&str]) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.api(Method::GET, "/conduit/api/queue").await {
                Ok(queue) if parts.iter().all(|part| queue[part] == 0) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Ok(queue) if Instant::now() > deadline => bail!("this still waits: {queue}"),
                // A store that is kept busy may not answer this once.
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn api(&self, method: Method, path: &str) -> anyhow::Result<Value> {
        instance::api(&self.http, self.address, method, path, None).await
    }

    /// What the store takes. Of SQLite only the closed file tells, so `serve` stops.
    pub(super) async fn bytes_at_rest(&mut self) -> anyhow::Result<u64> {
        self.serve.stop()?;
        self.store.bytes().await
    }
}

fn write_config(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder.join("statemachines"))?;
    std::fs::write(folder.join("workers.yaml"), WORKERS)?;
    Ok(std::fs::write(folder.join("statemachines/shop.hcl"), RULES)?)
}

fn serve(
    program: &Path,
    folder: &Path,
    store: &str,
    address: SocketAddr,
    keep_payloads: bool,
) -> anyhow::Result<Process> {
    let mut command = instance::command(program, folder, store)?;
    let keep = if keep_payloads { "yes" } else { "no" };
    command
        .args(["serve", "--no-workers", "--log", "error", "--listen", &address.to_string()])
        .args(["--keep-payloads", keep]);
    Process::start(command)
}

async fn deliver(http: &Client, address: SocketAddr, number: usize) -> anyhow::Result<Timestamp> {
    let body = body(number);
    let mut request = http.post(format!("http://{address}{HOOK}"));
    for (name, value) in sample::headers("pull_request", &format!("rig-{number}"), SECRET, body.as_bytes()) {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await?;
    if answer.status().as_u16() != 202 {
        bail!("a delivery was answered {}", answer.status());
    }
    Ok(Timestamp::now())
}

/// The merge of a pull request that names one ticket, with a text of some length that differs from the others'.
fn body(number: usize) -> String {
    let shop = Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };
    let text = format!("Change {number}: what it does and why, in a paragraph. ").repeat(80);
    let pull_request = PullRequest {
        action: "closed",
        number: number as u64,
        title: &format!("SHOP-{number}: pay by invoice"),
        body: &text,
        head: &format!("feature/SHOP-{number}-invoice"),
        base: "main",
        author: "ada",
        merged: true,
        at: &Timestamp::now().to_string(),
        ..PullRequest::default()
    };
    sample::pull_request(&shop, &pull_request).to_string()
}
