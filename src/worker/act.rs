//! Carrying out one job: read, decide, move, and write down what happened.
//!
//! ```text
//!  claimed ─ notes of an earlier worker? ─ yes ─▶ look where the ticket is ─▶ recover ─┐
//!               │ no                                                                  ▼
//!               └─▶ precheck ─▶ read ─▶ decide ─ move ─▶ hop: find, checkpoint, take ─▶ finish
//!                     └──────────────────┴─ stay ────────────────────────────────────▶ finish
//! ```
//!
//! A warm ticket costs one read and one write. The checkpoint stands between them: the intent is durable
//! before Jira is asked, so whoever takes the job over knows what may have been applied.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::intent::{Intent, Phase, Progress, Spoken, Unreadable};
use super::lease::Held;
use super::processor::{Change, Class, Found, Setback, Site, Taken, Ticket};
use super::recover::{Recovered, recover};
use super::retry::{self, Next};
use super::{Shared, is_newer, record};
use crate::event::Event;
use crate::machine::{Action, Decision, Effects, Hop, Machine, TicketNow, decide, precheck};
use crate::store::{Claim, JobState, StoreError};
use crate::trace::{Outcome, Reason, TicketTrace, Verdict};

/// How long a job of a newer version is left alone before it is offered again.
const LEAVE_TO_NEWER: Duration = Duration::from_secs(30);

/// How a worker parted with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is over.
    Finished(Verdict),
    /// It will be taken up again, and waits for this reason.
    Waiting(Reason),
    /// A newer version wrote it, and shall have it.
    LeftToNewer,
}

/// Why a job cannot go on now.
enum Halt {
    /// The ticket system failed us.
    Setback(Setback),
    /// The store did, or the lease is lost.
    Store(StoreError),
    /// An unanswered request may still take effect for so long.
    NotYet(Duration),
}

impl From<Setback> for Halt {
    fn from(setback: Setback) -> Self {
        Self::Setback(setback)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

type Go<T> = Result<T, Halt>;

/// What became of a hop.
enum Hopped {
    /// It was taken.
    Taken,
    /// It was refused, because the ticket stands elsewhere by now.
    Elsewhere(Box<Ticket>),
}

/// Carries out a leased job to its end, or to its next try.
pub(super) async fn carry_out(shared: &Shared, held: &Held, claim: Claim) -> Result<Ended, StoreError> {
    let began = shared.clock.now();
    let mut trace = record::begin(&claim, began);
    let notes = claim.state.as_ref().map_or_else(|| Ok(Progress::default()), |s| Progress::read(&s.progress));
    let (event, progress) = match (claim.event, notes) {
        (Err(why), _) if is_newer(&why) => {
            return leave_to_newer(held, claim.state, trace).await;
        }
        (_, Err(Unreadable::Newer)) => return leave_to_newer(held, claim.state, trace).await,
        (Err(why), _) => {
            return bury(held, trace, format!("the stored event cannot be read: {why}"), began).await;
        }
        (_, Err(Unreadable::Damaged(why))) => {
            return bury(held, trace, format!("the notes on this job cannot be read: {why}"), began).await;
        }
        (Ok(event), Ok(progress)) => (event, progress),
    };
    let Some(site) = shared.backends.site(&held.lease().site) else {
        record::detail(&mut trace, format!("no worker has a site named {} any more", held.lease().site));
        return close(held, trace, Reason::ProjectNotConfigured.into(), began).await;
    };
    let key = held.lease().job.key.clone();
    let job = Job { shared, held, site, event: &event, key, project: claim.project, trace, progress, began };
    job.run().await
}

async fn leave_to_newer(
    held: &Held,
    state: Option<JobState>,
    trace: TicketTrace,
) -> Result<Ended, StoreError> {
    let state = state.unwrap_or(JobState { progress: record::notes(&Progress::default()), trace });
    held.retry(LEAVE_TO_NEWER, &state).await?;
    Ok(Ended::LeftToNewer)
}

async fn bury(held: &Held, mut trace: TicketTrace, why: String, now: Timestamp) -> Result<Ended, StoreError> {
    record::detail(&mut trace, why);
    close(held, trace, Verdict::dead(Reason::Poison), now).await
}

async fn close(
    held: &Held,
    trace: TicketTrace,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Ended, StoreError> {
    held.finish(&record::end(trace, verdict, now)).await?;
    Ok(Ended::Finished(verdict))
}

/// A job in the hands of a worker.
struct Job<'a> {
    shared: &'a Shared,
    held: &'a Held,
    site: &'a Site,
    event: &'a Event,
    /// The issue key as the event wrote it.
    key: String,
    project: String,
    trace: TicketTrace,
    progress: Progress,
    began: Timestamp,
}

impl Job<'_> {
    async fn run(mut self) -> Result<Ended, StoreError> {
        let mut intent = self.progress.intent.take();
        let result = self.pursue(&mut intent).await;
        self.progress.intent = intent;
        let waits_for = self.trace.reason;
        match result {
            Ok(verdict) => close(self.held, self.trace, verdict, self.shared.clock.now()).await,
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::NotYet(delay)) => self.wait(delay, waits_for).await,
            Err(Halt::Setback(setback)) => self.stumble(setback).await,
        }
    }

    async fn pursue(&mut self, intent: &mut Option<Intent>) -> Go<Verdict> {
        match intent {
            Some(intent) => self.resume(intent).await,
            None => self.decide(intent).await,
        }
    }

    // --- deciding ------------------------------------------------------------------------------------

    async fn decide(&mut self, intent: &mut Option<Intent>) -> Go<Verdict> {
        let rules = self.shared.rules.load_full();
        let Some(machine) = rules.machine(&self.project) else { return Ok(Reason::NoMachine.into()) };
        record::machine(&mut self.trace, machine, &rules);
        if let Some(decision) = precheck(machine, self.event, &self.trace.found_in) {
            record::decision(&mut self.trace, &decision, None);
            if let Action::Stay(verdict) = decision.action {
                return Ok(verdict);
            }
        }
        let ticket = self.read().await?;
        let machine = self.machine_of(&ticket).and_then(|project| rules.machine(project)).unwrap_or(machine);
        record::machine(&mut self.trace, machine, &rules);
        self.apply(machine, ticket, intent).await
    }

    async fn apply(&mut self, machine: &Machine, ticket: Ticket, intent: &mut Option<Intent>) -> Go<Verdict> {
        let Decision { action, effects, .. } = self.decided(machine, &ticket);
        match action {
            Action::Stay(verdict) => {
                self.stay(verdict, &ticket, &effects).await?;
                Ok(verdict)
            }
            Action::Move(path) => {
                let intent = intent.insert(Intent::new(path, effects, &ticket));
                self.walk(intent, ticket).await
            }
        }
    }

    fn decided(&mut self, machine: &Machine, ticket: &Ticket) -> Decision {
        let now = TicketNow {
            key: ticket.key.clone(),
            project: ticket.project.clone(),
            found_in: self.trace.found_in.clone(),
            status: ticket.status.name.clone(),
            issue_type: ticket.issue_type.clone(),
            labels: ticket.labels.clone(),
            assignee: ticket.assignee.clone(),
        };
        let decision = decide(machine, self.event, &now);
        record::decision(&mut self.trace, &decision, Some(&ticket.status.name));
        decision
    }

    /// The project whose machine decides on a ticket that moved to another one of this site.
    fn machine_of<'t>(&mut self, ticket: &'t Ticket) -> Option<&'t str> {
        if ticket.key != self.key {
            record::detail(&mut self.trace, format!("{} is {} now", self.key, ticket.key));
        }
        let site = self.shared.backends.site_of(&ticket.project)?;
        (site.name == self.site.name).then_some(ticket.project.as_str())
    }

    async fn read(&mut self) -> Go<Ticket> {
        Ok(self.site.processor.read(&self.key, &mut self.trace.attempts).await?)
    }

    // --- moving --------------------------------------------------------------------------------------

    /// Goes on with what an earlier worker, or an earlier try, has left.
    async fn resume(&mut self, intent: &mut Intent) -> Go<Verdict> {
        if intent.current().is_none() {
            let ticket = self.read().await?;
            return self.arrive(intent, &ticket).await;
        }
        let asked = matches!(intent.phase, Phase::Asked(_));
        if let Phase::Asked(at) = intent.phase {
            self.settled(at)?;
        }
        let ticket = self.read().await?;
        let changes = if asked { self.changes(&ticket, intent).await? } else { Vec::new() };
        let recovered = recover(intent, &ticket.status, &changes);
        if asked && matches!(recovered, Recovered::Done | Recovered::ContinueAt(_)) {
            intent.taken += 1;
            record::detail(&mut self.trace, format!("the answer was lost; found at {}", ticket.status.name));
        }
        if let Some(verdict) = self.go_on(intent, &ticket, recovered).await? {
            return Ok(verdict);
        }
        self.walk(intent, ticket).await
    }

    /// Whether a request that was sent at this time has had its effect by now, or never will.
    fn settled(&self, asked: Timestamp) -> Go<()> {
        let settle = self.site.processor.settles_within();
        let passed = Duration::try_from(self.shared.clock.now().duration_since(asked)).unwrap_or_default();
        match settle.checked_sub(passed).filter(|rest| !rest.is_zero()) {
            Some(rest) => Err(Halt::NotYet(rest)),
            None => Ok(()),
        }
    }

    async fn changes(&mut self, ticket: &Ticket, intent: &Intent) -> Go<Vec<Change>> {
        let log = &mut self.trace.attempts;
        Ok(self.site.processor.changes(ticket, &intent.updated, log).await?)
    }

    /// Walks what is left of the path, from where the ticket stands.
    async fn walk(&mut self, intent: &mut Intent, mut ticket: Ticket) -> Go<Verdict> {
        while let Some(hop) = intent.current().cloned() {
            match self.hop(intent, &hop, &ticket).await? {
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
    async fn go_on(
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

    // --- one hop -------------------------------------------------------------------------------------

    async fn hop(&mut self, intent: &mut Intent, hop: &Hop, ticket: &Ticket) -> Go<Hopped> {
        let found = self.find(ticket, hop).await?;
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
        let live = self.find(&now, hop).await?;
        self.ask(intent, hop, &now, &live).await.map(|()| Hopped::Taken)
    }

    async fn find(&mut self, ticket: &Ticket, hop: &Hop) -> Go<Found> {
        Ok(self.site.processor.find(ticket, hop, &mut self.trace.attempts).await?)
    }

    /// Writes the intent down, then asks.
    async fn ask(&mut self, intent: &mut Intent, hop: &Hop, ticket: &Ticket, found: &Found) -> Go<()> {
        let last = intent.on_last_hop();
        let (fields, off_screen) = fields(found, hop, last.then_some(&intent.effects));
        require(found, &fields)?;
        record::transition(&mut self.trace, found);
        let comment = intent.effects.comment.clone().filter(|_| last && found.takes_comment);
        intent.asked(self.shared.clock.now(), comment.is_some());
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
    async fn save(&self, intent: &Intent) -> Go<()> {
        self.held.checkpoint(self.state(Some(intent), Reason::Working)).await?;
        Ok(self.held.fresh().await?)
    }

    // --- effects -------------------------------------------------------------------------------------

    /// Writes what a rule writes also when nothing moves.
    async fn stay(&mut self, verdict: Verdict, ticket: &Ticket, effects: &Effects) -> Go<()> {
        if verdict.reason == Reason::ObserveOnly {
            record::planned(&mut self.trace, effects);
            return Ok(());
        }
        record::not_carried_along(&mut self.trace, effects);
        self.lasting(ticket, effects).await
    }

    /// Writes the comment, if it did not go with the move. One that may have been written is looked for
    /// before it is written again.
    async fn speak(&mut self, intent: &mut Intent, ticket: &Ticket) -> Go<()> {
        let Some(text) = intent.effects.comment.clone() else { return Ok(()) };
        let processor = &self.site.processor;
        let written = match intent.comment {
            Spoken::Done => return Ok(()),
            Spoken::WithMove => true,
            Spoken::NotYet => false,
            Spoken::Asked(at) => {
                self.settled(at)?;
                processor.has_comment(ticket, &text, &intent.updated, &mut self.trace.attempts).await?
            }
        };
        if written {
            record::commented(&mut self.trace, &text);
        } else {
            intent.comment = Spoken::Asked(self.shared.clock.now());
            self.save(intent).await?;
            let answer = processor.comment(ticket, &text, &mut self.trace.attempts).await;
            record::effect(&mut self.trace, "comment", &text, answer)?;
        }
        intent.comment = Spoken::Done;
        Ok(())
    }

    /// Link and fix version. Both are the same when written twice, so they need no notes.
    async fn lasting(&mut self, ticket: &Ticket, effects: &Effects) -> Go<()> {
        record::left_out(&mut self.trace, effects);
        let processor = &self.site.processor;
        if let Some(link) = &effects.link {
            self.held.fresh().await?;
            let answer = processor.link(ticket, link, &mut self.trace.attempts).await;
            record::effect(&mut self.trace, "link", &link.url, answer)?;
        }
        if let Some(version) = &effects.fix_version {
            self.held.fresh().await?;
            let answer = processor.fix_version(ticket, version, &mut self.trace.attempts).await;
            record::effect(&mut self.trace, "fix_version", &version.name, answer)?;
        }
        Ok(())
    }

    // --- parting -------------------------------------------------------------------------------------

    async fn stumble(mut self, setback: Setback) -> Result<Ended, StoreError> {
        let now = self.shared.clock.now();
        let limits = retry::Limits {
            patience: self.shared.config.patience,
            settle: self.site.processor.settles_within(),
            jitter: super::jitter(),
        };
        let worked = Duration::try_from(now.duration_since(self.began)).unwrap_or_default();
        self.progress.tries.spend(worked);
        let next = retry::next(&setback, &self.progress.tries, limits);
        self.progress.tries.count(&setback.class);
        record::detail(&mut self.trace, setback.message.clone());
        match next {
            Next::Retry(delay, reason) => {
                self.progress.tries.spend(delay);
                self.wait(delay, reason).await
            }
            Next::Pause(delay) => {
                self.shared.pause_for_login(&self.site.name, &setback.message).await?;
                self.wait(delay, Reason::Credentials).await
            }
            Next::Fail(reason) => self.fail(reason, now).await,
            Next::Dead(reason) => close(self.held, self.trace, Verdict::dead(reason), now).await,
        }
    }

    async fn fail(mut self, reason: Reason, now: Timestamp) -> Result<Ended, StoreError> {
        let halfway =
            self.progress.intent.as_ref().filter(|intent| intent.taken > 0 && intent.current().is_some());
        let Some(intent) = halfway else { return close(self.held, self.trace, reason.into(), now).await };
        record::partial(&mut self.trace, intent, reason);
        close(self.held, self.trace, Reason::PartialPath.into(), now).await
    }

    async fn wait(mut self, delay: Duration, reason: Reason) -> Result<Ended, StoreError> {
        let waits = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.trace.waited_ms = self.trace.waited_ms.saturating_add(waits);
        let state = self.state(self.progress.intent.as_ref(), reason);
        self.held.retry(delay, &state).await?;
        Ok(Ended::Waiting(reason))
    }

    /// The notes as the next worker shall find them.
    fn state(&self, intent: Option<&Intent>, reason: Reason) -> JobState {
        let progress = Progress { intent: intent.cloned(), ..self.progress.clone() };
        let trace = TicketTrace { outcome: Outcome::Waiting, reason, ..self.trace.clone() };
        JobState { progress: record::notes(&progress), trace: record::bounded(trace) }
    }
}

/// An edge's fields, with the last hop the rule's over them; and the ids of those that the transition's
/// screen does not have, which would be refused.
fn fields(found: &Found, hop: &Hop, effects: Option<&Effects>) -> (BTreeMap<String, Value>, Vec<String>) {
    let mut fields = hop.fields.clone();
    fields.extend(effects.into_iter().flat_map(|effects| effects.fields.clone()));
    let off_screen: Vec<_> = fields.keys().filter(|id| !found.fields.contains(id)).cloned().collect();
    fields.retain(|id, _| found.fields.contains(id));
    (fields, off_screen)
}

/// Fails when the transition's screen asks for what nobody supplies.
fn require(found: &Found, fields: &BTreeMap<String, Value>) -> Result<(), Setback> {
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
