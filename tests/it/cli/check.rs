//! `conduit check`.

use serde_json::Value;

use super::folder::{Ran, conduit, folder, package, sound};

const WORKERS: &str = "workers:\n  atlassian:\n    statefile: '*.hcl'\n    projects: [shop, pay]\n";

/// The last line tells how long it took, which is never the same.
fn timeless(ran: &Ran) -> String {
    let end = ran.out.rfind(" (").unwrap();
    ran.out[..end].to_owned()
}

#[test]
fn the_shipped_configuration_is_sound_and_counted() {
    let ran = conduit(&package(), &["check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    insta::assert_snapshot!(timeless(&ran), @r"
    devhop  3 states  2 rules  ok
    soc     3 states  2 rules  ok
    0 errors, 0 warnings in 1 file
    ");
    assert!(ran.out.ends_with(" ms)\n"));
}

#[test]
fn findings_of_all_files_and_of_workers_yaml_come_in_one_run() {
    let pay = sound("pay").replace(
        "\"doing\" \"next\"  { transition = \"done\"",
        "\"doing\" \"next\"  { transition = \"dome\"",
    );
    let files = folder(&[
        ("config/workers.yaml", &WORKERS.replace("pay]", "pya]")),
        ("config/statemachines/pay.hcl", &pay),
        ("config/statemachines/shop.hcl", &sound("shop")),
    ]);
    let ran = conduit(files.path(), &["check"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(timeless(&ran));
}

#[test]
fn paths_are_files_or_folders_and_one_set_of_rules() {
    let files =
        folder(&[("a/shop.hcl", &sound("shop")), ("a/b/pay.hcl", &sound("pay")), ("c.hcl", &sound("web"))]);
    let ran = conduit(files.path(), &["check", "a", "./c.hcl"]);
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!(timeless(&ran), @r"
    pay   3 states  3 rules  ok
    shop  3 states  3 rules  ok
    web   3 states  3 rules  ok
    0 errors, 0 warnings in 3 files
    ");
    let twice = conduit(files.path(), &["check", "a", "a/shop.hcl"]);
    assert_eq!(twice.code, 0, "a file named twice is read once:\n{}", twice.out);
    let missing = conduit(files.path(), &["check", "nowhere.hcl"]);
    assert_eq!((missing.code, missing.out.as_str()), (4, ""));
    assert!(missing.err.contains("nowhere.hcl"), "{}", missing.err);
}

#[test]
fn a_folder_with_workers_yaml_is_checked_against_it() {
    let files = folder(&[
        ("here/workers.yaml", &WORKERS.replace("shop, pay", "shop")),
        ("here/statemachines/shop.hcl", &sound("shop")),
        ("here/statemachines/pay.hcl", &sound("pay")),
    ]);
    let ran = conduit(files.path(), &["check", "here"]);
    assert_eq!(ran.code, 0, "a warning is no reason to fail");
    assert!(ran.out.contains("warning[W108]"), "{}", ran.out);
    assert!(ran.out.contains("here/statemachines/pay.hcl:1:14"), "{}", ran.out);
    assert!(ran.out.contains("pay   3 states  3 rules  1 warning"), "{}", ran.out);
}

#[test]
fn json_has_places_and_the_one_edit_that_mends() {
    let ran = conduit(&package(), &["check", "-o", "json", "tests/machines/err/E004.hcl"]);
    assert_eq!(ran.code, 1);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["schema"], "conduit.check/1");
    let finding = &json["findings"][0];
    assert_eq!(finding["fix"]["replacement"], "in_progress");
    let text = std::fs::read_to_string(package().join("tests/machines/err/E004.hcl")).unwrap();
    let at = |name: &str| usize::try_from(finding["fix"]["span"][name].as_u64().unwrap()).unwrap();
    assert_eq!(&text[at("start")..at("end")], "in_progres");
    assert_eq!(json["findings"][1]["fix"], Value::Null);
    insta::assert_snapshot!(ran.out);
}

#[test]
fn github_shows_findings_on_the_lines_of_a_pull_request() {
    let ran = conduit(
        &package(),
        &["check", "-o", "github", "tests/machines/err/E005.hcl", "tests/machines/err/W109.hcl"],
    );
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.out);
    let refused = conduit(&package(), &["queue", "status", "-o", "github"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    insta::assert_snapshot!(refused.err, @"error: `-o github` prints findings, and only `conduit check` has any; use `-o text` or `-o json`");
}

#[test]
fn a_missing_forge_token_is_no_error_here() {
    let ran = conduit(&package(), &["check", "tests/machines/err/E017.hcl"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("warning[E017]"), "{}", ran.out);
}
