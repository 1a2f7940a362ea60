//! What an operator sees of an event that goes from one process to another: its trace, its log lines, its metrics.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Command;

use conduit::trace::Outcome;
use jira_sim::{JiraSim, Limits};
use reqwest::Client;
use serde_json::Value;

use super::processes::Process;
use crate::support::collector::{Collector, Span};
use crate::support::payloads::merged;
use crate::support::redis::Redis;
use crate::support::service::{
    API_KEY, KEY, RULES, TOKEN, deliver, finished_trace, register, site, write_config,
};

/// Nobody's business but the collector's.
const COLLECTOR_TOKEN: &str = "the-collectors-token";

/// The span of a delivery.
const DELIVERY: &str = "POST /conduit/webhooks/{provider}/{repo_id}/payload";

/// A `serve` that leaves the work to a `worker`, and the worker.
struct Pair {
    serve: Process,
    worker: Process,
    redis: Redis,
    jira: JiraSim,
    folder: tempfile::TempDir,
}

impl Pair {
    async fn start(traces_to: &str) -> Self {
        let redis = Redis::start().await;
        let bucket = Limits::none().bucket(500, 100, 1);
        let jira = site(&[("SHOP-1", "To Do")]).limits(bucket).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), RULES);
        let start = |arguments: &[&str]| {
            let log = File::create(folder.path().join(format!("{}.log", arguments[0]))).unwrap();
            Process::start_with(arguments, folder.path(), &redis, &jira, |command: &mut Command| {
                command
                    .env("CONDUIT_LOG", "info,conduit::jira=debug")
                    .env("CONDUIT_LOG_FORMAT", "json")
                    .env("OTEL_EXPORTER_OTLP_ENDPOINT", traces_to)
                    .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer {COLLECTOR_TOKEN}"))
                    .env("OTEL_BSP_SCHEDULE_DELAY", "50")
                    .stderr(log);
            })
        };
        let (serve, worker) = (start(&["serve", "--no-workers"]), start(&["worker"]));
        serve.answers().await;
        Self { serve, worker, redis, jira, folder }
    }

    /// Delivers the merge of a pull request for SHOP-1, and waits until it has moved. The event's id.
    async fn tell(&self) -> String {
        let hook = register(&self.serve.url, "acme/shop").await;
        let payload = merged(1, "SHOP-1: a title that is nobody's business");
        let answer = deliver(&self.serve.url, &hook, "pull_request", "d-1", &payload).await;
        let trace = finished_trace(&Client::new(), &self.serve.url, answer.event_id()).await;
        assert_eq!(trace.outcome, Outcome::Moved);
        assert_eq!(self.jira.moves("SHOP-1"), ["To Do → In Progress"]);
        trace.event_id
    }

    /// The log of both, once each has stopped cleanly.
    fn log(self) -> String {
        let Self { serve, worker, redis: _redis, jira: _jira, folder } = self;
        for process in [serve, worker] {
            stop(process);
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        read("serve.log") + &read("worker.log")
    }
}

/// Stops a process as an orchestrator does.
fn stop(mut process: Process) {
    let told = Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(process.child.wait().unwrap().success());
}

fn assert_holds_no_secret(text: &str) {
    for secret in [TOKEN, KEY, API_KEY, COLLECTOR_TOKEN, "nobody's business"] {
        assert!(!text.contains(secret), "`{secret}` in\n{text}");
    }
}

/// The one span of this name.
fn only<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_one_trace_from_its_delivery_to_jiras_answer_across_processes() {
    const MOVE: &str = "POST /rest/api/2/issue/{id}/transitions";
    let collector = Collector::start();
    let pair = Pair::start(&collector.url).await;
    let event = pair.tell().await;

    let named = |spans: &[Span], name: &str| spans.iter().any(|span| span.name == name);
    let whole = |spans: &[Span]| {
        [DELIVERY, "route", "claim", "ticket", MOVE, "store"].iter().all(|name| named(spans, name))
    };
    let spans = collector.once(whole).await;
    assert!(spans.iter().all(|span| span.trace == spans[0].trace && span.service == "conduit"), "{spans:#?}");

    let delivery = only(&spans, DELIVERY);
    assert_eq!((delivery.parent.as_str(), delivery.says("conduit.event.id")), ("", event.as_str()));
    assert_eq!((delivery.says("conduit.repo"), delivery.says("conduit.provider")), ("acme/shop", "github"));
    assert_eq!(delivery.says("http.response.status_code"), "202");
    for step in ["receive", "verify", "normalise", "store", "route", "claim", "ticket"] {
        assert_eq!(only(&spans, step).parent, delivery.id, "{step} is part of it");
    }

    let claim = only(&spans, "claim");
    assert_eq!((claim.says("conduit.site"), claim.says("conduit.tickets")), ("atlassian", "1"));
    let ticket = only(&spans, "ticket");
    assert_eq!((ticket.says("conduit.ticket"), ticket.says("conduit.outcome")), ("SHOP-1", "moved"));
    let (decide, call) = (only(&spans, "decide"), only(&spans, MOVE));
    assert_eq!((&decide.parent, &call.parent), (&ticket.id, &ticket.id));
    assert_eq!((call.says("conduit.call"), call.says("http.request.method")), ("transition", "POST"));
    assert_eq!((call.says("http.response.status_code"), call.says("server.address")), ("204", "127.0.0.1"));

    assert!(collector.logins().iter().all(|login| *login == format!("Bearer {COLLECTOR_TOKEN}")));
    assert_holds_no_secret(&format!("{:?}", collector.spans()));
    let log = pair.log();
    assert_holds_no_secret(&log);
    let in_log = format!("\"trace_id\":\"{}\"", delivery.trace);
    assert!(log.contains(&in_log), "the log leads to the trace:\n{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_comes_again_hangs_below_the_first_and_the_same_change_under_another_id_has_a_trace_of_its_own()
 {
    let collector = Collector::start();
    let pair = Pair::start(&collector.url).await;
    let hook = register(&pair.serve.url, "acme/shop").await;
    let payload = merged(1, "SHOP-1: a title that is nobody's business");
    let mut ids = Vec::new();
    for delivery in ["d-1", "d-1", "d-2"] {
        let answer = deliver(&pair.serve.url, &hook, "pull_request", delivery, &payload).await;
        ids.push(answer.event_id().to_owned());
    }
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");

    let deliveries = |spans: &[Span]| spans.iter().filter(|span| span.name == DELIVERY).count();
    let spans = collector.once(|spans| deliveries(spans) == 3).await;
    let told = |event: &str, duplicate: &str| {
        let is_it = |span: &&Span| {
            let says = (span.says("conduit.event.id"), span.says("conduit.duplicate"));
            span.name == DELIVERY && says == (event, duplicate)
        };
        spans.iter().find(is_it).unwrap_or_else(|| panic!("{event} {duplicate} in {spans:#?}"))
    };
    let (first, again, other) = (told(&ids[0], "false"), told(&ids[0], "true"), told(&ids[2], "true"));
    assert_eq!((first.parent.as_str(), &again.parent, &again.trace), ("", &first.id, &first.trace));
    assert_eq!(other.parent, "");
    assert_ne!(other.trace, first.trace);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_nothing_up_and_the_story_is_in_the_log() {
    // Nobody listens on the port of the discard protocol.
    let pair = Pair::start("http://127.0.0.1:9").await;
    let event = pair.tell().await;
    assert_metrics_moved(&pair.serve.management, &pair.worker.management).await;

    let log = pair.log();
    assert_holds_no_secret(&log);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let away = |line: &&Value| line["collector"] == "127.0.0.1";
    assert_eq!(lines.iter().filter(away).count(), 2, "each process says it once:\n{log}");

    let story: Vec<_> = lines.iter().filter(|line| line["event"] == event.as_str()).collect();
    let says = |end: &str| story.iter().find(|line| line["message"].as_str().unwrap().ends_with(end));
    assert!(says("is accepted").is_some() && says("is routed").is_some(), "{story:#?}");
    let over = says("is over").unwrap();
    assert!(over["ticket"] == "SHOP-1" && over["outcome"] == "moved" && over["level"] == "INFO", "{over}");
    let calls: Vec<_> = lines.iter().filter(|line| line["span"]["event"] == event.as_str()).collect();
    assert!(calls.iter().any(|line| line["call"] == "transition" && line["status"] == 204), "{log}");
}

/// Every metric that is promised has moved, under the labels that are promised, in the process whose it is.
async fn assert_metrics_moved(serve: &str, worker: &str) {
    let serve = scrape(serve).await;
    assert_eq!(serve["conduit_webhooks_total{provider=\"github\",result=\"accepted\"}"], "1");
    for state in ["inbox", "ready", "leased", "delayed", "dead"] {
        assert_eq!(serve[&format!("conduit_queue_depth{{state=\"{state}\"}}")], "0");
    }
    assert_eq!(serve["conduit_queue_oldest_seconds"], "0");
    let worker = scrape(worker).await;
    assert_eq!(worker["conduit_outcomes_total{outcome=\"moved\",reason=\"moved\"}"], "1");
    assert_eq!(worker["conduit_event_seconds_count"], "1");
    assert_eq!(worker["conduit_jira_requests_total{call=\"transition\",status=\"204\"}"], "1");
    assert_eq!(worker["conduit_jira_request_seconds_count{call=\"transition\"}"], "1");
    assert!(worker.contains_key("conduit_transition_cache_total{result=\"miss\"}"));
    let left: f64 = worker["conduit_jira_limit_remaining{site=\"atlassian\",call=\"all\"}"].parse().unwrap();
    assert!((490.0..500.0).contains(&left), "Jira said how many requests are left: {left}");
    assert_eq!(worker["conduit_rules_reload_failed"], "0");
    let version = format!("conduit_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!((serve[&version].as_str(), worker[&version].as_str()), ("1", "1"));
}

/// Each series with its value.
async fn scrape(management: &str) -> BTreeMap<String, String> {
    let text = Client::new().get(format!("{management}/metrics")).send().await.unwrap().text().await.unwrap();
    let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.to_owned())
    };
    samples.map(sample).collect()
}
