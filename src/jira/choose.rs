//! PURE: which of the transitions that are offered leads where a ticket is to go. They are told apart by the id of the
//! status that they lead to; the name of a transition says nothing about that.

use super::model::Transition;
use super::statuses::{Statuses, fold};

/// The status that a ticket is to go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// What the rules call it.
    pub name: &'a str,
    /// Its id, when that is known from before: then it is the one that is meant, whatever it is called by now.
    pub id: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The status that is called so now.
    pub fn called(name: &'a str) -> Self {
        Self { name, id: None }
    }

    /// The ids that may be meant.
    pub(super) fn ids(self, statuses: &Statuses) -> Vec<String> {
        self.id.map_or_else(|| statuses.called(self.name), |id| vec![id.to_owned()])
    }
}

/// The answer to "how does this ticket get there?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// By this transition.
    Found {
        /// The transition.
        transition: Transition,
        /// It was remembered, so Jira may refuse it: then [`TransitionCache::forget`](super::TransitionCache::forget)
        /// and look again.
        cached: bool,
    },
    /// By none of those that Jira offers now.
    Missing {
        /// What it offers, as `name → status`. Empty: the account probably may not transition issues.
        offered: Vec<String>,
    },
    /// By several, and nothing says which.
    Ambiguous {
        /// These; they may lead to several statuses of one name.
        leading: Vec<Transition>,
    },
}

/// Chooses among what is offered, as a move would that knows of no other status.
pub fn choose(offered: &[Transition], to_status: &str, via: Option<&str>) -> Lookup {
    let ids = Target::called(to_status).ids(&Statuses::of(offered));
    pick(offered, &ids, to_status, via, false)
}

/// Those that lead to the status of this name.
pub fn leading_to<'a>(offered: &'a [Transition], status: &str) -> Vec<&'a Transition> {
    leading(offered, &Statuses::of(offered).called(status))
}

/// Chooses among those that lead to one of these statuses. `via` (a transition's exact name or id) picks among several.
pub(super) fn pick(
    offered: &[Transition],
    ids: &[String],
    name: &str,
    via: Option<&str>,
    cached: bool,
) -> Lookup {
    let mut leading = leading(offered, ids);
    if let Some(via) = via {
        leading.retain(|transition| transition.name == via || transition.id == via);
    }
    match leading.as_slice() {
        [] => Lookup::Missing { offered: offered.iter().map(described).collect() },
        several => match obvious(several, name) {
            Some(transition) => Lookup::Found { transition: transition.clone(), cached },
            None => Lookup::Ambiguous { leading: leading.into_iter().cloned().collect() },
        },
    }
}

fn leading<'a>(offered: &'a [Transition], ids: &[String]) -> Vec<&'a Transition> {
    offered.iter().filter(|transition| ids.contains(&transition.to.id)).collect()
}

/// The only one; else the one named as the status is; else the only one that needs no field. None is obvious where
/// they lead to two statuses of that name: nobody but a person knows which of them is meant.
fn obvious<'a>(several: &[&'a Transition], status: &str) -> Option<&'a Transition> {
    let first = several.first()?;
    if several.iter().any(|transition| transition.to.id != first.to.id) {
        return None;
    }
    only(several, |_| true)
        .or_else(|| only(several, |transition| fold(&transition.name) == fold(status)))
        .or_else(|| only(several, Transition::needs_nothing))
}

fn only<'a>(several: &[&'a Transition], good: impl Fn(&Transition) -> bool) -> Option<&'a Transition> {
    let mut found = several.iter().copied().filter(|transition| good(transition));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn described(transition: &Transition) -> String {
    format!("{} → {}", transition.name, transition.to.name)
}

#[cfg(test)]
mod tests {
    use super::super::model::{Named, RequiredField};
    use super::*;

    fn transition(id: &str, name: &str, to: &str) -> Transition {
        Transition {
            id: id.to_owned(),
            name: name.to_owned(),
            to: Named { id: format!("s{to}"), name: to.to_owned() },
            required: Vec::new(),
            screen_fields: std::collections::BTreeMap::new(),
            has_screen: false,
            available: true,
        }
    }

    fn asking(mut transition: Transition, field: &str, has_default: bool) -> Transition {
        transition.required = vec![RequiredField {
            id: field.to_owned(),
            name: field.to_owned(),
            has_default,
            allowed: Vec::new(),
        }];
        transition
    }

    fn found(offered: &[Transition], status: &str, via: Option<&str>) -> Option<String> {
        match choose(offered, status, via) {
            Lookup::Found { transition, .. } => Some(transition.id),
            _ => None,
        }
    }

    #[test]
    fn the_status_it_leads_to_counts_and_not_its_name() {
        let offered = [transition("11", "Done", "In Review"), transition("21", "Ship it", "Done")];
        assert_eq!(found(&offered, "Done", None).as_deref(), Some("21"));
        assert_eq!(found(&offered, "in review", None).as_deref(), Some("11"));
        assert_eq!(
            choose(&offered, "Closed", None),
            Lookup::Missing { offered: vec!["Done → In Review".to_owned(), "Ship it → Done".to_owned()] }
        );
        assert_eq!(choose(&[], "Closed", None), Lookup::Missing { offered: Vec::new() });
    }

    #[test]
    fn a_status_that_is_known_by_its_id_is_found_under_any_name_and_no_other_for_it() {
        let mut other = transition("41", "Close", "Done");
        other.to.id = "another".to_owned();
        let offered = [transition("21", "Ship it", "Done"), other];
        let by_id = |id| Target { name: "Closed", id: Some(id) }.ids(&Statuses::of(&offered));
        let picked = |id| pick(&offered, &by_id(id), "Closed", None, false);
        assert!(
            matches!(picked("another"), Lookup::Found { transition, .. } if transition.id == "41"),
            "also where another bears the same name"
        );
        assert!(matches!(picked("gone"), Lookup::Missing { .. }));
    }

    #[test]
    fn via_picks_among_several_by_name_or_id_and_never_by_guess() {
        let offered = [
            transition("31", "Ship", "Done"),
            transition("41", "Reject", "Done"),
            transition("51", "Park", "Open"),
        ];
        assert_eq!(found(&offered, "Done", Some("Reject")).as_deref(), Some("41"));
        assert_eq!(found(&offered, "Done", Some("31")).as_deref(), Some("31"));
        assert_eq!(found(&offered, "Done", Some("reject")), None);
        assert_eq!(found(&offered, "Done", Some("Park")), None, "it leads elsewhere");
    }

    #[test]
    fn two_statuses_of_one_name_are_not_told_apart_by_guess() {
        let done = transition("31", "Done", "Done");
        let mut other = transition("41", "Close", "Done");
        other.to.id = "another".to_owned();
        let offered = [done, other];
        let Lookup::Ambiguous { leading } = choose(&offered, "Done", None) else { panic!("it was guessed") };
        assert_eq!(leading, offered);
        assert_eq!(found(&offered, "Done", Some("Close")).as_deref(), Some("41"));
    }

    #[test]
    fn of_several_the_one_named_as_the_status_then_the_only_one_that_needs_no_field() {
        let (ship, done) = (transition("31", "Ship", "Done"), transition("41", "done", "Done"));
        assert_eq!(found(&[ship.clone(), done], "Done", None).as_deref(), Some("41"));
        let reject = asking(transition("51", "Reject", "Done"), "resolution", false);
        assert_eq!(found(&[ship.clone(), reject.clone()], "Done", None).as_deref(), Some("31"));
        let close = asking(transition("61", "Close", "Done"), "resolution", true);
        assert_eq!(found(&[reject, close.clone()], "Done", None).as_deref(), Some("61"), "Jira fills it in");
        let leading = vec![ship, close];
        assert_eq!(choose(&leading, "Done", None), Lookup::Ambiguous { leading: leading.clone() });
    }
}
