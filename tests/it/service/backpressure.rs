//! A store that cannot take anything: the disk is full, Redis is at its limit, has become a replica, is gone or
//! hangs. Without a spool a delivery is refused with 503, with one it is accepted; nothing is half-written, and
//! everything goes on by itself.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use conduit::settings::{Settings, SpoolSettings};
use conduit::trace::Outcome;
use jira_sim::JiraSim;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::payloads::merged;
use crate::support::redis::Redis;
use crate::support::service::{
    API_KEY, Answer, EMAIL, Hook, KEY, On, RULES, TOKEN, TestService, board, deliver, finished_trace,
    register, settings, write_config,
};

/// A forge gives up after ten seconds.
const FORGE_WAITS: Duration = Duration::from_secs(10);

/// A `serve` on this Redis, with a spool if there is a folder for one.
async fn serve(redis: &Redis, jira: &JiraSim, spool: Option<&TempDir>) -> anyhow::Result<TestService> {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let settings = with_spool(settings(folder.path(), &On::Redis(redis), jira), spool);
    TestService::start_with(folder, settings).await
}

fn with_spool(mut settings: Settings, spool: Option<&TempDir>) -> Settings {
    let spool = spool.map(|folder| SpoolSettings { folder: folder.path().to_owned(), size: 16 << 20 });
    settings.web.as_mut().unwrap().spool = spool;
    settings
}

/// Delivers the merge of pull request `number`, which names SHOP-`number`, as a forge with its patience.
async fn ship(conduit: &TestService, hook: &Hook, number: u64) -> Answer {
    let payload = merged(number, &format!("SHOP-{number}"));
    let asked = Instant::now();
    let answer = conduit.deliver(hook, "pull_request", &format!("d-{number}"), &payload).await;
    assert!(asked.elapsed() < FORGE_WAITS, "answered after {:?}", asked.elapsed());
    answer
}

fn assert_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("5")), "{answer:?}");
}

async fn assert_moves(conduit: &TestService, event_id: &str) {
    assert_eq!(conduit.trace(event_id).await.outcome, Outcome::Moved, "{event_id}");
}

/// Waits until nobody has the spool any more. A process frees it with its end; here, threads may outlive the
/// stop by a moment.
async fn until_free(spool: &TempDir) {
    let free = async {
        while File::open(spool.path().join("spool.lock")).unwrap().try_lock().is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), free).await.expect("the spool is given up");
}

/// What makes a Redis take nothing, and what makes it take deliveries again.
struct Trouble {
    begin: &'static [&'static str],
    end: &'static [&'static str],
}

const AT_MAXMEMORY: Trouble =
    Trouble { begin: &["CONFIG", "SET", "maxmemory", "1"], end: &["CONFIG", "SET", "maxmemory", "0"] };
const A_REPLICA: Trouble =
    Trouble { begin: &["REPLICAOF", "127.0.0.1", "1"], end: &["REPLICAOF", "NO", "ONE"] };

async fn is_refused_until_it_is_over(trouble: Trouble) {
    let (redis, jira) = (Redis::start().await, board(&[("SHOP-1", "To Do")]).await);
    let conduit = serve(&redis, &jira, None).await.unwrap();
    let hook = conduit.register("acme/shop").await;
    redis.order(trouble.begin).await;
    assert_refused(&ship(&conduit, &hook, 1).await);
    conduit.until("unready", |health| health["ready"] == false && health["store"] != "ok").await;

    redis.order(trouble.end).await;
    conduit.until("ready again", |health| health["ready"] == true).await;
    let accepted = ship(&conduit, &hook, 1).await;
    assert_eq!(accepted.data["duplicate"], false, "nothing of the refused one was kept");
    assert_moves(&conduit, accepted.event_id()).await;
    conduit.stop().await;
}

async fn is_spooled_until_it_is_over(trouble: Trouble) {
    let (redis, jira, spool) =
        (Redis::start().await, board(&[("SHOP-1", "To Do")]).await, tempfile::tempdir().unwrap());
    let conduit = serve(&redis, &jira, Some(&spool)).await.unwrap();
    let hook = conduit.register("acme/shop").await;
    redis.order(trouble.begin).await;
    let accepted = ship(&conduit, &hook, 1).await;
    let id = accepted.event_id();
    let (status, health) = conduit.health().await;
    assert_eq!((status, &health["spool"]["waiting"]), (200, &Value::from(1)), "{health}");
    assert_ne!(health["store"], "ok");

    redis.order(trouble.end).await;
    conduit.until("drained", |health| health["spool"]["in_use"] == false).await;
    assert_moves(&conduit, id).await;
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress"]);
    conduit.stop().await;
}

macro_rules! in_trouble {
    ($($name:ident $trouble:ident;)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn is_refused_until_it_is_over() {
                super::is_refused_until_it_is_over(super::$trouble).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn is_spooled_until_it_is_over() {
                super::is_spooled_until_it_is_over(super::$trouble).await;
            }
        }
    )*};
}

in_trouble! {
    a_delivery_to_a_redis_at_maxmemory AT_MAXMEMORY;
    a_delivery_to_a_redis_that_became_a_replica A_REPLICA;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_at_maxmemory_still_works_its_backlog_off() {
    let (redis, jira) = (Redis::start().await, board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await);
    let conduit = serve(&redis, &jira, None).await.unwrap();
    let hook = conduit.register("acme/shop").await;
    let down = jira.go_down();
    let backlog = [ship(&conduit, &hook, 1).await, ship(&conduit, &hook, 2).await];
    redis.order(AT_MAXMEMORY.begin).await;
    jira.lift(down);
    for accepted in &backlog {
        assert_moves(&conduit, accepted.event_id()).await;
    }
    conduit.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_gone_everything_is_spooled_and_then_moves_in_its_order() {
    let (mut redis, spool) = (Redis::start_careful().await, tempfile::tempdir().unwrap());
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await;
    let conduit = serve(&redis, &jira, Some(&spool)).await.unwrap();
    let hook = conduit.register("acme/shop").await;

    // Not even its repository is pinned: this is the hook's first delivery.
    redis.kill();
    let first = conduit.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1 and SHOP-2")).await;
    let second = conduit.deliver(&hook, "pull_request", "d-2", &merged(2, "SHOP-1")).await;
    let again = conduit.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1 and SHOP-2")).await;
    assert_eq!((again.event_id(), &again.data["duplicate"]), (first.event_id(), &Value::from(true)));
    let forged = Hook { secret: "not-the-secret".repeat(4), uri: hook.uri.clone() };
    assert_eq!(conduit.deliver(&forged, "pull_request", "d-3", &merged(3, "SHOP-2")).await.status, 401);
    let unknown = Hook { secret: hook.secret.clone(), uri: hook.uri.replace("acme-shop", "acme-pay") };
    assert_refused(&conduit.deliver(&unknown, "pull_request", "d-4", &merged(4, "SHOP-2")).await);

    redis.start_again().await;
    conduit.until("drained", |health| health["spool"]["in_use"] == false).await;
    for accepted in [&first, &second] {
        assert_moves(&conduit, accepted.event_id()).await;
    }
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);
    assert_eq!(jira.moves("SHOP-2"), ["To Do → In Progress"]);
    conduit.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_waited_for_no_longer_than_a_forge_waits() {
    let (redis, jira) = (Redis::start().await, board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await);
    let spool = tempfile::tempdir().unwrap();
    let (without, with) =
        (serve(&redis, &jira, None).await.unwrap(), serve(&redis, &jira, Some(&spool)).await.unwrap());
    let hook = with.register("acme/shop").await;

    redis.signal("STOP");
    let (refused, spooled) = tokio::join!(ship(&without, &hook, 2), ship(&with, &hook, 2));
    assert_refused(&refused);
    assert_eq!(spooled.data["duplicate"], false);
    assert_eq!(with.health().await.0, 200);
    redis.signal("CONT");

    with.until("drained", |health| health["spool"]["in_use"] == false).await;
    assert_moves(&with, spooled.event_id()).await;
    assert_eq!(jira.moves("SHOP-2"), ["To Do → In Progress"], "done once, whatever Redis did of it");
    tokio::join!(without.stop(), with.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serve_that_starts_without_redis_needs_a_spool_that_knows_its_hooks_and_its_key() {
    let (mut redis, jira) = (Redis::start().await, board(&[("SHOP-1", "To Do")]).await);
    let spool = tempfile::tempdir().unwrap();
    let text =
        |started: anyhow::Result<TestService>| format!("{:#}", started.err().expect("it does not start"));
    // While it knows nothing, it would wait: see `waiting`.
    let conduit = serve(&redis, &jira, Some(&spool)).await.unwrap();
    let hook = conduit.register("acme/shop").await;
    assert!(text(serve(&redis, &jira, Some(&spool)).await).contains("in use by another process"));
    conduit.stop().await;
    redis.stop().await;
    until_free(&spool).await;

    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let mut other_key = with_spool(settings(folder.path(), &On::Redis(&redis), &jira), Some(&spool));
    other_key.secret_key = Some(conduit::secrets::Secret::new(KEY.replacen('A', "B", 1)));
    assert!(text(TestService::start_with(folder, other_key).await).contains("it is not the key"));
    until_free(&spool).await;

    let conduit = serve(&redis, &jira, Some(&spool)).await.unwrap();
    let accepted = ship(&conduit, &hook, 1).await;
    redis.start_again().await;
    conduit.until("drained", |health| health["spool"]["in_use"] == false && health["store"] == "ok").await;
    assert_moves(&conduit, accepted.event_id()).await;
    conduit.stop().await;
}

/// A `conduit serve` on a file, whose disk a test can fill: as soon as the process may not make its files
/// larger, the system refuses its writes as a full disk would.
struct OnDisk {
    child: Child,
    url: String,
}

impl OnDisk {
    fn start(folder: &Path, jira: &JiraSim) -> Self {
        // The signal that comes with a refused write is ignored, also by what `exec` starts.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(env!("CARGO_BIN_EXE_conduit"))
            .env("CONDUIT_CONFIG", folder)
            .env("CONDUIT_STORE", format!("sqlite:{}", folder.join("conduit.db").display()))
            .env("CONDUIT_ADMIN_TOKEN", TOKEN)
            .env("CONDUIT_SECRET_KEY", KEY)
            .env("CONDUIT_LISTEN", "127.0.0.1:0")
            .env("CONDUIT_MANAGEMENT_LISTEN", "127.0.0.1:0")
            .env("CONDUIT_MAX_EVENT_AGE", "0")
            .env("CONDUIT_LOG", "info")
            .env("ATLASSIAN_DOMAIN_URL", jira.url())
            .env("ATLASSIAN_EMAIL", EMAIL)
            .env("ATLASSIAN_API_KEY", API_KEY)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let url = format!("http://{}", listening(child.stderr.take().unwrap()));
        Self { child, url }
    }

    /// The largest file that the process may write, from now on.
    fn largest_file(&self, bytes: &str) {
        let status = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string(), &format!("--fsize={bytes}:")])
            .status()
            .unwrap_or_else(|why| panic!("cannot start prlimit ({why}): it comes with util-linux"));
        assert!(status.success());
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address that a process says in its log that it takes deliveries in on.
fn listening(log: ChildStderr) -> String {
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("taking deliveries in on ")).expect("it listens");
    // Read on, or the process stops at a full pipe.
    thread::spawn(move || lines.for_each(drop));
    let (_, rest) = line.split_once("taking deliveries in on ").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_deliveries_until_there_is_room() {
    let (jira, folder) = (board(&[("SHOP-1", "To Do")]).await, tempfile::tempdir().unwrap());
    write_config(folder.path(), RULES);
    let conduit = OnDisk::start(folder.path(), &jira);
    let hook = register(&conduit.url, "acme/shop").await;
    let payload = merged(1, "SHOP-1");
    let send = || deliver(&conduit.url, &hook, "pull_request", "d-1", &payload);

    conduit.largest_file("4096");
    assert_refused(&send().await);
    assert_refused(&send().await);
    conduit.largest_file("unlimited");
    let accepted = send().await;
    assert_eq!(accepted.data["duplicate"], false, "nothing of the refused ones was kept");
    let trace = finished_trace(&Client::new(), &conduit.url, accepted.event_id()).await;
    assert_eq!(trace.outcome, Outcome::Moved);
}
