//! Plans of what was delivered, as the service recorded it.

use serde_json::{Value, json};

use super::{Desk, RULES, merged};
use crate::support::service::{Hook, On, TOKEN, TestService, board};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_rules_is_tried_on_what_did_happen() {
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "In Progress")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let mut ids = Vec::new();
    for (number, title, base) in [(1, "SHOP-1", "main"), (2, "SHOP-2", "main"), (3, "SHOP-1", "develop")] {
        let delivery = format!("d-{number}");
        let answer = service.deliver(&hook, "pull_request", &delivery, &merged(number, title, base)).await;
        service.trace(answer.event_id()).await;
        ids.push(answer.event_id().to_owned());
    }
    let asked = jira.journal().len();
    let desk = Desk::new();
    desk.rules("config", crate::support::service::RULES);

    let ended = desk.at(&service, &[&ids[1]]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    insta::assert_snapshot!(ended.out, @r"
      ~ SHOP-2  In Progress → Done   on pull_request.merged built-in
    Plan: 1 to move, 0 unchanged, 0 blocked. Jira was not contacted.
    ");

    let same = desk.at(&service, &["--since", "7d", "--compare"]).await;
    insta::assert_snapshot!(same.out, @r"Plan: 0 to move, 0 unchanged, 0 blocked; 3 as it happened. Jira was not contacted.");

    desk.rules("other", RULES.replace("\"main\", \"release/*\"", "\"develop\"").as_str());
    let arguments = ["--since", "7d", "--compare", "--rules", "other", "--repo", "acme/shop"];
    let other = desk.at(&service, &arguments).await;
    assert_eq!(other.code, 0, "to differ is no failure: {other:?}");
    let mut text = other.out;
    for (number, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("EVENT-{}", number + 1));
    }
    insta::assert_snapshot!(text, @r#"
    acme/shop #1 · pull_request.merged · EVENT-1
      = SHOP-1  PR merged into "main"; rule needs base "develop"   no_rule_matched
          then: ✓ SHOP-1 moved: To Do → In Progress.
    acme/shop #2 · pull_request.merged · EVENT-2
      = SHOP-2  PR merged into "main"; rule needs base "develop"   no_rule_matched
          then: ✓ SHOP-2 moved: In Progress → Done.
    acme/shop #3 · pull_request.merged · EVENT-3
      ~ SHOP-1  To Do (assumed) → In Progress   on pull_request.merged shop.hcl:12
          then: – SHOP-1 did not move: PR merged into "develop"; rule needs base "main", the default branch.
    Plan: 1 to move, 2 unchanged, 0 blocked; 0 as it happened. Jira was not contacted.
    "#);

    let ended = desk.at(&service, &[&arguments[..], &["-o", "json"]].concat()).await;
    let comparison: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&comparison["same"], &comparison["differs"]), (&json!(0), &json!(3)));
    assert_eq!(comparison["events"][0]["planned"]["event_id"], json!(ids[0]), "oldest first");

    let of_one = desk.at(&service, &["--since", "7d", "--ticket", "SHOP-2", "-o", "json"]).await;
    let plans: Value = serde_json::from_str(&of_one.out).unwrap();
    assert_eq!((plans.as_array().unwrap().len(), &plans[0]["planned"]), (1, &json!(true)));

    assert_eq!(jira.journal().len(), asked, "Jira was not contacted");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_moves_in_a_plan_what_it_may_move() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let registration =
        json!({ "provider": "github", "repo_path": "acme/shop", "repo_id": "shop", "projects": ["OPS"] });
    let register = reqwest::Client::new().post(format!("{}/conduit/webhooks/register", service.url));
    let answer = register.bearer_auth(TOKEN).json(&registration).send().await.unwrap();
    let registered: Value = answer.json().await.unwrap();
    let text = |name: &str| registered["data"][name].as_str().unwrap().to_owned();
    let hook = Hook { secret: text("secret"), uri: text("uri") };
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1", "main")).await;
    service.trace(answer.event_id()).await;

    let ended = Desk::new().at(&service, &["--since", "7d", "--compare"]).await;
    assert_eq!(
        ended.out, "Plan: 0 to move, 0 unchanged, 0 blocked; 1 as it happened. Jira was not contacted.\n",
        "{ended:?}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_recorded_is_not_found() {
    let jira = board(&[]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let desk = Desk::new();
    let id = "a".repeat(26);
    let ended = desk.at(&service, &[&id]).await;
    assert_eq!((ended.code, ended.out.as_str()), (4, ""), "{ended:?}");
    service.stop().await;
    let ended = desk.plan(&[&id], &[("CONDUIT_URL", "http://127.0.0.1:1"), ("CONDUIT_TOKEN", TOKEN)]).await;
    assert_eq!(ended.code, 3, "{ended:?}");
}
