//! Redis can come back with half a script applied. Each prefix of what each step writes is tried: what was
//! accepted is still worked off, once for each ticket and in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conduit::clock::Clock;
use conduit::event::ticket::IgnoredKey;
use conduit::store::{Claim, EventState, QueueStatus, Routing, Store};
use conduit::trace::Reason;

use super::super::given::{
    RETENTION, by_hand, claim, claim_all, delivery, finish, first_waiting, job, to_tickets, trace, waiting,
};
use super::monitor::{Monitor, Seen};
use super::{open, run};
use crate::support::redis::Redis;

/// What reads only: a prefix of it is nothing.
const READS: &[&str] = &[
    "GET",
    "HGET",
    "HMGET",
    "HGETALL",
    "HVALS",
    "HKEYS",
    "HLEN",
    "EXISTS",
    "LLEN",
    "LINDEX",
    "LRANGE",
    "LPOS",
    "SCARD",
    "SISMEMBER",
    "ZCARD",
    "ZSCORE",
    "ZRANGE",
    "ZRANGEBYSCORE",
    "ZMSCORE",
    "TIME",
    "EVALSHA",
    "SCRIPT",
    "INFO",
    "CONFIG",
    "CLIENT",
    "PING",
    "UNWATCH",
    "HELLO",
    "SELECT",
];

/// The life of two events that share a ticket, up to each of its steps.
struct Life {
    store: Arc<dyn Store>,
    clock: Clock,
    claim: Option<Claim>,
}

const STEPS: usize = 9;

impl Life {
    async fn begin(server: &Redis) -> Self {
        run::<()>(server, &["FLUSHALL"]).await;
        let clock = Clock::system();
        Self { store: open(server, &clock).await, clock, claim: None }
    }

    async fn step(&mut self, step: usize) {
        match step {
            0 => self.ingest("d-1").await,
            1 => {
                first_waiting(&self.store).await;
            }
            2 => self.route().await,
            3 => {
                self.ingest("d-2").await;
                self.route().await;
            }
            4 | 6 => self.claim = Some(claim(&self.store).await),
            5 => {
                let claim = self.claim.take().unwrap();
                let state = waiting(&claim, Reason::Conflict, 1);
                self.store.retry(&claim.lease, Duration::from_mins(1), &state).await.unwrap();
                self.clock.advance(Duration::from_secs(61));
            }
            7 => {
                let claim = self.claim.take().unwrap();
                let state = waiting(&claim, Reason::Working, 2);
                self.store.checkpoint(&claim.lease, &state).await.unwrap();
                finish(&self.store, &claim, Reason::Moved).await;
            }
            8 => {
                let claim = claim(&self.store).await;
                self.store.hand_back(&claim.lease).await.unwrap();
            }
            _ => unreachable!("there are {STEPS} steps"),
        }
    }

    async fn ingest(&self, delivery_id: &str) {
        self.store.ingest(&delivery(delivery_id, &self.clock)).await.unwrap();
    }

    async fn route(&self) {
        let item = first_waiting(&self.store).await;
        self.store.route(&item, &routing()).await.unwrap();
    }

    /// Everybody who worked on it is dead; others work off what there is.
    async fn work_off(&self) -> Vec<String> {
        let mut finished = Vec::new();
        for _ in 0..4 {
            self.clock.advance(Duration::from_mins(2));
            self.store.tidy(RETENTION).await.unwrap();
            for item in self.store.inbox("successor", 10).await.unwrap() {
                self.store.route(&item, &routing()).await.unwrap();
            }
            for claim in claim_all(&self.store).await {
                finished.push(claim.lease.job.to_string());
                finish(&self.store, &claim, Reason::Moved).await;
            }
        }
        self.store.tidy(RETENTION).await.unwrap();
        finished
    }
}

fn routing() -> Routing {
    let ignored = IgnoredKey { key: "OPS-9".into(), found_in: vec![], because: "quoted".into() };
    Routing {
        settled: vec![trace("OLD-1", Reason::ProjectNotConfigured)],
        ignored: vec![ignored],
        jobs: vec![job("jira", "SHOP-1"), job("jira", "SHOP-2")],
        ..to_tickets(&[])
    }
}

/// What a step writes, command by command.
async fn writes(server: &Redis, step: usize) -> Vec<Seen> {
    let mut life = Life::begin(server).await;
    for before in 0..step {
        life.step(before).await;
    }
    let monitor = Monitor::start(server).await;
    life.step(step).await;
    let seen = monitor.end(server).await;
    seen.into_iter().filter(|seen| !READS.contains(&seen.name().as_str())).collect()
}

/// Writes by hand what a step was seen to write.
async fn apply(server: &Redis, writes: &[Seen]) {
    let mut connection = server.connect().await;
    for write in writes {
        let mut command = redis::Cmd::new();
        command.arg(&write.words);
        command.query_async::<redis::Value>(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn half_a_step_strands_nothing_and_repeats_nothing() {
    let server = Redis::start().await;
    for step in 0..STEPS {
        let writes = writes(&server, step).await;
        for torn in 0..=writes.len() {
            let mut life = Life::begin(&server).await;
            for before in 0..step {
                life.step(before).await;
            }
            apply(&server, &writes[..torn]).await;
            // A delivery that was not acknowledged comes again.
            life.ingest("d-1").await;
            life.ingest("d-2").await;
            let case = format!("step {step}, {torn} of {} writes", writes.len());
            assert_worked_off(&life, &case).await;
        }
    }
}

async fn assert_worked_off(life: &Life, case: &str) {
    let finished = life.work_off().await;
    let distinct: BTreeSet<&String> = finished.iter().collect();
    assert_eq!(distinct.len(), finished.len(), "{case}: finished twice: {finished:?}");
    let status = life.store.queue().await.unwrap();
    assert_eq!(status, QueueStatus::default(), "{case}");
    let ids = ["d-1", "d-2"].map(|delivery_id| delivery(delivery_id, &life.clock).id);
    for id in &ids {
        let event = life.store.event(id).await.unwrap().unwrap();
        assert_eq!(
            (event.state, event.verdict),
            (EventState::Finished, Reason::Moved.into()),
            "{case}: {id}"
        );
        let keys: Vec<_> = event.tickets.iter().map(|ticket| ticket.key.as_str()).collect();
        assert_eq!(keys, ["SHOP-1", "SHOP-2", "OLD-1"], "{case}");
        let traces = life.store.ticket_traces(id).await.unwrap();
        assert!(traces[..2].iter().all(|trace| trace.reason == Reason::Moved), "{case}: {traces:?}");
    }
    for key in ["SHOP-1", "SHOP-2"] {
        let of_ticket: Vec<_> = finished.iter().filter(|job| job.contains(key)).collect();
        assert!(
            of_ticket.last().is_some_and(|job| job.starts_with(ids[1].as_str())),
            "{case}: {of_ticket:?}"
        );
    }
}

#[tokio::test]
async fn an_event_half_fanned_out_goes_on_as_planned_whatever_the_rules_say_by_then() {
    let server = Redis::start().await;
    let writes = writes(&server, 2).await;
    let planned = writes.iter().position(|seen| seen.keys().any(|key| key.contains(":pl:"))).unwrap();
    let mut life = Life::begin(&server).await;
    life.step(0).await;
    life.step(1).await;
    apply(&server, &writes[..=planned]).await;

    let item = first_waiting(&life.store).await;
    life.store.route(&item, &to_tickets(&["NEW-7"])).await.unwrap();
    let claims = claim_all(&life.store).await;
    assert_eq!(super::super::given::keys(&claims), ["SHOP-1", "SHOP-2"]);
}

#[tokio::test]
async fn a_script_touches_keys_of_one_slot_only() {
    let server = Redis::start().await;
    let mut life = Life::begin(&server).await;
    let monitor = Monitor::start(&server).await;
    for step in 0..STEPS {
        life.step(step).await;
    }
    life.store.replay(&delivery("d-1", &life.clock).id, conduit::store::ReplayScope::All, &[]).await.unwrap();
    life.work_off().await;
    life.store.pause("jira", &by_hand("a test")).await.unwrap();
    life.clock.advance(RETENTION * 2);
    assert!(life.store.tidy(RETENTION).await.unwrap().removed > 0);
    let mut of_script = BTreeSet::new();
    let mut scripts = 0;
    for seen in monitor.end(&server).await {
        if !seen.by_script {
            scripts += usize::from(seen.name() == "EVALSHA");
            of_script.clear();
        }
        let tags = seen.keys().map(|key| {
            let (_, rest) = key.split_once('{').unwrap_or_else(|| panic!("{key} has no tag"));
            rest.split_once('}').unwrap().0.to_owned()
        });
        if seen.name() != "BLPOP" {
            of_script.extend(tags);
        }
        assert!(of_script.len() <= 1, "{of_script:?} in one step: {seen:?}");
    }
    assert!(scripts > 20, "{scripts} scripts were seen");
}
