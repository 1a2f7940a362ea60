//! Waiting for one's turn: what a site says of its limits is kept in mind, and heeded before the next request.
//!
//! What follows from what is said, `limits` decides; here is the waiting.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::JiraClient;
use super::answer::{Answer, Failed};
use super::error::Failure;
use super::limits::Limits;
use super::signals::Signals;
use crate::telemetry;

/// The longest that a request waits for its turn, with a ticket's lease in hand.
const PATIENCE: Duration = Duration::from_secs(2);

impl JiraClient {
    /// This client and its clones together, sending no more than so many requests a second.
    #[must_use]
    pub fn with_requests_per_second(self, most: u32) -> Self {
        self.limits(|limits, _| limits.at_most_a_second(most));
        self
    }

    /// Waits until the site is to be asked, or says that this would take too long.
    pub(super) async fn wait_for_turn(&self, call: &'static str) -> Result<(), Failed> {
        let patience = self.patience();
        let wait = self.limits(|limits, now| limits.turn(call, patience, now));
        if wait.is_zero() {
            return Ok(());
        }
        telemetry::request_delayed(self.site(), call);
        if wait > patience {
            let message =
                format!("not asked: {} wants to be left alone for {} s", self.site(), wait.as_secs());
            return Err((Failure::RateLimited { after: Some(wait), reason: None }, message));
        }
        let (steady, wall) = (Instant::now(), self.shared.clock.now());
        tokio::time::sleep(wait).await;
        let by_wall = self.shared.clock.now().duration_since(wall);
        let passed = steady.elapsed().max(Duration::try_from(by_wall).unwrap_or_default());
        // Whoever waits for so much longer than it meant to was held or suspended meanwhile, and what it knew before of
        // its lease counts no longer. Like the lease's age, it is told by two clocks: one stands still with the
        // machine, the other can be set back.
        if passed <= wait + patience / 2 {
            return Ok(());
        }
        let message = format!(
            "not asked: this process stood still for {:.1} s, and the ticket may be another's by now",
            passed.saturating_sub(wait).as_secs_f64()
        );
        Err((Failure::RateLimited { after: Some(Duration::ZERO), reason: None }, message))
    }

    /// Requests with little time have little for their turn: with what is overslept and the request itself, which
    /// may take two fifths of a lease, it stays within half of a lease.
    fn patience(&self) -> Duration {
        PATIENCE.min(self.timeout() / 6)
    }

    /// Keeps in mind what an answer says about limits.
    pub(super) fn heed(&self, call: &'static str, answer: &Answer) {
        let said = Signals::read(answer.status, &answer.headers, self.shared.clock.now());
        if let Some(remaining) = said.remaining {
            let counted = if said.refill.is_some() { "all" } else { call };
            telemetry::limit_remaining(self.site(), counted, remaining);
        }
        self.limits(|limits, now| limits.heed(call, &said, now));
    }

    fn limits<T>(&self, look: impl FnOnce(&mut Limits, Timestamp) -> T) -> T {
        let mut limits = self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut limits, self.shared.clock.now())
    }
}
