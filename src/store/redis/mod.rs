//! The store on Redis 7 or later, or Valkey.
//!
//! # Where things stand
//!
//! The part in braces decides on the slot, so that everything one script touches is on one server. An event
//! lives in the inbox partition of its repository, a ticket in the job partition of its site and key. One server has
//! one partition of each kind, a cluster sixteen; the number is written down when the store is created.
//!
//! ```text
//! conduit:{i:k}:  ev:<id>          HASH  an event's record, short fields; the dedupe     ingest plan carry
//!                 oc:<hash>        STR   the event that stands for this change           ingest
//!                 no:<id>          STR   the normalised event, JSON, zstd above 1 KiB    ingest
//!                 bd:<id>          STR   the raw body, zstd                              save_body ingest
//!                 in               LIST  events to be fanned out                         ingest requeue
//!                 wake             LIST  a hint for whoever waits, never longer than 64  ingest requeue
//!                 router           HASH  worker, fence, until: who fans out              inbox
//!                 pl:<id>          STR   how the event fans out, until it has            plan
//!                 tk:<id>          HASH  key → position, generation, verdict, site       plan carry
//!                 op:<id>          SET   its tickets that are not finished               plan carry
//!                 st:<id>          HASH  key → trace, of what was settled unasked        plan
//!                 ix:s:<outcome>  ix:r:<repo>  ix:k:<ticket>  ix:open
//!                                  ZSETs events by µs received. Each has one outcome; `open` has
//!                                  those that are not finished although theirs is not `waiting`
//!                 ix:m             HASH  a commit's hash → the events it was merged by  ingest
//!                 ix:done          ZSET  finished events by ms of their end              routed carry
//! conduit:{j:m}:  job:<id>         HASH  state, site, project, found_in, queued_at       add_jobs finish
//!                 js:<id>          STR   a job's working state: intent, attempts, trace  step give_back
//!                 tt:<id>          STR   the trace it ended with                         finish
//!                 g:<site>/<key>   LIST  a ticket's jobs in order                        add_jobs finish
//!                 ready:<site>/<project>  LISTs of tickets                               whoever moves one
//!                 rota  rota:<site>       ZSETs: sites, and their projects, by last turn claim
//!                 lease            ZSET  tickets by ms of expiry                         claim step
//!                 delay            ZSET  tickets by ms of their next try                 give_back
//!                 own              HASH  ticket → fence, job, worker                     claim
//!                 fin              LIST  outbox: finished tickets on their way home      finish
//!                 dead             ZSET  event and key of dead letters                   finish
//!                 paused           HASH  kind and site → since, until, probes, why       pause take_probe
//!                 expired          HASH  ticket → how often in a row its lease ran out   reap
//!                 run              STR   the server's run that its queues were looked through
//!                                        under, see `reconcile`                          reconcile
//!                 fence  turn      INTs; wake LIST as above
//! conduit:{cfg}:  settings  hooks  tokens  HASHes of configuration;  probe, written by `check`
//!                 audit            ZSET  who did what, see `audit`
//!                 present          STR   expires: somebody is at work, see `copy`        present
//! ```
//!
//! What filters events stands in the event's own partition, tickets too: so filters are intersected in one
//! place and removed with the event.
//!
//! *Invariant:* a ticket with unfinished jobs is in exactly one of ready, lease, delay. Half a script may break
//! it (see `scripts`); then lease counts before delay, and delay before ready. After a restart of Redis all tickets
//! are looked through for it (see `reconcile`).
//!
//! `address` reads where Redis is, `link` knows which server a partition is on, `node` talks to that server, and
//! `turns` lets the partitions take turns.

mod address;
mod audit;
mod cluster;
mod config;
mod copy;
mod error;
mod fitness;
mod handover;
mod inbox;
mod jobs;
mod keys;
mod link;
mod list;
mod node;
mod pauses;
mod queries;
mod reconcile;
mod record;
mod replay;
mod scripts;
mod sentinel;
mod tidy;
mod turns;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use moka::future::Cache;

pub use self::error::refuses_login;
pub(super) use self::keys::short;

use self::address::Address;
use self::fitness::Server;
use self::keys::{Home, Layout};
use self::link::{Link, each};
use self::node::{Call, Node};
use self::reconcile::Reconciler;
use self::scripts::Scripts;
use super::{
    AuditEntry, AuditQuery, Claim, ClaimRequest, EventId, EventQuery, EventRecord, InboxItem, Ingested,
    JobState, Lease, NewEvent, NewJob, Page, Pause, PauseKind, PausedSite, QueueStatus, ReplayScope,
    Replayed, Result, Routing, Store, StoreError, Tidied,
};
use crate::clock::Clock;
use crate::event::Event;
use crate::registration::Hook;
use crate::secrets::token::{NotRevoked, Token};
use crate::trace::TicketTrace;

/// Bytes of events kept in memory for the tickets that name them.
const CACHED: u64 = 4 * 1024 * 1024;

/// Settings of the server that decide on what is promised.
const LOOKED_AT: &[&str] =
    &["maxmemory-policy", "appendfsync", "no-appendfsync-on-rewrite", "cluster-require-full-coverage"];

/// An event in memory with the projects that its hook may move, and its size.
type Cached = (Arc<(Event, Option<Vec<String>>)>, u32);

/// A store on Redis: one server, a master that Sentinels name, or a cluster.
pub struct RedisStore {
    link: Link,
    scripts: Scripts,
    layout: Layout,
    clock: Clock,
    events: Cache<EventId, Cached>,
    next_turn: AtomicUsize,
    reconciler: Reconciler,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("RedisStore").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Opens the store at `redis://…`, `redis+sentinel://…` or `redis+cluster://…` (`rediss…` with TLS; see the
    /// module `address`), and refuses a server that cannot carry its promises.
    pub async fn open(url: &str, clock: Clock) -> Result<Self> {
        let store = Self::connect(url, clock).await?;
        store.refuse_half().await?;
        Ok(store)
    }

    async fn connect(url: &str, clock: Clock) -> Result<Self> {
        let link = Link::new(Address::parse(url)?)?;
        let mut store = Self {
            layout: Layout { partitions: if link.is_cluster() { keys::ON_A_CLUSTER } else { 1 } },
            link,
            scripts: Scripts::new(),
            clock,
            events: Cache::builder().max_capacity(CACHED).weigher(|_, (_, size): &Cached| *size).build(),
            next_turn: AtomicUsize::new(0),
            reconciler: Reconciler::default(),
        };
        for server in store.servers().await? {
            server.is_fit(store.link.is_cluster())?;
        }
        store.layout = store.standing_layout().await?;
        Ok(store)
    }

    /// The number of partitions that the store was created with: where everything stands depends on it.
    async fn standing_layout(&self) -> Result<Layout> {
        let standing = self.set_once("partitions", &self.layout.partitions.to_string()).await?;
        match standing.parse() {
            Ok(partitions) if (1..=keys::MOST).contains(&partitions) => Ok(Layout { partitions }),
            _ => Err(StoreError::Unfit(format!(
                "this Redis was set up with `{standing}` partitions, which this version cannot use"
            ))),
        }
    }

    /// What the masters say about themselves; one that is away is left out, unless it is the only one.
    async fn servers(&self) -> Result<Vec<Server>> {
        each(self.link.masters().await?, |master| self.server(master)).await
    }

    async fn server(&self, master: Arc<Node>) -> Result<Server> {
        let info: String = master.run(Call::Command(&redis::cmd("INFO"))).await?;
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg(LOOKED_AT);
        // Managed services forbid it; what is missing then is said in the warnings.
        let config: Option<HashMap<String, String>> = master.run(Call::Command(&get)).await.ok();
        Ok(Server::new(master.name(), &info, config))
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn setting_once(&self, name: &str, value: &str) -> Result<String> {
        self.set_once(&format!("user:{name}"), value).await
    }

    async fn replace_setting(&self, name: &str, from: &str, to: &str) -> Result<bool> {
        self.exchange_setting(&format!("user:{name}"), from, to).await
    }

    async fn hook(&self, provider: &str, repo_id: &str) -> Result<Option<Hook>> {
        self.find_hook(&format!("{provider}/{repo_id}")).await
    }

    async fn hooks(&self, provider: Option<&str>) -> Result<Vec<Hook>> {
        self.list_hooks(provider).await
    }

    async fn add_hook(&self, hook: &Hook) -> Result<bool> {
        self.create_hook(hook).await
    }

    async fn save_hook(&self, hook: &Hook) -> Result<bool> {
        self.update_hook(hook).await
    }

    async fn remove_hook(&self, provider: &str, repo_id: &str) -> Result<bool> {
        self.delete_hook(&format!("{provider}/{repo_id}")).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.list_tokens().await
    }

    async fn save_token(&self, token: &Token) -> Result<()> {
        self.put_token(token).await
    }

    async fn revoke_tokens(&self, name: &str, at: Timestamp) -> Result<std::result::Result<(), NotRevoked>> {
        self.end_tokens(name, at).await
    }

    async fn record_audit(&self, entry: &AuditEntry) -> Result<()> {
        self.add_audit(entry).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        self.list_audit(query).await
    }

    async fn ingest(&self, event: &NewEvent) -> Result<Ingested> {
        self.add_event(event).await
    }

    async fn save_body(&self, id: &EventId, compressed: &[u8]) -> Result<()> {
        self.keep_body(id, compressed).await
    }

    async fn body(&self, id: &EventId) -> Result<Option<Vec<u8>>> {
        let home = self.layout.of_event(id);
        let mut get = redis::pipe();
        get.get(home.key(&format!("bd:{id}")));
        let (body,) = self.link.ask(home, &get).await?;
        Ok(body)
    }

    async fn inbox(&self, worker: &str, most: usize) -> Result<Vec<InboxItem>> {
        self.waiting_events(worker, most).await
    }

    async fn route(&self, item: &InboxItem, routing: &Routing) -> Result<()> {
        self.fan_out(item, routing).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>> {
        self.claim_heads(request).await
    }

    async fn claim_siblings(&self, of: &Lease, request: &ClaimRequest) -> Result<Vec<Claim>> {
        self.claim_others(of, request).await
    }

    async fn checkpoint(&self, lease: &Lease, state: &JobState) -> Result<()> {
        self.renew(lease, Some(state)).await
    }

    async fn heartbeat(&self, lease: &Lease) -> Result<()> {
        self.renew(lease, None).await
    }

    async fn finish(&self, lease: &Lease, trace: &TicketTrace) -> Result<Option<Timestamp>> {
        self.end(lease, trace).await
    }

    async fn hand_over(
        &self,
        lease: &Lease,
        to: &NewJob,
        state: &JobState,
        trace: &TicketTrace,
    ) -> Result<()> {
        self.pass_on(lease, to, state, trace).await
    }

    async fn retry(&self, lease: &Lease, delay: Duration, state: &JobState) -> Result<()> {
        self.give_back(lease, Some((delay, state))).await
    }

    async fn hand_back(&self, lease: &Lease) -> Result<()> {
        self.give_back(lease, None).await
    }

    async fn wait_for_work(&self, most: Duration) {
        let homes: Vec<Home> = self.layout.events().chain(self.layout.jobs()).collect();
        self.link.wait(&homes, most).await;
    }

    async fn tidy(&self, retention: Duration) -> Result<Tidied> {
        self.upkeep(retention).await
    }

    async fn merged_as(&self, provider: &str, repo_id: &str, sha: &str) -> Result<Vec<Event>> {
        self.read_merged(provider, repo_id, sha).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<EventRecord>> {
        self.read_event(id).await
    }

    async fn ticket_traces(&self, id: &EventId) -> Result<Vec<TicketTrace>> {
        self.traces_of(id).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Page<EventRecord>> {
        self.list_events(query).await
    }

    async fn replay(&self, id: &EventId, scope: ReplayScope, among: &[String]) -> Result<Replayed> {
        self.replay_event(id, scope, among).await
    }

    async fn queue(&self) -> Result<QueueStatus> {
        self.count_queue().await
    }

    async fn pause(&self, site: &str, pause: &Pause) -> Result<()> {
        self.pause_site(site, pause).await
    }

    async fn resume(&self, site: &str, kind: Option<PauseKind>) -> Result<bool> {
        self.resume_site(site, kind).await
    }

    async fn paused(&self) -> Result<Vec<PausedSite>> {
        self.paused_sites().await
    }

    async fn take_probe(&self, site: &str, kind: PauseKind, rest: Duration) -> Result<bool> {
        self.take_turn_to_probe(site, kind, rest).await
    }

    async fn check(&self) -> Result<()> {
        // A write, because a full Redis, or a replica, still answers PING.
        let mut set = redis::cmd("SET");
        set.arg(Home::Config.key("probe")).arg("1");
        self.link.command(Home::Config, &set).await
    }

    async fn say_at_work(&self) -> Result<()> {
        self.say_present().await
    }

    async fn warnings(&self) -> Result<Vec<String>> {
        Ok(fitness::warnings(&self.servers().await?, self.link.fails_over()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_cannot_work_is_refused_without_repeating_its_password() {
        for (url, expected) in [
            ("redis+sentinel://:hunter2@10.0.0.1", "name of the master"),
            ("http://:hunter2@10.0.0.1", "must begin with redis://"),
            ("redis://:hunter2@host:port", "cannot be read"),
        ] {
            let error = RedisStore::open(url, Clock::system()).await.unwrap_err();
            assert!(matches!(error, StoreError::Unfit(_)), "{error:?}");
            let text = format!("{error} {error:?}");
            assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable() {
        for url in [
            "redis://:hunter2@127.0.0.1:1",
            "redis+sentinel://:hunter2@127.0.0.1:1,127.0.0.1:2/main",
            "redis+cluster://:hunter2@127.0.0.1:1,127.0.0.1:2",
        ] {
            let error = RedisStore::open(url, Clock::system()).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
