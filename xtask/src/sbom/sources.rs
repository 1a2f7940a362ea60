//! What the packages say of themselves, and what the lock file says of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;

use super::tree::Id;
use crate::cargo;

/// Every package that the lock file names and this platform needs.
#[derive(Debug)]
pub(super) struct Sources(BTreeMap<Id, Source>);

/// One of them.
#[derive(Debug)]
pub(super) struct Source {
    /// From its manifest.
    pub(super) package: Package,
    /// SHA-256 of what crates.io serves, in hex; our own have none.
    pub(super) checksum: Option<String>,
}

/// The part of `cargo metadata` that is of use here.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    name: String,
    version: String,
    pub(super) license: Option<String>,
    pub(super) description: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct LockFile {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Sources {
    /// Asks cargo, and reads the lock file.
    pub(super) fn read(target: &str) -> anyhow::Result<Self> {
        let metadata: Metadata = serde_json::from_str(&cargo::metadata(target)?)?;
        let lock: LockFile = toml::from_str(
            &std::fs::read_to_string(cargo::root().join("Cargo.lock")).context("reading Cargo.lock")?,
        )?;
        let checksums = lock
            .package
            .into_iter()
            .map(|Locked { name, version, checksum }| (Id { name, version }, checksum));
        let mut checksums: BTreeMap<_, _> = checksums.collect();
        let known = metadata.packages.into_iter().map(|package| {
            let id = Id { name: package.name.clone(), version: package.version.clone() };
            let checksum = checksums.remove(&id).flatten();
            (id, Source { package, checksum })
        });
        Ok(Self(known.collect()))
    }

    /// What is known of a package.
    pub(super) fn get(&self, id: &Id) -> anyhow::Result<&Source> {
        self.0.get(id).with_context(|| format!("cargo metadata knows no {} {}", id.name, id.version))
    }
}
