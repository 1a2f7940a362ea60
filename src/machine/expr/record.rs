//! What expressions can look at: `pr`, `release`, `issue`, …, and their attributes.
//!
//! An attribute is added in two lines: its type in [`RecordKind::attributes`], and where it comes from in
//! [`Record::get`]. A test holds them together.

use super::types::Type;
use super::value::Value;
use crate::event::{Checks, Commit, Deployment, Event, PullRequest, Push, Release, Repo, Sender, Subject};
use crate::machine::decision::TicketNow;

/// Something of the event, or the ticket, that has attributes.
#[derive(Debug, Clone, Copy)]
pub(in crate::machine) enum Record<'a> {
    Pr(&'a PullRequest),
    Release(&'a Release),
    Push(&'a Push),
    Commit(&'a Commit),
    Deployment(&'a Deployment),
    Checks(&'a Checks),
    Repo(&'a Repo, &'a str),
    Sender(&'a Sender),
    Issue(Issue<'a>),
}

/// A ticket with the machine's alias for its status.
#[derive(Debug, Clone, Copy)]
pub(in crate::machine) struct Issue<'a> {
    pub ticket: &'a TicketNow,
    pub alias: Option<&'a str>,
}

/// The kinds of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum RecordKind {
    Pr,
    Release,
    Push,
    Commit,
    Deployment,
    Checks,
    Repo,
    Sender,
    Issue,
}

/// What a `when` or a template sees.
#[derive(Debug, Clone, Copy)]
pub(in crate::machine) struct Roots<'a> {
    pub event: &'a Event,
    /// Known when the expression names it.
    pub issue: Option<Issue<'a>>,
}

impl<'a> Roots<'a> {
    /// The record of a variable's name.
    pub(super) fn get(&self, name: &str) -> Option<Record<'a>> {
        Some(match (name, &self.event.subject) {
            ("pr", Subject::PullRequest(pr)) => Record::Pr(pr),
            ("release", Subject::Release(release)) => Record::Release(release),
            ("push", Subject::Push(push)) => Record::Push(push),
            ("deployment", Subject::Deployment(deployment)) => Record::Deployment(deployment),
            ("checks", Subject::Checks(checks)) => Record::Checks(checks),
            ("repo", _) => Record::Repo(self.event.repo.as_ref()?, &self.event.provider),
            ("sender", _) => Record::Sender(&self.event.sender),
            ("issue", _) => Record::Issue(self.issue?),
            _ => return None,
        })
    }
}

impl RecordKind {
    /// The variables there are, apart from what triggers they go with.
    pub(super) const VARIABLES: [Self; 8] = [
        Self::Pr,
        Self::Release,
        Self::Push,
        Self::Deployment,
        Self::Checks,
        Self::Repo,
        Self::Sender,
        Self::Issue,
    ];

    /// The name of its variable.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pr => "pr",
            Self::Release => "release",
            Self::Push => "push",
            Self::Commit => "commit",
            Self::Deployment => "deployment",
            Self::Checks => "checks",
            Self::Repo => "repo",
            Self::Sender => "sender",
            Self::Issue => "issue",
        }
    }

    /// Whether events of a family of triggers have it.
    pub(super) fn is_in(self, family: &str) -> bool {
        match self {
            Self::Pr => family == "pull_request",
            Self::Release => family == "release",
            Self::Push => family == "push",
            Self::Deployment => family == "deployment",
            Self::Checks => family == "checks",
            Self::Repo => family != "jira",
            Self::Sender | Self::Issue => true,
            Self::Commit => false,
        }
    }

    /// Its attributes with their types.
    pub(super) fn attributes(self) -> &'static [(&'static str, Type)] {
        use Type::{Bool, Commits, MaybeText, Number, Text, Texts};
        match self {
            Self::Pr => &[
                ("number", Number),
                ("title", Text),
                ("body", Text),
                ("author", Text),
                ("url", Text),
                ("head", Text),
                ("base", Text),
                ("draft", Bool),
                ("merged", Bool),
                ("labels", Texts),
                ("revert", Bool),
                ("merge_sha", MaybeText),
                ("fork", Bool),
            ],
            Self::Release => &[
                ("tag", Text),
                ("name", Text),
                ("body", Text),
                ("url", Text),
                ("prerelease", Bool),
                ("author", Text),
            ],
            Self::Push => &[
                ("branch", Text),
                ("before", Text),
                ("after", Text),
                ("created", Bool),
                ("deleted", Bool),
                ("commits", Commits),
            ],
            Self::Commit => &[("message", Text), ("author", Text), ("url", Text)],
            Self::Deployment => {
                &[("environment", Text), ("state", Text), ("ref", Text), ("sha", Text), ("url", Text)]
            }
            Self::Checks => {
                &[("name", Text), ("conclusion", Text), ("branch", Text), ("sha", Text), ("url", Text)]
            }
            Self::Repo => &[
                ("name", Text),
                ("path", Text),
                ("default_branch", MaybeText),
                ("url", Text),
                ("provider", Text),
            ],
            Self::Sender => &[("login", Text), ("bot", Bool), ("association", MaybeText)],
            Self::Issue => &[
                ("key", Text),
                ("project", Text),
                ("type", Text),
                ("status", MaybeText),
                ("status_name", Text),
                ("labels", Texts),
                ("assignee", MaybeText),
            ],
        }
    }

    pub(super) fn attribute(self, name: &str) -> Option<Type> {
        self.attributes().iter().find(|(attribute, _)| *attribute == name).map(|(_, kind)| *kind)
    }
}

fn texts(texts: &[String]) -> Value<'_> {
    Value::list(texts.iter().map(|text| Value::text(text)).collect())
}

impl<'a> Record<'a> {
    pub(super) fn kind(self) -> RecordKind {
        match self {
            Self::Pr(_) => RecordKind::Pr,
            Self::Release(_) => RecordKind::Release,
            Self::Push(_) => RecordKind::Push,
            Self::Commit(_) => RecordKind::Commit,
            Self::Deployment(_) => RecordKind::Deployment,
            Self::Checks(_) => RecordKind::Checks,
            Self::Repo(..) => RecordKind::Repo,
            Self::Sender(_) => RecordKind::Sender,
            Self::Issue(_) => RecordKind::Issue,
        }
    }

    /// The value of an attribute, if there is such an attribute.
    pub(super) fn get(self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Pr(pr) => pull_request(pr, name),
            Self::Release(release) => Some(match name {
                "tag" => Value::text(&release.tag),
                "name" => Value::text(&release.name),
                "body" => Value::text(&release.body),
                "url" => Value::text(&release.url),
                "prerelease" => Value::Bool(release.prerelease),
                "author" => Value::text(&release.author),
                _ => return None,
            }),
            Self::Push(push) => Some(match name {
                "branch" => Value::text(&push.branch),
                "before" => Value::text(&push.before),
                "after" => Value::text(&push.after),
                "created" => Value::Bool(push.created),
                "deleted" => Value::Bool(push.deleted),
                "commits" => {
                    Value::list(push.commits.iter().map(|c| Value::Record(Record::Commit(c))).collect())
                }
                _ => return None,
            }),
            Self::Commit(commit) => Some(match name {
                "message" => Value::text(&commit.message),
                "author" => Value::text(&commit.author),
                "url" => Value::text(&commit.url),
                _ => return None,
            }),
            Self::Deployment(deployment) => Some(Value::text(match name {
                "environment" => &deployment.environment,
                "state" => &deployment.state,
                "ref" => &deployment.git_ref,
                "sha" => &deployment.sha,
                "url" => &deployment.url,
                _ => return None,
            })),
            Self::Checks(checks) => Some(Value::text(match name {
                "name" => &checks.name,
                "conclusion" => &checks.conclusion,
                "branch" => &checks.branch,
                "sha" => &checks.sha,
                "url" => &checks.url,
                _ => return None,
            })),
            Self::Repo(repo, provider) => Some(match name {
                "name" => Value::text(&repo.name),
                "path" => Value::text(&repo.path),
                "default_branch" => Value::maybe(repo.default_branch.as_deref()),
                "url" => Value::text(&repo.url),
                "provider" => Value::text(provider),
                _ => return None,
            }),
            Self::Sender(sender) => Some(match name {
                "login" => Value::text(&sender.login),
                "bot" => Value::Bool(sender.bot),
                "association" => Value::maybe(sender.association.as_deref()),
                _ => return None,
            }),
            Self::Issue(issue) => issue.get(name),
        }
    }
}

fn pull_request<'a>(pr: &'a PullRequest, name: &str) -> Option<Value<'a>> {
    Some(match name {
        "number" => Value::Number(pr.number.into()),
        "title" => Value::text(&pr.title),
        "body" => Value::text(&pr.body),
        "author" => Value::text(&pr.author),
        "url" => Value::text(&pr.url),
        "head" => Value::text(&pr.head),
        "base" => Value::text(&pr.base),
        "draft" => Value::Bool(pr.draft),
        "merged" => Value::Bool(pr.merged),
        "labels" => texts(&pr.labels),
        "revert" => Value::Bool(pr.revert()),
        "merge_sha" => Value::maybe(pr.merge_sha.as_deref()),
        "fork" => Value::Bool(pr.fork),
        _ => return None,
    })
}

impl<'a> Issue<'a> {
    fn get(self, name: &str) -> Option<Value<'a>> {
        let ticket = self.ticket;
        Some(match name {
            "key" => Value::text(&ticket.key),
            "project" => Value::text(&ticket.project),
            "type" => Value::text(&ticket.issue_type),
            "status" => Value::maybe(self.alias),
            "status_name" => Value::text(&ticket.status),
            "labels" => texts(&ticket.labels),
            "assignee" => Value::maybe(ticket.assignee.as_deref()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_that_is_declared_has_a_value() {
        let (pr, release, push, commit) =
            (PullRequest::default(), Release::default(), Push::default(), Commit::default());
        let (deployment, checks) = (Deployment::default(), Checks::default());
        let (repo, sender, ticket) = (Repo::default(), Sender::default(), TicketNow::default());
        let records = [
            Record::Pr(&pr),
            Record::Release(&release),
            Record::Push(&push),
            Record::Commit(&commit),
            Record::Deployment(&deployment),
            Record::Checks(&checks),
            Record::Repo(&repo, "github"),
            Record::Sender(&sender),
            Record::Issue(Issue { ticket: &ticket, alias: None }),
        ];
        for record in records {
            for (name, _) in record.kind().attributes() {
                assert!(record.get(name).is_some(), "{}.{name}", record.kind().name());
            }
            assert!(record.get("no_such").is_none());
        }
    }
}
