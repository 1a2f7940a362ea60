//! Why something is not there for us. Jira says the same of what is hidden and of what does not exist; a second
//! question tells them apart, and is asked only after the first answer was no.

use super::choose::{Lookup, Target, pick};
use super::permission::{BROWSE, TRANSITION};
use super::statuses::Statuses;
use super::{CallLog, Dialect, Failure, Issue, JiraClient, JiraError, Scope};

/// Why no transition leads to a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWay {
    /// The account may not transition the ticket.
    NotPermitted,
    /// A condition of the workflow hides it.
    Hidden {
        /// Its name.
        name: String,
    },
    /// The workflow has none.
    None,
    /// The account may transition the ticket, and this Jira does not tell hidden transitions from missing ones.
    NotTold,
    /// Jira did not say what the account may do.
    Unknown,
}

/// Why no ticket answers to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoIssue {
    /// The account may not see the project's tickets.
    NotPermitted,
    /// The account sees the project, so the ticket is not there, or has a security level.
    Missing,
    /// The account sees no such project.
    NoProject,
}

impl JiraClient {
    /// Why none of those transitions that are offered leads a ticket to this status.
    pub async fn why_no_way(
        &self,
        issue: &Issue,
        to: Target<'_>,
        via: Option<&str>,
        any_offered: bool,
        log: &mut CallLog,
    ) -> Result<NoWay, JiraError> {
        if !any_offered {
            let scope = Scope::Issue(&issue.key);
            match certain(self.permissions(&[BROWSE, TRANSITION], scope, log).await)? {
                None => return Ok(NoWay::Unknown),
                Some(permissions) if !permissions.has(TRANSITION) => return Ok(NoWay::NotPermitted),
                Some(_) => {}
            }
        }
        if self.dialect() == Dialect::DataCenter {
            return Ok(NoWay::NotTold);
        }
        let Some(all) = certain(self.all_transitions(&issue.key, log).await)? else {
            return Ok(NoWay::Unknown);
        };
        let ids = to.ids(&Statuses::of(&all));
        let hidden: Vec<_> = all.into_iter().filter(|transition| !transition.available).collect();
        Ok(match pick(&hidden, &ids, to.name, via, false) {
            Lookup::Found { transition, .. } => NoWay::Hidden { name: transition.name },
            Lookup::Ambiguous { leading } => {
                let names: Vec<_> = leading.iter().map(|one| one.name.as_str()).collect();
                NoWay::Hidden { name: names.join("`, `") }
            }
            Lookup::Missing { .. } => NoWay::None,
        })
    }

    /// Why Jira knows no ticket of this key.
    pub async fn why_no_issue(&self, key: &str, log: &mut CallLog) -> Result<NoIssue, JiraError> {
        let project = key.rsplit_once('-').map_or(key, |(project, _)| project);
        let permissions = certain(self.permissions(&[BROWSE], Scope::Project(project), log).await)?;
        Ok(match permissions {
            None => NoIssue::NoProject,
            Some(permissions) if permissions.lacks(BROWSE) => NoIssue::NotPermitted,
            Some(_) => NoIssue::Missing,
        })
    }
}

/// The answer; `None` when Jira will not say, however often it is asked.
fn certain<T>(answer: Result<T, JiraError>) -> Result<Option<T>, JiraError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(JiraError {
            failure: Failure::NotFound | Failure::Forbidden | Failure::Refused { .. }, ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}
