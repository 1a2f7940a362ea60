//! A whole store, copied into an empty one of either kind: `conduit store copy`.
//!
//! What is copied goes as [`Item`]s, which say the same of both stores: events first, then the queues in their order,
//! then the inbox. Nothing may be at work on either side. The store that is written to bears a mark until
//! everything was read back and compared; a store with that mark is refused by whoever opens it, so half a copy is
//! never taken for a store. Broken off, a copy is begun again from nothing.

mod item;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::{Result, StoreError};

pub use item::{EventCopy, Item, JobCopy, Name, RunCopy, TicketCopy};
pub(super) use item::{packed, unpacked};

/// The name of the mark, among the settings.
pub(super) const MARK: &str = "copying";

/// How many items are carried at a time.
pub(super) const AT_ONCE: usize = 200;

/// How long a store must have shown nobody at work. Longer than any sign of life lasts.
const QUIET_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How a store to be written to stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is in it.
    Empty,
    /// An earlier copy into it was broken off.
    Half,
    /// Somebody's store.
    Whole,
}

/// A store that can be read from its first thing to its last, and written so.
#[async_trait]
pub trait Copyable: Send + Sync {
    /// What shows that somebody is at work on it; `None`: nothing does.
    async fn at_work(&self) -> Result<Option<String>>;

    /// Does the upkeep that was left undone, so that each ticket stands in exactly one place.
    async fn put_in_order(&self) -> Result<()>;

    /// How many events there are.
    async fn events(&self) -> Result<u64>;

    /// Begins to read it.
    fn read(&self) -> Box<dyn Reading + '_>;

    /// Whether it can be written to.
    async fn standing(&self) -> Result<Standing>;

    /// Marks it as half a copy, and removes what an earlier one left.
    async fn begin(&self) -> Result<()>;

    /// Adds things, in the order in which they were read. Answers of how many events the change that they stand for
    /// cannot be told any more.
    async fn write(&self, items: Vec<Item>) -> Result<u64>;

    /// Takes the mark off.
    async fn end(&self) -> Result<()>;
}

/// A store being read.
#[async_trait]
pub trait Reading: Send {
    /// The next things, some hundreds; none at the end.
    async fn next(&mut self) -> Result<Vec<Item>>;
}

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Values chosen once: above all the check value of the master key.
    pub settings: u64,
    /// Hooks.
    pub hooks: u64,
    /// Tokens.
    pub tokens: u64,
    /// Entries of the audit log.
    pub audit: u64,
    /// Pauses of sites.
    pub pauses: u64,
    /// Events.
    pub events: u64,
    /// Raw bodies.
    pub bodies: u64,
    /// Tickets that are finished.
    pub finished: u64,
    /// Tickets that are not.
    pub waiting: u64,
    /// Events in the inbox.
    pub inbox: u64,
}

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// What was read from the one store.
    pub from: Counts,
    /// What was read back from the other.
    pub to: Counts,
    /// Events of which the change that they stand for cannot be told any more: the same change, reported by another
    /// hook, would not be recognised.
    pub unnamed: u64,
}

/// How a copy can fail.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Somebody is at work.
    #[error("{which} is in use: {why}. Stop every `conduit serve` and `conduit worker` on it first")]
    InUse {
        /// `the store to copy from` or `the store to copy to`.
        which: &'static str,
        /// What shows it.
        why: String,
    },
    /// There is something in the store to copy to.
    #[error("the store to copy to is not empty; nothing was changed. Name an empty one")]
    NotEmpty,
    /// What was read back is not what was read.
    #[error(
        "the two stores do not agree on their {what}, so the copy cannot be used and no start will take it. Was \
         something started on either meanwhile? Begin again"
    )]
    Differs {
        /// Of which kind.
        what: String,
    },
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Counts, and sums that do not depend on the order of what is summed up.
#[derive(Default)]
struct Tally {
    counts: Counts,
    sums: BTreeMap<&'static str, u128>,
}

impl Tally {
    fn add(&mut self, item: &Item) {
        let counts = &mut self.counts;
        let (kind, count) = match item {
            Item::Setting(..) => ("settings", &mut counts.settings),
            Item::Hook(_) => ("hooks", &mut counts.hooks),
            Item::Token(_) => ("tokens", &mut counts.tokens),
            Item::Audit(_) => ("audit log", &mut counts.audit),
            Item::Pause(_) => ("pauses", &mut counts.pauses),
            Item::Event(event) => {
                counts.bodies += u64::from(event.body.is_some());
                counts.finished += u64::try_from(event.finished.len()).unwrap_or(u64::MAX);
                ("events", &mut counts.events)
            }
            Item::Job(_) => ("queues", &mut counts.waiting),
            Item::Run(_) => ("inbox", &mut counts.inbox),
        };
        *count += 1;
        let sum = self.sums.entry(kind).or_default();
        *sum = sum.wrapping_add(item::digest(item));
    }

    /// The kinds that two stores do not agree on.
    fn differs_from(&self, other: &Self) -> Vec<&'static str> {
        let kinds = self.sums.keys().chain(other.sums.keys());
        let mut kinds: Vec<_> =
            kinds.filter(|kind| self.sums.get(*kind) != other.sums.get(*kind)).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Copies everything. `step` is told of each event, once when it is written and once when it is read back.
pub async fn copy(
    from: &dyn Copyable,
    to: &dyn Copyable,
    step: &dyn Fn(),
) -> std::result::Result<Copied, CopyError> {
    if to.standing().await? == Standing::Whole {
        return Err(CopyError::NotEmpty);
    }
    quiet("the store to copy from", from).await?;
    quiet("the store to copy to", to).await?;
    from.put_in_order().await?;
    to.begin().await?;
    let (mut read, mut unnamed) = (Tally::default(), 0);
    let mut reading = from.read();
    loop {
        let items = reading.next().await?;
        if items.is_empty() {
            break;
        }
        for item in &items {
            read.add(item);
            tell(item, step);
        }
        unnamed += to.write(items).await?;
    }
    let (again, written) = (take_stock(from, &|| ()).await?, take_stock(to, step).await?);
    let mut differing = read.differs_from(&again);
    differing.extend(read.differs_from(&written));
    if let Some(what) = differing.first() {
        return Err(CopyError::Differs { what: (*what).to_owned() });
    }
    quiet("the store to copy from", from).await?;
    to.end().await?;
    Ok(Copied { from: read.counts, to: written.counts, unnamed })
}

fn tell(item: &Item, step: &dyn Fn()) {
    if matches!(item, Item::Event(_)) {
        step();
    }
}

async fn take_stock(store: &dyn Copyable, step: &dyn Fn()) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut reading = store.read();
    loop {
        let items = reading.next().await?;
        if items.is_empty() {
            return Ok(tally);
        }
        for item in &items {
            tally.add(item);
            tell(item, step);
        }
    }
}

/// Waits until the last signs of life are over; fails when there are new ones.
async fn quiet(which: &'static str, store: &dyn Copyable) -> std::result::Result<(), CopyError> {
    let begun = tokio::time::Instant::now();
    while let Some(why) = store.at_work().await? {
        if begun.elapsed() > QUIET_WITHIN {
            return Err(CopyError::InUse { which, why });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}
