//! The store as others see it: deliveries by way of the spool, hooks with their copy, everything else handed on.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{SpooledStore, patiently};
use crate::event::Event;
use crate::registration::Hook;
use crate::secrets::token::{NotRevoked, Token};
use crate::store::{
    AuditEntry, AuditQuery, Claim, ClaimRequest, EventId, EventQuery, EventRecord, InboxItem, Ingested,
    JobState, Lease, NewEvent, NewJob, Page, Pause, PauseKind, PausedSite, QueueStatus, ReplayScope,
    Replayed, Result, Routing, SpoolStatus, Store, StoreError, Tidied,
};
use crate::trace::TicketTrace;

#[async_trait]
impl Store for SpooledStore {
    // --- what the spool has a part in ----------------------------------------------------------------

    async fn ingest(&self, event: &NewEvent) -> Result<Ingested> {
        self.accept(event).await
    }

    async fn save_body(&self, id: &EventId, compressed: &[u8]) -> Result<()> {
        self.keep_body(id, compressed).await
    }

    async fn check(&self) -> Result<()> {
        self.check_either().await
    }

    async fn spool(&self) -> Option<SpoolStatus> {
        Some(self.status())
    }

    /// What was chosen is remembered, so that a start without the store can compare the master key, and so that
    /// the spool is known again as this store's.
    async fn setting_once(&self, name: &str, value: &str) -> Result<String> {
        if let Some(main) = self.main.get() {
            let chosen = main.setting_once(name, value).await?;
            self.file.put_setting(name, &chosen).await?;
            return Ok(chosen);
        }
        let known = self.file.settings().await?.into_iter().find(|(known, _)| known == name);
        known.map(|(_, value)| value).ok_or_else(|| StoreError::Unavailable(self.why()))
    }

    async fn replace_setting(&self, name: &str, from: &str, to: &str) -> Result<bool> {
        let replaced = self.main()?.replace_setting(name, from, to).await?;
        if replaced {
            self.file.put_setting(name, to).await?;
        }
        Ok(replaced)
    }

    async fn hook(&self, provider: &str, repo_id: &str) -> Result<Option<Hook>> {
        if self.answers() {
            match patiently(self.main()?.hook(provider, repo_id)).await {
                Err(StoreError::Unavailable(why)) => self.answers_nothing(&why),
                answer => return answer,
            }
        }
        self.copy.hook(provider, repo_id).await
    }

    async fn add_hook(&self, hook: &Hook) -> Result<bool> {
        let added = self.main()?.add_hook(hook).await?;
        if added {
            self.copy.put(hook.clone()).await;
        }
        Ok(added)
    }

    /// Not into the copy alone: a hook changes in the store or not at all. Said at once while the store takes
    /// nothing, because a delivery that would pin its repository waits for it.
    async fn save_hook(&self, hook: &Hook) -> Result<bool> {
        if !self.takes() {
            return Err(StoreError::Unavailable(self.why()));
        }
        let saved = patiently(self.main()?.save_hook(hook)).await?;
        if saved {
            self.copy.put(Hook { revision: hook.revision + 1, ..hook.clone() }).await;
        }
        Ok(saved)
    }

    async fn remove_hook(&self, provider: &str, repo_id: &str) -> Result<bool> {
        let removed = self.main()?.remove_hook(provider, repo_id).await?;
        self.copy.remove(provider, repo_id).await;
        Ok(removed)
    }

    /// Asked by whoever shows a token and by whoever scrapes: neither is to wait for a store that hangs.
    async fn tokens(&self) -> Result<Vec<Token>> {
        self.answering()?.tokens().await
    }

    async fn queue(&self) -> Result<QueueStatus> {
        self.answering()?.queue().await
    }

    async fn paused(&self) -> Result<Vec<PausedSite>> {
        patiently(self.answering()?.paused()).await
    }

    /// While the store was never there, its waits would end at once.
    async fn wait_for_work(&self, most: Duration) {
        match self.main.get() {
            Some(main) => main.wait_for_work(most).await,
            None => tokio::time::sleep(most).await,
        }
    }

    // --- what is handed on ---------------------------------------------------------------------------

    async fn hooks(&self, provider: Option<&str>) -> Result<Vec<Hook>> {
        self.main()?.hooks(provider).await
    }

    async fn save_token(&self, token: &Token) -> Result<()> {
        self.main()?.save_token(token).await
    }

    async fn revoke_tokens(&self, name: &str, at: Timestamp) -> Result<std::result::Result<(), NotRevoked>> {
        self.main()?.revoke_tokens(name, at).await
    }

    async fn record_audit(&self, entry: &AuditEntry) -> Result<()> {
        self.main()?.record_audit(entry).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        self.main()?.audit(query).await
    }

    async fn body(&self, id: &EventId) -> Result<Option<Vec<u8>>> {
        self.main()?.body(id).await
    }

    async fn inbox(&self, worker: &str, most: usize) -> Result<Vec<InboxItem>> {
        self.main()?.inbox(worker, most).await
    }

    async fn route(&self, item: &InboxItem, routing: &Routing) -> Result<()> {
        self.main()?.route(item, routing).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>> {
        self.main()?.claim(request).await
    }

    async fn claim_siblings(&self, of: &Lease, request: &ClaimRequest) -> Result<Vec<Claim>> {
        self.main()?.claim_siblings(of, request).await
    }

    async fn checkpoint(&self, lease: &Lease, state: &JobState) -> Result<()> {
        self.main()?.checkpoint(lease, state).await
    }

    async fn heartbeat(&self, lease: &Lease) -> Result<()> {
        self.main()?.heartbeat(lease).await
    }

    async fn finish(&self, lease: &Lease, trace: &TicketTrace) -> Result<Option<Timestamp>> {
        self.main()?.finish(lease, trace).await
    }

    async fn hand_over(
        &self,
        lease: &Lease,
        to: &NewJob,
        state: &JobState,
        trace: &TicketTrace,
    ) -> Result<()> {
        self.main()?.hand_over(lease, to, state, trace).await
    }

    async fn retry(&self, lease: &Lease, delay: Duration, state: &JobState) -> Result<()> {
        self.main()?.retry(lease, delay, state).await
    }

    async fn hand_back(&self, lease: &Lease) -> Result<()> {
        self.main()?.hand_back(lease).await
    }

    async fn tidy(&self, retention: Duration) -> Result<Tidied> {
        self.main()?.tidy(retention).await
    }

    async fn merged_as(&self, provider: &str, repo_id: &str, sha: &str) -> Result<Vec<Event>> {
        self.main()?.merged_as(provider, repo_id, sha).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<EventRecord>> {
        self.main()?.event(id).await
    }

    async fn ticket_traces(&self, id: &EventId) -> Result<Vec<TicketTrace>> {
        self.main()?.ticket_traces(id).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Page<EventRecord>> {
        self.main()?.events(query).await
    }

    async fn replay(&self, id: &EventId, scope: ReplayScope, among: &[String]) -> Result<Replayed> {
        self.main()?.replay(id, scope, among).await
    }

    async fn pause(&self, site: &str, pause: &Pause) -> Result<()> {
        self.main()?.pause(site, pause).await
    }

    async fn resume(&self, site: &str, kind: Option<PauseKind>) -> Result<bool> {
        self.main()?.resume(site, kind).await
    }

    async fn take_probe(&self, site: &str, kind: PauseKind, rest: Duration) -> Result<bool> {
        self.main()?.take_probe(site, kind, rest).await
    }

    async fn say_at_work(&self) -> Result<()> {
        self.main()?.say_at_work().await
    }

    async fn warnings(&self) -> Result<Vec<String>> {
        self.main()?.warnings().await
    }
}
