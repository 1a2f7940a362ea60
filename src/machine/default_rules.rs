//! The rules of a machine that says nothing more: a merge into the default branch and a release fire `next`.
//!
//! They are an ordinary rule set called `default`, which a machine with rules of its own can `use`.

use super::filter::Filter;
use super::model::{EffectTemplates, Goal, NEXT, On, Rule};
use super::sources;
use crate::event::Trigger;
use crate::event::ticket::Source;
use crate::trace::RuleRef;

/// The set's name in `use = […]`.
pub(super) const NAME: &str = "default";

/// The file that a trace names for them.
const FILE: &str = "built-in";

/// The set, for a machine with these `keys`.
pub(super) fn rules(machines_keys: Option<&[Source]>) -> Vec<Rule> {
    vec![
        rule(Trigger::PullRequestMerged, vec![Filter::DefaultBranch, Filter::NotRevert], machines_keys),
        rule(Trigger::ReleasePublished, vec![Filter::Prerelease(false)], machines_keys),
    ]
}

fn rule(trigger: Trigger, filters: Vec<Filter>, machines_keys: Option<&[Source]>) -> Rule {
    let on = On::One(trigger);
    let goal = Goal::Fire(NEXT.to_owned());
    Rule {
        place: RuleRef {
            name: None,
            trigger: trigger.as_str().to_owned(),
            file: FILE.to_owned(),
            line: 0,
            goal: Some(goal.kind()),
        },
        on,
        sources: sources::resolve(on, None, machines_keys),
        filters,
        goal,
        effects: EffectTemplates::default(),
    }
}
