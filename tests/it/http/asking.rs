//! People and scripts ask what came in, and what waits.

use std::time::Duration;

use conduit::store::{EventId, Pause, PauseKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::door::{Delivery, Door, answer, assert_refused, pull_request};

async fn get(door: &Door, path: &str) -> (StatusCode, Value) {
    answer(door.ask(Method::GET, path).bearer_auth(door.viewer.expose())).await
}

/// An event that came too long after it happened, and so is finished.
async fn stale_event(door: &Door) -> EventId {
    let hook = door.register("shop", "acme/shop").await;
    let old = (door.clock.now() - Duration::from_hours(8 * 24)).to_string();
    door.deliver(&hook, &Delivery::json("d-old", "pull_request", &pull_request(&old))).await.0
}

#[tokio::test]
async fn an_event_is_shown_as_its_trace() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let (id, _) = door.deliver(&hook, &Delivery::merged("d-1")).await;
    let (status, answer) = get(&door, &format!("/conduit/api/events/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    let data = &answer["data"];
    assert_eq!(data["schema"], "conduit.trace/1");
    assert_eq!(data["event_id"], id.as_str());
    assert_eq!(data["event"]["kind"], "pull_request.merged");
    assert_eq!(data["state"], "waiting");
    assert_eq!(data["received_at"], data["received"]["at"]);
    assert_eq!(data["normalised"]["subject"]["pull_request"]["title"], "SHOP-42: pay by card");
    let nobody = EventId::new("github/x", "1", "1");
    assert_refused(&get(&door, &format!("/conduit/api/events/{nobody}")).await, 404, 212);
}

#[tokio::test]
async fn events_are_listed_page_by_page_and_filtered() {
    let door = Door::open().await;
    let old = stale_event(&door).await;
    let org = door.register("acme", "acme/*").await;
    let (new, _) = door.deliver(&org, &Delivery::merged("d-new")).await;

    let (_, first) = get(&door, "/conduit/api/events?limit=1").await;
    assert_eq!(first["data"]["events"][0]["event_id"], new.as_str(), "newest first");
    let cursor = first["data"]["next_cursor"].as_str().unwrap();
    let (_, second) = get(&door, &format!("/conduit/api/events?limit=1&cursor={cursor}")).await;
    assert_eq!(second["data"]["events"][0]["event_id"], old.as_str());
    assert_eq!(second["data"]["events"][0]["number"], 118);

    let count = async |query: &str| {
        let (status, answer) = get(&door, &format!("/conduit/api/events?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["data"]["events"].as_array().unwrap().len()
    };
    assert_eq!(count("outcome=skipped").await, 1);
    assert_eq!(count("outcome=moved").await, 0);
    assert_eq!(count("repo=acme/shop").await, 2);
    assert_eq!(count("repo=acme/pay").await, 0);
    assert_eq!(count("since=2h").await, 2);
    assert_eq!(count("since=2099-01-01T00:00:00Z").await, 0);
    assert_eq!(count("ticket=SHOP-42").await, 0, "it is not fanned out yet");
    assert_eq!(count("ticket=&outcome=").await, 2, "an empty filter is none");
}

#[tokio::test]
async fn a_wrong_filter_is_named() {
    let door = Door::open().await;
    for (query, named) in [
        ("outcome=mooved", "`mooved` is not one of"),
        ("since=yesterday", "`since`"),
        ("ticket=42", "`ticket`"),
        ("limit=0", "`limit`"),
        ("limit=many", "`limit`"),
        ("cursor=elsewhere", "`cursor`"),
        ("colour=red", "`colour`"),
        ("limit=1&limit=2", "`limit` is given twice"),
    ] {
        let refused = get(&door, &format!("/conduit/api/events?{query}")).await;
        assert_refused(&refused, 400, 201);
        assert!(refused.1["error_msg"].as_str().unwrap().contains(named), "{query}: {}", refused.1);
    }
    assert_refused(&get(&door, "/conduit/api/events/not-an-id").await, 400, 201);
    assert_refused(&get(&door, "/conduit/api/tickets/42").await, 400, 201);
}

#[tokio::test]
async fn a_ticket_that_no_event_named_has_no_traces() {
    let door = Door::open().await;
    let (status, answer) = get(&door, "/conduit/api/tickets/shop-42").await;
    assert_eq!((status, &answer["data"]), (StatusCode::OK, &json!([])));
}

#[tokio::test]
async fn a_stale_event_acts_when_it_is_replayed_by_somebody_who_may() {
    let door = Door::open().await;
    let id = stale_event(&door).await;
    let path = format!("/conduit/api/events/{id}/replay");
    assert!(door.store.inbox("a-test", 10).await.unwrap().is_empty());

    let by = |token: &str| door.ask(Method::POST, &path).bearer_auth(token);
    assert_refused(&answer(by(door.viewer.expose())).await, 403, 209);
    let (status, body) = answer(by(door.operator.expose())).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["data"]["event_id"], id.as_str());
    assert!(door.store.inbox("a-test", 10).await.unwrap().first().unwrap().replayed);
    assert_refused(&answer(by(door.operator.expose())).await, 409, 214);
    let nobody = EventId::new("github/x", "1", "1");
    let missing = door.admin(Method::POST, &format!("/conduit/api/events/{nobody}/replay"), None).await;
    assert_refused(&missing, 404, 212);
}

#[tokio::test]
async fn a_replay_names_its_tickets_as_keys() {
    let door = Door::open().await;
    let id = stale_event(&door).await;
    let path = format!("/conduit/api/events/{id}/replay");
    let replay = async |body: Value| door.admin(Method::POST, &path, Some(body)).await;
    assert_refused(&replay(json!({"tickets": ["shop"]})).await, 400, 201);
    assert_refused(&replay(json!({"tickets": "SHOP-1"})).await, 400, 201);
    let none_of_its = replay(json!({"tickets": ["shop-1"]})).await;
    assert_refused(&none_of_its, 409, 214);
    assert!(door.store.inbox("a-test", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_site_is_paused_and_resumed() {
    let door = Door::open().await;
    let pause = async |body: Value| door.admin(Method::POST, "/conduit/api/queue/pause", Some(body)).await;
    let (status, body) = pause(json!({"site": "atlassian", "why": "upgrade of Jira"})).await;
    assert_eq!((status, &body["data"]["sites"]), (StatusCode::OK, &json!(["atlassian"])));
    let (_, queue) = get(&door, "/conduit/api/queue").await;
    assert_eq!(queue["data"]["paused"][0]["why"], "paused by ada: upgrade of Jira");
    assert_refused(&pause(json!({"site": "elsewhere"})).await, 404, 212);

    let (_, resumed) = door.admin(Method::POST, "/conduit/api/queue/resume", None).await;
    assert_eq!(resumed["data"]["sites"], json!(["atlassian"]), "without a name: every site");
    let (_, again) = door.admin(Method::POST, "/conduit/api/queue/resume", None).await;
    assert_eq!(again["data"]["sites"], json!([]));
    let viewer = door.ask(Method::POST, "/conduit/api/queue/pause").bearer_auth(door.viewer.expose());
    assert_refused(&answer(viewer).await, 403, 209);
}

#[tokio::test]
async fn the_machines_in_force_are_shown() {
    let door = Door::open().await;
    let (_, answer) = get(&door, "/conduit/api/machines").await;
    let machine = &answer["data"]["machines"][0];
    assert_eq!((&machine["project"], &machine["mode"]), (&json!("DEVHOP"), &json!("act")));
    let states = machine["states"].as_array().unwrap();
    let first = states.iter().find(|state| state["alias"] == machine["initial"]).unwrap();
    assert!(first["edges"].as_array().is_some_and(|edges| !edges.is_empty()), "{machine}");
}

#[tokio::test]
async fn anyone_may_ask_whether_it_lives_and_only_management_tells_details() {
    let door = Door::open().await;
    let ask = async |url: String| answer(door.client.get(url)).await;
    for path in ["/conduit/ping", "/livez"] {
        assert_eq!(ask(format!("{}{path}", door.public)).await.1["data"], "pong", "{path}");
    }
    assert_eq!(ask(format!("{}/conduit-reactor/ping", door.management)).await.1["data"], "pong");
    let (_, version) = ask(format!("{}/conduit/version", door.public)).await;
    assert_eq!(version["data"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(ask(format!("{}/readyz", door.public)).await.1["data"], "ready");
    let (_, details) = ask(format!("{}/readyz", door.management)).await;
    let rules = details["data"]["rules"].as_str().unwrap();
    let ready =
        json!({"ready": true, "store": "ok", "rules_loaded": true, "rules": rules, "stopping": false});
    assert_eq!(details["data"], ready);

    let pause = Pause { kind: PauseKind::Down, why: "503".into(), rest: Some(Duration::from_secs(9)) };
    door.store.pause("atlassian", &pause).await.unwrap();
    door.clock.advance(Duration::from_secs(2));
    let (status, details) = ask(format!("{}/readyz", door.management)).await;
    assert_eq!(
        (status, &details["data"]["ready"]),
        (StatusCode::OK, &json!(true)),
        "deliveries are taken in"
    );
    let paused = &details["data"]["paused"][0];
    assert_eq!((&paused["site"], &paused["kind"]), (&json!("atlassian"), &json!("down")));
    assert!(paused["until"].is_string());
    let metrics = door.client.get(format!("{}/metrics", door.management)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        r#"conduit_site_paused{site="atlassian",kind="down"} 1"#,
        r#"conduit_site_paused{site="atlassian",kind="operator"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }

    door.http.stop_being_ready();
    assert_refused(&ask(format!("{}/readyz", door.public)).await, 503, 207);
    let (status, details) = ask(format!("{}/readyz", door.management)).await;
    assert_eq!((status, &details["data"]["stopping"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(true)));
    assert_eq!(ask(format!("{}/livez", door.public)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_service_without_rules_is_not_ready() {
    let door = Door::open_under(conduit::http::HttpConfig::default(), None).await;
    assert_refused(&answer(door.ask(Method::GET, "/readyz")).await, 503, 207);
    assert_refused(&get(&door, "/conduit/api/machines").await, 503, 207);
    assert_eq!(answer(door.ask(Method::GET, "/livez")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_management_listener_in_the_open_asks_for_a_token() {
    let config = conduit::http::HttpConfig { management_token_required: true, ..Default::default() };
    let door = Door::open_with(config).await;
    let ask = |path: &str| door.client.get(format!("{}{path}", door.management));
    assert_refused(&answer(ask("/metrics")).await, 401, 205);
    let response = ask("/metrics").bearer_auth(door.viewer.expose()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        answer(ask("/readyz")).await.1["data"],
        "ready",
        "a probe needs no token, and sees no details"
    );
    let with_token = answer(ask("/readyz").bearer_auth(door.viewer.expose())).await;
    assert_eq!(with_token.1["data"]["store"], "ok");
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_refused_like_anything_else() {
    let door = Door::open().await;
    for path in
        ["/", "/conduit", "/conduit/api", "/metrics", "/conduit/webhooks/register/x/y", "/%2e%2e/etc/passwd"]
    {
        assert_refused(&get(&door, path).await, 404, 212);
    }
    let response = door.ask(Method::PUT, "/conduit/api/events").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET");
    assert_refused(&(response.status(), response.json().await.unwrap()), 405, 213);
}
