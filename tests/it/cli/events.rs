//! `conduit events …`, against a running service.

use jira_sim::JiraSim;
use serde_json::Value;

use super::run::{Conduit, masked};
use crate::support::payloads::merged;
use crate::support::service::{On, TestService, board};

const NO_SUCH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A service to which a pull request that moves SHOP-1 was delivered, and the id of that event.
async fn after_a_merge() -> (TestService, JiraSim, String) {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(118, "SHOP-1: pay later")).await;
    let id = answer.event_id().to_owned();
    service.trace(&id).await;
    (service, jira, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_is_listed_and_found() {
    let (service, _jira, id) = after_a_merge().await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);
    insta::assert_snapshot!(masked(&conduit(&["events", "list"]).prints().await), @r"
    EVENT                       RECEIVED              OUTCOME  WHAT                 REPOSITORY      TICKETS
    EVENT                       TIME                  ✓ moved  pull_request.merged  acme/shop #118  ✓ SHOP-1
    ");

    let count = async |arguments: &[&str]| {
        let arguments = [&["events", "list", "-o", "json"], arguments].concat();
        conduit(&arguments).answers("conduit.events/1").await["events"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--ticket", "shop-1"]).await, 1);
    assert_eq!(count(&["--ticket", "SHOP-2"]).await, 0);
    assert_eq!(count(&["--repo", "acme/shop", "--outcome", "moved", "--since", "1h"]).await, 1);
    assert_eq!(count(&["--outcome", "failed"]).await, 0);

    let nothing = conduit(&["events", "list", "--ticket", "SHOP-2"]).run().await;
    assert_eq!((nothing.code, nothing.out.as_str(), nothing.err.as_str()), (0, "", "No event matches.\n"));
    for (arguments, wanted) in [
        (["--outcome", "mooved"], "`outcome`: `mooved` is not one of: nothing_to_do"),
        (["--since", "yesterday"], "`since` must be a time"),
        (["--ticket", "SHOP"], "`ticket` must be an issue key"),
        (["--limit", "0"], "`limit`: must be a number from 1 to 200"),
    ] {
        let said = conduit(&[&["events", "list"][..], &arguments].concat()).refuses(2).await;
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }

    let shown = conduit(&["events", "show", &id, "-o", "json"]).answers("conduit.trace/1").await;
    assert_eq!((&shown["event_id"], &shown["state"]), (&Value::from(id.as_str()), &Value::from("finished")));
    assert!(
        conduit(&["events", "show", &id]).prints().await.starts_with("✓ SHOP-1 moved: To Do → In Progress")
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_event_with_very_many_tickets_they_are_counted() {
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let named: Vec<_> = (1..=9).map(|number| format!("SHOP-{number}")).collect();
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(118, &named.join(" "))).await;
    service.trace(answer.event_id()).await;
    let listed = Conduit::at(&service, &["events", "list"]).prints().await;
    assert!(listed.trim_end().ends_with("9 tickets: ✓ 2, ✗ 7"), "{listed}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_sent_through_again_only_where_that_is_meant() {
    let (service, jira, id) = after_a_merge().await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);

    let refused = conduit(&["events", "replay", &id]).refuses(1).await;
    assert!(refused.contains("nothing of event") && refused.contains("--force"), "{refused}");
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress"]);

    let a_second_step = conduit(&["events", "replay", &id, "--force"]).refuses(1).await;
    assert!(
        a_second_step.contains("has moved SHOP-1 already") && a_second_step.contains("--second-step"),
        "{a_second_step}"
    );
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress"]);
    let forced = ["events", "replay", &id, "--force", "--second-step", "-o", "json"];
    let forced = conduit(&forced).answers("conduit.replay/1").await;
    assert_eq!(forced["replay"]["tickets"], serde_json::json!(["SHOP-1"]));
    service.trace(&id).await;
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);

    for command in ["show", "replay"] {
        let unknown = conduit(&["events", command, NO_SUCH]).refuses(4).await;
        assert!(unknown.contains(&format!("there is no event {NO_SUCH}")), "{unknown}");
        let malformed = conduit(&["events", command, "42"]).refuses(2).await;
        assert!(malformed.contains("26 letters and digits"), "{malformed}");
    }
    service.stop().await;
}
