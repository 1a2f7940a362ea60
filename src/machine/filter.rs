//! Filters: what a rule asks of an event and of a ticket, and how it says what it missed.

use super::expr::{Expr, Value, evaluate};
use super::pattern::Patterns;
use super::scene::{Scene, Ticket};
use crate::event::{Event, PullRequest, Subject};

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Text(Facet, Patterns),
    Labels(Patterns),
    Draft(bool),
    Prerelease(bool),
    /// Any one changed file.
    Paths(Patterns),
    /// The pull request was made for the repository's default branch.
    DefaultBranch,
    /// The pull request takes nothing back.
    NotRevert,
    /// The alias of the ticket's status.
    Status(Patterns),
    /// The ticket's issue type.
    Types(Patterns),
    /// `when = …`.
    When(Box<When>),
}

/// A condition in words of its own.
#[derive(Debug, Clone)]
pub(super) struct When {
    pub expr: Expr,
    /// Exactly as written.
    pub source: String,
    /// As a trace shows it: in one line, and not too long.
    pub text: String,
    /// It is a `skip` rule's: if it cannot be evaluated, it holds. What protects must not fail open.
    pub protects: bool,
    /// It names `issue`.
    pub looks_at_the_ticket: bool,
}

/// Two conditions are the same when they are written the same.
impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.protects) == (&other.source, other.protects)
    }
}

impl Eq for When {}

/// How a filter fared.
pub(super) enum Held {
    Yes,
    /// It holds, for a reason that the trace tells.
    YesBut(String),
    /// It does not, and why, for the trace's row: `base: want main|release/*, got develop`.
    No(String),
}

/// A text of an event that a filter can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Facet {
    Repo,
    Base,
    Head,
    Author,
    Tag,
    Environment,
}

impl Facet {
    pub(super) const ALL: [Self; 6] =
        [Self::Repo, Self::Base, Self::Head, Self::Author, Self::Tag, Self::Environment];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Base => "base",
            Self::Head => "head",
            Self::Author => "author",
            Self::Tag => "tag",
            Self::Environment => "environment",
        }
    }

    /// Whether `/` separates in its patterns.
    pub(super) fn separated(self) -> bool {
        matches!(self, Self::Repo | Self::Base | Self::Head | Self::Tag)
    }

    /// The families of triggers whose events have it.
    pub(super) fn families(self) -> &'static [&'static str] {
        match self {
            Self::Repo => &["pull_request", "branch", "tag", "push", "release", "checks", "deployment"],
            Self::Base => &["pull_request", "push"],
            Self::Head => &["pull_request", "branch", "checks", "deployment"],
            Self::Author => {
                &["pull_request", "branch", "tag", "push", "release", "checks", "deployment", "jira"]
            }
            Self::Tag => &["tag", "release"],
            Self::Environment => &["deployment"],
        }
    }

    /// What the event says, where it says it.
    fn of(self, event: &Event) -> Option<&str> {
        match (self, &event.subject) {
            (Self::Repo, _) => event.repo.as_ref().map(|repo| repo.path.as_str()),
            (Self::Base, Subject::PullRequest(pr)) => Some(&pr.base),
            (Self::Base, Subject::Push(push)) => Some(&push.branch),
            (Self::Head, Subject::PullRequest(pr)) => Some(&pr.head),
            (Self::Head, Subject::Ref(branch)) if !branch.tag => Some(&branch.name),
            (Self::Head, Subject::Checks(checks)) => Some(&checks.branch),
            (Self::Head, Subject::Deployment(deployment)) => Some(&deployment.git_ref),
            (Self::Author, Subject::PullRequest(pr)) => Some(&pr.author),
            (Self::Author, Subject::Release(release)) => Some(&release.author),
            (Self::Author, _) => Some(&event.sender.login),
            (Self::Tag, Subject::Ref(tag)) if tag.tag => Some(&tag.name),
            (Self::Tag, Subject::Release(release)) => Some(&release.tag),
            (Self::Environment, Subject::Deployment(deployment)) => Some(&deployment.environment),
            _ => None,
        }
    }
}

impl Filter {
    /// Whether it can be told without the ticket.
    pub(super) fn looks_at_the_ticket(&self) -> bool {
        match self {
            Self::Status(_) | Self::Types(_) => true,
            Self::When(when) => when.looks_at_the_ticket,
            _ => false,
        }
    }

    /// Whether everything that passes `other` passes here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(mine, a), Self::Text(theirs, b)) => mine == theirs && a.covers(b),
            (Self::Status(a), Self::Status(b))
            | (Self::Types(a), Self::Types(b))
            | (Self::Paths(a), Self::Paths(b)) => a.covers(b),
            _ => self == other,
        }
    }

    /// Tries it.
    pub(super) fn test<T: Ticket>(&self, scene: &Scene<'_, T>) -> Result<Held, T::Missing> {
        if let Self::When(when) = self {
            return when.test(scene);
        }
        Ok(self.miss(scene)?.map_or(Held::Yes, Held::No))
    }

    fn miss<T: Ticket>(&self, scene: &Scene<'_, T>) -> Result<Option<String>, T::Missing> {
        let event = scene.event;
        Ok(match self {
            Self::When(_) => None,
            Self::Text(facet, patterns) => match facet.of(event) {
                Some(found) if patterns.accept(found) => None,
                found => Some(miss(facet.name(), patterns, found)),
            },
            Self::Labels(patterns) => {
                let labels = event.pull_request().map(|pr| pr.labels.as_slice()).unwrap_or_default();
                let accepted = patterns.accept_all(labels);
                (!accepted).then(|| miss("labels", patterns, Some(&labels.join(", "))))
            }
            Self::Draft(wanted) => {
                let draft = event.pull_request().is_some_and(|pr| pr.draft);
                (draft != *wanted).then(|| format!("draft: want {wanted}, got {draft}"))
            }
            Self::Prerelease(wanted) => {
                let found = matches!(&event.subject, Subject::Release(release) if release.prerelease);
                (found != *wanted).then(|| format!("prerelease: want {wanted}, got {found}"))
            }
            Self::Paths(patterns) => paths(patterns, scene)?,
            Self::DefaultBranch => not_the_default_branch(event),
            Self::NotRevert => {
                let revert = event.pull_request().is_some_and(PullRequest::revert);
                revert.then(|| "the pull request is a revert".to_owned())
            }
            Self::Status(patterns) => match scene.alias()? {
                Some(alias) if patterns.accept(alias) => None,
                alias => Some(miss("status", patterns, alias)),
            },
            Self::Types(patterns) => {
                let found = scene.ticket()?.issue_type.as_str();
                (!patterns.accept(found)).then(|| miss("types", patterns, Some(found)))
            }
        })
    }

    /// What it asks for, to stand in a sentence: `base "main" or "release/*"`.
    pub(super) fn need(&self, event: &Event) -> String {
        match self {
            Self::Text(facet, patterns) => format!("{} {}", facet.name(), patterns.sentence()),
            Self::Labels(patterns) => format!("labels {}", patterns.sentence()),
            Self::Draft(wanted) => format!("draft = {wanted}"),
            Self::Prerelease(wanted) => format!("prerelease = {wanted}"),
            Self::Paths(patterns) => format!("paths {}", patterns.sentence()),
            Self::DefaultBranch => match default_branch(event) {
                Some(name) => format!("base \"{name}\", the default branch"),
                None => "a base that is the default branch, which the payload does not name".to_owned(),
            },
            Self::NotRevert => "a pull request that is not a revert".to_owned(),
            Self::Status(patterns) => format!("status {}", patterns.sentence()),
            Self::Types(patterns) => format!("types {}", patterns.sentence()),
            Self::When(when) => format!("when {}", when.text),
        }
    }
}

fn miss(name: &str, patterns: &Patterns, found: Option<&str>) -> String {
    let found = found.filter(|found| !found.is_empty()).unwrap_or("none");
    format!("{name}: want {patterns}, got {found}")
}

impl When {
    fn test<T: Ticket>(&self, scene: &Scene<'_, T>) -> Result<Held, T::Missing> {
        let roots = scene.roots(self.looks_at_the_ticket)?;
        let problem = match evaluate(&self.expr, roots) {
            Ok(Value::Bool(true)) => return Ok(Held::Yes),
            Ok(Value::Bool(false)) => return Ok(Held::No(format!("when: false, {}", self.text))),
            Ok(other) => format!("must be true or false, is {}", other.describe()),
            Err(failure) => failure.message,
        };
        if self.protects {
            return Ok(Held::YesBut(format!("skip, because when cannot be told: {problem}")));
        }
        Ok(Held::No(format!("when: cannot be told: {problem}")))
    }
}

/// Files that nobody has read yet can be told no more than a ticket that nobody has read.
fn paths<T: Ticket>(patterns: &Patterns, scene: &Scene<'_, T>) -> Result<Option<String>, T::Missing> {
    let Some(paths) = scene.event.paths() else {
        scene.ticket()?;
        return Ok(Some("paths: the changed files are not known".to_owned()));
    };
    if paths.iter().any(|path| patterns.accept(path)) {
        return Ok(None);
    }
    let found = match paths {
        [] => None,
        [one] => Some(one.clone()),
        [first, rest @ ..] => Some(format!("{first} and {} more", rest.len())),
    };
    Ok(Some(miss("paths", patterns, found.as_deref())))
}

fn default_branch(event: &Event) -> Option<&str> {
    event.repo.as_ref()?.default_branch.as_deref()
}

fn not_the_default_branch(event: &Event) -> Option<String> {
    let found = event.pull_request().map(|pr| pr.base.as_str());
    match default_branch(event) {
        Some(wanted) if found == Some(wanted) => None,
        Some(wanted) => {
            Some(format!("base: want {wanted} (default branch), got {}", found.unwrap_or("none")))
        }
        None => Some("base: the payload names no default branch".to_owned()),
    }
}
