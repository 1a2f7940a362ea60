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
    let (course, effects) = match (&course, scene.machine.mode) {
        (Course::Stay(Reason::SkipRule, _), _) => (course, Effects::default()),
        (_, Mode::Observe) => (observed(course, &rule.effects.names()), Effects::default()),
        (_, Mode::Act) => with_effects(course, rule.effects.fill(scene.roots(true)?)),
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
        (Goal::Fire(_) | Goal::MoveTo { .. }, None) => unknown_status(machine, &scene.ticket()?.status),
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

/// Links and versions are written whether or not the ticket moves; a comment and fields go with a move.
fn with_effects(course: Course, mut effects: Effects) -> (Course, Effects) {
    let Course::Stay(reason, detail) = course else { return (course, effects) };
    effects.comment = None;
    effects.fields.clear();
    effects.left_out.retain(|effect| !matches!(effect.effect.as_str(), "comment" | "fields"));
    let stays = match reason {
        Reason::UnknownStatus => reason,
        _ if effects.is_empty() => reason,
        _ => Reason::EffectsOnly,
    };
    (Course::Stay(stays, detail), effects)
}

/// What a machine that only observes would have done.
fn observed(course: Course, effects: &[&str]) -> Course {
    match course {
        Course::Go(path) => {
            let first = path.first().map(|hop| hop.from_status.as_str());
            let stations = first.into_iter().chain(path.iter().map(|hop| hop.to_status.as_str()));
            let stations = stations.collect::<Vec<_>>().join(" → ");
            let written =
                if effects.is_empty() { String::new() } else { format!(" and written {}", list(effects)) };
            stay(Reason::ObserveOnly, format!("would have moved {stations}{written}"))
        }
        Course::Stay(Reason::EffectsOnly, _) => {
            stay(Reason::ObserveOnly, format!("would have written {}", list(effects)))
        }
        stays @ Course::Stay(..) => stays,
    }
}
