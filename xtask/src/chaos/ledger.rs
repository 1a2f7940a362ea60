//! The ledger: what was accepted, held against what the store says became of it and against what Jira's own
//! change log shows.
//!
//! Pure, over plain data; nothing in it knows how Conduit works. Each event writes its number into what it does:
//! into a field that the transition sets, or into a comment. A move without a number belongs to the number that
//! follows it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::Timestamp;

#[cfg(test)]
mod tests;

/// What one accepted event owes one ticket.
#[derive(Debug, Clone)]
pub(super) struct Owed {
    /// The event's number, which goes up with acceptance.
    pub(super) number: u64,
    pub(super) event_id: String,
    /// How many moves it makes.
    pub(super) moves: usize,
}

/// Something in a ticket's change log, or a comment.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) what: What,
    /// The number it bears.
    pub(super) number: Option<u64>,
    /// Who wrote it, by the account.
    pub(super) writer: String,
    pub(super) at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Moved,
    Said,
}

/// A ticket: what it is owed, in the order of acceptance, and what Jira shows, in the order of Jira.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) key: String,
    pub(super) owed: Vec<Owed>,
    pub(super) log: Vec<Entry>,
}

/// What the store says of an event.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) finished: bool,
    /// Why it ended as it did, when it names no tickets.
    pub(super) reason: String,
    /// How each of its tickets ended.
    pub(super) tickets: BTreeMap<String, String>,
}

/// A time in which a worker stood still for longer than its lease.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    pub(super) writer: String,
    pub(super) until: Timestamp,
}

/// How soon after a pause a write counts as one that was under way when the pause began.
const JUST_WOKEN_MS: i64 = 1000;

/// One in so many pauses may be followed by a write that was checked before the pause and sent after it. More would
/// mean that there is no check.
const PAUSES_FOR_EACH: usize = 20;

/// What is wrong, the worst first: what was done cannot be taken back, what was lost may only be late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wrong {
    MovedTwice,
    Reordered,
    CommentedTwice,
    Lost,
    /// A worker was stopped between the check of its lease and its write.
    NotPromised,
}

impl Wrong {
    pub(super) const ALL: [Self; 5] =
        [Self::Lost, Self::MovedTwice, Self::Reordered, Self::CommentedTwice, Self::NotPromised];
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Moved => "moved",
            What::Said => "commented",
        };
        let number = self.number.map_or_else(String::new, |number| format!(" for event {number}"));
        write!(f, "{} {what}{number} by {}", self.at, self.writer)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lost => "lost",
            Self::MovedTwice => "moved twice",
            Self::Reordered => "reordered",
            Self::CommentedTwice => "commented twice",
            Self::NotPromised => "not promised",
        })
    }
}

/// One ticket of one event that is not as it should be.
#[derive(Debug, Clone)]
pub(super) struct Offence {
    pub(super) wrong: Wrong,
    pub(super) key: String,
    pub(super) number: Option<u64>,
    pub(super) event_id: String,
    pub(super) why: String,
}

/// The balance.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Tickets of accepted events.
    pub(super) owed: usize,
    /// Of those, the ones that ended as moved, and that Jira shows exactly so, in their place.
    pub(super) once: usize,
    pub(super) offences: Vec<Offence>,
    /// How the tickets ended, by the store.
    pub(super) reasons: BTreeMap<String, usize>,
    pauses: usize,
}

impl Ledger {
    /// Strikes the balance.
    pub(super) fn of(tickets: &[Ticket], records: &HashMap<String, Record>, pauses: &[Pause]) -> Self {
        let mut ledger = Self { pauses: pauses.len(), ..Self::default() };
        for ticket in tickets {
            ledger.owed += ticket.owed.len();
            let offences = Account::of(ticket).offences(records, pauses);
            let guilty: Vec<u64> = offences.iter().filter_map(|offence| offence.number).collect();
            ledger.once += ticket.owed.iter().filter(|owed| !guilty.contains(&owed.number)).count();
            ledger.offences.extend(offences);
            for owed in &ticket.owed {
                let reason = reason(records, owed, &ticket.key);
                *ledger.reasons.entry(reason.unwrap_or("no record").to_owned()).or_default() += 1;
            }
        }
        ledger.offences.sort_by_key(|offence| offence.wrong);
        ledger
    }

    /// How often something went wrong.
    pub(super) fn count(&self, wrong: Wrong) -> usize {
        self.offences.iter().filter(|offence| offence.wrong == wrong).count()
    }

    /// Whether every promise was kept, and something was promised at all.
    pub(super) fn is_clean(&self) -> bool {
        let late = self.count(Wrong::NotPromised);
        let promised = self.offences.len() == late;
        promised && late <= self.pauses.div_ceil(PAUSES_FOR_EACH) && self.owed > 0
    }
}

/// How the store says that a ticket ended.
fn reason<'r>(records: &'r HashMap<String, Record>, owed: &Owed, key: &str) -> Option<&'r str> {
    let record = records.get(&owed.event_id)?;
    if !record.finished {
        return Some("unfinished");
    }
    Some(record.tickets.get(key).map_or(record.reason.as_str(), String::as_str))
}

/// A ticket's log, by event.
struct Account<'t> {
    ticket: &'t Ticket,
    /// By number: its moves and its comments.
    done: HashMap<u64, Done<'t>>,
    /// Numbers in the order in which Jira first shows them.
    seen: Vec<u64>,
    /// Moves that nothing follows.
    stray: Vec<&'t Entry>,
}

#[derive(Default)]
struct Done<'t> {
    moves: Vec<&'t Entry>,
    comments: Vec<&'t Entry>,
}

impl<'t> Account<'t> {
    fn of(ticket: &'t Ticket) -> Self {
        let mut account = Self { ticket, done: HashMap::new(), seen: Vec::new(), stray: Vec::new() };
        for entry in &ticket.log {
            let Some(number) = entry.number else {
                account.stray.push(entry);
                continue;
            };
            if !account.seen.contains(&number) {
                account.seen.push(number);
            }
            let unnumbered = std::mem::take(&mut account.stray);
            let done = account.done.entry(number).or_default();
            done.moves.extend(unnumbered);
            match entry.what {
                What::Moved => done.moves.push(entry),
                What::Said => done.comments.push(entry),
            }
        }
        account
    }

    fn offences(&self, records: &HashMap<String, Record>, pauses: &[Pause]) -> Vec<Offence> {
        let mut offences = Vec::new();
        for owed in &self.ticket.owed {
            let none = Done::default();
            let done = self.done.get(&owed.number).unwrap_or(&none);
            let ended = reason(records, owed, &self.ticket.key);
            let found = judge(owed, done, ended).into_iter();
            offences.extend(found.map(|(wrong, why)| self.offence(wrong, Some(owed), why)));
        }
        offences.extend(self.out_of_order().map(|owed| {
            let why = "Jira shows a later event before it".to_owned();
            self.offence(Wrong::Reordered, Some(owed), why)
        }));
        offences.extend(self.unasked());
        if let Some(late) = offences.iter().find_map(|offence| self.late(offence, pauses)) {
            // One move too many leaves the ticket elsewhere; what follows from it is no second offence.
            return vec![late];
        }
        offences
    }

    fn offence(&self, wrong: Wrong, owed: Option<&Owed>, why: String) -> Offence {
        Offence {
            wrong,
            key: self.ticket.key.clone(),
            number: owed.map(|owed| owed.number),
            event_id: owed.map(|owed| owed.event_id.clone()).unwrap_or_default(),
            why,
        }
    }

    /// Events that Jira shows after one that was accepted later.
    fn out_of_order(&self) -> impl Iterator<Item = &'t Owed> {
        let mut highest = 0;
        let mut behind = Vec::new();
        for number in &self.seen {
            if *number < highest {
                behind.push(*number);
            }
            highest = highest.max(*number);
        }
        self.ticket.owed.iter().filter(move |owed| behind.contains(&owed.number))
    }

    /// What nobody asked for.
    fn unasked(&self) -> Vec<Offence> {
        let owed = |number: &u64| self.ticket.owed.iter().any(|owed| owed.number == *number);
        let strangers = self.seen.iter().filter(|number| !owed(number));
        let mut found: Vec<Offence> = strangers
            .map(|number| {
                let why = format!("event {number} was never sent to this ticket");
                self.offence(Wrong::MovedTwice, None, why)
            })
            .collect();
        if !self.stray.is_empty() {
            let why = format!("{} moves at the end that belong to no event", self.stray.len());
            found.push(self.offence(Wrong::MovedTwice, None, why));
        }
        found
    }

    /// Whether a worker that had just been woken wrote one of the two: the late one may well be the first that is seen.
    fn late(&self, offence: &Offence, pauses: &[Pause]) -> Option<Offence> {
        if !matches!(offence.wrong, Wrong::MovedTwice | Wrong::CommentedTwice) {
            return None;
        }
        let done = offence.number.and_then(|number| self.done.get(&number));
        let written = done.into_iter().flat_map(|done| done.moves.iter().chain(&done.comments));
        let woken = |entry: &Entry| pauses.iter().any(|pause| pause.has_just_ended_for(entry));
        written.chain(&self.stray).any(|entry| woken(entry)).then(|| Offence {
            wrong: Wrong::NotPromised,
            why: format!("{} by a worker that had just been woken: {}", offence.wrong, offence.why),
            ..offence.clone()
        })
    }
}

impl Pause {
    fn has_just_ended_for(&self, entry: &Entry) -> bool {
        let since = entry.at.as_millisecond() - self.until.as_millisecond();
        self.writer == entry.writer && (0..=JUST_WOKEN_MS).contains(&since)
    }
}

/// What is wrong with one event of a ticket.
fn judge(owed: &Owed, done: &Done<'_>, ended: Option<&str>) -> Vec<(Wrong, String)> {
    let mut wrong = Vec::new();
    let (moves, comments) = (done.moves.len(), done.comments.len());
    let ended = ended.unwrap_or("no record");
    if moves < owed.moves || comments == 0 || ended != "moved" {
        let why =
            format!("{moves} of {} moves, {comments} of 1 comment; the store says: {ended}", owed.moves);
        wrong.push((Wrong::Lost, why));
    }
    if moves > owed.moves {
        wrong.push((Wrong::MovedTwice, format!("{moves} moves instead of {}", owed.moves)));
    }
    if comments > 1 {
        wrong.push((Wrong::CommentedTwice, format!("{comments} comments instead of 1")));
    }
    wrong
}
