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
//! before Jira is asked, so whoever takes the job over knows what may have been applied. Here a job begins and
//! is decided; `walk` moves the ticket, `effects` writes what stands beside the move, `together` is what it does with
//! others of its event, `elsewhere` passes it on to the key that the ticket bears by now, `parting` is its end.

mod effects;
mod elsewhere;
mod parting;
mod together;
mod walk;

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::SemaphorePermit;
use tracing::Instrument as _;

use parting::{bury, close, leave_to_newer};
pub(super) use walk::{fields, require};

use super::batch::Company;
use super::intent::{Intent, Progress, Unreadable};
use super::lease::{Held, Moment};
use super::processor::{Setback, Site, Ticket};
use super::retry;
use super::router::{may_move, not_the_hooks};
use super::{Rulebook, Shared, record, ruling};
use crate::event::Event;
use crate::machine::{Action, Decision, Machine, precheck};
use crate::store::{self, Claim, JobId, NewJob, StoreError};
use crate::telemetry::Span;
use crate::trace::{Outcome, Reason, TicketTrace, Verdict};

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
    /// The ticket bears another key by now, in whose queue the job goes on.
    Elsewhere(Box<NewJob>),
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

/// Carries out a leased job to its end, or to its next try; what it does, the log and the traces say of its ticket.
pub(super) async fn carry_out(
    shared: &Shared,
    held: &Held,
    claim: Claim,
    company: Option<Company>,
) -> Result<Ended, StoreError> {
    let JobId { event, key, .. } = &held.lease().job;
    let span = Span::of_event("ticket", event.as_str());
    span.set("conduit.ticket", key.clone());
    span.set("conduit.site", held.lease().site.clone());
    let logged = tracing::info_span!("job", %event, ticket = key);
    let ended = span.around(Box::pin(attempt(shared, held, claim, company).instrument(logged))).await;
    match &ended {
        Ok(Ended::Finished(verdict)) => super::tell(&span, *verdict),
        Ok(Ended::Waiting(reason)) => {
            super::tell(&span, Verdict { outcome: Outcome::Waiting, reason: *reason });
        }
        Ok(Ended::LeftToNewer) => {}
        Err(_) => span.failed("store"),
    }
    ended
}

async fn attempt(
    shared: &Shared,
    held: &Held,
    claim: Claim,
    company: Option<Company>,
) -> Result<Ended, StoreError> {
    let began = shared.clock.now();
    let mut trace = record::begin(&claim, began);
    let notes = claim.state.as_ref().map_or_else(|| Ok(Progress::default()), |s| Progress::read(&s.progress));
    let (event, progress) = match (claim.event, notes) {
        (Err(store::Unreadable::Newer { .. }), _) | (_, Err(Unreadable::Newer)) => {
            return leave_to_newer(held, claim.state, trace).await;
        }
        (Err(store::Unreadable::Damaged(why)), _) => {
            return bury(held, trace, format!("the stored event cannot be read: {why}"), began).await;
        }
        (_, Err(Unreadable::Damaged(why))) => {
            return bury(held, trace, format!("the notes on this job cannot be read: {why}"), began).await;
        }
        (Ok(event), Ok(progress)) => (event, progress),
    };
    if claim.expired >= retry::MOST_EXPIRED {
        let why = format!("{} workers in a row took it up and were not heard of again", claim.expired);
        return bury(held, trace, why, began).await;
    }
    let rulebook = shared.rulebook.load_full();
    let Some(site) = rulebook.backends.site(&held.lease().site) else {
        record::detail(&mut trace, format!("no worker has a site named {} any more", held.lease().site));
        return close(held, trace, Reason::ProjectNotConfigured.into(), began).await;
    };
    let key = held.lease().job.key.clone();
    let job = Job {
        shared,
        held,
        site,
        event: Cow::Borrowed(&event),
        key,
        project: claim.project,
        projects: claim.projects,
        trace,
        progress,
        began,
        company,
        seen: None,
        speaks: true,
    };
    job.run().await
}

/// Waits for a place at the ticket system. Whoever goes in company waits for one of its batch's.
async fn place<'a>(shared: &'a Shared, company: Option<&Company>) -> Option<SemaphorePermit<'a>> {
    if company.is_some() {
        return None;
    }
    // Nobody closes it.
    shared.places.acquire().await.ok()
}

/// A job in the hands of a worker.
struct Job<'a> {
    shared: &'a Shared,
    held: &'a Held,
    site: &'a Site,
    event: Cow<'a, Event>,
    /// The issue key as the event wrote it.
    key: String,
    project: String,
    /// The projects that the hook may move; `None`: all.
    projects: Option<Vec<String>>,
    trace: TicketTrace,
    progress: Progress,
    began: Timestamp,
    /// The others of its event that are worked on with it.
    company: Option<Company>,
    /// When the ticket was read together with others, if that is what is known of it.
    seen: Option<Moment>,
    /// Whether a failure is to be reported by this job, and not by another that it hit too.
    speaks: bool,
}

impl Job<'_> {
    async fn run(mut self) -> Result<Ended, StoreError> {
        let mut intent = self.progress.intent.take();
        let asked_before = self.trace.attempts.len();
        let place = place(self.shared, self.company.as_ref()).await;
        let result = self.pursue(&mut intent).await;
        // What is left to do is to write the end down: another ticket may be asked for meanwhile.
        drop(place);
        self.report(asked_before, result.as_ref().err());
        self.progress.intent = intent;
        let waits_for = self.trace.reason;
        match result {
            Ok(verdict) => close(self.held, self.trace, verdict, self.shared.clock.now()).await,
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::NotYet(delay)) => self.wait(delay, waits_for).await,
            Err(Halt::Elsewhere(job)) => self.hand_over(*job).await,
            Err(Halt::Setback(setback)) => self.stumble(setback).await,
        }
    }

    async fn pursue(&mut self, intent: &mut Option<Intent>) -> Go<Verdict> {
        match intent {
            Some(intent) => self.resume(intent).await,
            None => self.decide(intent).await,
        }
    }

    async fn decide(&mut self, intent: &mut Option<Intent>) -> Go<Verdict> {
        let Rulebook { rules, backends } = &*self.shared.rulebook.load_full();
        let Some(machine) = rules.machine(&self.project) else { return Ok(Reason::NoMachine.into()) };
        record::machine(&mut self.trace, machine, rules);
        if let Some(verdict) = self.precheck(machine) {
            return Ok(verdict);
        }
        if let Some(verdict) = self.echo().await? {
            return Ok(verdict);
        }
        if self.complete(machine).await?
            && let Some(verdict) = self.precheck(machine)
        {
            return Ok(verdict);
        }
        let ticket = self.read().await?;
        let own = ruling::machine_of(&ticket, &self.site.name, backends.map(), rules);
        if own.is_some() && ticket.key != self.key {
            return Err(Halt::Elsewhere(Box::new(self.at(ticket))));
        }
        let machine = own.unwrap_or(machine);
        record::machine(&mut self.trace, machine, rules);
        self.complete(machine).await?;
        self.apply(machine, ticket, intent).await
    }

    /// The verdict, when it cannot depend on where the ticket stands.
    fn precheck(&mut self, machine: &Machine) -> Option<Verdict> {
        let decision = precheck(machine, &self.event, &self.trace.found_in)?;
        record::decision(&mut self.trace, &decision);
        match decision.action {
            Action::Stay(verdict) => Some(verdict),
            Action::Move(_) => None,
        }
    }

    /// The verdict on what we may have done ourselves. Jira tells of our own moves and comments as of everybody's; a
    /// rule that answered them would answer itself. What names nobody is not answered either.
    async fn echo(&mut self) -> Go<Option<Verdict>> {
        let Some(issue) = self.event.issue() else { return Ok(None) };
        let Some(actor) = issue.actor.clone() else {
            record::detail(&mut self.trace, "the payload does not say who did it: it may have been Conduit");
            return Ok(Some(Reason::Duplicate.into()));
        };
        if !self.site.processor.is_us(&actor.id, &mut self.trace.attempts).await? {
            return Ok(None);
        }
        record::detail(&mut self.trace, format!("Conduit did this itself, as {}", actor.name));
        Ok(Some(Reason::Duplicate.into()))
    }

    /// Reads what the machine wants to know of the event and the payload did not say. Whether it did.
    async fn complete(&mut self, machine: &Machine) -> Go<bool> {
        let lacks = machine.lacks(&self.event).paths;
        if lacks {
            self.event = Cow::Owned(self.shared.forge.with_paths(&self.event).await?);
        }
        Ok(lacks)
    }

    async fn apply(&mut self, machine: &Machine, ticket: Ticket, intent: &mut Option<Intent>) -> Go<Verdict> {
        let mut ticket = ticket;
        let mut decision = self.rule(machine, &ticket);
        if self.must_look_again(&decision) {
            ticket = self.read().await?;
            decision = self.rule(machine, &ticket);
        }
        let Decision { action, effects, .. } = decision;
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

    fn rule(&mut self, machine: &Machine, ticket: &Ticket) -> Decision {
        let span = Span::within("decide");
        let decision = ruling::rule(&mut self.trace, machine, &self.event, ticket, "live");
        span.set("conduit.machine", machine.name.clone());
        match &decision.action {
            Action::Move(path) => span.set("conduit.steps", i64::try_from(path.len()).unwrap_or(i64::MAX)),
            Action::Stay(verdict) => super::tell(&span, *verdict),
        }
        decision
    }

    async fn read(&mut self) -> Go<Ticket> {
        if let Some(ticket) = self.seen_together().await? {
            return Ok(ticket);
        }
        let ticket = self.site.processor.read(&self.key, &mut self.trace.attempts).await?;
        ruling::renamed(&mut self.trace, &ticket);
        // The hook was asked about the key that the event wrote; the ticket may have gone where it may not follow.
        if may_move(self.projects.as_deref(), &ticket.project) {
            return Ok(ticket);
        }
        let sentence = format!("{} is {} now, and {}", self.key, ticket.key, not_the_hooks(&ticket.project));
        Err(Setback::permanent(Reason::ProjectNotConfigured, sentence).into())
    }
}
