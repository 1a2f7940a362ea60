//! The processes of a load run, each on a free port, killed when dropped.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpStream;

const ADMIN_TOKEN: &str = "load-test-administrator";
const HOOK_PATH: &str = "/conduit/webhooks/github/acme-shop/payload";

/// Builds what is to be measured.
pub(super) fn build_conduit() -> anyhow::Result<()> {
    let status =
        Command::new("cargo").args(["build", "--release", "--locked", "--bin", "conduit"]).status()?;
    if !status.success() {
        bail!("conduit cannot be built");
    }
    Ok(())
}

/// A process that ends with its owner.
struct Owned(std::process::Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that takes deliveries.
pub(super) struct Child {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) path: &'static str,
    process: Owned,
}

/// A Redis server of our own.
pub(super) struct Redis {
    _process: Owned,
    url: String,
}

impl Redis {
    /// Starts one with an append-only file in `folder`.
    pub(super) async fn start(folder: &Path, appendfsync: &str) -> anyhow::Result<Self> {
        let address = free_address()?;
        let port = address.port().to_string();
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", appendfsync, "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server cannot be started: apt-get install redis-server")?;
        let redis = Self { _process: Owned(process), url: format!("redis://{address}") };
        answers(address).await?;
        Ok(redis)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Child {
    /// The yardstick.
    pub(super) async fn bare() -> anyhow::Result<Self> {
        let address = free_address()?;
        let program = std::env::current_exe()?;
        let process = Command::new(program).args(["load-bare", &address.port().to_string()]).spawn()?;
        let child = Self { name: "bare", address, path: "/payload", process: Owned(process) };
        answers(address).await?;
        Ok(child)
    }

    /// `conduit serve --no-workers` on `redis`, or on a file in `folder`.
    pub(super) async fn conduit(folder: &Path, redis: Option<&str>) -> anyhow::Result<Self> {
        let (address, management) = (free_address()?, free_address()?);
        let file = format!("sqlite:{}", folder.join("conduit.db").display());
        let process = Command::new("target/release/conduit")
            .args(["serve", "--no-workers", "--log", "warn", "--listen", &address.to_string()])
            .args(["--management-listen", &management.to_string()])
            .env("CONDUIT_STORE", redis.unwrap_or(&file))
            .env("CONDUIT_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("CONDUIT_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .spawn()?;
        let child = Self { name: "conduit", address, path: HOOK_PATH, process: Owned(process) };
        answers(address).await?;
        Ok(child)
    }

    /// Registers the hook that is loaded.
    pub(super) async fn register_hook(&self, secret: &str) -> anyhow::Result<()> {
        let hook = serde_json::json!({
            "provider": "github", "repo_path": "acme/shop", "repo_id": "acme-shop", "secret": secret,
        });
        let url = format!("http://{}/internal/webhooks/import", self.address);
        let answer = reqwest::Client::new().patch(url).bearer_auth(ADMIN_TOKEN).json(&hook).send().await?;
        if !answer.status().is_success() {
            bail!("the hook cannot be registered: {}", answer.text().await?);
        }
        Ok(())
    }

    /// A figure of `/proc/PID/status`.
    pub(super) fn memory_kib(&self, name: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id()))?;
        let line = status.lines().find(|line| line.starts_with(name)).context("no such figure")?;
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("not a number")
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until something listens.
async fn answers(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..200 {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing listens on {address}")
}
