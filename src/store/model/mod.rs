//! The plain data that goes into a store and comes out of it.

mod arrival;
mod job;
mod record;
mod replay;
mod routing;
mod status;

pub use arrival::{Content, Ingested, NewEvent};
pub(super) use arrival::{merge_name, merge_of};
pub use job::{Claim, ClaimRequest, JobState, Lease};
pub use record::{EventQuery, EventRecord, EventState, Page, TicketState};
pub use replay::{ReplayScope, Replayed};
pub(super) use replay::{as_named, failed};
pub(super) use routing::Part;
pub use routing::{InboxItem, NewJob, Routing};
pub use status::{QueueStatus, SpoolStatus, Tidied};
