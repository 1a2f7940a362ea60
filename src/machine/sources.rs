//! Where a rule looks for ticket keys.

use super::model::On;
use crate::event::ticket::Source;

/// Every source with its name in `keys = […]`.
pub(super) const NAMES: [(&str, Source); 7] = [
    ("title", Source::Title),
    ("branch", Source::Branch),
    ("body", Source::Body),
    ("commits", Source::Commits),
    ("message", Source::Message),
    ("notes", Source::Notes),
    ("merged", Source::Merged),
];

/// The name of a source.
pub(super) fn name(source: Source) -> &'static str {
    NAMES.iter().find(|(_, other)| *other == source).map_or("", |(name, _)| name)
}

/// The sources that a trigger's events have at all. Empty: the event is about a ticket and not a text.
pub(super) fn of(on: On) -> &'static [Source] {
    match on.family() {
        "pull_request" => &[Source::Title, Source::Branch, Source::Body, Source::Commits],
        "push" => &[Source::Message, Source::Branch],
        "release" => &[Source::Notes],
        "branch" | "checks" => &[Source::Branch],
        "tag" | "deployment" => &[Source::Branch, Source::Merged],
        _ => &[],
    }
}

/// The sources that count when nobody says otherwise.
pub(super) fn defaults(on: On) -> &'static [Source] {
    match on.family() {
        "pull_request" => &[Source::Title, Source::Branch, Source::Body],
        "push" => &[Source::Message],
        _ => of(on),
    }
}

/// A rule's sources: its own, else those of the machine's that its trigger has, else the trigger's defaults.
pub(super) fn resolve(on: On, own: Option<&[Source]>, machines: Option<&[Source]>) -> Vec<Source> {
    if let Some(own) = own {
        return own.to_vec();
    }
    let shared: Vec<Source> =
        machines.unwrap_or_default().iter().copied().filter(|source| of(on).contains(source)).collect();
    if shared.is_empty() { defaults(on).to_vec() } else { shared }
}
