//! Comments, and links to other systems.

use serde_json::{Value, json};

use super::{Renderer, date_time};
use crate::dialect::Api;
use crate::state::{Comment, Issue, RemoteLink, Text};

impl Renderer<'_> {
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
}
