//! The embedded store: one SQLite file, for the demo and for one server. The spool, in a file of its own, uses
//! its way to open a file and its writer.
//!
//! One thread writes and groups commits (`writer`); others read beside it (`readers`), which the write-ahead
//! log allows. Several processes may share the file: each notices its own work at once and another's within
//! some hundredths of a second (`elsewhere`).
//!
//! `schema` says what the tables are. `config`, `audit`, `inbox`, `routing`, `jobs`, `handover`, `lanes`, `pauses`, `queries` and `tidy`
//! hold the statements, as plain functions over a connection; this file only hands calls to them.

mod audit;
mod backup;
mod config;
mod copy;
mod elsewhere;
mod error;
mod handover;
mod inbox;
mod jobs;
mod lanes;
mod pauses;
#[cfg(test)]
mod plans;
mod queries;
mod readers;
mod routing;
pub(super) mod rows;
pub(super) mod schema;
#[cfg(test)]
mod tests;
mod tidy;
pub(super) mod writer;

pub use backup::back_up;
pub use copy::SqliteFile;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::event::Event;
use crate::registration::Hook;
use crate::secrets::token::{NotRevoked, Token};
use crate::trace::TicketTrace;

use super::model::merge_name;
use super::{
    AuditEntry, AuditQuery, Claim, ClaimRequest, EventId, EventQuery, EventRecord, InboxItem, Ingested,
    JobState, Lease, NewEvent, NewJob, Page, Pause, PauseKind, PausedSite, QueueStatus, ReplayScope,
    Replayed, Result, Routing, Store, Tidied,
};

/// A store in one file.
pub struct SqliteStore {
    path: PathBuf,
    clock: Clock,
    writer: writer::Writer,
    readers: readers::Readers,
    elsewhere: elsewhere::Elsewhere,
    work: Notify,
}

impl SqliteStore {
    /// Opens the file at `path`. It and its folder are made if they are missing.
    pub fn open(path: &Path, clock: Clock) -> Result<Self> {
        let conn = schema::open_writer(path)?;
        copy::refuse_half(&conn, path)?;
        Ok(Self {
            path: path.to_owned(),
            clock,
            writer: writer::Writer::start(conn)?,
            readers: readers::Readers::new(path),
            elsewhere: elsewhere::Elsewhere::new(path),
            work: Notify::new(),
        })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Wakes as many waiting tasks as there are new things to do.
    fn wake(&self, things: usize) {
        for _ in 0..things.min(64) {
            self.work.notify_one();
        }
    }
}

/// A duration as the tables count it.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

#[async_trait]
impl Store for SqliteStore {
    async fn setting_once(&self, name: &str, value: &str) -> Result<String> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.writer.run(move |conn| config::setting_once(conn, &name, &value)).await
    }

    async fn replace_setting(&self, name: &str, from: &str, to: &str) -> Result<bool> {
        let (name, from, to) = (name.to_owned(), from.to_owned(), to.to_owned());
        self.writer.run(move |conn| config::replace_setting(conn, &name, &from, &to)).await
    }

    async fn hook(&self, provider: &str, repo_id: &str) -> Result<Option<Hook>> {
        let (provider, repo_id) = (provider.to_owned(), repo_id.to_owned());
        self.readers.ask(move |conn| config::hook(conn, &provider, &repo_id)).await
    }

    async fn hooks(&self, provider: Option<&str>) -> Result<Vec<Hook>> {
        let provider = provider.map(str::to_owned);
        self.readers.ask(move |conn| config::hooks(conn, provider.as_deref())).await
    }

    async fn add_hook(&self, hook: &Hook) -> Result<bool> {
        let hook = hook.clone();
        self.writer.run(move |conn| config::add_hook(conn, &hook)).await
    }

    async fn save_hook(&self, hook: &Hook) -> Result<bool> {
        let hook = hook.clone();
        self.writer.run(move |conn| config::save_hook(conn, &hook)).await
    }

    async fn remove_hook(&self, provider: &str, repo_id: &str) -> Result<bool> {
        let (provider, repo_id) = (provider.to_owned(), repo_id.to_owned());
        self.writer.run(move |conn| config::remove_hook(conn, &provider, &repo_id)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.readers.ask(config::tokens).await
    }

    async fn save_token(&self, token: &Token) -> Result<()> {
        let token = token.clone();
        self.writer.run(move |conn| config::save_token(conn, &token)).await
    }

    async fn revoke_tokens(&self, name: &str, at: Timestamp) -> Result<std::result::Result<(), NotRevoked>> {
        let name = name.to_owned();
        self.writer.run(move |conn| config::revoke_tokens(conn, &name, at)).await
    }

    async fn record_audit(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.writer.run(move |conn| audit::record(conn, &entry)).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        let query = query.clone();
        self.readers.ask(move |conn| audit::list(conn, &query)).await
    }

    async fn ingest(&self, event: &NewEvent) -> Result<Ingested> {
        let (delivery, now) = (inbox::Delivery::new(event)?, self.now());
        let ingested = self.writer.run(move |conn| inbox::ingest(conn, &delivery, now)).await?;
        self.wake(1);
        Ok(ingested)
    }

    async fn save_body(&self, id: &EventId, compressed: &[u8]) -> Result<()> {
        let (id, compressed) = (id.clone(), compressed.to_vec());
        self.writer.run(move |conn| inbox::save_body(conn, &id, &compressed)).await
    }

    async fn body(&self, id: &EventId) -> Result<Option<Vec<u8>>> {
        let id = id.clone();
        self.readers.ask(move |conn| queries::body(conn, &id)).await
    }

    async fn inbox(&self, worker: &str, most: usize) -> Result<Vec<InboxItem>> {
        let (worker, now) = (worker.to_owned(), self.now());
        let waiting = self.writer.run(move |conn| inbox::inbox(conn, &worker, most, now)).await?;
        Ok(waiting.into_iter().map(inbox::Waiting::unpack).collect())
    }

    async fn route(&self, item: &InboxItem, routing: &Routing) -> Result<()> {
        let (item, routing, now) = (item.clone(), routing.clone(), self.now());
        let ready = self.writer.run(move |conn| routing::route(conn, &item, &routing, now)).await?;
        self.wake(ready);
        Ok(())
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>> {
        let (request, now) = (request.clone(), self.now());
        let claimed = self.writer.run(move |conn| jobs::claim(conn, &request, now)).await?;
        Ok(claimed.into_iter().map(jobs::Claimed::unpack).collect())
    }

    async fn claim_siblings(&self, of: &Lease, request: &ClaimRequest) -> Result<Vec<Claim>> {
        let (of, request, now) = (of.clone(), request.clone(), self.now());
        let claimed = self.writer.run(move |conn| jobs::claim_siblings(conn, &of, &request, now)).await?;
        Ok(claimed.into_iter().map(jobs::Claimed::unpack).collect())
    }

    async fn checkpoint(&self, lease: &Lease, state: &JobState) -> Result<()> {
        let (lease, note, now) = (lease.clone(), jobs::Note::of_state(state)?, self.now());
        self.writer.run(move |conn| jobs::checkpoint(conn, &lease, &note, now)).await
    }

    async fn heartbeat(&self, lease: &Lease) -> Result<()> {
        let (lease, now) = (lease.clone(), self.now());
        self.writer.run(move |conn| jobs::heartbeat(conn, &lease, now)).await
    }

    async fn finish(&self, lease: &Lease, trace: &TicketTrace) -> Result<Option<Timestamp>> {
        let (lease, note, now) = (lease.clone(), jobs::Note::of_trace(trace)?, self.now());
        let ended = self.writer.run(move |conn| jobs::finish(conn, &lease, &note, now)).await?;
        self.wake(usize::from(ended.more));
        Ok(ended.event_received_at.map(rows::time))
    }

    async fn hand_over(
        &self,
        lease: &Lease,
        to: &NewJob,
        state: &JobState,
        trace: &TicketTrace,
    ) -> Result<()> {
        let (lease, to, now) = (lease.clone(), to.clone(), self.now());
        let (first, last) = (jobs::Note::of_state(state)?, jobs::Note::of_trace(trace)?);
        let ready =
            self.writer.run(move |conn| handover::hand_over(conn, &lease, &to, &first, &last, now)).await?;
        self.wake(ready);
        Ok(())
    }

    async fn retry(&self, lease: &Lease, delay: Duration, state: &JobState) -> Result<()> {
        let (lease, note, now) = (lease.clone(), jobs::Note::of_state(state)?, self.now());
        self.writer.run(move |conn| jobs::retry(conn, &lease, delay, &note, now)).await?;
        self.wake(usize::from(delay.is_zero()));
        Ok(())
    }

    async fn hand_back(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.writer.run(move |conn| jobs::hand_back(conn, &lease)).await?;
        self.wake(1);
        Ok(())
    }

    async fn wait_for_work(&self, most: Duration) {
        // Running out of time is an answer too: it is only a hint.
        let _ = tokio::time::timeout(most, async {
            tokio::select! {
                () = self.work.notified() => {}
                () = self.elsewhere.written() => {}
            }
        })
        .await;
    }

    async fn tidy(&self, retention: Duration) -> Result<Tidied> {
        let now = self.now();
        let before = now - millis(retention);
        let tidied = self.writer.run(move |conn| tidy::tidy(conn, now, before)).await?;
        self.wake(usize::try_from(tidied.reaped).unwrap_or(usize::MAX));
        Ok(tidied)
    }

    async fn merged_as(&self, provider: &str, repo_id: &str, sha: &str) -> Result<Vec<Event>> {
        let name = merge_name(provider, repo_id, sha);
        self.readers.ask(move |conn| queries::merged_as(conn, &name)).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<EventRecord>> {
        let id = id.clone();
        let found = self.readers.ask(move |conn| queries::find(conn, &id)).await?;
        Ok(found.map(|found| found.record))
    }

    async fn ticket_traces(&self, id: &EventId) -> Result<Vec<TicketTrace>> {
        let id = id.clone();
        self.readers.ask(move |conn| queries::ticket_traces(conn, &id)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Page<EventRecord>> {
        let query = query.clone();
        self.readers.ask(move |conn| queries::events(conn, &query)).await
    }

    async fn replay(&self, id: &EventId, scope: ReplayScope, among: &[String]) -> Result<Replayed> {
        let (id, among, now) = (id.clone(), among.to_vec(), self.now());
        let replayed = self.writer.run(move |conn| inbox::replay(conn, &id, scope, &among, now)).await?;
        self.wake(1);
        Ok(replayed)
    }

    async fn queue(&self) -> Result<QueueStatus> {
        let now = self.now();
        self.readers.ask(move |conn| queries::queue(conn, now)).await
    }

    async fn pause(&self, site: &str, pause: &Pause) -> Result<()> {
        let (site, pause, now) = (site.to_owned(), pause.clone(), self.now());
        self.writer.run(move |conn| pauses::pause(conn, &site, &pause, now)).await
    }

    async fn resume(&self, site: &str, kind: Option<PauseKind>) -> Result<bool> {
        let site = site.to_owned();
        let resumed = self.writer.run(move |conn| pauses::resume(conn, &site, kind)).await?;
        self.work.notify_waiters();
        Ok(resumed)
    }

    async fn paused(&self) -> Result<Vec<PausedSite>> {
        self.readers.ask(pauses::paused).await
    }

    async fn take_probe(&self, site: &str, kind: PauseKind, rest: Duration) -> Result<bool> {
        let (site, now) = (site.to_owned(), self.now());
        self.writer.run(move |conn| pauses::take_probe(conn, &site, kind, rest, now)).await
    }

    async fn check(&self) -> Result<()> {
        let now = self.now();
        self.writer.run(move |conn| tidy::check(conn, now)).await
    }

    async fn warnings(&self) -> Result<Vec<String>> {
        Ok(schema::open_to_others(&self.path).into_iter().collect())
    }
}
