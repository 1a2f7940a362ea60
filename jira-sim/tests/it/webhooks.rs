//! Jira's own webhooks: managing them, and what they tell.

use jira_sim::{Account, Builder, DeliveryState, JiraSim, NewIssue, Project};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::{Answer, Caller, EMAIL, TOKEN, shop};

const CLOUD: &str = "rest/webhooks/1.0/webhook";
const NEW: &str = "rest/jira-webhook/1.0/webhooks";
const ADMIN: (&str, &str) = ("admin", "admin-secret");

fn with_admin(site: Builder) -> Builder {
    site.account(Account::with_password(ADMIN.0, ADMIN.1).administrator())
}

fn data_center(major: u32) -> Builder {
    let site = JiraSim::data_center().version(major, 0, 0).project(Project::new("SHOP"));
    with_admin(site.account(Account::person("ana")).issue(NewIssue::new("SHOP-1")))
}

async fn manage(jira: &JiraSim, method: Method, path: &str, body: Value) -> Answer {
    let request = Client::new().request(method, format!("{}/{path}", jira.url()));
    let request = request.basic_auth(ADMIN.0, Some(ADMIN.1));
    let request = if body.is_null() { request } else { request.json(&body) };
    Answer::of(request.send().await.unwrap()).await
}

fn wish(url: &str, jql: &str) -> Value {
    json!({
        "name": "conduit",
        "url": url,
        "events": ["jira:issue_updated", "jira:issue_created", "comment_created"],
        "filters": { "issue-related-events-section": jql },
        "secret": "It's a Secret to Everybody",
    })
}

async fn register(jira: &JiraSim, body: Value) {
    assert_eq!(manage(jira, Method::POST, CLOUD, body).await.status, 201);
}

/// Waits until everything is delivered, or refused.
async fn settled(jira: &JiraSim, count: usize) {
    let settled = |view: &jira_sim::View| {
        let all = view.webhook_deliveries();
        let open = |state| matches!(state, DeliveryState::Waiting | DeliveryState::Sending);
        all.len() == count && !all.iter().any(|one| open(one.state))
    };
    jira.wait_until("the deliveries are settled", settled).await.unwrap();
}

#[tokio::test]
async fn a_webhook_is_registered_shown_changed_and_deleted() {
    for (jira, path) in [(with_admin(shop()), CLOUD), (data_center(9), CLOUD), (data_center(10), NEW)] {
        let jira = jira.start().await.unwrap();
        let made = manage(&jira, Method::POST, path, wish("http://127.0.0.1:1/hook", "project = SHOP")).await;
        assert_eq!((made.status, &made.json()["name"]), (201, &json!("conduit")));
        assert!(!made.text.contains("Secret to Everybody"), "a secret is never shown");
        let all = manage(&jira, Method::GET, path, Value::Null).await.json();
        assert_eq!(all, json!([made.json()]));
        let id = match made.json()["id"].as_u64() {
            Some(id) => id.to_string(),
            None => made.json()["self"].as_str().unwrap().rsplit('/').next().unwrap().to_owned(),
        };
        let own = format!("{path}/{id}");
        let changed = manage(&jira, Method::PUT, &own, json!({ "name": "renamed" })).await.json();
        assert_eq!(
            (&changed["name"], &changed["url"]),
            (&json!("renamed"), &json!("http://127.0.0.1:1/hook"))
        );
        assert_eq!(manage(&jira, Method::GET, &own, Value::Null).await.json(), changed);
        assert_eq!(manage(&jira, Method::DELETE, &own, Value::Null).await.status, 204);
        assert_eq!(manage(&jira, Method::GET, &own, Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn each_version_has_its_own_path() {
    for (site, wrong) in [(with_admin(shop()), NEW), (data_center(9), NEW), (data_center(10), CLOUD)] {
        let jira = site.start().await.unwrap();
        assert_eq!(manage(&jira, Method::GET, wrong, Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn webhooks_are_for_administrators_and_their_filter_must_be_jql() {
    let jira = with_admin(shop()).start().await.unwrap();
    let request = Client::new().get(format!("{}/{CLOUD}", jira.url())).basic_auth(EMAIL, Some(TOKEN));
    assert_eq!(request.send().await.unwrap().status(), 403);
    assert_eq!(reqwest::get(format!("{}/{CLOUD}", jira.url())).await.unwrap().status(), 401);
    for body in
        [wish("http://127.0.0.1:1/", "colour = red"), wish("", ""), json!({ "url": "http://127.0.0.1:1/" })]
    {
        assert_eq!(manage(&jira, Method::POST, CLOUD, body).await.status, 400);
    }
}

#[tokio::test]
async fn a_change_of_status_is_told_with_its_change_log_and_a_signature() {
    let receiver = Receiver::start();
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "project = SHOP")).await;
    assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
    settled(&jira, 1).await;
    let told = &receiver.received()[0];
    let json = told.json();
    assert_eq!(json["webhookEvent"], "jira:issue_updated");
    assert_eq!((&json["user"]["displayName"], &json["issue"]["key"]), (&json!("ana"), &json!("SHOP-1")));
    let item = &json["changelog"]["items"][0];
    assert_eq!((&item["field"], &item["toString"]), (&json!("status"), &json!("In Progress")));
    assert_eq!(json["changelog"]["id"], jira.history("SHOP-1")[0].id.to_string());
    let sent = &jira.webhook_deliveries()[0];
    assert_eq!(told.header("X-Hub-Signature"), sent.signature.as_deref());
    assert!(sent.signature.as_ref().unwrap().starts_with("sha256="));
    assert_eq!(told.header("X-Atlassian-Webhook-Identifier"), Some(sent.identifier.as_str()));
    assert_eq!(told.header("X-Atlassian-Webhook-Flow"), Some("Primary"));
    assert_eq!(told.header("X-Atlassian-Webhook-Retry"), None);
}

#[tokio::test]
async fn our_own_moves_come_back_as_echoes() {
    let receiver = Receiver::start();
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "")).await;
    assert_eq!(Caller::robot(&jira).transition("SHOP-1", "31").await.status, 204);
    settled(&jira, 1).await;
    let me = Caller::robot(&jira).get("myself").await.json();
    assert_eq!(receiver.received()[0].json()["user"]["accountId"], me["accountId"]);
}

#[tokio::test]
async fn only_what_was_asked_for_is_told() {
    let receiver = Receiver::start();
    let site = with_admin(shop()).project(Project::new("OPS")).issue(NewIssue::new("OPS-1"));
    let jira = site.start().await.unwrap();
    register(&jira, wish(&receiver.url("/ops"), "project in (OPS, SHOP) AND project = OPS")).await;
    let mut comments = wish(&receiver.url("/comments"), "project = SHOP");
    comments["events"] = json!(["comment_created"]);
    register(&jira, comments).await;
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    assert!(jira.move_as("ana", "OPS-1", "Done"));
    let body = json!({ "type": "doc", "version": 1, "content": [
        { "type": "paragraph", "content": [{ "type": "text", "text": "Merged" }] }
    ] });
    assert_eq!(Caller::robot(&jira).post("issue/SHOP-1/comment", json!({ "body": body })).await.status, 201);
    jira.create(&NewIssue::new("OPS-2")).unwrap();
    settled(&jira, 3).await;
    let told: Vec<_> = receiver.received().iter().map(|one| (one.path.clone(), one.json())).collect();
    let brief: Vec<_> =
        told.iter().map(|(path, json)| (path.as_str(), json["issue"]["key"].as_str().unwrap())).collect();
    assert_eq!(brief, [("/ops", "OPS-1"), ("/comments", "SHOP-1"), ("/ops", "OPS-2")]);
    assert_eq!(told[1].1["comment"]["body"], "Merged", "texts are strings here");
    assert_eq!(told[2].1["webhookEvent"], "jira:issue_created");
}

#[tokio::test]
async fn the_address_has_variables_and_the_body_may_be_left_out() {
    let receiver = Receiver::start();
    let told = async |jira: JiraSim, path: &str, template: &str| {
        let mut body = wish(&receiver.url(template), "");
        body["excludeBody"] = json!(true);
        assert_eq!(manage(&jira, Method::POST, path, body).await.status, 201);
        assert!(jira.move_as("ana", "SHOP-1", "Done"));
        settled(&jira, 1).await;
        receiver.received().pop().unwrap()
    };
    let cloud = with_admin(shop()).start().await.unwrap();
    let one = told(cloud, CLOUD, "/jira/{project.key}?issue={issue.key}").await;
    assert_eq!((one.path.as_str(), one.body.as_str()), ("/jira/SHOP?issue=SHOP-1", ""));
    assert!(one.header("X-Hub-Signature").is_some(), "also nothing can be signed");
    let old = data_center(9).start().await.unwrap();
    assert_eq!(told(old, CLOUD, "/${issue.key}/${modifiedUser.name}").await.path, "/SHOP-1/ana");
    let new = data_center(10).start().await.unwrap();
    assert_eq!(told(new, NEW, "/{issue.key}").await.path, "/SHOP-1");
}

#[tokio::test]
async fn from_version_10_on_a_secret_beside_the_configuration_signs_nothing() {
    let receiver = Receiver::start();
    for (configuration, signed) in [(json!({}), false), (json!({ "SECRET": "s3cret" }), true)] {
        let jira = data_center(10).start().await.unwrap();
        let mut body = wish(&receiver.url("/hook"), "project = SHOP");
        body["configuration"] = configuration;
        assert_eq!(manage(&jira, Method::POST, NEW, body).await.status, 201);
        assert!(jira.move_as("ana", "SHOP-1", "Done"));
        settled(&jira, 1).await;
        let told = receiver.received().pop().unwrap();
        assert_eq!(told.header("X-Hub-Signature").is_some(), signed);
    }
}

#[tokio::test]
async fn what_is_refused_for_now_is_sent_again_under_the_same_name() {
    let receiver = Receiver::start();
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "")).await;
    receiver.answer([503, 429]);
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    settled(&jira, 1).await;
    assert_eq!(jira.webhook_deliveries()[0].state, DeliveryState::Retrying);
    assert_eq!(
        (jira.retry_webhooks().await, jira.retry_webhooks().await, jira.retry_webhooks().await),
        (1, 1, 0)
    );
    let told = receiver.received();
    let retries: Vec<_> = told.iter().map(|one| one.header("X-Atlassian-Webhook-Retry")).collect();
    assert_eq!(retries, [None, Some("1"), Some("2")]);
    let name = "X-Atlassian-Webhook-Identifier";
    assert!(told.iter().all(|one| one.header(name) == told[0].header(name) && one.body == told[0].body));
    assert_eq!(jira.webhook_deliveries()[0].answers, [Some(503), Some(429), Some(200)]);
}

#[tokio::test]
async fn a_refusal_for_good_is_final_and_so_is_the_fifth_retry() {
    let receiver = Receiver::start();
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "")).await;
    receiver.answer([401]);
    assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
    settled(&jira, 1).await;
    assert_eq!(
        (jira.webhook_deliveries()[0].state, jira.retry_webhooks().await),
        (DeliveryState::GivenUp, 0)
    );
    receiver.answer([500; 6]);
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    settled(&jira, 2).await;
    for _ in 0..5 {
        assert_eq!(jira.retry_webhooks().await, 1);
    }
    assert_eq!(
        (jira.webhook_deliveries()[1].state, jira.retry_webhooks().await),
        (DeliveryState::GivenUp, 0)
    );
}

#[tokio::test]
async fn a_data_center_never_tries_again() {
    let receiver = Receiver::start();
    let jira = data_center(9).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "")).await;
    receiver.answer([503]);
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    settled(&jira, 1).await;
    assert_eq!(jira.webhook_deliveries()[0].state, DeliveryState::GivenUp);
}

#[tokio::test]
async fn deliveries_can_come_in_another_order_and_twice() {
    let receiver = Receiver::start();
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "")).await;
    jira.hold_webhooks();
    assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    assert!(receiver.received().is_empty(), "they are held");
    let names: Vec<String> = jira.webhook_deliveries().into_iter().map(|one| one.identifier).collect();
    for name in [&names[1], &names[0], &names[1]] {
        assert_eq!(jira.send_webhook(name).await, Some(200));
    }
    let to = |one: &crate::receiver::Received| one.json()["changelog"]["items"][0]["toString"].clone();
    let told: Vec<_> = receiver.received().iter().map(to).collect();
    assert_eq!(told, ["Done", "In Progress", "Done"]);
}

#[tokio::test]
async fn what_waits_goes_out_in_order_when_nobody_holds_it_any_more() {
    let receiver = Receiver::start();
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish(&receiver.url("/hook"), "")).await;
    jira.hold_webhooks();
    for status in ["In Progress", "Done", "To Do"] {
        assert!(jira.move_as("ana", "SHOP-1", status));
    }
    jira.release_webhooks();
    settled(&jira, 3).await;
    let resolutions: Vec<_> = receiver
        .received()
        .iter()
        .map(|one| one.json()["issue"]["fields"]["status"]["name"].clone())
        .collect();
    assert_eq!(resolutions, ["In Progress", "Done", "To Do"]);
}

#[tokio::test]
async fn nothing_leaves_this_machine() {
    let jira = with_admin(shop()).start().await.unwrap();
    register(&jira, wish("http://192.0.2.1/hook", "")).await;
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    settled(&jira, 1).await;
    assert_eq!(jira.webhook_deliveries()[0].answers, [None]);
}
