//! What other tools tell of pull requests, builds and deployments.

use anyhow::{Result, ensure};
use jira_sim::JiraSim;
use serde_json::{Value, json};

use super::site::buy_token;

pub(super) async fn record(jira: &JiraSim) -> Result<()> {
    let token = buy_token(jira).await?;
    let tell = async |what: &str, body: Value, status: u16| {
        let request = reqwest::Client::new().post(jira.development_url(what)).bearer_auth(&token);
        let found = request.json(&body).send().await?.status().as_u16();
        ensure!(found == status, "{what}: expected {status}, the simulator answered {found}");
        Ok(())
    };
    tell("devinfo", repositories(), 202).await?;
    tell("devinfo", json!({ "repositories": [] }), 400).await?;
    tell("builds", json!({ "builds": [build("SHOP-1"), build("SHOP-999")] }), 202).await?;
    tell("builds", json!({ "builds": [] }), 400).await?;
    tell("deployments", json!({ "deployments": [deployment()] }), 202).await?;
    tell("deployments", json!({ "deployments": [] }), 400).await
}

fn repositories() -> Value {
    let request = |id: &str, keys: &[&str]| {
        json!({
            "id": id,
            "issueKeys": keys,
            "updateSequenceId": 1,
            "author": { "name": "Ana" },
            "commentCount": 0,
            "displayId": format!("#{id}"),
            "lastUpdate": "2026-11-22T12:00:00Z",
            "sourceBranch": "feature",
            "status": "MERGED",
            "title": "Sell things",
            "url": "https://example.com/7",
        })
    };
    json!({
        "repositories": [{
            "id": "r1",
            "name": "shop",
            "url": "https://example.com/shop",
            "updateSequenceId": 1,
            "pullRequests": [request("7", &["SHOP-1", "SHOP-999"]), request("8", &["NOPE-1"])],
        }],
        "preventTransitions": true,
    })
}

fn build(key: &str) -> Value {
    json!({
        "pipelineId": "ci",
        "buildNumber": 1,
        "updateSequenceNumber": 1,
        "displayName": "ci #1",
        "url": "https://example.com/ci/1",
        "state": "successful",
        "lastUpdated": "2026-11-22T12:00:00Z",
        "issueKeys": [key],
    })
}

fn deployment() -> Value {
    json!({
        "deploymentSequenceNumber": 1,
        "updateSequenceNumber": 1,
        "displayName": "production #1",
        "description": "The release",
        "url": "https://example.com/cd/1",
        "state": "successful",
        "lastUpdated": "2026-11-22T12:00:00Z",
        "pipeline": { "id": "cd", "displayName": "cd", "url": "https://example.com/cd" },
        "environment": { "id": "production", "displayName": "Production", "type": "production" },
        "associations": [{ "associationType": "issueIdOrKeys", "values": ["SHOP-1"] }],
    })
}
