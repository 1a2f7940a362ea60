//! Many tickets in one call: read, and moved. Cloud reads and moves in bulk; Data Center
//! can only search, and its index may be behind.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Request;
use super::issue::FIELDS;
use super::model::Issue;
use super::wire::IssueBody;
use super::{CallLog, Dialect, Endpoint, JiraClient, JiraError};

/// The most tickets that one call reads.
pub const READ_AT_ONCE: usize = 100;
/// The most tickets that one call moves.
pub const MOVED_AT_ONCE: usize = 1000;

impl JiraClient {
    /// Up to [`READ_AT_ONCE`] tickets by their keys. One that is missing, not to be seen, or moved to another key may
    /// be left out: only [`issue`](Self::issue) tells which.
    pub async fn issues(&self, keys: &[String], log: &mut CallLog) -> Result<Vec<Issue>, JiraError> {
        let fields: Vec<&str> = FIELDS.1.split(',').collect();
        let request = match self.dialect() {
            Dialect::Cloud => {
                let body = json!({ "issueIdsOrKeys": keys, "fields": fields });
                Request::write(Endpoint::BulkFetch, Method::POST, &["issue", "bulkfetch"], body, &[200])
            }
            Dialect::DataCenter => {
                // Without validation, a key that is not there is left out instead of failing the whole search.
                let body = json!({
                    "jql": any_of(keys), "fields": fields, "maxResults": keys.len(), "validateQuery": false,
                });
                Request::write(Endpoint::Search, Method::POST, &["search"], body, &[200])
            }
        };
        self.ask::<IssuesBody>(request, log).await.map(IssuesBody::readable)
    }

    /// Starts a task that makes each of these transitions for its tickets (by id, [`MOVED_AT_ONCE`] in all), and
    /// answers the task's id. No mail is sent for the task as a whole. Cloud alone has this.
    pub async fn move_in_bulk(
        &self,
        moves: &BTreeMap<String, Vec<String>>,
        log: &mut CallLog,
    ) -> Result<String, JiraError> {
        let inputs = moves.iter().map(
            |(transition, issues)| json!({ "transitionId": transition, "selectedIssueIdsOrKeys": issues }),
        );
        let inputs: Vec<Value> = inputs.collect();
        let body = json!({ "bulkTransitionInputs": inputs, "sendBulkNotification": false });
        let path = ["bulk", "issues", "transition"];
        let request = Request::write(Endpoint::BulkTransition, Method::POST, &path, body, &[200, 201]);
        self.ask::<TaskBody>(request, log).await.map(|task| task.task_id)
    }

    /// Whether a task is over. What it did is to be seen on the tickets: its own word proves nothing.
    pub async fn bulk_task_is_over(&self, task: &str, log: &mut CallLog) -> Result<bool, JiraError> {
        let path = ["bulk", "queue", task];
        let progress = self.ask::<ProgressBody>(Request::get(Endpoint::BulkTask, &path, &[]), log).await?;
        Ok(!matches!(progress.status.as_str(), "ENQUEUED" | "RUNNING" | "CANCEL_REQUESTED"))
    }
}

/// Quoted, because a project may be called what JQL has as a word of its own.
fn any_of(keys: &[String]) -> String {
    let quoted: Vec<String> =
        keys.iter().map(|key| format!("\"{}\"", key.replace(['"', '\\'], ""))).collect();
    format!("key in ({})", quoted.join(", "))
}

#[derive(Deserialize)]
struct IssuesBody {
    issues: Vec<Value>,
}

impl IssuesBody {
    /// One that cannot be read does not cost the others their answer.
    fn readable(self) -> Vec<Issue> {
        let read = |value| serde_json::from_value::<IssueBody>(value).ok().map(Issue::from);
        self.issues.into_iter().filter_map(read).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskBody {
    task_id: String,
}

#[derive(Deserialize)]
struct ProgressBody {
    status: String,
}
