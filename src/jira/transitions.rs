//! A memory of what Jira offered, and of what statuses are called.
//!
//! Ids of transitions differ from workflow to workflow, and one id can mean two things in two of them; a workflow hangs
//! on the issue type. So what was offered is remembered by site, project, issue type and current status, and what
//! statuses are called by site, project and issue type.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::Mutex;

use super::choose::{Lookup, Target, pick};
use super::model::{Issue, Named, Transition};
use super::statuses::Statuses;
use super::{CallLog, JiraClient, JiraError};

/// Workflows change rarely, and a refused id is asked for again at once.
const REMEMBERED: Duration = Duration::from_hours(24);

/// Longer than a question takes.
const ASKING: Duration = Duration::from_mins(1);

/// One for each status of each issue type of each project in use; more only cost a read again.
const MOST: u64 = 10_000;

/// What Jira offered, remembered for a day. Clones share it.
#[derive(Debug, Clone)]
pub struct TransitionCache {
    offers: Cache<Key, Arc<Vec<Transition>>>,
    statuses: Cache<Kind, Arc<std::sync::Mutex<Statuses>>>,
    /// Who asks now; whoever wants to know the same waits for the answer.
    asking: Cache<Key, Arc<Mutex<()>>>,
}

/// Tickets of one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    site: String,
    project: String,
    issue_type: String,
}

/// Those of them that stand in one status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    status: String,
}

impl Default for TransitionCache {
    fn default() -> Self {
        Self::new()
    }
}

impl TransitionCache {
    /// An empty cache.
    pub fn new() -> Self {
        let offers = Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build();
        let statuses = Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build();
        Self { offers, statuses, asking: Cache::builder().max_capacity(MOST).time_to_idle(ASKING).build() }
    }

    /// The transition that leads this ticket to a status.
    ///
    /// The name is resolved to the ids that it stands for among what was heard of the statuses of the ticket's project and
    /// type; names are compared exactly first, then without regard to case. `via` (a transition's exact name or id)
    /// picks among several. Only a transition found is answered from memory: anything else is asked of Jira
    /// before it is believed.
    pub async fn find(
        &self,
        client: &JiraClient,
        issue: &Issue,
        to: Target<'_>,
        via: Option<&str>,
        log: &mut CallLog,
    ) -> Result<Lookup, JiraError> {
        let key = Key::of(client, issue);
        if let Some(found) = self.remembered(&key, to, via).await {
            return Ok(found);
        }
        let asking = self.asking.get_with(key.clone(), async { Arc::default() }).await;
        let _turn = asking.lock().await;
        if let Some(found) = self.remembered(&key, to, via).await {
            return Ok(found);
        }
        let offered = client.transitions(&issue.key, log).await?;
        self.hear(&key.kind, offered.iter().map(|one| &one.to)).await;
        let lookup = pick(&offered, &self.meant(&key.kind, to).await, to.name, via, false);
        self.remember(key, offered).await;
        Ok(lookup)
    }

    async fn remembered(&self, key: &Key, to: Target<'_>, via: Option<&str>) -> Option<Lookup> {
        let offered = self.offers.get(key).await?;
        let lookup = pick(&offered, &self.meant(&key.kind, to).await, to.name, via, true);
        matches!(lookup, Lookup::Found { .. }).then_some(lookup)
    }

    /// A ticket was read: its status is called so now.
    pub async fn seen(&self, client: &JiraClient, issue: &Issue) {
        self.hear(&Kind::of(client, issue), [&issue.status]).await;
    }

    async fn hear<'a>(&self, kind: &Kind, told: impl IntoIterator<Item = &'a Named>) {
        let known = self.statuses.get_with_by_ref(kind, async { Arc::default() }).await;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        told.into_iter().for_each(|status| known.hear(status));
    }

    /// The ids of the statuses that may be meant.
    async fn meant(&self, kind: &Kind, to: Target<'_>) -> Vec<String> {
        let known = self.statuses.get_with_by_ref(kind, async { Arc::default() }).await;
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        to.ids(&known)
    }

    /// Forgets what was offered to tickets like this one: after *any* failed move by a remembered
    /// transition, since Data Center answers a wrong id with a 500.
    pub async fn forget(&self, client: &JiraClient, issue: &Issue) {
        self.offers.invalidate(&Key::of(client, issue)).await;
    }

    /// An empty offer is a matter of permission, which somebody may be about to grant.
    async fn remember(&self, key: Key, offered: Vec<Transition>) {
        if offered.is_empty() {
            self.offers.invalidate(&key).await;
        } else {
            self.offers.insert(key, Arc::new(offered)).await;
        }
    }
}

impl Kind {
    fn of(client: &JiraClient, issue: &Issue) -> Self {
        Self {
            site: client.site().to_owned(),
            project: issue.project.clone(),
            issue_type: issue.issue_type.id.clone(),
        }
    }
}

impl Key {
    fn of(client: &JiraClient, issue: &Issue) -> Self {
        Self { kind: Kind::of(client, issue), status: issue.status.id.clone() }
    }
}
