//! Fanning an event out to its tickets: a pure function from an inbox item to where its parts go.
//!
//! What needs nobody's answer is settled here, so that it costs no job: projects the hook may not move or
//! that have no machine, and events that no rule of the machine can match whatever the ticket's status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::processor::Backends;
use super::{is_newer, record};
use crate::event::Event;
use crate::event::ticket::{FoundKey, Projects, tickets};
use crate::machine::{Action, Machine, RuleSet, precheck};
use crate::store::{InboxItem, NewJob, Routing};
use crate::trace::{Reason, TicketTrace, Verdict};

/// Where an event goes, or [`None`] when a newer version wrote it and shall have it.
pub(super) fn route(
    item: &InboxItem,
    rules: &RuleSet,
    backends: &Backends,
    now: Timestamp,
) -> Option<Routing> {
    let event = match &item.event {
        Ok(event) => event,
        Err(why) if is_newer(why) => return None,
        Err(why) => return Some(unreadable(why)),
    };
    if !event.is_supported() {
        return Some(ended(Reason::UnsupportedEvent, format!("{} is recorded only", event.kind)));
    }
    let found = tickets(event, &Projects::new(backends.projects()));
    let mut keys = found.found;
    keys.retain(|found| item.only.is_empty() || item.only.contains(&found.key));
    let mut routing = match keys.as_slice() {
        [] => Routing { verdict: Some(Reason::NoKeys.into()), ..Routing::default() },
        keys => fan_out(item, event, keys, rules, backends, now),
    };
    routing.ignored = found.ignored;
    Some(routing)
}

fn unreadable(why: &str) -> Routing {
    let detail = Some(format!("the stored event cannot be read: {why}"));
    Routing { verdict: Some(Verdict::dead(Reason::Poison)), detail, ..Routing::default() }
}

fn ended(reason: Reason, detail: String) -> Routing {
    Routing { verdict: Some(reason.into()), detail: Some(detail), ..Routing::default() }
}

fn fan_out(
    item: &InboxItem,
    event: &Event,
    keys: &[FoundKey],
    rules: &RuleSet,
    backends: &Backends,
    now: Timestamp,
) -> Routing {
    if let Some(detail) = too_many(event, keys, rules).filter(|_| !item.replayed) {
        return ended(Reason::TooManyTickets, detail);
    }
    let mut routing = Routing::default();
    for found in keys {
        match place(item, event, found, rules, backends, now) {
            Ok(job) => routing.jobs.push(job),
            Err(trace) => routing.settled.push(*trace),
        }
    }
    routing
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
    item: &InboxItem,
    event: &Event,
    found: &FoundKey,
    rules: &RuleSet,
    backends: &Backends,
    now: Timestamp,
) -> Result<NewJob, Box<TicketTrace>> {
    let project = found.project.as_str();
    let settle = |reason: Reason, detail: String| {
        let mut trace = TicketTrace::queued(&found.key, found.found_in.clone(), now);
        record::detail(&mut trace, detail);
        Box::new(record::end(trace, reason.into(), now))
    };
    let allowed = |only: &[String]| only.iter().any(|key| key.eq_ignore_ascii_case(project));
    if item.projects.as_deref().is_some_and(|only| !allowed(only)) {
        let detail = format!("the hook may not move tickets of {project}: see its `projects`");
        return Err(settle(Reason::ProjectNotConfigured, detail));
    }
    let Some(site) = backends.site_of(project) else {
        let detail = format!("no worker in workers.yaml has {project} in its `projects`");
        return Err(settle(Reason::ProjectNotConfigured, detail));
    };
    let Some(machine) = rules.machine(project) else {
        let detail = format!("{project} is in workers.yaml, but no rule file has a provisioner for it");
        return Err(settle(Reason::NoMachine, detail));
    };
    if let Some(trace) = settled_by_rules(machine, rules, event, found, now) {
        return Err(Box::new(trace));
    }
    Ok(NewJob {
        site: site.name.clone(),
        project: project.to_owned(),
        key: found.key.clone(),
        found_in: found.found_in.clone(),
    })
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
    record::decision(&mut trace, &decision, None);
    Some(record::end(trace, verdict, now))
}
