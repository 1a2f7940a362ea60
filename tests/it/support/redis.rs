//! A real `redis-server` of a test's own: on a free port, in a folder that goes with it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How often another port is tried when somebody else was faster.
const TRIES: usize = 5;

/// A running server, ended without mercy when it goes out of scope.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    folder: TempDir,
    /// What it is started with beside what all are.
    options: Vec<String>,
}

impl Redis {
    /// Starts a server that keeps an append-only file, as a careful operator would.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with some options of its own.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        Self::start_on(tempfile::tempdir().unwrap(), options).await
    }

    /// Starts one on the files in a folder.
    pub(crate) async fn start_on(folder: TempDir, options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        for _ in 0..TRIES {
            let port = free_port();
            if let Some(child) = spawn(port, &folder, &options) {
                let redis = Self { child, port, folder, options };
                redis.answers().await;
                return redis;
            }
        }
        panic!("redis-server found no free port in {TRIES} tries");
    }

    /// Starts a server that has everything on disk before it answers, so that a kill loses nothing.
    pub(crate) async fn start_careful() -> Self {
        let redis = Self::start().await;
        redis.order(&["CONFIG", "SET", "appendfsync", "always"]).await;
        redis
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs a command behind the store's back.
    pub(crate) async fn run<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let (name, args) = command.split_first().unwrap();
        redis::cmd(name).arg(args).query_async(&mut self.connect().await).await.unwrap()
    }

    /// A connection for a test that looks behind the store's back.
    pub(crate) async fn connect(&self) -> redis::aio::MultiplexedConnection {
        connect(&self.url()).await.unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends the server a signal: `STOP` freezes it, `CONT` lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Gives the server an order: `CONFIG SET …`.
    pub(crate) async fn order(&self, words: &[&str]) {
        let mut order = redis::cmd(words[0]);
        order.arg(&words[1..]);
        order.query_async::<()>(&mut self.connect().await).await.unwrap();
    }

    /// A clean stop, with everything on disk.
    pub(crate) async fn stop(&mut self) {
        let mut connection = self.connect().await;
        // The answer to SHUTDOWN is that the connection ends.
        let _ = redis::cmd("SHUTDOWN").arg("NOW").query_async::<()>(&mut connection).await;
        self.child.wait().unwrap();
    }

    /// Starts it again after [`Redis::kill`] or [`Redis::stop`]: same port, same files.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.options).expect("the port it had before is free");
        self.answers().await;
    }

    async fn answers(&self) {
        let pong: String = redis::cmd("PING").query_async(&mut self.connect().await).await.unwrap();
        assert_eq!(pong, "PONG");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A connection that bears a busy machine.
pub(crate) async fn connect(url: &str) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
    let patience = Some(Duration::from_mins(1));
    let config =
        redis::AsyncConnectionConfig::new().set_connection_timeout(patience).set_response_timeout(patience);
    redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}

/// A port that nobody has now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts the server and waits until it says that it is ready; `None` when it ended instead.
fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "everysec"])
        .arg("--dir")
        .arg(folder.path())
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|why| {
            panic!(
                "cannot start redis-server ({why}): `apt-get install redis-server`, or run `cargo xtask test`"
            )
        });
    let mut log = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    if log.any(|line| line.contains("Ready to accept connections")) {
        // Read on, or the server stops at a full pipe.
        thread::spawn(move || log.for_each(drop));
        Some(child)
    } else {
        child.wait().unwrap();
        None
    }
}

#[tokio::test]
async fn a_server_that_was_stopped_or_killed_comes_back_with_its_data() {
    let mut server = Redis::start().await;
    let set = redis::cmd("SET").arg("ticket").arg("SHOP-1").to_owned();
    set.query_async::<()>(&mut server.connect().await).await.unwrap();

    server.stop().await;
    server.start_again().await;
    server.kill();
    server.start_again().await;

    let get = redis::cmd("GET").arg("ticket").to_owned();
    assert_eq!(get.query_async::<String>(&mut server.connect().await).await.unwrap(), "SHOP-1");
}
