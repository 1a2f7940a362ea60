//! What a site says of itself, to whom, and through which door.

use anyhow::Result;
use jira_sim::{Account, JiraSim};
use serde_json::{Value, json};

use super::caller::{ADMINISTRATOR, Caller, ROBOT};

/// The account behind the client credentials.
pub(super) fn service_account() -> Account {
    Account::with_client_credentials("client", "client-secret")
}

pub(super) async fn record(jira: &JiraSim) -> Result<()> {
    statuses_and_workflows(jira).await?;
    gateway(jira).await
}

async fn statuses_and_workflows(jira: &JiraSim) -> Result<()> {
    let (robot, administrator) = (Caller::of(jira, ROBOT), Caller::of(jira, ADMINISTRATOR));
    robot.get("mypermissions?permissions=BULK_CHANGE,ADMINISTER", 200).await?;
    robot.get("status", 200).await?;
    robot.get("statuses/search", 401).await?;
    administrator.get("statuses/search?searchString=do&maxResults=1", 200).await?;
    let project = robot.get("project/OLD", 200).await?;
    let id = project["id"].as_str().unwrap_or_default();
    robot.get(&format!("statuses/search?projectId={id}"), 200).await?;
    robot.get("workflow/search", 403).await?;
    administrator.get("workflow/search", 200).await?;
    Ok(())
}

async fn gateway(jira: &JiraSim) -> Result<()> {
    let tenant = format!("{}/_edge/tenant_info", jira.url());
    reqwest::get(tenant).await?.error_for_status()?;
    let service = Caller::through_gateway(jira, buy_token(jira).await?);
    service.get("myself", 200).await?;
    service.get("issue/SHOP-1/transitions", 200).await?;
    jira.expire_tokens();
    service.get("myself", 401).await?;
    Ok(())
}

/// What client credentials buy.
pub(super) async fn buy_token(jira: &JiraSim) -> Result<String> {
    let credentials = json!({ "grant_type": "client_credentials", "client_id": "client", "client_secret": "client-secret" });
    let request = reqwest::Client::new().post(jira.token_url()).json(&credentials);
    let answer: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(answer["access_token"].as_str().unwrap_or_default().to_owned())
}
