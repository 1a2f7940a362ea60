//! What cargo and rustc tell of this workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// What a command prints; an error with what it said, when it fails.
pub(crate) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} cannot be run"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{name} prints what is no text"))
}

/// Cargo, in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root());
    cargo
}

/// The platform this is built on.
pub(crate) fn host() -> anyhow::Result<String> {
    let text = output_of(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

/// `cargo metadata` of what this platform needs: what others need was perhaps never downloaded.
pub(crate) fn metadata(platform: &str) -> anyhow::Result<String> {
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline", "--all-features"];
    output_of(cargo().args(arguments).args(["--filter-platform", platform]))
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
