//! Plans of payloads in files: nobody is asked.

use serde_json::{Value, json};

use super::{Desk, RULES, merged, pull_request, release};

#[tokio::test]
async fn a_payload_moves_its_ticket_from_where_it_is_said_to_stand() {
    let desk = Desk::new();
    desk.write("merged.json", &merged(118, "SHOP-42: pay", "main"));
    let status = "SHOP-42=In Progress";
    let arguments =
        ["merged.json", "--event", "pull_request", "--status", status, "--expect", "SHOP-42=done"];
    insta::assert_snapshot!(desk.prints(&arguments).await, @r"
      ~ SHOP-42  In Progress → Done   on pull_request.merged shop.hcl:12
    Plan: 1 to move, 0 unchanged, 0 blocked. Jira was not contacted.
    ");
    let by_alias = ["merged.json", "--event", "pull_request", "--status", "SHOP-42=in_progress"];
    assert_eq!(desk.prints(&by_alias).await, desk.prints(&arguments).await);
}

#[tokio::test]
async fn a_ticket_of_which_nothing_is_known_stands_where_tickets_begin() {
    let desk = Desk::new();
    desk.write("release.published.json", &release("- SHOP-1\n- SHOP-12\n- SHOP-3\n- OPS-7"));
    let arguments = ["release.published.json", "--status", "SHOP-12=Done", "--status", "SHOP-3=Blocked"];
    let ended = desk.plan(&arguments, &[]).await;
    assert_eq!(ended.code, 0);
    insta::assert_snapshot!(ended.out, @r#"
      ~ SHOP-1   To Do (assumed) → In Progress → Done   on release.published "train" shop.hcl:20
          + comment Shipped in 2.1.0 by grace
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
      = SHOP-12  Done   the ticket is in `done`   effects_only
          - comment left out: it goes with the last step only
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
      = SHOP-3   Blocked   no alias names the status "Blocked"; shop.hcl knows to_do = "To Do", in_progress = "In Progress", done = "Done"   unknown_status
          - comment left out: it goes with the last step only
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
          OPS-7 in notes does not count: project_not_configured
    Plan: 1 to move, 2 unchanged, 0 blocked. Jira was not contacted.
    "#);
    insta::assert_snapshot!(ended.err, @r"release.published.json: taken for `release` because of its name; --event says otherwise.");
}

#[tokio::test]
async fn what_stays_says_why() {
    let desk = Desk::new();
    desk.write("in/1.json", &merged(1, "SHOP-1", "develop"));
    desk.write("in/2.json", &merged(2, "Tidy up", "main"));
    desk.write("in/3.json", &pull_request("opened", 3, "SHOP-3", "main"));
    desk.write("in/notes.txt", "not a payload");
    insta::assert_snapshot!(desk.prints(&["in", "--event", "pull_request"]).await, @r#"
    in/1.json · pull_request.merged
      = SHOP-1  PR merged into "develop"; rule needs base "main" or "release/*"   no_rule_matched
    in/2.json · pull_request.merged
      = no ticket: no ticket key was found where keys count   no_keys
    in/3.json · pull_request.opened
      ! SHOP-3  To Do (assumed)   uncertain: PR opened; rule needs types "Bug"; the rules look at more of the ticket than its status: --live asks Jira
    Plan: 0 to move, 2 unchanged, 1 blocked. Jira was not contacted.
    "#);
}

#[tokio::test]
async fn a_plan_is_a_test_of_the_rules() {
    let desk = Desk::new();
    desk.write("pull_request.json", &merged(118, "SHOP-42", "main"));
    let expect = async |expectation: &str| {
        let ended = desk.plan(&["pull_request.json", "--expect", expectation], &[]).await;
        (ended.code, ended.err.lines().nth(1).unwrap_or_default().to_owned())
    };
    assert_eq!(expect("SHOP-42=in_progress").await, (0, String::new()));
    let (code, said) = expect("SHOP-42=done").await;
    assert_eq!(code, 1);
    insta::assert_snapshot!(said, @r"expected otherwise: SHOP-42 would move to `in_progress`, not to `done`");
    insta::assert_snapshot!(expect("SHOP-42=none").await.1, @r"expected otherwise: SHOP-42 would move to `in_progress`; it was not to move");
    insta::assert_snapshot!(expect("SHOP-43=none").await.1, @r"expected otherwise: SHOP-43 is not named where keys count");
    assert_eq!(expect("SHOP-42").await.0, 2, "that is no expectation");
}

#[tokio::test]
async fn the_json_is_a_trace_that_is_planned() {
    let desk = Desk::new();
    desk.write("in/a.json", &release("SHOP-1"));
    let one: Value =
        serde_json::from_str(&desk.prints(&["in/a.json", "--event", "release", "-o", "json"]).await).unwrap();
    assert_eq!((&one["schema"], &one["planned"]), (&json!("conduit.trace/1"), &json!(true)));
    insta::assert_snapshot!(serde_json::to_string_pretty(&one["tickets"]).unwrap(), @r#"
    [
      {
        "attempts": [],
        "effects": [
          {
            "detail": "Shipped in 2.1.0 by grace",
            "effect": "comment",
            "result": "planned"
          },
          {
            "detail": "https://github.com/acme/shop/releases/tag/v2.1.0",
            "effect": "link",
            "result": "planned"
          },
          {
            "detail": "v2.1.0",
            "effect": "fix_version",
            "result": "planned"
          }
        ],
        "found_in": [
          "notes"
        ],
        "from": "To Do",
        "key": "SHOP-1",
        "machine": "shop",
        "outcome": "moved",
        "reason": "moved",
        "rule": {
          "file": "shop.hcl",
          "goal": "move_to",
          "line": 20,
          "name": "train",
          "trigger": "release.published"
        },
        "rules": "11f5336fefeba65a",
        "rules_tried": [
          {
            "because": "event is release.published",
            "file": "shop.hcl",
            "line": 12,
            "matched": false,
            "trigger": "pull_request.merged"
          },
          {
            "because": "event is release.published",
            "file": "shop.hcl",
            "line": 16,
            "matched": false,
            "name": "bugs",
            "trigger": "pull_request.opened"
          },
          {
            "because": "move_to \"done\"",
            "file": "shop.hcl",
            "line": 20,
            "matched": true,
            "name": "train",
            "trigger": "release.published"
          }
        ],
        "status": {
          "alias": "to_do",
          "name": "To Do",
          "source": "assumed"
        },
        "steps": [
          {
            "event": "next",
            "file": "shop.hcl",
            "from": "to_do",
            "line": 8,
            "to": "in_progress"
          },
          {
            "event": "next",
            "file": "shop.hcl",
            "from": "in_progress",
            "line": 9,
            "to": "done"
          }
        ],
        "to": "Done",
        "transitions": [],
        "waited_ms": 0
      }
    ]
    "#);
    let all: Value =
        serde_json::from_str(&desk.prints(&["in", "--event", "release", "-o", "json"]).await).unwrap();
    assert_eq!(all[0]["tickets"], one["tickets"], "of a folder, a list");
}

#[tokio::test]
async fn other_rules_make_another_plan() {
    let desk = Desk::new();
    desk.rules("other", &RULES.replace("\"main\", \"release/*\"", "\"trunk\""));
    desk.write("pull_request.json", &merged(118, "SHOP-42", "main"));
    let out = desk.prints(&["pull_request.json", "--rules", "other", "--expect", "SHOP-42=none"]).await;
    assert!(out.contains("rule needs base \"trunk\""), "{out}");
}

#[tokio::test]
async fn a_folder_of_everything_a_forge_sends_is_planned() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/forge/github");
    let ended = Desk::new().plan(&[folder, "-o", "json"], &[]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let plans: Vec<conduit::trace::Trace> = serde_json::from_str(&ended.out).unwrap();
    assert!(plans.len() > 40 && plans.iter().all(|plan| plan.planned), "{}", plans.len());
    assert!(plans.iter().any(|plan| plan.reason == conduit::trace::Reason::UnsupportedEvent));
}

#[tokio::test]
async fn a_title_cannot_steer_the_terminal() {
    let desk = Desk::new();
    let mut payload = release("SHOP-1");
    payload["release"]["name"] = json!("2\u{202e}1\u{1b}[2J");
    desk.write("release.json", &payload);
    let out = desk.prints(&["release.json"]).await;
    assert!(out.contains("Shipped in 2\\u{202e}1\\u{1b}[2J by grace"), "{out}");
    assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out}");
}

#[tokio::test]
async fn what_cannot_be_planned_says_what_is_wrong() {
    let desk = Desk::new();
    desk.write("pull_request.json", "{\"action\":");
    desk.write("merged.json", &merged(1, "SHOP-1", "main"));
    desk.rules("bad", "provisioner \"shop\" {");
    std::fs::create_dir(desk.0.path().join("empty")).unwrap();
    let wrong = async |arguments: &[&str]| {
        let ended = desk.plan(arguments, &[]).await;
        assert_eq!(ended.out, "");
        format!("{}: {}", ended.code, ended.err)
    };
    insta::assert_snapshot!(wrong(&["pull_request.json"]).await, @r"2: error: pull_request.json: the body is not readable: not JSON: EOF while parsing a value at line 1 column 10");
    insta::assert_snapshot!(wrong(&["merged.json"]).await, @r"2: error: merged.json: by its name it tells of `merged`: no rule can see such an event; say what it tells of, e.g. --event pull_request");
    insta::assert_snapshot!(wrong(&["merged.json", "--event", "pull_request", "--provider", "sourcehut"]).await, @r"2: error: --provider: `sourcehut` is not one of: github, jira");
    insta::assert_snapshot!(wrong(&["gone.json"]).await, @r"4: error: gone.json is no file, no folder and no event's id (26 letters and digits)");
    insta::assert_snapshot!(wrong(&["empty"]).await, @r"4: error: empty has no file that ends in .json");
    insta::assert_snapshot!(wrong(&["merged.json", "--event", "pull_request", "--compare"]).await, @r"2: error: --compare: a file was never delivered; give a recorded event's id, or --since");
    assert!(wrong(&["merged.json", "--rules", "bad"]).await.starts_with("1: error: the rules have mistakes"));
    assert!(wrong(&[]).await.starts_with("2: "));
}
