//! Issue keys: which tickets an event names, and where it names them.
//!
//! The rules stand in the language's documentation under *Ticket keys*. `keys` finds the keys of a text,
//! `markdown` says which parts of a description count; here they are put together for a whole event.

mod keys;
mod markdown;

use std::borrow::Cow;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Event, PullRequest, Subject, Trigger};
pub use keys::{Projects, Shape, keys_in};
use markdown::Piece;

/// The most entries of [`Tickets::ignored`] for any one reason: a hint, not a log.
const MAX_IGNORED: usize = 20;

/// A place in an event where an issue key can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The title of a pull request.
    Title,
    /// The name of a branch or a tag.
    Branch,
    /// The description of a pull request.
    Body,
    /// The messages of a pull request's commits.
    Commits,
    /// The messages of pushed commits.
    Message,
    /// A release's name and notes.
    Notes,
    /// The recorded pull requests whose merge commit was tagged or deployed.
    Merged,
}

impl Source {
    /// The name as written in a rule's `keys`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Branch => "branch",
            Self::Body => "body",
            Self::Commits => "commits",
            Self::Message => "message",
            Self::Notes => "notes",
            Self::Merged => "merged",
        }
    }
}

/// A ticket an event names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundKey {
    /// The issue key, in capitals: `SHOP-42`.
    pub key: String,
    /// The project's part of it, in capitals: `SHOP`.
    pub project: String,
    /// Where it stands, in order of first appearance. Empty when the event is about the ticket itself.
    pub found_in: Vec<Source>,
}

/// Something that looks like an issue key and is not acted on, so that it is not lost silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IgnoredKey {
    /// As it would be written, in capitals.
    pub key: String,
    /// Where it stands.
    pub found_in: Vec<Source>,
    /// Why it does not count: `quoted`, `bot`, `project_not_configured`, `not_looked_at`, …
    pub because: String,
}

/// The tickets an event names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tickets {
    /// Keys of configured projects, in order of first appearance, wherever they stand. Whether a place
    /// counts is for the rules to say.
    pub found: Vec<FoundKey>,
    /// What looks like a key and is none that counts, at most 20 for each reason.
    pub ignored: Vec<IgnoredKey>,
}

impl Tickets {
    /// These, and those of the pull requests that the event's commit came from: what counts for a merge by default
    /// counts here as [`Source::Merged`].
    #[must_use]
    pub fn with_merged(mut self, merged: &[Event], projects: &Projects) -> Self {
        let counts = default_sources(Trigger::PullRequestMerged);
        let theirs = merged.iter().flat_map(|event| tickets(event, projects).found);
        for key in theirs.filter(|key| key.found_in.iter().any(|source| counts.contains(source))) {
            match self.found.iter_mut().find(|known| known.key == key.key) {
                Some(known) if known.found_in.contains(&Source::Merged) => {}
                Some(known) => known.found_in.push(Source::Merged),
                None => self.found.push(FoundKey { found_in: vec![Source::Merged], ..key }),
            }
        }
        self
    }
}

/// The tickets that `event` names, in all of its places.
pub fn tickets(event: &Event, projects: &Projects) -> Tickets {
    let mut collected = Collected::new(projects);
    match &event.subject {
        Subject::PullRequest(pull_request) => {
            collected.text(Source::Title, &pull_request.title);
            collected.branch(&pull_request.head);
            collected.body(pull_request);
            let messages = pull_request.commits.iter().flatten();
            messages.for_each(|message| collected.text(Source::Commits, message));
        }
        Subject::Push(push) => {
            push.commits.iter().for_each(|commit| collected.text(Source::Message, &commit.message));
            collected.branch(&push.branch);
        }
        Subject::Ref(reference) => collected.branch(&reference.name),
        Subject::Release(release) => {
            collected.text(Source::Notes, &release.name);
            collected.text(Source::Notes, &release.body);
            collected.branch(&release.tag);
        }
        Subject::Checks(checks) => collected.branch(&checks.branch),
        Subject::Deployment(deployment) => collected.branch(&deployment.git_ref),
        Subject::Issue(issue) => collected.itself(&issue.key),
        Subject::Nothing => {}
    }
    collected.into_tickets()
}

/// Where keys count for `trigger` when neither the rule nor its machine says otherwise.
pub fn default_sources(trigger: Trigger) -> &'static [Source] {
    match trigger {
        Trigger::PullRequestOpened
        | Trigger::PullRequestReady
        | Trigger::PullRequestDrafted
        | Trigger::PullRequestEdited
        | Trigger::PullRequestUpdated
        | Trigger::PullRequestLabeled
        | Trigger::PullRequestUnlabeled
        | Trigger::PullRequestReopened
        | Trigger::PullRequestApproved
        | Trigger::PullRequestChangesRequested
        | Trigger::PullRequestClosed
        | Trigger::PullRequestMerged => &[Source::Title, Source::Branch, Source::Body],
        Trigger::Push => &[Source::Message],
        Trigger::ReleasePublished => &[Source::Notes],
        Trigger::BranchCreated
        | Trigger::BranchDeleted
        | Trigger::ChecksSucceeded
        | Trigger::ChecksFailed => &[Source::Branch],
        Trigger::TagCreated | Trigger::DeploymentSucceeded | Trigger::DeploymentFailed => {
            &[Source::Branch, Source::Merged]
        }
        Trigger::JiraStatusChanged | Trigger::JiraCreated | Trigger::JiraCommented => &[],
    }
}

/// Why a shape that stands in a text counts or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Standing {
    Counts,
    Ignored(&'static str),
}

const QUOTED: Standing = Standing::Ignored("quoted");
const BOT: Standing = Standing::Ignored("bot");
const NOT_CONFIGURED: Standing = Standing::Ignored("project_not_configured");

/// Keys as they come, each once for each standing.
struct Collected<'p> {
    projects: &'p Projects,
    seen: HashMap<(String, Standing), usize>,
    entries: Vec<Entry>,
    ignored: HashMap<Standing, usize>,
}

struct Entry {
    key: FoundKey,
    standing: Standing,
}

impl<'p> Collected<'p> {
    fn new(projects: &'p Projects) -> Self {
        Self { projects, seen: HashMap::new(), entries: Vec::new(), ignored: HashMap::new() }
    }

    fn text(&mut self, source: Source, text: &str) {
        self.add(source, text, Standing::Counts);
    }

    /// Branches are often quoted in URLs, and some tools push them as they were quoted.
    fn branch(&mut self, name: &str) {
        let decoded: Cow<'_, str> = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        self.text(Source::Branch, &decoded);
    }

    fn body(&mut self, pull_request: &PullRequest) {
        for piece in markdown::pieces(&pull_request.body) {
            let (text, standing) = match piece {
                Piece::Said(text) => (text, Standing::Counts),
                Piece::Quoted(text) => (text, QUOTED),
            };
            self.add(Source::Body, text, if pull_request.author_bot { BOT } else { standing });
        }
    }

    /// The event is about this ticket: no text names it.
    fn itself(&mut self, key: &str) {
        let shapes = keys_in(key, self.projects);
        for shape in shapes.iter().filter(|shape| shape.key() == key) {
            self.note(None, shape, if shape.configured() { Standing::Counts } else { NOT_CONFIGURED });
        }
    }

    fn add(&mut self, source: Source, text: &str, standing: Standing) {
        for shape in keys_in(text, self.projects) {
            match (shape.configured(), standing) {
                (true, standing) => self.note(Some(source), &shape, standing),
                (false, Standing::Counts) => self.note(Some(source), &shape, NOT_CONFIGURED),
                // No configuration could make it count here.
                (false, Standing::Ignored(_)) => {}
            }
        }
    }

    fn note(&mut self, source: Option<Source>, shape: &Shape<'_>, standing: Standing) {
        let key = shape.key();
        if let Some(&at) = self.seen.get(&(key.clone(), standing)) {
            if let Some(Entry { key: FoundKey { found_in, .. }, .. }) = self.entries.get_mut(at)
                && let Some(source) = source.filter(|source| !found_in.contains(source))
            {
                found_in.push(source);
            }
            return;
        }
        if standing != Standing::Counts {
            let count = self.ignored.entry(standing).or_default();
            if *count == MAX_IGNORED {
                return;
            }
            *count += 1;
        }
        self.seen.insert((key.clone(), standing), self.entries.len());
        let key = FoundKey { key, project: shape.project(), found_in: source.into_iter().collect() };
        self.entries.push(Entry { key, standing });
    }

    fn into_tickets(self) -> Tickets {
        let mut tickets = Tickets::default();
        for Entry { key, standing } in self.entries {
            match standing {
                Standing::Counts => tickets.found.push(key),
                // A key that counts somewhere needs no excuse for where it does not.
                Standing::Ignored(_) if self.seen.contains_key(&(key.key.clone(), Standing::Counts)) => {}
                Standing::Ignored(because) => tickets.ignored.push(IgnoredKey {
                    key: key.key,
                    found_in: key.found_in,
                    because: because.to_owned(),
                }),
            }
        }
        tickets
    }
}

#[cfg(test)]
mod tests;
