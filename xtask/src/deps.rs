//! `cargo xtask deps`: the lock file held against `deny.toml`, without network or further tools.
//!
//! It reads the same lists as `cargo deny check licenses bans sources` and is meant for machines that have
//! no cargo-deny; advisories are cargo-deny's alone.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

use crate::cargo;

/// The part of `deny.toml` that is checked here.
#[derive(Debug, Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    name: String,
    reason: String,
}

/// The part of `cargo metadata` that is checked here.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Prints every package that the policy forbids; fails when there is one.
pub(crate) fn run() -> anyhow::Result<()> {
    let policy: Policy = toml::from_str(&std::fs::read_to_string("deny.toml").context("reading deny.toml")?)?;
    let output = cargo::metadata(&cargo::host()?)?;
    let metadata: Metadata = serde_json::from_str(&output)?;
    let findings: Vec<_> = metadata.packages.iter().flat_map(|package| package.findings(&policy)).collect();
    for finding in &findings {
        eprintln!("error: {finding}");
    }
    if !findings.is_empty() {
        bail!("{} of {} packages break deny.toml", findings.len(), metadata.packages.len());
    }
    println!("{} packages: licences, bans and sources as deny.toml allows", metadata.packages.len());
    Ok(())
}

impl Package {
    fn findings(&self, policy: &Policy) -> Vec<String> {
        let name = format!("{} {}", self.name, self.version);
        let mut findings = Vec::new();
        match &self.license {
            Some(license) if is_allowed(license, &policy.licenses.allow) => {}
            Some(license) => findings.push(format!("{name}: licence {license} is not on the list")),
            None => findings.push(format!("{name}: it names no licence")),
        }
        let banned = policy.bans.deny.iter().filter(|ban| ban.name == self.name);
        findings.extend(banned.map(|ban| format!("{name}: banned: {}", ban.reason)));
        let from_crates_io =
            |source: &String| source.starts_with("registry+") && source.contains("crates.io-index");
        if !self.source.as_ref().is_none_or(from_crates_io) {
            findings.push(format!("{name}: it comes from {}", self.source.as_deref().unwrap_or_default()));
        }
        findings
    }
}

/// Whether one way through the expression is made of allowed licences alone.
fn is_allowed(license: &str, allow: &[String]) -> bool {
    let allowed = |requirement: &LicenseReq| {
        let written = requirement.to_string();
        allow.contains(&written)
    };
    // Lax: some crates still write `MIT/Apache-2.0`.
    Expression::parse_mode(license, ParseMode::LAX).is_ok_and(|expression| expression.evaluate(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_way_through_a_licence_is_enough() {
        let allow = ["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
        assert!(is_allowed("MIT OR GPL-3.0-only", &allow));
        assert!(is_allowed("MIT/Apache-2.0", &allow));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception", &allow));
        assert!(!is_allowed("MIT AND GPL-3.0-only", &allow));
        assert!(!is_allowed("nonsense", &allow));
    }

    #[test]
    fn a_package_from_elsewhere_or_on_the_list_of_bans_is_found() {
        let policy = Policy {
            licenses: Licenses { allow: vec!["MIT".into()] },
            bans: Bans { deny: vec![Ban { name: "bad".into(), reason: "because".into() }] },
        };
        let package = |name: &str, source: &str| Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: Some("MIT".into()),
            source: Some(source.into()),
        };
        let crates_io = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(package("good", crates_io).findings(&policy).is_empty());
        assert_eq!(package("bad", crates_io).findings(&policy), ["bad 1.0.0: banned: because"]);
        assert_eq!(package("good", "git+https://example.com/x").findings(&policy).len(), 1);
    }
}
