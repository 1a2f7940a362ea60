//! Tests of the rule language, as text in and decisions out.

mod decisions;
mod effects;
mod explain;
mod expressions;
mod files;
mod hostile;
mod layout;
mod properties;
mod rules;

use crate::event::ticket::Source;
use crate::event::{
    Checks, Commit, Deployment, Event, PullRequest, Push, Ref, Release, Repo, SCHEMA, Sender, Subject,
    Trigger,
};
use crate::machine::{Action, Decision, Hop, Machine, SourceFile, TicketNow, load, render};

/// The files that ship with the program.
const BASE: &str = include_str!("../../../config/statemachines/jira.hcl");

/// The first machine of a file that must be without errors.
fn machine(text: &str) -> Machine {
    let files = [SourceFile { name: "jira.hcl".into(), text: text.into() }];
    let loaded = load(&files);
    let drawn = render(&loaded.diagnostics, &files, false);
    loaded.rules.unwrap_or_else(|| panic!("{drawn}")).machines().next().unwrap().clone()
}

/// A machine of four states with these rules: `start` leads to doing, `next` on to review, done and the end.
fn with_rules(rules: &str) -> Machine {
    with_sets("", "", rules)
}

fn with_sets(sets: &str, arguments: &str, rules: &str) -> Machine {
    machine(&format!(
        r#"{sets}
provisioner "shop" {{
  aliasmapper "shop" {{
    aliases = {{ to_do: "To Do", doing: "In Progress", review: "In Review", done: "Done" }}
  }}
  statemachine "shop" {{
    initial = "to_do"
    {arguments}
    state "to_do" "start" {{ transition = "doing" }}
    state "doing" "prev" {{ transition = "to_do" }}
    state "doing" "next" {{ transition = "review" }}
    state "review" "prev" {{ transition = "doing" }}
    state "review" "next" {{
      transition = "done"
      via        = "Ship"
      fields     = {{ resolution = "Done" }}
    }}
    state "done" "next" {{ transition = "<end>" }}
    {rules}
  }}
}}
"#
    ))
}

fn event(trigger: Trigger, subject: Subject) -> Event {
    Event {
        schema: SCHEMA,
        provider: "github".into(),
        kind: trigger.as_str().into(),
        triggers: vec![trigger],
        repo: Some(Repo {
            name: "shop".into(),
            path: "acme/shop".into(),
            default_branch: Some("main".into()),
            ..Repo::default()
        }),
        sender: Sender { login: "ada".into(), ..Sender::default() },
        occurred_at: None,
        change: None,
        subject,
    }
}

/// A pull request of a fixed shape, for one trigger.
fn pull_request(trigger: Trigger, change: impl FnOnce(&mut PullRequest)) -> Event {
    let mut pr = PullRequest {
        number: 118,
        title: "SHOP-42: pay later".into(),
        url: "https://example.org/acme/shop/pull/118".into(),
        author: "ada".into(),
        head: "feature/SHOP-42".into(),
        base: "main".into(),
        merged: trigger == Trigger::PullRequestMerged,
        ..PullRequest::default()
    };
    change(&mut pr);
    event(trigger, Subject::PullRequest(pr))
}

fn merged(base: &str) -> Event {
    pull_request(Trigger::PullRequestMerged, |pr| pr.base = base.into())
}

fn released(change: impl FnOnce(&mut Release)) -> Event {
    let mut release = Release { tag: "v1".into(), name: "One".into(), ..Release::default() };
    change(&mut release);
    event(Trigger::ReleasePublished, Subject::Release(release))
}

fn pushed(branch: &str, messages: &[&str]) -> Event {
    let commit = |message: &&str| Commit { message: (*message).into(), ..Commit::default() };
    let commits = messages.iter().map(commit).collect();
    event(Trigger::Push, Subject::Push(Push { branch: branch.into(), commits, ..Push::default() }))
}

/// One event of every family of triggers, with a trigger of it.
fn one_of_each() -> Vec<Event> {
    let named = |name: &str, tag| Subject::Ref(Ref { name: name.into(), tag, sha: None });
    let checks = Checks { branch: "main".into(), conclusion: "success".into(), ..Checks::default() };
    let deployment = Deployment { environment: "production".into(), ..Deployment::default() };
    vec![
        merged("main"),
        pull_request(Trigger::PullRequestClosed, |_| {}),
        pull_request(Trigger::PullRequestReady, |pr| pr.labels = vec!["bug".into()]),
        released(|_| {}),
        released(|release| release.prerelease = true),
        pushed("main", &["SHOP-1: x", "deploy"]),
        event(Trigger::BranchCreated, named("feature/SHOP-42", false)),
        event(Trigger::TagCreated, named("v1", true)),
        event(Trigger::ChecksSucceeded, Subject::Checks(checks)),
        event(Trigger::DeploymentSucceeded, Subject::Deployment(deployment)),
        event(Trigger::JiraCommented, Subject::Issue(Box::default())),
        Event {
            triggers: Vec::new(),
            kind: "ping".into(),
            repo: None,
            ..event(Trigger::Push, Subject::Nothing)
        },
    ]
}

fn every_source() -> Vec<Source> {
    use Source::{Body, Branch, Commits, Merged, Message, Notes, Title};
    vec![Title, Branch, Body, Commits, Message, Notes, Merged]
}

/// A ticket that the event names everywhere.
fn ticket(status: &str) -> TicketNow {
    TicketNow {
        key: "SHOP-42".into(),
        project: "SHOP".into(),
        found_in: every_source(),
        status: status.into(),
        issue_type: "Story".into(),
        labels: vec!["web".into()],
        assignee: None,
    }
}

/// The reason as the contract names it; a move is `moved`.
fn reason(decision: &Decision) -> &'static str {
    match &decision.action {
        Action::Move(_) => "moved",
        Action::Stay(verdict) => verdict.reason.as_str(),
    }
}

fn path(decision: &Decision) -> &[Hop] {
    match &decision.action {
        Action::Move(path) => path,
        Action::Stay(_) => panic!("{decision:?}"),
    }
}

/// The statuses that a decision leads through.
fn stations(decision: &Decision) -> Vec<&str> {
    path(decision).iter().map(|hop| hop.to_status.as_str()).collect()
}

/// Why the last rule that was looked at did or did not match.
fn because(decision: &Decision) -> &str {
    &decision.rules_tried.last().unwrap().because
}
