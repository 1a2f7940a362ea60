//! `conduit fmt`.

use std::fs;

use serde_json::Value;

use super::folder::{conduit, conduit_with, folder, package, sound};

const UGLY: &str = "rules \"house\" {\n\non \"push\" { move_to=\"done\" } # often\n\n\n  }";
const NEAT: &str = "rules \"house\" {\n\n  on \"push\" { move_to = \"done\" } # often\n\n}\n";
const BROKEN: &str = "rules \"house\" {\n  on \"push\"\n}\n";

#[test]
fn files_are_written_anew_and_named_and_then_nothing_is_left_to_do() {
    let files =
        folder(&[("config/statemachines/a.hcl", UGLY), ("config/statemachines/b.hcl", &sound("shop"))]);
    let ran = conduit(files.path(), &["fmt"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "config/statemachines/a.hcl\n");
    assert_eq!(fs::read_to_string(files.path().join("config/statemachines/a.hcl")).unwrap(), NEAT);
    let again = conduit(files.path(), &["fmt", "--check"]);
    assert_eq!((again.code, again.out.as_str()), (0, ""));
}

#[test]
fn check_lists_what_differs_and_diff_shows_it_and_neither_writes() {
    let files = folder(&[("a.hcl", UGLY), ("b.hcl", NEAT)]);
    let check = conduit(files.path(), &["fmt", "--check", "."]);
    assert_eq!((check.code, check.out.as_str()), (1, "a.hcl\n"));
    let diff = conduit(files.path(), &["fmt", "--diff", "a.hcl", "b.hcl"]);
    assert_eq!(diff.code, 1);
    insta::assert_snapshot!(diff.out);
    let json = conduit(files.path(), &["fmt", "--check", "-o", "json", "."]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["files"][0], serde_json::json!({ "file": "a.hcl", "state": "changed" }));
    assert_eq!(json["files"][1]["state"], "unchanged");
    assert_eq!(fs::read_to_string(files.path().join("a.hcl")).unwrap(), UGLY);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let ran = conduit_with(&package(), &["fmt", "-"], UGLY);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, NEAT, ""));
    let check = conduit_with(&package(), &["fmt", "--check", "-"], UGLY);
    assert_eq!((check.code, check.out.as_str()), (1, ""));
    let both = conduit_with(&package(), &["fmt", "-", "a.hcl"], UGLY);
    assert_eq!(both.code, 2);
}

#[test]
fn what_cannot_be_parsed_is_refused_and_the_others_are_laid_out() {
    let files = folder(&[("a.hcl", BROKEN), ("b.hcl", UGLY)]);
    let ran = conduit(files.path(), &["fmt", "."]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "b.hcl\n"));
    insta::assert_snapshot!(ran.err, @r#"
    error[E001]: syntax: expected `{`
     --> a.hcl:2:12
      |
    2 |   on "push"
      |            ^ found the end of the line
    "#);
    assert_eq!(fs::read_to_string(files.path().join("a.hcl")).unwrap(), BROKEN);
    let piped = conduit_with(files.path(), &["fmt", "-"], BROKEN);
    assert_eq!((piped.code, piped.out.as_str()), (1, ""));
    assert_eq!(conduit(files.path(), &["fmt", "gone"]).code, 4);
}

#[test]
fn the_files_of_this_repository_have_their_layout() {
    let ran = conduit(&package(), &["fmt", "--check", "config", "src/cli/demo", "tests/machines/ok"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
}
