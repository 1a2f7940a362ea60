//! Which server a partition is on: always the same one, the master that Sentinels name, or a node of a cluster.
//!
//! The map of it is drawn at the first call, and again whenever an answer says that it is out of date: a lost
//! connection, a server that has become a replica, a slot that lives elsewhere now. A call that failed for such a
//! reason goes once to the server that is the right one by the new map; if there is none, the store is unavailable, and
//! the next call looks again. So a failover needs no restart.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, ScriptInvocation, ServerErrorKind};
use tokio::sync::Mutex;

use super::address::{self, Address, Place};
use super::keys::Home;
use super::node::{Call, Node, Replicas};
use super::{cluster, sentinel};
use crate::store::{Result, StoreError};

/// How long drawing a map may take.
const LOOK: Duration = Duration::from_secs(3);
/// How long a map that was just drawn is good enough, whatever fails.
const FRESH: Duration = Duration::from_millis(100);
/// How often a cluster is asked for hints while somebody waits for work.
const HINTS_EVERY: Duration = Duration::from_millis(50);

/// All connections of one store.
pub(super) struct Link {
    place: Place,
    /// How many replicas must have a delivery before it is accepted.
    wait: u32,
    /// Whom to ask who serves what: the Sentinels, or the nodes that a cluster's address names.
    guides: Vec<Arc<Node>>,
    map: ArcSwap<Map>,
    drawn: Mutex<Option<Instant>>,
}

/// Who serves what.
#[derive(Default)]
struct Map {
    masters: Vec<Arc<Node>>,
    /// First and last slot, and the place among the masters of who serves them.
    slots: Vec<(u16, u16, usize)>,
}

impl Map {
    fn of_one(master: Arc<Node>) -> Self {
        Self { masters: vec![master], slots: vec![(0, u16::MAX, 0)] }
    }

    fn master(&self, home: Home) -> Option<&Arc<Node>> {
        let slot = home.slot();
        let (_, _, master) = self.slots.iter().find(|(first, last, _)| (*first..=*last).contains(&slot))?;
        self.masters.get(*master)
    }

    fn named(&self, name: &str) -> Option<&Arc<Node>> {
        self.masters.iter().find(|node| node.name() == name)
    }
}

/// What showed that a map is out of date.
struct Failure {
    /// Who failed.
    node: String,
    /// Who was said to be the right one.
    told: Option<String>,
}

impl Failure {
    /// Whether a node is asked first, like all, or last.
    fn place(&self, node: &str) -> u8 {
        match self.told.as_deref() {
            Some(told) if told == node => 0,
            _ if self.node == node => 2,
            _ => 1,
        }
    }
}

impl Link {
    /// Prepares connections; none is made yet.
    pub(super) fn new(address: Address) -> Result<Self> {
        let node = |info: &redis::ConnectionInfo| Node::new(info.clone()).map(Arc::new);
        let (guides, map) = match &address.place {
            Place::Server(info) => (Vec::new(), Map::of_one(node(info)?)),
            Place::Sentinels { sentinels: guides, .. } | Place::Cluster(guides) => {
                (guides.iter().map(node).collect::<Result<_>>()?, Map::default())
            }
        };
        let (place, wait) = (address.place, address.wait);
        Ok(Self { place, wait, guides, map: ArcSwap::from_pointee(map), drawn: Mutex::default() })
    }

    /// Whether it is a cluster that the address names.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.place, Place::Cluster(_))
    }

    /// How many replicas must have a delivery, when the address may lead to another server after a failover.
    pub(super) fn fails_over(&self) -> Option<u32> {
        (!matches!(self.place, Place::Server(_))).then_some(self.wait)
    }

    /// Runs a script, loading it where the server does not know it.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        home: Home,
        call: &ScriptInvocation<'_>,
    ) -> Result<T> {
        self.run(home, Call::Script(call)).await
    }

    /// Runs a script whose writes must be on as many replicas as the address asks for.
    pub(super) async fn accept<T: FromRedisValue>(
        &self,
        home: Home,
        call: &ScriptInvocation<'_>,
    ) -> Result<T> {
        if self.wait == 0 {
            return self.script(home, call).await;
        }
        let replicas = Replicas { number: self.wait, mark: home.key("waited") };
        self.run(home, Call::Replicated(call, &replicas)).await
    }

    /// Runs a short command.
    pub(super) async fn command<T: FromRedisValue>(&self, home: Home, command: &Cmd) -> Result<T> {
        self.run(home, Call::Command(command)).await
    }

    /// Runs short commands in one round trip.
    pub(super) async fn commands<T: FromRedisValue>(&self, home: Home, commands: &Pipeline) -> Result<T> {
        self.run(home, Call::Commands(commands)).await
    }

    /// Asks for long answers, in one round trip.
    pub(super) async fn ask<T: FromRedisValue>(&self, home: Home, questions: &Pipeline) -> Result<T> {
        self.run(home, Call::Long(questions)).await
    }

    async fn run<T: FromRedisValue>(&self, home: Home, call: Call<'_>) -> Result<T> {
        let node = self.master(home).await?;
        match node.run(call).await {
            Err(error) if self.is_out_of_date(&error) => {
                self.draw_again(&node, &error).await;
                match self.map.load().master(home) {
                    Some(other) if !Arc::ptr_eq(other, &node) => Ok(other.clone().run(call).await?),
                    _ => Err(error.into()),
                }
            }
            answer => Ok(answer?),
        }
    }

    /// The master of a partition by the map there is, or by the first one.
    pub(super) async fn master(&self, home: Home) -> Result<Arc<Node>> {
        if let Some(node) = self.map.load().master(home) {
            return Ok(Arc::clone(node));
        }
        self.draw(None).await?;
        let none =
            || StoreError::Unavailable("no node of the Redis cluster serves this part of it".to_owned());
        self.map.load().master(home).cloned().ok_or_else(none)
    }

    /// All masters there are.
    pub(super) async fn masters(&self) -> Result<Vec<Arc<Node>>> {
        if self.map.load().masters.is_empty() {
            self.draw(None).await?;
        }
        Ok(self.map.load().masters.clone())
    }

    /// Whether an error may mean that another server is the right one by now.
    fn is_out_of_date(&self, error: &RedisError) -> bool {
        use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly};
        let elsewhere = [Moved, ReadOnly, ClusterDown, MasterDown, BusyLoading].map(ErrorKind::Server);
        !matches!(self.place, Place::Server(_)) && (error.is_io_error() || elsewhere.contains(&error.kind()))
    }

    /// Draws the map anew after `failed` did not do. That it cannot be drawn now is no worse than that failure.
    async fn draw_again(&self, failed: &Arc<Node>, error: &RedisError) {
        let failure =
            Failure { node: failed.name(), told: error.redirect_node().map(|(name, _)| name.to_owned()) };
        if let Err(error) = self.draw(Some(&failure)).await {
            tracing::debug!(%error, "the servers could not be asked who serves what");
        }
    }

    async fn draw(&self, failure: Option<&Failure>) -> Result<()> {
        let seen = self.map.load_full();
        let mut drawn = self.drawn.lock().await;
        // Somebody else may have drawn it while we waited for our turn, or just before.
        let is_news = seen.masters.is_empty() || failure.is_some_and(|failure| failure.told.is_some());
        let fresh = drawn.is_some_and(|at| at.elapsed() < FRESH);
        if (fresh && !is_news) || !Arc::ptr_eq(&seen, &self.map.load_full()) {
            return Ok(());
        }
        // Rare and deep: its state need not be part of every call.
        let map = Box::pin(self.new_map(&seen, failure));
        let map = tokio::time::timeout(LOOK, map).await;
        *drawn = Some(Instant::now());
        self.map.store(Arc::new(map.map_err(|_| silent())??));
        Ok(())
    }

    async fn new_map(&self, old: &Map, failure: Option<&Failure>) -> Result<Map> {
        match &self.place {
            Place::Server(info) => Ok(Map::of_one(node_at(old, info.clone())?)),
            Place::Sentinels { master, server, .. } => self.master_by_sentinels(old, master, server).await,
            Place::Cluster(_) => self.slots_by_nodes(old, failure).await,
        }
    }

    async fn master_by_sentinels(
        &self,
        old: &Map,
        master: &str,
        server: &redis::ConnectionInfo,
    ) -> Result<Map> {
        let mut why = silent();
        for guide in &self.guides {
            let found = async {
                let (host, port) = sentinel::ask(guide, master).await?;
                let node = node_at(old, address::elsewhere(server, &host, port))?;
                Ok::<_, StoreError>((sentinel::is_master(&node).await?, node))
            };
            match found.await {
                Ok((true, node)) => return Ok(Map::of_one(node)),
                Ok((false, node)) => {
                    why = StoreError::Unavailable(format!(
                        "the Sentinels name {} as the master, and it is a replica: a failover is under way",
                        node.name()
                    ));
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Who is said to have the slot now is asked first, others may not have heard of it; who failed is asked last: it
    /// may be silent, or the last one to hear of its own replacement.
    async fn slots_by_nodes(&self, old: &Map, failure: Option<&Failure>) -> Result<Map> {
        let mut guides: Vec<&Arc<Node>> = old.masters.iter().chain(&self.guides).collect();
        guides.sort_by_key(|guide| failure.map_or(1, |failure| failure.place(&guide.name())));
        let mut why = silent();
        for guide in guides {
            match cluster::ask(guide).await {
                Ok(ranges) if !ranges.is_empty() => return self.map_of(old, guide, &ranges),
                Ok(_) => why = StoreError::Unavailable("the Redis cluster has no slots assigned".to_owned()),
                Err(error) if cluster::is_no_cluster(&error) => {
                    return Err(StoreError::Unfit(
                        "this Redis is no cluster: begin the address with redis://, or rediss:// for TLS"
                            .to_owned(),
                    ));
                }
                Err(error) => why = error.into(),
            }
        }
        Err(why)
    }

    fn map_of(&self, old: &Map, guide: &Node, ranges: &[cluster::Range]) -> Result<Map> {
        let mut map = Map::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for range in ranges {
            let info = address::elsewhere(guide.info(), &range.host, range.port);
            let name = address::name(&info);
            let place = if let Some(place) = places.get(&name) {
                *place
            } else {
                let known = self.guides.iter().find(|node| node.name() == name).cloned();
                map.masters.push(known.map_or_else(|| node_at(old, info), Ok)?);
                places.insert(name, map.masters.len() - 1);
                map.masters.len() - 1
            };
            map.slots.push((range.first, range.last, place));
        }
        Ok(map)
    }

    /// Those of the partitions in which one of the keys exists: each server is asked once. One that is away is
    /// passed over; when all are, that is the answer.
    pub(super) async fn occupied(&self, homes: &[Home], names: &[&str]) -> Result<Vec<Home>> {
        let groups = self.by_master(homes).await?;
        let asked = groups.into_iter().map(async |homes| {
            let mut exist = redis::pipe();
            for home in &homes {
                exist.cmd("EXISTS");
                for name in names {
                    exist.arg(home.key(name));
                }
            }
            let first = homes.first().copied().unwrap_or(Home::Config);
            let found: Vec<u32> = self.commands(first, &exist).await?;
            Ok(homes.into_iter().zip(found).filter(|(_, found)| *found > 0).map(|(home, _)| home).collect())
        });
        let answers: Vec<Vec<Home>> = whoever_answers(join_all(asked).await)?;
        let found: Vec<Home> = answers.concat();
        Ok(homes.iter().copied().filter(|home| found.contains(home)).collect())
    }

    /// The partitions, those of one server together.
    async fn by_master(&self, homes: &[Home]) -> Result<Vec<Vec<Home>>> {
        let mut groups: Vec<(String, Vec<Home>)> = Vec::new();
        let masters: Vec<(Home, Result<Arc<Node>>)> =
            join_all(homes.iter().map(async |home| (*home, self.master(*home).await))).await;
        let mut failed = None;
        for (home, master) in masters {
            match master {
                Ok(master) => match groups.iter_mut().find(|(name, _)| *name == master.name()) {
                    Some((_, group)) => group.push(home),
                    None => groups.push((master.name(), vec![home])),
                },
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if groups.is_empty() => Err(error),
            _ => Ok(groups.into_iter().map(|(_, homes)| homes).collect()),
        }
    }

    /// Waits until there is a hint in one of the partitions, and takes it off, or until `most` is over.
    ///
    /// One server is waited at in one blocking call. A cluster allows that for one slot only, so its nodes are
    /// looked at in turns: cheaper than a blocked connection for each partition of each process.
    pub(super) async fn wait(&self, homes: &[Home], most: Duration) {
        if self.is_cluster() {
            let _ = tokio::time::timeout(most, self.poll(homes)).await;
            return;
        }
        let lists: Vec<String> = homes.iter().map(|home| home.key("wake")).collect();
        match self.master(Home::Config).await {
            Ok(node) => node.wait(&lists, most).await,
            Err(_) => tokio::time::sleep(most).await,
        }
    }

    async fn poll(&self, homes: &[Home]) {
        loop {
            if let Ok(groups) = self.by_master(homes).await {
                let taken = groups.into_iter().map(async |homes| {
                    let mut pops = redis::pipe();
                    for home in &homes {
                        pops.lpop(home.key("wake"), None);
                    }
                    let first = homes.first().copied().unwrap_or(Home::Config);
                    self.commands::<Vec<Option<Vec<u8>>>>(first, &pops).await.unwrap_or_default()
                });
                if join_all(taken).await.into_iter().flatten().any(|hint| hint.is_some()) {
                    return;
                }
            }
            tokio::time::sleep(HINTS_EVERY).await;
        }
    }
}

/// Asks each of the partitions at once, see [`whoever_answers`].
pub(super) async fn each<H, T, F>(homes: impl IntoIterator<Item = H>, ask: impl Fn(H) -> F) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    whoever_answers(join_all(homes.into_iter().map(ask)).await)
}

/// What those answered who did. One part that is away, or damaged, stops none of the others; when nobody
/// answers, the first error is the answer.
fn whoever_answers<T>(answers: Vec<Result<T>>) -> Result<Vec<T>> {
    let (mut given, mut failed) = (Vec::with_capacity(answers.len()), None);
    for answer in answers {
        match answer {
            Ok(answer) => given.push(answer),
            Err(error) => {
                tracing::debug!(%error, "a part of Redis does not answer");
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        Some(error) if given.is_empty() => Err(error),
        _ => Ok(given),
    }
}

fn node_at(old: &Map, info: redis::ConnectionInfo) -> Result<Arc<Node>> {
    match old.named(&address::name(&info)) {
        Some(node) => Ok(Arc::clone(node)),
        None => Ok(Arc::new(Node::new(info)?)),
    }
}

fn silent() -> StoreError {
    StoreError::Unavailable("no server of the Redis address answers who serves what".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_that_is_away_stops_none_of_the_others() {
        let away = || StoreError::Unavailable("away".into());
        assert_eq!(whoever_answers(vec![Ok(1), Err(away()), Ok(3)]).unwrap(), [1, 3]);
        assert!(
            matches!(whoever_answers::<u8>(vec![Err(away()), Err(silent())]), Err(StoreError::Unavailable(why)) if why == "away")
        );
        assert!(whoever_answers::<u8>(vec![]).unwrap().is_empty());
    }
}
