//! What a job of a batch knows of the others: a place to work at, and the meetings it may come to.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::meeting::Seat;
use crate::worker::lease::Moment;
use crate::worker::processor::{Answer, Log, Ticket};

/// How long a ticket that was read together with others serves for a decision.
pub(in crate::worker) const SERVES: Duration = Duration::from_secs(5);

/// An answer that several jobs get, with the calls that were made for all of them.
#[derive(Clone)]
pub(in crate::worker) struct Told<T> {
    pub(in crate::worker) calls: Log,
    pub(in crate::worker) answer: Answer<T>,
    /// A failure is one failure, however many it hits: one of them speaks of it.
    pub(in crate::worker) speaks: bool,
}

/// A ticket as it was seen at this time.
#[derive(Clone)]
pub(in crate::worker) struct Sighting {
    pub(in crate::worker) ticket: Ticket,
    pub(in crate::worker) at: Moment,
}

/// A ticket that could be moved together with others.
#[derive(Debug, Clone)]
pub(in crate::worker) struct Mover {
    /// The issue key of its job.
    pub(in crate::worker) key: String,
    /// The backend's id of the ticket.
    pub(in crate::worker) ticket: String,
    /// The backend's id of the transition.
    pub(in crate::worker) transition: String,
    /// When the ticket was seen.
    pub(in crate::worker) seen: Moment,
}

/// A move that is about to be asked for: whoever has written down that it goes along comes to the next meeting.
pub(in crate::worker) struct Boarding {
    pub(in crate::worker) at: Timestamp,
    pub(in crate::worker) seat: Seat<Mover, Departure>,
}

/// What became of the request: the task, or [`None`] when it was refused, so that each goes alone.
pub(in crate::worker) type Departure = Told<Option<Task>>;

/// A move under way.
#[derive(Clone)]
pub(in crate::worker) struct Task {
    pub(in crate::worker) name: String,
    pub(in crate::worker) seat: Seat<String, Arrival>,
}

/// Where a ticket stands after the move, as far as that was seen.
pub(in crate::worker) type Arrival = Told<Option<Sighting>>;

/// A job's part in its batch.
pub(in crate::worker) struct Company {
    places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
    reads: Option<Seat<String, Told<Option<Sighting>>>>,
    moves: Option<Seat<Mover, Boarding>>,
    /// What is read together may be out of date.
    pub(in crate::worker) late: bool,
}

impl Company {
    pub(super) fn new(
        places: Arc<Semaphore>,
        reads: Seat<String, Told<Option<Sighting>>>,
        moves: Option<Seat<Mover, Boarding>>,
        late: bool,
    ) -> Self {
        Self { places, place: None, reads: Some(reads), moves, late }
    }

    /// Waits for a place to work at.
    pub(super) async fn enter(&mut self) {
        // Nobody closes it.
        self.place = Arc::clone(&self.places).acquire_owned().await.ok();
    }

    /// Goes its own way from here.
    pub(in crate::worker) fn leave(&mut self) {
        (self.reads, self.moves) = (None, None);
    }

    /// Reads the ticket together with the others, once.
    pub(in crate::worker) async fn read(&mut self, key: &str) -> Option<Told<Option<Sighting>>> {
        let seat = self.reads.take()?;
        self.meet(seat, key.to_owned()).await
    }

    /// The right to offer a move, once.
    pub(in crate::worker) fn offers(&mut self) -> Option<Seat<Mover, Boarding>> {
        self.moves.take()
    }

    /// Comes to a meeting. Whoever waits there leaves its place to others.
    pub(in crate::worker) async fn meet<Q, A>(&mut self, seat: Seat<Q, A>, asks: Q) -> Option<A> {
        self.place = None;
        let answer = seat.come(asks).await;
        self.enter().await;
        answer
    }
}
