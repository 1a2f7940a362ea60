//! A ticket as one of Jira's own webhooks tells of it.
//!
//! It says what *was*: by the time anybody decides, the ticket may stand elsewhere. So nothing here is ever acted on as
//! the ticket's state; that is read from Jira again. What a delivery says is good for two things: to know whether it
//! still tells of where the ticket stands ([`StatusMove::reached`]), and for `plan`, which asks nobody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A ticket when the event was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Issue {
    /// Jira's id for it.
    pub id: String,
    /// The issue key, in capitals.
    pub key: String,
    /// The project's key, in capitals.
    pub project: String,
    /// Its title.
    pub summary: String,
    /// The name of its type.
    pub issue_type: String,
    /// Where it stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<IssueStatus>,
    /// The change of its status, when that is what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<StatusMove>,
    /// Its labels.
    pub labels: Vec<String>,
    /// The name of whom it was assigned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Who did it, where the payload says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Person>,
    /// How often Jira had tried to deliver this before.
    #[serde(skip_serializing_if = "is_zero")]
    pub retry: u32,
    /// `Primary`, or `Secondary` for what Jira sends with less haste.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
}

/// A status, by its id and by its name in the language of the webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IssueStatus {
    /// Jira's id for it; empty where it was not said.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A change of status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StatusMove {
    /// The status it left.
    pub from: IssueStatus,
    /// The status it reached.
    pub to: IssueStatus,
}

/// Somebody with an account in Jira.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Person {
    /// Cloud: the account id. Data Center: the user name.
    pub id: String,
    /// The name people see. On Cloud, anybody may take any.
    pub name: String,
}

impl StatusMove {
    /// Whether a status is the one that was reached. Names follow languages, so the ids count where both are known.
    pub fn reached(&self, id: &str, name: &str) -> bool {
        let to = &self.to;
        if to.id.is_empty() || id.is_empty() {
            return to.name.trim().to_lowercase() == name.trim().to_lowercase();
        }
        to.id == id
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_the_one_that_was_reached_by_its_id_in_any_language() {
        let to = IssueStatus { id: "3".into(), name: "In Arbeit".into() };
        let moved = StatusMove { to, ..StatusMove::default() };
        assert!(moved.reached("3", "In Progress"));
        assert!(!moved.reached("4", "In Arbeit"));
        assert!(moved.reached("", "in arbeit ") && !moved.reached("", "In Progress"));
        let unnumbered = StatusMove { to: IssueStatus { id: String::new(), ..moved.to }, ..moved };
        assert!(unnumbered.reached("4", "In Arbeit"));
    }
}
