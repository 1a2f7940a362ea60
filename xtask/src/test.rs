//! `cargo xtask test`: the whole suite, on a bare Debian machine too.

use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

/// The flags of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Passed on to `cargo test`, e.g. a test's name
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Sees to a redis-server, then runs every test of the workspace.
pub(crate) fn run(args: &TestArgs) -> anyhow::Result<()> {
    if !on_path("redis-server") {
        install_redis()?;
    }
    execute(Command::new("cargo").args(["test", "--workspace", "--locked"]).args(&args.rest))
}

fn on_path(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The tests start their own servers on free ports; the package's service is not wanted.
fn install_redis() -> anyhow::Result<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root || !on_path("apt-get") {
        bail!("the tests need redis-server 7 or later: sudo apt-get install redis-server");
    }
    eprintln!("redis-server is not here: installing it");
    execute(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    // A run level of 1 keeps the package from starting its service.
    install.env("RUNLEVEL", "1").env("DEBIAN_FRONTEND", "noninteractive");
    execute(install.args(["install", "-y", "-qq", "--no-install-recommends", "redis-server"]))
}

fn execute(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{name} cannot be run"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}
