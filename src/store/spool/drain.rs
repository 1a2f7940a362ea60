//! What goes on behind the door: the spool is emptied into the store, and the copy of the hooks is kept fresh.

use std::time::Duration;

use tokio::sync::watch;

use super::deliveries::Spooled;
use super::{SpooledStore, Way, patiently};
use crate::store::{EventId, NewEvent, Result, StoreError};
use crate::telemetry::{self, Drained};

/// How long a store that is away is left alone between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How often the copy of the hooks is held against the store: as long as a change may take to be everywhere.
const REFRESH: Duration = Duration::from_secs(2);

/// What is read from the spool at a time.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

impl SpooledStore {
    /// Drains and refreshes until it is told to stop. What is not drained by then stays in the spool.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            ((), ()) = async { tokio::join!(self.drain(), self.follow_hooks()) } => {}
        }
    }

    async fn drain(&self) {
        loop {
            if !self.takes() {
                self.look().await;
            }
            if self.takes()
                && let Err(error) = self.drain_all().await
            {
                self.takes_nothing(&reason(error));
            }
            telemetry::spool(self.file.waiting(), self.file.bytes(), self.file.most());
            if self.takes() {
                self.bell.notified().await;
            } else {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    /// Asks the store whether it takes writes again.
    async fn look(&self) {
        let Ok(main) = self.main() else { return };
        match patiently(main.check()).await {
            Ok(()) => self.takes_again(),
            Err(error) => self.takes_nothing(&reason(error)),
        }
    }

    /// Drains until the spool is empty and the way is direct again.
    async fn drain_all(&self) -> Result<()> {
        while *self.gate.read().await == Way::Spool {
            let batch = self.file.first(BATCH, BATCH_BYTES).await?;
            if batch.is_empty() {
                self.go_direct().await?;
            } else {
                self.drain_batch(batch).await?;
            }
        }
        Ok(())
    }

    /// One after the other, as they came. What was drained before the store went away again is removed too.
    async fn drain_batch(&self, batch: Vec<Spooled>) -> Result<()> {
        let mut done = Vec::with_capacity(batch.len());
        let mut away = None;
        for next in batch {
            let (n, has_body) = (next.n, next.has_body);
            match self.drain_one(next).await {
                Ok(true) => {
                    done.push((n, has_body));
                    if done.len() % 2 == 0 {
                        self.let_one_in();
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    away = Some(error);
                    break;
                }
            }
        }
        self.file.remove(done).await?;
        telemetry::spool(self.file.waiting(), self.file.bytes(), self.file.most());
        away.map_or(Ok(()), Err)
    }

    /// Whether it is in the store now; `false` when the store will never have it. Fails when the store is away.
    async fn drain_one(&self, next: Spooled) -> Result<bool> {
        let Spooled { n, packed, has_body } = next;
        let id = packed.id.clone();
        let taken = match packed.unpack() {
            Ok(event) => self.hand_over(&event, has_body.then_some(n)).await,
            Err(unreadable) => Err(unreadable),
        };
        let result = match taken {
            Ok(result) => result,
            Err(away @ StoreError::Unavailable(_)) => return Err(away),
            Err(refused) => {
                self.set_aside(n, &id, &refused).await?;
                Drained::Refused
            }
        };
        telemetry::drained(result);
        Ok(result != Drained::Refused)
    }

    /// The event, and its body if there is one in the row `body_of`.
    async fn hand_over(&self, event: &NewEvent, body_of: Option<i64>) -> Result<Drained> {
        let ingested = self.take(event).await?;
        if let Some(n) = body_of
            && let Some(body) = self.file.body(n).await?
        {
            match patiently(self.main()?.save_body(&event.id, &body)).await {
                Err(away @ StoreError::Unavailable(_)) => return Err(away),
                // The event is what counts, and it is in the store.
                Err(_) => telemetry::body_dropped(),
                Ok(()) => {}
            }
        }
        Ok(if ingested.duplicate { Drained::Duplicate } else { Drained::Accepted })
    }

    /// It must not hold up the others for ever, nor be lost.
    async fn set_aside(&self, n: i64, id: &EventId, why: &StoreError) -> Result<()> {
        let folder = self.file.folder().display();
        tracing::error!(
            event = %id,
            "event {id} stays in the spool in {folder}, because the store refuses it for good: {why}; \
             the next start tries it again"
        );
        self.file.refuse(n, why.to_string()).await
    }

    /// Nothing is on its way into the spool while the gate is held, so an empty spool stays empty.
    async fn go_direct(&self) -> Result<()> {
        let mut gate = self.gate.write().await;
        if self.file.is_empty().await? {
            *gate = Way::Direct;
            tracing::info!("the spool is drained; deliveries go to the store again");
        }
        Ok(())
    }

    async fn follow_hooks(&self) {
        loop {
            self.refresh_hooks().await;
            tokio::time::sleep(if self.answers() { REFRESH } else { LOOK_AGAIN }).await;
        }
    }

    async fn refresh_hooks(&self) {
        let Ok(main) = self.main() else { return };
        let mark = self.copy.mark();
        let refreshed = match patiently(main.hooks(None)).await {
            Ok(hooks) => {
                self.answers_again();
                match self.refresh_settings(main.as_ref()).await {
                    Ok(()) => self.copy.replace(mark, hooks).await,
                    failed => failed,
                }
            }
            Err(StoreError::Unavailable(why)) => return self.answers_nothing(&why),
            Err(damaged) => Err(damaged),
        };
        if let Err(error) = refreshed {
            tracing::warn!("the spool's copy of the hooks could not be refreshed: {error}");
        }
    }
}

/// What is wrong, without the words around it.
fn reason(error: StoreError) -> String {
    match error {
        StoreError::Unavailable(why) => why,
        other => other.to_string(),
    }
}
