//! The store of one process, with its spool before it if it has one: how the two come together at the start,
//! and later when the store was not there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;

use super::signals::Signals;
use super::{bootstrap, open_store};
use crate::clock::Clock;
use crate::http::Http;
use crate::secrets::Keyring;
use crate::settings::{Settings, SpoolSettings, StoreUrl};
use crate::store::spool::SpooledStore;
use crate::store::{self, Store, StoreError};

/// How often a store that was away at the start is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The longest that a start without a spool waits before it tries again.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// A start was told to stop before its store was there.
#[derive(Debug, thiserror::Error)]
#[error("stopped while the store was away")]
pub struct StoppedWaiting;

/// A spool that is to be drained as long as the process runs.
pub(super) struct Spool {
    store: Arc<SpooledStore>,
    settings: Settings,
    clock: Clock,
}

/// Opens the store that the settings name, and makes it ready for use.
///
/// A start waits for a Redis that is away, unless there is a spool that knows enough of it; `http` is told why. Whatever
/// else is the matter stops the start.
pub(super) async fn open(
    settings: &Settings,
    keyring: &Keyring,
    clock: &Clock,
    http: &Http,
    signals: &mut Signals,
) -> anyhow::Result<(Arc<dyn Store>, Option<Spool>)> {
    let spool = match settings.web.as_ref().and_then(|web| web.spool.as_ref()) {
        Some(files) => {
            Some(Spool { store: open_spool(files).await?, settings: settings.clone(), clock: clock.clone() })
        }
        None => None,
    };
    let mut rest = TRY_AGAIN;
    loop {
        let opened = match &spool {
            Some(spool) => Box::pin(spool.open_prepared(keyring)).await,
            None => Box::pin(open_prepared(settings, keyring, clock)).await,
        };
        let error = match opened {
            Err(error) if matches!(settings.store, StoreUrl::Redis(_)) && may_come(&error) => error,
            opened => return opened.map(|store| (store, spool)),
        };
        tracing::warn!(
            "the store is away, so everybody is told to come back; it is tried again in {rest:?}: {error:#}"
        );
        http.awaits(format!("{error:#}"));
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = signals.stop() => return Err(StoppedWaiting.into()),
        }
        rest = (rest * 2).min(LONGEST_REST);
    }
}

async fn open_prepared(
    settings: &Settings,
    keyring: &Keyring,
    clock: &Clock,
) -> anyhow::Result<Arc<dyn Store>> {
    let store = open_store(&settings.store, clock).await?;
    bootstrap::check_key(store.as_ref(), keyring).await?;
    prepare(store.as_ref(), settings, clock).await?;
    Ok(store)
}

async fn open_spool(SpoolSettings { folder, size }: &SpoolSettings) -> anyhow::Result<Arc<SpooledStore>> {
    let store = SpooledStore::open(folder, *size).await;
    Ok(Arc::new(store.with_context(|| format!("CONDUIT_SPOOL: {} cannot be used", folder.display()))?))
}

/// What a start does once it has its store.
async fn prepare(store: &dyn Store, settings: &Settings, clock: &Clock) -> anyhow::Result<()> {
    if settings.web.is_some() {
        bootstrap::first_admin(store, settings, clock).await?;
    }
    for warning in store.warnings().await? {
        tracing::warn!("{warning}");
    }
    Ok(())
}

fn is_away(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Unavailable(_)))
}

/// Whether waiting may help: nobody mends a refused login by that.
fn may_come(error: &anyhow::Error) -> bool {
    error.downcast_ref::<StoreError>().is_some_and(|error| {
        matches!(error, StoreError::Unavailable(_)) && !store::redis::refuses_login(error)
    })
}

impl Spool {
    /// Ready to take deliveries, on the store or on what the spool remembers of it.
    async fn open_prepared(&self, keyring: &Keyring) -> anyhow::Result<Arc<dyn Store>> {
        let store = self.store.as_ref();
        let away = match self.connect().await {
            Ok(()) => None,
            Err(error) if is_away(&error) && store.has_copy().await? => Some(error),
            Err(error) => return Err(error),
        };
        bootstrap::check_key(store, keyring).await?;
        match away {
            None => prepare(store, &self.settings, &self.clock).await?,
            Some(error) => tracing::warn!("the store is away, so deliveries go to the spool: {error:#}"),
        }
        Ok(Arc::clone(&self.store) as Arc<dyn Store>)
    }

    async fn connect(&self) -> anyhow::Result<()> {
        let main = open_store(&self.settings.store, &self.clock).await?;
        Ok(self.store.connect(main).await?)
    }

    /// Drains the spool whenever it can be drained, until the process stops.
    pub(super) async fn keep(self, stopped: watch::Receiver<bool>) {
        tokio::join!(self.store.run(stopped.clone()), self.find(stopped));
    }

    /// Looks for a store that was not there at the start.
    async fn find(&self, mut stopped: watch::Receiver<bool>) {
        if self.store.is_connected() {
            return;
        }
        let mut said = String::new();
        while let Err(error) = self.come_together().await {
            let text = format!("{error:#}");
            if !is_away(&error) && text != said {
                let spooled =
                    if self.store.is_connected() { "" } else { ", so deliveries stay in the spool" };
                tracing::error!("the store cannot be used as it should{spooled}: {text}");
                said = text;
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_AGAIN) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn come_together(&self) -> anyhow::Result<()> {
        self.connect().await?;
        prepare(self.store.as_ref(), &self.settings, &self.clock).await
    }
}
