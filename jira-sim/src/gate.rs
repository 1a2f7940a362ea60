//! A gate that a request waits at until the test opens it: the deterministic stand-in for "slow".

use std::sync::Arc;

use tokio::sync::watch;

/// A gate, closed at first. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    arrivals: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { open: Arc::new(watch::Sender::new(false)), arrivals: Arc::new(watch::Sender::new(0)) }
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the gate for good: everybody who waits goes on, and nobody waits again.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Returns when at least one request has arrived at the gate.
    pub async fn reached(&self) {
        self.reached_by(1).await;
    }

    /// Returns when `count` requests have arrived at the gate.
    pub async fn reached_by(&self, count: usize) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.arrivals.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    pub(crate) async fn pass(&self) {
        self.arrivals.send_modify(|arrived| *arrived += 1);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}
