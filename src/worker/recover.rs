//! Where a job goes on after it was interrupted, or after an answer that never came.
//!
//! Pure: the intent says what was meant, the ticket where it is, its history who moved it since. Nothing
//! here trusts what was answered; Jira has been seen to apply a transition and then say 503.

use super::intent::{Intent, Phase};
use super::processor::{Change, Status};

/// How a job goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recovered {
    /// The path has been walked to its end.
    Done,
    /// The ticket stands at the target, and it was not us who moved it.
    AlreadyThere,
    /// The hop was not applied: ask (again).
    Ask,
    /// The ticket stands before a later hop.
    ContinueAt(usize),
    /// Somebody moved the ticket elsewhere.
    MovedByOther,
}

/// Decides how a job goes on.
///
/// `changes` are the ticket's status changes since `intent.updated`. They matter only when the hop may
/// have been asked for, and are empty otherwise.
pub(super) fn recover(intent: &Intent, now: &Status, changes: &[Change]) -> Recovered {
    let asked = matches!(intent.phase, Phase::Asked(_));
    if let Some(reached) = reached(intent, now) {
        return arrived(intent, reached, asked);
    }
    // Back where it was: our move and somebody's way back, or never moved. Only the history tells.
    let untouched = !asked || changes.is_empty();
    if at_start(intent, now) && untouched {
        return Recovered::Ask;
    }
    Recovered::MovedByOther
}

/// The hop, from the current one on, at whose end the ticket stands.
fn reached(intent: &Intent, now: &Status) -> Option<usize> {
    let reached = intent.path.iter().rposition(|hop| intent.means(&hop.to_status, now));
    reached.filter(|reached| *reached >= intent.hop)
}

fn arrived(intent: &Intent, reached: usize, asked: bool) -> Recovered {
    if reached + 1 < intent.path.len() {
        return Recovered::ContinueAt(reached + 1);
    }
    if asked || intent.taken > 0 { Recovered::Done } else { Recovered::AlreadyThere }
}

fn at_start(intent: &Intent, now: &Status) -> bool {
    intent.from.id == now.id || intent.current().is_some_and(|hop| intent.means(&hop.from_status, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Effects, Hop};
    use crate::trace::Step;
    use crate::worker::intent::Spoken;
    use jiff::Timestamp;

    const ASKED: Phase = Phase::Asked(Timestamp::UNIX_EPOCH);
    const BOARD: [&str; 4] = ["To Do", "In Progress", "In Review", "Done"];

    /// The way over the board, with `hop` as the current one.
    fn intent(hop: usize, phase: Phase) -> Intent {
        let path = BOARD.windows(2).map(|pair| Hop {
            step: Step {
                from: pair[0].to_lowercase(),
                event: "next".into(),
                to: pair[1].to_lowercase(),
                file: "shop.hcl".into(),
                line: 1,
            },
            from_status: pair[0].into(),
            to_status: pair[1].into(),
            via: None,
            fields: std::collections::BTreeMap::new(),
        });
        Intent {
            path: path.collect(),
            effects: Effects::default(),
            hop,
            phase,
            ids: std::collections::BTreeMap::new(),
            from: at(BOARD[hop]),
            updated: "2026-11-22T08:00:00.000+0000".into(),
            taken: hop,
            comment: Spoken::NotYet,
            together: None,
        }
    }

    fn at(name: &str) -> Status {
        Status { id: format!("id of {name}"), name: name.into() }
    }

    fn moved(from: &str, to: &str) -> Change {
        Change { at: Timestamp::UNIX_EPOCH, from: at(from).id, to: at(to).id }
    }

    #[test]
    fn a_hop_that_was_applied_before_the_answer_was_lost_is_not_asked_for_again() {
        let changes = [moved("To Do", "In Progress")];
        let recovered = recover(&intent(0, ASKED), &at("In Progress"), &changes);
        assert_eq!(recovered, Recovered::ContinueAt(1));
        let recovered = recover(&intent(2, ASKED), &at("Done"), &[moved("In Review", "Done")]);
        assert_eq!(recovered, Recovered::Done);
    }

    #[test]
    fn a_hop_that_was_not_applied_is_asked_for_again() {
        assert_eq!(recover(&intent(0, ASKED), &at("To Do"), &[]), Recovered::Ask);
        assert_eq!(recover(&intent(1, Phase::Intended), &at("In Progress"), &[]), Recovered::Ask);
    }

    #[test]
    fn a_ticket_that_somebody_put_back_stays_there() {
        let changes = [moved("To Do", "In Progress"), moved("In Progress", "To Do")];
        assert_eq!(recover(&intent(0, ASKED), &at("To Do"), &changes), Recovered::MovedByOther);
    }

    #[test]
    fn a_ticket_that_somebody_moved_elsewhere_stays_there() {
        let changes = [moved("To Do", "Blocked")];
        assert_eq!(recover(&intent(0, ASKED), &at("Blocked"), &changes), Recovered::MovedByOther);
        let recovered = recover(&intent(1, Phase::Intended), &at("To Do"), &[]);
        assert_eq!(recovered, Recovered::MovedByOther, "back is elsewhere too");
    }

    #[test]
    fn a_ticket_further_along_continues_from_there() {
        assert_eq!(recover(&intent(0, Phase::Intended), &at("In Review"), &[]), Recovered::ContinueAt(2));
    }

    #[test]
    fn a_target_that_somebody_else_reached_is_not_our_move() {
        assert_eq!(recover(&intent(0, Phase::Intended), &at("Done"), &[]), Recovered::AlreadyThere);
        assert_eq!(recover(&intent(1, Phase::Intended), &at("Done"), &[]), Recovered::Done, "we did a part");
    }

    #[test]
    fn a_renamed_status_is_still_the_same_place() {
        let renamed = |name: &str| Status { name: "Renamed".into(), ..at(name) };
        assert_eq!(recover(&intent(0, ASKED), &renamed("To Do"), &[]), Recovered::Ask);

        let mut asked = intent(2, ASKED);
        asked.asked(Timestamp::UNIX_EPOCH, &at("Done").id, false);
        let changes = [moved("In Review", "Done")];
        assert_eq!(recover(&asked, &renamed("Done"), &changes), Recovered::Done);

        let mut under_way = intent(0, ASKED);
        under_way.asked(Timestamp::UNIX_EPOCH, &at("In Progress").id, false);
        under_way.advance();
        assert_eq!(recover(&under_way, &renamed("In Progress"), &[]), Recovered::Ask, "the next hop");
    }

    #[test]
    fn another_status_that_got_the_targets_name_is_another_place() {
        let mut asked = intent(2, ASKED);
        asked.asked(Timestamp::UNIX_EPOCH, &at("Done").id, false);
        let namesake = Status { id: "another".into(), name: "Done".into() };
        assert_eq!(recover(&asked, &namesake, &[moved("In Review", "another")]), Recovered::MovedByOther);
    }

    #[test]
    fn notes_of_before_know_statuses_by_their_names_alone() {
        let mut notes = serde_json::to_value(intent(2, ASKED)).unwrap();
        assert!(notes.as_object_mut().unwrap().remove("ids").is_none(), "what is not known is not written");
        let before: Intent = serde_json::from_value(notes).unwrap();
        let changes = [moved("In Review", "Done")];
        assert_eq!(recover(&before, &at("Done"), &changes), Recovered::Done);
        assert_eq!(recover(&before, &at("In Review"), &[]), Recovered::Ask);
    }
}
