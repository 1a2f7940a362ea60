//! A project's board as Jira shows it: issue types with their statuses, and where tickets can go from each.
//!
//! Jira tells an ordinary account of transitions only by a ticket that stands before them. So one ticket of each
//! type in each status is looked for, and asked. Where there is none, nothing is known, and nothing is guessed here.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::jira::{
    BoardStatus, CallLog, JiraError, Permissions, Sample, Scope, Survey, Transition, TypeStatuses, permission,
};

/// How many pages of tickets are looked through for samples.
const MOST_PAGES: usize = 5;
/// How many samples are asked at once.
const AT_ONCE: usize = 4;

/// What the account needs to know of its permissions in a project.
const ASKED: [&str; 6] = [
    permission::BROWSE,
    permission::TRANSITION,
    permission::COMMENT,
    permission::LINK,
    permission::EDIT,
    permission::ADMINISTER,
];

/// A project as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    /// Its key, in capitals.
    pub project: String,
    /// What the account may do there.
    pub permissions: Permissions,
    /// Its issue types.
    pub types: Vec<BoardType>,
}

/// An issue type with its workflow, as far as tickets show it.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardType {
    /// Its name.
    pub name: String,
    /// Whether its tickets are parts of others.
    pub subtask: bool,
    /// Its statuses, in Jira's order.
    pub statuses: Vec<BoardStatus>,
    /// What is offered to a ticket, by the id of the status that it stands in.
    pub offers: BTreeMap<String, Offer>,
}

/// What is offered to a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The ticket's key.
    pub ticket: String,
    /// The transitions, those that a condition hides among them where Jira tells.
    pub transitions: Vec<Transition>,
}

impl Board {
    /// Reads a project, whose key is in capitals. Nothing is written.
    pub async fn read(survey: &Survey, project: &str, log: &mut CallLog) -> Result<Self, JiraError> {
        let permissions = survey.permissions(&ASKED, Scope::Project(project), log).await?;
        let types = survey.statuses(project, log).await?;
        let samples = samples(survey, project, &types, log).await?;
        let mut offers = offers(survey, samples).await?;
        let types = types.into_iter().map(|one| BoardType {
            offers: offers.remove(&one.issue_type.id).unwrap_or_default(),
            name: one.issue_type.name,
            subtask: one.subtask,
            statuses: one.statuses,
        });
        Ok(Self { project: project.to_owned(), permissions, types: types.collect() })
    }

    /// The types that have tickets; all of them while there is no ticket at all.
    pub fn in_use(&self) -> impl Iterator<Item = &BoardType> {
        let empty = self.types.iter().all(|one| one.offers.is_empty());
        self.types.iter().filter(move |one| empty || !one.offers.is_empty())
    }

    /// Every status of the board by its name, once, in Jira's order.
    pub fn statuses(&self) -> Vec<&BoardStatus> {
        let mut found: Vec<&BoardStatus> = Vec::new();
        for status in self.types.iter().flat_map(|one| &one.statuses) {
            if !found.iter().any(|known| same_name(&known.name, &status.name)) {
                found.push(status);
            }
        }
        found
    }
}

impl BoardType {
    /// The status of this name.
    pub fn status(&self, name: &str) -> Option<&BoardStatus> {
        self.statuses.iter().find(|status| same_name(&status.name, name))
    }

    /// What is offered in the status of this name; `None` when no ticket shows it.
    pub fn offer(&self, status: &str) -> Option<&Offer> {
        self.offers.get(&self.status(status)?.id)
    }
}

/// Whether two names are one status's. Case is nobody's intention here.
pub fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// The latest ticket of each type in each status.
async fn samples(
    survey: &Survey,
    project: &str,
    types: &[TypeStatuses],
    log: &mut CallLog,
) -> Result<Vec<Sample>, JiraError> {
    let wanted: usize = types.iter().map(|one| one.statuses.len()).sum();
    let mut found: BTreeMap<(String, String), Sample> = BTreeMap::new();
    let mut from = None;
    for _ in 0..MOST_PAGES {
        let page = survey.recent(project, from.as_deref(), log).await?;
        for ticket in page.tickets {
            found.entry((ticket.type_id.clone(), ticket.status_id.clone())).or_insert(ticket);
        }
        from = page.next;
        if from.is_none() || found.len() >= wanted {
            break;
        }
    }
    Ok(found.into_values().collect())
}

type Offers = BTreeMap<String, BTreeMap<String, Offer>>;

async fn offers(survey: &Survey, samples: Vec<Sample>) -> Result<Offers, JiraError> {
    let ask = |sample: Sample| async move {
        let transitions = survey.transitions(&sample.key, &mut CallLog::default()).await?;
        Ok((sample, transitions))
    };
    let asked: Vec<_> = stream::iter(samples).map(ask).buffered(AT_ONCE).try_collect().await?;
    let mut offers = Offers::new();
    for (sample, transitions) in asked {
        let of_type = offers.entry(sample.type_id).or_default();
        of_type.insert(sample.status_id, Offer { ticket: sample.key, transitions });
    }
    Ok(offers)
}
