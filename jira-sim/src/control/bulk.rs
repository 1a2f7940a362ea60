//! Bulk tasks, stepped by hand.

use super::JiraSim;
use crate::state::{BulkTask, TaskStatus};

impl JiraSim {
    /// From now on a task waits in the queue until it is stepped. Otherwise it is complete before it is asked for.
    pub fn hold_bulk(&self) {
        self.site.change(|core| core.state.bulk.held = true);
    }

    /// Lets tasks take on so many issues, the oldest task's first, and returns how many they did. With 0 the oldest
    /// task begins, and moves nothing.
    pub fn step_bulk(&self, issues: usize) -> usize {
        self.site.change(|core| core.state.step_bulk(issues))
    }

    /// Runs every task to its end, and holds no more.
    pub fn release_bulk(&self) {
        self.site.change(|core| {
            core.state.bulk.held = false;
            core.state.step_bulk(usize::MAX);
        });
    }

    /// Gives a task another status, such as [`TaskStatus::Dead`]; it stays what it has done. False when there is none.
    #[must_use]
    pub fn set_bulk_status(&self, task: u64, status: TaskStatus) -> bool {
        self.site.change(|core| {
            let task = core.state.bulk.tasks.get_mut(&task);
            task.map(|task| task.status = status).is_some()
        })
    }

    /// Makes every task fail on this issue, for this reason. False when there is no such issue.
    #[must_use]
    pub fn fail_in_bulk(&self, key: &str, reason: &str) -> bool {
        self.site.change(|core| {
            let Some(id) = core.state.issue(key).map(|issue| issue.id) else {
                return false;
            };
            core.state.bulk.refused.insert(id, reason.into());
            true
        })
    }

    /// The tasks so far, oldest first.
    pub fn bulk_tasks(&self) -> Vec<BulkTask> {
        self.site.lock().state.bulk.tasks.values().cloned().collect()
    }
}
