//! An administrator registers a repository, gives it new secrets, and takes it away.

use std::time::Duration;

use conduit::http::HttpConfig;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::door::{Delivery, Door, Registered, answer, assert_refused};

const UPDATE: &str = "/conduit/webhooks/update";
const LIST: &str = "/conduit/webhooks/list";

fn shop(with: &Value) -> Value {
    let mut body = json!({"provider": "github", "repo_id": "shop"});
    for (name, value) in with.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// What a delivery signed with this secret gets, each time with another delivery id.
async fn delivered_with(door: &Door, secret: &str) -> StatusCode {
    let id = format!("{:?}", std::time::Instant::now());
    let id: String = id.chars().filter(char::is_ascii_digit).collect();
    let request = door.signed("/conduit/webhooks/github/shop/payload", secret, &Delivery::merged(&id));
    answer(request).await.0
}

async fn rotate(door: &Door, overlap: &Value) -> String {
    let body = shop(&json!({"overlap": overlap}));
    let (status, answer) = door.admin(Method::PATCH, UPDATE, Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["data"]["uri"], "/conduit/webhooks/github/shop/payload");
    answer["data"]["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hook_is_registered_once_and_its_secret_is_shown_once() {
    let config =
        HttpConfig { public_url: Some("https://conduit.example/".parse().unwrap()), ..HttpConfig::default() };
    let door = Door::open_with(config).await;
    let body = shop(&json!({"repo_path": "acme/shop", "projects": ["shop"]}));
    let (status, made) = door.admin(Method::POST, "/conduit/webhooks/register", Some(body.clone())).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(made["success"], true);
    assert_eq!(made["data"]["url"], "https://conduit.example/conduit/webhooks/github/shop/payload");
    assert_refused(&door.admin(Method::POST, "/conduit/webhooks/register", Some(body)).await, 409, 204);

    let secret = made["data"]["secret"].as_str().unwrap();
    let (_, found) =
        door.admin(Method::GET, "/conduit/webhooks/find?provider=github&repo_id=shop", None).await;
    assert_eq!(found["data"]["repo_path"], "acme/shop");
    assert_eq!(found["data"]["projects"], json!(["SHOP"]));
    assert_eq!(found["data"]["secrets"][0]["version"], 1);
    let (_, listed) = door.admin(Method::GET, LIST, None).await;
    assert_eq!(listed["data"], json!([found["data"]]));
    assert!(!listed.to_string().contains(secret) && !listed.to_string().contains("sealed"));
}

#[tokio::test]
async fn answers_are_never_cached() {
    let door = Door::open().await;
    let body = shop(&json!({"repo_path": "acme/shop"}));
    let request = door.ask(Method::POST, "/conduit/webhooks/register").bearer_auth(door.admin.expose());
    let response = request.json(&body).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn a_rotation_lets_the_old_secret_live_on_for_its_overlap() {
    let door = Door::open().await;
    let first = door.register("shop", "acme/shop").await.secret;
    let second = rotate(&door, &json!("30m")).await;
    assert_eq!(delivered_with(&door, &first).await, StatusCode::ACCEPTED);
    assert_eq!(delivered_with(&door, &second).await, StatusCode::ACCEPTED);
    door.clock.advance(Duration::from_mins(30));
    assert_eq!(delivered_with(&door, &first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(delivered_with(&door, &second).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_leak_ends_every_older_secret_at_once() {
    let door = Door::open().await;
    let first = door.register("shop", "acme/shop").await.secret;
    let second = rotate(&door, &Value::Null).await;
    assert_eq!(delivered_with(&door, &first).await, StatusCode::ACCEPTED);
    let third = rotate(&door, &json!("0")).await;
    assert_eq!(delivered_with(&door, &first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(delivered_with(&door, &second).await, StatusCode::UNAUTHORIZED);
    assert_eq!(delivered_with(&door, &third).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_leak_that_is_mended_elsewhere_is_mended_here_within_two_seconds() {
    let door = Door::open().await;
    let first = door.register("shop", "acme/shop").await.secret;
    assert_eq!(delivered_with(&door, &first).await, StatusCode::ACCEPTED);
    // Another process, with its own memory, on the same store.
    let mut hook = door.store.hook("github", "shop").await.unwrap().unwrap();
    let sealed = hook.secrets.first().unwrap().sealed.clone();
    hook.rotate(sealed, Duration::ZERO, door.clock.now());
    hook.secrets.clear();
    assert!(door.store.save_hook(&hook).await.unwrap());
    door.clock.advance(Duration::from_secs(2));
    assert_eq!(delivered_with(&door, &first).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn at_most_three_secrets_live() {
    let door = Door::open().await;
    let mut secrets = vec![door.register("shop", "acme/shop").await.secret];
    for _ in 0..3 {
        secrets.push(rotate(&door, &json!("24h")).await);
    }
    let mut answers = Vec::new();
    for secret in &secrets {
        answers.push(delivered_with(&door, secret).await.as_u16());
    }
    assert_eq!(answers, [401, 202, 202, 202]);
}

#[tokio::test]
async fn update_is_served_without_the_prefix_too() {
    let door = Door::open().await;
    door.register("shop", "acme/shop").await;
    let (status, _) = door.admin(Method::PATCH, "/webhooks/update", Some(shop(&json!({})))).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_secret_that_github_has_already_is_taken_over_and_not_repeated() {
    let door = Door::open().await;
    let secret = "set by hand in 2019";
    let body = shop(&json!({"repo_path": "acme/shop", "secret": secret}));
    let import = "/internal/webhooks/import";
    let (status, answer) = door.admin(Method::PATCH, import, Some(body.clone())).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert!(!answer.to_string().contains(secret));
    assert_eq!(delivered_with(&door, secret).await, StatusCode::ACCEPTED);
    assert_refused(&door.admin(Method::PATCH, import, Some(body)).await, 409, 204);
    let short = shop(&json!({"repo_path": "acme/shop", "secret": "short"}));
    assert_refused(&door.admin(Method::PATCH, import, Some(short)).await, 400, 201);
}

#[tokio::test]
async fn a_removed_hook_is_as_if_it_had_never_been() {
    let door = Door::open().await;
    let Registered { secret, .. } = door.register("shop", "acme/shop").await;
    assert_eq!(delivered_with(&door, &secret).await, StatusCode::ACCEPTED);
    let path = "/conduit/webhooks/github/shop";
    assert_eq!(door.admin(Method::DELETE, path, None).await.0, StatusCode::OK);
    assert_eq!(delivered_with(&door, &secret).await, StatusCode::UNAUTHORIZED);
    assert_refused(&door.admin(Method::DELETE, path, None).await, 404, 203);
    let find = "/conduit/webhooks/find?provider=github&repo_id=shop";
    assert_refused(&door.admin(Method::GET, find, None).await, 404, 203);
    assert_refused(&door.admin(Method::PATCH, UPDATE, Some(shop(&json!({})))).await, 404, 203);
}

#[tokio::test]
async fn a_hook_that_cannot_be_opened_is_busy_and_never_unauthorised() {
    let door = Door::open().await;
    let first = door.register("shop", "acme/shop").await.secret;
    let mut hook = door.store.hook("github", "shop").await.unwrap().unwrap();
    hook.secrets[0].sealed = "v1.deadbeef.AAAA".into();
    assert!(door.store.save_hook(&hook).await.unwrap());
    door.clock.advance(Duration::from_secs(2));
    let request = door.signed(&hook.uri(), &first, &Delivery::merged("d-1"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn only_an_administrator_registers() {
    let door = Door::open().await;
    let body = shop(&json!({"repo_path": "acme/shop"}));
    let ask = || door.ask(Method::POST, "/conduit/webhooks/register").json(&body);
    assert_refused(&answer(ask().bearer_auth(door.viewer.expose())).await, 403, 209);
    assert_refused(&answer(ask().bearer_auth(door.operator.expose())).await, 403, 209);
    assert_refused(&answer(ask().bearer_auth("a guess")).await, 401, 205);
    assert_refused(&answer(ask().basic_auth("ada", Some(door.admin.expose()))).await, 401, 205);
    let response = ask().send().await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"conduit\"");
    assert_refused(&(response.status(), response.json().await.unwrap()), 401, 205);
    assert!(door.store.hooks(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_revoked_token_is_dead_within_two_seconds() {
    let door = Door::open().await;
    assert_eq!(door.admin(Method::GET, LIST, None).await.0, StatusCode::OK);
    let tokens = door.store.tokens().await.unwrap();
    let mut token = tokens.into_iter().find(|token| token.name == "ada").unwrap();
    token.revoked_at = Some(door.clock.now());
    door.store.save_token(&token).await.unwrap();
    door.clock.advance(Duration::from_secs(2));
    assert_refused(&door.admin(Method::GET, LIST, None).await, 401, 205);
}
