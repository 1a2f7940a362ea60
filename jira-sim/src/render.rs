//! The state as Jira writes it: one function for each thing that appears in answers.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::api::Call;
use crate::dialect::{Api, Dialect};
use crate::field::{Field, RESOLUTIONS, Shape};
use crate::state::{
    Comment, Edge, History, Issue, IssueType, Project, RemoteLink, State, Status, Text, Version,
    resolution_id,
};

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
        let everything = list
            .iter()
            .all(|one| one.starts_with('-') || one.starts_with('*'));
        !excluded && (everything || list.iter().any(|one| one == field))
    }
}

/// Jira's date and time: milliseconds, and an offset without a colon.
pub(crate) fn date_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S%.3f%z")
        .to_string()
}

pub(crate) struct Renderer<'a> {
    state: &'a State,
    api: Api,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        Self {
            state: call.state(),
            api: call.request.route.api,
        }
    }

    fn url(&self, path: &str) -> String {
        format!(
            "{}/rest/api/{}/{path}",
            self.state.base_url,
            self.api.number()
        )
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
            let asked_for = |key: &str| {
                wanted
                    .properties
                    .iter()
                    .any(|one| one == key || one == "*all")
            };
            let some = issue.properties.iter().filter(|(key, _)| asked_for(key));
            json["properties"] = some
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<Map<_, _>>()
                .into();
        }
        if wanted.changelog {
            json["changelog"] = self.changelog(issue);
        }
        json
    }

    fn fields(&self, issue: &Issue, wanted: &Wanted) -> Value {
        let assignee = issue
            .assignee
            .as_deref()
            .and_then(|id| self.state.account(id));
        let versions = issue
            .fix_versions
            .iter()
            .filter_map(|id| self.state.versions.get(id));
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
            map.extend(
                issue
                    .custom
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
            map.retain(|key, _| wanted.has(key));
        }
        fields
    }

    pub(crate) fn status(&self, status: &Status) -> Value {
        let category = status.category;
        json!({
            "self": self.url(&format!("status/{}", status.id)),
            "description": "",
            "iconUrl": format!("{}/images/icons/statuses/generic.png", self.state.base_url),
            "name": status.name,
            "id": status.id.to_string(),
            "statusCategory": {
                "self": self.url(&format!("statuscategory/{}", category.id())),
                "id": category.id(),
                "key": category.key(),
                "colorName": category.colour(),
                "name": category.name(),
            },
        })
    }

    fn issue_type(&self, one: &IssueType) -> Value {
        let mut json = json!({
            "self": self.url(&format!("issuetype/{}", one.id)),
            "id": one.id.to_string(),
            "description": "",
            "iconUrl": format!("{}/images/icons/issuetypes/generic.png", self.state.base_url),
            "name": one.name,
            "subtask": one.subtask,
        });
        if self.state.dialect == Dialect::Cloud {
            json["hierarchyLevel"] = (if one.subtask { -1 } else { 0 }).into();
        }
        json
    }

    /// An issue type with the statuses of its workflow.
    pub(crate) fn type_with_statuses(&self, one: &IssueType) -> Value {
        let statuses = one
            .statuses
            .iter()
            .filter_map(|id| self.state.statuses.get(id));
        json!({
            "self": self.url(&format!("issuetype/{}", one.id)),
            "id": one.id.to_string(),
            "name": one.name,
            "subtask": one.subtask,
            "statuses": statuses.map(|status| self.status(status)).collect::<Vec<_>>(),
        })
    }

    fn project_reference(&self, project: &Project) -> Value {
        let mut json = json!({
            "self": self.url(&format!("project/{}", project.id)),
            "id": project.id.to_string(),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
        });
        if self.state.dialect == Dialect::Cloud {
            json["simplified"] = project.team_managed.into();
        }
        json
    }

    pub(crate) fn project(&self, project: &Project) -> Value {
        let mut json = self.project_reference(project);
        let versions = self
            .state
            .versions
            .values()
            .filter(|version| version.project == project.id);
        json["issueTypes"] = project
            .issue_types
            .iter()
            .map(|one| self.issue_type(one))
            .collect();
        json["versions"] = versions.map(|version| self.version(version)).collect();
        if self.state.dialect == Dialect::Cloud {
            json["style"] = (if project.team_managed {
                "next-gen"
            } else {
                "classic"
            })
            .into();
            json["isPrivate"] = false.into();
        }
        json
    }

    pub(crate) fn version(&self, version: &Version) -> Value {
        let mut json = json!({
            "self": self.url(&format!("version/{}", version.id)),
            "id": version.id.to_string(),
            "name": version.name,
            "archived": version.archived,
            "released": version.released,
            "projectId": version.project,
        });
        let optional = [
            ("description", &version.description),
            ("startDate", &version.start_date),
            ("releaseDate", &version.release_date),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                json[key] = value.as_str().into();
            }
        }
        json
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

    fn author(&self, id: &str) -> Value {
        self.state
            .account(id)
            .map(|account| self.user(account))
            .unwrap_or_default()
    }

    fn resolution(&self, name: &str) -> Value {
        let id = resolution_id(name);
        json!({ "self": self.url(&format!("resolution/{id}")), "id": id.to_string(), "name": name, "description": "" })
    }

    fn changelog(&self, issue: &Issue) -> Value {
        // Cloud puts the newest entry first, Data Center the oldest.
        let mut histories: Vec<Value> = issue
            .history
            .iter()
            .map(|entry| self.history(entry))
            .collect();
        if self.state.dialect == Dialect::Cloud {
            histories.reverse();
        }
        let total = histories.len();
        json!({ "startAt": 0, "maxResults": total, "total": total, "histories": histories })
    }

    fn history(&self, entry: &History) -> Value {
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
        json!({
            "id": entry.id.to_string(),
            "author": self.author(&entry.author),
            "created": date_time(entry.created),
            "items": items.collect::<Vec<_>>(),
        })
    }

    pub(crate) fn comment(&self, issue: &Issue, comment: &Comment, with_properties: bool) -> Value {
        let mut json = json!({
            "self": format!("{}/comment/{}", self.issue_url(issue), comment.id),
            "id": comment.id.to_string(),
            "author": self.author(&comment.author),
            "updateAuthor": self.author(&comment.author),
            "body": self.text(&comment.body),
            "created": date_time(comment.created),
            "updated": date_time(comment.created),
        });
        if let Some(visibility) = &comment.visibility {
            json["visibility"] = visibility.clone();
        }
        if with_properties {
            let list = comment
                .properties
                .iter()
                .map(|(key, value)| json!({ "key": key, "value": value }));
            json["properties"] = list.collect();
        }
        json
    }

    fn text(&self, text: &Text) -> Value {
        match self.api {
            Api::V3 => text.document(),
            Api::V2 => text.plain().into(),
        }
    }

    /// A link; Jira leaves out what is null, except for the application, which is then empty.
    pub(crate) fn remote_link(&self, issue: &Issue, link: &RemoteLink) -> Value {
        let mut json = json!({
            "id": link.id,
            "self": format!("{}/remotelink/{}", self.issue_url(issue), link.id),
            "application": link.application.clone().unwrap_or_else(|| json!({})),
            "object": link.object,
        });
        if let Some(global_id) = &link.global_id {
            json["globalId"] = global_id.as_str().into();
        }
        if let Some(relationship) = &link.relationship {
            json["relationship"] = relationship.as_str().into();
        }
        json
    }

    /// A transition. Data Center tells less of it than Cloud.
    pub(crate) fn transition(&self, edge: &Edge, available: bool, with_fields: bool) -> Value {
        let mut json = json!({
            "id": edge.id.to_string(),
            "name": edge.name,
            "to": self.state.statuses.get(&edge.to).map(|status| self.status(status)),
        });
        if self.state.dialect == Dialect::Cloud {
            json["hasScreen"] = edge.screen.is_some().into();
            json["isGlobal"] = edge.from.is_empty().into();
            json["isInitial"] = false.into();
            json["isAvailable"] = available.into();
            json["isConditional"] = edge.condition.is_some().into();
            json["isLooped"] = false.into();
        }
        if with_fields {
            let fields = edge
                .screen
                .iter()
                .flatten()
                .map(|field| (field.key.clone(), self.field(field)));
            json["fields"] = fields.collect::<Map<_, _>>().into();
        }
        json
    }

    fn field(&self, field: &Field) -> Value {
        let (schema, operations): (_, &[&str]) = match field.shape {
            Shape::Resolution => (
                json!({ "type": "resolution", "system": "resolution" }),
                &["set"],
            ),
            Shape::Versions => (
                json!({ "type": "array", "items": "version", "system": "fixVersions" }),
                &["set", "add", "remove"],
            ),
            Shape::User => (json!({ "type": "user", "system": "assignee" }), &["set"]),
            Shape::Labels => (
                json!({ "type": "array", "items": "string", "system": "labels" }),
                &["add", "set", "remove"],
            ),
            Shape::Text => (json!({ "type": "string", "custom": CUSTOM_TEXT }), &["set"]),
        };
        let mut json = json!({
            "required": field.required,
            "schema": schema,
            "name": field.name,
            "operations": operations,
            "hasDefaultValue": false,
        });
        // Cloud calls it the key, Data Center the id.
        let name = if self.state.dialect == Dialect::Cloud {
            "key"
        } else {
            "fieldId"
        };
        json[name] = field.key.as_str().into();
        if field.shape == Shape::Resolution {
            json["allowedValues"] = RESOLUTIONS
                .iter()
                .map(|(_, name)| self.resolution(name))
                .collect();
        }
        json
    }
}

const CUSTOM_TEXT: &str = "com.atlassian.jira.plugin.system.customfieldtypes:textfield";
