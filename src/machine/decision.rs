//! What a decision sees, and what it says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::ticket::Source;
use crate::trace::{EffectTrace, RuleRef, RuleTried, Step, Verdict};

/// A ticket as it is when the decision is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketNow {
    /// The issue key, in capitals.
    pub key: String,
    /// The project key, in capitals.
    pub project: String,
    /// Where the event names it.
    pub found_in: Vec<Source>,
    /// The status's name, as the board shows it.
    pub status: String,
    /// The issue type's name.
    pub issue_type: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The name of whom it is assigned to.
    pub assignee: Option<String>,
}

/// What to do with one ticket because of one event, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Move it or let it stand.
    pub action: Action,
    /// The machine's alias for the ticket's status, when it has one and the status was looked at.
    pub alias: Option<String>,
    /// The rule that decided.
    pub rule: Option<RuleRef>,
    /// Every rule that was looked at, in order.
    pub rules_tried: Vec<RuleTried>,
    /// What to write beside the move.
    pub effects: Effects,
    /// One sentence for a person, where the reason alone does not say enough.
    pub detail: Option<String>,
}

/// Move a ticket or let it stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It stays, with this verdict. Of the effects, link and fix version are written all the same; comment and
    /// fields go with a move. Under `observe_only` none of them is.
    Stay(Verdict),
    /// It walks this path, one Jira transition a hop. Never empty.
    Move(Vec<Hop>),
}

/// One hop: an edge of the machine, with what Jira needs for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The edge.
    pub step: Step,
    /// The status it leaves, as the board names it.
    pub from_status: String,
    /// The status it reaches, as the board names it.
    pub to_status: String,
    /// The Jira transition to take when several lead there.
    #[serde(default)]
    pub via: Option<String>,
    /// Fields that Jira's screen asks for on this hop.
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
}

/// What a rule writes beside the move.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// A comment, as plain text.
    #[serde(default)]
    pub comment: Option<String>,
    /// A link from the ticket to the outside.
    #[serde(default)]
    pub link: Option<Link>,
    /// A version the ticket is fixed in.
    #[serde(default)]
    pub fix_version: Option<FixVersion>,
    /// Fields to send with the last hop, over the edge's own.
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
    /// Effects that were left out because their template failed.
    #[serde(default)]
    pub left_out: Vec<EffectTrace>,
}

/// A link from a ticket to the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it leads; http or https.
    pub url: String,
    /// What it is called.
    pub title: String,
}

/// A version a ticket is fixed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixVersion {
    /// Its name.
    pub name: String,
    /// Make it when the project has none of that name.
    #[serde(default)]
    pub create: bool,
    /// Mark it released.
    #[serde(default)]
    pub released: bool,
}

impl Effects {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.comment.is_none() && self.link.is_none() && self.fix_version.is_none() && self.fields.is_empty()
    }
}
