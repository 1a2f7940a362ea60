//! What a payload lacks, read from the forge: the files a pull request changes, and its commits. And what no payload could
//! be believed about: the addresses that the forge sends from.
//!
//! A [`ForgeApi`] answers from memory when it can: what was read for a head commit holds for it. Nothing here
//! decides or retries; an error says in which way it failed, and whoever asked knows what to do about it.
//! Addresses come from the configuration alone, never from a payload or an answer, and redirects are off.

mod github;
mod meta;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use github::GitHub;
pub use meta::hook_networks;

use crate::event::{Event, Repo};

/// Names or texts, shared with whoever asked for the same.
pub type Texts = Arc<Vec<String>>;

/// A forge that can be asked.
#[async_trait]
pub trait ForgeApi: Send + Sync + 'static {
    /// The files that a pull request changes, by their paths.
    async fn paths(&self, pull_request: &Asked<'_>) -> Result<Texts, ForgeError>;

    /// The messages of a pull request's commits, oldest first.
    async fn commits(&self, pull_request: &Asked<'_>) -> Result<Texts, ForgeError>;
}

/// Which pull request is meant, and at which commit it stands.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The owner and the name of its repository.
    pub repo: (&'a str, &'a str),
    /// Its number.
    pub number: u64,
    /// The commit at its head.
    pub head_sha: &'a str,
}

impl<'a> Asked<'a> {
    /// What an event is about, when that is a pull request of a repository with an owner.
    pub fn about(event: &'a Event) -> Option<Self> {
        let pull_request = event.pull_request()?;
        let Repo { path, .. } = event.repo.as_ref()?;
        let repo = path.split_once('/')?;
        Some(Self { repo, number: pull_request.number, head_sha: &pull_request.head_sha })
    }
}

/// A question that the forge did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ForgeError {
    /// In which way.
    pub class: ForgeFailure,
    /// One sentence for a person; never a token, never a body.
    pub message: String,
}

/// The ways in which a question fails, as far as what happens next depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgeFailure {
    /// We ask too often; with how long to wait.
    RateLimited(Duration),
    /// The token is refused.
    Unauthorised,
    /// There is no such thing, or the token may not see it.
    NotFound,
    /// No answer, one of a server in trouble, or one that cannot be read.
    Unreachable,
}
