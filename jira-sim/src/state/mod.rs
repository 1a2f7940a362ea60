//! Everything the simulated site knows, as plain data, with the questions that the answers are derived from.

mod bulk;
mod development;
mod diff;
mod edit;
mod event;
mod issue;
mod seed;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::account::Account;
use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::field::Field;
use crate::route::Host;
use crate::tokens::Tokens;
use crate::webhook::Webhooks;
use crate::workflow::{Category, Condition, Validator};

pub(crate) use bulk::{Bulk, Step};
pub use bulk::{BulkTask, TaskStatus};
pub use development::Development;
pub(crate) use development::{Entity, Taken, Told};
pub(crate) use diff::resolution_id;
pub(crate) use edit::{Edit, NewComment};
pub(crate) use issue::Text;
pub use issue::{Comment, History, HistoryItem, Issue, RemoteLink, Version};

/// A status. Ids are the site's; names may occur several times.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) category: Category,
    /// The team-managed project it belongs to; none for a status that the whole site shares.
    pub(crate) project: Option<String>,
    /// Its name in other languages, such as `fr`.
    pub(crate) translations: BTreeMap<String, String>,
}

/// A transition with its statuses resolved to ids, so that a renamed status keeps its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edge {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// Empty for a global transition.
    pub(crate) from: Vec<u64>,
    /// None for a looped transition.
    pub(crate) to: Option<u64>,
    pub(crate) screen: Option<Vec<Field>>,
    pub(crate) condition: Option<Condition>,
    pub(crate) validator: Option<Validator>,
}

impl Edge {
    /// Where it leads from a status.
    pub(crate) fn target(&self, from: u64) -> u64 {
        self.to.unwrap_or(from)
    }

    pub(crate) fn starts_at(&self, status: u64) -> bool {
        self.from.is_empty() || self.from.contains(&status)
    }
}

/// An issue type of a project, with its workflow.
#[derive(Debug, Clone)]
pub(crate) struct IssueType {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) subtask: bool,
    pub(crate) statuses: Vec<u64>,
    pub(crate) edges: Vec<Edge>,
}

impl IssueType {
    /// Whether both go by the same workflow.
    pub(crate) fn shares_workflow_with(&self, other: &Self) -> bool {
        self.statuses == other.statuses && self.edges == other.edges
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) team_managed: bool,
    pub(crate) issue_types: Vec<IssueType>,
}

/// Ways in which one site differs from another, chosen in the builder.
#[derive(Debug, Clone)]
pub(crate) struct Switches {
    /// Data Center: a wrong token is taken for nobody, and nobody may read.
    pub(crate) anonymous_reads: bool,
    /// Data Center: a transition id that does not exist is answered with 500.
    pub(crate) wrong_transition_is_500: bool,
    /// Data Center: its version.
    pub(crate) version: [u32; 3],
    /// Cloud: the bulk queue writes its times as text and not as milliseconds.
    pub(crate) bulk_times_as_text: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            anonymous_reads: false,
            wrong_transition_is_500: false,
            version: [9, 12, 0],
            bulk_times_as_text: false,
        }
    }
}

pub(crate) struct State {
    pub(crate) dialect: Dialect,
    /// Where the site is, with its context path and without a final slash.
    pub(crate) base_url: String,
    /// What Atlassian's cloud calls the site.
    pub(crate) cloud_id: String,
    pub(crate) clock: Clock,
    /// How far the site's own idea of the time is ahead of the clock.
    pub(crate) clock_skew: SignedDuration,
    pub(crate) tokens: Tokens,
    pub(crate) bulk: Bulk,
    pub(crate) webhooks: Webhooks,
    pub(crate) development: Told,
    pub(crate) switches: Switches,
    pub(crate) accounts: Vec<Account>,
    pub(crate) statuses: BTreeMap<u64, Status>,
    pub(crate) projects: Vec<Project>,
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// The issues as the search knows them, where it lags behind.
    pub(crate) index: Option<BTreeMap<u64, Issue>>,
    /// Counts how often the pages of searches were forgotten.
    pub(crate) page_generation: u64,
    /// Every key an issue has or had, in upper case. A moved issue keeps answering under its old one.
    pub(crate) keys: HashMap<String, u64>,
    pub(crate) versions: BTreeMap<u64, Version>,
    next_id: u64,
}

impl State {
    pub(crate) fn new(dialect: Dialect, clock: Clock) -> Self {
        Self {
            dialect,
            base_url: String::new(),
            cloud_id: "d4c3b2a1-0f0e-4d0c-8b0a-090807060504".into(),
            clock,
            clock_skew: SignedDuration::ZERO,
            tokens: Tokens::default(),
            bulk: Bulk::default(),
            webhooks: Webhooks::default(),
            development: Told::new(),
            switches: Switches::default(),
            accounts: Vec::new(),
            statuses: BTreeMap::new(),
            projects: Vec::new(),
            issues: BTreeMap::new(),
            index: None,
            page_generation: 0,
            keys: HashMap::new(),
            versions: BTreeMap::new(),
            next_id: 10_100,
        }
    }

    /// What decides which paths the site has.
    pub(crate) fn host(&self) -> Host<'_> {
        Host { dialect: self.dialect, major: self.switches.version[0], cloud_id: &self.cloud_id }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// An issue by its key, an old key of it, or its id.
    pub(crate) fn issue(&self, key_or_id: &str) -> Option<&Issue> {
        let by_id = || key_or_id.parse().ok().filter(|id| self.issues.contains_key(id));
        let id = self.keys.get(&key_or_id.to_uppercase()).copied().or_else(by_id)?;
        self.issues.get(&id)
    }

    pub(crate) fn issue_mut(&mut self, id: u64) -> Option<&mut Issue> {
        self.issues.get_mut(&id)
    }

    pub(crate) fn project(&self, key_or_id: &str) -> Option<&Project> {
        let id: Option<u64> = key_or_id.parse().ok();
        self.projects
            .iter()
            .find(|project| project.key.eq_ignore_ascii_case(key_or_id) || Some(project.id) == id)
    }

    pub(crate) fn issue_type(&self, issue: &Issue) -> Option<&IssueType> {
        let project = self.project(&issue.project)?;
        project.issue_types.iter().find(|one| one.name == issue.issue_type)
    }

    pub(crate) fn status_name(&self, id: u64) -> String {
        self.statuses.get(&id).map(|status| status.name.clone()).unwrap_or_default()
    }

    pub(crate) fn is_done(&self, status: u64) -> bool {
        self.statuses.get(&status).is_some_and(|status| status.category == Category::Done)
    }

    pub(crate) fn account(&self, who: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.is_called(who))
    }

    /// A status of the issue's own workflow, by name.
    pub(crate) fn status_of_workflow(&self, issue: &Issue, name: &str) -> Option<u64> {
        let statuses = &self.issue_type(issue)?.statuses;
        statuses.iter().copied().find(|id| self.status_name(*id).eq_ignore_ascii_case(name))
    }

    /// Moves an issue to another project under a new key. Its status must exist there.
    pub(crate) fn rename_key(&mut self, old: &str, new: &str) -> bool {
        let (project_key, _) = new.split_once('-').unwrap_or_default();
        let (Some(issue), Some(project)) = (self.issue(old), self.project(project_key)) else {
            return false;
        };
        let mut types = project.issue_types.iter();
        let lives_there =
            types.any(|one| one.name == issue.issue_type && one.statuses.contains(&issue.status));
        let (id, project) = (issue.id, project.key.clone());
        if !lives_there || self.keys.contains_key(&new.to_uppercase()) {
            return false;
        }
        self.keys.insert(new.to_uppercase(), id);
        let now = self.now();
        if let Some(issue) = self.issue_mut(id) {
            new.clone_into(&mut issue.key);
            issue.project = project;
            issue.updated = now;
        }
        true
    }

    /// A version of a project, by name.
    pub(crate) fn version_named(&self, project: u64, name: &str) -> Option<&Version> {
        self.versions.values().find(|version| version.project == project && version.name == name)
    }

    /// Whether `edge` is offered to `account` on this issue, as far as its condition goes.
    pub(crate) fn condition_holds(edge: &Edge, issue: &Issue, account: &Account) -> bool {
        match &edge.condition {
            None => true,
            Some(Condition::Never) => false,
            Some(Condition::Assignee) => issue.assignee.as_ref() == Some(&account.id),
            Some(Condition::Only(who)) => account.is_called(who),
        }
    }
}
