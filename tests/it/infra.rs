//! The files in `infra/`, the compose file and the image name only what the program has.
//!
//! Checkers of those formats (`infra/check`) cannot know Conduit's settings, commands and metrics; this does.

mod expressions;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use conduit::telemetry::MetricName;
use conduit::trace::{Outcome, Reason};
use regex::Regex;

/// Suffixes of a histogram's series.
const SERIES: [&str; 3] = ["_bucket", "_sum", "_count"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Path and text of each file that runs Conduit somewhere.
fn infrastructure() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for name in ["Dockerfile", "compose.yaml", "conduit.env.example"] {
        files.push((root().join(name), read(name)));
    }
    collect(&root().join("infra"), &mut files);
    assert!(files.len() > 30, "the test finds the files: {}", files.len());
    files
}

/// Every text below `folder`, but for what tools put there (`.terraform`).
fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
}

/// The variables that some flag of the program reads.
fn settings() -> BTreeSet<String> {
    let variable = Regex::new(r#"env = "([A-Z_]+)""#).unwrap();
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    let found = files.iter().flat_map(|(_, text)| variable.captures_iter(text));
    // The command line's own token is no flag, so that nobody else sees it; nor is what opens the collector.
    let apart = ["CONDUIT_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"].map(str::to_owned);
    found.map(|found| found[1].to_owned()).chain(apart).collect()
}

#[test]
fn every_setting_they_name_exists() {
    let known = settings();
    assert!(known.contains("CONDUIT_LISTEN") && known.contains("REDIS_URL"), "{known:?}");
    let name = Regex::new(r"(?:CONDUIT|ATLASSIAN|GITHUB|REDIS|OTEL)_[A-Z][A-Z_]*[A-Z]").unwrap();
    let mut seen = BTreeSet::new();
    for (path, text) in infrastructure() {
        for found in name.find_iter(&text) {
            assert!(known.contains(found.as_str()), "{}: no setting {}", path.display(), found.as_str());
            seen.insert(found.as_str().to_owned());
        }
    }
    assert!(seen.len() > 12, "the test finds the settings: {seen:?}");
}

/// The words behind `conduit` of each command that a file starts it with.
fn commands(text: &str) -> Vec<Vec<String>> {
    // A unit's ExecStart; a list in YAML, HCL or JSON that begins with the name of a command.
    let unit = Regex::new(r"(?m)^ExecStart=/usr/local/bin/conduit (.+)$").unwrap();
    let list =
        Regex::new(r#"\[((?:"CMD", "/conduit", )?"?(?:serve|worker|healthcheck)(?:[",][^\]]*)?)\]"#).unwrap();
    let words = |line: &str| {
        let bare = line.replace(['"', ','], " ").replace("CMD", "").replace("/conduit ", "");
        bare.split_whitespace().map(str::to_owned).collect()
    };
    unit.captures_iter(text).chain(list.captures_iter(text)).map(|found| words(&found[1])).collect()
}

#[test]
fn every_command_they_run_exists() {
    let mut run = BTreeSet::new();
    for (path, text) in infrastructure() {
        for words in commands(&text) {
            // With --help an unknown command, flag or argument is still refused.
            let help =
                Command::new(env!("CARGO_BIN_EXE_conduit")).args(&words).arg("--help").output().unwrap();
            assert!(help.status.success(), "{}: conduit {}", path.display(), words.join(" "));
            run.insert(words.join(" "));
        }
    }
    for expected in ["serve", "serve --no-workers", "worker", "healthcheck"] {
        assert!(run.contains(expected), "the test finds the commands: {run:?}");
    }
}

#[test]
fn every_metric_they_read_is_measured() {
    let known: BTreeSet<&str> = MetricName::ALL.iter().map(|name| name.as_str()).collect();
    let name = Regex::new(r"conduit_[a-z_]*[a-z]").unwrap();
    let mut seen = BTreeSet::new();
    for (path, text) in infrastructure() {
        for found in name.find_iter(&text).map(|found| found.as_str()) {
            let base = SERIES.iter().find_map(|suffix| found.strip_suffix(suffix));
            let metric = base.filter(|base| known.contains(base)).unwrap_or(found);
            assert!(known.contains(metric), "{}: no metric {found}", path.display());
            seen.insert(metric.to_owned());
        }
    }
    assert!(seen.len() > 8, "the test finds the metrics: {seen:?}");
}

#[test]
fn every_value_of_a_label_they_ask_for_is_given() {
    let queue = read("src/http/routes/metrics.rs");
    let results = read("src/telemetry/metrics.rs");
    let is_given = |label: &str, value: &str| match label {
        "outcome" => Outcome::ALL.iter().any(|outcome| outcome.as_str() == value),
        "reason" => Reason::ALL.iter().any(|reason| reason.as_str() == value),
        "state" => queue.contains(&format!("(\"{value}\", {value})")),
        _ => results.contains(&format!("=> \"{value}\",")),
    };
    let asked = Regex::new(r#"(state|result|outcome|reason)\s?=~?\s?\\?"([a-z_|]+)\\?""#).unwrap();
    let mut count = 0;
    for (path, text) in infrastructure() {
        for found in asked.captures_iter(&text) {
            for value in found[2].split('|') {
                count += 1;
                assert!(is_given(&found[1], value), "{}: no {}=\"{value}\"", path.display(), &found[1]);
            }
        }
    }
    assert!(count > 10, "the test finds the labels: {count}");
}

#[test]
fn every_alert_is_tested_and_says_what_to_do() {
    let name = Regex::new(r"(?m)^      - alert: (\w+)$").unwrap();
    let rules = read("infra/prometheus/alerts.yml");
    let alerts: BTreeSet<&str> = name.captures_iter(&rules).map(|found| found.extract::<1>().1[0]).collect();
    assert!(alerts.len() > 10, "the test finds the alerts: {alerts:?}");

    let heading = Regex::new(r"(?m)^### (Conduit\w+)$").unwrap();
    let book = read("docs/operating.md");
    let explained: BTreeSet<&str> =
        heading.captures_iter(&book).map(|found| found.extract::<1>().1[0]).collect();
    assert_eq!(alerts, explained, "the alerts, and the sections of docs/operating.md");

    let tests = read("infra/prometheus/alerts_test.yml");
    for alert in alerts {
        let link = format!("runbook_url: docs/operating.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&link), "{alert} lacks {link}");
        let cases: Vec<&str> = tests.split(&format!("alertname: {alert}\n")).skip(1).collect();
        assert!(
            cases.iter().any(|case| case.trim_start().starts_with("exp_alerts:\n")),
            "{alert} never fires"
        );
        assert!(
            cases.iter().any(|case| case.trim_start().starts_with("exp_alerts: []")),
            "{alert} is never quiet"
        );
    }
}

#[test]
fn the_sample_of_the_settings_holds_no_secret() {
    let secrets = [
        "CONDUIT_ADMIN_TOKEN",
        "CONDUIT_SECRET_KEY",
        "ATLASSIAN_API_KEY",
        "ATLASSIAN_TOKEN",
        "GITHUB_TOKEN",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ];
    let sample = read("conduit.env.example");
    for secret in secrets {
        let line = Regex::new(&format!("(?m)^(?:# )?{secret}=(.*)$")).unwrap();
        let value = line.captures(&sample).map(|found| found[1].to_owned());
        assert_eq!(value.as_deref(), Some(""), "{secret} stands there without a value");
    }
}
