//! The words of a picture, the same in every format.

use unicode_width::UnicodeWidthStr as _;

use super::{Arrow, Does, Graph, Node, RuleNote};
use crate::printable::printable;

/// The end of a machine.
pub(super) const END: &str = "■";

/// A longer name than this is cut in a picture; the text and the JSON have it whole.
const LONGEST: usize = 40;

/// `pull_request.merged "hotfix"`.
pub(super) fn rule(rule: &RuleNote) -> String {
    match &rule.name {
        Some(name) => format!("{} \"{}\"", printable(&rule.trigger), printable(name)),
        None => printable(&rule.trigger).into_owned(),
    }
}

/// What a picture writes beside an edge of this rule: `pull_request.merged "hotfix" → ready`.
pub(super) fn rule_on_edge(note: &RuleNote) -> String {
    let rule = short(&rule(note));
    match &note.does {
        Does::MoveTo(target) => format!("{rule} → {}", short(&printable(target))),
        Does::Fire(_) | Does::Skip(_) | Does::Effects(()) => rule,
    }
}

/// `fire next`, `move_to done`, `skip: …`.
pub(super) fn does(does: &Does) -> String {
    match does {
        Does::Fire(event) => format!("fire {}", printable(event)),
        Does::MoveTo(target) => format!("move_to {}", printable(target)),
        Does::Skip(reason) => format!("skip: {}", printable(reason)),
        Does::Effects(()) => "effects only".to_owned(),
    }
}

/// `jira.hcl:14`, or `built-in`.
pub(super) fn place(rule: &RuleNote) -> String {
    let file = printable(&rule.file);
    if rule.line == 0 { file.into_owned() } else { format!("{file}:{}", rule.line) }
}

/// `in_progress ─prev→ to_do`.
pub(super) fn edge(arrow: &Arrow) -> String {
    format!("{} {} {}", printable(&arrow.from), event(arrow), target(arrow))
}

/// `─prev→`.
pub(super) fn event(arrow: &Arrow) -> String {
    format!("─{}→", printable(&arrow.event))
}

/// The alias an edge leads to, or the sign of the end.
pub(super) fn target(arrow: &Arrow) -> String {
    arrow.to.as_deref().map_or_else(|| END.to_owned(), |to| printable(to).into_owned())
}

/// What there is to say of a state beside its names: `initial`, `unreachable`, the ticket in it.
pub(super) fn remarks(graph: &Graph, node: &Node) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(node.initial.then(|| "initial".to_owned()));
    remarks.extend((!node.reachable).then(|| "unreachable".to_owned()));
    remarks.extend(graph.ticket_in(&node.alias).map(|key| format!("◀ {}", printable(key))));
    remarks
}

/// The name that heads a picture: `SHOP`, with a word when it only observes.
pub(super) fn title(graph: &Graph) -> String {
    let observes = if graph.observes { " (observes)" } else { "" };
    format!("{}{observes}", printable(&graph.project))
}

/// A name short enough for a picture.
pub(super) fn short(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}
