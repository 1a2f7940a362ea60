//! Projects and issues to be.

use crate::workflow::Workflow;

/// A project to be: its key, its issue types and their workflows.
#[derive(Debug, Clone)]
pub struct Project {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) team_managed: bool,
    pub(crate) versions: Vec<String>,
    workflow: Workflow,
    own: Vec<(String, Workflow)>,
}

impl Project {
    /// A project with the types Story, Task and Bug, and the workflow To Do, In Progress, Done.
    pub fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            name: key.into(),
            team_managed: false,
            versions: Vec::new(),
            workflow: Workflow::default(),
            own: Vec::new(),
        }
    }

    /// The name that people read.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The workflow of Story, Task and Bug.
    #[must_use]
    pub fn workflow(mut self, workflow: Workflow) -> Self {
        self.workflow = workflow;
        self
    }

    /// An issue type with a workflow of its own; `Sub-task` is a sub-task type.
    #[must_use]
    pub fn issue_type(mut self, name: &str, workflow: Workflow) -> Self {
        self.own.push((name.into(), workflow));
        self
    }

    /// A version, unreleased.
    #[must_use]
    pub fn version(mut self, name: &str) -> Self {
        self.versions.push(name.into());
        self
    }

    /// A team-managed project: its statuses are its own, with ids of their own, even under common names.
    #[must_use]
    pub fn team_managed(mut self) -> Self {
        self.team_managed = true;
        self
    }

    /// The common types with the common workflow, where a type has none of its own.
    pub(crate) fn all_issue_types(&self) -> Vec<(String, Workflow)> {
        let common =
            ["Story", "Task", "Bug"].into_iter().filter(|name| self.own.iter().all(|(own, _)| own != name));
        let common = common.map(|name| (name.to_owned(), self.workflow.clone()));
        common.chain(self.own.iter().cloned()).collect()
    }
}

/// An issue to be.
#[derive(Debug, Clone)]
pub struct NewIssue {
    pub(crate) key: String,
    pub(crate) issue_type: Option<String>,
    pub(crate) summary: String,
    pub(crate) status: Option<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) assignee: Option<String>,
}

impl NewIssue {
    /// An issue of its project's first type, in the first status of its workflow.
    pub fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            issue_type: None,
            summary: format!("Summary of {key}"),
            status: None,
            labels: Vec::new(),
            assignee: None,
        }
    }

    /// Its type, such as `Bug`.
    #[must_use]
    pub fn issue_type(mut self, name: &str) -> Self {
        self.issue_type = Some(name.into());
        self
    }

    /// Its summary.
    #[must_use]
    pub fn summary(mut self, summary: &str) -> Self {
        self.summary = summary.into();
        self
    }

    /// The status it stands in.
    #[must_use]
    pub fn status(mut self, name: &str) -> Self {
        self.status = Some(name.into());
        self
    }

    /// Its labels.
    #[must_use]
    pub fn labels(mut self, labels: &[&str]) -> Self {
        self.labels = labels.iter().map(|&label| label.to_owned()).collect();
        self
    }

    /// Who works on it, by any name of an account.
    #[must_use]
    pub fn assignee(mut self, who: &str) -> Self {
        self.assignee = Some(who.into());
        self
    }
}
