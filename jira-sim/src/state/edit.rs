//! Changes to an issue. They are planned and checked first, then applied together, so that a refused request
//! leaves nothing behind.

use std::collections::BTreeMap;

use serde_json::Value;

use super::issue::{Comment, History, Issue, Text};
use super::{State, diff};
use crate::field::RESOLUTIONS;

/// One change to one issue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    Status(u64),
    Summary(String),
    Labels(Vec<String>),
    Assignee(Option<String>),
    Resolution(Option<String>),
    FixVersions(Vec<u64>),
    Custom { key: String, value: Value },
    Comment(NewComment),
    Property { key: String, value: Value },
}

/// A comment to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewComment {
    pub(crate) body: Text,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) visibility: Option<Value>,
}

impl State {
    /// Applies the changes as one step of `author`, and writes one entry into the change log if a field changed.
    pub(crate) fn apply(&mut self, id: u64, author: &str, edits: Vec<Edit>) {
        let Some(before) = self.issues.get(&id).cloned() else {
            return;
        };
        let mut after = before.clone();
        for edit in self.with_resolution(&before, edits) {
            self.apply_one(&mut after, author, edit);
        }
        after.updated = self.now();
        let items = diff::items(self, &before, &after);
        let mut change = None;
        if !items.is_empty() {
            let (id, created) = (self.fresh_id(), after.updated);
            after.history.push(History { id, author: author.into(), created, items });
            change = after.history.last().cloned();
        }
        let comments = after.comments[before.comments.len()..].to_vec();
        self.issues.insert(id, after);
        self.tell_change(id, author, change, comments);
    }

    /// Entering a done status settles the issue, leaving it unsettles it.
    fn with_resolution(&self, issue: &Issue, mut edits: Vec<Edit>) -> Vec<Edit> {
        let target = edits.iter().find_map(|edit| match edit {
            Edit::Status(to) => Some(*to),
            _ => None,
        });
        let given = edits.iter().any(|edit| matches!(edit, Edit::Resolution(Some(_))));
        match target.map(|to| self.is_done(to)) {
            Some(true) if !given && issue.resolution.is_none() => {
                edits.push(Edit::Resolution(Some(RESOLUTIONS[0].1.into())));
            }
            Some(false) if issue.resolution.is_some() => edits.push(Edit::Resolution(None)),
            _ => {}
        }
        edits
    }

    fn apply_one(&mut self, issue: &mut Issue, author: &str, edit: Edit) {
        match edit {
            Edit::Status(to) => issue.status = to,
            Edit::Summary(to) => issue.summary = to,
            Edit::Labels(to) => issue.labels = to,
            Edit::Assignee(to) => issue.assignee = to,
            Edit::Resolution(to) => issue.resolution = to,
            Edit::FixVersions(to) => issue.fix_versions = to,
            Edit::Custom { key, value } => drop(issue.custom.insert(key, value)),
            Edit::Property { key, value } => drop(issue.properties.insert(key, value)),
            Edit::Comment(comment) => issue.comments.push(self.written(author, comment)),
        }
    }

    fn written(&mut self, author: &str, comment: NewComment) -> Comment {
        Comment {
            id: self.fresh_id(),
            author: author.into(),
            created: self.now(),
            body: comment.body,
            properties: comment.properties,
            visibility: comment.visibility,
        }
    }
}
