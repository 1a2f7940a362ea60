//! `conduit plan`: what a delivery would do, and that asking does nothing.

mod files;
mod live;
mod recorded;

use std::path::Path;

use conduit::forge::sample::{self, PullRequest, Release};
use jira_sim::JiraSim;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::payloads::{SHOP, merged_from};
use crate::support::service::{API_KEY, EMAIL, TOKEN, TestService};

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
    let pull_request = PullRequest {
        action,
        number,
        title,
        head: "topic",
        base,
        author: "ada",
        at: "2026-11-22T10:00:00Z",
        ..PullRequest::default()
    };
    sample::pull_request(&SHOP, &pull_request)
}

fn merged(number: u64, title: &str, base: &str) -> Value {
    merged_from(number, title, "topic", base)
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
