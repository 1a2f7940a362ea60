//! The event log, page by page: the shortest index of a query is walked, and each of its entries looked up in the
//! others. So a page costs what it looks at, however many events there are.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::RedisStore;
use super::error::unreadable;
use super::keys::Home;
use crate::store::{EventId, EventQuery, EventRecord, Page, Result, StoreError};
use crate::trace::Outcome;

/// Index entries looked at in one round trip.
const LOOKED_AT_ONCE: usize = 200;

/// Entries of one index looked at for one page. A page that has not found enough by then ends there, with a cursor.
const WALKED_AT_MOST: usize = 10_000;

/// A place in the list of events: its score and id.
type Place = (i64, EventId);

/// What one partition has for a page.
#[derive(Default)]
struct Walk {
    /// The newest that match, one more than fit.
    places: Vec<Place>,
    /// Where it gave up; nothing is known of what is older.
    stopped: Option<Place>,
}

/// An index on the way from its newest entry to its oldest.
struct Strand {
    index: String,
    /// Where it stands.
    newest: Option<i64>,
    /// Entries there that were seen already: several events may have one score.
    seen: usize,
    walked: usize,
    found: usize,
    ended: bool,
}

impl Strand {
    fn new(index: String, after: Option<&Place>) -> Self {
        let newest = after.map(|(score, _)| *score);
        Self { index, newest, seen: 0, walked: 0, found: 0, ended: false }
    }

    /// Goes behind the entries that were just looked at, of which so many matched. Answers where it gives up.
    fn advance(&mut self, range: &[Place], matched: usize, limit: usize) -> Option<Place> {
        let Some(end) = range.last() else {
            self.ended = true;
            return None;
        };
        let tied = range.iter().filter(|place| place.0 == end.0).count();
        self.seen = if self.newest == Some(end.0) { self.seen + tied } else { tied };
        self.newest = Some(end.0);
        self.walked += range.len();
        self.found += matched;
        let gives_up = self.walked >= WALKED_AT_MOST;
        self.ended = range.len() < LOOKED_AT_ONCE || self.found > limit || gives_up;
        (gives_up && range.len() == LOOKED_AT_ONCE && self.found <= limit).then(|| end.clone())
    }
}

impl RedisStore {
    pub(super) async fn list_events(&self, query: &EventQuery) -> Result<Page<EventRecord>> {
        let after = query.cursor.as_deref().map(read_cursor).transpose()?;
        let walks = self.layout.events().map(async |home| {
            let walk = self.matching(home, query, after.as_ref()).await?;
            Ok::<_, StoreError>((home, walk))
        });
        // A list that lacks a part of the events would be a lie: all must answer.
        let walks = try_join_all(walks).await?;
        let known_to = walks.iter().filter_map(|(_, walk)| walk.stopped.clone()).max();
        let places =
            walks.into_iter().flat_map(|(home, walk)| walk.places.into_iter().map(move |at| (at, home)));
        let mut found: Vec<(Place, Home)> =
            places.filter(|(place, _)| known_to.as_ref().is_none_or(|known_to| place >= known_to)).collect();
        found.sort_by(|a, b| b.0.cmp(&a.0));
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let last = if more { found.last().map(|(place, _)| place.clone()) } else { known_to };
        let next = last.map(|(score, id)| format!("{score}-{id}"));
        Ok(Page { items: self.read_found(found).await?, next })
    }

    /// The events at these places, the newest first.
    async fn read_found(&self, found: Vec<(Place, Home)>) -> Result<Vec<EventRecord>> {
        let mut homes: BTreeMap<Home, Vec<EventId>> = BTreeMap::new();
        for ((_, id), home) in found {
            homes.entry(home).or_default().push(id);
        }
        let read = homes.iter().map(|(home, ids)| self.read_events(*home, ids));
        let mut items = try_join_all(read).await?.concat();
        items.sort_by(|a, b| (b.received.at, &b.id).cmp(&(a.received.at, &a.id)));
        Ok(items)
    }

    /// The newest places of a partition that match all filters.
    ///
    /// Every event has one outcome, so without a filter the indexes of all outcomes are walked side by side.
    async fn matching(&self, home: Home, query: &EventQuery, after: Option<&Place>) -> Result<Walk> {
        let mut indexes = self.shortest_first(home, query).await?;
        let others = indexes.split_off(indexes.len().min(1));
        if indexes.is_empty() {
            let name = |outcome: &Outcome| home.key(&format!("ix:s:{}", outcome.as_str()));
            indexes = Outcome::ALL.iter().map(name).collect();
        }
        let mut strands: Vec<Strand> = indexes.into_iter().map(|index| Strand::new(index, after)).collect();
        let mut walk = Walk::default();
        while strands.iter().any(|strand| !strand.ended) {
            let open: Vec<&mut Strand> = strands.iter_mut().filter(|strand| !strand.ended).collect();
            let ranges = self.ranges(home, &open, query).await?;
            for (strand, range) in open.into_iter().zip(ranges) {
                let older = range.iter().filter(|place| after.is_none_or(|after| *place < after)).cloned();
                let matching = self.also_in(home, &others, older.collect()).await?;
                walk.stopped = strand.advance(&range, matching.len(), query.limit).max(walk.stopped);
                walk.places.extend(matching);
            }
        }
        walk.places.sort_by(|a, b| b.cmp(a));
        // An event whose outcome changed meanwhile was met twice.
        walk.places.dedup();
        walk.places.truncate(query.limit + 1);
        Ok(walk)
    }

    /// The next entries of each strand, the newest first: in one step, so that an event whose outcome changes
    /// meanwhile is in one of them.
    async fn ranges(
        &self,
        home: Home,
        strands: &[&mut Strand],
        query: &EventQuery,
    ) -> Result<Vec<Vec<Place>>> {
        let oldest = query.since.map_or_else(|| "-inf".to_owned(), |at| at.as_microsecond().to_string());
        let mut ranges = redis::pipe();
        ranges.atomic();
        for strand in strands {
            let newest = strand.newest.map_or_else(|| "+inf".to_owned(), |score| score.to_string());
            ranges.cmd("ZRANGE").arg(&strand.index).arg(newest).arg(&oldest).arg("BYSCORE").arg("REV");
            ranges.arg("LIMIT").arg(strand.seen).arg(LOOKED_AT_ONCE).arg("WITHSCORES");
        }
        let answers: Vec<Vec<(String, i64)>> = self.link.ask(home, &ranges).await?;
        let place = |(id, score): (String, i64)| {
            let id = EventId::parse(&id).ok_or_else(|| unreadable("an index of events", &id))?;
            Ok((score, id))
        };
        answers.into_iter().map(|entries| entries.into_iter().map(place).collect()).collect()
    }

    /// The indexes that a query's filters ask for, the shortest first; none when there is no filter.
    async fn shortest_first(&self, home: Home, query: &EventQuery) -> Result<Vec<String>> {
        let ticket = query.ticket.as_ref().map(|key| format!("ix:k:{key}"));
        let repo = query.repo.as_ref().map(|repo| format!("ix:r:{repo}"));
        let outcome = query.outcome.map(|outcome| format!("ix:s:{}", outcome.as_str()));
        let names = [ticket, repo, outcome].into_iter().flatten();
        let names: Vec<String> = names.map(|name| home.key(&name)).collect();
        if names.is_empty() {
            return Ok(names);
        }
        let mut counts = redis::pipe();
        for name in &names {
            counts.zcard(name);
        }
        let counts: Vec<u64> = self.link.ask(home, &counts).await?;
        let mut counted: Vec<_> = counts.into_iter().zip(names).collect();
        counted.sort();
        Ok(counted.into_iter().map(|(_, name)| name).collect())
    }

    async fn also_in(&self, home: Home, indexes: &[String], places: Vec<Place>) -> Result<Vec<Place>> {
        if indexes.is_empty() || places.is_empty() {
            return Ok(places);
        }
        let mut lookups = redis::pipe();
        for index in indexes {
            lookups.cmd("ZMSCORE").arg(index);
            for (_, id) in &places {
                lookups.arg(id);
            }
        }
        let scores: Vec<Vec<Option<f64>>> = self.link.ask(home, &lookups).await?;
        let in_all = |n: usize| scores.iter().all(|index| index.get(n).is_some_and(Option::is_some));
        Ok(places.into_iter().enumerate().filter(|(n, _)| in_all(*n)).map(|(_, place)| place).collect())
    }
}

fn read_cursor(text: &str) -> Result<Place> {
    let place =
        text.rsplit_once('-').and_then(|(score, id)| Some((score.parse().ok()?, EventId::parse(id)?)));
    place.ok_or_else(|| StoreError::BadCursor(text.to_owned()))
}
