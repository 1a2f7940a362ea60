//! Bulk transitions, in every state that a task goes through.

use anyhow::{Context as _, Result, ensure};
use jira_sim::{JiraSim, Journal, NewIssue, Project, TaskStatus, Workflow};
use serde_json::{Value, json};

use super::caller::{Caller, ROBOT};

pub(super) async fn record(caller: &Caller, jira: &JiraSim) -> Result<()> {
    let path = "bulk/issues/transition";
    caller.get(&format!("{path}?issueIdsOrKeys=SHOP-1,OLD-1"), 200).await?;
    caller.get(&format!("{path}?issueIdsOrKeys=SHOP-9"), 400).await?;
    caller.post(path, json!({ "bulkTransitionInputs": [] }), 400).await?;
    caller.get("bulk/queue/1", 400).await?;
    jira.hold_bulk();
    for key in ["SHOP-1", "SHOP-9", "OLD-1", "SHOP-1", "SHOP-1"] {
        caller.post(path, input(&[key], "11"), 201).await?;
    }
    caller.post(path, input(&["SHOP-1"], "11"), 400).await?;
    let tasks: Vec<u64> = jira.bulk_tasks().iter().map(|task| task.id).collect();
    let asked = async |task: u64| caller.get(&format!("bulk/queue/{task}"), 200).await;
    asked(tasks[0]).await?;
    jira.step_bulk(0);
    asked(tasks[0]).await?;
    let (last, status) = (*tasks.last().context("a task")?, TaskStatus::CancelRequested);
    ensure!(jira.set_bulk_status(last, status), "the task is there");
    asked(last).await?;
    jira.release_bulk();
    for task in tasks {
        asked(task).await?;
    }
    Ok(())
}

/// The description has text, its examples have milliseconds.
pub(super) async fn with_times_as_text() -> Result<Journal> {
    let jira = JiraSim::cloud()
        .bulk_times_as_text()
        .account(ROBOT.account())
        .project(Project::new("SHOP").workflow(Workflow::simplified(&["To Do", "Done"])))
        .issue(NewIssue::new("SHOP-1"));
    let jira = jira.start().await?;
    let caller = Caller::of(&jira, ROBOT);
    let task = caller.post("bulk/issues/transition", input(&["SHOP-1"], "21"), 201).await?;
    let task = task["taskId"].as_str().unwrap_or_default();
    caller.get(&format!("bulk/queue/{task}"), 200).await?;
    Ok(jira.journal())
}

fn input(keys: &[&str], transition: &str) -> Value {
    json!({
        "bulkTransitionInputs": [{ "selectedIssueIdsOrKeys": keys, "transitionId": transition }],
        "sendBulkNotification": false,
    })
}
