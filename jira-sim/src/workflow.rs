//! Workflows: statuses, and the transitions that lead from one to another.

use crate::field::Field;

/// Jira's three kinds of status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Not begun.
    New,
    /// Being worked on.
    Indeterminate,
    /// Settled.
    Done,
}

impl Category {
    /// The key on the wire: `new`, `indeterminate` or `done`.
    pub fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Indeterminate => "indeterminate",
            Self::Done => "done",
        }
    }

    pub(crate) fn id(self) -> u64 {
        match self {
            Self::New => 2,
            Self::Done => 3,
            Self::Indeterminate => 4,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "To Do",
            Self::Indeterminate => "In Progress",
            Self::Done => "Done",
        }
    }

    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::New => "blue-gray",
            Self::Indeterminate => "yellow",
            Self::Done => "green",
        }
    }
}

/// When a transition is offered at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Hidden from everybody.
    Never,
    /// Only for the assignee.
    Assignee,
    /// Only for one account, by any of its names.
    Only(String),
}

/// A check that runs when the transition is made, and that no metadata shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator {
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Validator {
    /// Refuses the transition with `message` while the issue's `field` is empty.
    pub fn field_set(field: &str, message: &str) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// An edge of a workflow. Without a `from` it is global: offered from every status.
#[derive(Debug, Clone)]
pub struct Transition {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) from: Vec<String>,
    /// None for a looped transition, which ends where it began.
    pub(crate) to: Option<String>,
    pub(crate) screen: Option<Vec<Field>>,
    pub(crate) condition: Option<Condition>,
    pub(crate) validator: Option<Validator>,
}

impl Transition {
    /// A global transition to the status `to`.
    pub fn new(id: u64, name: &str, to: &str) -> Self {
        Self {
            id,
            name: name.into(),
            from: Vec::new(),
            to: Some(to.into()),
            screen: None,
            condition: None,
            validator: None,
        }
    }

    /// A transition that leads from every status back to itself, such as one that only asks for a field.
    pub fn looped(id: u64, name: &str) -> Self {
        Self { to: None, ..Self::new(id, name, "") }
    }

    /// Offered from this status only; may be said several times.
    #[must_use]
    pub fn from(mut self, status: &str) -> Self {
        self.from.push(status.into());
        self
    }

    /// Shows a screen with these fields. A transition without a screen takes no fields, and drops a comment.
    #[must_use]
    pub fn screen<const N: usize>(mut self, fields: [Field; N]) -> Self {
        self.screen = Some(fields.into());
        self
    }

    /// Hides it from everybody to whom the condition does not apply.
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Checks something when it is made.
    #[must_use]
    pub fn validator(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }
}

/// A workflow. Its first status is where issues begin.
#[derive(Debug, Clone)]
pub struct Workflow {
    pub(crate) statuses: Vec<(String, Category)>,
    pub(crate) transitions: Vec<Transition>,
}

impl Workflow {
    /// An empty workflow to be filled by [`Workflow::status`] and [`Workflow::transition`].
    pub fn new() -> Self {
        Self { statuses: Vec::new(), transitions: Vec::new() }
    }

    /// The simplified workflow: global transitions 11, 21, 31… named after their status, from every status, the
    /// current one included. The first status is new, the last is done.
    pub fn simplified(statuses: &[&str]) -> Self {
        let last = statuses.len().saturating_sub(1);
        statuses.iter().zip(0_usize..).fold(Self::new(), |workflow, (status, index)| {
            let category = match index {
                0 => Category::New,
                _ if index == last => Category::Done,
                _ => Category::Indeterminate,
            };
            let id = 11 + 10 * index as u64;
            workflow.status(status, category).transition(Transition::new(id, status, status))
        })
    }

    /// Jira's classic workflow: five statuses, an edge for each permitted step, and a screen with a required
    /// resolution before anything is settled.
    pub fn classic() -> Self {
        let settled = [Field::resolution().required(), Field::fix_versions(), Field::assignee()];
        let open = ["Open", "In Progress", "Reopened"];
        let from = |transition: Transition, statuses: &[&str]| {
            statuses.iter().fold(transition, |transition, status| transition.from(status))
        };
        Self::new()
            .status("Open", Category::New)
            .status("In Progress", Category::Indeterminate)
            .status("Reopened", Category::New)
            .status("Resolved", Category::Done)
            .status("Closed", Category::Done)
            .transition(from(Transition::new(4, "Start Progress", "In Progress"), &["Open", "Reopened"]))
            .transition(Transition::new(301, "Stop Progress", "Open").from("In Progress"))
            .transition(from(Transition::new(5, "Resolve Issue", "Resolved"), &open).screen(settled.clone()))
            .transition(from(Transition::new(2, "Close Issue", "Closed"), &open).screen(settled))
            .transition(Transition::new(701, "Close Issue", "Closed").from("Resolved").screen([]))
            .transition(
                from(Transition::new(3, "Reopen Issue", "Reopened"), &["Resolved", "Closed"]).screen([]),
            )
    }

    /// Adds a status.
    #[must_use]
    pub fn status(mut self, name: &str, category: Category) -> Self {
        self.statuses.push((name.into(), category));
        self
    }

    /// Adds a transition.
    #[must_use]
    pub fn transition(mut self, transition: Transition) -> Self {
        self.transitions.push(transition);
        self
    }
}

impl Default for Workflow {
    fn default() -> Self {
        Self::simplified(&["To Do", "In Progress", "Done"])
    }
}
