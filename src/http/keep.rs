//! Keeping raw bodies for the event log, after the answer and off the request's path.
//!
//! What must be durable is durable by then; the raw body is for the eye. So when more bodies wait than the
//! memory set aside for them, a body is dropped and counted, never an event.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::store::{EventId, Store, StoreError, compress};
use crate::telemetry;

/// The memory for bodies that wait, in KiB.
const BUDGET_KIB: u32 = 4 * 1024;

struct Waiting {
    id: EventId,
    body: Bytes,
    /// Given back when the body is saved.
    _room: OwnedSemaphorePermit,
}

/// Takes bodies to be compressed and saved.
#[derive(Debug)]
pub(super) struct BodyKeeper {
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Waiting>,
}

impl BodyKeeper {
    /// Starts the task that saves into `store`. Must be called within a tokio runtime.
    pub(super) fn start(store: Arc<dyn Store>) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(save_all(store, waiting));
        Self { room: Arc::new(Semaphore::new(BUDGET_KIB as usize)), queue }
    }

    /// Keeps the body of `id`, if there is room.
    pub(super) fn keep(&self, id: EventId, body: Bytes) {
        let kib = u32::try_from(body.len().div_ceil(1024)).unwrap_or(u32::MAX).max(1);
        let room = Arc::clone(&self.room);
        let permit = room.try_acquire_many_owned(kib);
        let sent = permit.is_ok_and(|room| self.queue.send(Waiting { id, body, _room: room }).is_ok());
        if !sent {
            telemetry::body_dropped();
        }
    }

    /// Returns when no body waits any more.
    pub(super) async fn idle(&self) {
        let _all = self.room.acquire_many(BUDGET_KIB).await;
    }
}

async fn save_all(store: Arc<dyn Store>, mut waiting: mpsc::UnboundedReceiver<Waiting>) {
    while let Some(next) = waiting.recv().await {
        if let Err(error) = save(&*store, &next).await {
            telemetry::body_dropped();
            tracing::warn!(event = %next.id, "the raw body of event {} was not kept: {error}", next.id);
        }
    }
}

async fn save(store: &dyn Store, next: &Waiting) -> Result<(), StoreError> {
    let body = next.body.clone();
    let compressed = tokio::task::spawn_blocking(move || compress(&body)).await;
    let compressed = compressed.map_err(|error| StoreError::Unavailable(error.to_string()))??;
    store.save_body(&next.id, &compressed).await
}
