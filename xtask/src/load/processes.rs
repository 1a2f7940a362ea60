//! The processes of a load run, each on a free port, killed when dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::bail;

use crate::process::{self, Process, answers, free_address};

const ADMIN_TOKEN: &str = "load-test-administrator";
const HOOK_PATH: &str = "/conduit/webhooks/github/acme-shop/payload";

/// A process that takes deliveries.
pub(super) struct Child {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) path: &'static str,
    process: Process,
}

/// A Redis server of our own.
pub(super) struct Redis {
    _process: Process,
    url: String,
}

impl Redis {
    /// Starts one with an append-only file in `folder`.
    pub(super) async fn start(folder: &Path, appendfsync: &str) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = process::redis_server(address, folder, appendfsync);
        command.stdout(Stdio::null());
        let redis = Self { _process: Process::start(command)?, url: format!("redis://{address}") };
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
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load-bare", &address.port().to_string()]);
        let child = Self { name: "bare", address, path: "/payload", process: Process::start(command)? };
        answers(address).await?;
        Ok(child)
    }

    /// `conduit serve --no-workers` on `redis`, or on a file in `folder`.
    pub(super) async fn conduit(program: &Path, folder: &Path, redis: Option<&str>) -> anyhow::Result<Self> {
        let (address, management) = (free_address()?, free_address()?);
        let file = format!("sqlite:{}", folder.join("conduit.db").display());
        let mut command = Command::new(program);
        command
            .args(["serve", "--no-workers", "--log", "warn", "--listen", &address.to_string()])
            .args(["--management-listen", &management.to_string()])
            .env("CONDUIT_STORE", redis.unwrap_or(&file))
            .env("CONDUIT_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("CONDUIT_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let child = Self { name: "conduit", address, path: HOOK_PATH, process: Process::start(command)? };
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
        self.process.memory_kib(name)
    }
}
