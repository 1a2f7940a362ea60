//! A store on Redis to be copied from or to.
//!
//! Running processes say so every few seconds, under a key that expires (see [`RedisStore::say_present`]): Redis itself keeps
//! nobody out. Whatever slips in between is found when the two sides are compared.

mod events;
mod import;
mod queues;
mod reading;

use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::keys::Home;
use super::node::Call;
use crate::clock::Clock;
use crate::store::copy::{Copyable, Item, MARK, Reading, Standing};
use crate::store::{Result, StoreError};
use crate::trace::Outcome;

/// How long a sign of life lasts, in seconds. Shorter than a copy waits for quiet.
const PRESENT: u64 = 15;

/// Keys looked at in one step.
const SCANNED: usize = 1000;

/// Nothing is older.
const KEEP_ALL: Duration = Duration::MAX;

impl RedisStore {
    /// Opens the store to be copied from or to, even when it is half a copy.
    pub async fn open_to_copy(url: &str, clock: Clock) -> Result<Self> {
        Self::connect(url, clock).await
    }

    /// Refuses half a copy. See [`crate::store::copy`].
    pub(super) async fn refuse_half(&self) -> Result<()> {
        if !self.is_marked().await? {
            return Ok(());
        }
        Err(StoreError::Unfit(
            "this Redis holds half a copy: `conduit store copy` into it was broken off. Run it again, or name \
             another store"
                .to_owned(),
        ))
    }

    async fn is_marked(&self) -> Result<bool> {
        let mut mark = redis::cmd("HEXISTS");
        mark.arg(settings()).arg(MARK);
        self.link.command(Home::Config, &mark).await
    }

    /// Says that a process is at work. Bears a full Redis.
    pub(super) async fn say_present(&self) -> Result<()> {
        let mut call = self.scripts.present.key(Home::Config.key("present"));
        call.arg(PRESENT);
        self.link.script(Home::Config, &call).await
    }

    async fn worker_in(&self, home: Home) -> Result<bool> {
        let mut look = redis::pipe();
        look.cmd("TIME").cmd("ZRANGE").arg(home.key("lease")).arg(0).arg(0).arg("REV").arg("WITHSCORES");
        let ((seconds, _), leases): ((i64, i64), Vec<(String, i64)>) = self.link.ask(home, &look).await?;
        Ok(leases.iter().any(|(_, until)| *until > seconds * 1000 + self.clock.ahead_ms()))
    }

    /// Whether any of these keys of a partition exists.
    async fn has(&self, home: Home, names: &[String]) -> Result<bool> {
        let mut exist = redis::cmd("EXISTS");
        for name in names {
            exist.arg(home.key(name));
        }
        Ok(self.link.command::<u64>(home, &exist).await? > 0)
    }

    /// Removes everything but the settings, which bear the mark.
    async fn remove_all(&self) -> Result<()> {
        for master in self.link.masters().await? {
            let mut cursor = 0_u64;
            loop {
                let mut scan = redis::pipe();
                scan.cmd("SCAN").arg(cursor).arg("MATCH").arg("conduit:{*}:*").arg("COUNT").arg(SCANNED);
                let ((next, keys),): ((u64, Vec<Vec<u8>>),) = master.run(Call::Long(&scan)).await?;
                let mut removal = redis::pipe();
                for key in keys.iter().filter(|key| **key != settings().into_bytes()) {
                    removal.unlink(key).ignore();
                }
                if !removal.is_empty() {
                    master.run::<()>(Call::Long(&removal)).await?;
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        let names = self.setting_names().await?;
        let mut removal = redis::pipe();
        for name in names.iter().filter(|name| ![MARK, "partitions"].contains(&name.as_str())) {
            removal.hdel(settings(), name).ignore();
        }
        if removal.is_empty() { Ok(()) } else { self.link.commands(Home::Config, &removal).await }
    }

    async fn setting_names(&self) -> Result<Vec<String>> {
        let mut names = redis::cmd("HKEYS");
        names.arg(settings());
        self.link.command(Home::Config, &names).await
    }
}

fn settings() -> String {
    Home::Config.key("settings")
}

/// The indexes of which each event is in one.
fn outcome_indexes() -> impl Iterator<Item = String> {
    Outcome::ALL.iter().map(|outcome| format!("ix:s:{}", outcome.as_str()))
}

#[async_trait]
impl Copyable for RedisStore {
    async fn at_work(&self) -> Result<Option<String>> {
        if self.has(Home::Config, &["present".to_owned()]).await? {
            return Ok(Some(format!("a process gave a sign of life within the last {PRESENT} seconds")));
        }
        for home in self.layout.jobs() {
            if self.worker_in(home).await? {
                return Ok(Some(
                    "a worker that has not parted holds a ticket until its lease is over".to_owned(),
                ));
            }
        }
        Ok(None)
    }

    async fn put_in_order(&self) -> Result<()> {
        loop {
            let tidied = self.upkeep(KEEP_ALL).await?;
            if tidied.reaped == 0 && tidied.carried == 0 {
                break;
            }
        }
        for home in self.layout.jobs() {
            while self.new_run(home).await?.is_some() {
                self.reconcile().await?;
            }
        }
        Ok(())
    }

    async fn events(&self) -> Result<u64> {
        let mut all = 0;
        for home in self.layout.events() {
            let mut count = redis::pipe();
            for index in outcome_indexes() {
                count.zcard(home.key(&index));
            }
            all += self.link.commands::<Vec<u64>>(home, &count).await?.into_iter().sum::<u64>();
        }
        Ok(all)
    }

    fn read(&self) -> Box<dyn Reading + '_> {
        Box::new(reading::Export::new(self))
    }

    async fn standing(&self) -> Result<Standing> {
        if self.is_marked().await? {
            return Ok(Standing::Half);
        }
        let set = self.setting_names().await?.iter().any(|name| name != "partitions");
        let names = ["hooks", "tokens", "audit"].map(str::to_owned);
        let mut used = set || self.has(Home::Config, &names).await?;
        let names: Vec<String> = outcome_indexes().chain(["in".to_owned()]).collect();
        for home in self.layout.events() {
            used = used || self.has(home, &names).await?;
        }
        let names = ["turn", "paused"].map(str::to_owned);
        for home in self.layout.jobs() {
            used = used || self.has(home, &names).await?;
        }
        Ok(if used { Standing::Whole } else { Standing::Empty })
    }

    async fn begin(&self) -> Result<()> {
        let mut mark = redis::cmd("HSET");
        mark.arg(settings()).arg(MARK).arg("");
        self.link.command::<()>(Home::Config, &mark).await?;
        self.remove_all().await
    }

    async fn write(&self, items: Vec<Item>) -> Result<u64> {
        self.import(&items).await.map(|()| 0)
    }

    async fn end(&self) -> Result<()> {
        let mut unmark = redis::cmd("HDEL");
        unmark.arg(settings()).arg(MARK);
        self.link.command(Home::Config, &unmark).await
    }
}
