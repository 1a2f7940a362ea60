//! Who may try, and how often: forgers beside genuine senders, behind one proxy or several.
//!
//! The service trusts loopback as its proxy, so that `X-Forwarded-For` puts a sender at any address.

use std::net::IpAddr;
use std::time::Duration;

use conduit::http::{AllowList, DoorConfig, HttpConfig, Published, Rate};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::door::{Delivery, Door, Registered, answer, assert_refused, logs};
use super::limits::raw;

const FORGER: &str = "203.0.113.9";
const FORGE: &str = "192.0.2.10";

/// A door that counts to three.
fn three() -> DoorConfig {
    DoorConfig {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        allow: None,
        refused: Rate::per_minute(3),
        hook: Rate::per_minute(3),
        tokens: Rate::per_minute(3),
    }
}

async fn open(door: DoorConfig) -> (Door, Registered) {
    let door = Door::open_with(HttpConfig { door, ..HttpConfig::default() }).await;
    let hook = door.register("shop", "acme/shop").await;
    (door, hook)
}

/// Sends it as somebody at `address`.
async fn from(address: &str, request: RequestBuilder) -> (StatusCode, Value) {
    answer(request.header("X-Forwarded-For", address)).await
}

async fn forge(door: &Door, hook: &Registered, address: &str) -> u16 {
    let forged = door.signed(&hook.uri, "a secret that he made up", &Delivery::merged("forged"));
    from(address, forged).await.0.as_u16()
}

async fn deliver(door: &Door, hook: &Registered, address: &str, id: &str) -> (StatusCode, Value) {
    from(address, door.signed(&hook.uri, &hook.secret, &Delivery::merged(id))).await
}

/// So many forged deliveries from there, and how each was answered.
async fn flood(door: &Door, hook: &Registered, address: &str, count: usize) -> Vec<u16> {
    let mut answers = Vec::new();
    for _ in 0..count {
        answers.push(forge(door, hook, address).await);
    }
    answers
}

#[tokio::test]
async fn a_forger_uses_up_his_own_address_and_not_the_hook_that_he_names() {
    let (door, hook) = open(three()).await;
    assert_eq!(flood(&door, &hook, FORGER, 6).await, [401, 401, 401, 429, 429, 429]);
    let refused = answer(
        door.signed(&hook.uri, &hook.secret, &Delivery::merged("d-1")).header("X-Forwarded-For", FORGER),
    )
    .await;
    assert_refused(&refused, 429, 216);
    assert_eq!(deliver(&door, &hook, FORGE, "d-1").await.0, StatusCode::ACCEPTED);
    assert!(logs().contains(&format!("a delivery to github/shop from {FORGER} got 401")));
    assert!(logs().contains(&format!("so much from {FORGER} was refused")));
}

#[tokio::test]
async fn he_is_told_when_to_come_again_and_is_heard_then() {
    let (door, hook) = open(three()).await;
    flood(&door, &hook, FORGER, 3).await;
    let forged = door.unsigned(&hook.uri, &Delivery::merged("d-1")).header("X-Forwarded-For", FORGER);
    let response = forged.send().await.unwrap();
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((15..=20).contains(&wait), "a third of a minute, less what has passed: {wait}");
    door.clock.advance(Duration::from_secs(wait));
    assert_eq!(flood(&door, &hook, FORGER, 2).await, [401, 429]);
}

#[tokio::test]
async fn whoever_is_refused_is_refused_before_the_body_is_read() {
    let (door, hook) = open(three()).await;
    flood(&door, &hook, FORGER, 3).await;
    // No byte of the body ever comes: whoever waited for one would say 408.
    let head = format!("X-Forwarded-For: {FORGER}\r\nContent-Length: 1000000");
    let answer = raw(&door, &head, b"").await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    let chunked = format!("X-Forwarded-For: {FORGER}\r\nTransfer-Encoding: chunked");
    let answer = raw(&door, &chunked, b"5\r\nhello\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
}

#[tokio::test]
async fn a_large_body_that_was_refused_unread_still_hears_why() {
    let (door, hook) = open(three()).await;
    flood(&door, &hook, FORGER, 3).await;
    let large = Delivery { body: vec![b'x'; 1 << 20], ..Delivery::merged("d-1") };
    assert_refused(&from(FORGER, door.unsigned(&hook.uri, &large)).await, 429, 216);
}

#[tokio::test]
async fn every_way_to_be_refused_counts() {
    let (door, hook) = open(three()).await;
    let plain = Delivery { content_type: "text/plain", ..Delivery::merged("d-1") };
    let elsewhere = hook.uri.replace("github", "gitpub");
    let unknown = hook.uri.replace("shop", "shed");
    let ways = [
        (415, door.unsigned(&hook.uri, &plain)),
        (404, door.unsigned(&elsewhere, &Delivery::merged("d-1"))),
        (401, door.unsigned(&unknown, &Delivery::merged("d-1"))),
        (429, door.unsigned(&unknown, &Delivery::merged("d-1"))),
    ];
    for (status, request) in ways {
        assert_eq!(from(FORGER, request).await.0.as_u16(), status);
    }
}

#[tokio::test]
async fn bytes_that_had_to_be_hashed_cost_more() {
    let config = DoorConfig { refused: Rate::per_minute(4), ..three() };
    let (door, hook) = open(config).await;
    let large = Delivery { body: vec![b'x'; 800 * 1024], ..Delivery::merged("d-1") };
    assert_eq!(from(FORGER, door.unsigned(&hook.uri, &large)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(forge(&door, &hook, FORGER).await, 429);
}

#[tokio::test]
async fn a_forger_at_the_forges_own_address_locks_no_genuine_hook_out() {
    let (door, hook) = open(three()).await;
    assert_eq!(deliver(&door, &hook, FORGE, "d-1").await.0, StatusCode::ACCEPTED);
    assert!(
        flood(&door, &hook, FORGE, 20).await.iter().all(|status| *status == 401),
        "each is still looked at"
    );
    assert_eq!(deliver(&door, &hook, FORGE, "d-2").await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_a_forger_makes_up_before_his_address_helps_him_nothing() {
    let (door, hook) = open(three()).await;
    for (made_up, expected) in [("10.0.0.1", 401), ("192.0.2.1", 401), ("127.0.0.1", 401), ("unknown", 429)] {
        assert_eq!(forge(&door, &hook, &format!("{made_up}, {FORGER}")).await, expected, "{made_up}");
    }
    let twice =
        door.unsigned(&hook.uri, &Delivery::merged("d-1")).header("Forwarded", format!("for={FORGE}"));
    let (status, _) = from(FORGER, twice).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "he is taken for the proxy");
    assert_eq!(deliver(&door, &hook, FORGE, "d-1").await.0, StatusCode::ACCEPTED, "and never for the forge");
}

#[tokio::test]
async fn an_ipv6_network_is_one_sender() {
    let (door, hook) = open(three()).await;
    for (host, expected) in [(1, 401), (2, 401), (3, 401), (4, 429)] {
        assert_eq!(forge(&door, &hook, &format!("2001:db8:0:7::{host}")).await, expected);
    }
    assert_eq!(forge(&door, &hook, "2001:db8:0:8::1").await, 401);
}

#[tokio::test]
async fn behind_a_proxy_that_nobody_named_no_one_is_locked_out_and_the_log_says_so() {
    let (door, hook) = open(DoorConfig { trusted_proxies: Vec::new(), ..three() }).await;
    assert!(flood(&door, &hook, FORGER, 8).await.iter().all(|status| *status == 401));
    assert_eq!(deliver(&door, &hook, FORGE, "d-1").await.0, StatusCode::ACCEPTED);
    assert!(
        logs()
            .contains("127.0.0.1 says that it speaks for others, and is not one of CONDUIT_TRUSTED_PROXIES")
    );
}

#[tokio::test]
async fn without_a_proxy_it_is_the_peer_that_counts() {
    let (door, hook) = open(DoorConfig { trusted_proxies: Vec::new(), ..three() }).await;
    for expected in [401, 401, 401, 429] {
        let forged = door.unsigned(&hook.uri, &Delivery::merged("d-1"));
        assert_eq!(answer(forged).await.0.as_u16(), expected);
    }
}

#[tokio::test]
async fn a_hook_may_have_so_much_and_only_what_is_genuine_counts() {
    let (door, hook) = open(DoorConfig { refused: None, ..three() }).await;
    // The first one pins the repository, after which the hook is read anew.
    assert_eq!(deliver(&door, &hook, FORGE, "d-0").await.0, StatusCode::ACCEPTED);
    assert!(flood(&door, &hook, FORGER, 5).await.iter().all(|status| *status == 401));
    for id in ["d-1", "d-2", "d-3"] {
        assert_eq!(deliver(&door, &hook, FORGE, id).await.0, StatusCode::ACCEPTED);
    }
    let events = door.events().await.len();
    assert_refused(&deliver(&door, &hook, FORGE, "d-4").await, 429, 217);
    assert_eq!(door.events().await.len(), events, "nothing was stored");
    let other = door.register("pay", "acme/shop").await;
    assert_eq!(
        deliver(&door, &other, FORGE, "d-5").await.0,
        StatusCode::ACCEPTED,
        "another hook is another hook"
    );
    door.clock.advance(Duration::from_secs(20));
    assert_eq!(deliver(&door, &hook, FORGE, "d-4").await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn too_much_on_a_hook_is_not_held_against_the_address() {
    let (door, hook) = open(three()).await;
    let other = door.register("pay", "acme/shop").await;
    for id in 0..8 {
        deliver(&door, &hook, FORGE, &format!("d-{id}")).await;
    }
    assert_eq!(deliver(&door, &other, FORGE, "d-9").await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn who_guesses_tokens_is_not_heard_and_who_works_at_the_same_address_is() {
    let (door, _) = open(three()).await;
    let ask = |token: &str| door.ask(Method::GET, "/conduit/api/queue").bearer_auth(token);
    assert_eq!(from(FORGER, ask(door.viewer.expose())).await.0, StatusCode::OK);
    for expected in [401, 401, 401, 429] {
        assert_eq!(from(FORGER, ask("a guess")).await.0.as_u16(), expected);
    }
    assert_refused(&from(FORGER, ask(door.admin.expose())).await, 429, 216);
    assert_eq!(from(FORGER, ask(door.viewer.expose())).await.0, StatusCode::OK, "known from before");
    assert_eq!(from(FORGE, ask(door.admin.expose())).await.0, StatusCode::OK, "from elsewhere");
    let without = from(FORGER, door.ask(Method::GET, "/conduit/api/queue")).await;
    assert_refused(&without, 401, 205);
}

#[tokio::test]
async fn without_limits_there_are_none() {
    let door = DoorConfig { refused: Rate::per_minute(0), hook: None, tokens: None, ..three() };
    let (door, hook) = open(door).await;
    assert!(flood(&door, &hook, FORGER, 10).await.iter().all(|status| *status == 401));
}

#[tokio::test]
async fn deliveries_are_taken_from_listed_addresses_alone_and_the_api_answers_everybody() {
    let published = Published::default();
    let networks = vec!["198.51.100.0/24".parse().unwrap()];
    let allow = Some(AllowList { networks, published: Some(published.clone()) });
    let (door, hook) = open(DoorConfig { allow, ..three() }).await;
    assert_eq!(deliver(&door, &hook, "198.51.100.7", "d-1").await.0, StatusCode::ACCEPTED);

    let early = deliver(&door, &hook, FORGE, "d-2").await;
    assert_refused(&early, 503, 207);
    published.replace(vec!["192.0.2.0/24".parse().unwrap()]);
    assert_eq!(deliver(&door, &hook, FORGE, "d-2").await.0, StatusCode::ACCEPTED);

    // However genuine, and before a byte of it is read.
    assert_refused(&deliver(&door, &hook, FORGER, "d-3").await, 403, 218);
    let head = format!("X-Forwarded-For: {FORGE}, {FORGER}\r\nContent-Length: 1000000");
    assert!(raw(&door, &head, b"").await.starts_with("HTTP/1.1 403"));
    let ask = door.ask(Method::GET, "/conduit/api/queue").bearer_auth(door.viewer.expose());
    assert_eq!(from(FORGER, ask).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_audit_log_has_the_address_behind_the_proxy() {
    let (door, _) = open(three()).await;
    let pause = door.ask(Method::POST, "/conduit/api/queue/pause").bearer_auth(door.admin.expose());
    assert_eq!(from("10.1.1.1, 203.0.113.77", pause).await.0, StatusCode::OK);
    let (_, log) = door.admin(Method::GET, "/conduit/api/audit?action=paused", None).await;
    let address: IpAddr = log["data"]["entries"][0]["from"].as_str().unwrap().parse().unwrap();
    assert_eq!(address.to_string(), "203.0.113.77");
}
