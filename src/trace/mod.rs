//! The decision trace: why a ticket did, or did not, move.
//!
//! A trace is written while an event is worked on and kept as long as the event. It holds what was
//! seen and decided, never a secret. Its JSON (`conduit.trace/1`) is part of the contract: `why -o json`,
//! `plan -o json` and `GET /conduit/api/events/{id}` all answer it.

mod advice;
mod outcome;
mod repeat;
pub mod text;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::ticket::{IgnoredKey, Source};
use crate::event::{Event, StatusMove, Subject, Trigger};

pub use outcome::{Outcome, Reason, Verdict};
pub use repeat::{Repeat, RuleGoal};

/// The name of the JSON's shape.
pub const SCHEMA: &str = "conduit.trace/1";

/// Everything known of one delivery and of each ticket it names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Made by `plan`: nothing was, or will be, written.
    pub planned: bool,
    /// The event's id.
    pub event_id: String,
    /// The forge.
    pub provider: String,
    /// The forge's own id of the delivery.
    pub delivery_id: String,
    /// What arrived at the door, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// The event as it was understood; absent when the payload could not be normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventSummary>,
    /// One entry for each ticket, in the order the event names them.
    pub tickets: Vec<TicketTrace>,
    /// What looked like a key and was not acted on.
    pub ignored_keys: Vec<IgnoredKey>,
    /// The gravest of the tickets' outcomes, or the event's own.
    pub outcome: Outcome,
    /// The reason that goes with [`Trace::outcome`].
    pub reason: Reason,
    /// One sentence on the event as a whole, when its reason needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The first two rows: what arrived, and by which secret it was known to be genuine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// When the last byte was there.
    pub at: Timestamp,
    /// The registered hook it came in by, `github/acme-shop`.
    pub hook: String,
    /// Size of the body.
    pub bytes: u64,
    /// Milliseconds from the last byte to the decision to store it.
    pub ms: u64,
    /// How the signature was checked: `HMAC-SHA256`.
    pub verified_by: String,
    /// The version of the secret that matched.
    pub secret_version: u32,
}

/// The event as a trace shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventSummary {
    /// See [`Event::kind`].
    pub kind: String,
    /// See [`Event::triggers`].
    pub triggers: Vec<Trigger>,
    /// The repository's path.
    pub repo: Option<String>,
    /// A pull request's number.
    pub number: Option<u64>,
    /// A pull request's title or a release's name.
    pub title: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Source branch.
    pub head: Option<String>,
    /// Target branch, or the branch pushed to.
    pub base: Option<String>,
    /// A draft pull request.
    pub draft: bool,
    /// A release's or a ref's tag.
    pub tag: Option<String>,
    /// A deployment's environment.
    pub environment: Option<String>,
    /// The change of a ticket's status that Jira told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<StatusMove>,
}

/// What became of one ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketTrace {
    /// The issue key: as the event wrote it, or as Jira does by now.
    pub key: String,
    /// The key that the event names it by, when it bears another one by now: it was moved to another project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Where the event names it.
    pub found_in: Vec<Source>,
    /// The machine that decided.
    #[serde(default)]
    pub machine: Option<String>,
    /// Hash of the rule set that decided.
    #[serde(default)]
    pub rules: Option<String>,
    /// How it ended, or `waiting`.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// One sentence for a person: what to know, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The ticket's status when it was decided, as the board shows it.
    #[serde(default)]
    pub from: Option<String>,
    /// The status it was to reach.
    #[serde(default)]
    pub to: Option<String>,
    /// The ticket as the decision saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusSeen>,
    /// The rule that decided.
    #[serde(default)]
    pub rule: Option<RuleRef>,
    /// Every rule that was looked at, in order.
    #[serde(default)]
    pub rules_tried: Vec<RuleTried>,
    /// The path through the machine, one entry a hop.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The Jira transition chosen for each hop.
    #[serde(default)]
    pub transitions: Vec<TransitionUsed>,
    /// Every call to Jira with its own time and answer.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Comments, links, versions and fields, and what became of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<EffectTrace>,
    /// When the ticket's job entered its queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When a worker first took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Milliseconds spent waiting for a retry, a limit or a pause.
    #[serde(default)]
    pub waited_ms: u64,
}

/// A ticket's status at the moment of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusSeen {
    /// The name the board shows.
    pub name: String,
    /// The machine's alias for it, when it has one.
    pub alias: Option<String>,
    /// `live`, `given`, `recorded` or `assumed`.
    pub source: String,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleRef {
    /// The rule's own name, when it has one.
    pub name: Option<String>,
    /// The trigger as written: `pull_request.merged`, `pull_request.*`.
    pub trigger: String,
    /// The file; `built-in` for a default rule.
    pub file: String,
    /// The line; 0 for a default rule.
    pub line: u32,
    /// What it does; absent in traces of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<RuleGoal>,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTried {
    /// The rule's own name, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The trigger as written.
    pub trigger: String,
    /// The file; `built-in` for a default rule.
    pub file: String,
    /// The line; 0 for a default rule.
    pub line: u32,
    /// Whether all of its filters held.
    pub matched: bool,
    /// The first filter that did not hold, or what the rule did: `base: want main|release/*, got develop`.
    pub because: String,
}

/// One hop through the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Alias left.
    pub from: String,
    /// Event followed.
    pub event: String,
    /// Alias reached.
    pub to: String,
    /// The file of the edge.
    pub file: String,
    /// The line of the edge.
    pub line: u32,
}

/// A Jira transition that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransitionUsed {
    /// Jira's id for it.
    pub id: String,
    /// Jira's name for it.
    pub name: String,
    /// `cache` or `live`.
    pub source: String,
}

/// One call to Jira.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// When it was sent.
    pub at: Timestamp,
    /// `issue`, `transitions`, `transition`, `comment`, …
    pub call: String,
    /// The HTTP status; absent when no answer came.
    pub status: Option<u16>,
    /// Milliseconds until the answer, or until it was given up.
    pub ms: u64,
    /// What Jira said, or why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What became of a comment, a link, a fix version or a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EffectTrace {
    /// `comment`, `link`, `fix_version` or `fields`.
    pub effect: String,
    /// `done`, `planned`, `left_out`, `refused`.
    pub result: String,
    /// What was written, or why it was not.
    pub detail: String,
}

impl From<&Event> for EventSummary {
    fn from(event: &Event) -> Self {
        let mut summary = Self {
            kind: event.kind.clone(),
            triggers: event.triggers.clone(),
            repo: event.repo.as_ref().map(|repo| repo.path.clone()),
            number: None,
            title: None,
            author: None,
            head: None,
            base: None,
            draft: false,
            tag: None,
            environment: None,
            moved: None,
        };
        match &event.subject {
            Subject::PullRequest(pr) => {
                summary.number = Some(pr.number);
                summary.title = Some(pr.title.clone());
                summary.author = Some(pr.author.clone());
                summary.head = Some(pr.head.clone());
                summary.base = Some(pr.base.clone());
                summary.draft = pr.draft;
            }
            Subject::Push(push) => {
                summary.base = Some(push.branch.clone());
                summary.author = Some(event.sender.login.clone());
            }
            Subject::Ref(reference) if reference.tag => summary.tag = Some(reference.name.clone()),
            Subject::Ref(reference) => summary.head = Some(reference.name.clone()),
            Subject::Release(release) => {
                summary.title = Some(release.name.clone());
                summary.author = Some(release.author.clone());
                summary.tag = Some(release.tag.clone());
            }
            Subject::Checks(checks) => {
                summary.title = Some(checks.name.clone());
                summary.head = Some(checks.branch.clone());
            }
            Subject::Deployment(deployment) => {
                summary.head = Some(deployment.git_ref.clone());
                summary.environment = Some(deployment.environment.clone());
            }
            Subject::Issue(issue) => {
                summary.title = Some(issue.summary.clone());
                summary.author = issue.actor.as_ref().map(|actor| actor.name.clone());
                summary.moved.clone_from(&issue.moved);
            }
            Subject::Nothing => {}
        }
        summary
    }
}

impl TicketTrace {
    /// The trace of a ticket that waits for its first worker.
    pub fn queued(key: impl Into<String>, found_in: Vec<Source>, at: Timestamp) -> Self {
        Self {
            key: key.into(),
            was: None,
            found_in,
            machine: None,
            rules: None,
            outcome: Outcome::Waiting,
            reason: Reason::Queued,
            detail: None,
            from: None,
            to: None,
            status: None,
            rule: None,
            rules_tried: Vec::new(),
            steps: Vec::new(),
            transitions: Vec::new(),
            attempts: Vec::new(),
            effects: Vec::new(),
            queued_at: Some(at),
            started_at: None,
            finished_at: None,
            waited_ms: 0,
        }
    }
}
