//! PURE: what a worker would do with an event, for `conduit plan`.
//!
//! Nothing is decided here. The function that routes an event fans it out, the one that a job asks decides on each
//! ticket, and the table of retries says what a failure means. This puts their answers into a trace.

use jiff::Timestamp;

use super::act::{fields, require};
use super::processor::{Answer, Found, Setback, SiteMap, Status, Ticket};
use super::retry::{self, Limits, Next, Tries};
use super::router::{Run, fan_out};
use super::{record, ruling};
use crate::event::Event;
use crate::machine::{Action, Decision, Hop, Machine, RuleSet, decide_by_status};
use crate::store::NewJob;
use crate::trace::{Reason, TicketTrace, Verdict};

pub use super::router::{Fan, Part};

/// A plan has no clock: nothing of it has a time.
const NO_TIME: Timestamp = Timestamp::UNIX_EPOCH;

/// Plans with one set of rules.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    rules: &'a RuleSet,
    sites: &'a SiteMap,
}

/// What is known of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Where it stands, and from where that is known: `given`, `recorded`, `payload` or `assumed`.
    Status(String, &'static str),
    /// All of it, as Jira showed it now.
    Live(Box<Ticket>),
}

/// What would become of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The trace as a worker would begin it.
    pub trace: TicketTrace,
    /// It depends on more of the ticket than is known.
    pub uncertain: bool,
    decision: Option<Decision>,
}

impl<'a> Planner<'a> {
    /// Plans with these rules for projects on these sites.
    pub fn new(rules: &'a RuleSet, sites: &'a SiteMap) -> Self {
        Self { rules, sites }
    }

    /// The parts of an event that comes in for the first time, by a hook that may move these projects.
    pub fn fan_out(&self, event: &Event, projects: Option<&[String]>) -> Fan {
        fan_out(event, &Run { projects, ..Run::default() }, self.rules, self.sites, NO_TIME)
    }

    /// The status in which the tickets of a project begin.
    pub fn initial(&self, project: &str) -> Option<&'a str> {
        let machine = self.rules.machine(project)?;
        machine.status_of(&machine.initial)
    }

    /// A status as the board shows it, for its alias too.
    pub fn status(&self, project: &str, named: &str) -> String {
        let machine = self.rules.machine(project);
        machine.and_then(|machine| machine.status_of(named)).unwrap_or(named).to_owned()
    }

    /// What would become of a ticket that has to be looked at, and is this.
    pub fn ticket(&self, event: &Event, job: &NewJob, seen: &Seen) -> Planned {
        let mut trace = fresh(job);
        let (ticket, source) = seen.as_ticket(job);
        ruling::renamed(&mut trace, &ticket);
        let moved = ruling::machine_of(&ticket, &job.site, self.sites, self.rules);
        let Some(machine) = moved.or_else(|| self.rules.machine(&job.project)) else {
            return ended(trace, Reason::NoMachine.into());
        };
        record::machine(&mut trace, machine, self.rules);
        let decision = ruling::rule(&mut trace, machine, event, &ticket, source);
        let lacks_files = machine.lacks(event).paths;
        let uncertain = lacks_files || seen.is_too_little(machine, event, job);
        if lacks_files {
            record::detail(&mut trace, "a rule looks at the files it changes, which only the forge can tell");
        } else if uncertain {
            record::doubt(&mut trace);
        }
        let verdict = tell(&mut trace, &decision);
        Planned { uncertain, decision: Some(decision), ..ended(trace, verdict) }
    }

    /// What would become of a ticket that could not be read.
    pub fn unread(&self, job: &NewJob, setback: &Setback) -> Planned {
        let mut trace = fresh(job);
        record::detail(&mut trace, setback.message.clone());
        ended(trace, verdict_of(setback))
    }
}

/// What would be written, and the verdict if all goes well.
fn tell(trace: &mut TicketTrace, decision: &Decision) -> Verdict {
    match &decision.action {
        Action::Move(path) => {
            record::planned(trace, &decision.effects);
            record::fields_planned(trace, path, &decision.effects);
            Reason::Moved.into()
        }
        Action::Stay(verdict) if verdict.reason == Reason::ObserveOnly => {
            record::planned(trace, &decision.effects);
            *verdict
        }
        Action::Stay(verdict) => {
            record::not_carried_along(trace, &decision.effects);
            record::lasting_planned(trace, &decision.effects);
            *verdict
        }
    }
}

fn fresh(job: &NewJob) -> TicketTrace {
    TicketTrace::queued(&job.key, job.found_in.clone(), NO_TIME)
}

fn ended(trace: TicketTrace, verdict: Verdict) -> Planned {
    record::end(trace, verdict, NO_TIME).into()
}

/// What a worker would write down of such a failure.
fn verdict_of(setback: &Setback) -> Verdict {
    let limits = Limits {
        patience: std::time::Duration::MAX,
        settle: std::time::Duration::ZERO,
        down: false,
        jitter: 1.0,
    };
    match retry::next(setback, &Tries::default(), limits) {
        Next::Retry(_, reason) | Next::WithSite(_, reason) | Next::Fail(reason) => reason.into(),
        Next::Pause(kind, _) => kind.reason().into(),
        Next::Dead(reason) => Verdict::dead(reason),
    }
}

impl From<TicketTrace> for Planned {
    /// A ticket that is settled without being looked at.
    fn from(trace: TicketTrace) -> Self {
        let trace = TicketTrace { queued_at: None, finished_at: None, ..trace };
        Self { trace, uncertain: false, decision: None }
    }
}

impl Planned {
    /// The hops it would take.
    pub fn path(&self) -> &[Hop] {
        match self.decision.as_ref().map(|decision| &decision.action) {
            Some(Action::Move(path)) => path,
            _ => &[],
        }
    }

    /// The transition that Jira has for the first hop, or why it would refuse.
    pub fn first_hop(&mut self, found: Answer<Found>) {
        let Some(Decision { action: Action::Move(path), effects, .. }) = &self.decision else { return };
        let Some(hop) = path.first() else { return };
        let checked = found.and_then(|found| {
            let (sent, _) = fields(&found, hop, (path.len() == 1).then_some(effects));
            require(&found, &sent).map(|()| found)
        });
        match checked {
            Ok(found) => record::transition(&mut self.trace, &found),
            Err(setback) => {
                let Verdict { outcome, reason } = verdict_of(&setback);
                (self.trace.outcome, self.trace.reason) = (outcome, reason);
                record::detail(&mut self.trace, setback.message);
            }
        }
    }
}

impl Seen {
    fn as_ticket(&self, job: &NewJob) -> (Ticket, &'static str) {
        match self {
            Self::Live(ticket) => (ticket.as_ref().clone(), "live"),
            Self::Status(name, source) => {
                let ticket = Ticket {
                    key: job.key.clone(),
                    project: job.project.clone(),
                    status: Status { id: String::new(), name: name.clone() },
                    ..Ticket::default()
                };
                (ticket, source)
            }
        }
    }

    /// Whether the decision looks at more of the ticket than this.
    fn is_too_little(&self, machine: &Machine, event: &Event, job: &NewJob) -> bool {
        match self {
            Self::Live(_) => false,
            Self::Status(name, _) => decide_by_status(machine, event, &job.found_in, name).is_none(),
        }
    }
}
