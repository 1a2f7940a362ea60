//! A running process says to its store that it is at work, so that nobody takes the store for idle.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::store::Store;

/// How often: a third of what a sign of life lasts, so that one may be lost.
const EVERY: Duration = Duration::from_secs(5);

/// Says it until the process stops.
pub(super) async fn keep(store: Arc<dyn Store>, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = store.say_at_work().await {
            tracing::debug!(%error, "the store did not hear that this process is at work");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}
