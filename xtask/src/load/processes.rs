//! The processes of a load run, each on a free port, killed when dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::instance::{self, HOOK};
use crate::process::{self, Process, answers, free_address};

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
        Self::conduit_with(program, folder, redis, &[]).await
    }

    /// The same with some settings of its own.
    pub(super) async fn conduit_with(
        program: &Path,
        folder: &Path,
        redis: Option<&str>,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let file = format!("sqlite:{}", folder.join("conduit.db").display());
        let mut command = instance::command(program, Path::new("config"), redis.unwrap_or(&file))?;
        command.envs(settings.iter().copied());
        command.args(["serve", "--no-workers", "--log", "error", "--listen", &address.to_string()]);
        let child = Self { name: "conduit", address, path: HOOK, process: Process::start(command)? };
        instance::ready(address).await?;
        Ok(child)
    }

    /// Registers the hook that is loaded.
    pub(super) async fn register_hook(&self) -> anyhow::Result<()> {
        instance::register_hook(&reqwest::Client::new(), self.address).await
    }

    /// A figure of `/proc/PID/status`.
    pub(super) fn memory_kib(&self, name: &str) -> anyhow::Result<u64> {
        self.process.memory_kib(name)
    }
}
