//! Statuses and workflows of a site, and who may read them.

use jira_sim::{Account, JiraSim, Project, Workflow};
use serde_json::{Value, json};

use crate::support::{Caller, EMAIL, Login, TOKEN, shop};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_statuses_in_use_are_there_for_everybody_who_sees_a_project() {
    let jira = shop().project(Project::new("OWN").team_managed()).start().await.unwrap();
    let list = Caller::robot(&jira).get("status").await.json();
    let common = ["To Do", "In Progress", "Done"];
    assert_eq!(names(&list), [common, common].concat(), "a team-managed project has its own");
    assert_eq!(list[0]["statusCategory"]["key"], "new");
    let nobody = Caller::new(&jira, 3, Login::None);
    assert_eq!(nobody.get("status").await.json(), json!([]));
}

#[tokio::test]
async fn searching_statuses_takes_an_administrator_of_the_site_or_of_the_project() {
    let own = || shop().project(Project::new("OWN").team_managed());
    let jira = own().start().await.unwrap();
    let robot = Caller::robot(&jira);
    assert_eq!(robot.get("statuses/search").await.status, 401);
    let project = robot.get("project/OWN").await.json();
    let path = format!("statuses/search?projectId={}&maxResults=2", project["id"].as_str().unwrap());
    let page = robot.get(&path).await.json();
    assert_eq!((names(&page["values"]), &page["isLast"]), (vec!["To Do", "In Progress"], &json!(false)));
    assert_eq!(page["values"][0]["scope"]["type"], "PROJECT");
    assert_eq!(page["values"][0]["scope"]["project"]["id"], project["id"]);
}

#[tokio::test]
async fn workflows_are_for_administrators_of_the_site() {
    let site = |account| {
        let project = Project::new("SHOP").issue_type("Bug", Workflow::classic());
        JiraSim::cloud().account(account).project(project).start()
    };
    let robot = Account::with_api_token(EMAIL, TOKEN);
    let jira = site(robot.clone()).await.unwrap();
    let words = "Only Jira administrators can access this resource.";
    assert_eq!(Caller::robot(&jira).get("workflow/search").await.refusal(), (403, words.into()));
    let jira = site(robot.administrator()).await.unwrap();
    let page = Caller::robot(&jira).get("workflow/search").await.json();
    assert_eq!(page["total"], 2, "Story and Task share one");
    assert_eq!(page["values"][0]["transitions"][0]["type"], "global");
    assert_eq!(names(&page["values"][1]["statuses"])[3], "Resolved");
}

#[tokio::test]
async fn a_data_center_lists_its_workflows_for_administrators() {
    let site = |account| JiraSim::data_center().account(account).project(Project::new("SHOP")).start();
    let robot = Account::with_access_token("robot", "pat");
    let jira = site(robot.clone()).await.unwrap();
    assert_eq!(Caller::new(&jira, 2, Login::Bearer("pat")).get("workflow").await.status, 403);
    let jira = site(robot.administrator()).await.unwrap();
    let robot = Caller::new(&jira, 2, Login::Bearer("pat"));
    assert_eq!(robot.get("workflow").await.json()[0]["steps"], 3);
    assert_eq!(robot.get("workflow/search").await.status, 404);
}
