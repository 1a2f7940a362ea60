//! Bulk transitions and their tasks.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Renderer, date_time};
use crate::state::{BulkTask, Edge};

impl Renderer<'_> {
    /// A transition as the bulk calls write it: ids are numbers here.
    pub(crate) fn bulk_transition(&self, edge: &Edge, to: u64) -> Value {
        let name = self.state.statuses.get(&to).map(|status| self.status_name(status));
        json!({
            "transitionId": edge.id,
            "transitionName": edge.name,
            "to": { "statusId": to, "statusName": name },
        })
    }

    /// A task. What has not come about yet is left out.
    pub(crate) fn bulk_task(&self, task: &BulkTask) -> Value {
        let mut json = json!({
            "taskId": task.id.to_string(),
            "status": task.status.word(),
            "progressPercent": task.progress(),
            "submittedBy": { "accountId": task.submitted_by },
            "created": self.task_time(task.created),
            "updated": self.task_time(task.updated),
            "totalIssueCount": task.total,
            "invalidOrInaccessibleIssueCount": task.inaccessible,
        });
        if let Some(started) = task.started {
            json["started"] = self.task_time(started);
        }
        if !task.processed.is_empty() {
            json["processedAccessibleIssues"] = task.processed.clone().into();
        }
        if !task.failed.is_empty() {
            let failed = task.failed.iter().map(|(id, reasons)| (id.to_string(), reasons.clone().into()));
            json["failedAccessibleIssues"] = failed.collect::<Map<_, _>>().into();
        }
        json
    }

    fn task_time(&self, at: Timestamp) -> Value {
        if self.state.switches.bulk_times_as_text { date_time(at).into() } else { at.as_millisecond().into() }
    }
}
