//! What other tools tell of commits, builds and deployments.

use jira_sim::{Account, JiraSim, NewIssue, Project};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{Answer, EMAIL, TOKEN};

async fn site() -> JiraSim {
    let site = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN))
        .account(Account::with_client_credentials("client", "secret"))
        .project(Project::new("SHOP"));
    site.issue(NewIssue::new("SHOP-1")).start().await.unwrap()
}

async fn tell(jira: &JiraSim, what: &str, body: Value) -> Answer {
    let login =
        json!({ "grant_type": "client_credentials", "client_id": "client", "client_secret": "secret" });
    let bought = Client::new().post(jira.token_url()).json(&login).send().await.unwrap();
    let token = Answer::of(bought).await.json()["access_token"].as_str().unwrap().to_owned();
    let request = Client::new().post(jira.development_url(what)).bearer_auth(token).json(&body);
    Answer::of(request.send().await.unwrap()).await
}

fn pull_request(id: &str, keys: &[&str], sequence: i64) -> Value {
    json!({ "id": id, "issueKeys": keys, "updateSequenceId": sequence })
}

fn told(requests: &[Value]) -> Value {
    let repository =
        json!({ "id": "r1", "name": "shop", "url": "https://example.com/shop", "updateSequenceId": 1 });
    let mut repository = repository;
    repository["pullRequests"] = requests.into();
    json!({ "repositories": [repository] })
}

#[tokio::test]
async fn the_answer_tells_what_was_taken_what_was_not_and_which_keys_are_unknown() {
    let jira = site().await;
    let many: Vec<String> = (1..=501).map(|number| format!("SHOP-{number}")).collect();
    let too_many: Vec<&str> = many.iter().map(String::as_str).collect();
    let requests = [
        pull_request("7", &["SHOP-1", "SHOP-9"], 1),
        pull_request("8", &["NOPE-1"], 1),
        pull_request("9", &too_many, 1),
    ];
    let answer = tell(&jira, "devinfo", told(&requests)).await;
    assert_eq!(answer.status, 202);
    let json = answer.json();
    assert_eq!(json["acceptedDevinfoEntities"], json!({ "r1": { "pullRequests": ["7"] } }));
    assert_eq!(json["failedDevinfoEntities"]["r1"]["pullRequests"][0]["id"], "9");
    assert_eq!(json["unknownIssueKeys"], json!(["SHOP-9", "NOPE-1"]));
    let kept: Vec<_> = jira.development("SHOP-1").into_iter().map(|one| one.id).collect();
    assert_eq!(kept, ["r1/7"]);
}

#[tokio::test]
async fn an_older_word_that_comes_later_is_ignored() {
    let jira = site().await;
    for sequence in [1, 3, 2] {
        let answer = tell(&jira, "devinfo", told(&[pull_request("7", &["SHOP-1"], sequence)])).await;
        assert_eq!(answer.json()["acceptedDevinfoEntities"]["r1"]["pullRequests"], json!(["7"]));
    }
    assert_eq!(jira.development("SHOP-1")[0].sequence, 3);
}

#[tokio::test]
async fn builds_and_deployments_are_taken_each_in_its_own_shape() {
    let jira = site().await;
    let build =
        json!({ "pipelineId": "ci", "buildNumber": 1, "updateSequenceNumber": 1, "issueKeys": ["SHOP-1"] });
    let answer = tell(&jira, "builds", json!({ "builds": [build, { "pipelineId": "ci" }] })).await;
    assert_eq!(answer.json()["acceptedBuilds"], json!([{ "pipelineId": "ci", "buildNumber": 1 }]));
    assert_eq!(answer.json()["rejectedBuilds"].as_array().unwrap().len(), 1);
    let deployment = json!({
        "pipeline": { "id": "cd" },
        "environment": { "id": "production" },
        "deploymentSequenceNumber": 1,
        "updateSequenceNumber": 1,
        "associations": [{ "associationType": "issueIdOrKeys", "values": ["SHOP-1"] }],
    });
    let answer = tell(&jira, "deployments", json!({ "deployments": [deployment] })).await;
    assert_eq!(answer.json()["acceptedDeployments"][0]["environmentId"], "production");
    assert_eq!(jira.development("SHOP-1").len(), 2);
}

#[tokio::test]
async fn an_api_token_opens_nothing_here_and_nonsense_is_refused() {
    let jira = site().await;
    let request = Client::new().post(jira.development_url("devinfo")).basic_auth(EMAIL, Some(TOKEN));
    assert_eq!(request.json(&told(&[])).send().await.unwrap().status(), 401);
    let refused = tell(&jira, "devinfo", json!({ "repositories": [] })).await;
    assert_eq!((refused.status, refused.json()["errorMessages"][0]["message"].is_string()), (400, true));
    assert_eq!(tell(&jira, "builds", json!({})).await.status, 400);
    let many: Vec<Value> = (0..1001).map(|id| pull_request(&id.to_string(), &["SHOP-1"], 1)).collect();
    assert_eq!(tell(&jira, "devinfo", told(&many)).await.status, 413);
    assert!(jira.development("SHOP-1").is_empty());
}
