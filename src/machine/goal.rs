//! What a matching rule means for the ticket.

use super::decision::{Action, Decision, Effects, Hop};
use super::model::{END, Goal, Machine, Mode, Rule, Target};
use super::scene::{Scene, Ticket};
use super::sentence::list;
use super::walk::{MAX_HOPS, Walk, hop, walk};
use crate::trace::{Reason, RuleTried};

/// What the trace says of a rule that matched: `fire "next"`.
pub(super) fn summary(goal: &Goal) -> String {
    match goal {
        Goal::Fire(event) => format!("fire \"{event}\""),
        Goal::MoveTo { target, .. } => format!("move_to \"{target}\""),
        Goal::Skip(reason) => format!("skip: {reason}"),
        Goal::Stay => "effects only".to_owned(),
    }
}

/// Where a goal leads.
enum Course {
    Go(Vec<Hop>),
    Stay(Reason, Option<String>),
}

/// Turns a matching rule into a decision.
pub(super) fn carry_out<T: Ticket>(
    rule: &Rule,
    scene: &Scene<'_, T>,
    rules_tried: Vec<RuleTried>,
) -> Result<Decision, T::Missing> {
    let course = course(&rule.goal, scene)?;
    let (course, effects) = match course {
        Course::Stay(Reason::SkipRule, _) => (course, Effects::default()),
        course => with_effects(
            course,
            rule.effects.fill(scene.roots(rule.effects.look_at_the_ticket())?),
            scene.machine.mode,
        ),
    };
    let (action, detail) = match course {
        Course::Go(path) => (Action::Move(path), None),
        Course::Stay(reason, detail) => (Action::Stay(reason.into()), detail),
    };
    let rule = Some(rule.place.clone());
    Ok(Decision { action, alias: scene.alias_seen(), rule, rules_tried, effects, detail })
}

fn course<T: Ticket>(goal: &Goal, scene: &Scene<'_, T>) -> Result<Course, T::Missing> {
    if let Goal::Skip(reason) = goal {
        return Ok(Course::Stay(Reason::SkipRule, Some(reason.clone())));
    }
    let machine = scene.machine;
    let from = scene.alias()?;
    Ok(match (goal, from) {
        (Goal::Fire(event), Some(from)) => fire(machine, from, event),
        (Goal::MoveTo { target, along }, Some(from)) => move_to(machine, from, target, along),
        (Goal::Fire(_) | Goal::MoveTo { .. }, None) => unknown_status(machine, scene.status()?),
        (Goal::Stay | Goal::Skip(_), _) => Course::Stay(Reason::EffectsOnly, None),
    })
}

fn stay(reason: Reason, detail: String) -> Course {
    Course::Stay(reason, Some(detail))
}

fn fire(machine: &Machine, from: &str, event: &str) -> Course {
    let edges = machine.edges(from);
    let Some(edge) = edges.iter().find(|edge| edge.event == event) else {
        let answers: Vec<&str> = edges.iter().map(|edge| edge.event.as_str()).collect();
        let answers = list(&answers);
        return stay(Reason::NoEdge, format!("`{from}` does not answer `{event}`; it answers: {answers}"));
    };
    match &edge.target {
        Target::End => stay(Reason::AtEnd, format!("`{event}` leads from `{from}` to `{END}`")),
        Target::State(to) if to == from => {
            stay(Reason::AlreadyThere, format!("`{event}` leads from `{from}` back to it"))
        }
        Target::State(to) => Course::Go(vec![hop(machine, from, edge, to)]),
    }
}

fn move_to(machine: &Machine, from: &str, target: &str, along: &[String]) -> Course {
    match walk(machine, from, target, along) {
        Walk::Path(path) => Course::Go(path),
        Walk::Here => stay(Reason::AlreadyThere, format!("the ticket is in `{target}`")),
        Walk::Past => stay(Reason::AlreadyPast, format!("`{from}` is beyond `{target}`")),
        Walk::TooLong(hops) => stay(
            Reason::NoPath,
            format!("`{target}` is {hops} hops from `{from}`; at most {MAX_HOPS} are taken"),
        ),
        Walk::None => {
            let events = list(&along.iter().map(String::as_str).collect::<Vec<_>>());
            stay(Reason::NoPath, format!("no path along {events} leads from `{from}` to `{target}`"))
        }
    }
}

fn unknown_status(machine: &Machine, status: &str) -> Course {
    let aliases = machine.aliases.iter().map(|alias| format!("{} = \"{}\"", alias.name, alias.status));
    let aliases = aliases.collect::<Vec<_>>().join(", ");
    let file = &machine.file;
    stay(Reason::UnknownStatus, format!("no alias names the status \"{status}\"; {file} knows {aliases}"))
}

/// Links and versions are written whether or not the ticket moves. A comment and fields go with a move; they
/// are told all the same, so that a trace can say what was not written.
fn with_effects(course: Course, effects: Effects, mode: Mode) -> (Course, Effects) {
    let lasting = effects.link.is_some() || effects.fix_version.is_some();
    let course = match course {
        Course::Stay(reason, detail) if lasting && reason != Reason::UnknownStatus => {
            Course::Stay(Reason::EffectsOnly, detail)
        }
        course => course,
    };
    match mode {
        Mode::Act => (course, effects),
        Mode::Observe => observed(course, effects),
    }
}

/// What a machine that only observes would have done. Effects are told with that verdict alone: with any other
/// they would be written.
fn observed(course: Course, effects: Effects) -> (Course, Effects) {
    let would = match course {
        Course::Go(path) => {
            let first = path.first().map(|hop| hop.from_status.as_str());
            let stations = first.into_iter().chain(path.iter().map(|hop| hop.to_status.as_str()));
            format!("would have moved {}", stations.collect::<Vec<_>>().join(" → "))
        }
        Course::Stay(Reason::EffectsOnly, _) => "would have written the rule's effects".to_owned(),
        stays @ Course::Stay(..) => return (stays, Effects::default()),
    };
    (stay(Reason::ObserveOnly, would), effects)
}
