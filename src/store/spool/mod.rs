//! The spool: a place on this machine's disk for deliveries while the store is away.
//!
//! A forge delivers once, so a 503 is an event lost unless somebody sends it again. A process that takes
//! deliveries in may therefore keep a spool before its store. [`SpooledStore`] is that store with the spool in
//! front: whoever uses it sees one [`Store`].
//!
//! ```text
//!            ┌ direct ─▶ store                         the store is well and the spool is empty
//!  ingest ───┤
//!            └ spool ─▶ drain, in order, one by one ─▶ store
//! ```
//!
//! *Order*: from the first delivery that is spooled until the spool is empty, everything is spooled. So what
//! one process accepts reaches the store in the order of acceptance. Going back to direct needs the gate for
//! itself: no delivery is on its way into the spool then, and the spool was found empty.
//!
//! *Once*: the drain uses the store's own idempotent ingest and removes what it drained afterwards. A crash
//! between the two, or an ingest that the store did although nobody heard of it, is repeated and answered
//! as a duplicate.
//!
//! To verify deliveries while the store cannot be asked, the spool also has a copy of the hooks, their
//! secrets sealed as they are in the store (`copy`). The file is the embedded store's technique with tables
//! of its own (`file`). Everything but deliveries and hooks waits for the store: see `delegate`.

mod copy;
mod delegate;
mod deliveries;
mod drain;
mod file;
mod known;
mod packed;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, RwLock, RwLockReadGuard, Semaphore};

use self::copy::HookCopy;
use self::deliveries::Duplicate;
use self::file::SpoolFile;
use self::packed::Packed;
use super::{EventId, Ingested, NewEvent, Result, SpoolStatus, Store, StoreError};
use crate::telemetry;

/// How long a delivery waits for the store before it is spooled. A forge gives up after ten seconds, and a
/// delivery may wait twice: for its hook, and for those before it.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a delivery that is in the spool waits for its turn while that is drained.
const PACE: Duration = Duration::from_millis(500);

/// How many turns are kept for those who come later.
const TURNS: usize = 32;

/// Where deliveries go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Into the store.
    Direct,
    /// Into the spool, until it is empty and the store takes them.
    Spool,
}

/// The setting by which a spool knows its store again: chosen at its first start, and never replaced.
const KNOWN_BY: &str = "key_check";

/// A store with a spool before it.
pub struct SpooledStore {
    /// Not set until the store was there for the first time.
    main: OnceLock<Arc<dyn Store>>,
    file: Arc<SpoolFile>,
    copy: HookCopy,
    /// Held for reading while a delivery is on its way, for writing to change the way.
    gate: RwLock<Way>,
    /// The store took the last write.
    takes: AtomicBool,
    /// The store answered the last question.
    answers: AtomicBool,
    /// What it said when it last did not.
    why: Mutex<String>,
    /// Rung when there is something to drain, or to find out about the store.
    bell: Notify,
    /// Deliveries that may come in while the spool is drained.
    turns: Semaphore,
}

impl SpooledStore {
    /// Opens the spool in `folder`, which is made if it is missing. It holds `most` bytes.
    ///
    /// Fails with [`StoreError::Unfit`] while another process has it.
    pub async fn open(folder: &Path, most: u64) -> Result<Self> {
        let file = Arc::new(SpoolFile::open(folder, most).await?);
        let way = if file.waiting() > 0 { Way::Spool } else { Way::Direct };
        Ok(Self {
            main: OnceLock::new(),
            copy: HookCopy::load(Arc::clone(&file)).await?,
            file,
            gate: RwLock::new(way),
            takes: AtomicBool::new(false),
            answers: AtomicBool::new(false),
            why: Mutex::new("it was not there when this process started".to_owned()),
            bell: Notify::new(),
            turns: Semaphore::new(0),
        })
    }

    /// Whether it knows enough of its store to verify deliveries without it.
    pub async fn has_copy(&self) -> Result<bool> {
        Ok(!self.copy.is_empty().await && !self.file.settings().await?.is_empty())
    }

    /// Puts the spool before `main`, and takes a first copy of what it needs of it.
    ///
    /// Fails with [`StoreError::Unfit`] when the spool was filled for another store.
    pub async fn connect(&self, main: Arc<dyn Store>) -> Result<()> {
        self.recognise(main.as_ref()).await?;
        let mark = self.copy.mark();
        self.copy.replace(mark, main.hooks(None).await?).await?;
        if self.main.set(main).is_ok() {
            self.answers.store(true, Ordering::Release);
            self.takes.store(true, Ordering::Release);
        }
        self.bell.notify_one();
        Ok(())
    }

    /// Whether `main` is the store that the spool was filled for: it knows it by the one setting that never changes.
    async fn recognise(&self, main: &dyn Store) -> Result<()> {
        for (name, value) in self.file.settings().await?.into_iter().filter(|(name, _)| name == KNOWN_BY) {
            if main.setting_once(&name, &value).await? != value {
                let folder = self.file.folder().display();
                return Err(StoreError::Unfit(format!(
                    "the spool in {folder} belongs to another store ({name} differs): \
                     give this one a folder of its own"
                )));
            }
        }
        Ok(())
    }

    /// What is known of the store's settings, made what they are now: they may have been sealed anew.
    async fn refresh_settings(&self, main: &dyn Store) -> Result<()> {
        for (name, known) in self.file.settings().await?.into_iter().filter(|(name, _)| name != KNOWN_BY) {
            let now = patiently(main.setting_once(&name, &known)).await?;
            if now != known {
                self.file.put_setting(&name, &now).await?;
            }
        }
        Ok(())
    }

    /// Whether the store was there since the process began.
    pub fn is_connected(&self) -> bool {
        self.main.get().is_some()
    }

    fn main(&self) -> Result<&Arc<dyn Store>> {
        self.main.get().ok_or_else(|| StoreError::Unavailable(self.why()))
    }

    /// The store, if it answered the last question.
    fn answering(&self) -> Result<&Arc<dyn Store>> {
        self.main()
            .and_then(|main| if self.answers() { Ok(main) } else { Err(StoreError::Unavailable(self.why())) })
    }

    fn why(&self) -> String {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn takes(&self) -> bool {
        self.takes.load(Ordering::Acquire)
    }

    fn answers(&self) -> bool {
        self.answers.load(Ordering::Acquire)
    }

    /// From now on the store is not asked to take anything until it has shown that it does.
    fn takes_nothing(&self, why: &str) {
        why.clone_into(&mut self.why.lock().unwrap_or_else(PoisonError::into_inner));
        self.takes.store(false, Ordering::Release);
        self.bell.notify_one();
    }

    /// The same, and hooks are looked up in the copy.
    fn answers_nothing(&self, why: &str) {
        self.answers.store(false, Ordering::Release);
        self.takes_nothing(why);
    }

    /// The store has shown that it takes writes, so it answers too.
    fn takes_again(&self) {
        self.answers_again();
        self.takes.store(true, Ordering::Release);
    }

    /// The store has answered: hooks are looked up there.
    fn answers_again(&self) {
        self.answers.store(true, Ordering::Release);
    }

    async fn accept(&self, event: &NewEvent) -> Result<Ingested> {
        let gate = self.gate.read().await;
        if *gate == Way::Direct && self.takes() {
            match self.take(event).await {
                Err(StoreError::Unavailable(why)) => self.takes_nothing(&why),
                answer => return answer,
            }
        }
        let gate = if *gate == Way::Spool { gate } else { self.to_spool(gate).await };
        let ingested = self.spool_event(event).await?;
        drop(gate);
        self.keep_pace().await;
        Ok(ingested)
    }

    /// While the spool is drained, one is let in for every two that are handed on: else a steady stream, faster than
    /// the store takes it one by one, would never let it run empty. Nobody waits longer than [`PACE`] for this; the
    /// delivery is durable already.
    async fn keep_pace(&self) {
        if self.takes()
            && let Ok(Ok(turn)) = tokio::time::timeout(PACE, self.turns.acquire()).await
        {
            turn.forget();
        }
    }

    /// Two were handed on: one may come in.
    fn let_one_in(&self) {
        if self.turns.available_permits() < TURNS {
            self.turns.add_permits(1);
        }
    }

    /// The store's ingest, within the patience of a forge.
    async fn take(&self, event: &NewEvent) -> Result<Ingested> {
        patiently(self.main()?.ingest(event)).await
    }

    /// Waits for the deliveries that are on their way into the store, then sends the next ones to the spool.
    async fn to_spool<'gate>(
        &'gate self,
        direct: RwLockReadGuard<'gate, Way>,
    ) -> RwLockReadGuard<'gate, Way> {
        drop(direct);
        let mut gate = self.gate.write().await;
        if *gate == Way::Direct {
            let why = self.why();
            tracing::warn!("the store takes nothing now, so deliveries go to the spool: {why}");
        }
        *gate = Way::Spool;
        // Also when nothing comes to be spooled, somebody must find the way back.
        self.bell.notify_one();
        gate.downgrade()
    }

    async fn spool_event(&self, event: &NewEvent) -> Result<Ingested> {
        let Duplicate { known, stands } = self.file.push(Packed::new(event)?).await?;
        if !known {
            telemetry::spooled();
        }
        self.bell.notify_one();
        Ok(Ingested { duplicate: known || stands, known, requeued: Vec::new() })
    }

    /// A body goes where its event is: it may still be in the spool.
    async fn keep_body(&self, id: &EventId, compressed: &[u8]) -> Result<()> {
        if *self.gate.read().await == Way::Spool && self.file.keep_body(id, compressed).await? {
            return Ok(());
        }
        self.main()?.save_body(id, compressed).await
    }

    /// Ready as long as one of the two can take a delivery.
    async fn check_either(&self) -> Result<()> {
        if self.takes() {
            match patiently(self.main()?.check()).await {
                Err(StoreError::Unavailable(why)) => self.takes_nothing(&why),
                answer => return answer,
            }
        }
        self.file.check().await.map_err(|error| {
            let StoreError::Unavailable(spool) = error else { return error };
            StoreError::Unavailable(format!("{}; and {spool}", self.why()))
        })
    }

    fn status(&self) -> SpoolStatus {
        SpoolStatus {
            // Whoever changes the way is on it already: a probe does not wait for that.
            in_use: self.gate.try_read().map_or(true, |way| *way == Way::Spool),
            store_away: (!self.takes()).then(|| self.why()),
            waiting: self.file.waiting(),
            refused: self.file.refused(),
            bytes: self.file.bytes(),
            most_bytes: self.file.most(),
        }
    }
}

/// An answer of the store, or that it did not come in time.
async fn patiently<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| StoreError::Unavailable(format!("it did not answer within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
}
