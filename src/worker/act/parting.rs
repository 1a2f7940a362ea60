//! How a worker parts with a job: it is over, it waits, it is given up, or it is left to somebody else.

use std::time::Duration;

use jiff::Timestamp;

use super::super::breaker::Heard;
use super::super::intent::{Intent, Progress};
use super::super::lease::Held;
use super::super::processor::{Class, Setback};
use super::super::record;
use super::super::retry::{self, Next};
use super::{Ended, Halt, Job};
use crate::store::{JobState, StoreError};
use crate::trace::{Outcome, Reason, TicketTrace, Verdict};

/// How long a job of a newer version is left alone before it is offered again.
const LEAVE_TO_NEWER: Duration = Duration::from_secs(30);

/// Offers the job again in a while, as it is.
pub(super) async fn leave_to_newer(
    held: &Held,
    state: Option<JobState>,
    trace: TicketTrace,
) -> Result<Ended, StoreError> {
    let state = state.unwrap_or(JobState { progress: record::notes(&Progress::default()), trace });
    held.retry(LEAVE_TO_NEWER, &state).await?;
    Ok(Ended::LeftToNewer)
}

/// Puts a job away that nobody can work on.
pub(super) async fn bury(
    held: &Held,
    mut trace: TicketTrace,
    why: String,
    now: Timestamp,
) -> Result<Ended, StoreError> {
    record::detail(&mut trace, why);
    close(held, trace, Verdict::dead(Reason::Poison), now).await
}

/// Ends a job.
pub(super) async fn close(
    held: &Held,
    trace: TicketTrace,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Ended, StoreError> {
    held.finish(&record::end(trace, verdict, now)).await?;
    Ok(Ended::Finished(verdict))
}

impl Job<'_> {
    /// Lets the others know what was heard of the site.
    pub(super) fn report(&self, asked_before: usize, halt: Option<&Halt>) {
        let (sites, site, now) = (&self.shared.sites, &self.site.name, self.shared.clock.now());
        if !self.speaks {
            return;
        }
        let asked = self.trace.attempts.len() - asked_before;
        let (answers, failed) = match halt {
            Some(Halt::Setback(setback)) => match setback.class {
                Class::Server(_) | Class::Unreachable => (asked > 1, true),
                // Whoever refuses a login, or asks us to slow down, may stand before a site that is down.
                Class::Credentials | Class::RateLimited(_) | Class::Quota(_) => (asked > 1, false),
                _ => (asked > 0, false),
            },
            _ => (asked > 0, false),
        };
        if answers {
            sites.note(site, Heard::Answer, now);
        }
        if failed {
            sites.note(site, Heard::Failure, now);
        }
    }

    /// Does about a failure what the table says.
    pub(super) async fn stumble(mut self, setback: Setback) -> Result<Ended, StoreError> {
        let now = self.shared.clock.now();
        let limits = retry::Limits {
            patience: self.shared.config.patience,
            settle: self.site.processor.settles_within(),
            down: self.shared.sites.blamed(&self.site.name),
            jitter: super::super::jitter(),
        };
        let worked = Duration::try_from(now.duration_since(self.began)).unwrap_or_default();
        let before = self.progress.tries;
        self.progress.tries.spend(worked);
        let next = retry::next(&setback, &self.progress.tries, limits);
        self.progress.tries.count(&setback.class, &next);
        record::detail(&mut self.trace, setback.message.clone());
        match next {
            Next::Retry(delay, reason) => {
                self.progress.tries.spend(delay);
                self.wait(delay, reason).await
            }
            Next::Pause(kind, rest) => {
                self.progress.tries = before;
                if self.speaks {
                    self.shared.pause(&self.site.name, kind, rest, &setback.message).await?;
                }
                self.wait(retry::PAUSED_REST, kind.reason()).await
            }
            Next::WithSite(delay, reason) => {
                self.progress.tries = before;
                self.wait(delay, reason).await
            }
            Next::Fail(reason) => self.fail(reason, now).await,
            Next::Dead(reason) => close(self.held, self.trace, Verdict::dead(reason), now).await,
        }
    }

    async fn fail(mut self, reason: Reason, now: Timestamp) -> Result<Ended, StoreError> {
        let reason = match &self.progress.intent {
            // Only what stands beside the move failed, and the detail says what.
            Some(intent) if intent.current().is_none() => Reason::Moved,
            Some(intent) if intent.taken > 0 => {
                record::partial(&mut self.trace, intent, reason);
                Reason::PartialPath
            }
            _ => reason,
        };
        close(self.held, self.trace, reason.into(), now).await
    }

    /// Gives the ticket back, to be taken up again after `delay`.
    pub(super) async fn wait(mut self, delay: Duration, reason: Reason) -> Result<Ended, StoreError> {
        let waits = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.trace.waited_ms = self.trace.waited_ms.saturating_add(waits);
        let state = self.state(self.progress.intent.as_ref(), reason);
        self.held.retry(delay, &state).await?;
        Ok(Ended::Waiting(reason))
    }

    /// The notes as the next worker shall find them.
    pub(super) fn state(&self, intent: Option<&Intent>, reason: Reason) -> JobState {
        let progress = Progress { intent: intent.cloned(), ..self.progress.clone() };
        let trace = TicketTrace { outcome: Outcome::Waiting, reason, ..self.trace.clone() };
        JobState { progress: record::notes(&progress), trace: record::bounded(trace) }
    }
}
