//! `cargo xtask dist`: what a release ships, made so that anybody should be able to make the same bytes again.
//!
//! The same sources, lock file, compilers and target give the same program, wherever it is built: no path of
//! the machine and no time is in it. Rust's compiler and the C compiler are told to write other paths for those of this machine
//! (`--remap-path-prefix`, `-ffile-prefix-map`), one unit of code generation leaves nothing to chance, and a time that some
//! tool may want is that of the commit (`SOURCE_DATE_EPOCH`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::{cargo, sbom};

/// The flags of `cargo xtask dist`.
#[derive(Debug, Args)]
pub(crate) struct DistArgs {
    /// The cargo profile: `dist` is what is shipped, `release` is quicker
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Where the files go
    #[arg(long, short, default_value = "target/dist-files", value_name = "DIR")]
    output: PathBuf,
}

/// Builds, describes and hashes.
pub(crate) fn run(args: &DistArgs) -> anyhow::Result<()> {
    let host = cargo::host()?;
    let program = build(&args.profile, &host)?;
    let folder = cargo::root().join(&args.output);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let name = format!("conduit-{}-{host}", env!("CARGO_PKG_VERSION"));
    let (shipped, described) = (folder.join(&name), folder.join(format!("{name}.cdx.json")));
    // The permissions come along.
    std::fs::copy(&program, &shipped).with_context(|| format!("writing {}", shipped.display()))?;
    let sbom = sbom::document(&host)?;
    std::fs::write(&described, sbom).with_context(|| format!("writing {}", described.display()))?;
    let sums = [sum(&shipped)?, sum(&described)?].concat();
    std::fs::write(folder.join("SHA256SUMS"), &sums).context("writing SHA256SUMS")?;
    eprintln!("in {}:", folder.display());
    print!("{sums}");
    Ok(())
}

/// A file's line of `sha256sum --check`.
fn sum(path: &Path) -> anyhow::Result<String> {
    let content = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{}  {name}\n", data_encoding::HEXLOWER.encode(&Sha256::digest(&content))))
}

/// Builds the program; where it is.
fn build(profile: &str, host: &str) -> anyhow::Result<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cargo::root().join("target"), PathBuf::from);
    // The target is named, so that flags reach what is shipped and not what builds it.
    let arguments = ["build", "--locked", "--package", "conduit", "--bin", "conduit", "--target", host];
    let mut build = cargo::cargo();
    build.args(arguments).args(["--profile", profile]).arg("--target-dir").arg(&target);
    for (name, value) in environment(&replaced(&target)?)? {
        build.env(name, value);
    }
    let status = build.status().context("cargo cannot be run")?;
    if !status.success() {
        bail!("the build failed: {status}");
    }
    Ok(target.join(host).join(profile).join("conduit"))
}

/// What is written instead of this machine's folders. Of several that fit, the last counts.
fn replaced(target: &Path) -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let cargo_home = cargo_home.context("neither CARGO_HOME nor HOME is set")?;
    Ok(vec![(cargo::root().to_owned(), "/conduit"), (target.to_owned(), "/target"), (cargo_home, "/cargo")])
}

fn environment(replaced: &[(PathBuf, &'static str)]) -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let (mut rust, mut c) = (Vec::new(), Vec::new());
    for (from, to) in replaced {
        let from = from.to_str().context("a folder's name is not UTF-8")?;
        // The flags of a C compiler are parted by blanks.
        if from.contains(char::is_whitespace) {
            bail!(
                "there is a blank in `{from}`, which a C compiler's flags cannot carry: build in another folder"
            );
        }
        rust.push(format!("--remap-path-prefix={from}={to}"));
        c.push(format!("-ffile-prefix-map={from}={to}"));
    }
    let mut environment: Vec<(_, OsString)> = vec![
        ("CARGO_INCREMENTAL", "0".into()),
        // What parts the flags may have spaces in it.
        ("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}").into()),
        ("CFLAGS", c.join(" ").into()),
        ("CXXFLAGS", c.join(" ").into()),
    ];
    environment.push((
        "SOURCE_DATE_EPOCH",
        std::env::var_os("SOURCE_DATE_EPOCH").unwrap_or_else(|| committed_at().into()),
    ));
    Ok(environment)
}

/// The time of the commit; without git (a source archive), the beginning of time.
fn committed_at() -> String {
    let mut git = Command::new("git");
    let time = cargo::output_of(git.current_dir(cargo::root()).args(["log", "-1", "--format=%ct"]));
    time.map_or_else(|_| "0".to_owned(), |time| time.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_name_no_flag_can_carry_is_refused_before_anything_is_built() {
        let refused = environment(&[("/home/ada/my projects/conduit".into(), "/conduit")]).unwrap_err();
        assert!(refused.to_string().contains("build in another folder"), "{refused}");
        let flags = environment(&[("/home/ada/conduit".into(), "/conduit")]).unwrap();
        let of = |name: &str| flags.iter().find(|(flag, _)| *flag == name).unwrap().1.clone();
        assert_eq!(of("CFLAGS"), "-ffile-prefix-map=/home/ada/conduit=/conduit");
        assert_eq!(of("CARGO_ENCODED_RUSTFLAGS"), "--remap-path-prefix=/home/ada/conduit=/conduit");
    }
}
