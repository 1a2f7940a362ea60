//! Who may import whom: the table at the head of `src/lib.rs`, enforced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms it may use. [`FOR_ALL`] stands beside it, and `clock` is open to
/// all that are not pure.
const MAY_USE: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("secrets", &[]),
    ("clock", &[]),
    ("telemetry", &[]),
    ("printable", &[]),
    ("trace", &["event"]),
    ("registration", &["event"]),
    ("forge", &["event"]),
    ("machine", &["event", "trace"]),
    ("store", &["registration", "event", "trace", "secrets", "clock"]),
    ("jira", &["event", "clock"]),
    ("forge_api", &["event", "clock"]),
    ("http", &["forge", "store", "registration", "machine", "event", "trace", "secrets", "clock"]),
    ("worker", &["machine", "store", "jira", "forge_api", "event", "trace", "clock"]),
    ("settings", &["secrets", "clock"]),
];

/// What any room may use.
const FOR_ALL: &[&str] = &["telemetry", "printable"];

/// These choose implementations and may use anything.
const OPEN: &[&str] = &["app", "cli", "lib", "main"];

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let table: BTreeMap<_, BTreeSet<_>> =
        MAY_USE.iter().map(|(room, uses)| (*room, uses.iter().copied().collect())).collect();
    let mut forbidden = Vec::new();
    let mut seen = BTreeSet::new();
    for file in rust_files(&source_root()) {
        let room = room_of(&file);
        if OPEN.contains(&room.as_str()) {
            continue;
        }
        let may = table.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no row in MAY_USE"));
        for used in rooms_used(&fs::read_to_string(&file).unwrap()) {
            seen.insert(room.clone());
            if used != room && !FOR_ALL.contains(&used.as_str()) && !may.contains(used.as_str()) {
                forbidden.push(format!("{room} → {used} in {}", file.display()));
            }
        }
    }
    assert!(forbidden.is_empty(), "arrows that the table forbids:\n{}", forbidden.join("\n"));
    assert!(seen.len() > 5, "the test finds the arrows it is to judge: {seen:?}");
}

#[test]
fn the_pure_rooms_do_no_io() {
    let pure = ["event", "trace", "registration", "forge", "machine"];
    let io = [
        "std::fs",
        "std::net",
        "tokio::",
        "reqwest::",
        "std::env::",
        "Timestamp::now",
        "SystemTime",
        "Instant::now",
    ];
    let is_test = |file: &Path| {
        file.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    };
    let files = rust_files(&source_root()).into_iter();
    let files = files.filter(|file| pure.contains(&room_of(file).as_str()) && !is_test(file));
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in io {
            assert!(!code.contains(word), "{} is in a pure room and names {word}", file.display());
        }
    }
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// `src/store/pause.rs` and `src/store.rs` are both in the room `store`.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(source_root()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Every room named as `crate::room`, also in `use crate::{room, …}`; comments do not count.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap();
                rooms.extend(group.split(',').filter_map(first_word));
            }
            None => rooms.extend(first_word(rest)),
        }
    }
    rooms
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}
