//! A ticket that bears another key by now: its job goes on in that key's queue.
//!
//! The other key may be at home in another partition, so this takes steps, each of which may be repeated: the event
//! lists the ticket under the other key, the job stands in that key's queue, and only then the old one ends.

use super::RedisStore;
use crate::store::{JobState, Lease, NewJob, Result};
use crate::trace::TicketTrace;

impl RedisStore {
    pub(super) async fn pass_on(
        &self,
        lease: &Lease,
        to: &NewJob,
        state: &JobState,
        trace: &TicketTrace,
    ) -> Result<()> {
        // Whoever has lost the ticket adds nothing.
        self.renew(lease, None).await?;
        if self.enter_ticket(lease, to).await? {
            self.add_job(&lease.job.event, lease.job.generation, to, state).await?;
        }
        self.end(lease, trace).await.map(drop)
    }

    async fn enter_ticket(&self, lease: &Lease, to: &NewJob) -> Result<bool> {
        let home = self.layout.of_event(&lease.job.event);
        let mut call = self.scripts.enter_ticket.key(home.prefix());
        call.arg(&lease.job.event).arg(&to.key).arg(lease.job.generation).arg(&to.site);
        self.link.script(home, &call).await
    }
}
