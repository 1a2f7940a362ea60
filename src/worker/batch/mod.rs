//! The tickets of one event that are worked on together, so that they are read, and where it can be moved, in few
//! calls.
//!
//! ```text
//!  claimed heads ─ and their siblings, leased ─▶ a job each, as ever (`act`)
//!        job: precheck ─▶ ○ read ─▶ decide, find ─▶ ○ move ─▶ finish       ○ a meeting: all come or pass,
//!       lead:              one call a hundred        one call, then polls     the lead makes the calls
//! ```
//!
//! A job is what it is alone: its own lease, intent, decision, recovery and trace. All it does here is to come to
//! a meeting before it reads and before it moves; when it is told nothing there it makes the call itself. So
//! whatever goes wrong with a batch ends in what a single ticket does.
//!
//! *Fairness.* A batch takes as many places of its worker as tickets were claimed in turn, and no more than half
//! of them; its jobs share those places. While a bulk move is polled for, that is one place.

mod company;
mod form;
mod meeting;
mod moves;
mod team;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use tracing::Instrument as _;

pub(super) use company::{Company, Mover, SERVES, Task, Told};
pub(super) use form::by_event;
pub(super) use meeting::Seat;
pub(super) use moves::{BULK_SETTLES, BULK_STUCK};
pub(super) use team::Team;

use self::company::Sighting;
use self::meeting::{Came, Meeting, meeting};
use super::lease::Moment;
use super::processor::{Answer, Bulk, Class, Log, Setback, Ticket};
use super::{Shared, Stepped, act};
use crate::store::{Claim, EventId};
use crate::telemetry::Span;

/// From how many tickets on a bulk move saves calls: the move itself, a poll, and a look afterwards.
const WORTH_A_BULK_MOVE: usize = 10;
/// How many bulk reads are under way at once.
const READS_AT_ONCE: usize = 4;
/// How many writes to the store are under way at once.
const STORED_AT_ONCE: usize = 64;

/// Carries out jobs of one event together.
pub(super) async fn carry_out(shared: Arc<Shared>, team: Arc<Team>, claims: Vec<Claim>) -> Stepped {
    let rulebook = shared.rulebook.load_full();
    let mut jobs = Jobs::new(&shared, &team);
    let event = claims.first().map(|claim| claim.lease.job.event.clone());
    let span = Span::of_event("batch", event.as_ref().map_or("", EventId::as_str));
    match rulebook.backends.site(&team.site).and_then(|site| site.processor.bulk()) {
        Some(bulk) => {
            let lead = Lead { shared: &shared, team: &team, bulk };
            let logged = tracing::info_span!("batch", event = event.as_ref().map(EventId::as_str));
            span.around(lead.carry_out(claims, &mut jobs).instrument(logged)).await;
        }
        // It was taken out of the configuration just now; each job says so.
        None => claims.into_iter().for_each(|claim| jobs.start(claim, None)),
    }
    jobs.finish().await
}

/// Who makes the calls for all.
struct Lead<'a> {
    shared: &'a Shared,
    team: &'a Team,
    bulk: &'a dyn Bulk,
}

impl Lead<'_> {
    async fn carry_out(&self, claims: Vec<Claim>, jobs: &mut Jobs<'_>) {
        let mut calls = Log::new();
        let may_move = claims.len() >= WORTH_A_BULK_MOVE && self.bulk.may_move(&mut calls).await;
        let claims = self.bounded(claims, may_move).await;
        shared_by(&mut calls, claims.len());
        let (reads, to_read) = meeting();
        let (moves, to_move) = meeting();
        let places = Arc::new(Semaphore::new(self.team.places()));
        for claim in claims {
            let moves = may_move.then(|| to_move.clone());
            let late = self.bulk.reads_late();
            let company = Company::new(Arc::clone(&places), to_read.clone(), moves, late);
            jobs.start(claim, Some(company));
        }
        drop((to_read, to_move));
        self.read_together(reads, &calls).await;
        self.move_together(moves).await;
    }

    /// What is more than one call can take is given back.
    async fn bounded(&self, mut claims: Vec<Claim>, may_move: bool) -> Vec<Claim> {
        let moved = if may_move { self.bulk.moved_at_once().await } else { 0 };
        let over = claims.split_off(claims.len().min(self.bulk.read_at_once().max(moved)));
        let give_back = async |claim: Claim| {
            let Some(held) = self.team.part_with(&claim.lease.job.key) else { return };
            if let Err(error) = held.hand_back().await {
                tracing::debug!(job = %claim.lease.job, %error, "its lease will run out by itself");
            }
        };
        stream::iter(over).for_each_concurrent(STORED_AT_ONCE, give_back).await;
        claims
    }

    async fn read_together(&self, reads: Meeting<String, Told<Option<Sighting>>>, calls: &Log) {
        let came = reads.gathered().await;
        // One by itself is better read by itself.
        if came.len() > 1 {
            self.see(came, calls, |setback| setback).await;
        }
    }

    /// Tells each where its ticket stands, by as few calls as there can be.
    async fn see(
        &self,
        came: Vec<Came<String, Told<Option<Sighting>>>>,
        calls: &Log,
        failed: impl Fn(Setback) -> Setback + Copy,
    ) {
        let look = async |came| self.see_some(came, calls.clone(), failed).await;
        stream::iter(chunks(came, self.bulk.read_at_once())).for_each_concurrent(READS_AT_ONCE, look).await;
    }

    async fn see_some(
        &self,
        came: Vec<Came<String, Told<Option<Sighting>>>>,
        mut calls: Log,
        failed: impl Fn(Setback) -> Setback,
    ) {
        let (at, made_before) = (Moment::now(&self.shared.clock), calls.len());
        let keys: Vec<String> = came.iter().map(|one| one.asks.clone()).collect();
        let read = self.bulk.read(&keys, &mut calls).await;
        shared_by(&mut calls[made_before..], keys.len());
        let answer = match read {
            // What is refused in bulk may well be answered singly.
            Err(setback) if is_final(&setback) => Ok(HashMap::new()),
            read => read.map(by_key).map_err(failed),
        };
        for (place, one) in came.into_iter().enumerate() {
            let seen = |tickets: &HashMap<String, Ticket>| {
                let ticket = tickets.get(&one.asks.to_uppercase()).cloned()?;
                Some(Sighting { ticket, at })
            };
            let answer: Answer<_> = answer.as_ref().map(seen).map_err(Clone::clone);
            one.tell(Told { calls: calls.clone(), answer, speaks: place == 0 });
        }
    }
}

/// The jobs of a batch, a task each: one that breaks takes down no other.
struct Jobs<'a> {
    shared: &'a Arc<Shared>,
    team: &'a Arc<Team>,
    tasks: JoinSet<Ended>,
    keys: HashMap<Id, String>,
}

type Ended = (crate::store::JobId, Result<act::Ended, crate::store::StoreError>);

impl<'a> Jobs<'a> {
    fn new(shared: &'a Arc<Shared>, team: &'a Arc<Team>) -> Self {
        Self { shared, team, tasks: JoinSet::new(), keys: HashMap::new() }
    }

    fn start(&mut self, claim: Claim, company: Option<Company>) {
        let key = claim.lease.job.key.clone();
        let Some(held) = self.team.held(&key) else { return };
        let (shared, team) = (Arc::clone(self.shared), Arc::clone(self.team));
        let task = self.tasks.spawn(async move {
            let mut company = company;
            if let Some(company) = &mut company {
                company.enter().await;
            }
            let job = claim.lease.job.clone();
            let ended = Box::pin(act::carry_out(&shared, &held, claim, company)).await;
            team.part_with(&job.key);
            (job, ended)
        });
        self.keys.insert(task.id(), key);
    }

    async fn finish(mut self) -> Stepped {
        let mut stepped = Stepped::default();
        while let Some(joined) = self.tasks.join_next().await {
            match joined {
                Ok((job, ended)) => stepped.note(&job, ended),
                Err(error) if error.is_panic() => {
                    let held = self.keys.get(&error.id()).and_then(|key| self.team.part_with(key));
                    if let Some(held) = held {
                        stepped.note(&held.lease().job, self.shared.after_panic(&held).await);
                    }
                }
                Err(_) => {}
            }
        }
        stepped
    }
}

/// Says of calls that they were made once for several tickets.
fn shared_by(calls: &mut [crate::trace::Attempt], tickets: usize) {
    for call in calls {
        let once = format!("one call for {tickets} tickets");
        call.note = Some(call.note.take().map_or(once.clone(), |note| format!("{once}: {note}")));
    }
}

/// Whether asking for the same again would get the same answer.
fn is_final(setback: &Setback) -> bool {
    !setback.unknown && matches!(setback.class, Class::Refused(_) | Class::Permanent(_))
}

fn by_key(tickets: Vec<Ticket>) -> HashMap<String, Ticket> {
    tickets.into_iter().map(|ticket| (ticket.key.to_uppercase(), ticket)).collect()
}

fn chunks<T>(all: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    let mut rest = all.into_iter();
    loop {
        let chunk: Vec<T> = rest.by_ref().take(most.max(1)).collect();
        if chunk.is_empty() {
            return chunks;
        }
        chunks.push(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_by_as_few_calls_as_there_can_be() {
        let sizes = |count| chunks(vec![(); count], 100).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(100), [100]);
        assert_eq!(sizes(250), [100, 100, 50]);
    }
}
