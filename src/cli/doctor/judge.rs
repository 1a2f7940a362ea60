//! One edge against what one ticket is offered: whether a move would find its way, as it looks for it.

use std::collections::BTreeSet;

use crate::app::board::Offer;
use crate::jira::{Lookup, RequiredField, Transition, choose, leading_to};
use crate::machine::Edge;

/// How an edge stands for one issue type. Equal ones are told once, for all types together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judgement {
    Good,
    /// Nothing leads there.
    Missing {
        ticket: String,
        offered: String,
    },
    /// Something leads there, and it is not what `via` names.
    WrongVia {
        via: String,
        leading: String,
    },
    /// It is there, and not for us.
    Hidden {
        ticket: String,
        name: String,
    },
    /// Its screen asks for a field that the edge does not fill in.
    Asks {
        id: String,
        name: String,
        value: String,
    },
    /// Several lead there, perhaps to several statuses of one name, and nothing says which.
    Ambiguous {
        leading: String,
        statuses: usize,
    },
    /// Several lead there, and one is the obvious one.
    Guessed {
        taken: String,
        leading: String,
    },
}

/// Judges an edge that leads to the status of this name.
pub(super) fn judge(edge: &Edge, to: &str, offer: &Offer) -> Vec<Judgement> {
    let via = edge.via.as_deref();
    let available: Vec<Transition> = offer.transitions.iter().filter(|one| one.available).cloned().collect();
    let leading = leading_to(&available, to);
    match choose(&available, to, via) {
        Lookup::Found { transition, .. } => found(edge, &transition, &leading),
        Lookup::Ambiguous { leading: several } => {
            let statuses = several.iter().map(|one| &one.to.id).collect::<BTreeSet<_>>().len();
            vec![Judgement::Ambiguous { leading: named(&leading), statuses }]
        }
        Lookup::Missing { .. } => vec![missing(via, to, offer, &available, &leading)],
    }
}

fn found(edge: &Edge, transition: &Transition, leading: &[&Transition]) -> Vec<Judgement> {
    let open = transition.required.iter().filter(|field| !field.has_default);
    let open = open.filter(|field| !edge.fields.contains_key(&field.id));
    let mut judgements: Vec<_> = open.map(asks).collect();
    if edge.via.is_none() && leading.len() > 1 {
        judgements.push(Judgement::Guessed { taken: transition.name.clone(), leading: named(leading) });
    }
    if judgements.is_empty() { vec![Judgement::Good] } else { judgements }
}

fn asks(field: &RequiredField) -> Judgement {
    let done = field.allowed.iter().find(|value| value.eq_ignore_ascii_case("done"));
    let value = done.or(field.allowed.first()).map_or("…", String::as_str);
    let name = if field.name.is_empty() { &field.id } else { &field.name };
    Judgement::Asks { id: field.id.clone(), name: name.clone(), value: value.to_owned() }
}

fn missing(
    via: Option<&str>,
    to: &str,
    offer: &Offer,
    available: &[Transition],
    leading: &[&Transition],
) -> Judgement {
    if let Lookup::Found { transition, .. } = choose(&offer.transitions, to, via) {
        return Judgement::Hidden { ticket: offer.ticket.clone(), name: transition.name };
    }
    if let (Some(via), [_, ..]) = (via, leading) {
        return Judgement::WrongVia { via: via.to_owned(), leading: named(leading) };
    }
    let offered: Vec<_> = available.iter().map(|one| format!("{} → {}", one.name, one.to.name)).collect();
    let offered = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
    Judgement::Missing { ticket: offer.ticket.clone(), offered }
}

/// `"Close" (41), "Ship" (51)`
fn named(transitions: &[&Transition]) -> String {
    let named: Vec<_> = transitions.iter().map(|one| format!("\"{}\" ({})", one.name, one.id)).collect();
    named.join(", ")
}
