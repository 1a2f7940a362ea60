//! `conduit events replay` of many events: against a running service, and against one that is played.

use std::sync::{Arc, Mutex};

use jira_sim::{Account, JiraSim, NewIssue, Permission, Project, Workflow};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::run::Conduit;
use crate::support::payloads::merged;
use crate::support::service::{API_KEY, EMAIL, On, TOKEN, TestService};

/// A board whose account may read everything and move nothing.
async fn board_that_refuses() -> JiraSim {
    let robot = Account::with_api_token(EMAIL, API_KEY).without(Permission::TransitionIssues);
    let shop = Project::new("SHOP").workflow(Workflow::simplified(&["To Do", "In Progress", "Done"]));
    let jira = JiraSim::cloud().account(robot).project(shop);
    jira.issue(NewIssue::new("SHOP-1").status("To Do")).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_failed_is_counted_asked_about_and_sent_through_again_in_its_order() {
    let jira = board_that_refuses().await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let mut ids = Vec::new();
    for (number, title) in [(1, "SHOP-1: pay later"), (2, "SHOP-1 and SHOP-98"), (3, "no key in this one")] {
        let (delivery, payload) = (format!("d-{number}"), merged(number, title));
        let delivered = service.deliver(&hook, "pull_request", &delivery, &payload).await;
        ids.push(delivered.event_id().to_owned());
        service.trace(&ids[ids.len() - 1]).await;
    }
    let replay = |arguments: &[&str]| Conduit::at(&service, &[&["events", "replay"], arguments].concat());
    let generations = async || {
        let list = Conduit::at(&service, &["events", "list", "-o", "json"]).answers("conduit.events/1").await;
        let rows = list["events"].as_array().unwrap();
        rows.iter().rev().map(|row| row["generation"].as_u64().unwrap()).collect::<Vec<_>>()
    };

    let asked = replay(&["--outcome", "failed", "--since", "2h"]).refuses(2).await;
    insta::assert_snapshot!(asked, @r"
    2 events would go through again, the oldest first:
      2 tickets    relative: the rule says one step on (fire); after a move by hand it is one too many
      1 ticket     unknown: no rule has decided on it yet
    error: Send them through again? There is no terminal to ask on: add --yes
    ");
    assert_eq!(generations().await, [1, 1, 1], "nothing goes without a yes");

    let json = replay(&["--outcome", "failed", "--yes", "-o", "json"]).answers("conduit.replays/1").await;
    assert_eq!((&json["matched"], &json["refused"], &json["not_sent"]), (&json!(2), &json!([]), &json!(0)));
    assert_eq!((&json["tickets"]["relative"], &json["tickets"]["unknown"]), (&json!(2), &json!(1)));
    let queued: Vec<_> = json["queued"].as_array().unwrap().iter().map(|sent| &sent["event_id"]).collect();
    assert_eq!(queued, [&ids[0], &ids[1]], "the oldest first");
    let began = async |id: &str| service.trace(id).await.tickets[0].started_at.unwrap();
    assert!(began(&ids[0]).await <= began(&ids[1]).await, "at the tail of the ticket's queue, in this order");
    assert_eq!(generations().await, [2, 2, 1]);

    let one = replay(&["--ticket", "shop-98", "--yes", "-o", "json"]).answers("conduit.replays/1").await;
    assert_eq!(one["queued"][0]["tickets"], json!(["SHOP-98"]), "that ticket alone");
    service.trace(&ids[1]).await;
    assert_eq!(generations().await, [2, 3, 1]);

    let safe = replay(&["--outcome", "failed", "--only", "safe", "--yes"]).run().await;
    assert_eq!((safe.code, safe.out.as_str()), (0, ""), "{safe:?}");
    insta::assert_snapshot!(safe.err, @r"
    Nothing to send through again: nothing of what matches may go.
    Left out: 3 tickets, not known to be safe.
    ");
    let none = replay(&["--repo", "acme/other"]).run().await;
    assert_eq!(none.code, 0, "{none:?}");
    assert_eq!(none.err, "Nothing to send through again: no event matches.\n");

    let limited = replay(&["--outcome", "failed", "--limit", "1", "--yes"]).refuses(2).await;
    assert!(limited.contains("more than 1 events match, and nothing was sent"), "{limited}");
    for wrong in [&[][..], &["--yes"], &[&ids[0], "--outcome", "failed"], &["--second-step", "--repo", "a/b"]]
    {
        assert_eq!(replay(wrong).run().await.code, 2, "{wrong:?}");
    }
    service.stop().await;
}

/// A service that is played: three failed events on two pages.
struct Played {
    url: String,
    sent: Arc<Mutex<Vec<String>>>,
}

/// How the played service answers the second event's replay.
#[derive(Clone, Copy)]
enum Second {
    Refused,
    CutOff,
}

impl Played {
    async fn start(second: Second) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_one(stream, second, Arc::clone(&notes)));
            }
        });
        Self { url, sent }
    }

    fn replay(&self, arguments: &[&str]) -> Conduit {
        let arguments = [&["events", "replay", "--outcome", "failed", "--yes"], arguments].concat();
        Conduit::new(&arguments).env("CONDUIT_URL", &self.url).env("CONDUIT_TOKEN", TOKEN)
    }

    /// The events that were asked to be sent through again, in order.
    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

async fn answer_one(stream: TcpStream, second: Second, sent: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let event = path.split('/').nth(4).unwrap_or_default().to_owned();
    let (status, data) = if head.starts_with("POST") {
        sent.lock().unwrap().push(event.clone());
        match (event.as_str(), second) {
            ("e-2", Second::CutOff) => return,
            ("e-2", Second::Refused) => {
                ("409 Conflict", json!({ "success": false, "error_msg": "it is not finished yet" }))
            }
            _ => ("200 OK", json!({ "success": true, "data": { "event_id": event, "tickets": [] } })),
        }
    } else if event.is_empty() {
        ("200 OK", json!({ "success": true, "data": page(path.contains("cursor=older")) }))
    } else {
        ("200 OK", json!({ "success": true, "data": trace(&event) }))
    };
    let body = data.to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Newest first, as the service lists them.
fn page(second: bool) -> Value {
    let row = |id: &str| {
        json!({ "event_id": id, "received_at": "2026-11-22T08:00:00Z", "hook": "github/shop", "kind": "push", "repo": "acme/shop",
                "number": null, "state": "finished", "outcome": "failed", "reason": "no_permission",
                "tickets": [ { "key": "SHOP-1", "site": "jira", "outcome": "failed", "reason": "no_permission" } ] })
    };
    if second {
        json!({ "events": [row("e-1")], "next_cursor": null })
    } else {
        json!({ "events": [row("e-3"), row("e-2")], "next_cursor": "older" })
    }
}

fn trace(event: &str) -> Value {
    let goal = if event == "e-1" { "fire" } else { "move_to" };
    json!({ "schema": "conduit.trace/1", "planned": false, "event_id": event, "provider": "github", "delivery_id": "d", "event": null,
            "tickets": [ { "key": "SHOP-1", "found_in": [], "outcome": "failed", "reason": "no_permission",
                           "rule": { "name": null, "trigger": "push", "file": "shop.hcl", "line": 3, "goal": goal } } ],
            "ignored_keys": [], "outcome": "failed", "reason": "no_permission" })
}

#[tokio::test]
async fn what_went_through_only_in_part_is_exit_code_5_and_says_which() {
    let service = Played::start(Second::Refused).await;
    let ended = service.replay(&["-o", "json"]).run().await;
    assert_eq!(ended.code, 5, "{ended:?}");
    assert_eq!(service.sent(), ["e-1", "e-2", "e-3"], "all pages are read first, then the oldest goes first");
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(json["refused"], json!([{ "event_id": "e-2", "because": "it is not finished yet" }]));
    assert_eq!(json["queued"].as_array().unwrap().len(), 2);
    assert!(ended.err.contains("✗ e-2: it is not finished yet"), "{}", ended.err);
    assert!(ended.err.ends_with("error: 2 events queued again; 1 event refused\n"), "{}", ended.err);
}

#[tokio::test]
async fn a_service_that_goes_away_in_between_is_told_with_what_is_left() {
    let service = Played::start(Second::CutOff).await;
    let ended = service.replay(&[]).run().await;
    assert_eq!((ended.code, ended.out.as_str()), (5, ""), "{ended:?}");
    assert_eq!(service.sent(), ["e-1", "e-2"], "it is not knocked on for each of the rest");
    assert!(
        ended.err.contains("1 event queued again; ") && ended.err.contains("2 events not sent"),
        "{}",
        ended.err
    );
}

#[tokio::test]
async fn only_the_safe_ones_go_when_that_is_said() {
    let service = Played::start(Second::Refused).await;
    let ended = service.replay(&["--only", "safe"]).run().await;
    assert_eq!((ended.code, service.sent()), (5, vec!["e-2".to_owned(), "e-3".to_owned()]), "{ended:?}");
    assert!(ended.err.contains("Left out: 1 ticket, not known to be safe."), "{}", ended.err);
}
