//! Jira, as the worker drives it. The calls themselves are [`crate::jira`]'s.

mod bulk;
mod versions;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::absent::{no_issue, no_way, several_ways};
use super::{Answer, Bulk, Change, Class, Found, Log, Processor, Setback, Status, Taken, Ticket};
use crate::clock::Clock;
use crate::jira::{
    Call, CallLog, Failure, Issue, JiraClient, JiraError, Lookup, Named, NoWay, RemoteLink, StatusChange,
    Target, TransitionCache, TransitionRequest,
};
use crate::machine::{FixVersion, Hop, Link};
use crate::telemetry;
use crate::trace::{Attempt, Reason};

/// How Jira writes a moment.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.f%z";

/// One Jira site.
pub struct Jira {
    client: JiraClient,
    transitions: TransitionCache,
    clock: Clock,
    /// The id of our account, once somebody asked.
    own: OnceCell<String>,
    known: bulk::Known,
    versions: versions::Versions,
}

impl Jira {
    /// Drives the site that `client` talks to. Sites may share a cache.
    pub fn new(client: JiraClient, transitions: TransitionCache, clock: Clock) -> Self {
        let (own, known, versions) = (OnceCell::new(), bulk::Known::default(), versions::Versions::default());
        Self { client, transitions, clock, own, known, versions }
    }

    /// A ticket as it was just read, which also tells what its status is called now.
    async fn known(&self, issue: Issue) -> Ticket {
        self.transitions.seen(&self.client, &issue).await;
        ticket(issue)
    }

    /// The fields as Jira wants them.
    fn filled(&self, step: &Taken<'_>) -> BTreeMap<String, Value> {
        let fill = |(id, value): (&String, &Value)| {
            let shape = step.found.fields.get(id).cloned().unwrap_or_default();
            (id.clone(), shape.fill(value.clone(), self.client.dialect()))
        };
        step.fields.iter().map(fill).collect()
    }
}

#[async_trait]
impl Processor for Jira {
    fn settles_within(&self) -> Duration {
        self.client.timeout()
    }

    async fn read(&self, key: &str, log: &mut Log) -> Answer<Ticket> {
        let mut calls = Calls::into(log);
        match self.client.issue(key, &mut calls.made).await {
            Err(error) if error.failure == Failure::NotFound => {
                let why = self.client.why_no_issue(key, &mut calls.made).await.map_err(while_reading)?;
                Err(no_issue(key, &why))
            }
            Ok(issue) => Ok(self.known(issue).await),
            Err(error) => Err(while_reading(error)),
        }
    }

    async fn changes(&self, ticket: &Ticket, updated: &str, log: &mut Log) -> Answer<Vec<Change>> {
        let mut calls = Calls::into(log);
        let all = self.client.history(&ticket.key, &mut calls.made).await.map_err(while_reading)?;
        let since = moment(updated);
        // When the moment cannot be read, every change counts: then nothing is asked for twice.
        let later = all.into_iter().filter(|change| since.is_none_or(|since| change.at > since));
        Ok(later.map(change).collect())
    }

    async fn find(&self, ticket: &Ticket, hop: &Hop, to: Option<&str>, log: &mut Log) -> Answer<Found> {
        let mut calls = Calls::into(log);
        let (issue, via) = (issue(ticket), hop.via.as_deref());
        let to = Target { name: &hop.to_status, id: to };
        let lookup = self.transitions.find(&self.client, &issue, to, via, &mut calls.made).await;
        let lookup = lookup.map_err(while_reading)?;
        let hit = matches!(lookup, Lookup::Found { cached: true, .. });
        telemetry::transition_cache(if hit { "hit" } else { "miss" });
        if let Lookup::Missing { offered } = &lookup {
            let any = !offered.is_empty();
            let why = self.client.why_no_way(&issue, to, via, any, &mut calls.made).await;
            return Err(no_way(&why.map_err(while_reading)?, offered, ticket, hop));
        }
        found(lookup, ticket, hop)
    }

    async fn forget(&self, ticket: &Ticket) {
        telemetry::transition_cache("refreshed");
        self.transitions.forget(&self.client, &issue(ticket)).await;
    }

    async fn take(&self, ticket: &Ticket, step: &Taken<'_>, log: &mut Log) -> Answer<()> {
        let mut calls = Calls::into(log);
        let request = TransitionRequest {
            id: step.found.id.clone(),
            fields: self.filled(step),
            comment: step.comment.map(str::to_owned),
        };
        self.client.transition(&ticket.key, &request, &mut calls.made).await.map_err(while_writing)
    }

    async fn comment(&self, ticket: &Ticket, text: &str, log: &mut Log) -> Answer<()> {
        let mut calls = Calls::into(log);
        self.client.comment(&ticket.key, text, &mut calls.made).await.map_err(while_writing)
    }

    async fn has_comment(&self, ticket: &Ticket, text: &str, updated: &str, log: &mut Log) -> Answer<bool> {
        let mut calls = Calls::into(log);
        let since = moment(updated).unwrap_or(Timestamp::UNIX_EPOCH);
        let comments = self.client.comments_since(&ticket.key, since, &mut calls.made).await;
        Ok(comments.map_err(while_reading)?.iter().any(|comment| comment.says(text)))
    }

    async fn link(&self, ticket: &Ticket, link: &Link, log: &mut Log) -> Answer<()> {
        let mut calls = Calls::into(log);
        // The address makes the link what it is; its hash always fits into the 255 characters there are.
        let global_id = format!("conduit:{}", HEXLOWER.encode(&Sha256::digest(&link.url)));
        let link = RemoteLink { global_id, url: link.url.clone(), title: link.title.clone() };
        self.client.remote_link(&ticket.key, &link, &mut calls.made).await.map_err(while_writing)
    }

    async fn fix_version(&self, ticket: &Ticket, version: &FixVersion, log: &mut Log) -> Answer<()> {
        let mut calls = Calls::into(log);
        let must_be_there = version.create || version.released;
        if must_be_there {
            let today = self.clock.now().to_zoned(TimeZone::UTC).date();
            self.versions.see_to(&self.client, ticket, version, today, &mut calls.made).await?;
        }
        let added = self.client.add_fix_version(&ticket.key, &version.name, &mut calls.made).await;
        if must_be_there && added.is_err() {
            self.versions.forget(ticket, version).await;
        }
        added.map_err(while_writing)
    }

    async fn is_us(&self, account: &str, log: &mut Log) -> Answer<bool> {
        let mut calls = Calls::into(log);
        let ask = async || self.client.myself(&mut calls.made).await.map(|own| own.id).map_err(while_reading);
        // Data Center writes a user's name in whatever case it was first written in.
        Ok(self.own.get_or_try_init(ask).await?.eq_ignore_ascii_case(account))
    }

    async fn probe(&self) -> Answer<()> {
        self.client.myself(&mut CallLog::default()).await.map(|_| ()).map_err(while_reading)
    }

    fn bulk(&self) -> Option<&dyn Bulk> {
        Some(self)
    }
}

/// The client's log, carried into the trace when the call is over, however it ends.
struct Calls<'a> {
    log: &'a mut Log,
    made: CallLog,
}

impl<'a> Calls<'a> {
    fn into(log: &'a mut Log) -> Self {
        Self { log, made: CallLog::default() }
    }
}

impl Drop for Calls<'_> {
    fn drop(&mut self) {
        self.log.extend(self.made.0.drain(..).map(attempt));
    }
}

fn attempt(call: Call) -> Attempt {
    let Call { at, call, status, ms, note } = call;
    Attempt { at, call: call.to_owned(), status, ms, note }
}

fn ticket(issue: Issue) -> Ticket {
    Ticket {
        id: issue.id,
        key: issue.key,
        project: issue.project,
        project_id: issue.project_id,
        status: Status { id: issue.status.id, name: issue.status.name },
        updated: issue.updated,
        type_id: issue.issue_type.id,
        issue_type: issue.issue_type.name,
        labels: issue.labels,
        assignee: issue.assignee,
    }
}

fn issue(ticket: &Ticket) -> Issue {
    Issue {
        id: ticket.id.clone(),
        key: ticket.key.clone(),
        project: ticket.project.clone(),
        project_id: ticket.project_id.clone(),
        issue_type: Named { id: ticket.type_id.clone(), name: ticket.issue_type.clone() },
        status: Named { id: ticket.status.id.clone(), name: ticket.status.name.clone() },
        labels: ticket.labels.clone(),
        assignee: ticket.assignee.clone(),
        updated: ticket.updated.clone(),
    }
}

fn change(change: StatusChange) -> Change {
    Change { at: change.at, from: change.from_id, to: change.to_id }
}

fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::strptime(MOMENT, text).ok()
}

fn found(lookup: Lookup, ticket: &Ticket, hop: &Hop) -> Answer<Found> {
    match lookup {
        Lookup::Found { transition, cached } => {
            let required = transition.required.into_iter().filter(|field| !field.has_default);
            Ok(Found {
                id: transition.id,
                name: transition.name,
                to: transition.to.id,
                cached,
                required: required.map(|field| (field.id, field.name)).collect(),
                fields: transition.screen_fields,
                takes_comment: transition.has_screen,
            })
        }
        Lookup::Missing { offered } => Err(no_way(&NoWay::None, &offered, ticket, hop)),
        Lookup::Ambiguous { leading } => {
            Err(Setback::permanent(Reason::NoJiraTransition, several_ways(&leading, ticket, hop)))
        }
    }
}

fn while_reading(error: JiraError) -> Setback {
    Setback { unknown: false, ..while_writing(error) }
}

fn while_writing(error: JiraError) -> Setback {
    let unknown = error.outcome_unknown();
    let message = error.to_string();
    let class = match error.failure {
        Failure::RateLimited { after, reason }
            if reason.as_deref().is_some_and(|reason| reason.contains("quota")) =>
        {
            Class::Quota(after)
        }
        Failure::RateLimited { after, .. } => Class::RateLimited(after),
        Failure::Credentials => Class::Credentials,
        Failure::Forbidden => Class::Permanent(Reason::NoPermission),
        Failure::NotFound => Class::Permanent(Reason::IssueNotFound),
        Failure::Conflict => Class::Conflict,
        Failure::Refused { fields, .. } => Class::Refused(fields.into_iter().map(|(id, _)| id).collect()),
        Failure::ServerError { after, .. } => Class::Server(after),
        Failure::Unreachable | Failure::NoAnswer | Failure::Unintelligible => Class::Unreachable,
    };
    Setback { class, unknown, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jiras_moments_are_read() {
        let read = moment("2026-11-22T09:30:00.123+0100").unwrap();
        assert_eq!(read.to_string(), "2026-11-22T08:30:00.123Z");
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn a_read_that_failed_has_changed_nothing() {
        let error = || JiraError { call: "issue", failure: Failure::NoAnswer, message: "timed out".into() };
        assert!(while_writing(error()).unknown);
        assert!(!while_reading(error()).unknown);
        assert_eq!(while_reading(error()).class, Class::Unreachable);
    }
}
