//! The store of one process, with its spool before it if it has one: how the two come together at the start,
//! and later when the store was not there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{bootstrap, open_store};
use crate::clock::Clock;
use crate::secrets::Keyring;
use crate::settings::{Settings, SpoolSettings, StoreUrl};
use crate::store::spool::SpooledStore;
use crate::store::{self, Store, StoreError};

/// How often a store that was away at the start is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The longest that a start without a spool waits before it tries again.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// A spool that is to be drained as long as the process runs.
pub(super) struct Spool {
    store: Arc<SpooledStore>,
    settings: Settings,
    clock: Clock,
}

/// Opens the store that the settings name, and makes it ready for use.
///
/// A start waits for a Redis that is away, unless there is a spool that knows enough of it.
pub(super) async fn open(
    settings: &Settings,
    keyring: &Keyring,
    clock: &Clock,
) -> anyhow::Result<(Arc<dyn Store>, Option<Spool>)> {
    let Some(spool) = settings.web.as_ref().and_then(|web| web.spool.as_ref()) else {
        return Ok((Box::pin(wait_for_store(settings, keyring, clock)).await?, None));
    };
    let store = open_spool(spool).await?;
    let spool = Spool { store: Arc::clone(&store), settings: settings.clone(), clock: clock.clone() };
    let away = match spool.connect().await {
        Ok(()) => None,
        Err(error) if is_away(&error) && store.has_copy().await? => Some(error),
        Err(error) => return Err(error),
    };
    // Against the store, or against what the spool remembers of it.
    bootstrap::check_key(store.as_ref(), keyring).await?;
    match away {
        None => prepare(store.as_ref(), settings, clock).await?,
        Some(error) => tracing::warn!("the store is away, so deliveries go to the spool: {error:#}"),
    }
    Ok((store, Some(spool)))
}

/// Opens the store; waits for one on a server that is away. Whatever else is the matter stops the start.
async fn wait_for_store(
    settings: &Settings,
    keyring: &Keyring,
    clock: &Clock,
) -> anyhow::Result<Arc<dyn Store>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut rest = TRY_AGAIN;
    loop {
        let error = match Box::pin(open_prepared(settings, keyring, clock)).await {
            Err(error) if matches!(settings.store, StoreUrl::Redis(_)) && may_come(&error) => error,
            opened => return opened,
        };
        tracing::warn!(
            "the store is away, so nothing is begun yet; it is tried again in {rest:?}: {error:#}"
        );
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = terminate.recv() => anyhow::bail!("stopped while the store was away"),
            _ = interrupt.recv() => anyhow::bail!("stopped while the store was away"),
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
                tracing::error!("the store cannot be used, so deliveries stay in the spool: {text}");
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
