//! The decision: which rule matches, and what that means for a ticket.

use super::decision::{Action, Decision, Effects, TicketNow};
use super::filter::Held;
use super::goal;
use super::model::{Machine, Rule};
use super::scene::{Scene, Ticket, Unknown};
use super::sentence::{list, what_happened};
use super::sources;
use crate::event::ticket::Source;
use crate::event::{Event, Trigger};
use crate::trace::{Reason, RuleTried};

/// Decides what becomes of one ticket because of one event.
///
/// This is the only place where that is decided. It does no I/O and reads no clock: the same machine, event
/// and ticket always give the same answer, and the answer carries why.
pub fn decide(machine: &Machine, event: &Event, ticket: &TicketNow) -> Decision {
    let Ok(decision) = evaluate(&Scene::new(machine, event, &ticket.found_in, ticket));
    decision
}

/// The decision, when it cannot depend on the ticket's state: nobody need ask Jira then.
///
/// That is so when no rule matches whatever the ticket is, or when a `skip` rule that looks only at the
/// event decides. Whenever this answers, [`decide`] answers the same.
pub fn precheck(machine: &Machine, event: &Event, found_in: &[Source]) -> Option<Decision> {
    evaluate(&Scene::new(machine, event, found_in, Unknown)).ok()
}

fn evaluate<T: Ticket>(scene: &Scene<'_, T>) -> Result<Decision, T::Missing> {
    let mut tried = Vec::with_capacity(scene.machine.rules.len());
    let mut nearest = None;
    for rule in &scene.machine.rules {
        match test(rule, scene)? {
            Tested::Holds(note) => {
                tried.push(row(rule, true, note.unwrap_or_else(|| goal::summary(&rule.goal))));
                return goal::carry_out(rule, scene, tried);
            }
            Tested::Fails(hurdle, because) => {
                tried.push(row(rule, false, because));
                if nearest.is_none_or(|(_, furthest)| hurdle > furthest) {
                    nearest = Some((rule, hurdle));
                }
            }
        }
    }
    Ok(Decision {
        action: Action::Stay(Reason::NoRuleMatched.into()),
        alias: scene.alias_seen(),
        rule: None,
        rules_tried: tried,
        effects: Effects::default(),
        detail: Some(no_rule_matched(scene.event, scene.found_in, nearest)),
    })
}

/// How a rule fared.
enum Tested {
    /// All of it holds; a word on it where the goal does not say enough.
    Holds(Option<String>),
    /// It came so far, and why no further.
    Fails(Hurdle, String),
}

/// What a rule asks, in the order of asking. The rule that came furthest is the one to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hurdle {
    Trigger,
    Keys,
    Filter(usize),
}

fn test<T: Ticket>(rule: &Rule, scene: &Scene<'_, T>) -> Result<Tested, T::Missing> {
    if !rule.on.matches(scene.event) {
        return Ok(Tested::Fails(Hurdle::Trigger, other_event(rule, scene.event)));
    }
    if !rule.sources.is_empty() && !rule.sources.iter().any(|source| scene.found_in.contains(source)) {
        let (wanted, found) = (names(&rule.sources), names(scene.found_in));
        return Ok(Tested::Fails(Hurdle::Keys, format!("keys: looks in {wanted}, the key is in {found}")));
    }
    let mut note = None;
    for (index, filter) in rule.filters.iter().enumerate() {
        match filter.test(scene)? {
            Held::Yes => {}
            Held::YesBut(but) => note = Some(but),
            Held::No(because) => return Ok(Tested::Fails(Hurdle::Filter(index), because)),
        }
    }
    Ok(Tested::Holds(note))
}

fn other_event(rule: &Rule, event: &Event) -> String {
    let merged = event.triggers.contains(&Trigger::PullRequestMerged);
    let closed = event.triggers.contains(&Trigger::PullRequestClosed);
    if merged && rule.on.covers(Trigger::PullRequestClosed) {
        "PR was merged".to_owned()
    } else if closed && rule.on.covers(Trigger::PullRequestMerged) {
        "PR was closed without merging".to_owned()
    } else {
        format!("event is {}", event.kind)
    }
}

fn names(all: &[Source]) -> String {
    list(&all.iter().map(|source| sources::name(*source)).collect::<Vec<_>>())
}

fn row(rule: &Rule, matched: bool, because: String) -> RuleTried {
    let place = &rule.place;
    RuleTried {
        name: place.name.clone(),
        trigger: place.trigger.clone(),
        file: place.file.clone(),
        line: place.line,
        matched,
        because,
    }
}

/// `PR merged into "develop"; rule needs base "main" or "release/*"`.
fn no_rule_matched(event: &Event, found_in: &[Source], nearest: Option<(&Rule, Hurdle)>) -> String {
    let happened = what_happened(event);
    let need = match nearest {
        None | Some((_, Hurdle::Trigger)) => None,
        Some((rule, Hurdle::Keys)) => {
            Some(format!("the key in {}, and it is in {}", names(&rule.sources), names(found_in)))
        }
        Some((rule, Hurdle::Filter(index))) => rule.filters.get(index).map(|filter| filter.need(event)),
    };
    match need {
        Some(need) => format!("{happened}; rule needs {need}"),
        None => format!("{happened}; no rule looks at {}", event.kind),
    }
}
