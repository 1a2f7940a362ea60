//! Changes to an issue. They are planned and checked first, then applied together, so that a refused request
//! leaves nothing behind; applying them writes the change log.

use std::collections::BTreeMap;

use serde_json::Value;

use super::State;
use super::issue::{Comment, History, HistoryItem, Issue, Text};
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
    Custom {
        key: String,
        name: String,
        value: Value,
    },
    Comment {
        body: Text,
        properties: BTreeMap<String, Value>,
        visibility: Option<Value>,
    },
    Property {
        key: String,
        value: Value,
    },
}

impl State {
    /// Applies the changes as one step of `author`, and writes one entry into the change log if a field changed.
    pub(crate) fn apply(&mut self, id: u64, author: &str, edits: Vec<Edit>) {
        let Some(mut issue) = self.issues.remove(&id) else {
            return;
        };
        let now = self.now();
        let mut items = Vec::new();
        for edit in self.with_resolution(&issue, edits) {
            items.extend(self.apply_one(&mut issue, author, edit));
        }
        if !items.is_empty() {
            let id = self.fresh_id();
            issue.history.push(History {
                id,
                author: author.into(),
                created: now,
                items,
            });
        }
        issue.updated = now;
        self.issues.insert(id, issue);
    }

    /// Entering a done status settles the issue, leaving it unsettles it.
    fn with_resolution(&self, issue: &Issue, mut edits: Vec<Edit>) -> Vec<Edit> {
        let target = edits.iter().find_map(|edit| match edit {
            Edit::Status(to) => Some(*to),
            _ => None,
        });
        let given = edits
            .iter()
            .any(|edit| matches!(edit, Edit::Resolution(Some(_))));
        match target.map(|to| self.is_done(to)) {
            Some(true) if !given && issue.resolution.is_none() => {
                edits.push(Edit::Resolution(Some(RESOLUTIONS[0].1.into())));
            }
            Some(false) if issue.resolution.is_some() => edits.push(Edit::Resolution(None)),
            _ => {}
        }
        edits
    }

    fn apply_one(&mut self, issue: &mut Issue, author: &str, edit: Edit) -> Option<HistoryItem> {
        match edit {
            Edit::Status(to) => {
                let from = std::mem::replace(&mut issue.status, to);
                let name = |id| (id, self.status_name(id));
                changed("status", "status", vec![name(from)], vec![name(to)])
            }
            Edit::Summary(summary) => {
                let before = std::mem::replace(&mut issue.summary, summary);
                reworded(
                    "summary",
                    "summary",
                    Some(before),
                    Some(issue.summary.clone()),
                )
            }
            Edit::Labels(labels) => {
                let before = std::mem::replace(&mut issue.labels, labels);
                reworded(
                    "labels",
                    "labels",
                    Some(before.join(" ")),
                    Some(issue.labels.join(" ")),
                )
            }
            Edit::Assignee(to) => {
                let from = std::mem::replace(&mut issue.assignee, to);
                self.reassigned(from, issue.assignee.clone())
            }
            Edit::Resolution(to) => {
                let from = std::mem::replace(&mut issue.resolution, to);
                let ids = |name: Option<String>| {
                    name.map(|name| (resolution_id(&name), name))
                        .into_iter()
                        .collect()
                };
                changed(
                    "resolution",
                    "resolution",
                    ids(from),
                    ids(issue.resolution.clone()),
                )
            }
            Edit::FixVersions(to) => {
                let from = std::mem::replace(&mut issue.fix_versions, to);
                let name = |id: &u64| {
                    (
                        *id,
                        self.versions
                            .get(id)
                            .map(|one| one.name.clone())
                            .unwrap_or_default(),
                    )
                };
                let gone = from
                    .iter()
                    .filter(|id| !issue.fix_versions.contains(id))
                    .map(name)
                    .collect();
                let come = issue
                    .fix_versions
                    .iter()
                    .filter(|id| !from.contains(id))
                    .map(name)
                    .collect();
                changed("Fix Version", "fixVersions", gone, come)
            }
            Edit::Custom { key, name, value } => {
                let to = value.as_str().map(str::to_owned);
                let before = issue.custom.insert(key.clone(), value);
                reworded(
                    &name,
                    &key,
                    before.and_then(|value| value.as_str().map(str::to_owned)),
                    to,
                )
            }
            Edit::Comment {
                body,
                properties,
                visibility,
            } => {
                let id = self.fresh_id();
                let created = self.now();
                issue.comments.push(Comment {
                    id,
                    author: author.into(),
                    created,
                    body,
                    properties,
                    visibility,
                });
                None
            }
            Edit::Property { key, value } => {
                issue.properties.insert(key, value);
                None
            }
        }
    }

    fn reassigned(&self, from: Option<String>, to: Option<String>) -> Option<HistoryItem> {
        let name = |id: &Option<String>| {
            let account = self.account(id.as_deref()?)?;
            Some(account.display_name.clone())
        };
        let (from_string, to_string) = (name(&from), name(&to));
        let item = HistoryItem {
            field: "assignee".into(),
            field_id: "assignee".into(),
            from,
            from_string,
            to,
            to_string,
        };
        (item.from != item.to).then_some(item)
    }
}

/// A change from some named things to others; nothing when they are the same.
fn changed(
    field: &str,
    id: &str,
    from: Vec<(u64, String)>,
    to: Vec<(u64, String)>,
) -> Option<HistoryItem> {
    if from == to {
        return None;
    }
    let (from, from_string) = join(from);
    let (to, to_string) = join(to);
    Some(HistoryItem {
        field: field.into(),
        field_id: id.into(),
        from,
        from_string,
        to,
        to_string,
    })
}

fn join(things: Vec<(u64, String)>) -> (Option<String>, Option<String>) {
    if things.is_empty() {
        return (None, None);
    }
    let (ids, names): (Vec<_>, Vec<_>) = things
        .into_iter()
        .map(|(id, name)| (id.to_string(), name))
        .unzip();
    (Some(ids.join(", ")), Some(names.join(", ")))
}

/// A change of words; nothing when they are the same.
fn reworded(
    field: &str,
    id: &str,
    from: Option<String>,
    to: Option<String>,
) -> Option<HistoryItem> {
    let item = HistoryItem {
        field: field.into(),
        field_id: id.into(),
        from: None,
        from_string: from,
        to: None,
        to_string: to,
    };
    (item.from_string != item.to_string).then_some(item)
}

pub(crate) fn resolution_id(name: &str) -> u64 {
    RESOLUTIONS
        .iter()
        .find(|(_, known)| *known == name)
        .map_or(0, |(id, _)| *id)
}
