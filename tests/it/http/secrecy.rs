//! Secrets, tokens and bodies are never seen where they have no business.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::door::{Delivery, Door, answer, logs};

#[tokio::test]
async fn secrets_stand_in_no_list_no_error_and_no_log() {
    let door = Door::open().await;
    let hook = door.register("planted", "acme/shop").await;
    let imported = "planted-secret-brought-along";
    let import =
        json!({"provider": "github", "repo_id": "brought", "repo_path": "acme/pay", "secret": imported});
    let wrong_place =
        json!({"provider": "github", "repo_id": "x", "repo_path": "acme/x", "projects": imported});
    let misspelt = json!({"provider": "github", "repo_id": "x", "repo_path": "acme/x", "secret": [imported]});

    let mut seen = String::new();
    for (method, path, body) in [
        (Method::PATCH, "/internal/webhooks/import", Some(import.clone())),
        (Method::PATCH, "/internal/webhooks/import", Some(import)),
        (Method::PATCH, "/internal/webhooks/import", Some(misspelt)),
        (Method::POST, "/conduit/webhooks/register", Some(wrong_place)),
        (Method::GET, "/conduit/webhooks/list", None),
        (Method::GET, "/conduit/webhooks/find?provider=github&repo_id=planted", None),
    ] {
        seen += &door.admin(method, path, body).await.1.to_string();
    }
    let body = json!({"action": "closed", "planted_in_a_body": true});
    let delivery = Delivery::json("d-1", "pull_request", &body);
    let (status, receipt) = answer(door.signed(&hook.uri, &hook.secret, &delivery)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    seen += &receipt.to_string();
    seen += &answer(door.signed(&hook.uri, imported, &delivery)).await.1.to_string();
    seen += &door.admin(Method::GET, "/conduit/api/events", None).await.1.to_string();

    let logs = logs();
    assert!(logs.contains("hook github/planted registered by ada"), "the log is listened to:\n{logs}");
    for planted in [hook.secret.as_str(), imported, door.admin.expose(), "planted_in_a_body"] {
        assert!(!seen.contains(planted), "{planted} in an answer");
        assert!(!logs.contains(planted), "{planted} in the log");
    }
    let hook = door.store.hook("github", "brought").await.unwrap().unwrap();
    assert!(!hook.secrets[0].sealed.contains(imported), "stored sealed");
}

#[tokio::test]
async fn a_made_up_route_cannot_forge_a_log_line() {
    let door = Door::open().await;
    let path = "/conduit/webhooks/github/x%0aERROR%20the%20store%20is%20gone%1b[2J/payload";
    let (status, _) = answer(door.unsigned(path, &Delivery::merged("d-1"))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let logs = logs();
    assert!(logs.contains("x\\nERROR the store is gone\\u{1b}[2J"), "it is logged, escaped");
    assert!(!logs.contains("\nERROR the store is gone"), "{logs}");
}
