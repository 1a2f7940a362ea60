//! A real master with a replica, and a Sentinel that makes the replica the master when the master is gone.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::redis::{Redis, connect, free_port};
use super::redis_cluster::{is_in_step, until};

/// Master, replica and Sentinel; they end with it.
pub(crate) struct Watched {
    pub(crate) master: Redis,
    pub(crate) replica: Redis,
    sentinel: Child,
    port: u16,
    _folder: TempDir,
}

impl Watched {
    pub(crate) async fn start() -> Self {
        let master = Redis::start().await;
        let port = master.port().to_string();
        let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]).await;
        until(async || is_in_step(&replica).await).await;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let sentinel = spawn(port, master.port(), &folder);
        let watched = Self { master, replica, sentinel, port, _folder: folder };
        until(async || watched.knows_the_replica().await).await;
        watched
    }

    /// The address of the store. The first Sentinel it names is not there.
    pub(crate) fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/main", self.port)
    }

    /// Orders the replica to take over, as an operator does before maintenance.
    pub(crate) async fn fail_over(&self) {
        let mut order = redis::cmd("SENTINEL");
        order.arg("FAILOVER").arg("main");
        // The Sentinel must have heard enough of the replica.
        until(async || order.exec_async(&mut self.asking().await.unwrap()).await.is_ok()).await;
    }

    async fn asking(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        connect(&format!("redis://127.0.0.1:{}", self.port)).await
    }

    async fn knows_the_replica(&self) -> bool {
        let Ok(mut connection) = self.asking().await else { return false };
        let info: String = redis::cmd("INFO").arg("sentinel").query_async(&mut connection).await.unwrap();
        info.contains("status=ok") && info.contains("slaves=1")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.sentinel.kill();
        let _ = self.sentinel.wait();
    }
}

fn spawn(port: u16, master: u16, folder: &TempDir) -> Child {
    let file = folder.path().join("sentinel.conf");
    let watched = format!(
        "bind 127.0.0.1\nport {port}\nsentinel monitor main 127.0.0.1 {master} 1\n\
         sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n"
    );
    std::fs::write(&file, watched).unwrap();
    let mut command = Command::new("redis-server");
    command.arg(&file).arg("--sentinel").current_dir(folder.path());
    command.stdout(Stdio::null()).spawn().unwrap()
}
