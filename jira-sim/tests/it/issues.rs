//! Reading and editing one issue.

use jira_sim::NewIssue;
use reqwest::Method;
use serde_json::json;

use crate::support::{Caller, shop};

#[tokio::test]
async fn an_issue_is_read_with_only_the_fields_that_were_asked_for() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let answer = robot.get("issue/shop-1?fields=status,issuetype,project").await;
    let json = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(json["key"], "SHOP-1", "keys are case-insensitive, the answer spells it right");
    assert_eq!(json["fields"].as_object().unwrap().len(), 3);
    assert_eq!(json["fields"]["status"]["name"], "To Do");
    assert_eq!(json["fields"]["status"]["statusCategory"]["key"], "new");
    assert_eq!(json["fields"]["issuetype"]["name"], "Story");
    assert_eq!(json["fields"]["project"]["key"], "SHOP");
    let all_but = robot.get("issue/SHOP-1?fields=*all,-summary").await.json();
    assert!(all_but["fields"]["summary"].is_null() && all_but["fields"]["status"].is_object());
}

#[tokio::test]
async fn a_missing_issue_is_a_404_with_jiras_words() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let words = "Issue does not exist or you do not have permission to see it.";
    for path in
        ["issue/SHOP-9", "issue/SHOP-9/transitions", "issue/SHOP-9/comment", "issue/SHOP-9/remotelink"]
    {
        assert_eq!(robot.get(path).await.refusal(), (404, words.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_moved_issue_answers_under_its_old_key_with_the_new_one() {
    let jira = shop().project(jira_sim::Project::new("PAY")).start().await.unwrap();
    assert!(jira.rename_key("SHOP-1", "PAY-7"));
    let answer = Caller::robot(&jira).get("issue/SHOP-1").await;
    assert_eq!((answer.status, &answer.json()["key"]), (200, &json!("PAY-7")));
}

#[tokio::test]
async fn an_edit_changes_the_fields_and_the_change_log_says_so() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let body = json!({
        "fields": { "summary": "Sell more things" },
        "update": { "fixVersions": [{ "add": { "name": "1.0" } }], "labels": [{ "add": "shipped" }] },
        "properties": [{ "key": "conduit", "value": { "job": "j1" } }],
    });
    let answer = robot.put("issue/SHOP-1", body).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(jira.fix_versions("SHOP-1"), ["1.0"]);
    let json = robot.get("issue/SHOP-1?expand=changelog&properties=conduit").await.json();
    assert_eq!(json["properties"]["conduit"]["job"], "j1");
    assert_eq!(json["fields"]["labels"], json!(["shipped"]));
    let entry = &json["changelog"]["histories"][0];
    let changed: Vec<_> =
        entry["items"].as_array().unwrap().iter().map(|item| item["fieldId"].clone()).collect();
    assert_eq!(changed, ["fixVersions", "labels", "summary"]);
    assert_eq!(entry["author"]["emailAddress"], "robot@example.com");
}

#[tokio::test]
async fn an_edit_that_jira_would_refuse_changes_nothing() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let cases = [
        (
            json!({ "update": { "fixVersions": [{ "add": { "name": "9.9" } }] } }),
            "fixVersions: Version name '9.9' is not valid",
        ),
        (
            json!({ "update": { "labels": [{ "add": "two words" }] } }),
            "labels: The label 'two words' contains spaces which is invalid.",
        ),
        (
            json!({ "fields": { "status": { "name": "Done" } } }),
            "status: Field 'status' cannot be set. It is not on the appropriate screen, or unknown.",
        ),
        (
            json!({ "fields": { "labels": [] }, "update": { "labels": [{ "add": "x" }] } }),
            "labels: Field 'labels' cannot appear in both 'fields' and 'update'",
        ),
        (json!({ "fields": { "summary": " " } }), "summary: You must specify a summary of the issue."),
        (json!({}), "one of 'fields' or 'update' required"),
    ];
    let before = jira.issue("SHOP-1");
    for (body, words) in cases {
        assert_eq!(robot.put("issue/SHOP-1", body).await.refusal(), (400, words.to_owned()));
    }
    assert_eq!(jira.issue("SHOP-1"), before);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let words = "There was an error parsing JSON. Check that your request body is valid.";
    for body in ["{\"fields\":", "[]", "", "\u{0}"] {
        let request =
            robot.request(Method::PUT, "issue/SHOP-1").header("Content-Type", "application/json").body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{body:?}");
        assert!(response.text().await.unwrap().contains(words));
    }
    let without_type = robot.request(Method::PUT, "issue/SHOP-1").body("{}").send().await.unwrap();
    assert_eq!(without_type.status(), 415);
    let too_large =
        robot.request(Method::PUT, "issue/SHOP-1").body(vec![b' '; 11 << 20]).send().await.unwrap();
    assert_eq!(too_large.status(), 413);
}

#[tokio::test]
async fn an_issue_can_be_created_and_deleted_while_the_site_runs() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.create(
        &NewIssue::new("SHOP-2").issue_type("Bug").status("In Progress").assignee("ana").labels(&["a"]),
    )
    .unwrap();
    let fields = robot.get("issue/SHOP-2").await.json()["fields"].clone();
    assert_eq!(
        (&fields["status"]["name"], &fields["assignee"]["displayName"]),
        (&json!("In Progress"), &json!("ana"))
    );
    assert!(jira.delete("SHOP-2"));
    assert_eq!(robot.get("issue/SHOP-2").await.status, 404);
    assert!(jira.create(&NewIssue::new("NOPE-1")).is_err());
    assert!(jira.create(&NewIssue::new("SHOP-3").status("Nowhere")).is_err());
}

#[tokio::test]
async fn an_unknown_path_is_answered_with_problem_details() {
    let jira = shop().start().await.unwrap();
    let answer = Caller::robot(&jira).get("issue/SHOP-1/votes").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.json()["title"], "Not Found");
}
