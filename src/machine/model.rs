//! Rules as a decision reads them: checked, resolved, in the order in which they are tried.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::diagnostic::nearest;
use super::expr::Expr;
use super::filter::Filter;
use crate::event::ticket::Source;
use crate::event::{Event, Trigger};
use crate::trace::{RuleGoal, RuleRef};

/// How many tickets an event may move when a machine says nothing about it.
const MAX_TICKETS: u32 = 50;
/// As much for a release, whose notes name what it ships.
const MAX_TICKETS_OF_A_RELEASE: u32 = 1000;

/// All machines of a set of rule files.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(super) machines: BTreeMap<String, Machine>,
    pub(super) hash: String,
}

impl RuleSet {
    /// The machine of a project, whose key is in capitals.
    pub fn machine(&self, project: &str) -> Option<&Machine> {
        self.machines.get(project)
    }

    /// All machines, in the order of their projects' keys.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    /// A name for exactly these files: the start of a hash over their names and contents.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The provisioned project whose key is most like this one.
    pub fn nearest_project(&self, found: &str) -> Option<&str> {
        nearest(found, self.projects()).map(|guess| guess.name)
    }

    /// The keys of the provisioned projects, in capitals.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.machines.keys().map(String::as_str)
    }
}

/// One project's machine with its rules.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The project's key, in capitals.
    pub project: String,
    /// The machine's name, as written.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its `provisioner`.
    pub line: u32,
    /// Where its provisioner's name stands in the file.
    pub span: Range<usize>,
    /// The alias of the state in which tickets begin.
    pub initial: String,
    /// Aliases with the statuses they stand for, as declared.
    pub aliases: Vec<Alias>,
    /// States with their edges, as declared.
    pub states: Vec<State>,
    /// Whether it may touch Jira.
    pub mode: Mode,
    pub(super) max_tickets: Option<u32>,
    pub(super) rules: Vec<Rule>,
}

/// Whether a machine may touch Jira.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Decide and act.
    #[default]
    Act,
    /// Decide and record.
    Observe,
}

/// A short name for a status of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// `in_progress`.
    pub name: String,
    /// `In Progress`.
    pub status: String,
    /// Where the status stands in the machine's file.
    pub span: Range<usize>,
}

/// A state and the events it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Its alias.
    pub alias: String,
    /// What leads away from it.
    pub edges: Vec<Edge>,
}

/// Where an event leads from a state, and what Jira needs for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The event's name.
    pub event: String,
    /// The state it leads to.
    pub target: Target,
    /// The Jira transition to take when several lead there.
    pub via: Option<String>,
    /// Fields that Jira's screen asks for.
    pub fields: BTreeMap<String, Value>,
    /// The line of the edge, in the machine's file.
    pub line: u32,
    /// Where its target stands there.
    pub span: Range<usize>,
}

/// The far end of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The state of this alias.
    State(String),
    /// `<end>`: nothing more to do.
    End,
}

impl Machine {
    /// The alias for a status as the board shows it: the same name, or else the same but for ASCII case.
    pub fn alias_of(&self, status: &str) -> Option<&str> {
        let exact = self.aliases.iter().find(|alias| alias.status == status);
        let alike = || self.aliases.iter().find(|alias| alias.status.eq_ignore_ascii_case(status));
        exact.or_else(alike).map(|alias| alias.name.as_str())
    }

    /// The status that an alias stands for.
    pub fn status_of(&self, alias: &str) -> Option<&str> {
        self.aliases.iter().find(|a| a.name == alias).map(|a| a.status.as_str())
    }

    /// What leads away from a state.
    pub fn edges(&self, alias: &str) -> &[Edge] {
        self.states.iter().find(|state| state.alias == alias).map_or(&[], |state| &state.edges)
    }

    /// How many tickets one such event may move before somebody looks at it.
    pub fn max_tickets(&self, event: &Event) -> u32 {
        let release = event.triggers.contains(&Trigger::ReleasePublished);
        let default = if release { MAX_TICKETS_OF_A_RELEASE } else { MAX_TICKETS };
        self.max_tickets.unwrap_or(default)
    }

    /// What a rule of this machine wants to know of an event that the event does not say yet.
    pub fn lacks(&self, event: &Event) -> Lacks {
        let Some(pull_request) = event.pull_request() else { return Lacks::default() };
        let rules = || self.rules.iter().filter(|rule| rule.on.matches(event));
        let looks_at_paths = |rule: &Rule| rule.filters.iter().any(|f| matches!(f, Filter::Paths(_)));
        let looks_at_commits = |rule: &Rule| rule.sources.contains(&Source::Commits);
        Lacks {
            paths: pull_request.paths.is_none() && rules().any(looks_at_paths),
            commits: pull_request.commits.is_none() && rules().any(looks_at_commits),
        }
    }

    /// What each of its rules may do to a ticket, in the order in which they are tried.
    pub fn deeds(&self) -> impl Iterator<Item = Deed<'_>> {
        self.rules.iter().map(Rule::deed)
    }

    /// How many rules it has, those of the sets it uses among them.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}

/// What is to be read from the forge before a machine can decide on a pull request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lacks {
    /// The files it changes.
    pub paths: bool,
    /// The messages of its commits.
    pub commits: bool,
}

/// What a rule's `on "…"` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// One trigger.
    One(Trigger),
    /// `pull_request.*`: any of a family.
    Any(&'static str),
}

impl On {
    pub(super) fn matches(self, event: &Event) -> bool {
        event.triggers.iter().any(|trigger| self.covers(*trigger))
    }

    pub(super) fn covers(self, trigger: Trigger) -> bool {
        match self {
            Self::One(wanted) => wanted == trigger,
            Self::Any(family) => family == trigger.family(),
        }
    }

    pub(super) fn family(self) -> &'static str {
        match self {
            Self::One(trigger) => trigger.family(),
            Self::Any(family) => family,
        }
    }
}

/// A rule: what it asks of an event and a ticket, and what it does.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub place: RuleRef,
    pub on: On,
    /// Where the ticket's key must stand; empty: anywhere.
    pub sources: Vec<Source>,
    /// All must hold; those that look at the ticket come last.
    pub filters: Vec<Filter>,
    pub goal: Goal,
    pub effects: EffectTemplates,
}

/// What a rule may do to a ticket, as far as it can be told without an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "plain facts, each independent of the others")]
pub struct Deed<'m> {
    /// The rule.
    pub place: &'m RuleRef,
    /// It moves the ticket.
    pub moves: bool,
    /// It writes a comment.
    pub comments: bool,
    /// It links the ticket to the outside.
    pub links: bool,
    /// It sets a fix version.
    pub fixes: bool,
    /// It may make or release that version.
    pub makes_versions: bool,
    /// The fields that it fills in.
    pub fields: Vec<&'m str>,
}

impl Rule {
    fn deed(&self) -> Deed<'_> {
        let EffectTemplates { comment, link, fix_version, fields } = &self.effects;
        let makes = |version: &VersionTemplate| version.create.is_some() || version.released.is_some();
        Deed {
            place: &self.place,
            moves: matches!(self.goal, Goal::Fire(_) | Goal::MoveTo { .. }),
            comments: comment.is_some(),
            links: link.is_some(),
            fixes: fix_version.is_some(),
            makes_versions: fix_version.as_ref().is_some_and(makes),
            fields: fields.iter().map(|(id, _)| id.as_str()).collect(),
        }
    }
}

/// Where a matching rule takes the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goal {
    Fire(String),
    MoveTo {
        target: String,
        along: Vec<String>,
    },
    Skip(String),
    /// Effects alone.
    Stay,
}

impl Goal {
    /// Its kind, for the trace.
    pub(super) fn kind(&self) -> RuleGoal {
        match self {
            Self::Fire(_) => RuleGoal::Fire,
            Self::MoveTo { .. } => RuleGoal::MoveTo,
            Self::Skip(_) => RuleGoal::Skip,
            Self::Stay => RuleGoal::Effects,
        }
    }
}

/// What a rule writes, before an event fills it in.
#[derive(Debug, Clone, Default)]
pub(super) struct EffectTemplates {
    pub comment: Option<Expr>,
    pub link: Option<LinkTemplate>,
    pub fix_version: Option<VersionTemplate>,
    pub fields: Vec<(String, Expr)>,
}

/// `link = { url, title }`.
#[derive(Debug, Clone)]
pub(super) struct LinkTemplate {
    pub url: Expr,
    pub title: Option<Expr>,
}

/// `fix_version = "x"`, or `{ name, create, released }`.
#[derive(Debug, Clone)]
pub(super) struct VersionTemplate {
    pub name: Expr,
    pub create: Option<Expr>,
    pub released: Option<Expr>,
}

/// The event that `move_to` follows unless `along` says otherwise.
pub(super) const NEXT: &str = "next";

/// The end of a machine, as written.
pub(super) const END: &str = "<end>";
