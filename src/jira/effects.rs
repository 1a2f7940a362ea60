//! What is written beside a move: comments, links to the outside, fix versions.

use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::Method;
use serde_json::json;

use super::client::Request;
use super::model::{Comment, RemoteLink, Version};
use super::wire::CommentsBody;
use super::{CallLog, Endpoint, JiraClient, JiraError, text};

impl JiraClient {
    /// Writes a comment in plain text. Every call writes one: after an unknown outcome, look with
    /// [`comments_since`](Self::comments_since) first.
    pub async fn comment(&self, key: &str, text: &str, log: &mut CallLog) -> Result<(), JiraError> {
        let path = ["issue", key, "comment"];
        let body = json!({ "body": text::body(self.dialect(), text) });
        self.tell(Request::write(Endpoint::Comment, Method::POST, &path, body, &[201]), log).await
    }

    /// The comments written since a moment of *Jira's* clock, newest first, at most the latest hundred.
    pub async fn comments_since(
        &self,
        key: &str,
        since: Timestamp,
        log: &mut CallLog,
    ) -> Result<Vec<Comment>, JiraError> {
        let query = [("orderBy", "-created"), ("maxResults", "100")];
        let path = ["issue", key, "comment"];
        let request = Request::get(Endpoint::Comments, &path, &query);
        Ok(self.ask::<CommentsBody>(request, log).await?.since(since))
    }

    /// Links a ticket to the outside; the same `global_id` again changes the link. Safe to repeat.
    pub async fn remote_link(
        &self,
        key: &str,
        link: &RemoteLink,
        log: &mut CallLog,
    ) -> Result<(), JiraError> {
        let path = ["issue", key, "remotelink"];
        let body = json!({ "globalId": link.global_id, "object": { "url": link.url, "title": link.title } });
        self.tell(Request::write(Endpoint::RemoteLink, Method::POST, &path, body, &[200, 201]), log).await
    }

    /// The versions of a project.
    pub async fn project_versions(
        &self,
        project: &str,
        log: &mut CallLog,
    ) -> Result<Vec<Version>, JiraError> {
        self.ask(Request::get(Endpoint::Versions, &["project", project, "versions"], &[]), log).await
    }

    /// Makes a version. `project_id` is [`Issue::project_id`](super::Issue::project_id). Jira refuses a name that is taken.
    pub async fn create_version(
        &self,
        project_id: &str,
        name: &str,
        log: &mut CallLog,
    ) -> Result<Version, JiraError> {
        // Jira wants a number here and writes a string everywhere else.
        let id = project_id.parse::<u64>().map_or_else(|_| json!(project_id), |id| json!(id));
        let body = json!({ "projectId": id, "name": name });
        self.ask(Request::write(Endpoint::CreateVersion, Method::POST, &["version"], body, &[201]), log).await
    }

    /// Marks a version released on a day. Safe to repeat.
    pub async fn release_version(
        &self,
        version_id: &str,
        day: Date,
        log: &mut CallLog,
    ) -> Result<(), JiraError> {
        let path = ["version", version_id];
        let body = json!({ "released": true, "releaseDate": day.to_string() });
        self.tell(Request::write(Endpoint::ReleaseVersion, Method::PUT, &path, body, &[200]), log).await
    }

    /// Adds a version the ticket is fixed in, by name. Safe to repeat.
    pub async fn add_fix_version(
        &self,
        key: &str,
        version: &str,
        log: &mut CallLog,
    ) -> Result<(), JiraError> {
        let path = ["issue", key];
        let body = json!({ "update": { "fixVersions": [{ "add": { "name": version } }] } });
        self.tell(Request::write(Endpoint::FixVersion, Method::PUT, &path, body, &[204]), log).await
    }
}
