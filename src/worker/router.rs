//! Fanning an event out to its tickets: a pure function from an inbox item to where its parts go.
//!
//! What needs nobody's answer is settled here, so that it costs no job: projects the hook may not move or
//! that have no machine, and events that no rule of the machine can match whatever the ticket's status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Rulebook, is_newer, record};
use crate::event::Event;
use crate::event::ticket::{FoundKey, Projects, tickets};
use crate::machine::{Action, Machine, RuleSet, precheck};
use crate::store::{InboxItem, NewJob, Routing};
use crate::trace::{Reason, TicketTrace, Verdict};

/// Where an event goes, or [`None`] when a newer version wrote it and shall have it. `merged`: the pull requests that
/// its commit came from.
pub(super) fn route(
    item: &InboxItem,
    merged: &[Event],
    rulebook: &Rulebook,
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
    let projects = Projects::new(rulebook.backends.projects());
    let found = tickets(event, &projects).with_merged(merged, &projects);
    let mut keys = found.found;
    keys.retain(|found| item.only.is_empty() || item.only.contains(&found.key));
    let mut routing = match keys.as_slice() {
        [] => Routing { verdict: Some(Reason::NoKeys.into()), ..Routing::default() },
        keys => fan_out(item, event, keys, rulebook, now),
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
    rulebook: &Rulebook,
    now: Timestamp,
) -> Routing {
    if let Some(detail) = too_many(event, keys, &rulebook.rules).filter(|_| !item.replayed) {
        return ended(Reason::TooManyTickets, detail);
    }
    let mut routing = Routing::default();
    for found in keys {
        match place(item, event, found, rulebook, now) {
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
    rulebook: &Rulebook,
    now: Timestamp,
) -> Result<NewJob, Box<TicketTrace>> {
    let Rulebook { rules, backends } = rulebook;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::event::{PullRequest, Repo, Subject, Trigger};
    use crate::jira::{Auth, Credential, JiraClient, Site, TransitionCache};
    use crate::machine::{SourceFile, load};
    use crate::store::EventId;
    use crate::worker::Backends;
    use crate::worker::processor::jira::Jira;

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

    /// SHOP and OPS on one site that nobody asks.
    fn backends() -> Backends {
        let auth = Auth::Bearer { token: Credential::new("hush") };
        let site = Site::new("jira", "http://127.0.0.1:9".parse().unwrap(), auth);
        let client = JiraClient::new(site, Clock::system()).unwrap();
        let jira = Jira::new(client, TransitionCache::new(), Clock::system());
        let mut backends = Backends::new();
        backends.add("jira", Arc::new(jira), ["shop", "ops"]).unwrap();
        backends
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
        }
    }

    fn rulebook() -> Rulebook {
        Rulebook { rules: Arc::new(rules()), backends: backends() }
    }

    fn routed(item: &InboxItem) -> Routing {
        route(item, &[], &rulebook(), Timestamp::UNIX_EPOCH).unwrap()
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
        let unread = |why: &str| InboxItem { event: Err(why.into()), ..merged("") };
        assert_eq!(routed(&unread("expected value")).verdict, Some(Verdict::dead(Reason::Poison)));
        let newer = unread("a newer Conduit wrote it");
        assert_eq!(route(&newer, &[], &rulebook(), Timestamp::UNIX_EPOCH), None);
    }
}
