//! Where jobs wait for each other: each comes with a question or passes, and when all of them have, somebody
//! answers those who came. To pass is to drop the seat, so a job that ends, however it ends, holds nobody up.

use tokio::sync::{mpsc, oneshot};

/// The right to come to a meeting.
pub(in crate::worker) struct Seat<Q, A>(mpsc::UnboundedSender<Came<Q, A>>);

/// The one who answers.
pub(super) struct Meeting<Q, A>(mpsc::UnboundedReceiver<Came<Q, A>>);

/// Somebody who came, and waits.
pub(super) struct Came<Q, A> {
    pub(super) asks: Q,
    pub(super) answer: oneshot::Sender<A>,
}

/// A meeting and its first seat. It begins when the last seat is gone.
pub(super) fn meeting<Q, A>() -> (Meeting<Q, A>, Seat<Q, A>) {
    let (seat, meeting) = mpsc::unbounded_channel();
    (Meeting(meeting), Seat(seat))
}

impl<Q, A> Clone for Seat<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, A> Seat<Q, A> {
    /// Comes, and waits for the answer; [`None`] when nobody gives one.
    pub(super) async fn come(self, asks: Q) -> Option<A> {
        let (answer, told) = oneshot::channel();
        self.0.send(Came { asks, answer }).ok()?;
        drop(self);
        told.await.ok()
    }
}

impl<Q, A> Meeting<Q, A> {
    /// Waits until all have come or passed.
    pub(super) async fn gathered(mut self) -> Vec<Came<Q, A>> {
        let mut came = Vec::new();
        while let Some(one) = self.0.recv().await {
            came.push(one);
        }
        came
    }
}

impl<Q, A> Came<Q, A> {
    /// Answers. Whoever has gone meanwhile needs no answer.
    pub(super) fn tell(self, answer: A) {
        let _ = self.answer.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_passes_is_not_waited_for_and_who_comes_is_answered() {
        let (meeting, seat) = meeting::<u32, u32>();
        let (one, other, passes) = (seat.clone(), seat.clone(), seat);
        let lead = async {
            let came = meeting.gathered().await;
            let asked: Vec<_> = came.iter().map(|one| one.asks).collect();
            let mut came = came.into_iter();
            came.next().unwrap().tell(10);
            drop(came);
            asked
        };
        let pass = async { drop(passes) };
        let (asked, one, other, ()) = tokio::join!(lead, one.come(1), other.come(2), pass);
        assert_eq!((asked, one, other), (vec![1, 2], Some(10), None));
    }
}
