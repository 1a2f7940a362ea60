//! Which transition leads to a status, and a cache of what Jira offered.
//!
//! Ids differ from workflow to workflow, and one id can mean two things in two of them; a workflow hangs
//! on the issue type. So what was offered is remembered by site, project, issue type and current status.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::Mutex;

use super::model::{Issue, Transition};
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
    /// Who asks now; whoever wants to know the same waits for the answer.
    asking: Cache<Key, Arc<Mutex<()>>>,
}

/// The answer to "how does this ticket get there?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// By this transition.
    Found {
        /// The transition.
        transition: Transition,
        /// It was remembered, so Jira may refuse it: then [`TransitionCache::forget`] and look again.
        cached: bool,
    },
    /// By none of those that Jira offers now.
    Missing {
        /// What it offers, as `name → status`. Empty: the account probably may not transition issues.
        offered: Vec<String>,
    },
    /// By several, and nothing says which.
    Ambiguous {
        /// Their names.
        names: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    site: String,
    project: String,
    issue_type: String,
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
        Self {
            offers: Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build(),
            asking: Cache::builder().max_capacity(MOST).time_to_idle(ASKING).build(),
        }
    }

    /// The transition that leads this ticket to the status of this name.
    ///
    /// Names are compared exactly first, then without regard to case. `via` (a transition's exact name or
    /// id) picks among several. Only a transition found is answered from memory: anything else is asked
    /// of Jira before it is believed.
    pub async fn find(
        &self,
        client: &JiraClient,
        issue: &Issue,
        to_status: &str,
        via: Option<&str>,
        log: &mut CallLog,
    ) -> Result<Lookup, JiraError> {
        let key = Key::of(client, issue);
        if let Some(found) = self.remembered(&key, to_status, via).await {
            return Ok(found);
        }
        let asking = self.asking.get_with(key.clone(), async { Arc::default() }).await;
        let _turn = asking.lock().await;
        if let Some(found) = self.remembered(&key, to_status, via).await {
            return Ok(found);
        }
        let offered = client.transitions(&issue.key, log).await?;
        let lookup = pick(&offered, to_status, via, false);
        self.remember(key, offered).await;
        Ok(lookup)
    }

    async fn remembered(&self, key: &Key, to_status: &str, via: Option<&str>) -> Option<Lookup> {
        let lookup = pick(&self.offers.get(key).await?, to_status, via, true);
        matches!(lookup, Lookup::Found { .. }).then_some(lookup)
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

impl Key {
    fn of(client: &JiraClient, issue: &Issue) -> Self {
        Self {
            site: client.site().to_owned(),
            project: issue.project.clone(),
            issue_type: issue.issue_type.id.clone(),
            status: issue.status.id.clone(),
        }
    }
}

/// Chooses among what is offered, as a move would.
pub fn choose(offered: &[Transition], to_status: &str, via: Option<&str>) -> Lookup {
    pick(offered, to_status, via, false)
}

fn pick(offered: &[Transition], to_status: &str, via: Option<&str>, cached: bool) -> Lookup {
    let mut leading = leading_to(offered, to_status);
    if let Some(via) = via {
        leading.retain(|transition| transition.name == via || transition.id == via);
    }
    match leading.as_slice() {
        [] => Lookup::Missing { offered: offered.iter().map(described).collect() },
        several => match obvious(several, to_status) {
            Some(transition) => Lookup::Found { transition: transition.clone(), cached },
            None => Lookup::Ambiguous { names: several.iter().map(|t| t.name.clone()).collect() },
        },
    }
}

/// Those that lead to the status of this name.
pub fn leading_to<'a>(offered: &'a [Transition], status: &str) -> Vec<&'a Transition> {
    let exact: Vec<_> = offered.iter().filter(|transition| transition.to.name == status).collect();
    if !exact.is_empty() {
        return exact;
    }
    let folded = fold(status);
    offered.iter().filter(|transition| fold(&transition.to.name) == folded).collect()
}

/// The only one; else the one named as the status is; else the only one that needs no field. None is obvious where
/// they lead to two statuses of that name: nobody but a person knows which of them is meant.
fn obvious<'a>(several: &[&'a Transition], status: &str) -> Option<&'a Transition> {
    let first = several.first()?;
    if several.iter().any(|transition| transition.to.id != first.to.id) {
        return None;
    }
    only(several, |_| true)
        .or_else(|| only(several, |transition| fold(&transition.name) == fold(status)))
        .or_else(|| only(several, Transition::needs_nothing))
}

fn only<'a>(several: &[&'a Transition], good: impl Fn(&Transition) -> bool) -> Option<&'a Transition> {
    let mut found = several.iter().copied().filter(|transition| good(transition));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

fn described(transition: &Transition) -> String {
    format!("{} → {}", transition.name, transition.to.name)
}

#[cfg(test)]
mod tests {
    use super::super::model::{Named, RequiredField};
    use super::*;

    fn transition(id: &str, name: &str, to: &str) -> Transition {
        Transition {
            id: id.to_owned(),
            name: name.to_owned(),
            to: Named { id: format!("s{to}"), name: to.to_owned() },
            required: Vec::new(),
            screen_fields: std::collections::BTreeMap::new(),
            has_screen: false,
            available: true,
        }
    }

    fn asking(mut transition: Transition, field: &str, has_default: bool) -> Transition {
        transition.required = vec![RequiredField {
            id: field.to_owned(),
            name: field.to_owned(),
            has_default,
            allowed: Vec::new(),
        }];
        transition
    }

    fn found(offered: &[Transition], status: &str, via: Option<&str>) -> Option<String> {
        match pick(offered, status, via, false) {
            Lookup::Found { transition, .. } => Some(transition.id),
            _ => None,
        }
    }

    #[test]
    fn the_status_it_leads_to_counts_and_not_its_name() {
        let offered = [transition("11", "Done", "In Review"), transition("21", "Ship it", "Done")];
        assert_eq!(found(&offered, "Done", None).as_deref(), Some("21"));
        assert_eq!(found(&offered, "in review", None).as_deref(), Some("11"));
        assert_eq!(
            pick(&offered, "Closed", None, false),
            Lookup::Missing { offered: vec!["Done → In Review".to_owned(), "Ship it → Done".to_owned()] }
        );
        assert_eq!(pick(&[], "Closed", None, false), Lookup::Missing { offered: Vec::new() });
    }

    #[test]
    fn an_exact_name_is_preferred_to_one_that_differs_in_case() {
        let offered = [transition("1", "a", "DONE"), transition("2", "b", "Done")];
        assert_eq!(found(&offered, "Done", None).as_deref(), Some("2"));
        assert_eq!(found(&offered, "DONE", None).as_deref(), Some("1"));
        assert_eq!(found(&offered, "done", None), None, "both differ");
        assert_eq!(found(&[transition("3", "x", "ÉTÉ")], "été", None).as_deref(), Some("3"));
    }

    #[test]
    fn via_picks_among_several_by_name_or_id_and_never_by_guess() {
        let offered = [
            transition("31", "Ship", "Done"),
            transition("41", "Reject", "Done"),
            transition("51", "Park", "Open"),
        ];
        assert_eq!(found(&offered, "Done", Some("Reject")).as_deref(), Some("41"));
        assert_eq!(found(&offered, "Done", Some("31")).as_deref(), Some("31"));
        assert_eq!(found(&offered, "Done", Some("reject")), None);
        assert_eq!(found(&offered, "Done", Some("Park")), None, "it leads elsewhere");
    }

    #[test]
    fn two_statuses_of_one_name_are_not_told_apart_by_guess() {
        let done = transition("31", "Done", "Done");
        let mut other = transition("41", "Close", "Done");
        other.to.id = "another".to_owned();
        let offered = [done, other];
        let names = vec!["Done".to_owned(), "Close".to_owned()];
        assert_eq!(pick(&offered, "Done", None, false), Lookup::Ambiguous { names });
        assert_eq!(found(&offered, "Done", Some("Close")).as_deref(), Some("41"));
    }

    #[test]
    fn of_several_the_one_named_as_the_status_then_the_only_one_that_needs_no_field() {
        let (ship, done) = (transition("31", "Ship", "Done"), transition("41", "done", "Done"));
        assert_eq!(found(&[ship.clone(), done], "Done", None).as_deref(), Some("41"));
        let reject = asking(transition("51", "Reject", "Done"), "resolution", false);
        assert_eq!(found(&[ship.clone(), reject.clone()], "Done", None).as_deref(), Some("31"));
        let close = asking(transition("61", "Close", "Done"), "resolution", true);
        assert_eq!(found(&[reject, close.clone()], "Done", None).as_deref(), Some("61"), "Jira fills it in");
        let names = vec!["Ship".to_owned(), "Close".to_owned()];
        assert_eq!(pick(&[ship, close], "Done", None, false), Lookup::Ambiguous { names });
    }
}
