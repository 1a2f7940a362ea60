//! The stories are true: each wrong text shows its code, and each right one shows nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::files::workers;
use crate::machine::{SourceFile, check_workers, explain, load, nearest_code, render, stories};

/// A story's text is what matters of a file; this makes it whole by the word it begins with.
fn whole(text: &str) -> String {
    const MAPPER: &str =
        "aliasmapper \"shop\" {\n aliases = { to_do: \"To Do\", doing: \"In Progress\", done: \"Done\" }\n}";
    const INITIAL: &str = "initial = \"to_do\"";
    const STATES: &str = "state \"to_do\" \"next\" { transition = \"doing\" }\n\
                          state \"doing\" \"next\" { transition = \"done\" }\n\
                          state \"done\" \"next\" { transition = \"<end>\" }";
    const HOUSE: &str = "rules \"house\" {\n on \"pull_request.approved\" { fire = \"next\" }\n}";
    let shop = |sets: &str, mapper: &str, machine: [&str; 3]| {
        let machine = machine.join("\n");
        format!("{sets}\nprovisioner \"shop\" {{\n{mapper}\nstatemachine \"shop\" {{\n{machine}\n}}\n}}\n")
    };
    match text.split([' ', '\n']).next().unwrap() {
        "provisioner" => format!("{text}\n"),
        "aliasmapper" => shop("", text, [INITIAL, STATES, ""]),
        "initial" => shop("", MAPPER, [text, STATES, ""]),
        "state" => shop("", MAPPER, [INITIAL, text, ""]),
        "rules" if text.contains("house") => shop(text, MAPPER, [INITIAL, STATES, "use = [\"house\"]"]),
        "rules" => shop(text, MAPPER, [INITIAL, STATES, ""]),
        "on" | "use" => shop(HOUSE, MAPPER, [INITIAL, STATES, text]),
        other => panic!("no frame for a text that begins with {other}"),
    }
}

/// The codes of a story's text, and how the findings look.
fn findings(text: &str) -> (Vec<&'static str>, String) {
    if text.starts_with("workers:") {
        let shop = whole("initial = \"to_do\"");
        let files =
            [SourceFile { name: "jira.hcl".into(), text: format!("{shop}{}", shop.replace("shop", "pay")) }];
        let yaml = SourceFile { name: "workers.yaml".into(), text: text.into() };
        let found = check_workers(&workers(&yaml), &load(&files).outline);
        let codes = found.iter().map(|finding| finding.code).collect();
        return (codes, render(&found, &[yaml], false));
    }
    let files = [SourceFile { name: "jira.hcl".into(), text: whole(text) }];
    let found = load(&files).diagnostics;
    (found.iter().map(|finding| finding.code).collect(), render(&found, &files, false))
}

#[test]
fn a_wrong_text_shows_its_code_and_the_right_one_shows_nothing() {
    // What only the live Jira tells is told by its own tests, against a board.
    for story in stories().filter(|story| !story.code.starts_with('D')) {
        let (codes, drawn) = findings(story.wrong);
        assert!(codes.contains(&story.code), "{} is not in:\n{drawn}", story.code);
        let (_, drawn) = findings(story.right);
        assert_eq!(drawn, "", "the right text of {}", story.code);
    }
}

#[test]
fn every_code_that_can_be_found_has_its_story_and_no_other_has() {
    let mut codes = BTreeSet::new();
    for room in ["src/machine", "src/cli/doctor"] {
        codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut codes);
    }
    let mut told: Vec<&str> = stories().map(|story| story.code).collect();
    told.sort_unstable();
    assert_eq!(told, codes.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Every `"E004"` of the room's code, stories and tests left out.
fn codes_in(folder: &Path, codes: &mut BTreeSet<String>) {
    let code = regex::Regex::new(r#""([DEW][0-9]{3})""#).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("explain") {
                codes_in(&path, codes);
            }
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        codes.extend(code.captures_iter(&text).map(|found| found[1].to_owned()));
    }
}

#[test]
fn a_code_is_found_in_any_case_and_a_slip_leads_to_the_nearest() {
    assert_eq!(explain("e004").unwrap().code, "E004");
    assert_eq!(explain("E006"), None);
    assert_eq!(nearest_code("E04"), Some("E004"));
    assert_eq!(nearest_code("w11"), Some("W101"));
    assert_eq!(nearest_code("moved"), None);
}
