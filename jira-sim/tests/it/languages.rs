//! Everybody reads in their own language; ids stay what they are.

use jira_sim::{Account, JiraSim, NewIssue, Project, Workflow};
use serde_json::{Value, json};

use crate::support::{Caller, EMAIL, Login, TOKEN};

/// A site with a French robot and an English colleague.
async fn site() -> JiraSim {
    let site = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN).locale("fr_FR"))
        .account(Account::with_api_token("ana@example.com", "ana"))
        .project(Project::new("SHOP").workflow(Workflow::classic()))
        .issue(NewIssue::new("SHOP-1"))
        .translated("fr", "Open", "Ouvert")
        .translated("fr", "Resolved", "Résolu");
    site.start().await.unwrap()
}

fn ana(jira: &JiraSim) -> Caller {
    Caller::new(jira, 3, Login::Basic("ana@example.com", "ana"))
}

async fn status(caller: &Caller) -> Value {
    caller.get("issue/SHOP-1?fields=status").await.json()["fields"]["status"].clone()
}

#[tokio::test]
async fn the_names_of_statuses_follow_the_reader_and_their_ids_do_not() {
    let jira = site().await;
    let (robot, ana) = (Caller::robot(&jira), ana(&jira));
    assert_eq!(robot.get("myself").await.json()["locale"], "fr_FR");
    let (french, english) = (status(&robot).await, status(&ana).await);
    assert_eq!((&french["name"], &english["name"]), (&json!("Ouvert"), &json!("Open")));
    assert_eq!(french["id"], english["id"]);
    let to = |json: Value| json["transitions"][1]["to"].clone();
    let offered = to(robot.get("issue/SHOP-1/transitions").await.json());
    assert_eq!((&offered["name"], &offered["statusCategory"]["key"]), (&json!("Résolu"), &json!("done")));
    let types = robot.get("project/SHOP/statuses").await.json();
    assert_eq!(types[0]["statuses"][0]["name"], "Ouvert");
}

#[tokio::test]
async fn a_renamed_status_keeps_its_id() {
    let jira = site().await;
    let (robot, ana) = (Caller::robot(&jira), ana(&jira));
    let before = status(&ana).await;
    assert!(jira.rename_status("Open", "Backlog"));
    let after = status(&ana).await;
    assert_eq!((&after["name"], &after["id"]), (&json!("Backlog"), &before["id"]));
    assert_eq!(status(&robot).await["name"], "Ouvert", "the translation is another name");
    assert_eq!(jira.status_id("SHOP", "Backlog").map(|id| id.to_string()).as_deref(), before["id"].as_str());
}

#[tokio::test]
async fn refusals_follow_the_reader_too() {
    let jira = site().await;
    let (robot, ana) = (Caller::robot(&jira), ana(&jira));
    let refused = |id: &'static str| {
        let (robot, ana) = (&robot, &ana);
        async move {
            (robot.transition("SHOP-1", id).await.refusal().1, ana.transition("SHOP-1", id).await.refusal().1)
        }
    };
    let (french, english) = refused("999").await;
    assert_eq!(english, "Transition id '999' is not valid for this issue.");
    assert_eq!(french, "L'identifiant de transition '999' n'est pas valide pour ce ticket.");
    let (french, english) = refused("5").await;
    assert_eq!(english, "resolution: Resolution is required.");
    assert_eq!(french, "resolution: Résolution est obligatoire.");
    let (french, english) = refused("701").await;
    assert!(
        english.starts_with("It seems that you have tried to perform a workflow operation (Close Issue)")
    );
    assert!(
        french.contains("(Close Issue)") && french.contains("(SHOP-1)") && french.starts_with("Il semble")
    );
    let (status, french) = robot.get("issue/SHOP-9").await.refusal();
    assert_eq!((status, french.starts_with("Le ticket n'existe pas")), (404, true));
}
