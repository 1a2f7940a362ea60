//! Jira's JSON, as far as it is read. What may be missing is optional; more is never an error.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::model::{Account, Comment, Issue, Named, RequiredField, StatusChange, Transition};
use super::shape::Schema;

#[derive(Deserialize)]
pub(super) struct IssueBody {
    id: String,
    key: String,
    fields: IssueFields,
}

#[derive(Deserialize)]
struct IssueFields {
    project: Project,
    issuetype: Named,
    status: Named,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    assignee: Option<User>,
    #[serde(default)]
    updated: String,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    key: String,
}

/// Cloud knows a user by `accountId`, Data Center by `name`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    account_id: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
}

impl User {
    fn id(self) -> Option<String> {
        self.account_id.or(self.name)
    }

    /// `None` when nothing identifies it.
    pub(super) fn into_account(self) -> Option<Account> {
        let shown = self.display_name.clone();
        let id = self.id()?;
        Some(Account { name: shown.unwrap_or_else(|| id.clone()), id })
    }
}

impl From<IssueBody> for Issue {
    fn from(IssueBody { id, key, fields }: IssueBody) -> Self {
        Self {
            id,
            key,
            project: fields.project.key,
            project_id: fields.project.id,
            issue_type: fields.issuetype,
            status: fields.status,
            labels: fields.labels,
            assignee: fields.assignee.and_then(User::into_account).map(|account| account.name),
            updated: fields.updated,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct HistoryBody {
    changelog: Changelog,
}

#[derive(Deserialize)]
struct Changelog {
    histories: Vec<History>,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    id: String,
    #[serde(default)]
    author: Option<User>,
    #[serde(deserialize_with = "moment")]
    created: Timestamp,
    #[serde(default)]
    items: Vec<Change>,
}

/// `from` and `to` are ids; the names stand in `fromString` and `toString`.
#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    field: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default, rename = "fromString")]
    from_name: Option<String>,
    #[serde(default, rename = "toString")]
    to_name: Option<String>,
}

impl HistoryBody {
    /// The changes of status, oldest first: Cloud sends the newest first, Data Center the oldest. Within a
    /// millisecond, ids tell.
    pub(super) fn into_changes(self) -> Vec<StatusChange> {
        let mut histories = self.changelog.histories;
        histories.sort_by_key(|history| (history.created, history.id.parse::<u64>().unwrap_or_default()));
        histories.into_iter().flat_map(History::into_changes).collect()
    }
}

impl History {
    fn into_changes(self) -> Vec<StatusChange> {
        let (at, author) = (self.created, self.author.and_then(User::id));
        let statuses = self.items.into_iter().filter(|change| change.field == "status");
        statuses
            .map(|change| StatusChange {
                at,
                author: author.clone(),
                from_id: change.from.unwrap_or_default(),
                to_id: change.to.unwrap_or_default(),
                from: change.from_name.unwrap_or_default(),
                to: change.to_name.unwrap_or_default(),
            })
            .collect()
    }
}

#[derive(Deserialize)]
pub(super) struct TransitionsBody {
    transitions: Vec<TransitionBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransitionBody {
    id: String,
    name: String,
    to: Named,
    #[serde(default)]
    has_screen: bool,
    /// Data Center does not say; it shows only what can be taken.
    #[serde(default = "yes")]
    is_available: bool,
    #[serde(default)]
    fields: BTreeMap<String, FieldBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldBody {
    #[serde(default)]
    required: bool,
    #[serde(default)]
    name: String,
    #[serde(default)]
    has_default_value: bool,
    #[serde(default)]
    schema: Schema,
    #[serde(default)]
    allowed_values: Vec<AllowedValue>,
}

/// A resolution or version has a `name`, an option a `value`.
#[derive(Deserialize)]
struct AllowedValue {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

fn yes() -> bool {
    true
}

impl TransitionsBody {
    pub(super) fn into_transitions(self) -> Vec<Transition> {
        self.transitions.into_iter().map(Transition::from).collect()
    }
}

impl From<TransitionBody> for Transition {
    fn from(body: TransitionBody) -> Self {
        let screen_fields: BTreeMap<_, _> =
            body.fields.iter().map(|(id, field)| (id.clone(), field.schema.shape())).collect();
        let required = body.fields.into_iter().filter(|(_, field)| field.required);
        Self {
            id: body.id,
            name: body.name,
            to: body.to,
            required: required
                .map(|(id, field)| RequiredField {
                    id,
                    name: field.name,
                    has_default: field.has_default_value,
                    allowed: field.allowed_values.into_iter().filter_map(|v| v.name.or(v.value)).collect(),
                })
                .collect(),
            available: body.is_available,
            // Not every Data Center says `hasScreen`; fields cannot be without one.
            has_screen: body.has_screen || !screen_fields.is_empty(),
            screen_fields,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct CommentsBody {
    comments: Vec<CommentBody>,
}

#[derive(Deserialize)]
struct CommentBody {
    id: String,
    #[serde(default)]
    author: Option<User>,
    #[serde(deserialize_with = "moment")]
    created: Timestamp,
    #[serde(default)]
    body: Value,
}

impl CommentsBody {
    pub(super) fn since(self, since: Timestamp) -> Vec<Comment> {
        let comments = self.comments.into_iter().filter(|comment| comment.created >= since);
        comments
            .map(|CommentBody { id, author, created, body }| Comment {
                id,
                author: author.and_then(User::id),
                at: created,
                body,
            })
            .collect()
    }
}

/// Jira writes `2026-11-22T10:00:00.000+0000`.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_moment(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is no date and time")))
}

pub(super) fn read_moment(text: &str) -> Option<Timestamp> {
    let parsed = strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).and_then(|parsed| parsed.to_timestamp());
    parsed.or_else(|_| text.parse()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn a_ticket_is_known_by_the_key_in_its_body() {
        let body = json!({
            "id": "10001", "key": "CART-7", "self": "…",
            "fields": {
                "project": {"id": "10000", "key": "CART"}, "issuetype": {"id": "1", "name": "Bug", "subtask": false},
                "status": {"id": "3", "name": "In Progress", "statusCategory": {"key": "indeterminate"}},
                "labels": ["urgent"], "assignee": {"accountId": "5b", "displayName": "Ada"},
                "updated": "2026-11-22T10:00:00.000+0000"
            }
        });
        let issue = Issue::from(from_value::<IssueBody>(body).unwrap());
        assert_eq!((issue.key.as_str(), issue.project.as_str()), ("CART-7", "CART"));
        assert_eq!((issue.status.name.as_str(), issue.issue_type.id.as_str()), ("In Progress", "1"));
        assert_eq!((issue.assignee.as_deref(), issue.labels.len()), (Some("Ada"), 1));
    }

    #[test]
    fn nobodys_ticket_with_nothing_on_it_is_a_ticket() {
        let body = json!({
            "id": "1", "key": "SHOP-1",
            "fields": {
                "project": {"id": "1", "key": "SHOP"}, "issuetype": {"id": "1", "name": "Task"},
                "status": {"id": "1", "name": "Open"}, "assignee": null
            }
        });
        let issue = Issue::from(from_value::<IssueBody>(body).unwrap());
        assert_eq!((issue.assignee, issue.labels), (None, Vec::new()));
    }

    fn history(entries: &[(&str, &str)]) -> Vec<String> {
        let entry = |(id, at): &(&str, &str)| {
            json!({"id": id, "author": {"accountId": "5b"}, "created": at, "items": [
                {"field": "labels", "from": null, "to": null, "fromString": "", "toString": "x"},
                {"field": "status", "from": "1", "to": "3", "fromString": "To Do", "toString": id},
            ]})
        };
        let histories: Vec<_> = entries.iter().map(entry).collect();
        let body: HistoryBody = from_value(json!({"changelog": {"histories": histories}})).unwrap();
        body.into_changes().into_iter().map(|change| change.to).collect()
    }

    #[test]
    fn changes_of_status_come_oldest_first_whatever_the_dialect_sends() {
        let (early, late) = ("2026-11-22T10:00:00.000+0000", "2026-11-22T11:30:00.000+0100");
        assert_eq!(history(&[("7", early), ("8", late)]), ["7", "8"]);
        assert_eq!(history(&[("8", late), ("7", early)]), ["7", "8"]);
        assert_eq!(history(&[("10", early), ("9", early)]), ["9", "10"], "within one millisecond");
        assert_eq!(history(&[]), [""; 0]);
    }

    #[test]
    fn a_moment_is_read_in_both_spellings_of_its_offset() {
        #[derive(Deserialize)]
        struct At(#[serde(deserialize_with = "moment")] Timestamp);
        let at = |text: &str| from_value::<At>(json!(text)).map(|at| at.0.to_string());
        assert_eq!(at("2026-11-22T10:00:00.250+0100").unwrap(), "2026-11-22T09:00:00.25Z");
        assert_eq!(at("2026-11-22T10:00:00+01:00").unwrap(), "2026-11-22T09:00:00Z");
        assert!(at("yesterday").is_err());
    }

    #[test]
    fn a_transition_names_what_its_screen_requires() {
        let body = json!({"expand": "transitions", "transitions": [
            {"id": "31", "name": "Ship it", "to": {"id": "4", "name": "Done"}, "hasScreen": true, "fields": {
                "resolution": {"required": true, "name": "Resolution", "hasDefaultValue": false, "operations": ["set"]},
                "priority": {"required": true, "name": "Priority", "hasDefaultValue": true},
                "labels": {"required": false, "name": "Labels"}}},
            {"id": "11", "name": "Back", "to": {"id": "1", "name": "To Do"}, "isLooped": false}]});
        let offered = from_value::<TransitionsBody>(body).unwrap().into_transitions();
        let on_screen: Vec<_> = offered[0].screen_fields.keys().collect();
        assert_eq!(on_screen, ["labels", "priority", "resolution"]);
        let required: Vec<_> =
            offered[0].required.iter().map(|field| (&*field.name, field.has_default)).collect();
        assert_eq!(required, [("Priority", true), ("Resolution", false)]);
        assert!(!offered[0].needs_nothing() && offered[1].needs_nothing() && !offered[1].has_screen);
    }
}
