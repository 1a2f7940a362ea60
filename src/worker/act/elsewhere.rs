//! A ticket that was moved to another project bears another key, and events may name it by either.
//!
//! Nothing is decided about it in the queue of the old key: the job goes to the end of the queue of the key that Jira
//! answers, so that two events of one ticket are never worked on at once, by whichever key they name it.

use super::super::intent::Progress;
use super::super::record;
use super::{Ended, Job, NewJob};
use crate::store::{JobState, StoreError};
use crate::trace::{Reason, TicketTrace, Verdict};
use crate::worker::processor::Ticket;

impl Job<'_> {
    /// This job, by the key that its ticket bears by now.
    pub(super) fn at(&self, ticket: Ticket) -> NewJob {
        let (site, found_in) = (self.site.name.clone(), self.trace.found_in.clone());
        NewJob { site, project: ticket.project, key: ticket.key, found_in }
    }

    pub(super) async fn hand_over(mut self, to: NewJob) -> Result<Ended, StoreError> {
        let verdict = Verdict::from(Reason::Duplicate);
        record::detail(&mut self.trace, format!("it is {0} now, and goes on there: see {0}", to.key));
        let progress = record::notes(&Progress { intent: None, ..self.progress });
        let queued = TicketTrace {
            was: Some(self.key),
            queued_at: self.trace.queued_at,
            ..TicketTrace::queued(&to.key, to.found_in.clone(), self.began)
        };
        let trace = record::end(self.trace, verdict, self.shared.clock.now());
        self.held.hand_over(&to, &JobState { progress, trace: queued }, &trace).await?;
        Ok(Ended::Finished(verdict))
    }
}
