//! Bulk transitions: tasks that move many issues, one after the other, while nobody waits for them.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::{Edit, State};

/// Jira runs so many tasks at once, whoever asked for them.
const AT_ONCE: usize = 5;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Not begun.
    Enqueued,
    /// At work.
    Running,
    /// At its end; single issues may have failed.
    Complete,
    /// Given up; some issues may have been moved.
    Failed,
    /// About to be stopped.
    CancelRequested,
    /// Stopped by somebody.
    Cancelled,
    /// Lost.
    Dead,
}

impl TaskStatus {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enqueued => "ENQUEUED",
            Self::Running => "RUNNING",
            Self::Complete => "COMPLETE",
            Self::Failed => "FAILED",
            Self::CancelRequested => "CANCEL_REQUESTED",
            Self::Cancelled => "CANCELLED",
            Self::Dead => "DEAD",
        }
    }

    fn is_active(self) -> bool {
        matches!(self, Self::Enqueued | Self::Running | Self::CancelRequested)
    }
}

/// A task and what came of it so far.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BulkTask {
    /// The numeric id.
    pub id: u64,
    /// The account id of who asked for it.
    pub submitted_by: String,
    /// How far it is.
    pub status: TaskStatus,
    /// Ids of the issues that it moved.
    pub processed: Vec<u64>,
    /// Ids of the issues that it could not move, with the reasons.
    pub failed: BTreeMap<u64, Vec<String>>,
    /// How many issues were named that are not there.
    pub inaccessible: usize,
    /// How many issues were named.
    pub total: usize,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When something last came of it.
    pub updated: Timestamp,
    waiting: VecDeque<Step>,
}

/// One issue, and the transition it is to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) issue: u64,
    pub(crate) transition: u64,
}

impl BulkTask {
    /// How much of it is done, in percent.
    pub fn progress(&self) -> usize {
        (self.total - self.waiting.len()) * 100 / self.total.max(1)
    }
}

/// The site's tasks.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    pub(crate) tasks: BTreeMap<u64, BulkTask>,
    /// New tasks wait until they are stepped.
    pub(crate) held: bool,
    /// Issues that no task can move, with the reason.
    pub(crate) refused: BTreeMap<u64, String>,
}

impl State {
    /// Whether another task may be started.
    pub(crate) fn bulk_is_free(&self) -> bool {
        self.bulk.tasks.values().filter(|task| task.status.is_active()).count() < AT_ONCE
    }

    /// A new task. Unless tasks are held, it runs to its end before anybody can ask for it.
    pub(crate) fn submit_bulk(&mut self, author: &str, steps: Vec<Step>, inaccessible: usize) -> u64 {
        let (id, now) = (self.fresh_id(), self.now());
        let task = BulkTask {
            id,
            submitted_by: author.into(),
            status: TaskStatus::Enqueued,
            processed: Vec::new(),
            failed: BTreeMap::new(),
            inaccessible,
            total: steps.len() + inaccessible,
            created: now,
            started: None,
            updated: now,
            waiting: steps.into(),
        };
        self.bulk.tasks.insert(id, task);
        if !self.bulk.held {
            self.step_bulk(usize::MAX);
        }
        id
    }

    /// Moves so many issues, the oldest task's first, and says how many were taken on. A task that is reached begins;
    /// one that has nothing left is complete.
    pub(crate) fn step_bulk(&mut self, most: usize) -> usize {
        let active: Vec<u64> =
            self.bulk.tasks.values().filter(|task| task.status.is_active()).map(|task| task.id).collect();
        let mut taken = 0;
        for id in active {
            taken += self.step_task(id, most - taken);
            if taken == most {
                break;
            }
        }
        taken
    }

    fn step_task(&mut self, id: u64, most: usize) -> usize {
        let now = self.now();
        let Some(task) = self.bulk.tasks.get_mut(&id) else {
            return 0;
        };
        task.status = TaskStatus::Running;
        task.started.get_or_insert(now);
        task.updated = now;
        let steps: Vec<Step> = task.waiting.drain(..most.min(task.waiting.len())).collect();
        let author = task.submitted_by.clone();
        for step in &steps {
            let moved = self.step_issue(*step, &author);
            if let Some(task) = self.bulk.tasks.get_mut(&id) {
                match moved {
                    Ok(()) => task.processed.push(step.issue),
                    Err(reason) => drop(task.failed.insert(step.issue, vec![reason])),
                }
            }
        }
        if let Some(task) = self.bulk.tasks.get_mut(&id)
            && task.waiting.is_empty()
        {
            task.status = TaskStatus::Complete;
        }
        steps.len()
    }

    /// Makes one transition, or says why not.
    fn step_issue(&mut self, step: Step, author: &str) -> Result<(), String> {
        if let Some(reason) = self.bulk.refused.get(&step.issue) {
            return Err(reason.clone());
        }
        let gone = "Issue does not exist or you do not have permission to see it.";
        let issue = self.issues.get(&step.issue).ok_or(gone)?;
        let edges = self.issue_type(issue).map(|one| one.edges.iter()).into_iter().flatten();
        let account = self.account(author).ok_or(gone)?;
        let edge = edges
            .into_iter()
            .find(|edge| edge.id == step.transition && edge.starts_at(issue.status))
            .filter(|edge| Self::condition_holds(edge, issue, account))
            .ok_or_else(|| format!("Transition id '{}' is not valid for this issue.", step.transition))?;
        if issue.in_transition {
            return Err("Another transition is in progress on this issue. Try again later.".into());
        }
        let mut fields = edge.screen.iter().flatten();
        if let Some(field) = fields.find(|field| field.required && !issue.has(&field.key)) {
            return Err(format!("{} is required.", field.name));
        }
        if let Some(validator) = edge.validator.as_ref().filter(|one| !issue.has(&one.field)) {
            return Err(validator.message.clone());
        }
        let to = edge.target(issue.status);
        self.apply(step.issue, author, vec![Edit::Status(to)]);
        Ok(())
    }
}
