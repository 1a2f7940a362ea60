//! What a rule can see: the event, and the ticket when it is known.

use std::cell::Cell;
use std::convert::Infallible;

use super::decision::TicketNow;
use super::expr::{Issue, Roots};
use super::model::Machine;
use crate::event::Event;
use crate::event::ticket::Source;

/// A ticket that is known, or one that Jira has not been asked about.
///
/// One evaluation serves both, so that what is told without the ticket can never differ from what is told
/// with it: whoever needs the ticket says so by its error.
pub(super) trait Ticket: Copy {
    /// What it means that the ticket is not known.
    type Missing;
    /// The ticket, or that it is missing.
    fn get(&self) -> Result<&TicketNow, Self::Missing>;

    /// Its status, or that this is missing, too.
    fn status(&self) -> Result<&str, Self::Missing> {
        self.get().map(|ticket| ticket.status.as_str())
    }
}

impl Ticket for &TicketNow {
    type Missing = Infallible;

    fn get(&self) -> Result<&TicketNow, Infallible> {
        Ok(self)
    }
}

/// A ticket that Jira has not been asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unknown;

/// A ticket of which nothing but the status is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatusOnly<'a>(pub &'a str);

impl Ticket for StatusOnly<'_> {
    type Missing = NeedsTicket;

    fn get(&self) -> Result<&TicketNow, NeedsTicket> {
        Err(NeedsTicket)
    }

    fn status(&self) -> Result<&str, NeedsTicket> {
        Ok(self.0)
    }
}

/// Something depends on the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeedsTicket;

impl Ticket for Unknown {
    type Missing = NeedsTicket;

    fn get(&self) -> Result<&TicketNow, NeedsTicket> {
        Err(NeedsTicket)
    }
}

/// Everything one decision looks at.
pub(super) struct Scene<'a, T> {
    pub machine: &'a Machine,
    pub event: &'a Event,
    pub found_in: &'a [Source],
    ticket: T,
    status_seen: Cell<bool>,
}

impl<'a, T: Ticket> Scene<'a, T> {
    pub(super) fn new(machine: &'a Machine, event: &'a Event, found_in: &'a [Source], ticket: T) -> Self {
        Self { machine, event, found_in, ticket, status_seen: Cell::new(false) }
    }

    pub(super) fn ticket(&self) -> Result<&TicketNow, T::Missing> {
        self.ticket.get()
    }

    pub(super) fn status(&self) -> Result<&str, T::Missing> {
        self.ticket.status()
    }

    /// The alias for the ticket's status.
    pub(super) fn alias(&self) -> Result<Option<&'a str>, T::Missing> {
        let machine = self.machine;
        let alias = machine.alias_of(self.ticket.status()?);
        self.status_seen.set(true);
        Ok(alias)
    }

    /// What an expression sees; the ticket only when the expression names it.
    pub(super) fn roots(&self, with_ticket: bool) -> Result<Roots<'_>, T::Missing> {
        let issue =
            if with_ticket { Some(Issue { ticket: self.ticket()?, alias: self.alias()? }) } else { None };
        Ok(Roots { event: self.event, issue })
    }

    /// The alias, if anything looked at it.
    pub(super) fn alias_seen(&self) -> Option<String> {
        let status = self.ticket.status().ok().filter(|_| self.status_seen.get())?;
        self.machine.alias_of(status).map(str::to_owned)
    }
}
