//! Sending an event through again: which of its tickets go.

use super::TicketState;
use crate::trace::{Reason, TicketTrace, Verdict};

/// Which tickets of an event a replay takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayScope {
    /// Failed and dead tickets; all of them when the event itself was held back (`stale`,
    /// `too_many_tickets`) or never found a ticket.
    Unfinished,
    /// Every ticket, also those that moved.
    All,
}

impl ReplayScope {
    /// The tickets of `among` (empty: of all) that a replay of a finished event takes (empty: all that it will be
    /// found to name), or the reason why it takes none.
    pub fn select(
        self,
        verdict: Verdict,
        tickets: &[TicketState],
        among: &[String],
    ) -> Result<Vec<String>, Reason> {
        match verdict.reason {
            // There is nothing to act on, or nothing that may be acted on.
            Reason::NotNormalisable | Reason::UnsupportedEvent | Reason::RepoMismatch | Reason::Duplicate => {
                return Err(verdict.reason);
            }
            Reason::Stale | Reason::TooManyTickets if among.is_empty() => return Ok(Vec::new()),
            _ => {}
        }
        let named = |ticket: &&TicketState| among.is_empty() || among.contains(&ticket.key);
        let takes = |ticket: &&TicketState| self == Self::All || ticket.verdict.outcome.is_retriable();
        let selected = tickets.iter().filter(named).filter(takes);
        let keys: Vec<String> = selected.map(|ticket| ticket.key.clone()).collect();
        let nothing_to_choose_from = tickets.is_empty() && among.is_empty();
        if keys.is_empty() && !nothing_to_choose_from { Err(verdict.reason) } else { Ok(keys) }
    }
}

/// The keys by which the event itself names these tickets. One that was handed over to the key it bears by now goes
/// through again by the one it was found by, or the event would be found not to name it.
pub(in crate::store) fn as_named(keys: Vec<String>, traces: &[TicketTrace]) -> Vec<String> {
    let was = |key: &String| traces.iter().find(|trace| trace.key == *key)?.was.clone();
    let mut named: Vec<String> = Vec::with_capacity(keys.len());
    for key in keys {
        // A ticket may have moved more than once, but no more often than there are traces.
        let name = std::iter::successors(Some(key), was).take(traces.len() + 1).last();
        named.extend(name.filter(|name| !named.contains(name)));
    }
    named
}

/// The tickets that a redelivery takes up: those that failed, unless they are under way again under the keys by which
/// the event names them.
pub(in crate::store) fn failed(tickets: &[TicketState], traces: &[TicketTrace]) -> Vec<String> {
    let failed = tickets.iter().filter(|ticket| ticket.verdict.outcome.is_retriable());
    let mut keys = as_named(failed.map(|ticket| ticket.key.clone()).collect(), traces);
    let waits = |ticket: &TicketState| !ticket.verdict.outcome.is_final();
    keys.retain(|key| !tickets.iter().any(|ticket| ticket.key == *key && waits(ticket)));
    keys
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// These tickets go through again; empty: all that the event will be found to name.
    Queued(Vec<String>),
    /// There is no such event.
    NotFound,
    /// It is not finished yet.
    NotFinished,
    /// Nothing of it can be replayed in this scope, for the reason given by its verdict.
    Refused(Reason),
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_replay_takes_what_failed_and_only_on_demand_what_moved() {
        let ticket =
            |key: &str, verdict| TicketState { key: key.into(), site: "jira".into(), generation: 1, verdict };
        let failed = Verdict::from(Reason::NoPermission);
        let moved = Verdict::from(Reason::Moved);
        let both = [ticket("SHOP-1", moved), ticket("SHOP-2", failed)];
        assert_eq!(ReplayScope::Unfinished.select(failed, &both, &[]).unwrap(), ["SHOP-2"]);
        assert_eq!(ReplayScope::All.select(failed, &both, &[]).unwrap(), ["SHOP-1", "SHOP-2"]);
        assert_eq!(ReplayScope::Unfinished.select(moved, &both[..1], &[]), Err(Reason::Moved));
        let named = |key: &str| ReplayScope::Unfinished.select(failed, &both, &[key.to_owned()]);
        assert_eq!(named("SHOP-2").unwrap(), ["SHOP-2"]);
        assert_eq!(named("SHOP-1"), Err(Reason::NoPermission), "it moved");
        assert_eq!(named("SHOP-9"), Err(Reason::NoPermission), "it is none of the event's");
    }

    #[test]
    fn a_ticket_that_moved_twice_goes_again_by_its_first_key() {
        let trace = |key: &str, was: Option<&str>| TicketTrace {
            was: was.map(str::to_owned),
            ..TicketTrace::queued(key, vec![], Timestamp::UNIX_EPOCH)
        };
        let traces = [trace("OPS-1", Some("PAY-7")), trace("SHOP-1", None), trace("PAY-7", Some("SHOP-1"))];
        let named = |keys: &[&str]| as_named(keys.iter().map(ToString::to_string).collect(), &traces);
        assert_eq!(named(&["OPS-1", "SHOP-2", "PAY-7"]), ["SHOP-1", "SHOP-2"]);
        let circle = [trace("PAY-7", Some("SHOP-1")), trace("SHOP-1", Some("PAY-7"))];
        assert_eq!(as_named(vec!["PAY-7".into()], &circle).len(), 1);
    }

    #[test]
    fn an_event_that_was_held_back_is_replayed_whole_and_a_stranger_never() {
        let whole = |reason: Reason| ReplayScope::Unfinished.select(reason.into(), &[], &[]);
        assert_eq!(whole(Reason::Stale), Ok(vec![]));
        assert_eq!(whole(Reason::TooManyTickets), Ok(vec![]));
        assert_eq!(whole(Reason::NoKeys), Ok(vec![]));
        for reason in [Reason::RepoMismatch, Reason::Duplicate, Reason::NotNormalisable] {
            assert_eq!(ReplayScope::All.select(reason.into(), &[], &[]), Err(reason));
        }
    }
}
