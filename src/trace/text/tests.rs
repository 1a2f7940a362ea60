use super::*;
use crate::event::ticket::IgnoredKey;
use crate::event::{Event, Sender, Subject};
use crate::event::{PullRequest, Repo, Trigger};
use crate::trace::{Received, RuleRef, StatusSeen};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn merged_into(base: &str) -> Event {
    Event {
        schema: 1,
        provider: "github".into(),
        kind: "pull_request.merged".into(),
        triggers: vec![Trigger::PullRequestMerged],
        repo: Some(Repo { path: "acme/shop".into(), ..Repo::default() }),
        sender: Sender::default(),
        occurred_at: None,
        change: None,
        subject: Subject::PullRequest(PullRequest {
            number: 118,
            title: "Pay by \u{202e}invoice".into(),
            author: "ada".into(),
            head: "feature/SHOP-42".into(),
            base: base.into(),
            ..PullRequest::default()
        }),
    }
}

fn trace(ticket: TicketTrace, base: &str) -> Trace {
    Trace {
        schema: crate::trace::SCHEMA.into(),
        planned: false,
        event_id: "mzxw6ytboi".into(),
        provider: "github".into(),
        delivery_id: "72d3162e".into(),
        received: Some(Received {
            at: at(0),
            hook: "github/acme-shop".into(),
            bytes: 23_900,
            ms: 2,
            verified_by: "HMAC-SHA256".into(),
            secret_version: 2,
        }),
        event: Some((&merged_into(base)).into()),
        outcome: ticket.outcome,
        reason: ticket.reason,
        tickets: vec![ticket],
        ignored_keys: vec![IgnoredKey {
            key: "SHOP-9".into(),
            found_in: vec![Source::Body],
            because: "quoted".into(),
        }],
        detail: None,
    }
}

fn tried(trigger: &str, line: u32, matched: bool, because: &str) -> RuleTried {
    let (trigger, because) = (trigger.into(), because.into());
    RuleTried { name: None, trigger, file: "kanban.hcl".into(), line, matched, because }
}

#[test]
fn a_ticket_that_stood_still_says_which_rule_would_have_moved_it() {
    let ticket = TicketTrace {
        machine: Some("shop".into()),
        rules: Some("4c1f9ab".into()),
        outcome: Outcome::NothingToDo,
        reason: Reason::NoRuleMatched,
        detail: Some("PR merged into \"develop\"; rule needs base \"main\" or \"release/*\"".into()),
        rules_tried: vec![
            tried("pull_request.ready", 14, false, "event is pull_request.merged"),
            tried("pull_request.merged", 16, false, "base: want main|release/*, got develop"),
        ],
        ..TicketTrace::queued("SHOP-42", vec![Source::Branch, Source::Title], at(0))
    };
    insta::assert_snapshot!(render(&trace(ticket, "develop"), at(240)));
}

#[test]
fn a_ticket_that_moved_shows_each_call_and_where_the_time_went() {
    let attempt = |call: &str, status, ms, note: Option<&str>| Attempt {
        at: at(1),
        call: call.into(),
        status: Some(status),
        ms,
        note: note.map(Into::into),
    };
    let ticket = TicketTrace {
        machine: Some("shop".into()),
        rules: Some("4c1f9ab".into()),
        outcome: Outcome::Moved,
        reason: Reason::Moved,
        from: Some("In Progress".into()),
        to: Some("Done".into()),
        status: Some(StatusSeen {
            name: "In Progress".into(),
            alias: Some("in_progress".into()),
            source: "live".into(),
        }),
        rule: Some(RuleRef {
            name: None,
            trigger: "pull_request.merged".into(),
            file: "kanban.hcl".into(),
            line: 16,
            goal: None,
        }),
        rules_tried: vec![tried("pull_request.merged", 16, true, "fire \"next\"")],
        steps: vec![Step {
            from: "in_progress".into(),
            event: "next".into(),
            to: "done".into(),
            file: "kanban.hcl".into(),
            line: 11,
        }],
        transitions: vec![TransitionUsed { id: "31".into(), name: "Done".into(), source: "cache".into() }],
        attempts: vec![
            attempt("issue", 200, 141, None),
            attempt("transition", 409, 212, Some("another transition is running")),
            attempt("transition", 204, 188, None),
        ],
        started_at: Some(at(0)),
        finished_at: Some(at(3)),
        waited_ms: 2100,
        ..TicketTrace::queued("SHOP-42", vec![Source::Branch], at(0))
    };
    insta::assert_snapshot!(render(&trace(ticket, "main"), at(4)));
}

#[test]
fn a_status_that_could_not_be_read_is_not_said_to_matter_to_no_rule() {
    let of = |outcome, reason| {
        let queued = TicketTrace::queued("SHOP-42", vec![Source::Title], at(0));
        status(&TicketTrace { outcome, reason, ..queued })
    };
    assert_eq!(of(Outcome::Waiting, Reason::Queued), "not asked yet");
    assert_eq!(of(Outcome::Waiting, Reason::Credentials), "not known: Jira has not shown it");
    assert_eq!(of(Outcome::Failed, Reason::IssueNotFound), "not known: Jira has not shown it");
    assert_eq!(of(Outcome::NothingToDo, Reason::NoRuleMatched), "not asked: no rule could match");
}

#[test]
fn a_delivery_without_tickets_says_what_to_write_where() {
    let mut trace = trace(TicketTrace::queued("X-1", vec![], at(0)), "main");
    trace.tickets.clear();
    trace.ignored_keys.clear();
    (trace.outcome, trace.reason) = (Outcome::NothingToDo, Reason::NoKeys);
    insta::assert_snapshot!(render(&trace, at(7200)));
}
