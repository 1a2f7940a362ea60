//! What an event lacks, read from its forge before a decision that needs it. Never is a rule that asks for it taken
//! not to match because nobody could be asked.
//!
//! Commits may name tickets, so they are read when an event is fanned out. While the forge does not tell, the event
//! stays where it is and those behind it with it, because they may name the same tickets. That ends after
//! [`PATIENCE`]: from then on such events are dead letters, to be replayed when the forge is back, until it answers.
//! Files are read when a ticket is decided on; that ticket alone waits for them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::Rulebook;
use super::processor::{Class, Setback};
use super::router::may_move;
use crate::event::{Event, Subject};
use crate::forge_api::{Asked, ForgeApi, ForgeError, ForgeFailure, Texts};
use crate::store::{InboxItem, Routing};
use crate::trace::{Reason, Verdict};

/// How long fanning out may stand still for the forge.
const PATIENCE: Duration = Duration::from_mins(15);
/// How long the forge is left alone after it did not answer.
const REST: Duration = Duration::from_secs(15);

/// The forge, and how long it has not told what was asked when fanning out.
pub(super) struct Forge {
    api: Option<Arc<dyn ForgeApi>>,
    outage: Mutex<Option<Outage>>,
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Timestamp,
    rests_until: Timestamp,
}

/// What is known of an event's commits.
pub(super) enum Commits {
    /// Nobody needs them, or the event says them.
    Settled,
    /// They were read: this is the event with them.
    Read(Box<InboxItem>),
    /// Not yet: the event stays in the inbox.
    NotYet,
    /// They will not be: the event ends like this.
    Never(Routing),
}

impl Forge {
    pub(super) fn new(api: Option<Arc<dyn ForgeApi>>) -> Self {
        Self { api, outage: Mutex::default() }
    }

    /// Reads the commits of an event when a machine it may reach looks at them.
    pub(super) async fn commits(&self, item: &InboxItem, rulebook: &Rulebook, now: Timestamp) -> Commits {
        let Ok(event) = &item.event else { return Commits::Settled };
        if !looks_at_commits(item, event, rulebook) {
            return Commits::Settled;
        }
        let mut outage = self.outage.lock().await;
        let rests = |outage: &Outage| now < outage.rests_until && !is_over(outage, now);
        if outage.as_ref().is_some_and(rests) {
            return Commits::NotYet;
        }
        match self.ask(event, What::Commits).await {
            Ok(messages) => {
                *outage = None;
                Commits::Read(Box::new(InboxItem {
                    event: Ok(with(event, What::Commits, &messages)),
                    ..item.clone()
                }))
            }
            Err(error) if error.class == ForgeFailure::NotFound => never(Reason::NoPermission.into(), error),
            Err(error) => {
                let (reason, asked) = waits_for(error.class);
                let since = outage.map_or(now, |outage| outage.since);
                let outage = outage.insert(Outage { since, rests_until: later(now, asked.unwrap_or(REST)) });
                if is_over(outage, now) {
                    return never(Verdict::dead(reason), error);
                }
                tracing::warn!(event = %item.id, %reason, "events wait for the forge: {error}");
                Commits::NotYet
            }
        }
    }

    /// The event with the files it changes.
    pub(super) async fn with_paths(&self, event: &Event) -> Result<Event, Setback> {
        let paths = self.ask(event, What::Paths).await.map_err(setback)?;
        Ok(with(event, What::Paths, &paths))
    }

    async fn ask(&self, event: &Event, what: What) -> Result<Texts, ForgeError> {
        let failed = |class, message: &str| ForgeError { class, message: message.to_owned() };
        let api = self.api.as_ref().ok_or_else(|| {
            failed(
                ForgeFailure::Unauthorised,
                "GITHUB_TOKEN is not set, and a rule asks what only GitHub tells",
            )
        })?;
        let asked = Asked::about(event).ok_or_else(|| {
            failed(ForgeFailure::NotFound, "the event names no repository that could be asked")
        })?;
        match what {
            What::Paths => api.paths(&asked).await,
            What::Commits => api.commits(&asked).await,
        }
    }
}

/// What is asked of a pull request.
#[derive(Debug, Clone, Copy)]
enum What {
    Paths,
    Commits,
}

fn with(event: &Event, what: What, texts: &Texts) -> Event {
    let mut event = event.clone();
    if let Subject::PullRequest(pull_request) = &mut event.subject {
        match what {
            What::Paths => pull_request.paths = Some(texts.to_vec()),
            What::Commits => pull_request.commits = Some(texts.to_vec()),
        }
    }
    event
}

/// Keys may stand in the commits alone, so any machine that the hook may move counts.
fn looks_at_commits(item: &InboxItem, event: &Event, rulebook: &Rulebook) -> bool {
    let allowed = |project: &str| may_move(item.projects.as_deref(), project);
    rulebook.rules.machines().any(|machine| allowed(&machine.project) && machine.lacks(event).commits)
}

fn is_over(outage: &Outage, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(outage.since)).is_ok_and(|lasted| lasted >= PATIENCE)
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}

fn never(verdict: Verdict, error: ForgeError) -> Commits {
    Commits::Never(Routing { verdict: Some(verdict), detail: Some(error.message), ..Routing::default() })
}

/// What something that waits for the forge waits for, and how long the forge has asked for. Away, it is nobody's fault
/// but the ticket is simply not its turn yet.
fn waits_for(failure: ForgeFailure) -> (Reason, Option<Duration>) {
    match failure {
        ForgeFailure::RateLimited(wait) => (Reason::RateLimited, Some(wait)),
        ForgeFailure::Unauthorised => (Reason::Credentials, None),
        ForgeFailure::NotFound => (Reason::NoPermission, None),
        ForgeFailure::Unreachable => (Reason::Queued, None),
    }
}

fn setback(error: ForgeError) -> Setback {
    let class = match (error.class, waits_for(error.class)) {
        (ForgeFailure::NotFound, (reason, _)) => Class::Permanent(reason),
        (_, (reason, asked)) => Class::Forge(reason, asked),
    };
    Setback { class, unknown: false, message: error.message }
}
