//! Tokens are made, listed and revoked.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::door::{Door, answer, assert_refused, logs};

const TOKENS: &str = "/conduit/api/tokens";

async fn make(door: &Door, body: Value) -> (StatusCode, Value) {
    door.admin(Method::POST, TOKENS, Some(body)).await
}

async fn asks(door: &Door, token: &str) -> StatusCode {
    answer(door.ask(Method::GET, "/conduit/api/events").bearer_auth(token)).await.0
}

#[tokio::test]
async fn a_token_is_shown_once_opens_what_it_may_and_is_revoked_for_good() {
    let door = Door::open().await;
    let new = json!({"name": "ci", "role": "operator", "repos": ["acme/*"], "expires": "90d"});
    let (status, made) = make(&door, new.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let token = made["data"]["token"].as_str().unwrap().to_owned();
    assert_eq!(asks(&door, &token).await, StatusCode::OK);
    assert_refused(&make(&door, new.clone()).await, 409, 214);

    let (_, list) = door.admin(Method::GET, TOKENS, None).await;
    let row = list["data"].as_array().unwrap().iter().find(|row| row["name"] == "ci").unwrap().clone();
    assert_eq!(
        (&row["role"], &row["repos"], &row["valid"]),
        (&json!("operator"), &json!(["acme/*"]), &json!(true))
    );
    let hash = door.store.tokens().await.unwrap().into_iter().find(|t| t.name == "ci").unwrap().hash;
    for planted in [&token, &hash] {
        assert!(
            !list.to_string().contains(planted) && !logs().contains(planted),
            "shown once, stored hashed"
        );
    }
    assert_ne!(hash, token);

    let path = format!("{TOKENS}/ci");
    assert_eq!(door.admin(Method::DELETE, &path, None).await.0, StatusCode::OK);
    assert_eq!(asks(&door, &token).await, StatusCode::UNAUTHORIZED, "at once where it was revoked");
    assert_refused(&door.admin(Method::DELETE, &path, None).await, 404, 212);
    let (_, again) = make(&door, new).await;
    assert_ne!(again["data"]["token"], json!(token), "the name may be given again; the token is another");
    assert_eq!(asks(&door, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let door = Door::open().await;
    let (_, made) = make(&door, json!({"name": "guest", "role": "viewer", "expires": "1h"})).await;
    let token = made["data"]["token"].as_str().unwrap();
    assert_eq!(asks(&door, token).await, StatusCode::OK);
    door.clock.advance(Duration::from_mins(61));
    assert_eq!(asks(&door, token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_administrator_cannot_be_locked_out() {
    let door = Door::open().await;
    assert_refused(&door.admin(Method::DELETE, &format!("{TOKENS}/ada"), None).await, 409, 214);
    make(&door, json!({"name": "eve", "role": "admin", "expires": "1h"})).await;
    assert_refused(&door.admin(Method::DELETE, &format!("{TOKENS}/ada"), None).await, 409, 214);
    let (_, made) = make(&door, json!({"name": "eva", "role": "admin"})).await;
    assert_eq!(door.admin(Method::DELETE, &format!("{TOKENS}/ada"), None).await.0, StatusCode::OK);
    assert_eq!(asks(&door, made["data"]["token"].as_str().unwrap()).await, StatusCode::OK);
    assert_eq!(asks(&door, door.admin.expose()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_two_administrators_who_revoke_each_other_at_once_one_stays() {
    let door = Door::open().await;
    let (_, made) = make(&door, json!({"name": "eva", "role": "admin"})).await;
    let eva = made["data"]["token"].as_str().unwrap();
    let revoke =
        |by: &str, name: &str| answer(door.ask(Method::DELETE, &format!("{TOKENS}/{name}")).bearer_auth(by));
    let (of_eva, of_ada) = tokio::join!(revoke(door.admin.expose(), "eva"), revoke(eva, "ada"));
    let both = [of_eva.0, of_ada.0];
    assert_eq!(both.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{of_eva:?} {of_ada:?}");
    let list = [door.admin.expose(), eva].map(|token| door.ask(Method::GET, TOKENS).bearer_auth(token));
    let mut opened = 0;
    for request in list {
        opened += u32::from(answer(request).await.0 == StatusCode::OK);
    }
    assert_eq!(opened, 1, "whoever came first is the administrator that stays");
}

#[tokio::test]
async fn a_token_that_cannot_be_is_refused_with_the_reason() {
    let door = Door::open().await;
    for (body, code, reason) in [
        (json!({"role": "viewer"}), 202, "`name`"),
        (json!({"name": "a/b", "role": "viewer"}), 201, "`name`"),
        (json!({"name": "first-admin", "role": "viewer"}), 201, "choose another one"),
        (json!({"name": "x"}), 202, "`role`"),
        (json!({"name": "x", "role": "root"}), 201, "viewer, operator or admin"),
        (json!({"name": "x", "role": "admin", "repos": ["acme/*"]}), 201, "an admin's token"),
        (json!({"name": "x", "role": "viewer", "repos": ["*"]}), 201, "OWNER/NAME"),
        (json!({"name": "x", "role": "viewer", "expires": "0"}), 201, "`expires`"),
        (json!({"name": "x", "role": "viewer", "expires": "4294967295d"}), 201, "`expires`"),
    ] {
        let refused = make(&door, body).await;
        assert_refused(&refused, 400, code);
        let text = refused.1["error_msg"].as_str().unwrap().to_uppercase();
        assert!(text.contains(&reason.to_uppercase()), "{text}");
    }
    assert_eq!(door.store.tokens().await.unwrap().len(), 3, "nothing was made");
}
