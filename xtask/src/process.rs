//! Processes that a chore starts: each on a free port, ended with the chore, and where wanted killed, held and
//! started again as they were.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;

/// A process that ends with its owner.
pub(crate) struct Process {
    command: Command,
    child: Child,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let child = spawn(&mut command)?;
        Ok(Self { command, child })
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// `kill -9`, held or not.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again as it was.
    pub(crate) fn start_again(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&mut self.command)?;
        Ok(())
    }

    /// `SIGSTOP`: it stands still and does not know it.
    pub(crate) fn hold(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// `SIGCONT`.
    pub(crate) fn go_on(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Nothing happens to a process that has ended: its number may be another's by now.
    fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        if self.ended().is_some() {
            return Ok(());
        }
        kill_process(Pid::from_child(&self.child), signal).context("a process cannot be signalled")
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A figure of `/proc/PID/status`.
    pub(crate) fn memory_kib(&self, name: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(name)).context("no such figure")?;
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("not a number")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().with_context(|| format!("{name} cannot be started"))
}

/// Builds `conduit` in the profile of this program, and says where it is: beside this program.
pub(crate) fn build_conduit() -> anyhow::Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--locked", "--package", "conduit", "--bin", "conduit"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if !build.status()?.success() {
        bail!("conduit cannot be built");
    }
    Ok(std::env::current_exe()?.with_file_name("conduit"))
}

/// `redis-server` on `address`, its append-only file in `folder`.
pub(crate) fn redis_server(address: SocketAddr, folder: &std::path::Path, appendfsync: &str) -> Command {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", appendfsync, "--dir"])
        .arg(folder);
    command
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until something listens.
pub(crate) async fn answers(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..400 {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing listens on {address}")
}
