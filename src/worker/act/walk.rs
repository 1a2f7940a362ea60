//! Walking a path: each hop found, written down, asked for, and never taken twice.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::super::intent::{Intent, Phase};
use super::super::processor::{Change, Class, Found, Setback, Taken, Ticket};
use super::super::record;
use super::super::recover::{Recovered, recover};
use super::{Go, Halt, Job};
use crate::machine::{Effects, Hop};
use crate::trace::{Reason, Verdict};

/// What became of a hop.
pub(super) enum Hopped {
    /// It was taken.
    Taken,
    /// It was not taken, and this is where the ticket stands now.
    Elsewhere(Box<Ticket>),
    /// The job is over.
    Over(Verdict),
}

impl Job<'_> {
    /// Goes on with what an earlier worker, or an earlier try, has left.
    pub(super) async fn resume(&mut self, intent: &mut Intent) -> Go<Verdict> {
        if let Some(company) = &mut self.company {
            company.leave();
        }
        if intent.current().is_none() {
            let ticket = self.read().await?;
            return self.arrive(intent, &ticket).await;
        }
        let asked = matches!(intent.phase, Phase::Asked(_));
        if let Phase::Asked(at) = intent.phase {
            self.settled(at)?;
            if let Some(together) = intent.together.clone() {
                self.task_settled(&together).await?;
            }
        }
        let ticket = self.read().await?;
        let changes = if asked { self.changes(&ticket, intent).await? } else { Vec::new() };
        let recovered = recover(intent, &ticket.status, &changes);
        if asked && matches!(recovered, Recovered::Done | Recovered::ContinueAt(_)) {
            intent.taken += 1;
            record::found(&mut self.trace, intent, &ticket.status);
        }
        if let Some(verdict) = self.go_on(intent, &ticket, recovered).await? {
            return Ok(verdict);
        }
        self.walk(intent, ticket).await
    }

    /// Whether a request that was sent at this time has had its effect by now, or never will.
    pub(super) fn settled(&self, asked: Timestamp) -> Go<()> {
        let settle = self.site.processor.settles_within();
        let passed = Duration::try_from(self.shared.clock.now().duration_since(asked)).unwrap_or_default();
        match settle.checked_sub(passed).filter(|rest| !rest.is_zero()) {
            Some(rest) => Err(Halt::NotYet(rest)),
            None => Ok(()),
        }
    }

    pub(super) async fn changes(&mut self, ticket: &Ticket, intent: &Intent) -> Go<Vec<Change>> {
        let log = &mut self.trace.attempts;
        Ok(self.site.processor.changes(ticket, &intent.updated, log).await?)
    }

    /// Walks what is left of the path, from where the ticket stands.
    pub(super) async fn walk(&mut self, intent: &mut Intent, mut ticket: Ticket) -> Go<Verdict> {
        while let Some(hop) = intent.current().cloned() {
            match self.hop(intent, &hop, &ticket).await? {
                Hopped::Over(verdict) => return Ok(verdict),
                Hopped::Elsewhere(now) => ticket = *now,
                Hopped::Taken if intent.current().is_none() => break,
                Hopped::Taken => ticket = self.read().await?,
            }
            let recovered = recover(intent, &ticket.status, &[]);
            if let Some(verdict) = self.go_on(intent, &ticket, recovered).await? {
                return Ok(verdict);
            }
        }
        self.arrive(intent, &ticket).await
    }

    /// Sets the intent to where the ticket stands, or ends the job.
    pub(super) async fn go_on(
        &mut self,
        intent: &mut Intent,
        ticket: &Ticket,
        recovered: Recovered,
    ) -> Go<Option<Verdict>> {
        let verdict = match recovered {
            Recovered::Ask => {
                intent.stand_before(intent.hop, ticket);
                return Ok(None);
            }
            Recovered::ContinueAt(hop) => {
                intent.stand_before(hop, ticket);
                return Ok(None);
            }
            Recovered::Done => {
                intent.hop = intent.path.len();
                return self.arrive(intent, ticket).await.map(Some);
            }
            Recovered::AlreadyThere => Reason::AlreadyThere.into(),
            Recovered::MovedByOther => {
                record::moved_by_other(&mut self.trace, intent, &ticket.status.name);
                Reason::MovedByOther.into()
            }
        };
        self.stay(verdict, ticket, &intent.effects).await?;
        Ok(Some(verdict))
    }

    /// The path is walked: what is written beside the move, and the verdict.
    async fn arrive(&mut self, intent: &mut Intent, ticket: &Ticket) -> Go<Verdict> {
        self.speak(intent, ticket).await?;
        self.lasting(ticket, &intent.effects).await?;
        Ok(Reason::Moved.into())
    }

    async fn hop(&mut self, intent: &mut Intent, hop: &Hop, ticket: &Ticket) -> Go<Hopped> {
        let found = self.find(ticket, hop, intent.leads_to()).await?;
        if let Some(hopped) = self.ride(intent, ticket, &found).await? {
            return Ok(hopped);
        }
        let refusal = match self.ask(intent, hop, ticket, &found).await {
            Err(Halt::Setback(setback)) if matches!(setback.class, Class::Refused(_)) => setback,
            other => return other.map(|()| Hopped::Taken),
        };
        // The same words for a stale state and for a wrong id: only another look tells them apart.
        let now = self.read().await?;
        if now.status.id != ticket.status.id {
            return Ok(Hopped::Elsewhere(Box::new(now)));
        }
        if !found.cached {
            return Err(refusal.into());
        }
        self.site.processor.forget(&now).await;
        let live = self.find(&now, hop, intent.leads_to()).await?;
        self.ask(intent, hop, &now, &live).await.map(|()| Hopped::Taken)
    }

    async fn find(&mut self, ticket: &Ticket, hop: &Hop, to: Option<&str>) -> Go<Found> {
        Ok(self.site.processor.find(ticket, hop, to, &mut self.trace.attempts).await?)
    }

    /// Writes the intent down, then asks.
    async fn ask(&mut self, intent: &mut Intent, hop: &Hop, ticket: &Ticket, found: &Found) -> Go<()> {
        let last = intent.on_last_hop();
        let (fields, off_screen) = fields(found, hop, last.then_some(&intent.effects));
        require(found, &fields)?;
        record::transition(&mut self.trace, found);
        let comment = intent.effects.comment.clone().filter(|_| last && found.takes_comment);
        intent.asked(self.shared.clock.now(), &found.to, comment.is_some());
        self.save(intent).await?;
        let taken = Taken { found, fields: &fields, comment: comment.as_deref() };
        match self.site.processor.take(ticket, &taken, &mut self.trace.attempts).await {
            Ok(()) => {
                record::fields(&mut self.trace, &fields, &off_screen);
                intent.advance();
                Ok(())
            }
            Err(setback) if setback.unknown => {
                // A wrong id may be answered with a server error: look it up again next time.
                self.site.processor.forget(ticket).await;
                Err(setback.into())
            }
            Err(setback) => {
                intent.refused();
                Err(setback.into())
            }
        }
    }

    /// Makes the intent durable, and sees that the lease outlasts the request that follows.
    pub(super) async fn save(&self, intent: &Intent) -> Go<()> {
        self.held.checkpoint(self.state(Some(intent), Reason::Working)).await?;
        Ok(self.held.fresh().await?)
    }
}

/// An edge's fields, with the last hop the rule's over them; and the ids of those that the transition's
/// screen does not have, which would be refused.
pub(in crate::worker) fn fields(
    found: &Found,
    hop: &Hop,
    effects: Option<&Effects>,
) -> (BTreeMap<String, Value>, Vec<String>) {
    let mut fields = hop.fields.clone();
    fields.extend(effects.into_iter().flat_map(|effects| effects.fields.clone()));
    let off_screen: Vec<_> = fields.keys().filter(|id| !found.fields.contains_key(*id)).cloned().collect();
    fields.retain(|id, _| found.fields.contains_key(id));
    (fields, off_screen)
}

/// Fails when the transition's screen asks for what nobody supplies.
pub(in crate::worker) fn require(found: &Found, fields: &BTreeMap<String, Value>) -> Result<(), Setback> {
    let missing: Vec<_> = found
        .required
        .iter()
        .filter(|(id, _)| !fields.contains_key(id))
        .map(|(id, name)| if id == name { id.clone() } else { format!("{name} ({id})") })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the screen of `{}` asks for {}: give it in the edge's or the rule's `fields`",
        found.name,
        missing.join(", ")
    );
    Err(Setback::permanent(Reason::FieldsRequired, message))
}
