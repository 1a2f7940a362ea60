//! Rule files and what is said about them: every file under `tests/machines` with its expected text beside it.
//!
//! `ok/` holds files without a finding, `err/` files (or folders of files) with exactly the findings of the
//! `.txt` of the same name. `UPDATE_EXPECTED=1 cargo test machine` writes those texts anew, to be read in the diff.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::*;

pub(super) fn folder(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "txt"));
    assert!(!paths.is_empty());
    paths
}

pub(super) fn file(path: &Path) -> SourceFile {
    SourceFile::from_bytes(path.file_name().unwrap().to_str().unwrap(), &fs::read(path).unwrap())
}

/// The rule files of a fixture, and its `workers.yaml`, if it has one.
pub(super) fn fixture(path: &Path) -> (Vec<SourceFile>, Option<SourceFile>) {
    if path.is_file() {
        return (vec![file(path)], None);
    }
    let mut paths: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (yaml, rules): (Vec<_>, Vec<_>) =
        paths.iter().map(|p| file(p)).partition(|f| f.name == "workers.yaml");
    (rules, yaml.into_iter().next())
}

/// The workers of a fixture; the place of a project is where its name stands.
fn workers(yaml: &SourceFile) -> Vec<WorkerProjects> {
    let value: serde_yaml::Value = serde_yaml::from_str(&yaml.text).unwrap();
    let workers = value["workers"].as_mapping().unwrap();
    let mut from = 0;
    let mut place = |project: &str| {
        let start = from + yaml.text[from..].find(project).unwrap();
        from = start + project.len();
        Place { file: yaml.name.clone(), span: start..from }
    };
    let mut worker = |(name, worker): (&serde_yaml::Value, &serde_yaml::Value)| {
        let projects = worker["projects"].as_sequence().unwrap().iter().map(|p| p.as_str().unwrap());
        WorkerProjects {
            worker: name.as_str().unwrap().to_owned(),
            projects: projects.map(|p| (p.to_owned(), place(p))).collect(),
        }
    };
    workers.iter().map(&mut worker).collect()
}

fn findings(path: &Path) -> (String, Vec<&'static str>) {
    let (mut files, yaml) = fixture(path);
    let mut loaded = load(&files);
    if let Some(yaml) = yaml {
        loaded.diagnostics.extend(check_workers(&workers(&yaml), &loaded.rules.unwrap()));
        files.push(yaml);
    }
    let codes = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    (render(&loaded.diagnostics, &files, false), codes)
}

#[test]
fn files_without_a_mistake_have_no_findings() {
    for path in folder("ok") {
        let (text, _) = findings(&path);
        assert_eq!(text, "", "{}", path.display());
    }
}

#[test]
fn every_mistake_is_told_as_expected() {
    let mut wrong = Vec::new();
    for path in folder("err") {
        let (text, codes) = findings(&path);
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &text).unwrap();
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let code = name.split('-').next().unwrap();
        if code.starts_with(['E', 'W']) {
            assert!(codes.contains(&code), "{name} does not show {code}, but {codes:?}");
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if text != wanted {
            wrong.push(format!("=== {name}\nexpected:\n{wanted}\nfound:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_its_file() {
    let errors = (1..=23).filter(|n| *n != 6).map(|n| format!("E{n:03}"));
    let mut codes: Vec<String> = errors.chain((101..=111).map(|n| format!("W{n}"))).collect();
    for path in folder("err") {
        let (_, shown) = findings(&path);
        codes.retain(|code| !shown.contains(&code.as_str()));
    }
    assert_eq!(codes, [""; 0]);
}

#[test]
fn the_shipped_files_are_without_a_mistake() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let files = [file(&config.join("statemachines/jira.hcl"))];
    let loaded = load(&files);
    assert_eq!(render(&loaded.diagnostics, &files, false), "");
    let rules = loaded.rules.unwrap();
    assert_eq!(rules.projects().collect::<Vec<_>>(), ["DEVHOP", "SOC"]);
    let yaml = file(&config.join("workers.yaml"));
    assert_eq!(check_workers(&workers(&yaml), &rules), []);
}

#[test]
fn what_is_no_text_or_too_large_or_too_deep_is_a_finding_and_no_crash() {
    let message = |bytes: &[u8]| {
        let loaded = load(&[SourceFile::from_bytes("a.hcl", bytes)]);
        assert!(loaded.rules.is_none());
        loaded.diagnostics[0].message.clone()
    };
    assert_eq!(message(b"x = \"\xFF\""), "syntax: expected UTF-8 text");
    assert_eq!(message(&vec![b' '; (1 << 20) + 1]), "syntax: expected at most 1 MiB, found 1048577 bytes");
    let deep = format!("a = {}1{}", "[".repeat(65), "]".repeat(65));
    assert_eq!(message(deep.as_bytes()), "syntax: expected at most 64 nested levels");
    let keys = (0..501).map(|n| format!("k{n} = 1\n")).collect::<Vec<_>>().concat();
    assert_eq!(
        message(format!("a = {{\n{keys}}}").as_bytes()),
        "syntax: expected at most 500 keys in an object"
    );
    let splats = format!("rules \"r\" {{\n on \"push\" {{\n when = x{}\n }}\n }}", "[*]".repeat(5000));
    assert_eq!(message(splats.as_bytes()), "syntax: expected an expression nested less deeply");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = fs::read_to_string(folder("err").iter().find(|p| p.ends_with("E004.hcl")).unwrap()).unwrap();
    let plain = load(&[SourceFile { name: "a.hcl".into(), text: text.clone() }]);
    let marked = SourceFile { name: "a.hcl".into(), text: format!("\u{FEFF}{}", text.replace('\n', "\r\n")) };
    let found = load(std::slice::from_ref(&marked)).diagnostics;
    assert_eq!(found.len(), plain.diagnostics.len());
    for diagnostic in &found {
        let span = diagnostic.labels[0].span.clone();
        assert!(["in_progres", "blocked"].contains(&&marked.text[span]));
    }
}

#[test]
fn control_characters_never_reach_a_terminal() {
    let text = "provisioner \"p\" {\n  aliasmapper \"q\u{1b}[31m\u{202e}\" {\n    \u{9b}x = 1\n  }\n}\n";
    let other = "provisioner \"p\" {\n  aliasmapper \"q\u{1b}[31m\u{202e}\" {\n    aliases = { a: \"A\u{1b}\u{200f}\" }\n  }\n}\n";
    for text in [text, other] {
        let files = [SourceFile { name: "a\u{1b}.hcl".into(), text: text.into() }];
        let drawn = render(&load(&files).diagnostics, &files, false);
        let control = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200f}');
        assert!(!drawn.is_empty() && !drawn.contains(control), "{drawn:?}");
    }
}

#[test]
fn a_set_is_known_by_its_names_and_contents() {
    let text = fs::read_to_string(&folder("ok")[0]).unwrap();
    let hash = |files: &[(&str, &str)]| {
        let files: Vec<_> =
            files.iter().map(|(n, t)| SourceFile { name: (*n).into(), text: (*t).into() }).collect();
        load(&files).rules.unwrap().hash().to_owned()
    };
    assert_eq!(hash(&[("a", &text), ("b", "")]), hash(&[("b", ""), ("a", &text)]));
    assert_ne!(hash(&[("a", &text)]), hash(&[("b", &text)]));
    assert_ne!(hash(&[("a", &text)]), hash(&[("a", &format!("{text}\n"))]));
    assert!(hash(&[("a", &text)]).len() >= 7);
}
