//! What is there, for a test to look at.

use super::{JiraSim, View};
use crate::state::{Comment, History, Issue, RemoteLink, Version};

impl JiraSim {
    /// An issue, by its key or an old one.
    pub fn issue(&self, key: &str) -> Option<Issue> {
        self.site.lock().state.issue(key).cloned()
    }

    /// The name of an issue's status.
    pub fn status(&self, key: &str) -> Option<String> {
        View(&self.site.lock()).status(key)
    }

    /// The id of a project's status, by its present name.
    pub fn status_id(&self, project: &str, name: &str) -> Option<u64> {
        let core = self.site.lock();
        let types = &core.state.project(project)?.issue_types;
        let mut ids = types.iter().flat_map(|one| one.statuses.iter().copied());
        ids.find(|id| core.state.status_name(*id) == name)
    }

    /// An issue's change log, oldest first.
    pub fn history(&self, key: &str) -> Vec<History> {
        self.issue(key).map(|issue| issue.history).unwrap_or_default()
    }

    /// The statuses an issue has been moved through, such as `To Do → In Progress`.
    pub fn moves(&self, key: &str) -> Vec<String> {
        let items = self.history(key).into_iter().flat_map(|entry| entry.items);
        items
            .filter(|item| item.field == "status")
            .map(|item| {
                let word = |text: Option<String>| text.unwrap_or_default();
                format!("{} → {}", word(item.from_string), word(item.to_string))
            })
            .collect()
    }

    /// An issue's comments, oldest first.
    pub fn comments(&self, key: &str) -> Vec<Comment> {
        self.issue(key).map(|issue| issue.comments).unwrap_or_default()
    }

    /// An issue's links to other systems.
    pub fn remote_links(&self, key: &str) -> Vec<RemoteLink> {
        self.issue(key).map(|issue| issue.remote_links).unwrap_or_default()
    }

    /// The names of the versions an issue is fixed in.
    pub fn fix_versions(&self, key: &str) -> Vec<String> {
        let core = self.site.lock();
        let ids = core.state.issue(key).map(|issue| issue.fix_versions.clone()).unwrap_or_default();
        ids.iter().filter_map(|id| core.state.versions.get(id)).map(|version| version.name.clone()).collect()
    }

    /// A project's versions.
    pub fn versions(&self, project: &str) -> Vec<Version> {
        let core = self.site.lock();
        let Some(id) = core.state.project(project).map(|project| project.id) else {
            return Vec::new();
        };
        core.state.versions.values().filter(|version| version.project == id).cloned().collect()
    }
}
