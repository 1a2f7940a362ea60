//! Managing webhooks. No document describes these paths; that they answer is all that is asked here.

use anyhow::{Context as _, Result, ensure};
use jira_sim::JiraSim;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::caller::{ADMINISTRATOR, Login, ROBOT};

pub(super) async fn record(jira: &JiraSim) -> Result<()> {
    let list = format!("{}/rest/webhooks/1.0/webhook", jira.url());
    let ask = async |method: Method, url: &str, login: Login, body: Option<Value>, status: u16| {
        let request = login.sign(Client::new().request(method.clone(), url));
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await?;
        let found = response.status().as_u16();
        ensure!(found == status, "{method} {url}: expected {status}, the simulator answered {found}");
        let text = response.text().await?;
        Ok(serde_json::from_str::<Value>(&text).unwrap_or_default())
    };
    let wish = json!({
        "name": "conduit",
        "url": "http://127.0.0.1:1/hook",
        "events": ["jira:issue_updated"],
        "filters": { "issue-related-events-section": "project = SHOP" },
    });
    ask(Method::GET, &list, ROBOT, None, 403).await?;
    let made = ask(Method::POST, &list, ADMINISTRATOR, Some(wish), 201).await?;
    let own = made["self"].as_str().context("a webhook has an address")?;
    ask(Method::GET, own, ADMINISTRATOR, None, 200).await?;
    ask(Method::PUT, own, ADMINISTRATOR, Some(json!({ "enabled": false })), 200).await?;
    ask(Method::DELETE, own, ADMINISTRATOR, None, 204).await?;
    Ok(())
}
