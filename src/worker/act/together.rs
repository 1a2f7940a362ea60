//! What a job does together with others of its event: it reads, and where that can be, it moves. See
//! [`batch`](super::super::batch).

use std::time::Duration;

use super::super::batch::{BULK_SETTLES, BULK_STUCK, Mover, SERVES, Seat, Task, Told};
use super::super::intent::{Intent, Phase, Together};
use super::super::processor::{Answer, Class, Found, Setback, Ticket};
use super::super::record;
use super::super::recover::{Recovered, recover};
use super::walk::{Hopped, fields, require};
use super::{Go, Halt, Job};
use crate::machine::{Action, Decision};
use crate::trace::{Reason, Verdict};

/// How long a ticket waits before its task is asked for again.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

impl Job<'_> {
    /// The ticket as it was just read together with others; [`None`] when it has to be read by itself.
    pub(super) async fn seen_together(&mut self) -> Go<Option<Ticket>> {
        let Some(company) = &mut self.company else { return Ok(None) };
        let Some(told) = company.read(&self.key).await else { return Ok(None) };
        let clock = &self.shared.clock;
        let sighting = self.heed(told)?.filter(|sighting| sighting.at.age(clock) <= SERVES);
        self.seen = sighting.as_ref().map(|sighting| sighting.at);
        Ok(sighting.map(|sighting| sighting.ticket))
    }

    /// Whether the ticket has to be read again before anything is written.
    pub(super) fn must_look_again(&self, decision: &Decision) -> bool {
        let late = self.seen.is_some() && self.company.as_ref().is_some_and(|company| company.late);
        late && writes(decision)
    }

    /// Takes what was told to several, with its calls.
    fn heed<T>(&mut self, told: Told<T>) -> Answer<T> {
        self.trace.attempts.extend(told.calls);
        self.speaks = told.answer.is_ok() || told.speaks;
        told.answer
    }

    /// Moves together with the others, if it can and they do; [`None`] when it goes alone.
    pub(super) async fn ride(
        &mut self,
        intent: &mut Intent,
        ticket: &Ticket,
        found: &Found,
    ) -> Go<Option<Hopped>> {
        let Some((company, seat)) = self.company.as_mut().and_then(|company| {
            let seat = company.offers()?;
            Some((company, seat))
        }) else {
            return Ok(None);
        };
        let Some(seen) = self.seen.filter(|_| goes_by_itself(intent, found)) else { return Ok(None) };
        let (key, transition) = (self.held.lease().job.key.clone(), found.id.clone());
        let mover = Mover { key, ticket: ticket.id.clone(), transition, seen };
        let Some(boarding) = company.meet(seat, mover.clone()).await else { return self.go_alone().await };
        record::transition(&mut self.trace, found);
        intent.asked_together(boarding.at, &found.to);
        self.save(intent).await?;
        let departure = self.meet(boarding.seat, mover).await?;
        match self.heed(departure) {
            Ok(Some(task)) => self.travel(intent, task).await.map(Some),
            Ok(None) => {
                intent.refused();
                self.go_alone().await
            }
            Err(setback) => {
                if !setback.unknown {
                    intent.refused();
                }
                Err(setback.into())
            }
        }
    }

    /// Waits for the end of the move, and looks where the ticket is then.
    async fn travel(&mut self, intent: &mut Intent, task: Task) -> Go<Hopped> {
        intent.asked_by(&task.name);
        self.save(intent).await?;
        let arrival = self.meet(task.seat, self.key.clone()).await?;
        let ticket = match self.heed(arrival)? {
            Some(sighting) => {
                self.seen = Some(sighting.at);
                sighting.ticket
            }
            None => self.read().await?,
        };
        Ok(match self.look_around(intent, &ticket).await? {
            Some(verdict) => Hopped::Over(verdict),
            None => Hopped::Elsewhere(Box::new(ticket)),
        })
    }

    /// Ends the job, or sets the intent to where the ticket stands.
    async fn look_around(&mut self, intent: &mut Intent, ticket: &Ticket) -> Go<Option<Verdict>> {
        let there = intent.means(intent.target(), &ticket.status);
        let changes = if there { Vec::new() } else { self.changes(ticket, intent).await? };
        let recovered = recover(intent, &ticket.status, &changes);
        intent.taken += usize::from(recovered == Recovered::Done);
        self.go_on(intent, ticket, recovered).await
    }

    /// Nobody answers only when the batch is stopped or broke, and then its request may have been sent.
    async fn meet<Q, A>(&mut self, seat: Seat<Q, A>, asks: Q) -> Go<A> {
        let Some(company) = &mut self.company else { return Err(Halt::NotYet(BULK_SETTLES)) };
        company.meet(seat, asks).await.ok_or(Halt::NotYet(BULK_SETTLES))
    }

    /// Alone from here, with another look when the last one is too long ago.
    async fn go_alone(&mut self) -> Go<Option<Hopped>> {
        if self.seen.is_none_or(|seen| seen.age(&self.shared.clock) <= SERVES) {
            return Ok(None);
        }
        Ok(Some(Hopped::Elsewhere(Box::new(self.read().await?))))
    }

    /// Whether a bulk move that was asked for earlier has had its effect by now, or never will.
    pub(super) async fn task_settled(&mut self, together: &Together) -> Go<()> {
        let passed = self.shared.clock.now().duration_since(together.at);
        let passed = Duration::try_from(passed).unwrap_or_default();
        if passed >= BULK_STUCK {
            return Ok(());
        }
        let Some((task, bulk)) = together.task.as_deref().zip(self.site.processor.bulk()) else {
            let rest = BULK_SETTLES.saturating_sub(passed);
            return if rest.is_zero() { Ok(()) } else { Err(Halt::NotYet(rest)) };
        };
        match bulk.is_over(task, &mut self.trace.attempts).await {
            Ok(false) => Err(Halt::NotYet(BETWEEN_LOOKS)),
            // A task that nobody remembers is over, too.
            Ok(true) | Err(Setback { class: Class::Refused(_) | Class::Permanent(_), .. }) => Ok(()),
            Err(setback) => Err(setback.into()),
        }
    }
}

/// PURE: whether a move can be asked for together with others: one hop, and nothing goes with it.
fn goes_by_itself(intent: &Intent, found: &Found) -> bool {
    let effects = &intent.effects;
    let fresh = intent.phase == Phase::Intended && intent.taken == 0;
    let bare = effects.comment.is_none() && effects.fix_version.is_none() && effects.fields.is_empty();
    let asks_nothing = || {
        let hop = intent.current();
        hop.is_some_and(|hop| hop.fields.is_empty() && require(found, &fields(found, hop, None).0).is_ok())
    };
    fresh && intent.path.len() == 1 && bare && asks_nothing()
}

/// PURE: whether carrying this out would write anything.
fn writes(decision: &Decision) -> bool {
    match &decision.action {
        Action::Move(_) => true,
        Action::Stay(verdict) => {
            let lasts = decision.effects.link.is_some() || decision.effects.fix_version.is_some();
            lasts && verdict.reason != Reason::ObserveOnly
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::machine::{Effects, Hop, Link};
    use crate::trace::Step;

    fn hop() -> Hop {
        Hop {
            step: Step {
                from: "to_do".into(),
                event: "next".into(),
                to: "done".into(),
                file: "shop.hcl".into(),
                line: 1,
            },
            from_status: "To Do".into(),
            to_status: "Done".into(),
            via: None,
            fields: BTreeMap::new(),
        }
    }

    fn found() -> Found {
        Found {
            id: "31".into(),
            name: "Ship".into(),
            to: "3".into(),
            cached: true,
            required: vec![],
            fields: BTreeMap::new(),
            takes_comment: true,
        }
    }

    fn together(path: Vec<Hop>, effects: Effects, found: &Found) -> bool {
        goes_by_itself(&Intent::new(path, effects, &Ticket::default()), found)
    }

    #[test]
    fn one_hop_that_carries_nothing_goes_together_with_others() {
        let link = Some(Link { url: "https://acme.test/1".into(), title: "1".into() });
        assert!(together(vec![hop()], Effects { link, ..Effects::default() }, &found()), "links follow");
        assert!(!together(vec![hop(), hop()], Effects::default(), &found()));
        let comment = Some("Merged".to_owned());
        assert!(!together(vec![hop()], Effects { comment, ..Effects::default() }, &found()));
        let fields = BTreeMap::from([("resolution".to_owned(), "Done".into())]);
        assert!(!together(vec![Hop { fields, ..hop() }], Effects::default(), &found()));
        let required = vec![("resolution".to_owned(), "Resolution".to_owned())];
        assert!(!together(vec![hop()], Effects::default(), &Found { required, ..found() }));
    }

    #[test]
    fn a_hop_that_may_have_been_asked_for_goes_alone() {
        let mut intent = Intent::new(vec![hop()], Effects::default(), &Ticket::default());
        intent.asked(jiff::Timestamp::UNIX_EPOCH, "3", false);
        assert!(!goes_by_itself(&intent, &found()));
    }
}
