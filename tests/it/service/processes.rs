//! What happens when a process dies: the real binary, real signals, a real Redis.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conduit::trace::{Outcome, Reason};
use jira_sim::{Fault, Gate, JiraSim, Kind, When};
use reqwest::Client;

use crate::support::payloads::merged;
use crate::support::redis::Redis;
use crate::support::service::{
    API_KEY, EMAIL, KEY, On, RULES, TOKEN, TestService, board, deliver, finished_trace, register,
    write_config,
};

/// A `conduit` process, ended without mercy when it goes out of scope.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) url: String,
    pub(super) management: String,
}

impl Process {
    /// `conduit serve --no-workers` or `conduit worker` on this Redis and this Jira.
    fn start(arguments: &[&str], config: &Path, redis: &Redis, jira: &JiraSim) -> Self {
        Self::start_with(arguments, config, redis, jira, |_| {})
    }

    /// The same, started as `change` says.
    pub(super) fn start_with(
        arguments: &[&str],
        config: &Path,
        redis: &Redis,
        jira: &JiraSim,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        Self::begin(arguments, config, jira, |command| change(command.env("REDIS_URL", redis.url())))
    }

    /// A process on the store that `change` names.
    pub(super) fn begin(
        arguments: &[&str],
        config: &Path,
        jira: &JiraSim,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let (address, management) = (free_address(), free_address());
        let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
        command
            .args(arguments)
            .env("CONDUIT_CONFIG", config)
            .env("CONDUIT_ADMIN_TOKEN", TOKEN)
            .env("CONDUIT_SECRET_KEY", KEY)
            .env("CONDUIT_LISTEN", &address)
            .env("CONDUIT_MANAGEMENT_LISTEN", &management)
            .env("CONDUIT_MAX_EVENT_AGE", "0")
            .env("CONDUIT_LOG", "warn")
            .env("ATLASSIAN_DOMAIN_URL", jira.url())
            .env("ATLASSIAN_EMAIL", EMAIL)
            .env("ATLASSIAN_API_KEY", API_KEY)
            .stdout(Stdio::null());
        change(&mut command);
        let child = command.spawn().unwrap();
        Self { child, url: format!("http://{address}"), management: format!("http://{management}") }
    }

    /// Waits until it takes deliveries.
    pub(super) async fn answers(&self) {
        let ready = format!("{}/readyz", self.url);
        let answers = async {
            while !Client::new().get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), answers).await.expect("serve is ready");
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_after_jira_moved_the_ticket_does_not_move_it_twice() {
    let redis = Redis::start().await;
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let config = tempfile::tempdir().unwrap();
    write_config(config.path(), RULES);
    let serve = Process::start(&["serve", "--no-workers"], config.path(), &redis, &jira);
    serve.answers().await;

    // Jira moves the ticket, and the worker dies before it hears of it.
    let gate = Gate::new();
    jira.once(When::post(Kind::Transitions), Fault::apply_then_hold(&gate));
    let mut first = Process::start(&["worker"], config.path(), &redis, &jira);
    let hook = register(&serve.url, "acme/shop").await;
    let answer = deliver(&serve.url, &hook, "pull_request", "d-1", &merged(1, "SHOP-1")).await;
    jira.wait_until("SHOP-1 moves", |board| board.is_in("SHOP-1", "In Progress")).await.unwrap();
    first.kill();

    // Its lease runs out after 30 seconds; the next worker finds the move done.
    let _second = Process::start(&["worker"], config.path(), &redis, &jira);
    let trace = finished_trace(&Client::new(), &serve.url, answer.event_id()).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Moved, Reason::Moved));
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_deliveries_are_refused_and_then_everything_goes_on() {
    let mut redis = Redis::start().await;
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await;
    let conduit = TestService::start(&On::Redis(&redis), &jira).await;
    let hook = conduit.register("acme/shop").await;
    let down = jira.go_down();
    let accepted = conduit.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1")).await;
    let accepted = accepted.event_id().to_owned();

    redis.stop().await;
    let refused = conduit.deliver(&hook, "pull_request", "d-2", &merged(2, "SHOP-2")).await;
    assert_eq!(refused.status, 503);

    redis.start_again().await;
    jira.lift(down);
    let trace = conduit.trace(&accepted).await;
    assert_eq!(trace.outcome, Outcome::Moved, "what was accepted is worked off");
    let redelivered = conduit.deliver(&hook, "pull_request", "d-2", &merged(2, "SHOP-2")).await;
    assert_eq!(redelivered.data["duplicate"], false, "nothing of it was stored");
    assert_eq!(conduit.trace(redelivered.event_id()).await.outcome, Outcome::Moved);
    conduit.stop().await;
}
