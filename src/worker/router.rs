//! Fanning an event out to its tickets: a pure function from an inbox item to where its parts go.
//!
//! What needs nobody's answer is settled here, so that it costs no job: projects the hook may not move or
//! that have no machine, and events that no rule of the machine can match whatever the ticket's status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::processor::SiteMap;
use super::record;
use crate::event::Event;
use crate::event::ticket::{FoundKey, IgnoredKey, Projects, tickets};
use crate::machine::{Action, Machine, RuleSet, precheck};
use crate::store::{InboxItem, NewJob, Routing, Unreadable};
use crate::trace::{Reason, TicketTrace, Verdict};

/// Where an event goes, or [`None`] when a newer version wrote it and shall have it. `merged`: the pull
/// requests that its commit came from.
pub(super) fn route(
    item: &InboxItem,
    merged: &[Event],
    rules: &RuleSet,
    sites: &SiteMap,
    now: Timestamp,
) -> Option<Routing> {
    let event = match &item.event {
        Ok(event) => event,
        Err(Unreadable::Newer { .. }) => return None,
        Err(Unreadable::Damaged(why)) => return Some(unreadable(why)),
    };
    let run = Run { only: &item.only, projects: item.projects.as_deref(), replayed: item.replayed, merged };
    Some(fan_out(event, &run, rules, sites, now).into())
}

/// What holds for this run of an event beside what the event says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run<'a> {
    /// The tickets to take; empty: all that it names.
    pub(super) only: &'a [String],
    /// The projects that the hook may move; `None`: all.
    pub(super) projects: Option<&'a [String]>,
    /// A person asked for it: the number of tickets holds it back no longer.
    pub(super) replayed: bool,
    /// The pull requests that its commit came from.
    pub(super) merged: &'a [Event],
}

/// The parts of an event.
#[derive(Debug, Default)]
pub struct Fan {
    /// One for each ticket, in the order the event names them.
    pub parts: Vec<Part>,
    /// What looked like a key and was not acted on.
    pub ignored: Vec<IgnoredKey>,
    /// The event's own verdict when it has no parts.
    pub verdict: Option<Verdict>,
    /// One sentence that goes with the verdict.
    pub detail: Option<String>,
}

/// A ticket's part of an event.
#[derive(Debug)]
pub enum Part {
    /// It has to be looked at.
    Job(NewJob),
    /// Nobody need be asked.
    Settled(Box<TicketTrace>),
}

impl Part {
    fn key(&self) -> &str {
        match self {
            Self::Job(job) => &job.key,
            Self::Settled(trace) => &trace.key,
        }
    }
}

impl From<Fan> for Routing {
    fn from(fan: Fan) -> Self {
        let Fan { parts, ignored, verdict, detail } = fan;
        let mut routing = Self { ignored, verdict, detail, ..Self::default() };
        for part in parts {
            routing.order.push(part.key().to_owned());
            match part {
                Part::Job(job) => routing.jobs.push(job),
                Part::Settled(trace) => routing.settled.push(*trace),
            }
        }
        routing
    }
}

/// Fans an event out to its tickets.
pub(super) fn fan_out(event: &Event, run: &Run<'_>, rules: &RuleSet, sites: &SiteMap, now: Timestamp) -> Fan {
    if !event.is_supported() {
        return ended(Reason::UnsupportedEvent, Some(format!("{} is recorded only", event.kind)));
    }
    let projects = Projects::new(sites.projects());
    let found = tickets(event, &projects).with_merged(run.merged, &projects);
    let mut keys = found.found;
    keys.retain(|found| run.only.is_empty() || run.only.contains(&found.key));
    let fan = match too_many(event, &keys, rules).filter(|_| !run.replayed) {
        _ if keys.is_empty() => ended(Reason::NoKeys, None),
        Some(detail) => ended(Reason::TooManyTickets, Some(detail)),
        None => {
            let parts = keys.iter().map(|found| place(event, run, found, rules, sites, now));
            Fan { parts: parts.collect(), ..Fan::default() }
        }
    };
    Fan { ignored: found.ignored, ..fan }
}

fn unreadable(why: &str) -> Routing {
    let detail = Some(format!("the stored event cannot be read: {why}"));
    Routing { verdict: Some(Verdict::dead(Reason::Poison)), detail, ..Routing::default() }
}

fn ended(reason: Reason, detail: Option<String>) -> Fan {
    Fan { verdict: Some(reason.into()), detail, ..Fan::default() }
}

/// Which machine's limit the event exceeds, as a sentence.
fn too_many(event: &Event, keys: &[FoundKey], rules: &RuleSet) -> Option<String> {
    let mut named: BTreeMap<&str, u32> = BTreeMap::new();
    for found in keys {
        *named.entry(&found.project).or_default() += 1;
    }
    named.into_iter().find_map(|(project, named)| {
        let most = rules.machine(project)?.max_tickets(event);
        let sentence = || {
            format!(
                "it names {named} tickets of {project}, and {most} may move by one event: nothing moved; \
                 replay the event if it is right, or raise `max_tickets`"
            )
        };
        (named > most).then(sentence)
    })
}

/// The job for a ticket, or its trace when it is settled already.
fn place(
    event: &Event,
    run: &Run<'_>,
    found: &FoundKey,
    rules: &RuleSet,
    sites: &SiteMap,
    now: Timestamp,
) -> Part {
    let project = found.project.as_str();
    let settle = |reason: Reason, detail: String| {
        let mut trace = TicketTrace::queued(&found.key, found.found_in.clone(), now);
        record::detail(&mut trace, detail);
        Part::Settled(Box::new(record::end(trace, reason.into(), now)))
    };
    if !may_move(run.projects, project) {
        return settle(Reason::ProjectNotConfigured, not_the_hooks(project));
    }
    let Some(site) = sites.site_of(project) else {
        let detail = format!("no worker in workers.yaml has {project} in its `projects`");
        return settle(Reason::ProjectNotConfigured, detail);
    };
    let Some(machine) = rules.machine(project) else {
        let detail = format!("{project} is in workers.yaml, but no rule file has a provisioner for it");
        return settle(Reason::NoMachine, detail);
    };
    if let Some(trace) = settled_by_rules(machine, rules, event, found, now) {
        return Part::Settled(Box::new(trace));
    }
    Part::Job(NewJob {
        site: site.to_owned(),
        project: project.to_owned(),
        key: found.key.clone(),
        found_in: found.found_in.clone(),
    })
}

/// Whether a hook with these `projects` may move tickets of this one.
pub(super) fn may_move(projects: Option<&[String]>, project: &str) -> bool {
    projects.is_none_or(|only| only.iter().any(|key| key.eq_ignore_ascii_case(project)))
}

/// The sentence for a ticket that its hook may not move.
pub(super) fn not_the_hooks(project: &str) -> String {
    format!("the hook may not move tickets of {project}: see its `projects`")
}

/// The trace of a ticket whose machine has no use for the event wherever the ticket stands.
fn settled_by_rules(
    machine: &Machine,
    rules: &RuleSet,
    event: &Event,
    found: &FoundKey,
    now: Timestamp,
) -> Option<TicketTrace> {
    let decision = precheck(machine, event, &found.found_in)?;
    let Action::Stay(verdict) = decision.action else { return None };
    let mut trace = TicketTrace::queued(&found.key, found.found_in.clone(), now);
    record::machine(&mut trace, machine, rules);
    record::decision(&mut trace, &decision);
    Some(record::end(trace, verdict, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PullRequest, Repo, Subject, Trigger};
    use crate::machine::{SourceFile, load};
    use crate::store::EventId;

    const RULES: &str = r#"provisioner "shop" {
        aliasmapper "shop" { aliases = { to_do: "To Do", done: "Done" } }
        statemachine "shop" {
            initial = "to_do"
            state "to_do" "next" { transition = "done" }
            state "done" "next"  { transition = "<end>" }
        }
    }"#;

    fn rules() -> RuleSet {
        load(&[SourceFile::from_bytes("jira.hcl", RULES.as_bytes())]).rules.unwrap()
    }

    /// SHOP and OPS on one site.
    fn sites() -> SiteMap {
        let mut sites = SiteMap::default();
        sites.add("jira", ["shop", "ops"]).unwrap();
        sites
    }

    fn merged(title: &str) -> InboxItem {
        let event = Event {
            schema: crate::event::SCHEMA,
            provider: "github".into(),
            kind: "pull_request.merged".into(),
            triggers: vec![Trigger::PullRequestMerged],
            repo: Some(Repo { default_branch: Some("main".into()), ..Repo::default() }),
            sender: crate::event::Sender::default(),
            occurred_at: None,
            change: None,
            subject: Subject::PullRequest(PullRequest {
                title: title.into(),
                base: "main".into(),
                merged: true,
                ..PullRequest::default()
            }),
        };
        InboxItem {
            id: EventId::new("github/shop", "4711", "d-1"),
            generation: 1,
            only: vec![],
            projects: None,
            replayed: false,
            event: Ok(event),
            fence: 1,
            partition: 0,
        }
    }

    fn routed(item: &InboxItem) -> Routing {
        route(item, &[], &rules(), &sites(), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn jobs(routing: &Routing) -> Vec<&str> {
        routing.jobs.iter().map(|job| job.key.as_str()).collect()
    }

    fn settled(routing: &Routing) -> Vec<(&str, Reason)> {
        routing.settled.iter().map(|trace| (trace.key.as_str(), trace.reason)).collect()
    }

    #[test]
    fn each_ticket_gets_its_job_in_the_order_it_is_named() {
        let routing = routed(&merged("SHOP-2, shop-1 and SHOP-2"));
        assert_eq!(jobs(&routing), ["SHOP-2", "SHOP-1"]);
        assert_eq!((routing.jobs[0].site.as_str(), routing.jobs[0].project.as_str()), ("jira", "SHOP"));
        assert!(routing.settled.is_empty() && routing.verdict.is_none());
    }

    #[test]
    fn a_replay_of_some_tickets_takes_only_those() {
        let item = InboxItem { only: vec!["SHOP-1".into()], ..merged("SHOP-1 SHOP-2") };
        assert_eq!(jobs(&routed(&item)), ["SHOP-1"]);
    }

    #[test]
    fn what_the_hook_may_not_move_and_what_has_no_machine_is_settled() {
        let item = InboxItem { projects: Some(vec!["OPS".into()]), ..merged("SHOP-1 OPS-1") };
        let routing = routed(&item);
        assert!(routing.jobs.is_empty());
        assert_eq!(routing.order, ["SHOP-1", "OPS-1"]);
        let expected = [("SHOP-1", Reason::ProjectNotConfigured), ("OPS-1", Reason::NoMachine)];
        assert_eq!(settled(&routing), expected);
        assert!(routing.settled.iter().all(|trace| trace.finished_at.is_some()));
    }

    #[test]
    fn what_no_rule_can_match_is_settled_without_a_job() {
        let mut item = merged("Revert \"SHOP-1: pay\"");
        assert_eq!(settled(&routed(&item)), [("SHOP-1", Reason::NoRuleMatched)]);
        item.event = item.event.map(|event| Event { triggers: vec![], ..event });
        assert_eq!(routed(&item).verdict, Some(Reason::UnsupportedEvent.into()));
    }

    #[test]
    fn too_many_tickets_wait_for_a_person() {
        let many: Vec<_> = (1..=51).map(|number| format!("SHOP-{number}")).collect();
        let item = merged(&many.join(" "));
        assert_eq!(routed(&item).verdict, Some(Reason::TooManyTickets.into()));
        assert_eq!(jobs(&routed(&InboxItem { replayed: true, ..item })).len(), 51);
    }

    #[test]
    fn an_event_without_keys_has_a_verdict_of_its_own() {
        let routing = routed(&merged("Pay by card, WEB-1"));
        assert_eq!(routing.verdict, Some(Reason::NoKeys.into()));
        assert_eq!(routing.ignored[0].key, "WEB-1");
    }

    #[test]
    fn a_damaged_event_is_put_away_and_a_newer_one_left_alone() {
        let unread = |why: Unreadable| InboxItem { event: Err(why), ..merged("") };
        let damaged = unread(Unreadable::Damaged("expected value, found a newer one".into()));
        assert_eq!(routed(&damaged).verdict, Some(Verdict::dead(Reason::Poison)));
        let newer = unread(Unreadable::Newer { found: crate::event::SCHEMA + 1 });
        assert_eq!(route(&newer, &[], &rules(), &sites(), Timestamp::UNIX_EPOCH), None);
    }
}
