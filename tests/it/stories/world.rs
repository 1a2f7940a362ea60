//! One world a story: a store, a simulated Jira with a board, and a worker between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use conduit::clock::Clock;
use conduit::event::{Event, PullRequest, Repo, Sender, Subject, Trigger};
use conduit::forge_api::ForgeApi;
use conduit::jira::{Auth, Credential, Dialect, JiraClient, Site, TransitionCache};
use conduit::machine::{RuleSet, SourceFile, load};
use conduit::store::redis::RedisStore;
use conduit::store::{Content, EventId, EventRecord, NewEvent, Store};
use conduit::trace::{Reason, Received, TicketTrace};
use conduit::worker::processor::Processor;
use conduit::worker::processor::jira::Jira;
use conduit::worker::{Backends, Rulebook, Stepped, Worker, WorkerConfig};
use jira_sim::{Account, JiraSim, Kind, NewIssue, Project, Workflow};

use crate::support::homes::{Home, Sqlite};
use crate::support::redis::Redis;

const EMAIL: &str = "conduit@acme.test";
const TOKEN: &str = "hush-hush";

/// The board of SHOP; `Blocked` is on the board and has no alias.
pub(crate) const STATUSES: [&str; 4] = ["To Do", "In Progress", "Done", "Blocked"];

pub(crate) const RULES: &str = r#"
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

/// Longer than a lease.
pub(crate) const A_LEASE: Duration = Duration::from_secs(31);

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) jira: JiraSim,
    pub(crate) worker: Worker,
    rulebook: Arc<ArcSwap<Rulebook>>,
    home: Box<dyn Server>,
    delivered: AtomicU32,
}

/// What a home is to a world: something that can be stopped and started again, and looked into.
#[async_trait(?Send)]
pub(crate) trait Server {
    async fn restart(&mut self);
    /// When the first of all leases runs out that are held now, in milliseconds.
    async fn first_lease_ends(&self) -> i64;
}

#[async_trait(?Send)]
impl Server for Sqlite {
    async fn restart(&mut self) {
        Home::restart(self).await;
    }

    async fn first_lease_ends(&self) -> i64 {
        let file = rusqlite::Connection::open(self.path()).unwrap();
        file.query_row("SELECT min(lease_until) FROM tickets", [], |row| row.get(0)).unwrap()
    }
}

#[async_trait(?Send)]
impl Server for SyncingRedis {
    async fn restart(&mut self) {
        Home::restart(self).await;
    }

    async fn first_lease_ends(&self) -> i64 {
        let mut first = redis::cmd("ZRANGE");
        first.arg("conduit:{j:0}:lease").arg(0).arg(0).arg("WITHSCORES");
        let first: Vec<(String, f64)> = first.query_async(&mut self.0.connect().await).await.unwrap();
        Duration::from_secs_f64(first[0].1 / 1000.0).as_millis().try_into().unwrap()
    }
}

impl World {
    /// SHOP-1, SHOP-2 and SHOP-3 stand in *To Do*.
    pub(crate) async fn on<H: Home + Server + 'static>() -> Self {
        let home = H::new().await;
        let clock = Clock::system();
        let store = home.open(&clock).await;
        let jira = site(Workflow::simplified(&STATUSES)).start().await.unwrap();
        let rulebook = rulebook(driving(&jira, &clock));
        let worker = worker(&store, &rulebook, &clock, WorkerConfig::new("worker-1"));
        Self { store, clock, jira, worker, rulebook, home: Box::new(home), delivered: AtomicU32::new(0) }
    }

    /// The same store with another site.
    pub(crate) async fn with_site(self, site: jira_sim::Builder) -> Self {
        let jira = site.start().await.unwrap();
        let rulebook = rulebook(driving(&jira, &self.clock));
        let worker = worker(&self.store, &rulebook, &self.clock, WorkerConfig::new("worker-1"));
        Self { jira, worker, rulebook, ..self }
    }

    /// The same store with a site of Data Center.
    pub(crate) async fn with_data_center(self, site: jira_sim::Builder) -> Self {
        let jira = site.start().await.unwrap();
        let auth = Auth::Bearer { token: Credential::new(TOKEN) };
        let rulebook = rulebook(driving_as(&jira, Dialect::DataCenter, auth, &self.clock));
        let worker = worker(&self.store, &rulebook, &self.clock, WorkerConfig::new("worker-1"));
        Self { jira, worker, rulebook, ..self }
    }

    /// Another worker process on the same store.
    pub(crate) fn another_worker(&self) -> Worker {
        self.worker_with(WorkerConfig::new("worker-2"))
    }

    pub(crate) fn worker_with(&self, config: WorkerConfig) -> Worker {
        worker(&self.store, &self.rulebook, &self.clock, config)
    }

    /// The same with a forge that can be asked.
    pub(crate) fn with_forge(self, forge: Arc<dyn ForgeApi>) -> Self {
        let (store, rulebook) = (Arc::clone(&self.store), Arc::clone(&self.rulebook));
        let config = WorkerConfig::new("worker-1");
        let worker = Worker::new(store, rulebook, Some(forge), self.clock.clone(), config);
        Self { worker, ..self }
    }

    /// The hash of the rules that decide now.
    pub(crate) fn rules_in_force(&self) -> String {
        self.rulebook.load().rules.hash().to_owned()
    }

    /// Other rules are put in force while the workers run.
    pub(crate) fn reload(&self, text: &str) {
        let backends = self.rulebook.load().backends.clone();
        self.rulebook.store(Arc::new(Rulebook { rules: Arc::new(rules(text)), backends }));
    }

    /// PAY has a machine too, on the same site.
    pub(crate) fn with_pay(&self) {
        let mut backends = Backends::new();
        backends.add("jira", driving(&self.jira, &self.clock), ["shop", "pay"]).unwrap();
        let text = format!("{RULES}{}", RULES.replace("shop", "pay"));
        self.rulebook.store(Arc::new(Rulebook { rules: Arc::new(rules(&text)), backends }));
    }

    /// A worker whose ticket system is this one.
    pub(crate) fn worker_driving(&self, processor: Arc<dyn Processor>) -> Worker {
        worker(&self.store, &rulebook(processor), &self.clock, WorkerConfig::new("worker-5"))
    }

    /// A worker on this site and on another one, where PAY lives.
    pub(crate) fn worker_on_two_sites(&self, other: &JiraSim, config: WorkerConfig) -> Worker {
        let mut backends = Backends::new();
        backends.add("jira", driving(&self.jira, &self.clock), ["shop"]).unwrap();
        backends.add("other", driving(other, &self.clock), ["pay"]).unwrap();
        let text = format!("{RULES}{}", RULES.replace("shop", "pay"));
        let rulebook = Arc::new(ArcSwap::from_pointee(Rulebook { rules: Arc::new(rules(&text)), backends }));
        worker(&self.store, &rulebook, &self.clock, config)
    }

    /// The store's server, if it has one, goes away and comes back.
    pub(crate) async fn restart_store(&mut self) {
        self.home.restart().await;
    }

    /// Waits until every lease that is held was renewed, or given, after now.
    pub(crate) async fn until_renewed(&self) {
        let almost_a_lease = jiff::SignedDuration::from_secs(29);
        let renewed = (self.clock.now() + almost_a_lease).as_millisecond();
        let patience = std::time::Instant::now() + Duration::from_mins(1);
        while self.home.first_lease_ends().await < renewed {
            assert!(std::time::Instant::now() < patience, "a lease is not renewed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A delivery of this event came in.
    pub(crate) async fn deliver(&self, event: Event) -> EventId {
        self.deliver_by(event, None).await
    }

    /// The same, by a hook that may move only these projects.
    pub(crate) async fn deliver_by(&self, event: Event, projects: Option<&[&str]>) -> EventId {
        let delivery_id = format!("d-{}", self.delivered.fetch_add(1, Ordering::Relaxed));
        let id = EventId::new("github/shop", "4711", &delivery_id);
        let new = NewEvent {
            id: id.clone(),
            provider: "github".into(),
            delivery_id,
            occurrence: None,
            repo: "acme/shop".into(),
            kind: event.kind.clone(),
            projects: projects.map(|keys| keys.iter().map(ToString::to_string).collect()),
            content: Content::Event(Box::new(event)),
            received: Received {
                at: self.clock.now(),
                hook: "github/shop".into(),
                bytes: 24_600,
                ms: 2,
                verified_by: "HMAC-SHA256".into(),
                secret_version: 1,
            },
            verdict: None,
            detail: None,
        };
        assert!(!self.store.ingest(&new).await.unwrap().duplicate);
        id
    }

    pub(crate) async fn step(&self) -> Stepped {
        self.worker.step().await.unwrap()
    }

    /// Steps until there is nothing left to do now.
    pub(crate) async fn work(&self) {
        while !self.step().await.is_idle() {}
        self.store.tidy(Duration::from_hours(24)).await.unwrap();
    }

    /// Time passes, then there is work.
    pub(crate) async fn later(&self, time: Duration) -> Stepped {
        self.clock.advance(time);
        self.step().await
    }

    pub(crate) async fn event(&self, id: &EventId) -> EventRecord {
        self.store.tidy(Duration::from_hours(24)).await.unwrap();
        self.store.event(id).await.unwrap().unwrap()
    }

    /// The trace of an event's only ticket.
    pub(crate) async fn trace(&self, id: &EventId) -> TicketTrace {
        self.store.tidy(Duration::from_hours(24)).await.unwrap();
        let mut traces = self.store.ticket_traces(id).await.unwrap();
        assert_eq!(traces.len(), 1, "{traces:?}");
        traces.remove(0)
    }

    pub(crate) async fn reason(&self, id: &EventId) -> Reason {
        self.trace(id).await.reason
    }

    /// How often Jira was asked to move something.
    pub(crate) fn moves_asked(&self) -> usize {
        self.jira.journal().of(Kind::Transitions).writes().len()
    }

    /// A worker whose step is under way; dropping the handle does not end it, aborting kills it.
    pub(crate) fn start_step(&self) -> tokio::task::JoinHandle<Stepped> {
        let worker = self.worker.clone();
        tokio::spawn(async move { worker.step().await.unwrap() })
    }

    /// Waits until this many requests to move something have reached Jira.
    pub(crate) async fn until_asked(&self, times: usize) {
        let asked = |one: &jira_sim::Exchange| one.kind == Kind::Transitions && one.is_write();
        self.jira.wait_until("Jira is asked to move", |view| view.count(asked) == times).await.unwrap();
    }
}

/// A Redis that syncs each write: one that syncs every second may lose a delivery when it is killed.
pub(crate) struct SyncingRedis(Redis);

impl SyncingRedis {
    async fn sync_each_write(&self) {
        let mut connection = self.0.connect().await;
        let set: redis::Value = redis::cmd("CONFIG")
            .arg(&["SET", "appendfsync", "always"])
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(set, redis::Value::Okay);
    }
}

impl Home for SyncingRedis {
    async fn new() -> Self {
        let home = Self(Redis::start().await);
        home.sync_each_write().await;
        home
    }

    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        Arc::new(RedisStore::open(&self.0.url(), clock.clone()).await.unwrap())
    }

    async fn restart(&mut self) {
        self.0.kill();
        self.0.start_again().await;
        self.sync_each_write().await;
    }
}

/// A site whose project SHOP has this workflow.
pub(crate) fn site(workflow: Workflow) -> jira_sim::Builder {
    site_for(Account::with_api_token(EMAIL, TOKEN), workflow)
}

pub(crate) fn site_for(account: Account, workflow: Workflow) -> jira_sim::Builder {
    JiraSim::cloud()
        .account(account)
        .account(Account::person("ada"))
        .project(Project::new("SHOP").workflow(workflow))
        .project(Project::new("PAY").workflow(Workflow::simplified(&STATUSES)))
        .issue(NewIssue::new("SHOP-1"))
        .issue(NewIssue::new("SHOP-2"))
        .issue(NewIssue::new("SHOP-3"))
}

/// Conduit's account, to be changed.
pub(crate) fn robot() -> Account {
    Account::with_api_token(EMAIL, TOKEN)
}

fn worker(
    store: &Arc<dyn Store>,
    rulebook: &Arc<ArcSwap<Rulebook>>,
    clock: &Clock,
    config: WorkerConfig,
) -> Worker {
    Worker::new(Arc::clone(store), Arc::clone(rulebook), None, clock.clone(), config)
}

/// What drives this site.
fn driving(jira: &JiraSim, clock: &Clock) -> Arc<dyn Processor> {
    let auth = Auth::Basic { user: EMAIL.into(), password: Credential::new(TOKEN) };
    driving_as(jira, Dialect::Cloud, auth, clock)
}

fn driving_as(jira: &JiraSim, dialect: Dialect, auth: Auth, clock: &Clock) -> Arc<dyn Processor> {
    let site = Site { dialect, ..Site::new("jira", jira.url().parse().unwrap(), auth) };
    let client = JiraClient::new(site, clock.clone()).unwrap();
    Arc::new(Jira::new(client, TransitionCache::new(), clock.clone()))
}

/// The rules of SHOP. OPS is configured and has no machine.
fn rulebook(processor: Arc<dyn Processor>) -> Arc<ArcSwap<Rulebook>> {
    let mut backends = Backends::new();
    backends.add("jira", processor, ["shop", "ops"]).unwrap();
    Arc::new(ArcSwap::from_pointee(Rulebook { rules: Arc::new(rules(RULES)), backends }))
}

fn rules(text: &str) -> RuleSet {
    let loaded = load(&[SourceFile::from_bytes("jira.hcl", text.as_bytes())]);
    loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// A pull request merged into the default branch.
pub(crate) fn merged(title: &str) -> Event {
    event(Trigger::PullRequestMerged, Subject::PullRequest(pull_request(title)))
}

pub(crate) fn pull_request(title: &str) -> PullRequest {
    PullRequest {
        number: 118,
        title: title.into(),
        head: "feature/pay".into(),
        base: "main".into(),
        author: "ada".into(),
        merged: true,
        ..PullRequest::default()
    }
}

pub(crate) fn event(trigger: Trigger, subject: Subject) -> Event {
    let repo = Repo {
        id: "4711".into(),
        name: "shop".into(),
        path: "acme/shop".into(),
        default_branch: Some("main".into()),
        ..Repo::default()
    };
    Event {
        schema: conduit::event::SCHEMA,
        provider: "github".into(),
        kind: trigger.as_str().into(),
        triggers: vec![trigger],
        repo: Some(repo),
        sender: Sender { login: "ada".into(), ..Sender::default() },
        occurred_at: None,
        change: None,
        subject,
    }
}
