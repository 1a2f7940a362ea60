//! How a store stands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::PausedSite;

/// What waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueStatus {
    /// Events to be fanned out.
    pub inbox: u64,
    /// Tickets that could be worked on now.
    pub ready: u64,
    /// Tickets being worked on.
    pub leased: u64,
    /// Tickets that wait for a retry.
    pub delayed: u64,
    /// Finished tickets whose patience ran out, still kept.
    pub dead: u64,
    /// Age in seconds of the oldest event that is not finished; 0 when there is none.
    pub oldest_seconds: u64,
    /// Sites that stand still.
    pub paused: Vec<PausedSite>,
}

/// How a spool stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SpoolStatus {
    /// Deliveries go into it now.
    pub in_use: bool,
    /// Why the store behind it takes none; `None` while it does.
    pub store_away: Option<String>,
    /// Deliveries that wait in it.
    pub waiting: u64,
    /// Deliveries that the store refused for good.
    pub refused: u64,
    /// The bytes it takes.
    pub bytes: u64,
    /// The bytes it may take.
    pub most_bytes: u64,
}

/// What [`crate::store::Store::tidy`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Leases that had expired and were taken back.
    pub reaped: u64,
    /// Finished tickets carried home to their events.
    pub carried: u64,
    /// Events removed because they were older than the retention.
    pub removed: u64,
}
