//! Whoever changes something stands in the audit log, and so does whoever may not.

use std::time::Duration;

use conduit::store::{Action, AuditQuery};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::door::{Delivery, Door, answer, assert_refused, pull_request};

const IMPORTED: &str = "planted-secret-brought-along";

async fn done(door: &Door, method: Method, path: &str, body: Value) -> Value {
    let (status, answer) = door.admin(method, path, Some(body)).await;
    assert!(status.is_success(), "{path}: {answer}");
    answer
}

async fn log(door: &Door, query: &str) -> Vec<Value> {
    let (status, answer) = door.admin(Method::GET, &format!("/conduit/api/audit?{query}"), None).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["data"]["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_change_is_written_down_with_its_author_and_without_its_secrets() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let old = (door.clock.now() - Duration::from_hours(8 * 24)).to_string();
    let (event, _) = door.deliver(&hook, &Delivery::json("d-1", "pull_request", &pull_request(&old))).await;
    let name = json!({"provider": "github", "repo_id": "shop"});
    let import = json!({"provider": "github", "repo_id": "pay", "repo_path": "acme/pay", "secret": IMPORTED});
    let token = json!({"name": "ci", "role": "viewer"});
    let rotated = done(&door, Method::PATCH, "/conduit/webhooks/update", name).await;
    done(&door, Method::PATCH, "/internal/webhooks/import", import).await;
    done(&door, Method::DELETE, "/conduit/webhooks/github/pay", json!({})).await;
    done(&door, Method::POST, &format!("/conduit/api/events/{event}/replay"), json!({})).await;
    done(&door, Method::POST, "/conduit/api/queue/pause", json!({"why": "because"})).await;
    done(&door, Method::POST, "/conduit/api/queue/resume", json!({})).await;
    let made = done(&door, Method::POST, "/conduit/api/tokens", token).await;
    done(&door, Method::DELETE, "/conduit/api/tokens/ci", json!({})).await;

    let entries = log(&door, "").await;
    let lines: std::collections::BTreeSet<_> = entries
        .iter()
        .map(|entry| format!("{} {}", entry["action"].as_str().unwrap(), entry["target"].as_str().unwrap()))
        .collect();
    let expected = [
        "registered github/shop",
        "rotated github/shop",
        "imported github/pay",
        "removed github/pay",
        &format!("replayed {event}"),
        "paused atlassian",
        "resumed atlassian",
        "token_made ci",
        "token_revoked ci",
    ];
    assert_eq!(lines, expected.map(str::to_owned).into());
    let over_http = Action::ALL.iter().filter(|action| **action != Action::Rekeyed);
    assert_eq!(
        expected.len(),
        over_http.count(),
        "every action was tried but that of `conduit secrets rotate`"
    );
    let is_ada = |entry: &Value| {
        (&entry["who"], &entry["from"], &entry["refused"])
            == (&json!("ada"), &json!("127.0.0.1"), &json!(false))
    };
    assert!(entries.iter().all(is_ada), "{entries:?}");

    let text = format!("{entries:?}");
    let secrets = [&made["data"]["token"], &rotated["data"]["secret"]].map(|value| value.as_str().unwrap());
    for planted in secrets.into_iter().chain([IMPORTED, &hook.secret, door.admin.expose(), "because"]) {
        assert!(!text.contains(planted), "{planted} in the audit log");
    }
}

#[tokio::test]
async fn what_is_refused_is_written_once_a_minute_and_what_fails_is_not() {
    let door = Door::open().await;
    for _ in 0..3 {
        let pause = door.ask(Method::POST, "/conduit/api/queue/pause").bearer_auth(door.viewer.expose());
        assert_refused(&answer(pause).await, 403, 209);
    }
    let guess = door.ask(Method::POST, "/conduit/api/queue/pause").bearer_auth("a-guess");
    assert_refused(&answer(guess).await, 401, 205);
    let unknown = door.admin(Method::DELETE, "/conduit/webhooks/github/nobody", None).await;
    assert_refused(&unknown, 404, 203);
    let again = door.admin(Method::POST, "/conduit/api/queue/resume", None).await;
    assert_eq!(again.0, StatusCode::OK, "nothing stood still");

    let query = AuditQuery { limit: 10, ..AuditQuery::default() };
    let written = door.store.audit(&query).await.unwrap().items;
    assert_eq!(written.len(), 1, "{written:?}");
    let entry = &written[0];
    assert_eq!((entry.who.as_str(), entry.action, entry.refused), ("vera", Action::Paused, true));
    assert_eq!(entry.target, "/conduit/api/queue/pause");
}

#[tokio::test]
async fn the_audit_log_is_filtered_and_read_page_by_page() {
    let door = Door::open().await;
    for repo_id in ["a", "b", "c"] {
        door.register(repo_id, "acme/shop").await;
        // Apart, so that their order is told by their times.
        door.clock.advance(Duration::from_secs(1));
    }
    let (_, first) = door.admin(Method::GET, "/conduit/api/audit?limit=2", None).await;
    assert_eq!(first["data"]["entries"][0]["target"], "github/c");
    let cursor = first["data"]["next_cursor"].as_str().unwrap();
    let rest = log(&door, &format!("cursor={cursor}")).await;
    assert_eq!((rest.len(), &rest[0]["target"]), (1, &json!("github/a")));
    assert_eq!(log(&door, "who=ada&action=registered&since=1h").await.len(), 3);
    assert!(log(&door, "who=otto").await.is_empty());
    assert!(log(&door, "action=removed").await.is_empty());
    for bad in ["action=destroyed", "cursor=7", "since=soon", "limit=0"] {
        let refused = door.admin(Method::GET, &format!("/conduit/api/audit?{bad}"), None).await;
        assert_refused(&refused, 400, 201);
    }
}
