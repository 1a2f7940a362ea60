//! Jira's calls for many tickets at once. Both dialects read so; Cloud alone moves, with the global permission
//! `Bulk Change`.

use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;

use super::{Calls, Jira, while_reading, while_writing};
use crate::jira::permission::BULK;
use crate::jira::{Dialect, Failure, MOVED_AT_ONCE, READ_AT_ONCE, Scope};
use crate::worker::processor::{Answer, Bulk, Log, Moves, Ticket};

/// How long it is known whether we may move in bulk. Not longer: somebody may have granted it meanwhile.
const PERMISSION_KNOWN: Duration = Duration::from_hours(1);

/// Of so many bulk tasks it is known that they are over.
const TASKS_KNOWN: u64 = 100;

/// What is remembered of bulk moves.
pub(super) struct Known {
    may_move: Cache<(), bool>,
    over: Cache<String, ()>,
}

impl Default for Known {
    fn default() -> Self {
        let may_move = Cache::builder().time_to_live(PERMISSION_KNOWN).build();
        Self { may_move, over: Cache::new(TASKS_KNOWN) }
    }
}

#[async_trait]
impl Bulk for Jira {
    fn read_at_once(&self) -> usize {
        READ_AT_ONCE
    }

    fn reads_late(&self) -> bool {
        self.client.dialect() == Dialect::DataCenter
    }

    async fn read(&self, keys: &[String], log: &mut Log) -> Answer<Vec<Ticket>> {
        let mut calls = Calls::into(log);
        let issues = self.client.issues(keys, &mut calls.made).await.map_err(while_reading)?;
        let mut tickets = Vec::with_capacity(issues.len());
        for issue in issues {
            tickets.push(self.known(issue).await);
        }
        Ok(tickets)
    }

    async fn moved_at_once(&self) -> usize {
        let forbidden = self.known.may_move.get(&()).await == Some(false);
        if forbidden || self.client.dialect() == Dialect::DataCenter { 0 } else { MOVED_AT_ONCE }
    }

    async fn may_move(&self, log: &mut Log) -> bool {
        if self.moved_at_once().await == 0 {
            return false;
        }
        let mut calls = Calls::into(log);
        let ask = async {
            let said = self.client.permissions(&[BULK], Scope::Global, &mut calls.made).await;
            said.map(|permissions| permissions.has(BULK))
        };
        // Who does not learn it moves nothing in bulk; the next batch asks again.
        self.known.may_move.try_get_with((), ask).await.unwrap_or(false)
    }

    async fn begin(&self, moves: &Moves, log: &mut Log) -> Answer<String> {
        let mut calls = Calls::into(log);
        let begun = self.client.move_in_bulk(moves, &mut calls.made).await;
        // Also when only one project's tickets may not be moved: singly, each says so in its own trace.
        if begun.as_ref().is_err_and(|error| error.failure == Failure::Forbidden) {
            self.known.may_move.insert((), false).await;
        }
        begun.map_err(while_writing)
    }

    async fn is_over(&self, task: &str, log: &mut Log) -> Answer<bool> {
        if self.known.over.contains_key(task) {
            return Ok(true);
        }
        let mut calls = Calls::into(log);
        let over = self.client.bulk_task_is_over(task, &mut calls.made).await.map_err(while_reading)?;
        if over {
            self.known.over.insert(task.to_owned(), ()).await;
        }
        Ok(over)
    }
}
