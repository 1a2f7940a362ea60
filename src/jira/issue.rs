//! A ticket, its transitions and its past: what a move needs.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::Request;
use super::error::Failure;
use super::model::{Account, Issue, StatusChange, Transition, TransitionRequest};
use super::wire::{HistoryBody, IssueBody, TransitionsBody, User};
use super::{CallLog, Endpoint, JiraClient, JiraError, text};

/// What is read of a ticket.
pub(super) const FIELDS: (&str, &str) = ("fields", "status,issuetype,project,labels,assignee,updated");

impl JiraClient {
    /// A ticket as it is now, under whatever key it bears now.
    pub async fn issue(&self, key: &str, log: &mut CallLog) -> Result<Issue, JiraError> {
        let path = ["issue", key];
        let request = Request::get(Endpoint::Issue, &path, &[FIELDS]);
        self.ask::<IssueBody>(request, log).await.map(Issue::from)
    }

    /// A ticket's changes of status, oldest first. Cloud remembers the latest hundred changes of any kind.
    pub async fn history(&self, key: &str, log: &mut CallLog) -> Result<Vec<StatusChange>, JiraError> {
        let query = [("fields", "status"), ("expand", "changelog")];
        let path = ["issue", key];
        let request = Request::get(Endpoint::History, &path, &query);
        self.ask::<HistoryBody>(request, log).await.map(HistoryBody::into_changes)
    }

    /// The transitions offered to a ticket from its status, with their screens' fields.
    ///
    /// An empty list usually means that the account may not transition issues.
    pub async fn transitions(&self, key: &str, log: &mut CallLog) -> Result<Vec<Transition>, JiraError> {
        let query = [("expand", "transitions.fields")];
        let path = ["issue", key, "transitions"];
        let request = Request::get(Endpoint::Transitions, &path, &query);
        self.ask::<TransitionsBody>(request, log).await.map(TransitionsBody::into_transitions)
    }

    /// The same with those that a condition hides from the account, on a Jira that tells: Cloud.
    pub async fn all_transitions(&self, key: &str, log: &mut CallLog) -> Result<Vec<Transition>, JiraError> {
        let query = [("expand", "transitions.fields"), ("includeUnavailableTransitions", "true")];
        let path = ["issue", key, "transitions"];
        let request = Request::get(Endpoint::Transitions, &path, &query);
        self.ask::<TransitionsBody>(request, log).await.map(TransitionsBody::into_transitions)
    }

    /// Moves a ticket, with its comment in the same call: it counts as one write against Jira's limits.
    pub async fn transition(
        &self,
        key: &str,
        request: &TransitionRequest,
        log: &mut CallLog,
    ) -> Result<(), JiraError> {
        let path = ["issue", key, "transitions"];
        let body = self.transition_body(request);
        self.tell(Request::write(Endpoint::Transition, Method::POST, &path, body, &[204]), log).await
    }

    fn transition_body(&self, request: &TransitionRequest) -> Value {
        let mut body = json!({ "transition": { "id": request.id } });
        if !request.fields.is_empty() {
            body["fields"] = json!(request.fields);
        }
        if let Some(comment) = &request.comment {
            let comment = text::body(self.dialect(), comment);
            body["update"] = json!({ "comment": [{ "add": { "body": comment } }] });
        }
        body
    }

    /// Whom Jira takes us for.
    pub async fn myself(&self, log: &mut CallLog) -> Result<Account, JiraError> {
        let user = self.ask::<User>(Request::get(Endpoint::Myself, &["myself"], &[]), log).await?;
        user.into_account().ok_or_else(|| JiraError {
            call: Endpoint::Myself.name(),
            failure: Failure::Unintelligible,
            message: "the answer names no account: is the site's address right?".to_owned(),
        })
    }
}
