//! The copy of the hooks, so that signatures can be verified while the store cannot be asked.
//!
//! The copy follows the store every two seconds, and what this process changes at once. So what another
//! process changed in the last moments before an outage may be missing in it; the manual says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::file::SpoolFile;
use crate::registration::Hook;
use crate::store::{Result, StoreError};

/// The hooks by name, in the file and in memory.
pub(super) struct HookCopy {
    file: Arc<SpoolFile>,
    known: Mutex<HashMap<String, Hook>>,
    /// Counts this process's own changes: a list read before one of them is old news.
    changes: AtomicU64,
    /// The file could not be written, and lacks something.
    behind: AtomicBool,
}

impl HookCopy {
    pub(super) async fn load(file: Arc<SpoolFile>) -> Result<Self> {
        let known = Mutex::new(by_name(file.hooks().await?));
        Ok(Self { file, known, changes: AtomicU64::new(0), behind: AtomicBool::new(false) })
    }

    pub(super) async fn is_empty(&self) -> bool {
        self.known.lock().await.is_empty()
    }

    /// The hook of this name. One that is not in the copy may still be in the store: that is never a
    /// reason to say that there is none.
    pub(super) async fn hook(&self, provider: &str, repo_id: &str) -> Result<Option<Hook>> {
        match self.known.lock().await.get(&format!("{provider}/{repo_id}")) {
            Some(hook) => Ok(Some(hook.clone())),
            None => Err(StoreError::Unavailable("the spool's copy of the hooks lacks this one".to_owned())),
        }
    }

    /// To be taken before the store is asked for its hooks.
    pub(super) fn mark(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Makes the copy what the store said, unless this process has changed a hook since `mark`.
    pub(super) async fn replace(&self, mark: u64, hooks: Vec<Hook>) -> Result<()> {
        let mut known = self.known.lock().await;
        let hooks = by_name(hooks);
        let same = *known == hooks && !self.behind.load(Ordering::Acquire);
        if same || mark != self.mark() {
            return Ok(());
        }
        *known = hooks;
        self.write(&known).await
    }

    /// This process has saved a hook in the store.
    pub(super) async fn put(&self, hook: Hook) {
        self.change(|known| drop(known.insert(hook.name(), hook))).await;
    }

    /// This process has removed a hook from the store.
    pub(super) async fn remove(&self, provider: &str, repo_id: &str) {
        self.change(|known| drop(known.remove(&format!("{provider}/{repo_id}")))).await;
    }

    /// The store has the change already, so it stands; the file gets it later if it cannot get it now.
    async fn change(&self, by: impl FnOnce(&mut HashMap<String, Hook>)) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        let mut known = self.known.lock().await;
        by(&mut known);
        if let Err(error) = self.write(&known).await {
            let folder = self.file.folder().display();
            tracing::warn!("the copy of the hooks in {folder} is behind the store: {error}");
        }
    }

    async fn write(&self, known: &HashMap<String, Hook>) -> Result<()> {
        let written = self.file.put_hooks(known.values().cloned().collect()).await;
        self.behind.store(written.is_err(), Ordering::Release);
        written
    }
}

fn by_name(hooks: Vec<Hook>) -> HashMap<String, Hook> {
    hooks.into_iter().map(|hook| (hook.name(), hook)).collect()
}
