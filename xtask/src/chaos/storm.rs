//! The faults: what is killed and held, and how Jira misbehaves. Each victim has a tormentor of its own, and each
//! tormentor a seed of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::Timestamp;
use jira_sim::{Fault, Gate, When};
use tokio::task::JoinSet;

use super::board;
use super::ledger::Pause;
use super::world::{Kept, World};

/// A storm over a world, and what it has done.
pub(super) struct Storm {
    pub(super) world: World,
    pub(super) lease: Duration,
    ends: Instant,
    counts: Mutex<BTreeMap<String, usize>>,
    pauses: Mutex<Vec<Pause>>,
}

impl Storm {
    pub(super) fn new(world: World, lease: Duration, lasts: Duration) -> Self {
        Self {
            world,
            lease,
            ends: Instant::now() + lasts,
            counts: Mutex::default(),
            pauses: Mutex::default(),
        }
    }

    /// Sleeps, and says whether it still rages then.
    pub(super) async fn rages_after(&self, time: Duration) -> bool {
        tokio::time::sleep(time.min(self.left())).await;
        !self.left().is_zero()
    }

    /// What is left of it.
    pub(super) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Counts something.
    pub(super) fn count(&self, what: &str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what.to_owned()).or_default() += 1;
    }

    /// What was counted.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When workers stood still for longer than a lease.
    pub(super) fn pauses(&self) -> Vec<Pause> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the tormentors on everything that runs.
    pub(super) fn break_out(self: &Arc<Self>, seed: u64) -> JoinSet<anyhow::Result<()>> {
        let mut tormentors = JoinSet::new();
        let mut seeds = Rng::with_seed(seed);
        for worker in 0..self.world.workers.len() {
            let (storm, rng) = (Arc::clone(self), seeds.fork());
            tormentors.spawn(async move { storm.torment_worker(worker, rng).await });
        }
        let (storm, rng) = (Arc::clone(self), seeds.fork());
        tormentors.spawn(async move { storm.torment_serves(rng).await });
        let (storm, rng) = (Arc::clone(self), seeds.fork());
        tormentors.spawn(async move { storm.torment_redis(rng).await });
        let (storm, rng) = (Arc::clone(self), seeds.fork());
        tormentors.spawn(async move { storm.torment_jira(rng).await });
        tormentors
    }

    async fn torment_worker(&self, number: usize, mut rng: Rng) -> anyhow::Result<()> {
        let worker = &self.world.workers[number];
        while self.rages_after(between(&mut rng, 1000, 6000)).await {
            if rng.u8(0..100) < 65 {
                worker.kill(between(&mut rng, 0, 1500));
                self.count("worker killed");
                continue;
            }
            let held = Instant::now();
            let until = self.hold(worker, self.lease * 2).await?;
            self.count("worker held for two leases");
            if held.elapsed() > self.lease {
                let pause = Pause { writer: board::writer(number), until };
                self.pauses.lock().unwrap_or_else(PoisonError::into_inner).push(pause);
            }
        }
        Ok(())
    }

    async fn torment_serves(&self, mut rng: Rng) -> anyhow::Result<()> {
        while self.rages_after(between(&mut rng, 3000, 9000)).await {
            let Some((_, serve)) = rng.choice(&self.world.serves) else { break };
            serve.kill(between(&mut rng, 0, 1000));
            self.count("serve killed");
        }
        Ok(())
    }

    async fn torment_redis(&self, mut rng: Rng) -> anyhow::Result<()> {
        let Some(redis) = &self.world.redis else { return Ok(()) };
        while self.rages_after(between(&mut rng, 4000, 12_000)).await {
            if rng.u8(0..100) < 60 {
                redis.kill(between(&mut rng, 0, 2500));
                self.count("redis killed");
            } else {
                self.hold(redis, between(&mut rng, 1000, 6000)).await?;
                self.count("redis held");
            }
        }
        Ok(())
    }

    /// `SIGSTOP`, and `SIGCONT` after so long or when the storm is over: at the time returned.
    async fn hold(&self, kept: &Kept, time: Duration) -> anyhow::Result<Timestamp> {
        kept.hold()?;
        self.rages_after(time).await;
        let until = Timestamp::now();
        kept.go_on()?;
        Ok(until)
    }

    /// One fault waits for its request at any time, mostly; now and then the whole site is away.
    async fn torment_jira(&self, mut rng: Rng) -> anyhow::Result<()> {
        let jira = &self.world.jira;
        while self.rages_after(Duration::from_millis(25)).await {
            if rng.u16(0..1000) == 0 {
                let down = jira.go_down();
                self.count("jira: site down");
                self.rages_after(between(&mut rng, 1000, 4000)).await;
                jira.lift(down);
            }
            if jira.unused_faults() < 2 {
                let (name, fault) = self.fault(&mut rng);
                self.count(name);
                jira.once(When::any().nth(rng.usize(1..=12)), fault);
            }
        }
        Ok(())
    }

    fn fault(&self, rng: &mut Rng) -> (&'static str, Fault) {
        let status = rng.choice([500, 502, 503, 504]).unwrap_or(500);
        match rng.u8(0..12) {
            0..2 => ("jira: slow", self.slow(rng)),
            2 => ("jira: 429", Fault::too_many_requests(None)),
            3 => ("jira: 429 with Retry-After", Fault::too_many_requests(Some(rng.u64(1..=2)))),
            4 => ("jira: 5xx, not applied", Fault::status(status)),
            5 => ("jira: 503 with Retry-After", Fault::unavailable(Some(1))),
            6 => ("jira: 5xx after applying", Fault::apply_then_status(status)),
            7 => ("jira: reset", Fault::drop_connection()),
            8 => ("jira: reset after applying", Fault::apply_then_drop()),
            9 => ("jira: hangs", Fault::hold(&Gate::new())),
            10 => ("jira: hangs after applying", Fault::apply_then_hang()),
            _ => ("jira: half an answer", Fault::truncated()),
        }
    }

    /// Less than a request may take: one that is applied after that is not promised to count once.
    fn slow(&self, rng: &mut Rng) -> Fault {
        let gate = Gate::new();
        let opener = gate.clone();
        let after = between(rng, 20, u64::try_from(self.lease.as_millis()).unwrap_or(5000) / 4);
        tokio::spawn(async move {
            opener.reached().await;
            tokio::time::sleep(after).await;
            opener.open();
        });
        Fault::hold(&gate)
    }
}

fn between(rng: &mut Rng, least: u64, most: u64) -> Duration {
    Duration::from_millis(rng.u64(least..most))
}
