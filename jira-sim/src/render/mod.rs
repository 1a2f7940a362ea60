//! The state as Jira writes it: one function for each thing that appears in answers.

mod bulk;
mod project;
mod talk;
mod workflow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::api::Call;
use crate::dialect::{Api, Dialect};
use crate::state::{History, Issue, State, resolution_id};

/// How much of an issue is wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// None for all of them.
    pub(crate) fields: Option<Vec<String>>,
    pub(crate) properties: Vec<String>,
    pub(crate) changelog: bool,
}

impl Wanted {
    /// `*all` and `*navigable` are everything; `-name` takes one out; a list of names is just these.
    fn has(&self, field: &str) -> bool {
        let Some(list) = &self.fields else {
            return true;
        };
        let excluded = list.iter().any(|one| one.strip_prefix('-') == Some(field));
        let everything = list.iter().all(|one| one.starts_with('-') || one.starts_with('*'));
        !excluded && (everything || list.iter().any(|one| one == field))
    }
}

/// Jira's date and time: milliseconds, and an offset without a colon.
pub(crate) fn date_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

pub(crate) struct Renderer<'a> {
    state: &'a State,
    api: Api,
    language: &'a str,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        Self { language: call.caller.language(), ..Self::of(call.state(), call.request.route.api) }
    }

    /// In the site's own language.
    pub(crate) fn of(state: &'a State, api: Api) -> Self {
        Self { state, api, language: "" }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/rest/api/{}/{path}", self.state.base_url, self.api.number())
    }

    pub(crate) fn issue_url(&self, issue: &Issue) -> String {
        self.url(&format!("issue/{}", issue.id))
    }

    pub(crate) fn issue(&self, issue: &Issue, wanted: &Wanted) -> Value {
        let mut json = json!({
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": issue.id.to_string(),
            "self": self.issue_url(issue),
            "key": issue.key,
        });
        json["fields"] = self.fields(issue, wanted);
        if !wanted.properties.is_empty() {
            let asked_for = |key: &str| wanted.properties.iter().any(|one| one == key || one == "*all");
            let some = issue.properties.iter().filter(|(key, _)| asked_for(key));
            json["properties"] =
                some.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into();
        }
        if wanted.changelog {
            json["changelog"] = self.changelog(issue);
        }
        json
    }

    fn fields(&self, issue: &Issue, wanted: &Wanted) -> Value {
        let assignee = issue.assignee.as_deref().and_then(|id| self.state.account(id));
        let versions = issue.fix_versions.iter().filter_map(|id| self.state.versions.get(id));
        let mut fields = json!({
            "summary": issue.summary,
            "status": self.state.statuses.get(&issue.status).map(|status| self.status(status)),
            "issuetype": self.state.issue_type(issue).map(|one| self.issue_type(one)),
            "project": self.state.project(&issue.project).map(|project| self.project_reference(project)),
            "labels": issue.labels,
            "assignee": assignee.map(|account| self.user(account)),
            "resolution": issue.resolution.as_deref().map(|name| self.resolution(name)),
            "fixVersions": versions.map(|version| self.version(version)).collect::<Vec<_>>(),
            "created": date_time(issue.created),
            "updated": date_time(issue.updated),
        });
        if let Some(map) = fields.as_object_mut() {
            map.extend(issue.custom.iter().map(|(key, value)| (key.clone(), value.clone())));
            map.retain(|key, _| wanted.has(key));
        }
        fields
    }

    /// A person: an account id on Cloud, a user name on Data Center.
    pub(crate) fn user(&self, account: &Account) -> Value {
        let name = match self.state.dialect {
            Dialect::Cloud => json!({
                "self": self.url(&format!("user?accountId={}", account.id)),
                "accountId": account.id,
                "accountType": "atlassian",
            }),
            Dialect::DataCenter => json!({
                "self": self.url(&format!("user?username={}", account.name)),
                "name": account.name,
                "key": account.name,
            }),
        };
        let mut json = json!({
            "displayName": account.display_name,
            "emailAddress": account.email,
            "active": true,
            "timeZone": "Etc/UTC",
        });
        if let (Some(json), Value::Object(name)) = (json.as_object_mut(), name) {
            json.extend(name);
        }
        json
    }

    pub(crate) fn author(&self, id: &str) -> Value {
        self.state.account(id).map(|account| self.user(account)).unwrap_or_default()
    }

    pub(super) fn resolution(&self, name: &str) -> Value {
        let id = resolution_id(name);
        json!({ "self": self.url(&format!("resolution/{id}")), "id": id.to_string(), "name": name, "description": "" })
    }

    fn changelog(&self, issue: &Issue) -> Value {
        // Cloud puts the newest entry first, Data Center the oldest.
        let mut histories: Vec<Value> = issue.history.iter().map(|entry| self.history(entry)).collect();
        if self.state.dialect == Dialect::Cloud {
            histories.reverse();
        }
        let total = histories.len();
        json!({ "startAt": 0, "maxResults": total, "total": total, "histories": histories })
    }

    /// What changed in one step.
    pub(crate) fn history_items(&self, entry: &History) -> Vec<Value> {
        let items = entry.items.iter().map(|item| {
            let mut json = json!({
                "field": item.field,
                "fieldtype": if item.field_id.starts_with("customfield_") { "custom" } else { "jira" },
                "from": item.from,
                "fromString": item.from_string,
                "to": item.to,
                "toString": item.to_string,
            });
            if self.state.dialect == Dialect::Cloud {
                json["fieldId"] = item.field_id.as_str().into();
            }
            json
        });
        items.collect()
    }

    fn history(&self, entry: &History) -> Value {
        json!({
            "id": entry.id.to_string(),
            "author": self.author(&entry.author),
            "created": date_time(entry.created),
            "items": self.history_items(entry),
        })
    }
}
