//! The change log's items: what differs between an issue before and after a step.

use serde_json::Value;

use super::State;
use super::issue::{HistoryItem, Issue};
use crate::field::RESOLUTIONS;

/// Something with an id and a name, as the change log writes it.
type Named = (String, String);

/// One item for each field that differs.
pub(crate) fn items(state: &State, before: &Issue, after: &Issue) -> Vec<HistoryItem> {
    let both = |of: fn(&State, &Issue) -> Vec<Named>| (of(state, before), of(state, after));
    let labels = |issue: &Issue| Some(issue.labels.join(" "));
    let summary = |issue: &Issue| Some(issue.summary.clone());
    let gone_and_come = (only(state, before, after), only(state, after, before));
    let mut items = vec![
        named("status", "status", both(status)),
        named("resolution", "resolution", both(resolution)),
        named("assignee", "assignee", both(assignee)),
        named("Fix Version", "fixVersions", gone_and_come),
        worded("labels", "labels", labels(before), labels(after)),
        worded("summary", "summary", summary(before), summary(after)),
    ];
    for (key, value) in &after.custom {
        let name = field_name(state, after, key);
        items.push(worded(
            &name,
            key,
            text(before.custom.get(key)),
            text(Some(value)),
        ));
    }
    items.into_iter().flatten().collect()
}

fn status(state: &State, issue: &Issue) -> Vec<Named> {
    vec![(issue.status.to_string(), state.status_name(issue.status))]
}

fn resolution(_: &State, issue: &Issue) -> Vec<Named> {
    let name = issue.resolution.iter();
    name.map(|name| (resolution_id(name).to_string(), name.clone()))
        .collect()
}

fn assignee(state: &State, issue: &Issue) -> Vec<Named> {
    let account = issue.assignee.as_deref().and_then(|id| state.account(id));
    account
        .iter()
        .map(|one| (one.id.clone(), one.display_name.clone()))
        .collect()
}

/// The versions that are in `one` and not in the `other`.
fn only(state: &State, one: &Issue, other: &Issue) -> Vec<Named> {
    let ids = one
        .fix_versions
        .iter()
        .filter(|id| !other.fix_versions.contains(id));
    ids.filter_map(|id| state.versions.get(id))
        .map(|version| (version.id.to_string(), version.name.clone()))
        .collect()
}

/// A change of named things; nothing when they are the same.
fn named(field: &str, id: &str, (from, to): (Vec<Named>, Vec<Named>)) -> Option<HistoryItem> {
    if from == to {
        return None;
    }
    let (from, from_string) = joined(from);
    let (to, to_string) = joined(to);
    Some(HistoryItem {
        field: field.into(),
        field_id: id.into(),
        from,
        from_string,
        to,
        to_string,
    })
}

fn joined(things: Vec<Named>) -> (Option<String>, Option<String>) {
    if things.is_empty() {
        return (None, None);
    }
    let (ids, names): (Vec<_>, Vec<_>) = things.into_iter().unzip();
    (Some(ids.join(", ")), Some(names.join(", ")))
}

/// A change of words; nothing when they are the same.
fn worded(
    field: &str,
    id: &str,
    from_string: Option<String>,
    to_string: Option<String>,
) -> Option<HistoryItem> {
    if from_string == to_string {
        return None;
    }
    Some(HistoryItem {
        field: field.into(),
        field_id: id.into(),
        from: None,
        from_string,
        to: None,
        to_string,
    })
}

fn text(value: Option<&Value>) -> Option<String> {
    Some(value?.as_str()?.to_owned())
}

/// A custom field's name, from the screens it stands on.
fn field_name(state: &State, issue: &Issue, key: &str) -> String {
    let edges = state
        .issue_type(issue)
        .map(|one| one.edges.iter())
        .into_iter()
        .flatten();
    let mut fields = edges.flat_map(|edge| edge.screen.iter().flatten());
    fields
        .find(|field| field.key == key)
        .map_or_else(|| key.to_owned(), |field| field.name.clone())
}

pub(crate) fn resolution_id(name: &str) -> u64 {
    RESOLUTIONS
        .iter()
        .find(|(_, known)| *known == name)
        .map_or(0, |(id, _)| *id)
}
