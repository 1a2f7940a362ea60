//! The ledger can fail: each kind of mistake is shown to it.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn moved(number: u64) -> Entry {
    Entry { what: What::Moved, number: Some(number), writer: "w1".into(), at: at(0) }
}

fn said(number: u64) -> Entry {
    Entry { what: What::Said, ..moved(number) }
}

fn unmarked() -> Entry {
    Entry { number: None, ..moved(0) }
}

/// A ticket that was sent the events 1, 2 … of one move each.
fn ticket(events: u64, log: Vec<Entry>) -> Ticket {
    let owed = |number| Owed { number, event_id: format!("e{number}"), moves: 1 };
    Ticket { key: "LOOP-1".into(), owed: (1..=events).map(owed).collect(), log }
}

fn records(events: u64) -> HashMap<String, Record> {
    let tickets = BTreeMap::from([("LOOP-1".to_owned(), "moved".to_owned())]);
    let record = Record { finished: true, tickets, ..Record::default() };
    (1..=events).map(|number| (format!("e{number}"), record.clone())).collect()
}

fn balance(ticket: Ticket) -> Ledger {
    let records = records(ticket.owed.len() as u64);
    Ledger::of(&[ticket], &records, &[])
}

fn wrongs(ledger: &Ledger) -> Vec<(Wrong, Option<u64>)> {
    ledger.offences.iter().map(|offence| (offence.wrong, offence.number)).collect()
}

#[test]
fn what_was_accepted_and_done_once_in_order_is_clean() {
    let ledger = balance(ticket(2, vec![moved(1), said(1), said(2), moved(2)]));
    assert!(ledger.is_clean(), "{:?}", ledger.offences);
    assert_eq!((ledger.owed, ledger.once), (2, 2));
    assert_eq!(ledger.reasons["moved"], 2);
}

#[test]
fn a_proof_of_nothing_is_none() {
    assert!(!Ledger::of(&[], &HashMap::new(), &[]).is_clean());
}

#[test]
fn an_event_that_left_no_trace_in_jira_is_lost() {
    let ledger = balance(ticket(2, vec![moved(1), said(1)]));
    assert_eq!(wrongs(&ledger), [(Wrong::Lost, Some(2))]);
    assert_eq!(ledger.once, 1);
    assert!(!ledger.is_clean());
}

#[test]
fn half_of_an_event_is_lost_too() {
    assert_eq!(wrongs(&balance(ticket(1, vec![moved(1)]))), [(Wrong::Lost, Some(1))]);
    let mut walk = ticket(1, vec![unmarked(), moved(1), said(1)]);
    walk.owed[0].moves = 3;
    assert_eq!(wrongs(&balance(walk)), [(Wrong::Lost, Some(1))]);
}

#[test]
fn what_the_store_forgot_or_never_finished_is_lost() {
    let whole = ticket(1, vec![moved(1), said(1)]);
    let forgotten = Ledger::of(std::slice::from_ref(&whole), &HashMap::new(), &[]);
    assert_eq!(wrongs(&forgotten), [(Wrong::Lost, Some(1))]);
    let mut records = records(1);
    records.get_mut("e1").unwrap().finished = false;
    assert_eq!(wrongs(&Ledger::of(&[whole], &records, &[])), [(Wrong::Lost, Some(1))]);
}

#[test]
fn a_second_move_is_found_with_its_mark_and_without() {
    let ledger = balance(ticket(1, vec![moved(1), said(1), moved(1)]));
    assert_eq!(wrongs(&ledger), [(Wrong::MovedTwice, Some(1))]);
    let ledger = balance(ticket(2, vec![unmarked(), said(1), unmarked(), unmarked(), said(2)]));
    assert_eq!(wrongs(&ledger), [(Wrong::MovedTwice, Some(2))]);
    let ledger = balance(ticket(1, vec![moved(1), said(1), unmarked()]));
    assert_eq!(wrongs(&ledger), [(Wrong::MovedTwice, None)]);
    assert!(!ledger.is_clean());
}

#[test]
fn an_event_of_another_ticket_is_a_move_too_many() {
    let ledger = balance(ticket(1, vec![moved(1), said(1), moved(7)]));
    assert_eq!(wrongs(&ledger), [(Wrong::MovedTwice, None)]);
}

#[test]
fn an_event_that_jira_shows_after_a_later_one_is_reordered() {
    let ledger = balance(ticket(3, vec![moved(1), said(1), moved(3), said(3), moved(2), said(2)]));
    assert_eq!(wrongs(&ledger), [(Wrong::Reordered, Some(2))]);
    assert!(!ledger.is_clean());
}

#[test]
fn a_second_comment_is_found() {
    let ledger = balance(ticket(1, vec![moved(1), said(1), said(1)]));
    assert_eq!(wrongs(&ledger), [(Wrong::CommentedTwice, Some(1))]);
    assert!(!ledger.is_clean());
}

#[test]
fn only_the_move_of_a_worker_that_was_just_woken_is_not_promised() {
    let again = |second| Entry { at: at(second), writer: "w2".into(), ..moved(1) };
    let pause = |writer: &str| Pause { writer: writer.into(), until: at(10) };
    let balance = |second, pauses: &[Pause]| {
        Ledger::of(&[ticket(1, vec![moved(1), said(1), again(second)])], &records(1), pauses)
    };
    let late = balance(10, &[pause("w2")]);
    assert_eq!(wrongs(&late), [(Wrong::NotPromised, Some(1))]);
    assert!(late.is_clean(), "one in twenty pauses");
    assert_eq!(wrongs(&balance(12, &[pause("w2")])), [(Wrong::MovedTwice, Some(1))]);
    assert_eq!(wrongs(&balance(9, &[pause("w2")])), [(Wrong::MovedTwice, Some(1))]);
    assert_eq!(wrongs(&balance(10, &[pause("w1")])), [(Wrong::MovedTwice, Some(1))]);

    // The late one may come first: its successor has already decided where the ticket is to go.
    let log = vec![Entry { writer: "w2".into(), ..moved(1) }, again(3), said(1)];
    let woken = [Pause { writer: "w2".into(), until: moved(1).at }];
    let first = Ledger::of(&[ticket(1, log)], &records(1), &woken);
    assert_eq!(wrongs(&first), [(Wrong::NotPromised, Some(1))]);
}

#[test]
fn more_than_a_few_writes_after_pauses_mean_that_nothing_is_checked() {
    let late = |key: &str| {
        let again = Entry { at: at(10), writer: "w2".into(), ..moved(1) };
        Ticket { key: key.into(), ..ticket(1, vec![moved(1), said(1), again]) }
    };
    let pauses = vec![Pause { writer: "w2".into(), until: at(10) }; 3];
    let ledger = Ledger::of(&[late("LOOP-1"), late("LOOP-2")], &records(1), &pauses);
    assert_eq!(ledger.count(Wrong::NotPromised), 2);
    assert!(!ledger.is_clean());
}
