//! `conduit graph`: what it draws, and what it says when it cannot.

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::payloads::merged;
use crate::support::service::{On, RULES, TOKEN, TestService, board, write_config};

/// How a run ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

/// Runs `conduit graph` over these rules; it may ask the service at `url`.
async fn graph(rules: &str, arguments: &[&str], url: Option<&str>) -> Ended {
    let folder: TempDir = tempfile::tempdir().unwrap();
    write_config(folder.path(), rules);
    let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
    command.arg("graph").args(arguments).arg("--config").arg(folder.path()).env_clear();
    if let Some(url) = url {
        command.env("CONDUIT_URL", url).env("CONDUIT_TOKEN", TOKEN);
    }
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test]
async fn the_text_needs_nothing_but_the_files() {
    let ended = graph(RULES, &["shop"], None).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    insta::assert_snapshot!(ended.out, @r#"
    to_do ─next→ in_progress ─next→ done ─next→ ■
                 in_progress ─prev→ to_do

    states of SHOP
      to_do        "To Do"        initial
      in_progress  "In Progress"
      done         "Done"

    rules
      to_do ─next→ in_progress  pull_request.merged  fire next  built-in
                                release.published    fire next  built-in
      in_progress ─next→ done   pull_request.merged  fire next  built-in
                                release.published    fire next  built-in
      done ─next→ ■             pull_request.merged  fire next  built-in
                                release.published    fire next  built-in
    "#);
}

#[tokio::test]
async fn every_format_is_printed_on_standard_output() {
    for (format, starts, ends) in [
        ("mermaid", "flowchart TB\n", "4px\n"),
        ("dot", "digraph \"SHOP\" {\n", "}\n"),
        ("svg", "<svg ", "</svg>\n"),
    ] {
        let ended = graph(RULES, &["SHOP", "--format", format], None).await;
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
        assert!(ended.out.starts_with(starts) && ended.out.ends_with(ends), "{format}: {}", ended.out);
    }
}

#[tokio::test]
async fn the_json_names_its_schema_and_holds_the_whole_graph() {
    let ended = graph(RULES, &["shop", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(json["schema"], "conduit.graph/1");
    assert_eq!(json["project"], "SHOP");
    assert_eq!(
        json["states"][1],
        serde_json::json!({
            "alias": "in_progress", "status": "In Progress", "initial": false, "reachable": true,
        })
    );
    let ends = json["edges"].as_array().unwrap().iter().filter(|edge| edge["to"].is_null()).count();
    assert_eq!((json["edges"].as_array().unwrap().len(), ends), (4, 1));
    assert_eq!(json["edges"][0]["rules"][0]["fire"], "next");
    assert_eq!(json["ticket"], Value::Null);
}

#[tokio::test]
async fn two_formats_at_once_are_a_mistake_of_use() {
    let ended = graph(RULES, &["shop", "-o", "json", "--format", "svg"], None).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{ended:?}");
    insta::assert_snapshot!(ended.err, @"error: --format and `-o json` name two formats: keep one");
}

#[tokio::test]
async fn a_project_that_does_not_exist_is_not_found_and_the_nearest_is_named() {
    let ended = graph(RULES, &["shpo"], None).await;
    assert_eq!((ended.code, ended.out.as_str()), (4, ""), "{ended:?}");
    insta::assert_snapshot!(ended.err, @"error: no rule file has a machine for `shpo`; did you mean SHOP?");

    let ended = graph(RULES, &["payments"], None).await;
    assert_eq!(ended.code, 4);
    insta::assert_snapshot!(ended.err, @"error: no rule file has a machine for `payments`; there are: SHOP");
}

#[tokio::test]
async fn mistakes_in_the_rules_are_findings() {
    let wrong = RULES.replace(r#"{ transition = "done" }"#, r#"{ transition = "dnoe" }"#);
    let ended = graph(&wrong, &["shop"], None).await;
    assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{ended:?}");
    assert!(ended.err.starts_with("error[E004]: `dnoe` is not a declared alias"), "{}", ended.err);
}

#[tokio::test]
async fn a_ticket_of_another_project_is_a_mistake_of_use() {
    let ended = graph(RULES, &["shop", "--ticket", "PAY-1"], None).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{ended:?}");
    insta::assert_snapshot!(ended.err, @"error: --ticket: PAY-1 is not a ticket of SHOP");
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_said_so() {
    let ended = graph(RULES, &["shop", "--ticket", "SHOP-1"], Some("http://127.0.0.1:1")).await;
    assert_eq!((ended.code, ended.out.as_str()), (3, ""), "{ended:?}");
    assert!(ended.err.starts_with("error: http://127.0.0.1:1/ cannot be reached"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_shown_where_its_newest_event_left_it() {
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "Blocked")]).await;
    let conduit = TestService::start(&On::Sqlite, &jira).await;
    let hook = conduit.register("acme/shop").await;
    let answer = conduit.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1 and SHOP-2")).await;
    conduit.trace(answer.event_id()).await;

    let ended = graph(RULES, &["shop", "--ticket", "shop-1"], Some(&conduit.url)).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    assert!(ended.out.starts_with("to_do ─next→ [in_progress] ─next→ done"), "{}", ended.out);
    assert!(ended.out.contains(r#"in_progress  "In Progress"  ◀ SHOP-1"#), "{}", ended.out);

    let ended = graph(RULES, &["shop", "--ticket", "SHOP-2"], Some(&conduit.url)).await;
    assert_eq!(ended.code, 0);
    insta::assert_snapshot!(ended.err, @r#"SHOP-2 was last seen in "Blocked", which no alias of this machine names"#);

    let ended = graph(RULES, &["shop", "--ticket", "SHOP-3"], Some(&conduit.url)).await;
    assert_eq!(ended.code, 0);
    assert!(ended.out.starts_with("to_do ─next→ in_progress"), "the machine is drawn all the same");
    insta::assert_snapshot!(ended.err, @"where SHOP-3 stands is unknown: no recorded event tells");
    conduit.stop().await;
}
