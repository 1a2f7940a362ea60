//! What people do in Jira itself, told by Jira's own webhooks: rules fire for the ticket, and never for our own moves.

use conduit::trace::{Outcome, Reason, Trace};
use jira_sim::{Account, Builder, DeliveryState, JiraSim, Kind, NewIssue, Project, View, Workflow};
use reqwest::Client;
use serde_json::json;

use crate::support::service::{API_KEY, EMAIL, Hook, On, TestService};
use crate::support::stores::on_both_stores;

/// Whoever moves a ticket moves it one further. Would our own move count, the ticket would run to its end.
const RULES: &str = r#"
provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", in_review: "In Review", in_qa: "In QA", done: "Done" }
  }
  statemachine "shop" {
    initial = "to_do"
    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "in_review" }
    state "in_review" "next"   { transition = "in_qa" }
    state "in_qa" "next"       { transition = "done" }
    state "done" "next"        { transition = "<end>" }

    on "jira.status_changed" {
      fire    = "next"
      comment = "Moved on, after ${sender.login}"
    }
    on "jira.created" { move_to = "in_progress" }
    on "jira.commented" {
      comment = "Heard you"
      move_to = "done"
    }
  }
}
"#;

fn site() -> Builder {
    let workflow = Workflow::simplified(&["To Do", "In Progress", "In Review", "In QA", "Done"]);
    JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, API_KEY).administrator())
        .account(Account::person("ana"))
        .project(Project::new("SHOP").workflow(workflow))
        .issue(NewIssue::new("SHOP-1"))
        .issue(NewIssue::new("SHOP-2"))
}

/// The site's name for hooks: `127.0.0.1:4711`.
fn home(jira: &JiraSim) -> String {
    jira.url().trim_start_matches("http://").to_owned()
}

/// An administrator makes the webhook at Jira.
async fn tell(jira: &JiraSim, conduit: &TestService, hook: &Hook) {
    let wish = json!({
        "name": "conduit",
        "url": format!("{}{}", conduit.url, hook.uri),
        "events": ["jira:issue_created", "jira:issue_updated", "comment_created"],
        "filters": { "issue-related-events-section": "project in (\"SHOP\")" },
        "secret": hook.secret,
    });
    let request = Client::new().post(format!("{}/rest/webhooks/1.0/webhook", jira.url()));
    let answer = request.basic_auth(EMAIL, Some(API_KEY)).json(&wish).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

/// Jira and Conduit, each told of the other.
async fn both(on: &On<'_>) -> (JiraSim, TestService) {
    let jira = site().start().await.unwrap();
    let conduit = TestService::with_rules(on, &jira, RULES).await;
    let hook = conduit.register_jira(&format!("{}/*", home(&jira))).await;
    tell(&jira, &conduit, &hook).await;
    (jira, conduit)
}

/// Waits until this many deliveries were taken.
async fn taken(jira: &JiraSim, count: usize) {
    let taken = |view: &View| {
        let all = view.webhook_deliveries();
        all.len() == count && all.iter().all(|one| one.state == DeliveryState::Delivered)
    };
    jira.wait_until("the deliveries are taken", taken).await.unwrap();
}

fn reasons(traces: &[Trace]) -> Vec<(&str, Reason)> {
    traces
        .iter()
        .map(|trace| (trace.event.as_ref().unwrap().kind.as_str(), trace.tickets[0].reason))
        .collect()
}

async fn a_card_that_is_dragged_fires_a_rule_and_our_own_move_fires_none(on: On<'_>) {
    let (jira, conduit) = both(&on).await;
    assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
    jira.wait_until("it is moved on", |view| view.is_in("SHOP-1", "In Review")).await.unwrap();

    // Ana's move, ours, and our comment, of which Jira tells twice.
    taken(&jira, 4).await;
    let traces = conduit.traces("SHOP-1", 3).await;
    let first = &traces[0].tickets[0];
    assert_eq!((first.outcome, first.reason), (Outcome::Moved, Reason::Moved));
    assert_eq!((first.from.as_deref(), first.to.as_deref()), (Some("In Progress"), Some("In Review")));
    assert!(first.found_in.is_empty(), "the event is about the ticket itself");
    assert_eq!(first.rule.as_ref().unwrap().trigger, "jira.status_changed");
    assert_eq!(traces[0].provider, "jira");
    let echoes = &traces[1..];
    assert_eq!(
        reasons(echoes),
        [("jira.status_changed", Reason::Duplicate), ("jira.commented", Reason::Duplicate)]
    );
    for echo in echoes {
        let ticket = &echo.tickets[0];
        assert_eq!(ticket.outcome, Outcome::NothingToDo);
        assert!(ticket.detail.as_ref().unwrap().contains("Conduit did this itself"), "{ticket:?}");
    }
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Review"));
    assert_eq!(jira.comments("SHOP-1").len(), 1);
    let asked = jira.journal().of(Kind::Myself).lines().len();
    assert_eq!(asked, 1, "who we are is asked once");
    conduit.stop().await;
}

async fn a_delivery_that_comes_twice_counts_once_and_a_late_one_moves_nothing(on: On<'_>) {
    let (jira, conduit) = both(&on).await;
    jira.hold_webhooks();
    assert!(jira.move_as("ana", "SHOP-2", "In Progress") && jira.move_as("ana", "SHOP-2", "In Review"));
    let held: Vec<String> = jira.webhook_deliveries().into_iter().map(|one| one.identifier).collect();
    assert_eq!(held.len(), 2);

    assert_eq!(jira.send_webhook(&held[1]).await, Some(202));
    jira.wait_until("it is moved on", |view| view.is_in("SHOP-2", "In QA")).await.unwrap();
    assert_eq!(jira.send_webhook(&held[1]).await, Some(202), "a retry, with the same identifier");
    assert_eq!(jira.send_webhook(&held[0]).await, Some(202), "the older one comes last");

    let traces = conduit.traces("SHOP-2", 2).await;
    let changed = "jira.status_changed";
    assert_eq!(reasons(&traces), [(changed, Reason::Moved), (changed, Reason::MovedByOther)]);
    let late = traces[1].tickets[0].detail.clone().unwrap();
    assert!(late.contains("had come to In Progress, and stands at In QA by now"), "{late}");
    assert_eq!(jira.status("SHOP-2").as_deref(), Some("In QA"));
    conduit.stop().await;
}

on_both_stores! {
    a_card_that_is_dragged_fires_a_rule_and_our_own_move_fires_none
    a_delivery_that_comes_twice_counts_once_and_a_late_one_moves_nothing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_is_said_to_have_done_may_have_been_us() {
    let (jira, conduit) = both(&On::Sqlite).await;
    jira.create(&NewIssue::new("SHOP-3")).unwrap();
    let traces = conduit.traces("SHOP-3", 1).await;
    assert_eq!(reasons(&traces), [("jira.created", Reason::Duplicate)]);
    assert!(traces[0].tickets[0].detail.as_ref().unwrap().contains("does not say who did it"));
    assert_eq!(jira.status("SHOP-3").as_deref(), Some("To Do"));
    conduit.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_site_than_the_registered_one_moves_nothing() {
    let jira = site().start().await.unwrap();
    let conduit = TestService::with_rules(&On::Sqlite, &jira, RULES).await;
    let hook = conduit.register_jira("acme.atlassian.net/*").await;
    tell(&jira, &conduit, &hook).await;
    jira.hold_webhooks();
    assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
    let delivery = &jira.webhook_deliveries()[0];
    let answer = Client::new()
        .post(format!("{}{}", conduit.url, hook.uri))
        .header("Content-Type", "application/json")
        .header("X-Hub-Signature", delivery.signature.clone().unwrap())
        .header("X-Atlassian-Webhook-Identifier", &delivery.identifier)
        .body(delivery.body.clone());
    let answer: serde_json::Value = answer.send().await.unwrap().json().await.unwrap();
    let trace = conduit.trace(answer["data"]["event_id"].as_str().unwrap()).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Skipped, Reason::RepoMismatch));
    let why = trace.detail.unwrap();
    assert!(
        why.contains(&format!("`{}/SHOP`", home(&jira))) && why.contains("`acme.atlassian.net/*`"),
        "{why}"
    );
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Progress"));
    conduit.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_of_the_same_key_on_another_site_is_another_ticket() {
    let ours = site().start().await.unwrap();
    let theirs = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, API_KEY).administrator())
        .account(Account::person("ana"))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-8"))
        .issue(NewIssue::new("SHOP-9"))
        .issue(NewIssue::new("SHOP-1"))
        .start()
        .await
        .unwrap();
    let conduit = TestService::with_rules(&On::Sqlite, &ours, RULES).await;
    let hook = conduit.register_jira(&format!("{}/*", home(&theirs))).await;
    tell(&theirs, &conduit, &hook).await;
    assert!(theirs.move_as("ana", "SHOP-1", "In Progress") && ours.move_as("ana", "SHOP-1", "In Progress"));
    taken(&theirs, 1).await;
    let traces = conduit.traces("SHOP-1", 1).await;
    assert_eq!(reasons(&traces), [("jira.status_changed", Reason::RepoMismatch)]);
    assert_eq!(ours.status("SHOP-1").as_deref(), Some("In Progress"));
    conduit.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_signature_of_the_hooks_nothing_comes_in() {
    let jira = site().start().await.unwrap();
    let conduit = TestService::with_rules(&On::Sqlite, &jira, RULES).await;
    let hook = conduit.register_jira(&format!("{}/*", home(&jira))).await;
    tell(&jira, &conduit, &Hook { secret: "not the one that was issued".into(), uri: hook.uri.clone() })
        .await;
    let nowhere = hook.uri.replace("acme-jira", "no-such-hook");
    tell(&jira, &conduit, &Hook { secret: hook.secret.clone(), uri: nowhere }).await;
    assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
    let refused = |view: &View| {
        let all = view.webhook_deliveries();
        all.len() == 2 && all.iter().all(|one| one.state == DeliveryState::GivenUp)
    };
    jira.wait_until("both are refused", refused).await.unwrap();
    let answers: Vec<_> = jira.webhook_deliveries().into_iter().map(|one| one.answers).collect();
    assert_eq!(answers, [[Some(401)], [Some(401)]], "a wrong secret and an unknown hook are answered alike");
    assert!(conduit.ticket("SHOP-1").await.is_empty());
    conduit.stop().await;
}
