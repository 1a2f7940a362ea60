//! Projects and their versions.

use serde_json::{Value, json};

use super::Renderer;
use crate::dialect::Dialect;
use crate::state::{Project, Version};

impl Renderer<'_> {
    pub(super) fn project_reference(&self, project: &Project) -> Value {
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
}
