//! The handle of a running site: what a test does behind Jira's back, and what it looks at.

mod bulk;
mod cloud;
mod reading;
mod search;
mod webhooks;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::task::AbortHandle;

use crate::builder::{Builder, NewIssue, SetupError};
use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::fault::{Fault, Faults, Standing, When};
use crate::journal::{Exchange, Journal};
use crate::limits::{Limiter, Limits};
use crate::server::{self, Core, Site};
use crate::state::{Edit, Issue, State};
use crate::webhook::courier;

/// How long [`JiraSim::wait_until`] waits before it says that the condition never came true.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running site. It stops when it is dropped.
pub struct JiraSim {
    site: Arc<Site>,
    server: ServerHandle,
    courier: AbortHandle,
}

/// A condition that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("gave up waiting until {what}; the requests so far:\n{requests}")]
pub struct TimedOut {
    what: String,
    requests: String,
}

impl std::fmt::Debug for JiraSim {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("JiraSim").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Drop for JiraSim {
    fn drop(&mut self) {
        // Sending the order is enough; a graceful stop would wait for the requests that hang on purpose.
        drop(self.server.stop(false));
        self.courier.abort();
    }
}

/// Setting up.
impl JiraSim {
    /// A site of Atlassian's hosted Jira.
    pub fn cloud() -> Builder {
        Builder::new(Dialect::Cloud)
    }

    /// A Jira Data Center.
    pub fn data_center() -> Builder {
        Builder::new(Dialect::DataCenter)
    }

    pub(crate) fn serve(
        listener: TcpListener,
        context_path: String,
        latency: Duration,
        state: State,
        limits: Limits,
    ) -> Result<Self, SetupError> {
        let core =
            Core { state, journal: Vec::new(), faults: Faults::default(), limiter: Limiter::new(limits) };
        let site = Arc::new(Site::new(core, context_path, latency));
        let server = server::start(listener, Arc::clone(&site))?;
        let courier = courier::start(Arc::clone(&site));
        Ok(Self { site, server, courier })
    }

    /// The site's base URL, with its context path and without a final slash.
    pub fn url(&self) -> String {
        self.site.lock().state.base_url.clone()
    }

    /// The page for people.
    pub fn board_url(&self) -> String {
        format!("{}/board", self.url())
    }

    /// The site's clock.
    pub fn clock(&self) -> Clock {
        self.site.lock().state.clock.clone()
    }
}

/// What somebody else does.
impl JiraSim {
    /// Creates an issue.
    pub fn create(&self, issue: &NewIssue) -> Result<(), SetupError> {
        self.site.change(|core| {
            let id = core.state.add_issue(issue)?;
            core.state.tell("jira:issue_created", id);
            Ok(())
        })
    }

    /// Moves an issue to a status as another person does in the browser, by any name of an account; false when there
    /// is no such issue, account or status.
    #[must_use]
    pub fn move_as(&self, who: &str, key: &str, status: &str) -> bool {
        self.site.change(|core| {
            let state = &mut core.state;
            let Some(author) = state.account(who).map(|account| account.id.clone()) else {
                return false;
            };
            let Some(issue) = state.issue(key) else {
                return false;
            };
            let (id, Some(to)) = (issue.id, state.status_of_workflow(issue, status)) else {
                return false;
            };
            state.apply(id, &author, vec![Edit::Status(to)]);
            true
        })
    }

    /// Deletes an issue; false when there is none.
    #[must_use]
    pub fn delete(&self, key: &str) -> bool {
        self.site.change(|core| {
            let Some(id) = core.state.issue(key).map(|issue| issue.id) else {
                return false;
            };
            core.state.tell("jira:issue_deleted", id);
            core.state.keys.retain(|_, known| *known != id);
            core.state.issues.remove(&id).is_some()
        })
    }

    /// Moves an issue to another project, where it gets a new key; the old one keeps answering. The project must
    /// have its issue type, with its status. False otherwise.
    #[must_use]
    pub fn rename_key(&self, old: &str, new: &str) -> bool {
        self.site.change(|core| core.state.rename_key(old, new))
    }

    /// Renames a status of the site, as an administrator does; its id stays. False when there is none.
    #[must_use]
    pub fn rename_status(&self, old: &str, new: &str) -> bool {
        self.site.change(|core| {
            let status = core.state.statuses.values_mut().find(|status| status.name == old);
            status.map(|status| new.clone_into(&mut status.name)).is_some()
        })
    }

    /// Says that a transition of somebody else's is running on the issue (or not any more): others get 409.
    pub fn set_in_transition(&self, key: &str, running: bool) {
        self.site.change(|core| {
            let id = core.state.issue(key).map(|issue| issue.id);
            if let Some(issue) = id.and_then(|id| core.state.issue_mut(id)) {
                issue.in_transition = running;
            }
        });
    }
}

/// Faults.
impl JiraSim {
    /// A fault for one request. Faults are used up in the order they were set.
    pub fn once(&self, when: When, fault: Fault) {
        self.site.change(|core| core.faults.once(when, fault));
    }

    /// A fault for every request that fits, until it is lifted.
    pub fn standing(&self, when: When, fault: Fault) -> Standing {
        self.site.change(|core| core.faults.standing(when, fault))
    }

    /// Lifts a standing fault.
    pub fn lift(&self, standing: Standing) {
        self.site.change(|core| core.faults.lift(standing));
    }

    /// Answers 503 to everything, until lifted.
    pub fn go_down(&self) -> Standing {
        self.standing(When::any(), Fault::unavailable(None))
    }

    /// Answers 401 to everything, until lifted.
    pub fn revoke_tokens(&self) -> Standing {
        self.standing(When::any(), Fault::unauthorised())
    }

    /// How many single faults have not met their request.
    pub fn unused_faults(&self) -> usize {
        self.site.lock().faults.unused()
    }
}

/// The journal.
impl JiraSim {
    /// Every exchange so far.
    pub fn journal(&self) -> Journal {
        Journal { exchanges: self.site.lock().journal.clone() }
    }

    /// Waits until the condition holds. It is asked after every change, and never between.
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&View) -> bool) -> Result<(), TimedOut> {
        self.wait_at_most(PATIENCE, what, condition).await
    }

    /// The same with another patience.
    pub async fn wait_at_most(
        &self,
        patience: Duration,
        what: &str,
        condition: impl Fn(&View) -> bool,
    ) -> Result<(), TimedOut> {
        let mut changes = self.site.changes.subscribe();
        let come_true = changes.wait_for(|_| condition(&View(&self.site.lock())));
        let result = tokio::time::timeout(patience, come_true).await;
        if result.is_ok() {
            return Ok(());
        }
        Err(TimedOut { what: what.into(), requests: self.journal().lines().join("\n") })
    }
}

/// The site as [`JiraSim::wait_until`] shows it to its condition.
pub struct View<'a>(&'a Core);

impl View<'_> {
    /// The name of an issue's status.
    pub fn status(&self, key: &str) -> Option<String> {
        let issue = self.0.state.issue(key)?;
        Some(self.0.state.status_name(issue.status))
    }

    /// Whether the issue stands in this status.
    pub fn is_in(&self, key: &str, status: &str) -> bool {
        self.status(key).is_some_and(|name| name == status)
    }

    /// An issue.
    pub fn issue(&self, key: &str) -> Option<&Issue> {
        self.0.state.issue(key)
    }

    /// Every exchange so far.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.0.journal
    }

    /// How many exchanges fit.
    pub fn count(&self, fits: impl Fn(&Exchange) -> bool) -> usize {
        self.0.journal.iter().filter(|one| fits(one)).count()
    }
}
