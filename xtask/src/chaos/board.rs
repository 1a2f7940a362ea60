//! The board: a simulated Jira whose change log tells every mistake, and the rules that move its tickets.
//!
//! | project | a ticket goes | and says which event it was |
//! |---|---|---|
//! | `LOOP` | round a ring, by one or by two | in a field of the transition, with the comment in the same call |
//! | `TALK` | round a ring, by one | in a comment of its own, after the move |
//! | `HIKE` | three hops forth, one back | in a field of the last hop, with the comment |
//!
//! Moves are relative and every transition is offered from everywhere, so that one too many is never refused.

use std::path::Path;

use jira_sim::{Account, Category, Field, JiraSim, NewIssue, Project, Transition, Workflow};

use super::ledger::{Entry, What};

/// The field that bears the event's number.
const FIELD: &str = "customfield_10050";
pub(super) const API_KEY: &str = "chaos-api-key";

const RULES: &str = r#"
provisioner "loop" {
  aliasmapper "loop" {
    aliases = { a: "A", b: "B", c: "C", d: "D", e: "E" }
  }
  statemachine "loop" {
    initial = "a"
    keys    = ["title"]
    state "a" "next" { transition = "b" }
    state "b" "next" { transition = "c" }
    state "c" "next" { transition = "d" }
    state "d" "next" { transition = "e" }
    state "e" "next" { transition = "a" }
    state "a" "leap" { transition = "c" }
    state "b" "leap" { transition = "d" }
    state "c" "leap" { transition = "e" }
    state "d" "leap" { transition = "a" }
    state "e" "leap" { transition = "b" }
    on "pull_request.merged" "leap" {
      labels  = "leap"
      fire    = "leap"
      comment = "event ${pr.number}"
      fields  = { customfield_10050 = "${pr.number}" }
    }
    on "pull_request.merged" {
      fire    = "next"
      comment = "event ${pr.number}"
      fields  = { customfield_10050 = "${pr.number}" }
    }
  }
}

provisioner "talk" {
  aliasmapper "talk" {
    aliases = { a: "A", b: "B", c: "C" }
  }
  statemachine "talk" {
    initial = "a"
    keys    = ["title"]
    state "a" "next" { transition = "b" }
    state "b" "next" { transition = "c" }
    state "c" "next" { transition = "a" }
    on "pull_request.merged" {
      fire    = "next"
      comment = "event ${pr.number}"
      link    = { url = pr.url, title = "Change ${pr.number}" }
    }
  }
}

provisioner "hike" {
  aliasmapper "hike" {
    aliases = { a: "A", b: "B", c: "C", d: "D" }
  }
  statemachine "hike" {
    initial = "a"
    keys    = ["title"]
    state "a" "next" { transition = "b" }
    state "b" "next" { transition = "c" }
    state "c" "next" { transition = "d" }
    state "d" "back" { transition = "a" }
    on "pull_request.merged" "forth" {
      labels  = "forth"
      move_to = "d"
      comment = "event ${pr.number}"
      fields  = { customfield_10050 = "${pr.number}" }
    }
    on "pull_request.merged" "back" {
      fire    = "back"
      comment = "event ${pr.number}"
      fields  = { customfield_10050 = "${pr.number}" }
    }
  }
}
"#;

const WORKERS: &str = "workers:
  atlassian:
    statefile: chaos.hcl
    projects: [loop, talk, hike]
    site:
      url: env://CHAOS_JIRA_URL
      email: env://CHAOS_JIRA_EMAIL
      api_key: env://CHAOS_JIRA_KEY
      dialect: cloud
";

/// The account of a worker process: each has its own, so that the change log tells them apart.
pub(super) fn email(worker: usize) -> String {
    format!("worker-{worker}@chaos.example")
}

/// The name that the change log knows a worker by.
pub(super) fn writer(worker: usize) -> String {
    account(worker).id().to_owned()
}

fn account(worker: usize) -> Account {
    Account::with_api_token(&email(worker), API_KEY)
}

/// Writes the configuration folder.
pub(super) fn write_config(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder.join("statemachines"))?;
    std::fs::write(folder.join("workers.yaml"), WORKERS)?;
    std::fs::write(folder.join("statemachines/chaos.hcl"), RULES)?;
    Ok(())
}

/// A Jira with these tickets, all at the beginning.
pub(super) async fn start(keys: &[String], workers: usize) -> anyhow::Result<JiraSim> {
    let mut jira = JiraSim::cloud()
        .project(Project::new("LOOP").workflow(ring(&["A", "B", "C", "D", "E"], true)))
        .project(Project::new("TALK").workflow(ring(&["A", "B", "C"], false)))
        .project(Project::new("HIKE").workflow(ring(&["A", "B", "C", "D"], true)));
    for worker in 0..workers {
        jira = jira.account(account(worker));
    }
    for key in keys {
        jira = jira.issue(NewIssue::new(key).status("A"));
    }
    Ok(jira.start().await?)
}

/// A transition to each status from everywhere, with a screen or without.
fn ring(statuses: &[&str], screen: bool) -> Workflow {
    let ids = (11..).step_by(10);
    statuses.iter().zip(ids).fold(Workflow::new(), |workflow, (status, id)| {
        let transition = Transition::new(id, status, status);
        let transition = if screen { transition.screen([Field::text(FIELD, "Event")]) } else { transition };
        workflow.status(status, Category::Indeterminate).transition(transition)
    })
}

/// What Jira shows of a ticket: its moves and comments in the order in which they were written.
pub(super) fn log(jira: &JiraSim, key: &str) -> Vec<Entry> {
    let Some(issue) = jira.issue(key) else { return Vec::new() };
    let moves = issue.history.iter().filter(|entry| entry.items.iter().any(|item| item.field == "status"));
    let moves = moves.map(|entry| {
        let mark = entry.items.iter().find(|item| item.field_id == FIELD);
        let number = mark.and_then(|item| item.to_string.as_deref()?.parse().ok());
        let entry_of = Entry { what: What::Moved, number, writer: entry.author.clone(), at: entry.created };
        (entry.id, entry_of)
    });
    let comments = issue.comments.iter().map(|comment| {
        let number = comment.text().trim().strip_prefix("event ").and_then(|number| number.parse().ok());
        let entry = Entry { what: What::Said, number, writer: comment.author.clone(), at: comment.created };
        (comment.id, entry)
    });
    // Jira numbers everything it writes in one sequence.
    let mut all: Vec<_> = moves.chain(comments).collect();
    all.sort_by_key(|(id, _)| *id);
    all.into_iter().map(|(_, entry)| entry).collect()
}
