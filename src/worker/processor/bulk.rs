//! What a ticket system can do for many tickets in one call.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Answer, Log, Ticket};

/// Transitions by their ids, each with the ids of the tickets that are to take it.
pub type Moves = BTreeMap<String, Vec<String>>;

/// The calls for many tickets. What makes them safe stands outside, as for single ones.
#[async_trait]
pub trait Bulk: Send + Sync {
    /// How many tickets one call reads.
    fn read_at_once(&self) -> usize;

    /// Whether a ticket read in bulk may be out of date, so that it is read again before it is written to.
    fn reads_late(&self) -> bool;

    /// Reads tickets in one call. Those it does not answer have to be read singly.
    async fn read(&self, keys: &[String], log: &mut Log) -> Answer<Vec<Ticket>>;

    /// How many tickets one call moves; 0 when none, as far as is known without asking.
    async fn moved_at_once(&self) -> usize;

    /// Whether tickets may be moved in bulk; asks when that is not known.
    async fn may_move(&self, log: &mut Log) -> bool;

    /// Begins to move tickets in one call, and answers by what name the task is known.
    async fn begin(&self, moves: &Moves, log: &mut Log) -> Answer<String>;

    /// Whether such a task is over. What it did, the tickets tell.
    async fn is_over(&self, task: &str, log: &mut Log) -> Answer<bool>;
}
