//! `cargo xtask sbom`: what the program is made of, as a [CycloneDX 1.6](https://cyclonedx.org/docs/1.6/json/) document.
//!
//! It names every package that is compiled into `conduit` on this platform, each that is needed to build it
//! (`"scope": "excluded"`: none of it runs), and the C libraries that packages bring along, which scanners know by names of
//! their own. It is made of the lock file and the packages' own manifests, and holds no time and no chance: the same lock
//! file gives the same bytes.

mod bundled;
mod document;
mod sources;
mod tree;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cargo;
use document::Bom;
use sources::Sources;
use tree::Tree;

/// The flags of `cargo xtask sbom`.
#[derive(Debug, Args)]
pub(crate) struct SbomArgs {
    /// Where to write it [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// For which platform [default: this one]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// Writes it.
pub(crate) fn run(args: &SbomArgs) -> anyhow::Result<()> {
    let target = args.target.clone().map_or_else(cargo::host, Ok)?;
    let text = document(&target)?;
    let Some(path) = &args.output else {
        print!("{text}");
        return Ok(());
    };
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// The document for a platform.
pub(crate) fn document(target: &str) -> anyhow::Result<String> {
    let bom = Bom::new(&Tree::read(target)?, &Sources::read(target)?, target)?;
    Ok(serde_json::to_string_pretty(&bom)? + "\n")
}

#[cfg(test)]
mod tests;
