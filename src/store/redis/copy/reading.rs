//! A store on Redis, read from its first thing to its last.

use std::collections::{HashMap, HashSet, VecDeque};

use async_trait::async_trait;

use super::super::RedisStore;
use super::super::keys::Home;
use super::queues::Queues;
use super::settings;
use crate::store::copy::{AT_ONCE, Item, Reading, RunCopy};
use crate::store::{AuditQuery, EventId, Result};

/// Events read at once, with their bodies.
pub(super) const EVENTS_AT_ONCE: usize = 50;

/// How far the reading is.
enum Place {
    Configuration,
    /// Before this cursor.
    Audit(Option<String>),
    /// Those of a partition, from all of its outcomes; the partitions still to come.
    Events(Vec<Strand<EventId>>, VecDeque<Home>),
    Jobs(Box<Queues>),
    /// The inboxes of all partitions.
    Runs(Vec<Strand<RunCopy>>),
    End,
}

/// A sorted list of Redis on the way from its first entry to its last.
pub(super) struct Strand<T> {
    pub(super) home: Home,
    pub(super) key: String,
    /// How many entries were read.
    pub(super) read: isize,
    pub(super) ended: bool,
    /// Entries with when their event was received (µs).
    pub(super) next: VecDeque<(i64, T)>,
    pub(super) seen: HashSet<EventId>,
}

impl<T> Strand<T> {
    pub(super) fn new(home: Home, key: String) -> Self {
        Self { home, key, read: 0, ended: false, next: VecDeque::new(), seen: HashSet::new() }
    }

    /// The range of its next entries, which `found` are.
    pub(super) fn range(&self) -> (isize, isize) {
        (self.read, self.read + AT_ONCE.cast_signed() - 1)
    }

    pub(super) fn took(&mut self, found: usize) {
        self.read += found.cast_signed();
        self.ended = found < AT_ONCE;
    }

    fn is_dry(&self) -> bool {
        self.next.is_empty() && !self.ended
    }
}

/// The first of what all strands have next, as long as that is known.
fn pop_first<T: Ord>(strands: &mut [Strand<T>]) -> Option<T> {
    if strands.iter().any(Strand::is_dry) {
        return None;
    }
    let first = strands.iter_mut().filter(|strand| !strand.next.is_empty());
    first.min_by(|a, b| a.next.front().cmp(&b.next.front()))?.next.pop_front().map(|(_, entry)| entry)
}

/// A reading under way.
pub(super) struct Export<'a> {
    store: &'a RedisStore,
    place: Place,
}

impl<'a> Export<'a> {
    pub(super) fn new(store: &'a RedisStore) -> Self {
        Self { store, place: Place::Configuration }
    }

    fn events_of(home: Home) -> Vec<Strand<EventId>> {
        super::outcome_indexes().map(|index| Strand::new(home, home.key(&index))).collect()
    }

    async fn step(&mut self) -> Result<Vec<Item>> {
        let store = self.store;
        let (items, place) = match std::mem::replace(&mut self.place, Place::End) {
            Place::Configuration => (store.configuration().await?, Place::Audit(None)),
            Place::Audit(cursor) => {
                let query = AuditQuery { cursor, limit: AT_ONCE, ..AuditQuery::default() };
                let page = store.list_audit(&query).await?;
                let next = match page.next {
                    Some(next) => Place::Audit(Some(next)),
                    None => Place::Events(Vec::new(), store.layout.events().collect()),
                };
                (page.items.into_iter().map(Item::Audit).collect(), next)
            }
            Place::Events(strands, homes) => self.events(strands, homes).await?,
            Place::Jobs(mut queues) => {
                let jobs = queues.next(store).await?;
                let place = if jobs.is_empty() { Place::Runs(self.inboxes()) } else { Place::Jobs(queues) };
                (jobs, place)
            }
            Place::Runs(mut strands) => {
                let runs = self.runs(&mut strands).await?;
                let place = if runs.is_empty() { Place::End } else { Place::Runs(strands) };
                (runs, place)
            }
            Place::End => (Vec::new(), Place::End),
        };
        self.place = place;
        Ok(items)
    }

    async fn events(
        &self,
        mut strands: Vec<Strand<EventId>>,
        mut homes: VecDeque<Home>,
    ) -> Result<(Vec<Item>, Place)> {
        let mut ids: Vec<EventId> = Vec::new();
        while ids.len() < EVENTS_AT_ONCE {
            match pop_first(&mut strands) {
                // A torn script may have left it in two.
                Some(id) if ids.last() == Some(&id) => {}
                Some(id) => ids.push(id),
                None if strands.iter().any(Strand::is_dry) => self.store.read_indexes(&mut strands).await?,
                None if !ids.is_empty() => break,
                None => match homes.pop_front() {
                    Some(home) => strands = Self::events_of(home),
                    None => {
                        return Ok((
                            Vec::new(),
                            Place::Jobs(Box::new(Queues::new(self.store.layout.jobs()))),
                        ));
                    }
                },
            }
        }
        Ok((self.store.copies_of(&ids).await?, Place::Events(strands, homes)))
    }

    fn inboxes(&self) -> Vec<Strand<RunCopy>> {
        self.store.layout.events().map(|home| Strand::new(home, home.key("in"))).collect()
    }

    /// What was received first comes first, as far as the order of each partition allows.
    async fn runs(&self, strands: &mut [Strand<RunCopy>]) -> Result<Vec<Item>> {
        let mut runs = Vec::new();
        while runs.len() < AT_ONCE {
            match pop_first(strands) {
                Some(run) => runs.push(Item::Run(run)),
                None if strands.iter().any(Strand::is_dry) => self.store.read_inboxes(strands).await?,
                None => break,
            }
        }
        Ok(runs)
    }
}

#[async_trait]
impl Reading for Export<'_> {
    async fn next(&mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while items.is_empty() && !matches!(self.place, Place::End) {
            items = self.step().await?;
        }
        Ok(items)
    }
}

impl RedisStore {
    async fn configuration(&self) -> Result<Vec<Item>> {
        let mut all = redis::cmd("HGETALL");
        all.arg(settings());
        let values: HashMap<String, String> = self.link.command(Home::Config, &all).await?;
        // What is not a user's is the layout of this very store, or the mark.
        let ours = |(name, value): (String, String)| {
            let name = name.strip_prefix("user:")?;
            Some(Item::Setting(name.to_owned(), value))
        };
        let mut items: Vec<Item> = values.into_iter().filter_map(ours).collect();
        items.extend(self.list_hooks(None).await?.into_iter().map(|hook| Item::Hook(Box::new(hook))));
        items.extend(self.list_tokens().await?.into_iter().map(Item::Token));
        items.extend(self.paused_sites().await?.into_iter().map(Item::Pause));
        Ok(items)
    }

    async fn read_indexes(&self, strands: &mut [Strand<EventId>]) -> Result<()> {
        for strand in strands.iter_mut().filter(|strand| strand.is_dry()) {
            let (first, last) = strand.range();
            let mut range = redis::pipe();
            range.zrange_withscores(&strand.key, first, last);
            let (entries,): (Vec<(String, i64)>,) = self.link.ask(strand.home, &range).await?;
            strand.took(entries.len());
            let read = entries.into_iter().filter_map(|(id, at)| Some((at, EventId::parse(&id)?)));
            strand.next.extend(read);
        }
        Ok(())
    }

    async fn read_inboxes(&self, strands: &mut [Strand<RunCopy>]) -> Result<()> {
        for strand in strands.iter_mut().filter(|strand| strand.is_dry()) {
            let (first, last) = strand.range();
            let mut range = redis::pipe();
            range.lrange(&strand.key, first, last);
            let (ids,): (Vec<String>,) = self.link.ask(strand.home, &range).await?;
            strand.took(ids.len());
            let ids: Vec<EventId> = ids.iter().filter_map(|id| EventId::parse(id)).collect();
            let runs = self.runs_of(strand.home, &ids).await?;
            for (at, run) in runs {
                if strand.seen.insert(run.event.clone()) {
                    strand.next.push_back((at, run));
                }
            }
        }
        Ok(())
    }
}
