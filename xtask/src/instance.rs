//! The `conduit` that a chore starts: how every one of them is set up, and its API.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::process::free_address;

const ADMIN_TOKEN: &str = "a-chores-administrator-token";
/// The secret of the one hook.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// The hook's address below a `serve`.
pub(crate) const HOOK: &str = "/conduit/webhooks/github/acme-shop/payload";

/// `conduit`, with what each of its commands needs.
pub(crate) fn command(program: &Path, config: &Path, store: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command
        .env("CONDUIT_CONFIG", config)
        .env("CONDUIT_STORE", store)
        .env("CONDUIT_ADMIN_TOKEN", ADMIN_TOKEN)
        // One hook gets what in life many share.
        .env("CONDUIT_RATE_HOOK", "0")
        .env("CONDUIT_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .env("CONDUIT_MANAGEMENT_LISTEN", free_address()?.to_string());
    Ok(command)
}

/// Waits until the `serve` at `address` takes deliveries: it listens before it has its store.
pub(crate) async fn ready(address: SocketAddr) -> anyhow::Result<()> {
    let (http, url) = (Client::new(), format!("http://{address}/readyz"));
    for _ in 0..400 {
        if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{url} does not say that it is ready")
}

/// Asks the API of the `serve` at `address`.
pub(crate) async fn api(
    http: &Client,
    address: SocketAddr,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let mut request = http.request(method, format!("http://{address}{path}")).bearer_auth(ADMIN_TOKEN);
    if let Some(body) = body {
        request = request.json(body);
    }
    let mut answer: Value = request.send().await?.json().await?;
    if answer["success"] != true {
        bail!("{path}: {}", answer["error_msg"]);
    }
    Ok(answer["data"].take())
}

/// Registers the hook of `acme/shop`.
pub(crate) async fn register_hook(http: &Client, address: SocketAddr) -> anyhow::Result<()> {
    let hook = serde_json::json!({
        "provider": "github", "repo_path": "acme/shop", "repo_id": "acme-shop", "secret": SECRET,
    });
    api(http, address, Method::PATCH, "/internal/webhooks/import", Some(&hook)).await?;
    Ok(())
}
