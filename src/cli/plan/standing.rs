//! Where each ticket stands.
//!
//! What the command line says comes first; then Jira, when it may be asked; then what a recorded event's
//! trace saw; then what Jira's own webhook said of the ticket; and else the state in which the machine's tickets begin.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::event::Event;
use crate::store::NewJob;
use crate::trace::{Outcome, Reason, TicketTrace, Trace};
use crate::worker::plan::{Planned, Planner, Seen};
use crate::worker::processor::{Answer, Log, ReadOnly, Ticket};

/// `SHOP-42="In Progress"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) key: String,
    pub(super) status: String,
}

/// What is known of where tickets stand.
pub(super) struct Standing {
    said: BTreeMap<String, String>,
    jira: Option<ReadOnly>,
    read: BTreeMap<String, Answer<Ticket>>,
    unreachable: Option<String>,
}

impl FromStr for Said {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, status) =
            pair(text).ok_or("must be an issue key and a status, such as SHOP-42=\"In Progress\"")?;
        Ok(Self { key, status })
    }
}

/// A key in capitals and what it is to be, both there.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let (key, value) = (key.trim().to_ascii_uppercase(), value.trim());
    let good = key.rsplit_once('-').is_some_and(|(project, number)| {
        !project.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    });
    (good && !value.is_empty()).then(|| (key, value.to_owned()))
}

impl Standing {
    /// What the command line says.
    pub(super) fn new(said: &[Said]) -> Self {
        let said = said.iter().map(|said| (said.key.clone(), said.status.clone())).collect();
        Self { said, jira: None, read: BTreeMap::new(), unreachable: None }
    }

    /// Jira may be asked, too.
    pub(super) fn ask(&mut self, jira: ReadOnly) {
        self.jira = Some(jira);
    }

    /// Why Jira could not be asked, when it was to be.
    pub(super) fn unreachable(&self) -> Option<&str> {
        self.unreachable.as_deref()
    }

    /// What would become of a ticket that has to be looked at.
    pub(super) async fn plan(
        &mut self,
        planner: &Planner<'_>,
        event: &Event,
        job: &NewJob,
        recorded: Option<&Trace>,
    ) -> Planned {
        if let Some(own) = recorded.and_then(|trace| own_change(trace, &job.key)) {
            return own.into();
        }
        if let Some(status) = self.said.get(&job.key) {
            let status = planner.status(&job.project, status);
            return planner.ticket(event, job, &Seen::Status(status, "given"));
        }
        if self.jira.is_some() {
            return self.live(planner, event, job).await;
        }
        let seen = match (recorded.and_then(|trace| seen(trace, &job.key)), told(event)) {
            (Some(status), _) => Seen::Status(status, "recorded"),
            (None, Some(status)) => Seen::Status(planner.status(&job.project, status), "payload"),
            (None, None) => {
                Seen::Status(planner.initial(&job.project).unwrap_or_default().to_owned(), "assumed")
            }
        };
        planner.ticket(event, job, &seen)
    }

    async fn live(&mut self, planner: &Planner<'_>, event: &Event, job: &NewJob) -> Planned {
        let mut log = Log::new();
        let mut fate = match self.read(job, &mut log).await {
            Ok(ticket) => {
                let mut fate = planner.ticket(event, job, &Seen::Live(Box::new(ticket.clone())));
                if let (Some(jira), Some(hop)) = (&self.jira, fate.path().first().cloned()) {
                    fate.first_hop(jira.transition(&job.site, &ticket, &hop, &mut log).await);
                }
                fate
            }
            Err(setback) => planner.unread(job, &setback),
        };
        fate.trace.attempts = log;
        if fate.trace.outcome == Outcome::Waiting {
            self.unreachable.clone_from(&fate.trace.detail);
        }
        fate
    }

    /// Asks Jira once for each ticket.
    async fn read(&mut self, job: &NewJob, log: &mut Log) -> Answer<Ticket> {
        if let Some(known) = self.read.get(&job.key) {
            return known.clone();
        }
        let Some(jira) = &self.jira else { return Ok(Ticket::default()) };
        let answer = jira.ticket(&job.site, &job.key, log).await;
        self.read.insert(job.key.clone(), answer.clone());
        answer
    }
}

/// The status that the recorded decision saw.
fn seen(recorded: &Trace, key: &str) -> Option<String> {
    let ticket = recorded.tickets.iter().find(|ticket| ticket.key == key)?;
    ticket.status.as_ref().map(|seen| seen.name.clone())
}

/// The ticket's trace, when Conduit itself had made the change that Jira told of. No rule decides on that.
fn own_change(recorded: &Trace, key: &str) -> Option<TicketTrace> {
    let ticket = recorded.tickets.iter().find(|ticket| ticket.key == key)?;
    (ticket.reason == Reason::Duplicate).then(|| ticket.clone())
}

/// Where Jira's own webhook said that the ticket stands.
fn told(event: &Event) -> Option<&str> {
    let issue = event.issue()?;
    let status = issue.moved.as_ref().map(|moved| &moved.to).or(issue.status.as_ref())?;
    Some(status.name.as_str()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_said_of_a_ticket() {
        let said: Said = "shop-42=In Progress".parse().unwrap();
        assert_eq!((said.key.as_str(), said.status.as_str()), ("SHOP-42", "In Progress"));
        for wrong in ["SHOP-42", "SHOP-42=", "SHOP=done", "=done", "-1=done", "SHOP-4x=done"] {
            assert!(wrong.parse::<Said>().is_err(), "{wrong}");
        }
    }
}
