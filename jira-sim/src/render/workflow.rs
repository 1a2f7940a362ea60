//! Statuses, issue types, transitions and the fields on their screens.

use serde_json::{Map, Value, json};

use super::Renderer;
use crate::dialect::Dialect;
use crate::field::{Field, RESOLUTIONS, Shape};
use crate::state::{Edge, IssueType, Status};
use crate::workflow::Category;

impl Renderer<'_> {
    pub(crate) fn status(&self, status: &Status) -> Value {
        let category = status.category;
        json!({
            "self": self.url(&format!("status/{}", status.id)),
            "description": "",
            "iconUrl": format!("{}/images/icons/statuses/generic.png", self.state.base_url),
            "name": self.status_name(status),
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

    /// The name in the reader's language.
    pub(super) fn status_name<'b>(&'b self, status: &'b Status) -> &'b str {
        status.translations.get(self.language).unwrap_or(&status.name)
    }

    /// A status as the administrators' search writes it.
    pub(crate) fn scoped_status(&self, status: &Status) -> Value {
        let project = status.project.as_deref().and_then(|key| self.state.project(key));
        let scope = match project {
            Some(project) => json!({ "type": "PROJECT", "project": { "id": project.id.to_string() } }),
            None => json!({ "type": "GLOBAL" }),
        };
        let category = match status.category {
            Category::New => "TODO",
            Category::Indeterminate => "IN_PROGRESS",
            Category::Done => "DONE",
        };
        json!({
            "id": status.id.to_string(),
            "name": status.name,
            "description": "",
            "statusCategory": category,
            "scope": scope,
        })
    }

    /// A workflow, as the type that goes by it has it.
    pub(crate) fn workflow(&self, one: &IssueType, number: usize) -> Value {
        let name = format!("Workflow {number}");
        if self.state.dialect == Dialect::DataCenter {
            return json!({ "name": name, "description": "", "steps": one.statuses.len(), "default": number == 1 });
        }
        let statuses = one.statuses.iter().filter_map(|id| self.state.statuses.get(id));
        let statuses = statuses.map(|status| json!({ "id": status.id.to_string(), "name": status.name }));
        let transitions = one.edges.iter().map(|edge| {
            json!({
                "id": edge.id.to_string(),
                "name": edge.name,
                "description": "",
                "from": edge.from.iter().map(u64::to_string).collect::<Vec<_>>(),
                "to": edge.to.map(|to| to.to_string()),
                "type": if edge.from.is_empty() { "global" } else { "directed" },
            })
        });
        json!({
            "id": { "name": name },
            "description": "",
            "statuses": statuses.collect::<Vec<_>>(),
            "transitions": transitions.collect::<Vec<_>>(),
        })
    }

    pub(super) fn issue_type(&self, one: &IssueType) -> Value {
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
        let statuses = one.statuses.iter().filter_map(|id| self.state.statuses.get(id));
        json!({
            "self": self.url(&format!("issuetype/{}", one.id)),
            "id": one.id.to_string(),
            "name": one.name,
            "subtask": one.subtask,
            "statuses": statuses.map(|status| self.status(status)).collect::<Vec<_>>(),
        })
    }

    /// A transition. Data Center tells less of it than Cloud.
    pub(crate) fn transition(&self, edge: &Edge, from: u64, available: bool, with_fields: bool) -> Value {
        let mut json = json!({
            "id": edge.id.to_string(),
            "name": edge.name,
            "to": self.state.statuses.get(&edge.target(from)).map(|status| self.status(status)),
        });
        if self.state.dialect == Dialect::Cloud {
            json["hasScreen"] = edge.screen.is_some().into();
            json["isGlobal"] = edge.from.is_empty().into();
            json["isInitial"] = false.into();
            json["isAvailable"] = available.into();
            json["isConditional"] = edge.condition.is_some().into();
            json["isLooped"] = edge.to.is_none().into();
        }
        if with_fields {
            let fields = edge.screen.iter().flatten().map(|field| (field.key.clone(), self.field(field)));
            json["fields"] = fields.collect::<Map<_, _>>().into();
        }
        json
    }

    fn field(&self, field: &Field) -> Value {
        let (schema, operations): (_, &[&str]) = match field.shape {
            Shape::Resolution => (json!({ "type": "resolution", "system": "resolution" }), &["set"]),
            Shape::Versions => (
                json!({ "type": "array", "items": "version", "system": "fixVersions" }),
                &["set", "add", "remove"],
            ),
            Shape::User => (json!({ "type": "user", "system": "assignee" }), &["set"]),
            Shape::Labels => {
                (json!({ "type": "array", "items": "string", "system": "labels" }), &["add", "set", "remove"])
            }
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
        let name = if self.state.dialect == Dialect::Cloud { "key" } else { "fieldId" };
        json[name] = field.key.as_str().into();
        if field.shape == Shape::Resolution {
            json["allowedValues"] = RESOLUTIONS.iter().map(|(_, name)| self.resolution(name)).collect();
        }
        json
    }
}

const CUSTOM_TEXT: &str = "com.atlassian.jira.plugin.system.customfieldtypes:textfield";
