//! A forge delivers.

use std::time::Duration;

use conduit::clock::Clock;
use conduit::event::Trigger;
use conduit::store::sqlite::SqliteStore;
use conduit::store::{EventState, Store as _, decompress};
use conduit::trace::Reason;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::door::{Delivery, Door, answer, assert_refused, eventually, hmac_hex, pull_request};

#[tokio::test]
async fn a_registered_repository_delivers_and_the_event_is_durable() {
    let door = Door::open().await;
    let hook = door.register("acme-shop", "acme/shop").await;
    assert_eq!(hook.uri, "/conduit/webhooks/github/acme-shop/payload");
    assert_eq!(hook.secret.len(), 64, "32 random bytes in hex");

    let delivery = Delivery::merged("d-1");
    let (id, duplicate) = door.deliver(&hook, &delivery).await;
    assert!(!duplicate);

    let event = door.event(&id).await;
    assert_eq!(event.state, EventState::Waiting);
    assert!(event.event.unwrap().triggers.contains(&Trigger::PullRequestMerged));
    assert_eq!(event.received.hook, "github/acme-shop");
    assert_eq!(event.received.verified_by, "HMAC-SHA256");
    assert_eq!(event.received.bytes, delivery.body.len() as u64);
    let inbox = door.store.inbox("a-test", 10).await.unwrap();
    assert_eq!(inbox.first().unwrap().id, id, "it waits to be worked on");

    door.http.bodies_kept().await;
    let body = door.store.body(&id).await.unwrap().expect("the raw body is kept");
    assert_eq!(decompress(&body).unwrap(), delivery.body);
}

/// What a power cut leaves: the files as they are at that moment, and nothing of the process.
#[tokio::test]
async fn what_was_answered_202_is_in_the_files_at_that_moment() {
    let door = Door::open().await;
    let hook = door.register("acme-shop", "acme/shop").await;
    let (id, _) = door.deliver(&hook, &Delivery::merged("d-1")).await;
    let after = tempfile::tempdir().unwrap();
    for name in ["conduit.db", "conduit.db-wal"] {
        std::fs::copy(door.folder.path().join(name), after.path().join(name)).unwrap();
    }
    let found = SqliteStore::open(&after.path().join("conduit.db"), Clock::system()).unwrap();
    assert_eq!(found.event(&id).await.unwrap().map(|event| event.state), Some(EventState::Waiting));
    assert_eq!(found.inbox("router", 9).await.unwrap().len(), 1, "and waits to be worked on");
}

#[tokio::test]
async fn the_prefix_may_be_left_out() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let short = hook.uri.strip_prefix("/conduit").unwrap();
    let (status, _) = answer(door.signed(short, &hook.secret, &Delivery::merged("d-1"))).await;
    assert_eq!(status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_is_not_signed_by_the_secret_is_refused_and_an_unknown_hook_looks_the_same() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::merged("d-1");
    let unknown = "/conduit/webhooks/github/nobody/payload";
    let not_a_slug = format!("/conduit/webhooks/github/{}/payload", "x".repeat(101));
    let sha1 = format!("sha1={}", "0".repeat(40));

    let forged = answer(door.signed(&hook.uri, "a guess", &delivery)).await;
    assert_refused(&forged, 401, 208);
    for (what, request) in [
        ("missing", door.unsigned(&hook.uri, &delivery)),
        ("empty", door.unsigned(&hook.uri, &delivery).header("X-Hub-Signature-256", "sha256=")),
        ("not hex", door.unsigned(&hook.uri, &delivery).header("X-Hub-Signature-256", "sha256=zz")),
        ("legacy", door.unsigned(&hook.uri, &delivery).header("X-Hub-Signature", sha1.as_str())),
        ("unknown hook", door.signed(unknown, "a guess", &delivery)),
        ("unknown hook, the other's secret", door.signed(unknown, &hook.secret, &delivery)),
        ("unknown hook, unsigned", door.unsigned(unknown, &delivery)),
        ("unknown hook, empty key", door.signed(unknown, "", &delivery)),
        ("no slug", door.signed(&not_a_slug, &hook.secret, &delivery)),
    ] {
        assert_eq!(answer(request).await, forged, "{what}");
    }
    assert!(door.events().await.is_empty());
}

#[tokio::test]
async fn the_headers_of_a_refusal_do_not_tell_an_unknown_hook_either() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::merged("d-1");
    let mut answers = Vec::new();
    for uri in [hook.uri.as_str(), "/conduit/webhooks/github/nobody/payload"] {
        let response = door.signed(uri, "a guess", &delivery).send().await.unwrap();
        let names: Vec<_> = response
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date")
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        answers.push((response.status(), names));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn the_same_delivery_and_the_same_change_are_duplicates() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let org = door.register("acme", "acme/*").await;
    let body = pull_request(&door.clock.now().to_string());
    let delivery = |id: &str| Delivery::json(id, "pull_request", &body);

    let (first, duplicate) = door.deliver(&hook, &delivery("d-1")).await;
    assert!(!duplicate);
    assert_eq!(door.deliver(&hook, &delivery("d-1")).await, (first.clone(), true), "redelivered");

    let (second, duplicate) = door.deliver(&org, &delivery("d-2")).await;
    assert!(duplicate, "the organisation's hook reports the same merge");
    assert_eq!(door.event(&second).await.duplicate_of, Some(first));
    assert_eq!(door.store.inbox("a-test", 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_delivery_that_comes_fifty_times_at_once_is_one_event() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::merged("d-1");
    let receipts = futures_util::future::join_all((0..50).map(|_| door.deliver(&hook, &delivery))).await;
    assert_eq!(receipts.iter().filter(|(_, duplicate)| !duplicate).count(), 1);
    assert_eq!(door.events().await.len(), 1);
}

#[tokio::test]
async fn the_first_delivery_pins_the_repository_so_a_rename_is_followed_and_a_stranger_is_not() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let named = |id: u64, name: &str, merged: &str| {
        let mut body = pull_request(&door.clock.now().to_string());
        body["repository"]["id"] = json!(id);
        body["repository"]["full_name"] = json!(name);
        body["pull_request"]["merge_commit_sha"] = json!(merged);
        body
    };
    let reason = async |id: &str, body: &Value| {
        let (id, _) = door.deliver(&hook, &Delivery::json(id, "pull_request", body)).await;
        door.event(&id).await.verdict.reason
    };
    assert_eq!(
        reason("d-0", &named(666, "evil/shop", "a0")).await,
        Reason::RepoMismatch,
        "the first must bear the path"
    );
    assert_eq!(reason("d-1", &named(4711, "Acme/Shop", "a1")).await, Reason::Queued);
    let pinned = door.store.hook("github", "shop").await.unwrap().unwrap().pinned_repo;
    assert_eq!(pinned.as_deref(), Some("4711"));
    assert_eq!(reason("d-2", &named(4711, "acme/store", "a2")).await, Reason::Queued, "a rename");
    assert_eq!(reason("d-3", &named(4712, "acme/shop", "a3")).await, Reason::RepoMismatch, "a stranger");
}

#[tokio::test]
async fn an_old_event_is_recorded_and_does_not_act() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let old = (door.clock.now() - Duration::from_hours(7 * 24 + 1)).to_string();
    let (id, _) = door.deliver(&hook, &Delivery::json("d-1", "pull_request", &pull_request(&old))).await;
    let event = door.event(&id).await;
    assert_eq!((event.verdict.reason, event.state), (Reason::Stale, EventState::Finished));
    assert!(event.detail.unwrap().contains("replay"));
}

#[tokio::test]
async fn a_ping_and_an_unknown_event_are_accepted_and_recorded() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let repository = pull_request("")["repository"].clone();
    for event in ["ping", "watch"] {
        let body = json!({"zen": "Keep it simple.", "action": "started", "repository": repository});
        let (id, _) = door.deliver(&hook, &Delivery::json(event, event, &body)).await;
        assert_eq!(door.event(&id).await.verdict.reason, Reason::UnsupportedEvent, "{event}");
    }
}

#[tokio::test]
async fn a_form_is_signed_as_it_is_sent() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let json = pull_request(&door.clock.now().to_string()).to_string();
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
    let delivery = Delivery {
        id: "d-1".into(),
        event: "pull_request",
        body: body.into_bytes(),
        content_type: "application/x-www-form-urlencoded; charset=utf-8",
    };
    let (id, _) = door.deliver(&hook, &delivery).await;
    assert_eq!(door.event(&id).await.event.unwrap().pull_request().unwrap().number, 118);
}

#[tokio::test]
async fn what_is_signed_and_no_json_is_refused_and_not_stored() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let bodies: [&[u8]; 6] =
        [b"", b"{", b"not json", b"{\"a\": \"\xff\xfe\"}", b"{\"a\":1} trailing", &b"[".repeat(20_000)];
    for body in bodies {
        let delivery = Delivery {
            id: "d-1".into(),
            event: "pull_request",
            body: body.to_vec(),
            content_type: "application/json",
        };
        assert_refused(&answer(door.signed(&hook.uri, &hook.secret, &delivery)).await, 400, 201);
    }
    assert!(door.events().await.is_empty());
}

#[tokio::test]
async fn json_that_cannot_be_understood_is_kept_whole() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::json("d-1", "pull_request", &json!({"action": "closed", "pull_request": 5}));
    let (id, _) = door.deliver(&hook, &delivery).await;
    let event = door.event(&id).await;
    assert_eq!((event.verdict.reason, event.state), (Reason::NotNormalisable, EventState::Finished));
    assert_eq!(event.event, None);
    let body = door.store.body(&id).await.unwrap().expect("nothing accepted is gone");
    assert_eq!(decompress(&body).unwrap(), delivery.body);
}

#[tokio::test]
async fn deliveries_that_no_forge_sends_are_refused_by_their_head() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::merged("d-1");
    let gzip = door.signed(&hook.uri, &hook.secret, &delivery).header("Content-Encoding", "gzip");
    assert_refused(&answer(gzip).await, 415, 210);
    let xml = Delivery { content_type: "application/xml", ..Delivery::merged("d-1") };
    assert_refused(&answer(door.signed(&hook.uri, &hook.secret, &xml)).await, 415, 210);
    let elsewhere = door.signed("/conduit/webhooks/sourcehut/shop/payload", &hook.secret, &delivery);
    assert_refused(&answer(elsewhere).await, 404, 211);
    let get = answer(door.ask(Method::GET, &hook.uri)).await;
    assert_refused(&get, 405, 213);

    let bad_id = Delivery { id: "x".repeat(4000), ..Delivery::merged("") };
    assert_refused(&answer(door.signed(&hook.uri, &hook.secret, &bad_id)).await, 400, 201);
    assert!(door.events().await.is_empty());
}

#[tokio::test]
async fn a_store_that_cannot_write_is_busy_and_takes_the_delivery_when_it_can() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let other = rusqlite::Connection::open(door.folder.path().join("conduit.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = door.signed(&hook.uri, &hook.secret, &Delivery::merged("d-1")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "5");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(door.events().await.is_empty());
    let (_, duplicate) = door.deliver(&hook, &Delivery::merged("d-1")).await;
    assert!(!duplicate);
}

#[tokio::test]
async fn bodies_are_not_kept_where_nobody_wants_them() {
    let config = conduit::http::HttpConfig { keep_payloads: false, ..Default::default() };
    let door = Door::open_with(config).await;
    let hook = door.register("shop", "acme/shop").await;
    let (id, _) = door.deliver(&hook, &Delivery::merged("d-1")).await;
    door.http.bodies_kept().await;
    assert_eq!(door.store.body(&id).await.unwrap(), None);
}

#[tokio::test]
async fn what_came_in_is_counted() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    door.deliver(&hook, &Delivery::merged("d-1")).await;
    answer(door.signed(&hook.uri, "a guess", &Delivery::merged("d-2"))).await;
    let metrics = eventually("metrics", async || {
        let response = door.client.get(format!("{}/metrics", door.management)).send().await.unwrap();
        response.status().is_success().then_some(response)
    })
    .await;
    let text = metrics.text().await.unwrap();
    for name in [
        "conduit_webhooks_total{provider=\"github\",result=\"accepted\"}",
        "conduit_webhooks_total{provider=\"github\",result=\"bad_signature\"}",
        "conduit_queue_depth{state=\"inbox\"}",
        "conduit_build_info{version=",
    ] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
}

/// The digest of a body is the same here as at GitHub, or no other test would mean anything. The example is
/// of GitHub's own documentation.
#[test]
fn these_tests_sign_as_github_does() {
    assert_eq!(
        hmac_hex("It's a Secret to Everybody", b"Hello, World!"),
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
}
