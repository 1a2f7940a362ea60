//! Every route that takes a body gets what no client should send: a clear refusal, and nothing stored.

use reqwest::Method;
use serde_json::{Value, json};

use super::door::{Door, answer, assert_refused};

const REGISTER: &str = "/conduit/webhooks/register";
const UPDATE: &str = "/conduit/webhooks/update";
const IMPORT: &str = "/internal/webhooks/import";

/// Each route that takes JSON, with a body that it would accept.
fn routes() -> Vec<(Method, String, Value)> {
    let hook = json!({"provider": "github", "repo_id": "shop"});
    let new =
        json!({"provider": "github", "repo_id": "shop", "repo_path": "acme/shop", "projects": ["SHOP"]});
    let import = json!({"provider": "github", "repo_id": "shop", "repo_path": "acme/shop", "secret": "0123456789abcdef"});
    let event = conduit::store::EventId::new("github/shop", "1", "1");
    vec![
        (Method::POST, REGISTER.into(), new),
        (Method::PATCH, UPDATE.into(), hook),
        (Method::PATCH, IMPORT.into(), import),
        (Method::POST, format!("/conduit/api/events/{event}/replay"), json!({"force": true})),
        (Method::POST, "/conduit/api/queue/pause".into(), json!({"site": "elsewhere"})),
        (Method::POST, "/conduit/api/queue/resume".into(), json!({"site": "elsewhere"})),
    ]
}

async fn assert_nothing_stored(door: &Door) {
    assert!(door.store.hooks(None).await.unwrap().is_empty());
    assert!(door.events().await.is_empty());
    assert!(door.store.queue().await.unwrap().paused.is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_json_object_are_refused() {
    let door = Door::open().await;
    let deep = format!("{{\"provider\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (method, path, good) in routes() {
        let good = good.to_string();
        let cut = good.get(..good.len() - 2).unwrap().to_owned();
        let bodies = [
            b"[]".to_vec(),
            b"5".to_vec(),
            b"null".to_vec(),
            b"\"x\"".to_vec(),
            b"{".to_vec(),
            cut.into(),
            deep.clone().into(),
            [good.as_bytes(), b"}"].concat(),
            b"{\"provider\": \"\xff\"}".to_vec(),
            b"\0".to_vec(),
        ];
        for body in bodies {
            let request = door.ask(method.clone(), &path).bearer_auth(door.admin.expose());
            let request = request.header("Content-Type", "application/json").body(body);
            assert_refused(&answer(request).await, 400, 201);
        }
    }
    assert_nothing_stored(&door).await;
}

#[tokio::test]
async fn a_body_of_another_kind_or_size_is_refused() {
    let door = Door::open().await;
    for (method, path, good) in routes() {
        let ask = || door.ask(method.clone(), &path).bearer_auth(door.admin.expose());
        let form = ask().header("Content-Type", "application/x-www-form-urlencoded").body("provider=github");
        assert_refused(&answer(form).await, 415, 210);
        assert_refused(&answer(ask().body(good.to_string())).await, 415, 210);
        assert_refused(&answer(ask().header("Content-Encoding", "gzip").json(&good)).await, 415, 210);
        let large = json!({"provider": "x".repeat(65 * 1024)});
        assert_refused(&answer(ask().json(&large)).await, 413, 206);
    }
    assert_nothing_stored(&door).await;
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named() {
    let door = Door::open().await;
    for (method, path, good) in routes() {
        for (name, value) in good.as_object().unwrap() {
            for wrong in
                [json!(5), json!({"a": 1}), json!([1]), json!([["x"]]), json!(true), json!("x".repeat(5000))]
            {
                // `force` is the one field that may be true.
                if wrong.is_boolean() && value.is_boolean() {
                    continue;
                }
                let mut body = good.clone();
                body[name] = wrong;
                let refused = door.admin(method.clone(), &path, Some(body)).await;
                assert_refused(&refused, 400, 201);
                assert!(
                    refused.1["error_msg"].as_str().unwrap().contains(&format!("`{name}`")),
                    "{}",
                    refused.1
                );
            }
        }
    }
    assert_nothing_stored(&door).await;
}

#[tokio::test]
async fn a_misspelt_or_missing_field_is_named() {
    let door = Door::open().await;
    for (method, path, good) in routes() {
        let mut body = good.clone();
        body["provder"] = json!("github");
        let refused = door.admin(method.clone(), &path, Some(body)).await;
        assert_refused(&refused, 400, 201);
        assert!(refused.1["error_msg"].as_str().unwrap().contains("`provder`"), "{}", refused.1);
    }
    for (method, path, good) in routes().into_iter().take(3) {
        for name in good.as_object().unwrap().keys().filter(|name| *name != "projects") {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(name);
            let refused = door.admin(method.clone(), &path, Some(body)).await;
            assert_refused(&refused, 400, 202);
            assert!(refused.1["error_msg"].as_str().unwrap().contains(&format!("`{name}`")), "{}", refused.1);
        }
    }
    assert_nothing_stored(&door).await;
}

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_with_what_it_should_look_like() {
    let door = Door::open().await;
    for (path, name, value) in [
        (REGISTER, "provider", json!("sourcehut")),
        (REGISTER, "repo_id", json!("acme/shop")),
        (REGISTER, "repo_id", json!("..")),
        (REGISTER, "repo_id", json!("")),
        (REGISTER, "repo_id", json!("a\u{0}b")),
        (REGISTER, "repo_id", json!("x".repeat(101))),
        (REGISTER, "repo_path", json!("shop")),
        (REGISTER, "repo_path", json!("acme/sh\nop")),
        (REGISTER, "projects", json!(["9x"])),
        (UPDATE, "overlap", json!("-1h")),
        (UPDATE, "overlap", json!("soon")),
        (UPDATE, "overlap", json!("31d")),
        (UPDATE, "overlap", json!(3600)),
        (IMPORT, "secret", json!("tooshort")),
        (IMPORT, "secret", json!("with\na line break in it")),
    ] {
        let (method, _, mut body) = routes().into_iter().find(|(_, at, _)| at == path).unwrap();
        body[name] = value;
        let refused = door.admin(method, path, Some(body.clone())).await;
        assert_refused(&refused, 400, 201);
        assert!(refused.1["error_msg"].as_str().unwrap().contains(name), "{body}: {}", refused.1);
    }
    assert_nothing_stored(&door).await;
}

#[tokio::test]
async fn without_a_token_a_body_is_not_even_looked_at() {
    let door = Door::open().await;
    for (method, path, _) in routes() {
        let request = door.ask(method, &path).header("Content-Type", "application/json").body("{");
        assert_refused(&answer(request).await, 401, 205);
    }
    for path in [
        "/conduit/webhooks/list",
        "/conduit/webhooks/find?provider=github&repo_id=shop",
        "/conduit/api/events",
        "/conduit/api/tickets/SHOP-42",
        "/conduit/api/queue",
        "/conduit/api/machines",
    ] {
        assert_refused(&answer(door.ask(Method::GET, path)).await, 401, 205);
    }
    assert_refused(&answer(door.ask(Method::DELETE, "/conduit/webhooks/github/shop")).await, 401, 205);
}
