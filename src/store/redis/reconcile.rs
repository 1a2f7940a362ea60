//! After a restart of Redis: what is in its file is written anew, and every ticket with work is looked for.
//!
//! A file that was torn in the middle of a script may be loaded with half of it (see `scripts`). The scripts mend what
//! they meet; a ticket that none of them would meet is found here: *a ticket with jobs is in one of ready, lease,
//! delay.* A restart, or another master, shows as a run id that is not the one that a job partition was looked
//! through under. Then its queues are listed in small steps, beside the work that goes on, and whatever does not
//! stand where it should is put there; a script decides, so that nothing that moved meanwhile is moved twice.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::RedisStore;
use super::keys::Home;
use super::link::each;
use super::node::{Call, Node};
use crate::store::Result;

/// Keys looked at in one step.
const AT_ONCE: usize = 1000;
/// Entries of a ready list read at once.
const ENTRIES: isize = 1000;
/// Steps of one upkeep.
const STEPS: usize = 20;

/// How far the looking through of each job partition is.
#[derive(Default)]
pub(super) struct Reconciler(Mutex<BTreeMap<Home, Progress>>);

/// One partition that is being looked through.
struct Progress {
    /// The server's run that it is looked through under.
    run: String,
    /// Where the listing of keys goes on.
    cursor: u64,
    /// Hashes of the tickets that were ready when it began. Some megabytes for a million of them.
    ready: HashSet<u64>,
}

impl RedisStore {
    /// Looks whether a server was started anew, and through its job partitions if so, a few steps at a time.
    pub(super) async fn reconcile(&self) -> Result<()> {
        // One at a time in a process; between processes it only costs.
        let Ok(mut progress) = self.reconciler.0.try_lock() else { return Ok(()) };
        let homes: Vec<Home> = self.layout.jobs().collect();
        let mut rewritten = HashSet::new();
        for (home, run, node) in each(homes, |home| self.new_run(home)).await?.into_iter().flatten() {
            if progress.get(&home).is_none_or(|known| known.run != run) {
                if rewritten.insert(node.name()) {
                    rewrite_file(&node).await;
                }
                let ready = self.ready_tickets(home).await?;
                progress.insert(home, Progress { run, cursor: 0, ready });
            }
        }
        let mut steps = STEPS;
        while let Some(mut next) = progress.first_entry().filter(|_| steps > 0) {
            steps -= 1;
            let home = *next.key();
            if self.look_through(home, next.get_mut()).await? {
                let ended = next.remove();
                self.mark_run(home, &ended.run).await?;
            }
        }
        Ok(())
    }

    /// The run of a partition's server, when it is another than the one that the partition was looked through
    /// under. One that never had a ticket need not be.
    pub(super) async fn new_run(&self, home: Home) -> Result<Option<(Home, String, Arc<Node>)>> {
        let node = self.link.master(home).await?;
        let mut reads = redis::pipe();
        reads.cmd("INFO").arg("server").get(home.key("run")).exists(home.key("turn"));
        let (info, seen, used): (String, Option<String>, bool) = self.link.commands(home, &reads).await?;
        let run = info.lines().find_map(|line| line.trim_end().strip_prefix("run_id:"));
        let Some(run) = run.filter(|run| seen.as_deref() != Some(*run)) else { return Ok(None) };
        if !used {
            self.mark_run(home, run).await?;
            return Ok(None);
        }
        Ok(Some((home, run.to_owned(), node)))
    }

    async fn mark_run(&self, home: Home, run: &str) -> Result<()> {
        let mut call = self.scripts.mark_run.key(home.prefix());
        call.arg(run);
        self.link.script(home, &call).await
    }

    /// Hashes of the tickets in a partition's ready lists.
    async fn ready_tickets(&self, home: Home) -> Result<HashSet<u64>> {
        let mut ready = HashSet::new();
        let lists: Vec<String> = self.link.script(home, &self.scripts.ready_lists.key(home.prefix())).await?;
        for list in lists {
            for first in (0..).step_by(ENTRIES.unsigned_abs()) {
                let mut range = redis::pipe();
                range.lrange(&list, first, first + ENTRIES - 1);
                let (tickets,): (Vec<String>,) = self.link.ask(home, &range).await?;
                let last = tickets.len() < ENTRIES.unsigned_abs();
                ready.extend(tickets.iter().map(|ticket| hash(ticket)));
                if last {
                    break;
                }
            }
        }
        Ok(ready)
    }

    /// One step through the keys of a partition's server; `true` after the last.
    async fn look_through(&self, home: Home, progress: &mut Progress) -> Result<bool> {
        let queues = home.key("g:");
        let mut scan = redis::pipe();
        scan.cmd("SCAN")
            .arg(progress.cursor)
            .arg("MATCH")
            .arg(format!("{queues}*"))
            .arg("COUNT")
            .arg(AT_ONCE);
        let ((cursor, keys),): ((u64, Vec<String>),) = self.link.ask(home, &scan).await?;
        let tickets = keys.iter().filter_map(|key| key.strip_prefix(&queues));
        let missing: Vec<&str> = tickets.filter(|ticket| !progress.ready.contains(&hash(ticket))).collect();
        if !missing.is_empty() {
            let mut call = self.scripts.reconcile.key(home.prefix());
            call.arg(&missing);
            let mended: Vec<String> = self.link.script(home, &call).await?;
            for ticket in mended {
                tracing::warn!(
                    ticket,
                    "a ticket stood nowhere after Redis was started anew; it is ready again"
                );
            }
        }
        progress.cursor = cursor;
        Ok(cursor == 0)
    }
}

/// A file that ends in half a command, or half a script, is better written anew than added to.
async fn rewrite_file(node: &Node) {
    tracing::info!(server = node.name(), "Redis was started anew: its queues are looked through");
    let rewritten = node.run::<String>(Call::Command(&redis::cmd("BGREWRITEAOF"))).await;
    if let Err(error) = rewritten {
        tracing::debug!(%error, "Redis does not write its file anew now");
    }
}

fn hash(ticket: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    ticket.hash(&mut hasher);
    hasher.finish()
}
