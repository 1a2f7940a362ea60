//! The document of this very workspace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

fn made() -> Value {
    serde_json::from_str(&document(&cargo::host().unwrap()).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

/// `NAME VERSION` and checksum of every package in the lock file.
fn locked() -> BTreeMap<String, Option<String>> {
    let lock = std::fs::read_to_string(cargo::root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = toml::from_str(&lock).unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let text = |package: &toml::Value, name: &str| Some(package.get(name)?.as_str()?.to_owned());
    let named = |package: &toml::Value| {
        format!("{} {}", text(package, "name").unwrap(), text(package, "version").unwrap())
    };
    packages.map(|package| (named(package), text(package, "checksum"))).collect()
}

#[test]
fn the_same_lock_file_gives_the_same_bytes() {
    let host = cargo::host().unwrap();
    assert_eq!(document(&host).unwrap(), document(&host).unwrap());
    let text = document(&host).unwrap();
    assert!(!text.contains(cargo::root().to_str().unwrap()), "a path of this machine");
}

#[test]
fn each_package_bears_what_a_scanner_asks_for_as_the_lock_file_has_it() {
    let (bom, locked) = (made(), locked());
    assert_eq!((text(&bom, "bomFormat"), text(&bom, "specVersion")), ("CycloneDX", "1.6"));
    assert!(text(&bom, "serialNumber").starts_with("urn:uuid:"));
    let program = &bom["metadata"]["component"];
    assert_eq!((text(program, "name"), text(program, "type")), ("conduit", "application"));

    let components = bom["components"].as_array().unwrap();
    assert!(components.len() > 200, "the test finds the packages: {}", components.len());
    for component in components {
        let expression = text(&component["licenses"][0], "expression");
        assert!(!expression.is_empty() && !expression.contains('/'), "{component}");
        let (name, version) = (text(component, "name"), text(component, "version"));
        if !text(component, "purl").starts_with("pkg:cargo/") {
            assert!(text(component, "cpe").contains(version), "{component}");
            continue;
        }
        let checksum =
            locked.get(&format!("{name} {version}")).unwrap_or_else(|| panic!("{name} is not locked"));
        let hash = component["hashes"][0]["content"].as_str();
        assert_eq!(hash, checksum.as_deref(), "{name}");
        assert!(checksum.is_some() || name == "jira-sim", "only ours come from no registry: {name}");
    }
}

#[test]
fn what_is_compiled_in_is_told_from_what_builds_and_what_tests_is_left_out() {
    let bom = made();
    let components = bom["components"].as_array().unwrap();
    let scopes: BTreeMap<_, _> =
        components.iter().map(|component| (text(component, "name"), text(component, "scope"))).collect();
    for (name, scope) in [
        ("actix-web", Some("required")),
        ("rustls", Some("required")),
        ("sqlite", Some("required")),
        ("aws-lc", Some("required")),
        ("zstd", Some("required")),
        ("serde_derive", Some("excluded")),
        ("cc", Some("excluded")),
        ("criterion", None),
        ("proptest", None),
        ("xtask", None),
    ] {
        assert_eq!(scopes.get(name).copied(), scope, "{name}");
    }
}

#[test]
fn every_reference_leads_to_a_component_and_each_is_needed_by_another() {
    let bom = made();
    let of = |list: &Value, name: &str| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|entry| text(entry, name).to_owned()).collect()
    };
    let mut known = of(&bom["components"], "bom-ref");
    let program = text(&bom["metadata"]["component"], "bom-ref").to_owned();
    let needed: BTreeSet<_> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| {
            entry["dependsOn"].as_array().unwrap().iter().map(|to| to.as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(needed, known, "all of it is reached from the program");
    known.insert(program);
    assert_eq!(of(&bom["dependencies"], "ref"), known);
}
