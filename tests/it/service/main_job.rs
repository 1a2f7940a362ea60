//! Register, deliver, moved; and every way in which nothing is to move.

use conduit::forge::sample::{self, Release};
use conduit::trace::{Outcome, Reason};
use jira_sim::{JiraSim, Kind};
use serde_json::Value;

use crate::support::payloads::{SHOP, merged, merged_from};
use crate::support::service::{On, TestService, board};
use crate::support::stores::on_both_stores;

on_both_stores! {
    a_merged_pull_request_moves_its_ticket
    a_release_moves_every_ticket_it_names_and_says_why_not_for_the_others
    a_redelivery_and_a_second_hook_move_nothing_twice
    what_names_no_ticket_of_ours_moves_nothing_and_says_so
    a_ticket_walks_in_the_order_its_events_came
}

async fn a_merged_pull_request_moves_its_ticket(on: On<'_>) {
    let jira = board(&[("SHOP-42", "In Progress")]).await;
    let conduit = TestService::start(&on, &jira).await;
    let hook = conduit.register("acme/shop").await;
    assert_eq!(hook.secret.len(), 64);

    let payload = merged_from(118, "Pay by invoice", "feature/SHOP-42-invoice", "main");
    let answer = conduit.deliver(&hook, "pull_request", "d-1", &payload).await;
    let trace = conduit.trace(answer.event_id()).await;

    assert_eq!(jira.status("SHOP-42").as_deref(), Some("Done"));
    let ticket = &trace.tickets[0];
    assert_eq!((ticket.outcome, ticket.reason), (Outcome::Moved, Reason::Moved));
    assert_eq!((ticket.from.as_deref(), ticket.to.as_deref()), (Some("In Progress"), Some("Done")));
    assert_eq!(ticket.rule.as_ref().unwrap().file, "built-in", "the default rules decide");
    assert_eq!(trace.received.as_ref().unwrap().secret_version, 1);
    let by_ticket = conduit.ticket("shop-42").await;
    assert_eq!(by_ticket[0].event_id, trace.event_id, "`why SHOP-42` finds the same");
    conduit.stop().await;
}

async fn a_release_moves_every_ticket_it_names_and_says_why_not_for_the_others(on: On<'_>) {
    let jira =
        board(&[("SHOP-1", "To Do"), ("SHOP-2", "In Progress"), ("SHOP-3", "Blocked"), ("SHOP-4", "Done")])
            .await;
    let conduit = TestService::start(&on, &jira).await;
    let hook = conduit.register("acme/shop").await;
    let release = Release {
        action: "published",
        id: 7,
        tag: "v2.1.0",
        name: "2.1.0",
        notes: "- SHOP-1\n- SHOP-2\n- SHOP-3\n- SHOP-4\n- SHOP-99\n- UTF-8, OPS-1",
        prerelease: false,
        author: "grace",
        at: "2026-11-22T10:00:00Z",
    };
    let answer = conduit.deliver(&hook, "release", "d-1", &sample::release(&SHOP, &release)).await;
    let trace = conduit.trace(answer.event_id()).await;

    let reasons: Vec<_> = trace.tickets.iter().map(|ticket| (ticket.key.as_str(), ticket.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("SHOP-1", Reason::Moved),
            ("SHOP-2", Reason::Moved),
            ("SHOP-3", Reason::UnknownStatus),
            ("SHOP-4", Reason::AtEnd),
            ("SHOP-99", Reason::IssueNotFound),
        ]
    );
    assert_eq!(trace.outcome, Outcome::Failed, "an event ends as gravely as its gravest ticket");
    let status = |key| jira.status(key).unwrap();
    assert_eq!([status("SHOP-1"), status("SHOP-2"), status("SHOP-3")], ["In Progress", "Done", "Blocked"]);
    assert!(trace.tickets[2].detail.as_ref().unwrap().contains("Blocked"), "{:?}", trace.tickets[2].detail);
    conduit.stop().await;
}

async fn a_redelivery_and_a_second_hook_move_nothing_twice(on: On<'_>) {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let conduit = TestService::start(&on, &jira).await;
    let repository = conduit.register("acme/shop").await;
    let organisation = conduit.register("acme/*").await;
    let payload = merged(1, "SHOP-1");

    let first = conduit.deliver(&repository, "pull_request", "d-1", &payload).await;
    conduit.trace(first.event_id()).await;
    let again = conduit.deliver(&repository, "pull_request", "d-1", &payload).await;
    assert_eq!(again.event_id(), first.event_id());
    assert_eq!(again.data["duplicate"], true);

    let by_the_other = conduit.deliver(&organisation, "pull_request", "d-2", &payload).await;
    assert_eq!(by_the_other.data["duplicate"], true);
    let trace = conduit.trace(by_the_other.event_id()).await;
    assert_eq!(trace.reason, Reason::Duplicate);
    assert_eq!(moves(&jira, "SHOP-1"), ["To Do → In Progress"], "`next` fired once");
    conduit.stop().await;
}

async fn what_names_no_ticket_of_ours_moves_nothing_and_says_so(on: On<'_>) {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let conduit = TestService::start(&on, &jira).await;
    let hook = conduit.register("acme/shop").await;
    let reason = async |id: &str, event: &str, payload: Value| {
        let answer = conduit.deliver(&hook, event, id, &payload).await;
        conduit.trace(answer.event_id()).await
    };

    let trace = reason("d-1", "pull_request", merged(1, "UTF-8 in OPS-7")).await;
    assert_eq!(trace.reason, Reason::NoKeys);
    let seen: Vec<_> = trace.ignored_keys.iter().map(|key| key.key.as_str()).collect();
    assert!(seen.contains(&"OPS-7"), "{seen:?}");

    let trace = reason("d-2", "pull_request", merged_from(2, "SHOP-1", "x", "develop")).await;
    assert_eq!(trace.reason, Reason::NoRuleMatched);
    assert!(trace.tickets[0].attempts.is_empty(), "Jira is not asked when nothing can match");

    let trace = reason("d-3", "pull_request", merged(3, "Revert \"SHOP-1\"")).await;
    assert_eq!(trace.reason, Reason::NoRuleMatched, "a revert moves nothing forward");

    let trace = reason("d-4", "ping", sample::ping(&SHOP)).await;
    assert_eq!(trace.reason, Reason::UnsupportedEvent);

    assert_eq!(jira.status("SHOP-1").as_deref(), Some("To Do"));
    // What a worker asks when it starts is about no ticket.
    let asked = jira.journal().filter(|exchange| exchange.kind != Kind::MyPermissions);
    assert!(asked.is_empty(), "Jira was never asked: {:?}", asked.lines());
    conduit.stop().await;
}

async fn a_ticket_walks_in_the_order_its_events_came(on: On<'_>) {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let conduit = TestService::start(&on, &jira).await;
    let hook = conduit.register("acme/shop").await;
    let first = conduit.deliver(&hook, "pull_request", "d-1", &merged_from(1, "SHOP-1", "a", "main")).await;
    let second = conduit.deliver(&hook, "pull_request", "d-2", &merged_from(2, "SHOP-1", "b", "main")).await;
    conduit.trace(first.event_id()).await;
    conduit.trace(second.event_id()).await;
    assert_eq!(moves(&jira, "SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);
    conduit.stop().await;
}

/// Each move of a ticket, as its change log has it.
fn moves(jira: &JiraSim, key: &str) -> Vec<String> {
    jira.moves(key)
}
