//! Bulk transitions: a task that moves many issues while nobody waits.

use jira_sim::{
    Account, Builder, Clock, Fault, JiraSim, Kind, NewIssue, Permission, Project, TaskStatus, When, Workflow,
};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, EMAIL, Login, TOKEN, shop, shop_without};

/// SHOP-1 to SHOP-n.
fn shop_of(count: usize) -> Builder {
    (2..=count).map(|number| NewIssue::new(&format!("SHOP-{number}"))).fold(shop(), Builder::issue)
}

async fn submit(robot: &Caller, keys: &[&str], transition: &str) -> Answer {
    let input = json!({ "selectedIssueIdsOrKeys": keys, "transitionId": transition });
    let body = json!({ "bulkTransitionInputs": [input], "sendBulkNotification": false });
    robot.post("bulk/issues/transition", body).await
}

async fn queue(robot: &Caller, submitted: &Answer) -> Value {
    let task = submitted.json()["taskId"].as_str().unwrap().to_owned();
    robot.get(&format!("bulk/queue/{task}")).await.json()
}

fn ids(jira: &JiraSim, keys: &[&str]) -> Value {
    keys.iter().map(|key| jira.issue(key).unwrap().id).collect()
}

fn message(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["errors"][0]["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_task_that_nobody_holds_is_complete_when_it_is_asked_for() {
    let clock = Clock::held("2026-11-22T12:00:00Z".parse().unwrap());
    let jira = shop_of(3).clock(&clock).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let submitted = submit(&robot, &["SHOP-1", "shop-3"], "31").await;
    assert_eq!(submitted.status, 201);
    let task = queue(&robot, &submitted).await;
    assert_eq!((&task["status"], &task["progressPercent"]), (&json!("COMPLETE"), &json!(100)));
    assert_eq!(task["processedAccessibleIssues"], ids(&jira, &["SHOP-1", "SHOP-3"]));
    assert_eq!(task["created"], 1_795_348_800_000_u64);
    assert_eq!(
        ["SHOP-1", "SHOP-2", "SHOP-3"].map(|key| jira.status(key).unwrap()),
        ["Done", "To Do", "Done"]
    );
}

#[tokio::test]
async fn a_held_task_goes_step_by_step() {
    let jira = shop_of(3).start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.hold_bulk();
    let submitted = submit(&robot, &["SHOP-1", "SHOP-2", "SHOP-3"], "31").await;
    let seen = async || {
        let task = queue(&robot, &submitted).await;
        (task["status"].as_str().unwrap().to_owned(), task["progressPercent"].as_u64().unwrap())
    };
    assert_eq!(seen().await, ("ENQUEUED".into(), 0));
    assert_eq!(jira.step_bulk(0), 0);
    assert_eq!(seen().await, ("RUNNING".into(), 0));
    assert_eq!(jira.step_bulk(2), 2);
    assert_eq!((seen().await, jira.status("SHOP-3").as_deref()), (("RUNNING".into(), 66), Some("To Do")));
    assert_eq!(jira.step_bulk(2), 1);
    assert_eq!((seen().await, jira.status("SHOP-3").as_deref()), (("COMPLETE".into(), 100), Some("Done")));
}

#[tokio::test]
async fn what_cannot_be_moved_is_told_issue_by_issue() {
    let jira = shop_of(3).project(Project::new("OLD").workflow(Workflow::classic()));
    let jira = jira.issue(NewIssue::new("OLD-1")).start().await.unwrap();
    let robot = Caller::robot(&jira);
    assert!(jira.fail_in_bulk("SHOP-2", "The issue is locked."));
    let submitted = submit(&robot, &["SHOP-1", "SHOP-2", "SHOP-9"], "31").await;
    let task = queue(&robot, &submitted).await;
    assert_eq!(task["status"], "COMPLETE", "a task does not fail for its issues");
    assert_eq!(task["processedAccessibleIssues"], ids(&jira, &["SHOP-1"]));
    let locked = jira.issue("SHOP-2").unwrap().id.to_string();
    assert_eq!(task["failedAccessibleIssues"], json!({ locked: ["The issue is locked."] }));
    assert_eq!((&task["invalidOrInaccessibleIssueCount"], &task["totalIssueCount"]), (&json!(1), &json!(3)));
    for (transition, reason) in
        [("5", "Resolution is required."), ("701", "Transition id '701' is not valid for this issue.")]
    {
        let task = queue(&robot, &submit(&robot, &["OLD-1"], transition).await).await;
        let old = jira.issue("OLD-1").unwrap().id.to_string();
        assert_eq!(task["failedAccessibleIssues"], json!({ old: [reason] }));
    }
}

#[tokio::test]
async fn five_tasks_run_at_once_whoever_asked_for_them() {
    let other = Account::with_api_token("other@example.com", "other");
    let jira = shop_of(2).account(other).start().await.unwrap();
    let (robot, other) =
        (Caller::robot(&jira), Caller::new(&jira, 3, Login::Basic("other@example.com", "other")));
    jira.hold_bulk();
    for caller in [&robot, &other, &robot, &other, &robot] {
        assert_eq!(submit(caller, &["SHOP-1"], "21").await.status, 201);
    }
    let (status, words) = message(&submit(&other, &["SHOP-2"], "31").await);
    assert_eq!(status, 400);
    assert!(words.contains("5 concurrent bulk operations"), "{words}");
    assert!(jira.set_bulk_status(jira.bulk_tasks()[4].id, TaskStatus::Cancelled));
    assert_eq!(submit(&other, &["SHOP-2"], "31").await.status, 201);
    jira.release_bulk();
    assert_eq!(jira.status("SHOP-2").as_deref(), Some("Done"));
}

#[tokio::test]
async fn a_thousand_issues_and_not_one_more() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let keys = |count: usize| (1..=count).map(|number| format!("SHOP-{number}")).collect::<Vec<_>>();
    let input = |count| json!({ "bulkTransitionInputs": [{ "selectedIssueIdsOrKeys": keys(count), "transitionId": "31" }] });
    assert_eq!(robot.post("bulk/issues/transition", input(1000)).await.status, 201);
    assert_eq!(message(&robot.post("bulk/issues/transition", input(1001)).await).0, 400);
    let path = format!("bulk/issues/transition?issueIdsOrKeys={}", keys(1001).join(","));
    assert_eq!(message(&robot.get(&path).await).0, 400);
}

#[tokio::test]
async fn the_available_transitions_are_those_of_each_workflow_that_need_no_field() {
    let jira = shop_of(2)
        .project(Project::new("OLD").workflow(Workflow::classic()))
        .issue(NewIssue::new("OLD-1").status("In Progress"))
        .issue(NewIssue::new("OLD-2").issue_type("Bug").status("In Progress"))
        .issue(NewIssue::new("OLD-3").status("Closed"));
    let jira = jira.start().await.unwrap();
    let robot = Caller::robot(&jira);
    let ask = async |keys: &str| {
        robot.get(&format!("bulk/issues/transition?issueIdsOrKeys={keys}")).await.json()["availableTransitions"]
            .clone()
    };
    let found = ask("SHOP-1,OLD-1,SHOP-2,OLD-2").await;
    assert_eq!(
        (&found[0]["issues"], &found[1]["issues"]),
        (&json!(["SHOP-1", "SHOP-2"]), &json!(["OLD-1", "OLD-2"]))
    );
    assert_eq!(
        (&found[0]["isTransitionsFiltered"], &found[1]["isTransitionsFiltered"]),
        (&json!(false), &json!(true))
    );
    let stop = json!([{
        "transitionId": 301,
        "transitionName": "Stop Progress",
        "to": { "statusId": jira.status_id("OLD", "Open").unwrap(), "statusName": "Open" },
    }]);
    assert_eq!(found[1]["transitions"], stop, "the others have a screen with fields");
    assert_eq!(ask("OLD-1,OLD-3").await[0]["transitions"], json!([]), "nothing in common");
    assert_eq!(message(&robot.get("bulk/issues/transition?issueIdsOrKeys=SHOP-9").await).0, 400);
    assert_eq!(message(&robot.get("bulk/issues/transition").await).0, 400);
}

#[tokio::test]
async fn bulk_takes_the_global_permission_and_the_one_to_move() {
    for missing in [Permission::BulkChange, Permission::TransitionIssues] {
        let jira = shop_without(missing).start().await.unwrap();
        let robot = Caller::robot(&jira);
        assert_eq!(message(&submit(&robot, &["SHOP-1"], "31").await).0, 403, "{missing:?}");
        assert_eq!(
            robot.get("bulk/issues/transition?issueIdsOrKeys=SHOP-1").await.status,
            403,
            "{missing:?}"
        );
        assert_eq!(jira.status("SHOP-1").as_deref(), Some("To Do"));
    }
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_task_was_taken_on() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.once(When::post(Kind::BulkTransitions), Fault::apply_then_status(503));
    assert_eq!(submit(&robot, &["SHOP-1"], "31").await.status, 503);
    assert_eq!((jira.bulk_tasks().len(), jira.status("SHOP-1").as_deref()), (1, Some("Done")));
}

#[tokio::test]
async fn a_task_may_be_lost_half_way_and_its_times_may_be_text() {
    let clock = Clock::held("2026-11-22T12:00:00Z".parse().unwrap());
    let jira = shop_of(2).clock(&clock).bulk_times_as_text().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.hold_bulk();
    let submitted = submit(&robot, &["SHOP-1", "SHOP-2"], "31").await;
    jira.step_bulk(1);
    assert!(jira.set_bulk_status(jira.bulk_tasks()[0].id, TaskStatus::Dead));
    jira.release_bulk();
    let task = queue(&robot, &submitted).await;
    assert_eq!((&task["status"], &task["started"]), (&json!("DEAD"), &json!("2026-11-22T12:00:00.000+0000")));
    assert_eq!(jira.status("SHOP-2").as_deref(), Some("To Do"));
    assert_eq!(robot.get("bulk/queue/1").await.status, 400);
}

#[tokio::test]
async fn a_data_center_has_no_bulk_calls() {
    let jira =
        JiraSim::data_center().account(Account::with_access_token(EMAIL, TOKEN)).start().await.unwrap();
    let robot = Caller::new(&jira, 2, Login::Bearer(TOKEN));
    let by_bulk = robot.post("issue/bulkfetch", json!({})).await;
    assert_eq!(by_bulk.status, 405, "that is an issue's path, which takes no POST");
    assert_eq!(robot.post("bulk/issues/transition", json!({})).await.status, 404);
    assert_eq!(robot.get("bulk/queue/1").await.status, 404);
}
