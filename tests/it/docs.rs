//! The documentation says what the code does: its examples load, its tables are whole.

use std::collections::BTreeSet;
use std::path::Path;

use conduit::app::sites;
use conduit::clock::Clock;
use conduit::event::Trigger;
use conduit::http::{RIGHTS, Reach, Right};
use conduit::machine::{SourceFile, load, render};
use conduit::secrets::token::Role;
use conduit::settings::{SiteConfig, WorkersFile};
use conduit::trace::{Outcome, Reason};
use regex::Regex;
use reqwest::StatusCode;

/// The board around an example that is only a piece of one.
const BOARD: &str = r#"
provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", in_review: "In Review", done: "Done" }
  }
  statemachine "shop" {
    initial = "to_do"
    state "to_do" "start"      { transition = "in_progress" }
    state "in_progress" "next" { transition = "in_review" }
    state "in_progress" "prev" { transition = "to_do" }
    state "in_review" "next"   { transition = "done" }
    state "in_review" "prev"   { transition = "in_progress" }
    state "done" "next"        { transition = "<end>" }
    // HERE
  }
}
"#;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A fenced block: what stands behind its language, its text, and the line it begins on.
struct Example {
    language: String,
    mark: String,
    text: String,
    line: usize,
}

fn examples(document: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut inside = false;
    for (number, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(info), false) => {
                let (language, mark) = info.split_once(' ').unwrap_or((info, ""));
                found.push(Example {
                    language: language.to_owned(),
                    mark: mark.to_owned(),
                    text: String::new(),
                    line: number + 1,
                });
                inside = true;
            }
            (Some(_), true) => inside = false,
            (None, true) => {
                let example = found.last_mut().unwrap();
                example.text.push_str(line);
                example.text.push('\n');
            }
            (None, false) => {}
        }
    }
    found
}

/// The codes of an example's findings, and how they are drawn.
fn findings(text: &str) -> (Vec<&'static str>, String) {
    let files = [SourceFile { name: "jira.hcl".into(), text: text.into() }];
    let found = load(&files).diagnostics;
    let codes = found.iter().map(|finding| finding.code).collect();
    (codes, render(&found, &files, false))
}

#[test]
fn every_rule_in_the_documentation_loads() {
    let mut count = 0;
    for path in ["docs/rules.md", "README.md"] {
        let document = read(path);
        let examples = examples(&document);
        for (index, example) in examples.iter().enumerate().filter(|(_, example)| example.language == "hcl") {
            count += 1;
            let place = format!("{path}:{}", example.line);
            match example.mark.split_once('=') {
                None => {
                    let (codes, drawn) = findings(&example.text);
                    assert!(example.mark.is_empty() && codes.is_empty(), "{place}\n{drawn}");
                }
                Some(("fragment", "statemachine")) => {
                    let (codes, drawn) = findings(&BOARD.replace("// HERE", &example.text));
                    // An event that a short example does not fire is no fault of it.
                    assert!(codes.iter().all(|code| *code == "W104"), "{place}\n{drawn}");
                }
                Some(("error", code)) => {
                    let (codes, drawn) = findings(&example.text);
                    assert_eq!(codes, [code], "{place}\n{drawn}");
                    let shown = examples.get(index + 1).filter(|next| next.language == "text");
                    assert_eq!(shown.map(|next| next.text.as_str()), Some(drawn.as_str()), "{place}");
                }
                Some(_) => panic!("{place}: unknown mark `{}`", example.mark),
            }
        }
    }
    assert!(count > 8, "the test finds the examples: {count}");
}

#[test]
fn the_tables_of_rules_leave_nothing_out() {
    let document = read("docs/rules.md");
    for trigger in Trigger::ALL {
        let full = format!("`{trigger}`");
        let after = trigger.as_str().split_once('.').map(|(_, after)| format!("`.{after}`"));
        let row = document.lines().any(|line| {
            let family = line.starts_with(&format!("| `{}", trigger.family()));
            family && (line.contains(&full) || after.as_ref().is_some_and(|after| line.contains(after)))
        });
        assert!(row, "no row of a table names the trigger {trigger}");
    }
    for reason in Reason::ALL.iter().filter(|reason| **reason != Reason::Moved) {
        assert!(document.contains(&format!("`{reason}`")), "the reason {reason} is not explained");
    }
    for code in codes_in_the_source() {
        assert!(document.contains(&format!("| {code} |")), "the code {code} is in no table");
    }
}

#[test]
fn what_jira_can_answer_is_explained_with_a_way_to_mend_it() {
    let document = read("docs/jira.md");
    // These are no matter of Jira's.
    let apart = [Reason::Queued, Reason::Working, Reason::NotNormalisable];
    let wait_or_fail = |reason: &&Reason| {
        matches!(reason.outcome(), Outcome::Waiting | Outcome::Failed) && !apart.contains(reason)
    };
    for reason in Reason::ALL.iter().filter(wait_or_fail) {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{reason}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/jira.md has no row for {reason}"));
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
    }
    for story in conduit::machine::stories().filter(|story| story.code.starts_with('D')) {
        assert!(document.contains(&format!("| {} |", story.code)), "docs/jira.md lacks {}", story.code);
    }
}

#[test]
fn every_login_in_the_documentation_is_whole() {
    let document = read("docs/jira.md");
    let mut count = 0;
    for example in examples(&document).iter().filter(|example| example.language == "yaml") {
        count += 1;
        // Variables are the reader's; here, any word will do for them.
        let text = example.text.replace("env://", "the-value-of-");
        let text = text.replace("proxy: ", "proxy: http://");
        let file =
            WorkersFile::parse(&text).unwrap_or_else(|why| panic!("docs/jira.md:{}: {why}", example.line));
        for (name, entry) in &file.workers {
            let site = entry.site(name, &SiteConfig::default()).unwrap();
            let whole = site.address().and(site.login().map(drop));
            whole.unwrap_or_else(|why| panic!("docs/jira.md:{}: {why}", example.line));
            let certificates = SiteConfig { ca_file: None, ..site };
            sites::client(name, &certificates, &Clock::system()).unwrap();
        }
    }
    assert!(count > 5, "the test finds the examples: {count}");
}

/// Every code that the checker can give.
fn codes_in_the_source() -> BTreeSet<String> {
    let code = Regex::new(r#""([EW]\d{3})""#).unwrap();
    let mut codes = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/machine")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                // Tests also name codes that do not exist.
                folders.extend((!path.ends_with("tests")).then_some(path));
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                codes.extend(code.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }
    assert!(codes.len() > 20, "the test finds the codes: {codes:?}");
    codes
}

/// `METHOD /path` of every route, from the description that is made of them.
fn routes() -> BTreeSet<String> {
    let document = conduit::http::description();
    let paths = document["paths"].as_object().unwrap();
    // What is served with and without the prefix is documented with it.
    let own = paths.iter().filter(|(path, _)| !paths.contains_key(&format!("/conduit{path}")));
    own.flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    })
    .collect()
}

#[test]
fn the_routes_that_are_served_are_the_routes_that_are_documented() {
    let heading = Regex::new(r"(?m)^### `([A-Z]+ /\S+)`").unwrap();
    let document = read("docs/http.md");
    let documented: BTreeSet<_> = heading.captures_iter(&document).map(|found| found[1].to_owned()).collect();
    let served = routes();
    assert!(served.len() > 15, "the test finds the routes: {served:?}");
    assert_eq!(documented, served);
}

#[test]
fn what_is_documented_of_rights_is_the_table() {
    let document = read("docs/http.md");
    for Right { method, path, role, reach, .. } in RIGHTS {
        let section = document.split("\n### ").find(|part| part.starts_with(&format!("`{method} {path}`")));
        let section = section.unwrap_or_else(|| panic!("docs/http.md lacks {method} {path}"));
        let who = section.lines().find(|line| line.starts_with("*Who: ")).unwrap_or_default();
        assert!(who.contains(role.as_str()), "{method} {path} needs the role {role}: {who}");
        if *role != Role::Admin && path.starts_with("/conduit/") {
            let all = who.contains("for all repositories");
            assert_eq!(all, *reach == Reach::Everything, "{method} {path}: {who}");
        }
    }
    let guarded = document.matches("*Who: viewer").count()
        + document.matches("*Who: operator").count()
        + document.matches("*Who: admin").count();
    // `/metrics` and `/readyz` begin with "anyone".
    assert_eq!(guarded + 2, RIGHTS.len(), "a route asks for a role that is not in the table");
}

#[test]
fn every_error_code_is_documented_with_its_status() {
    let row = Regex::new(r"=> \((\d+), StatusCode::([A-Z_]+)\)").unwrap();
    let source = read("src/http/error.rs");
    let document = read("docs/http.md");
    let described = conduit::http::description().to_string();
    let rows: Vec<_> = row.captures_iter(&source).collect();
    assert!(rows.len() > 10, "the test finds the table");
    for found in rows {
        let status = status(&found[2]);
        let wanted = format!("| {} | {status} |", &found[1]);
        assert!(document.contains(&wanted), "docs/http.md lacks the row {wanted}");
        // Which methods a path does not take is no operation's answer.
        let code = format!("\"code_{}\"", &found[1]);
        assert!(
            described.contains(&code) || &found[1] == "213",
            "no route is described to answer {}",
            &found[1]
        );
    }
}

/// The number of a status that the source names: `NOT_FOUND` is 404.
fn status(name: &str) -> u16 {
    let named = |code: &StatusCode| {
        code.canonical_reason().is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == name)
    };
    let found = (100..600).filter_map(|code| StatusCode::from_u16(code).ok()).find(named);
    found.unwrap_or_else(|| panic!("no status is called {name}")).as_u16()
}

#[test]
fn what_the_promises_rest_on_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests/it", "xtask/src"];
    let sources: String = folders.iter().map(|folder| text_of(&root.join(folder))).collect();
    let named = Regex::new(r"`([a-z_0-9/]+\.rs|[a-z_0-9]+\(\))`").unwrap();
    for path in ["docs/reliability.md", "SECURITY.md"] {
        let document = read(path);
        let missing: Vec<_> = named
            .captures_iter(&document)
            .map(|found| found[1].to_owned())
            .filter(|name| match name.strip_suffix("()") {
                Some(test) => !sources.contains(&format!("fn {test}(")),
                None => !root.join(name).is_file(),
            })
            .collect();
        assert!(named.is_match(&document) && missing.is_empty(), "{path} names {missing:?}");
    }
}

/// Every Rust file below a folder, one after the other.
fn text_of(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => text_of(&path),
        Some(extension) if extension == "rs" => std::fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}
