//! `conduit why`, against a running service.

use serde_json::{Value, json};

use super::run::Conduit;
use crate::support::payloads::merged;
use crate::support::service::{On, TestService, board};

/// The trace as the contract shows it: every name in it is there, and of its kind.
fn promised() -> Value {
    json!({
        "schema": "conduit.trace/1", "planned": false, "event_id": "…", "provider": "github", "delivery_id": "…",
        "event": { "kind": "pull_request.merged", "triggers": ["pull_request.merged"], "repo": "acme/shop",
                   "number": 118, "title": "…", "author": "…", "head": "…", "base": "main", "draft": false,
                   "tag": null, "environment": null },
        "tickets": [ { "key": "SHOP-42", "found_in": ["branch", "title"], "machine": "shop",
                       "outcome": "moved", "reason": "moved", "from": "In Progress", "to": "Done",
                       "rule": { "name": null, "trigger": "pull_request.merged", "file": "jira.hcl", "line": 16 },
                       "rules_tried": [ { "line": 14, "matched": false, "because": "…" } ],
                       "transitions": [ { "id": "31", "name": "Done", "source": "cache" } ],
                       "attempts": [ { "at": "…", "call": "transition", "status": 204, "ms": 188 } ] } ],
        "ignored_keys": [ { "key": "OPS-9", "found_in": ["title"], "because": "…" } ],
        "outcome": "moved",
    })
}

/// Holds `found` against `promised`, name by name.
fn same_shape(promised: &Value, found: &Value, place: &str) {
    match (promised, found) {
        (Value::Object(promised), Value::Object(found)) => {
            for (name, wanted) in promised {
                let value = found.get(name).unwrap_or_else(|| panic!("{place}.{name} is missing"));
                same_shape(wanted, value, &format!("{place}.{name}"));
            }
        }
        (Value::Array(promised), Value::Array(found)) => {
            assert!(!found.is_empty(), "{place} is empty");
            for value in found {
                same_shape(&promised[0], value, place);
            }
        }
        (Value::Null, _) => {}
        (wanted, value) => {
            let kind = |value: &Value| std::mem::discriminant(value);
            assert_eq!(kind(wanted), kind(value), "{place}: {wanted} and {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_and_an_event_tell_why() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);
    let hook = service.register("acme/shop").await;
    let title = "SHOP-1: pay later, see OPS-9";
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(118, title)).await;
    let first = answer.event_id().to_owned();
    service.trace(&first).await;
    let answer = service.deliver(&hook, "pull_request", "d-2", &merged(119, "SHOP-1, SHOP-7: more")).await;
    let second = answer.event_id().to_owned();
    service.trace(&second).await;

    // The newest event of a ticket, of that ticket alone; and a word on the older ones.
    let ended = conduit(&["why", "shop-1"]).run().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.starts_with("✓ SHOP-1 moved: In Progress → Done"), "{}", ended.out);
    assert!(!ended.out.contains("── SHOP-7"), "{}", ended.out);
    assert_eq!(ended.err, "1 earlier event named SHOP-1: conduit why SHOP-1 --all\n");
    let all = conduit(&["why", "SHOP-1", "--all"]).prints().await;
    assert!(all.contains("To Do → In Progress") && all.contains("In Progress → Done"), "{all}");

    let event = conduit(&["why", &first]).prints().await;
    assert!(event.starts_with("✓ SHOP-1 moved: To Do → In Progress"), "{event}");
    let trace = conduit(&["why", &first, "-o", "json"]).answers("conduit.trace/1").await;
    same_shape(&promised(), &trace, "trace");

    let traces: Value =
        serde_json::from_str(&conduit(&["why", "SHOP-1", "-o", "json"]).prints().await).unwrap();
    let ids: Vec<_> = traces.as_array().unwrap().iter().map(|trace| &trace["event_id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)], "of a ticket: a list, newest first");
    assert!(traces.as_array().unwrap().iter().all(|trace| trace["schema"] == "conduit.trace/1"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_has_heard_of_is_not_found() {
    let service = TestService::start(&On::Sqlite, &board(&[]).await).await;
    let unheard = Conduit::at(&service, &["why", "SHOP-404"]).refuses(4).await;
    assert!(unheard.contains("no recorded event names SHOP-404"), "{unheard}");
    let no_event = Conduit::at(&service, &["why", "aaaaaaaaaaaaaaaaaaaaaaaaaa"]).refuses(4).await;
    assert!(no_event.contains("there is no event"), "{no_event}");
    let neither = Conduit::at(&service, &["why", "what?"]).refuses(2).await;
    assert!(neither.contains("must be an issue key like SHOP-42"), "{neither}");
    service.stop().await;
}

#[test]
fn the_shape_test_can_fail() {
    let lacking = std::panic::catch_unwind(|| same_shape(&json!({ "a": [1] }), &json!({ "a": ["x"] }), "x"));
    assert!(lacking.is_err());
}
