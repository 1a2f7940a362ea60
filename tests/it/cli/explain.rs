//! `conduit explain`.

use serde_json::Value;

use super::folder::{conduit, package};

#[test]
fn a_story_has_a_meaning_a_wrong_text_and_a_right_one() {
    let ran = conduit(&package(), &["explain", "w107"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    insta::assert_snapshot!(ran.out);
}

#[test]
fn without_a_code_all_are_listed() {
    let ran = conduit(&package(), &["explain"]);
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!(ran.out);
    let json: Value = serde_json::from_str(&conduit(&package(), &["explain", "-o", "json"]).out).unwrap();
    assert_eq!(json["stories"].as_array().unwrap().len(), ran.out.lines().count());
}

#[test]
fn an_unknown_code_is_not_found_and_the_nearest_is_named() {
    let ran = conduit(&package(), &["explain", "E04"]);
    assert_eq!((ran.code, ran.out.as_str()), (4, ""));
    insta::assert_snapshot!(ran.err, @"error: there is no code `E04`: did you mean `E004`? `conduit explain` lists them all");
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_without_a_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_conduit"));
    let ended = program.arg("explain").stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(141), "as a shell says of who wrote to nobody");
}
