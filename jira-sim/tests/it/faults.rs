//! What goes wrong, where the test says so.

use jira_sim::{Fault, Gate, Kind, When};
use reqwest::Method;
use serde_json::json;

use crate::support::{Caller, shop};

#[tokio::test]
async fn a_fault_is_for_one_request_and_nothing_is_applied() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.once(
        When::post(Kind::Transitions).issue("SHOP-1"),
        Fault::unavailable(Some(3)),
    );
    assert_eq!(
        robot.get("issue/SHOP-1").await.status,
        200,
        "another kind of request passes"
    );
    let answer = robot.transition("SHOP-1", "31").await;
    assert_eq!(
        (answer.status, answer.header("Retry-After")),
        (503, Some("3"))
    );
    assert_eq!(
        (jira.status("SHOP-1").as_deref(), jira.unused_faults()),
        (Some("To Do"), 0)
    );
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 204);
}

#[tokio::test]
async fn odd_answers_can_be_had() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.once(When::any(), Fault::html(502));
    jira.once(When::any(), Fault::too_many_requests(None));
    jira.once(When::any(), Fault::truncated());
    let html = robot.get("issue/SHOP-1").await;
    assert!(html.status == 502 && html.text.starts_with("<!DOCTYPE html>"));
    let limited = robot.get("issue/SHOP-1").await;
    assert_eq!((limited.status, limited.header("Retry-After")), (429, None));
    let cut = robot.get("issue/SHOP-1").await;
    assert_eq!(cut.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&cut.text).is_err());
}

#[tokio::test]
async fn a_connection_is_dropped_before_or_after_the_change() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let post = |id: &str| {
        let body = json!({ "transition": { "id": id } });
        robot
            .request(Method::POST, "issue/SHOP-1/transitions")
            .json(&body)
            .send()
    };
    jira.once(When::post(Kind::Transitions), Fault::drop_connection());
    assert!(post("21").await.unwrap_err().is_request());
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("To Do"));
    jira.once(When::post(Kind::Transitions), Fault::apply_then_drop());
    assert!(post("21").await.unwrap_err().is_request());
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Progress"));
    let journal = jira.journal();
    let seen: Vec<_> = journal
        .exchanges
        .iter()
        .map(|one| (one.applied, one.status))
        .collect();
    assert_eq!(seen, [(false, None), (true, None)]);
}

#[tokio::test]
async fn a_change_is_applied_and_then_answered_with_a_503_or_never() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.once(When::post(Kind::Transitions), Fault::apply_then_status(503));
    assert_eq!(robot.transition("SHOP-1", "21").await.status, 503);
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Progress"));
    jira.once(When::post(Kind::Transitions), Fault::apply_then_hang());
    tokio::select! {
        answer = robot.transition("SHOP-1", "31") => panic!("it was answered: {answer:?}"),
        waited = jira.wait_until("SHOP-1 is done", |site| site.is_in("SHOP-1", "Done")) => waited.unwrap(),
    }
    assert_eq!(jira.journal().writes().exchanges[1].status, None);
}

#[tokio::test]
async fn a_request_waits_at_a_gate_until_the_test_opens_it() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let gate = Gate::new();
    jira.once(When::post(Kind::Transitions), Fault::hold(&gate));
    let story = async {
        gate.reached().await;
        assert_eq!(
            jira.status("SHOP-1").as_deref(),
            Some("To Do"),
            "nothing is applied before the gate"
        );
        assert!(jira.move_as("ana", "SHOP-1", "In Progress"));
        gate.open();
    };
    let (answer, ()) = tokio::join!(robot.transition("SHOP-1", "31"), story);
    assert_eq!(answer.status, 204);
    assert_eq!(
        jira.moves("SHOP-1"),
        ["To Do → In Progress", "In Progress → Done"]
    );
}

#[tokio::test]
async fn an_answer_waits_at_a_gate_after_the_change() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let gate = Gate::new();
    jira.once(When::any(), Fault::apply_then_hold(&gate));
    let story = async {
        gate.reached().await;
        assert_eq!(jira.status("SHOP-1").as_deref(), Some("Done"));
        gate.open();
    };
    let (answer, ()) = tokio::join!(robot.transition("SHOP-1", "31"), story);
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn the_site_is_down_until_told_otherwise_and_a_token_is_revoked() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let down = jira.go_down();
    assert_eq!(robot.get("myself").await.status, 503);
    assert_eq!(robot.get("issue/SHOP-1").await.status, 503);
    jira.lift(down);
    let revoked = jira.revoke_tokens();
    assert_eq!(robot.get("myself").await.status, 401);
    jira.lift(revoked);
    assert_eq!(robot.get("myself").await.status, 200);
}

#[tokio::test]
async fn the_second_read_of_one_issue_fails() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    jira.once(
        When::get(Kind::Issue).issue("SHOP-1").nth(2),
        Fault::status(500),
    );
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(robot.get("issue/SHOP-1").await.status);
    }
    assert_eq!(statuses, [200, 500, 200]);
}
