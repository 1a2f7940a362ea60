//! Scoped tokens and client credentials: through the gateway, by the site's id.

use std::time::Duration;

use jira_sim::{Account, Builder, Clock, JiraSim, Kind, NewIssue, Project};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, EMAIL, Login, TOKEN};

fn site() -> Builder {
    JiraSim::cloud()
        .account(Account::with_scoped_token(EMAIL, TOKEN))
        .account(Account::with_client_credentials("client", "client-secret"))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
}

async fn ask_for_token(jira: &JiraSim, secret: &str) -> Answer {
    let body = json!({ "grant_type": "client_credentials", "client_id": "client", "client_secret": secret });
    Answer::of(Client::new().post(jira.token_url()).json(&body).send().await.unwrap()).await
}

async fn bought(jira: &JiraSim) -> Caller {
    let token: Value = ask_for_token(jira, "client-secret").await.json();
    Caller::through_gateway(jira, Login::Bought(token["access_token"].as_str().unwrap().into()))
}

#[tokio::test]
async fn a_site_tells_anybody_its_id() {
    let jira = site().start().await.unwrap();
    let told = reqwest::get(format!("{}/_edge/tenant_info", jira.url())).await.unwrap();
    assert_eq!(Answer::of(told).await.json()["cloudId"], jira.cloud_id());
    let data_center = JiraSim::data_center().start().await.unwrap();
    let told = reqwest::get(format!("{}/_edge/tenant_info", data_center.url())).await.unwrap();
    assert_eq!(told.status(), 404);
}

#[tokio::test]
async fn a_scoped_token_opens_the_gateway_and_not_the_site() {
    let jira = site().start().await.unwrap();
    for login in [Login::Basic(EMAIL, TOKEN), Login::Bearer(TOKEN)] {
        let robot = Caller::through_gateway(&jira, login);
        assert_eq!(robot.get("issue/SHOP-1").await.json()["key"], "SHOP-1");
        assert_eq!(robot.transition("SHOP-1", "31").await.status, 204);
    }
    assert_eq!(Caller::robot(&jira).get("issue/SHOP-1").await.status, 401);
    assert_eq!(jira.journal().of(Kind::Issue).requests_for("SHOP-1").len(), 3);
}

#[tokio::test]
async fn a_plain_token_opens_the_site_and_not_the_gateway() {
    let jira = crate::support::shop().start().await.unwrap();
    let through = Caller::through_gateway(&jira, Login::Basic(EMAIL, TOKEN));
    assert_eq!(through.get("myself").await.status, 401);
    assert_eq!(Caller::robot(&jira).get("myself").await.status, 200);
}

#[tokio::test]
async fn the_gateway_does_not_know_another_site() {
    let jira = site().start().await.unwrap();
    let url = format!("{}/ex/jira/other/rest/api/3/myself", jira.url());
    let request = Client::new().get(url).basic_auth(EMAIL, Some(TOKEN));
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("Not Found")));
}

#[tokio::test]
async fn client_credentials_buy_a_token_that_ends() {
    let clock = Clock::held("2026-11-22T12:00:00Z".parse().unwrap());
    let jira = site().clock(&clock).token_lifetime(Duration::from_mins(5)).start().await.unwrap();
    assert_eq!(ask_for_token(&jira, "client-secret").await.json()["expires_in"], 300);
    let robot = bought(&jira).await;
    assert_eq!(robot.transition("SHOP-1", "21").await.status, 204);
    clock.advance(Duration::from_mins(5));
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 401);
    assert_eq!(bought(&jira).await.transition("SHOP-1", "31").await.status, 204);
    let late = bought(&jira).await;
    jira.expire_tokens();
    assert_eq!(late.get("myself").await.status, 401);
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);
}

#[tokio::test]
async fn a_form_buys_a_token_too_and_wrong_credentials_buy_none() {
    let jira = site().start().await.unwrap();
    let form = "grant_type=client_credentials&client_id=client&client_secret=client-secret";
    let request = Client::new().post(jira.token_url()).body(form);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let refused = ask_for_token(&jira, "wrong").await;
    assert_eq!((refused.status, &refused.json()["error"]), (401, &json!("access_denied")));
    assert!(jira.journal().of(Kind::OAuthToken).writes().is_empty(), "a login changes no ticket");
}
