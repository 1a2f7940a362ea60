//! What a test or the demo says about the site before it starts.

mod described;

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::account::Account;
use crate::clock::Clock;
use crate::control::JiraSim;
use crate::dialect::Dialect;
use crate::limits::Limits;
use crate::state::{State, Switches};

pub use described::{NewIssue, Project};

/// Why a site could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A workflow's transition names a status that the workflow does not have.
    #[error("project {project}: a transition names the status {status:?}, which its workflow does not have")]
    UnknownStatus {
        /// The project's key.
        project: String,
        /// The status that is missing.
        status: String,
    },
    /// An issue that does not fit its project.
    #[error("issue {key}: {problem}")]
    Issue {
        /// The issue's key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The port could not be opened.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
}

/// A site to be. Begin with [`JiraSim::cloud`] or [`JiraSim::data_center`].
#[derive(Debug)]
pub struct Builder {
    dialect: Dialect,
    port: u16,
    context_path: String,
    clock: Clock,
    limits: Limits,
    switches: Switches,
    latency: Duration,
    token_lifetime: Option<Duration>,
    /// Language, name, name in that language.
    translations: Vec<[String; 3]>,
    accounts: Vec<Account>,
    projects: Vec<Project>,
    issues: Vec<NewIssue>,
}

impl Builder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            port: 0,
            context_path: String::new(),
            clock: Clock::machine(),
            limits: Limits::none(),
            switches: Switches::default(),
            latency: Duration::ZERO,
            token_lifetime: None,
            translations: Vec::new(),
            accounts: Vec::new(),
            projects: Vec::new(),
            issues: Vec::new(),
        }
    }

    /// The port to listen on; 0, the default, takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// A path under which everything is served, such as `/jira`.
    #[must_use]
    pub fn context_path(mut self, path: &str) -> Self {
        let path = path.trim_matches('/');
        self.context_path = if path.is_empty() { String::new() } else { format!("/{path}") };
        self
    }

    /// The clock for everything the site dates and limits.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// Rate limits; there are none otherwise.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long every request takes, for measuring; a story holds requests at a [`Gate`](crate::Gate) instead.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Somebody known to the site.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// A project.
    #[must_use]
    pub fn project(mut self, project: Project) -> Self {
        self.projects.push(project);
        self
    }

    /// An issue. Its project is the one its key names.
    #[must_use]
    pub fn issue(mut self, issue: NewIssue) -> Self {
        self.issues.push(issue);
        self
    }

    /// Data Center: a wrong token is taken for nobody, who may read everything. Only `X-AUSERNAME: anonymous` tells.
    #[must_use]
    pub fn anonymous_reads(mut self) -> Self {
        self.switches.anonymous_reads = true;
        self
    }

    /// Data Center: a transition id that does not exist is answered with 500 instead of 400.
    #[must_use]
    pub fn wrong_transition_is_500(mut self) -> Self {
        self.switches.wrong_transition_is_500 = true;
        self
    }

    /// The name of a status for those who read in another language, such as `fr`.
    #[must_use]
    pub fn translated(mut self, language: &str, status: &str, name: &str) -> Self {
        self.translations.push([language, status, name].map(str::to_owned));
        self
    }

    /// Data Center: its version; 9.12.0 otherwise.
    #[must_use]
    pub fn version(mut self, major: u32, minor: u32, patch: u32) -> Self {
        self.switches.version = [major, minor, patch];
        self
    }

    /// Cloud: how long a token lives that client credentials bought; an hour otherwise.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// Cloud: the queue of bulk tasks writes its times as text, as its description has it, and not as milliseconds,
    /// as its examples have it.
    #[must_use]
    pub fn bulk_times_as_text(mut self) -> Self {
        self.switches.bulk_times_as_text = true;
        self
    }

    /// Starts to serve on 127.0.0.1, inside the present Tokio runtime.
    pub async fn start(self) -> Result<JiraSim, SetupError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?.into_std()?;
        let origin = format!("http://{}", listener.local_addr()?);
        let mut state = State::new(self.dialect, self.clock);
        state.base_url = format!("{origin}{}", self.context_path);
        state.switches = self.switches;
        if let Some(lifetime) = self.token_lifetime {
            state.tokens.live_for(lifetime);
        }
        state.accounts = self.accounts;
        for project in &self.projects {
            state.add_project(project)?;
        }
        for [language, status, name] in self.translations {
            for one in state.statuses.values_mut().filter(|one| one.name == status) {
                one.translations.insert(language.clone(), name.clone());
            }
        }
        for issue in &self.issues {
            state.add_issue(issue)?;
        }
        JiraSim::serve(listener, self.context_path, self.latency, state, self.limits)
    }
}
