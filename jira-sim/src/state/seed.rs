//! From the builder's descriptions to the state: names become ids, and what does not fit together is refused.

use std::collections::BTreeMap;

use super::{Edge, Issue, IssueType, Project, State, Status, Version};
use crate::builder::{NewIssue, Project as NewProject, SetupError};
use crate::workflow::{Category, Transition, Workflow};

impl State {
    pub(crate) fn add_project(&mut self, new: &NewProject) -> Result<(), SetupError> {
        let id = self.fresh_id();
        let mut issue_types = Vec::new();
        for (name, workflow) in new.all_issue_types() {
            issue_types.push(self.issue_type_of(new, &name, &workflow)?);
        }
        self.projects.push(Project {
            id,
            key: new.key.clone(),
            name: new.name.clone(),
            team_managed: new.team_managed,
            issue_types,
        });
        for name in &new.versions {
            self.add_version(id, name);
        }
        Ok(())
    }

    fn issue_type_of(
        &mut self,
        project: &NewProject,
        name: &str,
        flow: &Workflow,
    ) -> Result<IssueType, SetupError> {
        let scope = project.team_managed.then(|| project.key.clone());
        let statuses: Vec<u64> = flow
            .statuses
            .iter()
            .map(|(status, category)| self.status_id(scope.as_ref(), status, *category))
            .collect();
        let find = |wanted: &str| {
            let place = flow.statuses.iter().position(|(status, _)| status == wanted);
            place.map(|place| statuses[place]).ok_or_else(|| SetupError::UnknownStatus {
                project: project.key.clone(),
                status: wanted.into(),
            })
        };
        let edges = flow.transitions.iter().map(|one| edge(one, &find)).collect::<Result<_, _>>()?;
        let subtask = name.eq_ignore_ascii_case("sub-task");
        Ok(IssueType { id: self.fresh_id(), name: name.into(), subtask, statuses, edges })
    }

    fn status_id(&mut self, project: Option<&String>, name: &str, category: Category) -> u64 {
        let known = self.statuses.values().find(|one| one.name == name && one.project.as_ref() == project);
        if let Some(status) = known {
            return status.id;
        }
        let id = 10_000 + self.statuses.len() as u64;
        let status = Status {
            id,
            name: name.into(),
            category,
            project: project.cloned(),
            translations: BTreeMap::new(),
        };
        self.statuses.insert(id, status);
        id
    }

    pub(crate) fn add_version(&mut self, project: u64, name: &str) -> u64 {
        let id = self.fresh_id();
        let version = Version {
            id,
            project,
            name: name.into(),
            description: None,
            released: false,
            archived: false,
            start_date: None,
            release_date: None,
        };
        self.versions.insert(id, version);
        id
    }

    pub(crate) fn add_issue(&mut self, new: &NewIssue) -> Result<u64, SetupError> {
        if self.keys.contains_key(&new.key.to_uppercase()) {
            return Err(problem(new, "it is there twice".into()));
        }
        let (project, issue_type, status) = self.place_of(new)?;
        let assignee = match &new.assignee {
            None => None,
            Some(who) => Some(self.account(who).ok_or_else(|| unknown(new, "account", who))?.id.clone()),
        };
        let (id, now) = (self.fresh_id(), self.now());
        let issue = Issue {
            id,
            key: new.key.clone(),
            project,
            issue_type,
            status,
            summary: new.summary.clone(),
            labels: new.labels.clone(),
            assignee,
            resolution: self.is_done(status).then(|| "Done".to_owned()),
            fix_versions: Vec::new(),
            custom: BTreeMap::new(),
            comments: Vec::new(),
            remote_links: Vec::new(),
            history: Vec::new(),
            properties: BTreeMap::new(),
            created: now,
            updated: now,
            in_transition: false,
        };
        self.keys.insert(new.key.to_uppercase(), id);
        self.issues.insert(id, issue);
        Ok(id)
    }

    /// The project, the issue type and the status of an issue to be.
    fn place_of(&self, new: &NewIssue) -> Result<(String, String, u64), SetupError> {
        let key = new.key.split_once('-').map_or("", |(project, _)| project);
        let project = self.project(key).ok_or_else(|| unknown(new, "project", key))?;
        let wanted = new.issue_type.as_deref();
        let mut types = project.issue_types.iter();
        let issue_type = types.find(|one| wanted.is_none_or(|name| one.name == name));
        let issue_type = issue_type.ok_or_else(|| unknown(new, "issue type", wanted.unwrap_or_default()))?;
        let wanted = new.status.as_deref();
        let mut statuses = issue_type.statuses.iter().copied();
        let status = statuses.find(|id| wanted.is_none_or(|name| self.status_name(*id) == name));
        let status = status.ok_or_else(|| unknown(new, "status", wanted.unwrap_or_default()))?;
        Ok((project.key.clone(), issue_type.name.clone(), status))
    }
}

fn unknown(new: &NewIssue, what: &str, value: &str) -> SetupError {
    problem(new, format!("there is no {what} {value:?}"))
}

fn problem(new: &NewIssue, problem: String) -> SetupError {
    SetupError::Issue { key: new.key.clone(), problem }
}

fn edge<F>(transition: &Transition, status: &F) -> Result<Edge, SetupError>
where
    F: Fn(&str) -> Result<u64, SetupError>,
{
    Ok(Edge {
        id: transition.id,
        name: transition.name.clone(),
        from: transition.from.iter().map(|name| status(name)).collect::<Result<_, _>>()?,
        to: transition.to.as_deref().map(status).transpose()?,
        screen: transition.screen.clone(),
        condition: transition.condition.clone(),
        validator: transition.validator.clone(),
    })
}
