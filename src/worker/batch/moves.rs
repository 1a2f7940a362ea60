//! A bulk move: who goes along, the one request, and the wait until the task is over.
//!
//! Whoever goes along has written down its intent first, with the time of this request and then the task's name. The
//! request is made once: when its outcome is unknown each job finds out by itself what became of its ticket,
//! as after any answer that was lost. What the task says of itself is not believed; the tickets are looked at.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::company::{Arrival, Boarding, Departure, Mover, SERVES, Task, Told};
use super::meeting::{Came, Meeting, meeting};
use super::{Lead, STORED_AT_ONCE, WORTH_A_BULK_MOVE, is_final, shared_by};
use crate::worker::processor::{Answer, Class, Log, Moves, Setback};

/// How long a task that nobody can ask about, because its name was lost, may still move tickets.
pub(in crate::worker) const BULK_SETTLES: Duration = Duration::from_mins(2);
/// A task that is not over by then is not waited for any longer.
pub(in crate::worker) const BULK_STUCK: Duration = Duration::from_mins(10);
/// The wait before the first look at a task; each further one is twice as long,
const FIRST_LOOK: Duration = Duration::from_millis(250);
/// up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// So many looks in a row may fail.
const LOOKS_THAT_MAY_FAIL: u32 = 5;

impl Lead<'_> {
    pub(super) async fn move_together(&self, offers: Meeting<Mover, Boarding>) {
        let mut offers = offers.gathered().await;
        offers.retain(|offer| offer.asks.seen.age(&self.shared.clock) <= SERVES);
        // Whoever is told nothing goes alone.
        if offers.len() >= WORTH_A_BULK_MOVE {
            self.team.rides(true);
            self.ride(offers).await;
            self.team.rides(false);
        }
    }

    async fn ride(&self, offers: Vec<Came<Mover, Boarding>>) {
        let (boarding, seat) = meeting();
        let at = self.shared.clock.now();
        for offer in offers {
            offer.tell(Boarding { at, seat: seat.clone() });
        }
        drop(seat);
        let aboard = self.still_ours(boarding.gathered().await).await;
        if aboard.is_empty() {
            return;
        }
        let mut calls = Log::new();
        let begun = self.bulk.begin(&grouped(aboard.iter().map(|one| &one.asks)), &mut calls).await;
        shared_by(&mut calls, aboard.len());
        let (arrivals, seat) = meeting();
        let begun = match begun {
            Ok(name) => Ok(Some(Task { name, seat })),
            // Five tasks are at work already, or it may not be: singly it may.
            Err(setback) if is_final(&setback) => Ok(None),
            Err(setback) => Err(setback),
        };
        let name = begun.as_ref().ok().and_then(|task| Some(task.as_ref()?.name.clone()));
        for (place, one) in aboard.into_iter().enumerate() {
            one.tell(Told { calls: calls.clone(), answer: begun.clone(), speaks: place == 0 });
        }
        drop(begun);
        if let Some(name) = name {
            self.arrive(&name, arrivals).await;
        }
    }

    /// Those whose lease will outlast the request; the others are told to go alone, and find out.
    async fn still_ours(&self, aboard: Vec<Came<Mover, Departure>>) -> Vec<Came<Mover, Departure>> {
        let look = async |one: Came<Mover, Departure>| match self.team.held(&one.asks.key) {
            Some(held) if held.fresh().await.is_ok() => Some(one),
            _ => {
                one.tell(Told { calls: Log::new(), answer: Ok(None), speaks: true });
                None
            }
        };
        stream::iter(aboard)
            .map(look)
            .buffer_unordered(STORED_AT_ONCE)
            .filter_map(async |one| one)
            .collect()
            .await
    }

    /// Waits until the task is over, and tells each where its ticket is.
    async fn arrive(&self, task: &str, arrivals: Meeting<String, Arrival>) {
        let came = arrivals.gathered().await;
        let mut calls = Log::new();
        let over = self.until_over(task, &mut calls).await;
        shared_by(&mut calls, came.len());
        // The move may have been made: whoever is told of a failure looks before it asks again.
        let unknown = |setback| Setback { unknown: true, ..setback };
        match over {
            Ok(()) => self.see(came, &calls, unknown).await,
            Err(setback) => {
                for (place, one) in came.into_iter().enumerate() {
                    let answer = Err(unknown(setback.clone()));
                    one.tell(Told { calls: calls.clone(), answer, speaks: place == 0 });
                }
            }
        }
    }

    /// Looks at the task until it is over, or stuck.
    async fn until_over(&self, task: &str, calls: &mut Log) -> Answer<()> {
        let began = self.shared.clock.now();
        let (mut wait, mut failed) = (FIRST_LOOK, 0);
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            match self.bulk.is_over(task, calls).await {
                Ok(true) => return Ok(()),
                Ok(false) => failed = 0,
                Err(setback) if gives_up(&setback, failed) => return Err(setback),
                Err(_) => failed += 1,
            }
            let passed = self.shared.clock.now().duration_since(began);
            if Duration::try_from(passed).unwrap_or_default() >= BULK_STUCK {
                tracing::warn!(
                    task,
                    "a bulk move is not over after {} s: its tickets are looked at",
                    passed.as_secs()
                );
                return Ok(());
            }
        }
    }
}

fn gives_up(setback: &Setback, failed: u32) -> bool {
    failed >= LOOKS_THAT_MAY_FAIL || matches!(setback.class, Class::Credentials | Class::Quota(_))
}

/// PURE: one request for all, by transition.
fn grouped<'a>(movers: impl Iterator<Item = &'a Mover>) -> Moves {
    let mut request = Moves::new();
    for mover in movers {
        request.entry(mover.transition.clone()).or_default().push(mover.ticket.clone());
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::worker::lease::Moment;

    #[test]
    fn tickets_of_several_workflows_go_in_one_request() {
        let seen = Moment::now(&Clock::system());
        let mover = |ticket: &str, transition: &str| Mover {
            key: format!("SHOP-{ticket}"),
            ticket: ticket.into(),
            transition: transition.into(),
            seen,
        };
        let movers = [mover("1", "11"), mover("2", "21"), mover("3", "11")];
        let request = grouped(movers.iter());
        assert_eq!(request["11"], ["1", "3"]);
        assert_eq!(request["21"], ["2"]);
    }
}
