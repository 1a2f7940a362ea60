//! Rules are put in force while the process runs: the real binary, real files, a real SIGHUP.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::trace::{Reason, Trace};
use jira_sim::JiraSim;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::processes::Process;
use crate::support::payloads::{merged, merged_from};
use crate::support::service::{
    Hook, On, RULES, board, deliver, finished_trace, register, settings, write_config,
};

/// A `conduit serve` on a folder of its own, ended when it goes out of scope.
struct Running {
    process: Process,
    folder: TempDir,
}

impl Running {
    async fn start(jira: &JiraSim) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), RULES);
        Self::start_in(folder, jira).await
    }

    async fn start_in(folder: TempDir, jira: &JiraSim) -> Self {
        let store = format!("sqlite:{}", folder.path().join("conduit.db").display());
        let process = Process::begin(&["serve"], folder.path(), jira, |command| {
            command.env("CONDUIT_STORE", store).env("CONDUIT_LOG", "off");
        });
        let running = Self { process, folder };
        running.until("it is ready", |health| health["ready"] == true).await;
        running
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn write_rules(&self, text: &str) {
        self.write("statemachines/jira.hcl", text);
    }

    /// The details of `/readyz`; nothing while nobody answers.
    async fn health(&self) -> Option<Value> {
        let answer = Client::new().get(format!("{}/readyz", self.process.management)).send().await.ok()?;
        Some(answer.json::<Value>().await.unwrap()["data"].take())
    }

    async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                if let Some(health) = self.health().await.filter(|health| holds(health)) {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), wait).await.unwrap_or_else(|_| panic!("waited: {what}"))
    }

    async fn until_other_rules(&self, than: &Value) -> Value {
        self.until("other rules are in force", |health| health["rules"] != than["rules"]).await
    }

    async fn metrics(&self) -> String {
        let answer = Client::new().get(format!("{}/metrics", self.process.management)).send().await.unwrap();
        answer.text().await.unwrap()
    }

    async fn trace(&self, hook: &Hook, id: &str, payload: &Value) -> Trace {
        let answer = deliver(&self.process.url, hook, "pull_request", id, payload).await;
        finished_trace(&Client::new(), &self.process.url, answer.event_id()).await
    }
}

/// As [`RULES`], for merges into `develop`.
fn rules_for_develop() -> String {
    let rule = "on \"pull_request.merged\" {\n base = \"develop\"\n fire = \"next\"\n }\n  }\n}";
    RULES.trim_end().strip_suffix("  }\n}").unwrap().to_owned() + rule
}

const WORKERS: &str = "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_better_file_decides_without_a_restart_and_a_bad_one_changes_nothing() {
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await;
    let conduit = Running::start(&jira).await;
    let hook = register(&conduit.process.url, "acme/shop").await;
    let trace = conduit.trace(&hook, "d-1", &merged_from(1, "SHOP-1", "x", "develop")).await;
    assert_eq!(trace.reason, Reason::NoRuleMatched);
    let first = conduit.health().await.unwrap();
    assert_eq!(first["rules_reload_failed"], Value::Null);
    assert!(conduit.metrics().await.contains("conduit_rules_reload_failed 0"));

    conduit.write_rules(&rules_for_develop());
    let second = conduit.until_other_rules(&first).await;
    let trace = conduit.trace(&hook, "d-2", &merged_from(2, "SHOP-1", "x", "develop")).await;
    assert_eq!((trace.reason, jira.status("SHOP-1").as_deref()), (Reason::Moved, Some("In Progress")));
    assert_eq!(trace.tickets[0].rules.as_deref(), second["rules"].as_str());

    conduit.write_rules(&rules_for_develop().replace("fire = \"next\"", "fire = \"nxt\""));
    let bad = conduit.until("the findings are told", |health| !health["rules_reload_failed"].is_null()).await;
    let findings = bad["rules_reload_failed"].as_str().unwrap();
    assert!(findings.contains("E011") && findings.contains("jira.hcl:14:"), "{findings}");
    assert_eq!((&bad["ready"], &bad["rules"]), (&Value::Bool(true), &second["rules"]));
    assert!(conduit.metrics().await.contains("conduit_rules_reload_failed 1"));
    let trace = conduit.trace(&hook, "d-3", &merged_from(3, "SHOP-2", "x", "develop")).await;
    assert_eq!(trace.reason, Reason::Moved, "the old rules still decide");

    conduit.write_rules(RULES);
    let mended = conduit.until("it is mended", |health| health["rules_reload_failed"].is_null()).await;
    assert_eq!(mended["rules"], first["rules"]);
    assert!(conduit.metrics().await.contains("conduit_rules_reload_failed 0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_comes_with_its_machine_and_another_site_with_a_restart() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let conduit = Running::start(&jira).await;
    let hook = register(&conduit.process.url, "acme/shop").await;
    let trace = conduit.trace(&hook, "d-1", &merged(1, "WEB-1")).await;
    assert_eq!(trace.reason, Reason::NoKeys);
    let first = conduit.health().await.unwrap();

    conduit.write("statemachines/web.hcl", &RULES.replace("shop", "web"));
    conduit.write("workers.yaml", &WORKERS.replace("jira.hcl", "'*.hcl'").replace("[shop]", "[shop, web]"));
    let second = conduit.until_other_rules(&first).await;
    let trace = conduit.trace(&hook, "d-2", &merged(2, "WEB-1")).await;
    assert_eq!(trace.reason, Reason::IssueNotFound, "Jira was asked for it");

    let elsewhere = "    site: { url: http://127.0.0.1:9, token: hush }\n";
    conduit.write("workers.yaml", &format!("{WORKERS}{elsewhere}"));
    let refused = conduit.until("it is refused", |health| !health["rules_reload_failed"].is_null()).await;
    assert!(refused["rules_reload_failed"].as_str().unwrap().contains("restart"), "{refused}");
    assert_eq!(refused["rules"], second["rules"], "nothing of the set is taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reads_what_nobody_could_notice() {
    let jira = board(&[]).await;
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_config(folder.path(), RULES);
    let (here, there) = (folder.path().join("statemachines/jira.hcl"), elsewhere.path().join("jira.hcl"));
    fs::rename(&here, &there).unwrap();
    link(&there, &here);
    let conduit = Running::start_in(folder, &jira).await;
    let first = conduit.health().await.unwrap();

    fs::write(&there, rules_for_develop()).unwrap();
    let asked =
        Command::new("kill").args(["-HUP", &conduit.process.child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    conduit.until_other_rules(&first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_ask_github_do_not_start_without_a_token() {
    let jira = board(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let rules = rules_for_develop().replace("base = \"develop\"", "paths = \"web/**\"");
    write_config(folder.path(), &rules);
    let mut settings = settings(folder.path(), &On::Sqlite, &jira);
    let refused = Service::start(settings.clone(), Clock::system()).await.err().unwrap();
    let why = format!("{refused:#}");
    assert!(why.contains("error[E017]") && why.contains("GITHUB_TOKEN"), "{why}");

    settings.work = None;
    let web_alone = Service::start(settings, Clock::system()).await.unwrap();
    web_alone.stop().await;
}

fn link(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}
