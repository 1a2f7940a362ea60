//! `--help`, of every command.

use std::path::Path;

use regex::Regex;

use super::run::Conduit;

/// Every secret that the program takes, with a value that must not be seen again.
const SECRETS: [&str; 6] = [
    "CONDUIT_ADMIN_TOKEN",
    "CONDUIT_SECRET_KEY",
    "CONDUIT_TOKEN",
    "ATLASSIAN_API_KEY",
    "ATLASSIAN_TOKEN",
    "GITHUB_TOKEN",
];
const SECRET: &str = "hunter2-hunter2-hunter2";

async fn help(command: &[&str]) -> String {
    let mut run = Conduit::new(&[command, &["--help"]].concat())
        .env("REDIS_URL", &format!("redis://:{SECRET}@redis.example"))
        .env("CONDUIT_STORE", &format!("rediss://:{SECRET}@redis.example"));
    for name in SECRETS {
        run = run.env(name, SECRET);
    }
    let text = run.prints().await;
    assert!(!text.contains(SECRET), "conduit {} --help shows a secret:\n{text}", command.join(" "));
    text
}

/// The lines of a section of a help text: `Commands:`, `Options:`.
fn section<'h>(text: &'h str, name: &str) -> Vec<&'h str> {
    let lines = text.lines().skip_while(|line| *line != name).skip(1);
    lines.take_while(|line| line.starts_with(' ')).collect()
}

#[tokio::test]
async fn every_command_and_every_flag_has_its_words() {
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(command) = waiting.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let text = help(&words).await;
        let name = words.join(" ");
        let about = text.lines().next().unwrap_or_default();
        assert!(about.len() > 5 && !about.starts_with("Usage"), "conduit {name} says nothing:\n{text}");
        for line in section(&text, "Commands:") {
            let (child, words) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            assert!(!words.trim().is_empty(), "conduit {name} {child} has no words");
            if child != "help" {
                waiting.push([command.clone(), vec![child.to_owned()]].concat());
            }
        }
        documented_flags(&name, &section(&text, "Options:"));
        seen += 1;
    }
    assert!(seen > 15, "the test finds the commands: {seen}");
}

/// Each flag has text beside it, or on the line below, further in.
fn documented_flags(command: &str, lines: &[&str]) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with('-')) {
        let beside = line.trim().split_once("  ").is_some_and(|(_, words)| !words.trim().is_empty());
        let below = lines
            .get(index + 1)
            .is_some_and(|next| indent(next) > indent(line) && !next.trim().starts_with(['-', '[']));
        assert!(beside || below, "conduit {command}: no words for {}", line.trim());
    }
}

#[tokio::test]
async fn serve_is_the_reference_of_every_setting() {
    let text = help(&["serve"]).await;
    let variable = Regex::new(r#"env = "([A-Z_]+)""#).unwrap();
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/settings")).unwrap();
    let source: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let read: Vec<&str> = variable.captures_iter(&source).map(|found| found.extract::<1>().1[0]).collect();
    assert!(read.len() > 30, "the test finds the settings: {read:?}");
    let promised = [
        "CONDUIT_LISTEN",
        "CONDUIT_MANAGEMENT_LISTEN",
        "REDIS_URL",
        "CONDUIT_STORE",
        "CONDUIT_CONFIG",
        "ATLASSIAN_DOMAIN_URL",
        "ATLASSIAN_EMAIL",
        "ATLASSIAN_API_KEY",
        "ATLASSIAN_TOKEN",
        "CONDUIT_ADMIN_TOKEN",
        "CONDUIT_SECRET_KEY",
        "CONDUIT_SECRET_KEY_FILE",
        "CONDUIT_PUBLIC_URL",
        "CONDUIT_WORKERS",
        "CONDUIT_LEASE",
        "CONDUIT_KEEP_PAYLOADS",
        "CONDUIT_MAX_EVENT_AGE",
        "CONDUIT_RETENTION",
        "CONDUIT_LOG",
        "CONDUIT_LOG_FORMAT",
    ];
    for name in promised.iter().copied().chain(read) {
        assert!(text.contains(&format!("[env: {name}")), "serve --help does not name {name}");
    }
}

#[tokio::test]
async fn a_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Conduit::new(&["completion", shell]).prints().await;
        assert!(script.contains("conduit") && script.contains("replay"), "{shell}:\n{script}");
    }
}
