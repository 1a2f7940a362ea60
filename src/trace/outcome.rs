//! The outcomes and their reasons: stable names that scripts, filters and metrics rely on.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How it ended for a ticket, and for the event as the gravest of its tickets'.
///
/// Ordered from the lightest to the gravest, so that `max` is the event's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All is as it should be; Jira was not asked to change.
    NothingToDo,
    /// Something was held back on purpose.
    Skipped,
    /// The ticket moved.
    Moved,
    /// Not over yet: the only outcome that is not final.
    Waiting,
    /// It cannot be done until somebody mends something.
    Failed,
    /// Patience is over; it can be replayed.
    Dead,
}

/// Declares [`Reason`] with its wire name and the outcome it belongs to, in one table.
macro_rules! reasons {
    ($($variant:ident = $name:literal => $outcome:ident: $meaning:literal,)*) => {
        /// Why. A stable name; the sentence for people stands beside it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)*
        }

        impl Reason {
            /// All of them, in the contract's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The outcome it belongs to while there is patience left.
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)* }
            }

            /// What it means, in a few words for a person.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

reasons! {
    Moved = "moved" => Moved: "the ticket moved",
    AlreadyThere = "already_there" => NothingToDo: "the ticket already stands at the target",
    AlreadyPast = "already_past" => NothingToDo: "the ticket already stands beyond the target",
    AtEnd = "at_end" => NothingToDo: "the ticket is at the end of its machine",
    NoKeys = "no_keys" => NothingToDo: "no ticket key was found where keys count",
    ProjectNotConfigured = "project_not_configured" => NothingToDo: "no configured project has this key, or the hook may not move it",
    NoMachine = "no_machine" => NothingToDo: "no rule file has a machine for this project",
    UnknownStatus = "unknown_status" => NothingToDo: "no alias names the ticket's status",
    NoRuleMatched = "no_rule_matched" => NothingToDo: "no rule matches this event",
    NoEdge = "no_edge" => NothingToDo: "the ticket's state has no edge for the fired event",
    NoPath = "no_path" => NothingToDo: "no path leads from the ticket's state to the target",
    EffectsOnly = "effects_only" => NothingToDo: "the rule writes effects and moves nothing",
    ObserveOnly = "observe_only" => NothingToDo: "the machine only observes",
    UnsupportedEvent = "unsupported_event" => NothingToDo: "no rule can see this kind of event",
    Duplicate = "duplicate" => NothingToDo: "another delivery already stands for this change",
    SkipRule = "skip_rule" => Skipped: "a skip rule matched",
    MovedByOther = "moved_by_other" => Skipped: "somebody moved the ticket meanwhile",
    RepoMismatch = "repo_mismatch" => Skipped: "the payload's repository is not the registered one",
    Stale = "stale" => Skipped: "the event is older than the oldest that may act",
    TooManyTickets = "too_many_tickets" => Skipped: "the event names more tickets than one event may move",
    Queued = "queued" => Waiting: "waiting for a worker",
    Working = "working" => Waiting: "a worker is on it",
    RateLimited = "rate_limited" => Waiting: "Jira asked for a pause",
    Conflict = "conflict" => Waiting: "another transition is running on the ticket",
    Jira5xx = "jira_5xx" => Waiting: "Jira answers with server errors",
    JiraUnreachable = "jira_unreachable" => Waiting: "Jira cannot be reached",
    Credentials = "credentials" => Waiting: "Jira refuses the login",
    Paused = "paused" => Waiting: "the site is paused",
    NoJiraTransition = "no_jira_transition" => Failed: "Jira has no transition to the target status",
    TransitionHidden = "transition_hidden" => Failed: "a condition hides the transition",
    FieldsRequired = "fields_required" => Failed: "the transition's screen asks for fields",
    NoPermission = "no_permission" => Failed: "the account may not do this",
    IssueNotFound = "issue_not_found" => Failed: "the ticket does not exist, or the account cannot see it",
    PartialPath = "partial_path" => Failed: "the ticket stopped on the way",
    NotNormalisable = "not_normalisable" => Failed: "the payload could not be understood",
    JiraRefused = "jira_refused" => Failed: "Jira refused the request",
    Poison = "poison" => Dead: "the event breaks whoever works on it",
}

impl Outcome {
    /// All of them, from the lightest to the gravest.
    pub const ALL: &[Self] =
        &[Self::NothingToDo, Self::Skipped, Self::Moved, Self::Waiting, Self::Failed, Self::Dead];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Skipped => "skipped",
            Self::Moved => "moved",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Waiting)
    }

    /// Whether a redelivery or a plain replay takes it up again.
    pub const fn is_retriable(self) -> bool {
        matches!(self, Self::Failed | Self::Dead)
    }
}

/// An outcome with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    /// A waiting reason whose patience is over.
    pub const fn dead(reason: Reason) -> Self {
        Self { outcome: Outcome::Dead, reason }
    }

    /// The verdict of an event: the gravest of its tickets', the first of equals.
    pub fn gravest(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts
            .into_iter()
            .reduce(|gravest, next| if next.outcome > gravest.outcome { next } else { gravest })
    }
}

impl From<Reason> for Verdict {
    fn from(reason: Reason) -> Self {
        Self { outcome: reason.outcome(), reason }
    }
}

/// A name that is neither an outcome's nor a reason's.
#[derive(Debug, thiserror::Error)]
#[error("`{found}` is not one of: {allowed}")]
pub struct UnknownName {
    found: String,
    allowed: String,
}

fn lookup<T: Copy>(name: &str, all: &[T], as_str: impl Fn(T) -> &'static str) -> Result<T, UnknownName> {
    all.iter().copied().find(|item| as_str(*item) == name).ok_or_else(|| UnknownName {
        found: name.to_owned(),
        allowed: all.iter().copied().map(as_str).collect::<Vec<_>>().join(", "),
    })
}

impl FromStr for Outcome {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        lookup(name, Self::ALL, Self::as_str)
    }
}

impl FromStr for Reason {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        lookup(name, Self::ALL, Self::as_str)
    }
}

impl TryFrom<String> for Reason {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Reason> for &'static str {
    fn from(reason: Reason) -> Self {
        reason.as_str()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl JsonSchema for Reason {
    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::ALL.iter().map(|one| one.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_as_gravely_as_its_gravest_ticket() {
        let verdicts = [Reason::Moved, Reason::NoPermission, Reason::AlreadyThere].map(Verdict::from);
        assert_eq!(Verdict::gravest(verdicts).unwrap().reason, Reason::NoPermission);
        assert_eq!(Verdict::gravest([]), None);
        let order: Vec<_> = Outcome::ALL.iter().rev().map(|o| o.as_str()).collect();
        assert_eq!(order, ["dead", "failed", "waiting", "moved", "skipped", "nothing_to_do"]);
    }

    #[test]
    fn every_name_is_read_back_as_itself() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse::<Reason>().unwrap(), *reason);
        }
        let error = "mooved".parse::<Outcome>().unwrap_err().to_string();
        assert!(error.starts_with("`mooved` is not one of: nothing_to_do, skipped"), "{error}");
    }
}
