//! What runs: the store, one or two `serve`, the workers and the simulated Jira, in a folder and on ports of their
//! own, under a supervisor that starts again what has ended.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jira_sim::JiraSim;
use reqwest::{Client, Method};
use serde_json::Value;

use super::board;
use crate::instance;
use crate::process::{self, Process, answers, free_address};

/// How often the supervisor looks.
const SUPERVISE: Duration = Duration::from_millis(200);
/// How many tickets a worker works on at once.
const AT_ONCE: &str = "8";

/// What is to run.
pub(super) struct Plan<'a> {
    pub(super) program: &'a Path,
    pub(super) folder: PathBuf,
    pub(super) redis: bool,
    pub(super) spool: bool,
    pub(super) workers: usize,
    pub(super) lease: Duration,
    pub(super) keys: &'a [String],
}

/// Everything that runs.
pub(super) struct World {
    pub(super) jira: JiraSim,
    pub(super) redis: Option<Kept>,
    pub(super) serves: Vec<(SocketAddr, Kept)>,
    pub(super) workers: Vec<Kept>,
    pub(super) http: Client,
}

/// A process that is started again when it ends.
pub(super) struct Kept {
    name: &'static str,
    slot: Mutex<Slot>,
}

struct Slot {
    process: Process,
    /// We ended it.
    killed: bool,
    /// It stays away until then.
    away_until: Instant,
}

impl World {
    /// Starts it all and registers the hook.
    pub(super) async fn start(plan: &Plan<'_>) -> anyhow::Result<Self> {
        board::write_config(&plan.folder.join("config"))?;
        let jira = board::start(plan.keys, plan.workers).await?;
        let (redis, store) = store(plan).await?;
        let conduit = Conduit { plan, store, jira: jira.url() };
        let mut serves = Vec::new();
        // Between several `serve` with spools, no order is promised.
        for number in 0..=usize::from(plan.redis && !plan.spool) {
            let (address, kept) = conduit.serve(number)?;
            instance::ready(address).await.with_context(|| conduit.log_of("serve", number))?;
            serves.push((address, kept));
        }
        let workers = (0..plan.workers).map(|number| conduit.worker(number)).collect::<Result<_, _>>()?;
        let http = Client::builder().timeout(Duration::from_secs(10)).build()?;
        let world = Self { jira, redis, serves, workers, http };
        instance::register_hook(&world.http, world.first_serve()?).await?;
        Ok(world)
    }

    fn first_serve(&self) -> anyhow::Result<SocketAddr> {
        self.serves.first().map(|(address, _)| *address).context("nothing serves")
    }

    /// Asks the first `serve`.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        instance::api(&self.http, self.first_serve()?, Method::GET, path, None).await
    }

    /// Starts again what has ended, as a supervisor would, and tells of what ended by itself. Never returns.
    pub(super) async fn supervise(&self, tell: impl Fn(&'static str)) {
        loop {
            let kept = self.redis.iter().chain(self.serves.iter().map(|(_, kept)| kept)).chain(&self.workers);
            for kept in kept {
                if let Err(error) = kept.look(&tell) {
                    eprintln!("{}: {error:#}", kept.name);
                }
            }
            tokio::time::sleep(SUPERVISE).await;
        }
    }
}

impl Kept {
    fn start(name: &'static str, command: Command) -> anyhow::Result<Self> {
        let process = Process::start(command)?;
        let slot = Slot { process, killed: false, away_until: Instant::now() };
        Ok(Self { name, slot: Mutex::new(slot) })
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `kill -9`; it stays away for so long.
    pub(super) fn kill(&self, away: Duration) {
        let mut slot = self.slot();
        slot.killed = true;
        slot.away_until = Instant::now() + away;
        slot.process.kill();
    }

    /// `SIGSTOP`.
    pub(super) fn hold(&self) -> anyhow::Result<()> {
        self.slot().process.hold()
    }

    /// `SIGCONT`.
    pub(super) fn go_on(&self) -> anyhow::Result<()> {
        self.slot().process.go_on()
    }

    fn look(&self, tell: impl Fn(&'static str)) -> anyhow::Result<()> {
        let mut slot = self.slot();
        if slot.process.ended().is_none() || Instant::now() < slot.away_until {
            return Ok(());
        }
        if !std::mem::take(&mut slot.killed) {
            tell(self.name);
        }
        slot.process.start_again()
    }
}

async fn store(plan: &Plan<'_>) -> anyhow::Result<(Option<Kept>, String)> {
    if !plan.redis {
        return Ok((None, format!("sqlite:{}", plan.folder.join("conduit.db").display())));
    }
    let address = free_address()?;
    let folder = plan.folder.join("redis");
    std::fs::create_dir(&folder)?;
    let mut command = process::redis_server(address, &folder, "always");
    command.stdout(log_file(&plan.folder, "redis")?);
    let kept = Kept::start("redis", command)?;
    answers(address).await?;
    Ok((Some(kept), format!("redis://{address}")))
}

fn log_file(folder: &Path, name: &str) -> anyhow::Result<File> {
    Ok(File::options().create(true).append(true).open(folder.join(format!("{name}.log")))?)
}

/// How every `conduit` is started.
struct Conduit<'a> {
    plan: &'a Plan<'a>,
    store: String,
    jira: String,
}

impl Conduit<'_> {
    fn serve(&self, number: usize) -> anyhow::Result<(SocketAddr, Kept)> {
        let address = free_address()?;
        let mut command = self.command("serve", number)?;
        command.args(["serve", "--no-workers", "--listen", &address.to_string()]);
        // The sender's events are as old as the sender.
        command.args(["--max-event-age", "0"]);
        if self.plan.spool {
            command.env("CONDUIT_SPOOL", self.plan.folder.join(format!("spool-{number}")));
        }
        Ok((address, Kept::start("serve", command)?))
    }

    fn worker(&self, number: usize) -> anyhow::Result<Kept> {
        let mut command = self.command("worker", number)?;
        command
            .args(["worker", "--workers", AT_ONCE, "--lease"])
            .arg(format!("{}s", self.plan.lease.as_secs()))
            .env("CHAOS_JIRA_URL", &self.jira)
            .env("CHAOS_JIRA_EMAIL", board::email(number))
            .env("CHAOS_JIRA_KEY", board::API_KEY);
        Kept::start("worker", command)
    }

    fn command(&self, name: &str, number: usize) -> anyhow::Result<Command> {
        let log = log_file(&self.plan.folder, &format!("{name}-{number}"))?;
        let mut command =
            instance::command(self.plan.program, &self.plan.folder.join("config"), &self.store)?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    fn log_of(&self, name: &str, number: usize) -> String {
        let path = self.plan.folder.join(format!("{name}-{number}.log"));
        format!("its log: {}", std::fs::read_to_string(path).unwrap_or_default())
    }
}
