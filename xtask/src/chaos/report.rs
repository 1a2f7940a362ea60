//! The balance on a page, and a line now and then on how it goes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use super::ledger::{Ledger, Offence, Ticket, Wrong};
use super::records;
use super::storm::Storm;

/// A line on stderr.
pub(super) async fn progress(name: &str, storm: &Storm) {
    let counts = storm.counts();
    let faults: usize = counts
        .iter()
        .filter(|(what, _)| what.ends_with("killed") || what.contains("held"))
        .map(|(_, n)| n)
        .sum();
    let accepted = counts.get("deliveries accepted").copied().unwrap_or_default();
    let waiting = records::waiting(&storm.world).await.map_or("?".to_owned(), |waiting| waiting.to_string());
    let left = storm.left().as_secs();
    // The disk of our own log may be full, too: the run goes on.
    let _ = writeln!(
        std::io::stderr(),
        "  {name}: {left:>4} s left, {accepted} accepted, {waiting} waiting, {faults} killed or held"
    );
}

/// The ledger.
pub(super) fn page(title: &str, ledger: &Ledger, counts: &BTreeMap<String, usize>, shown: usize) -> String {
    let mut page = format!("\n{title}\n\n");
    for (what, count) in counts {
        let _ = writeln!(page, "  {what:<42}{count:>8}");
    }
    let _ = writeln!(page, "\n  {:<42}{:>8}", "tickets of accepted events", ledger.owed);
    for (reason, count) in &ledger.reasons {
        let _ = writeln!(page, "    {:<40}{count:>8}", format!("ended as {reason}"));
    }
    let _ = writeln!(page, "  {:<42}{:>8}", "finished once, in order", ledger.once);
    for wrong in Wrong::ALL {
        let _ = writeln!(page, "  {wrong:<42}{:>8}", ledger.count(wrong));
    }
    for offence in ledger.offences.iter().take(shown) {
        let number = offence.number.map(|number| format!(" event {number} ({})", offence.event_id));
        let (wrong, key) = (offence.wrong, &offence.key);
        let _ = write!(page, "\n  {wrong}: {key}{}\n    {}\n", number.unwrap_or_default(), offence.why);
    }
    let verdict = if ledger.is_clean() { "every promise was kept" } else { "a promise was broken" };
    let _ = write!(page, "\n  {verdict}");
    page
}

/// All that is wrong, each with what Jira shows of its ticket.
pub(super) fn offences(ledger: &Ledger, tickets: &[Ticket]) -> String {
    let mut text = String::new();
    for offence in &ledger.offences {
        let number = offence.number.unwrap_or_default();
        let Offence { wrong, key, event_id, why, .. } = offence;
        let _ = writeln!(text, "{wrong}: {key}, event {number} ({event_id}): {why}");
        for entry in tickets.iter().filter(|ticket| ticket.key == *key).flat_map(|ticket| &ticket.log) {
            let _ = writeln!(text, "    {entry}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::Timestamp;

    use super::super::ledger::{Entry, Owed, What};
    use super::*;

    #[test]
    fn a_page_says_what_was_counted_and_how_it_ended() {
        let counts = BTreeMap::from([("worker killed".to_owned(), 3)]);
        let page = page("chaos", &Ledger::default(), &counts, 5);
        assert!(page.contains("worker killed") && page.contains("lost"), "{page}");
        assert!(page.ends_with("a promise was broken"), "nothing was proved:\n{page}");
    }
    #[test]
    fn every_offence_stands_with_what_jira_shows_of_its_ticket() {
        let owed = Owed { number: 7, event_id: "e-7".into(), moves: 1 };
        let moved =
            Entry { what: What::Moved, number: None, writer: "worker-1".into(), at: Timestamp::UNIX_EPOCH };
        let tickets = [Ticket { key: "SHOP-1".into(), owed: vec![owed], log: vec![moved] }];
        let text = offences(&Ledger::of(&tickets, &HashMap::new(), &[]), &tickets);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("moved twice: SHOP-1"), "the worst comes first:\n{text}");
        assert!(lines[2].starts_with("lost: SHOP-1, event 7 (e-7)"), "{text}");
        assert_eq!(lines[3], "    1970-01-01T00:00:00Z moved by worker-1");
    }
}
