//! `conduit plan`: what a delivery would do, and that asking does nothing.

use std::path::Path;

use conduit::forge::sample::{self, PullRequest, Release, Repository};
use jira_sim::JiraSim;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::service::{API_KEY, EMAIL, Hook, On, TOKEN, TestService, board};

const SHOP: Repository = Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };

const RULES: &str = r#"
provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }
  statemachine "shop" {
    initial = "to_do"
    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "done" }
    state "done" "next"        { transition = "<end>" }

    on "pull_request.merged" {
      base = ["main", "release/*"]
      fire = "next"
    }
    on "pull_request.opened" "bugs" {
      types   = ["Bug"]
      move_to = "in_progress"
    }
    on "release.published" "train" {
      move_to     = "done"
      comment     = "Shipped in ${release.name} by ${release.author}"
      link        = { url = release.url, title = release.name }
      fix_version = { name = release.tag, create = true }
    }
  }
}
"#;

/// A folder with a configuration, and room for payloads beside it.
struct Desk(TempDir);

/// How a run ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.rules("config", RULES);
        desk
    }

    /// Writes a configuration folder with these rules.
    fn rules(&self, folder: &str, rules: &str) {
        let workers = "workers:\n  atlassian:\n    statefile: shop.hcl\n    projects: [shop]\n    site: \
                       { url: env://JIRA, email: env://EMAIL, api_key: env://KEY, dialect: cloud }\n";
        self.write(&format!("{folder}/workers.yaml"), workers);
        self.write(&format!("{folder}/statemachines/shop.hcl"), rules);
    }

    fn write(&self, name: &str, text: &(impl ToString + ?Sized)) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.to_string()).unwrap();
    }

    /// Runs `conduit plan` here, with nothing else in its environment.
    async fn plan(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
        command.arg("plan").args(arguments).current_dir(self.0.path()).env_clear();
        let output = command.envs(environment.iter().copied()).output().await.unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A plan that asks nobody and is what was wanted.
    async fn prints(&self, arguments: &[&str]) -> String {
        let ended = self.plan(arguments, &[]).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.out
    }

    /// A plan that asks a service.
    async fn at(&self, service: &TestService, arguments: &[&str]) -> Ended {
        self.plan(arguments, &[("CONDUIT_URL", &service.url), ("CONDUIT_TOKEN", TOKEN)]).await
    }

    /// A plan that reads Jira.
    async fn live(&self, jira: &JiraSim, arguments: &[&str]) -> Ended {
        self.plan(arguments, &[("JIRA", &jira.url()), ("EMAIL", EMAIL), ("KEY", API_KEY)]).await
    }
}

fn pull_request(action: &str, number: u64, title: &str, base: &str) -> Value {
    let merged = action == "merged";
    let pull_request = PullRequest {
        action: if merged { "closed" } else { action },
        number,
        title,
        head: "topic",
        base,
        author: "ada",
        merged,
        at: "2026-11-22T10:00:00Z",
        ..PullRequest::default()
    };
    sample::pull_request(&SHOP, &pull_request)
}

fn merged(number: u64, title: &str, base: &str) -> Value {
    pull_request("merged", number, title, base)
}

fn release(notes: &str) -> Value {
    let release = Release {
        action: "published",
        id: 7,
        tag: "v2.1.0",
        name: "2.1.0",
        notes,
        prerelease: false,
        author: "grace",
        at: "2026-11-22T10:00:00Z",
    };
    sample::release(&SHOP, &release)
}

// --- files ---------------------------------------------------------------------------------------------------

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

// --- recorded events -----------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_rules_is_tried_on_what_did_happen() {
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "In Progress")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let mut ids = Vec::new();
    for (number, title, base) in [(1, "SHOP-1", "main"), (2, "SHOP-2", "main"), (3, "SHOP-1", "develop")] {
        let delivery = format!("d-{number}");
        let answer = service.deliver(&hook, "pull_request", &delivery, &merged(number, title, base)).await;
        service.trace(answer.event_id()).await;
        ids.push(answer.event_id().to_owned());
    }
    let asked = jira.journal().len();
    let desk = Desk::new();
    desk.rules("config", crate::support::service::RULES);

    let ended = desk.at(&service, &[&ids[1]]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    insta::assert_snapshot!(ended.out, @r"
      ~ SHOP-2  In Progress → Done   on pull_request.merged built-in
    Plan: 1 to move, 0 unchanged, 0 blocked. Jira was not contacted.
    ");

    let same = desk.at(&service, &["--since", "7d", "--compare"]).await;
    insta::assert_snapshot!(same.out, @r"Plan: 0 to move, 0 unchanged, 0 blocked; 3 as it happened. Jira was not contacted.");

    desk.rules("other", RULES.replace("\"main\", \"release/*\"", "\"develop\"").as_str());
    let arguments = ["--since", "7d", "--compare", "--rules", "other", "--repo", "acme/shop"];
    let other = desk.at(&service, &arguments).await;
    assert_eq!(other.code, 0, "to differ is no failure: {other:?}");
    let mut text = other.out;
    for (number, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("EVENT-{}", number + 1));
    }
    insta::assert_snapshot!(text, @r#"
    acme/shop #1 · pull_request.merged · EVENT-1
      = SHOP-1  PR merged into "main"; rule needs base "develop"   no_rule_matched
          then: ✓ SHOP-1 moved: To Do → In Progress.
    acme/shop #2 · pull_request.merged · EVENT-2
      = SHOP-2  PR merged into "main"; rule needs base "develop"   no_rule_matched
          then: ✓ SHOP-2 moved: In Progress → Done.
    acme/shop #3 · pull_request.merged · EVENT-3
      ~ SHOP-1  To Do (assumed) → In Progress   on pull_request.merged shop.hcl:12
          then: – SHOP-1 did not move: PR merged into "develop"; rule needs base "main", the default branch.
    Plan: 1 to move, 2 unchanged, 0 blocked; 0 as it happened. Jira was not contacted.
    "#);

    let ended = desk.at(&service, &[&arguments[..], &["-o", "json"]].concat()).await;
    let comparison: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&comparison["same"], &comparison["differs"]), (&json!(0), &json!(3)));
    assert_eq!(comparison["events"][0]["planned"]["event_id"], json!(ids[0]), "oldest first");

    let of_one = desk.at(&service, &["--since", "7d", "--ticket", "SHOP-2", "-o", "json"]).await;
    let plans: Value = serde_json::from_str(&of_one.out).unwrap();
    assert_eq!((plans.as_array().unwrap().len(), &plans[0]["planned"]), (1, &json!(true)));

    assert_eq!(jira.journal().len(), asked, "Jira was not contacted");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_moves_in_a_plan_what_it_may_move() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let registration =
        json!({ "provider": "github", "repo_path": "acme/shop", "repo_id": "shop", "projects": ["OPS"] });
    let register = reqwest::Client::new().post(format!("{}/conduit/webhooks/register", service.url));
    let answer = register.bearer_auth(TOKEN).json(&registration).send().await.unwrap();
    let registered: Value = answer.json().await.unwrap();
    let text = |name: &str| registered["data"][name].as_str().unwrap().to_owned();
    let hook = Hook { secret: text("secret"), uri: text("uri") };
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1", "main")).await;
    service.trace(answer.event_id()).await;

    let ended = Desk::new().at(&service, &["--since", "7d", "--compare"]).await;
    assert_eq!(
        ended.out, "Plan: 0 to move, 0 unchanged, 0 blocked; 1 as it happened. Jira was not contacted.\n",
        "{ended:?}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_recorded_is_not_found() {
    let jira = board(&[]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let desk = Desk::new();
    let id = "a".repeat(26);
    let ended = desk.at(&service, &[&id]).await;
    assert_eq!((ended.code, ended.out.as_str()), (4, ""), "{ended:?}");
    service.stop().await;
    let ended = desk.plan(&[&id], &[("CONDUIT_URL", "http://127.0.0.1:1"), ("CONDUIT_TOKEN", TOKEN)]).await;
    assert_eq!(ended.code, 3, "{ended:?}");
}

// --- Jira ----------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jira_is_only_read_and_only_when_asked() {
    let jira = board(&[("SHOP-1", "In Progress"), ("SHOP-2", "Blocked")]).await;
    let desk = Desk::new();
    desk.write("release.json", &release("SHOP-1, SHOP-2, SHOP-99"));
    desk.live(&jira, &["release.json"]).await;
    assert!(jira.journal().is_empty(), "nobody asked: {:?}", jira.journal().lines());

    let ended = desk.live(&jira, &["release.json", "--live"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    insta::assert_snapshot!(ended.out, @r#"
      ~ SHOP-1   In Progress → Done   on release.published "train" shop.hcl:20
          + comment Shipped in 2.1.0 by grace
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
      = SHOP-2   Blocked   no alias names the status "Blocked"; shop.hcl knows to_do = "To Do", in_progress = "In Progress", done = "Done"   unknown_status
          - comment left out: it goes with the last step only
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
      ! SHOP-99  SHOP-99 does not exist, or its security level hides it; the account does see SHOP   issue_not_found
    Plan: 1 to move, 1 unchanged, 1 blocked. Jira was read, and nothing was written.
    "#);
    assert!(jira.journal().writes().is_empty(), "{:?}", jira.journal().lines());
    assert_eq!(jira.journal().requests_for("SHOP-1").len(), 2, "the ticket and its transitions");
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Progress"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_type_of_a_ticket_is_known_to_jira_alone() {
    let jira = board(&[("SHOP-3", "To Do")]).await;
    let desk = Desk::new();
    desk.write("pull_request.json", &pull_request("opened", 3, "SHOP-3", "main"));
    let without = desk.prints(&["pull_request.json"]).await;
    insta::assert_snapshot!(without, @r#"
      ! SHOP-3  To Do (assumed)   uncertain: PR opened; rule needs types "Bug"; the rules look at more of the ticket than its status: --live asks Jira
    Plan: 0 to move, 0 unchanged, 1 blocked. Jira was not contacted.
    "#);
    let with = desk.live(&jira, &["pull_request.json", "--live", "--expect", "SHOP-3=none"]).await;
    assert_eq!(with.code, 0, "{with:?}");
    insta::assert_snapshot!(with.out, @r#"
      = SHOP-3  To Do   PR opened; rule needs types "Bug"   no_rule_matched
    Plan: 0 to move, 1 unchanged, 0 blocked. Jira was read, and nothing was written.
    "#);
}

#[tokio::test]
async fn a_jira_that_cannot_be_reached_is_said_so() {
    let desk = Desk::new();
    desk.write("release.json", &release("SHOP-1"));
    let nowhere = [("JIRA", "http://127.0.0.1:1"), ("EMAIL", EMAIL), ("KEY", API_KEY)];
    let ended = desk.plan(&["release.json", "--live"], &nowhere).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.out.contains("1 blocked"), "{}", ended.out);
    let unset = desk.plan(&["release.json", "--live"], &[]).await;
    assert_eq!((unset.code, unset.out.as_str()), (2, ""), "{unset:?}");
}

/// Nothing of `plan` names a call that writes.
#[test]
fn plan_has_no_way_to_write() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/plan");
    for file in std::fs::read_dir(folder).unwrap() {
        let code = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for word in ["JiraClient", "Backends", "dyn Processor", ".take(", "Method::"] {
            assert!(!code.contains(word), "{word}");
        }
    }
}
