//! What it means to send a ticket through its rule once more.
//!
//! A rule with `move_to` says where a ticket belongs: asked twice, it finds the ticket there. A rule with `fire` says
//! one step on from wherever the ticket is: asked twice, it goes two steps, and one too far when a person has moved
//! the ticket by hand in between.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, TicketTrace};

/// What a rule does when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleGoal {
    /// One step on from wherever the ticket is.
    Fire,
    /// To a state, from wherever the ticket is.
    MoveTo,
    /// Nothing, on purpose.
    Skip,
    /// Effects beside the board alone.
    Effects,
}

/// Whether a ticket may be sent through again without a second thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Twice is the same as once.
    Safe,
    /// Twice is one step further than once.
    Relative,
    /// No rule has decided on it yet.
    Unknown,
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Relative => "relative",
            Self::Unknown => "unknown",
        })
    }
}

impl TicketTrace {
    /// What another run would mean, as far as the rule that decided tells.
    pub fn repeat(&self) -> Repeat {
        match self.rule.as_ref().and_then(|rule| rule.goal) {
            Some(RuleGoal::MoveTo | RuleGoal::Skip | RuleGoal::Effects) => Repeat::Safe,
            Some(RuleGoal::Fire) => Repeat::Relative,
            None => Repeat::Unknown,
        }
    }

    /// Whether another run would take the ticket a second step, which one event never means by itself.
    pub fn goes_a_second_step(&self) -> bool {
        self.outcome == Outcome::Moved && self.repeat() != Repeat::Safe
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::trace::RuleRef;

    fn ticket(goal: Option<RuleGoal>, outcome: Outcome) -> TicketTrace {
        let rule =
            RuleRef { name: None, trigger: "release.published".into(), file: "a".into(), line: 1, goal };
        TicketTrace {
            rule: Some(rule),
            outcome,
            ..TicketTrace::queued("SHOP-1", vec![], Timestamp::UNIX_EPOCH)
        }
    }

    #[test]
    fn only_a_rule_that_says_where_to_may_be_asked_twice() {
        let repeat = |goal| ticket(goal, Outcome::Failed).repeat();
        assert_eq!(repeat(Some(RuleGoal::Fire)), Repeat::Relative);
        assert_eq!(repeat(Some(RuleGoal::MoveTo)), Repeat::Safe);
        assert_eq!(repeat(None), Repeat::Unknown, "an older trace does not tell");
        let undecided = TicketTrace { rule: None, ..ticket(None, Outcome::Dead) };
        assert_eq!(undecided.repeat(), Repeat::Unknown);
    }

    #[test]
    fn what_has_moved_by_a_step_would_go_another() {
        assert!(ticket(Some(RuleGoal::Fire), Outcome::Moved).goes_a_second_step());
        assert!(ticket(None, Outcome::Moved).goes_a_second_step(), "it may");
        assert!(!ticket(Some(RuleGoal::MoveTo), Outcome::Moved).goes_a_second_step());
        assert!(!ticket(Some(RuleGoal::Fire), Outcome::Failed).goes_a_second_step());
    }

    #[test]
    fn a_rule_of_an_older_trace_is_read_without_its_goal() {
        let older = serde_json::json!({ "name": null, "trigger": "push", "file": "a.hcl", "line": 3 });
        let rule: RuleRef = serde_json::from_value(older.clone()).unwrap();
        assert_eq!(rule.goal, None);
        assert_eq!(serde_json::to_value(&rule).unwrap(), older);
        let newer = RuleRef { goal: Some(RuleGoal::MoveTo), ..rule };
        assert_eq!(serde_json::to_value(&newer).unwrap()["goal"], "move_to");
    }
}
