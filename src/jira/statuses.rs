//! PURE: the statuses of a project's issue type by their ids, and what they are called, as far as answers told.
//!
//! Rules call a status what the board calls it. Jira leads tickets to ids: a name can be changed, and two statuses can
//! bear it. So a name is resolved here to the ids that it stands for. Nothing is asked for that: each ticket that
//! is read tells of a status, and each transition that is offered of another, and the latest word counts.

use std::collections::BTreeMap;

use super::model::{Named, Transition};

/// The statuses that were heard of.
#[derive(Debug, Clone, Default)]
pub(super) struct Statuses {
    names: BTreeMap<String, String>,
}

impl Statuses {
    /// Those that these transitions lead to.
    pub(super) fn of<'a>(offered: impl IntoIterator<Item = &'a Transition>) -> Self {
        let mut statuses = Self::default();
        offered.into_iter().for_each(|transition| statuses.hear(&transition.to));
        statuses
    }

    /// What a status is called now.
    pub(super) fn hear(&mut self, status: &Named) {
        self.names.insert(status.id.clone(), status.name.clone());
    }

    /// The ids of those that are called so: letter for letter, or else in whatever case.
    pub(super) fn called(&self, name: &str) -> Vec<String> {
        let exact = self.ids(|known| known == name);
        if exact.is_empty() { self.ids(|known| fold(known) == fold(name)) } else { exact }
    }

    fn ids(&self, good: impl Fn(&str) -> bool) -> Vec<String> {
        self.names.iter().filter(|(_, name)| good(name)).map(|(id, _)| id.clone()).collect()
    }
}

/// A name without what is nobody's intention: its case, and spaces around it.
pub(super) fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(heard: &[(&str, &str)]) -> Statuses {
        let mut statuses = Statuses::default();
        for (id, name) in heard {
            statuses.hear(&Named { id: (*id).to_owned(), name: (*name).to_owned() });
        }
        statuses
    }

    #[test]
    fn a_name_stands_for_the_status_that_bears_it_now() {
        let renamed = statuses(&[("3", "In Progress"), ("4", "Done"), ("3", "Doing")]);
        assert_eq!(renamed.called("Doing"), ["3"]);
        assert!(renamed.called("In Progress").is_empty());
        let followed = statuses(&[("3", "In Progress"), ("3", "Doing"), ("9", "In Progress")]);
        assert_eq!(followed.called("In Progress"), ["9"], "another has the name by now");
    }

    #[test]
    fn an_exact_name_is_preferred_to_one_that_differs_in_case() {
        let both = statuses(&[("1", "DONE"), ("2", "Done"), ("3", "ÉTÉ")]);
        assert_eq!(both.called("Done"), ["2"]);
        assert_eq!(both.called("done "), ["1", "2"], "both differ");
        assert_eq!(both.called("été"), ["3"]);
    }

    #[test]
    fn a_name_may_stand_for_several() {
        assert_eq!(statuses(&[("1", "Done"), ("2", "Done")]).called("Done"), ["1", "2"]);
    }
}
