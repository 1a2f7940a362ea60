//! The write-ahead intent: what a job means to do, written down before anybody is asked to do it.
//!
//! A worker that finds an intent on a job does not decide again. It looks where the ticket is and goes
//! on from there ([`super::recover`]); so a relative move (`fire = "next"`) never advances twice for one
//! event, and a reload of the rules does not change a path that is already under way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::processor::{Status, Ticket};
use super::retry::Tries;
use crate::machine::{Effects, Hop};

/// The version of these notes. A worker leaves a job with newer ones to a newer worker.
pub(super) const SCHEMA: u16 = 1;

/// The worker's notes on a job, as they stand in [`crate::store::JobState::progress`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// See [`SCHEMA`].
    pub(super) schema: u16,
    /// What the job has been through.
    #[serde(default)]
    pub(super) tries: Tries,
    /// What it means to do; absent until a move was decided.
    #[serde(default)]
    pub(super) intent: Option<Intent>,
}

/// A move that was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// The path, fixed when it was decided.
    pub(super) path: Vec<Hop>,
    /// What is written beside it.
    pub(super) effects: Effects,
    /// The hop that comes next; as many as the path has when all are done.
    pub(super) hop: usize,
    /// How far that hop is.
    pub(super) phase: Phase,
    /// The ids of the path's statuses by what the rules call them, as far as the backend told them: a status may be renamed
    /// before the ticket is looked at again. Absent in notes of before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) ids: BTreeMap<String, String>,
    /// Where the ticket stood when it was last seen before the hop.
    pub(super) from: Status,
    /// When the ticket had last changed then, in the backend's words.
    pub(super) updated: String,
    /// Hops that we took ourselves.
    pub(super) taken: usize,
    /// How far the comment is.
    pub(super) comment: Spoken,
    /// The bulk move that the hop was asked for by, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) together: Option<Together>,
}

/// A bulk move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Together {
    /// When it was asked for: the same for all that went along.
    pub(super) at: Timestamp,
    /// What the backend calls the task; absent as long as that was not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<String>,
}

/// How far a hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Nobody has been asked, or whoever was asked has refused.
    Intended,
    /// The request may have been sent at this time, and may have been applied.
    Asked(Timestamp),
}

/// How far a comment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Spoken {
    /// Not written.
    NotYet,
    /// It goes with the last hop, and is written when that is.
    WithMove,
    /// It was sent by itself at this time, and may have been written.
    Asked(Timestamp),
    /// Written, or refused.
    Done,
}

/// Why a job's notes cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A newer worker wrote them.
    Newer,
    /// They are not what any worker writes.
    Damaged(String),
}

impl Default for Progress {
    fn default() -> Self {
        Self { schema: SCHEMA, tries: Tries::default(), intent: None }
    }
}

impl Progress {
    /// Reads the notes that an earlier worker left.
    pub(super) fn read(notes: &serde_json::Value) -> Result<Self, Unreadable> {
        let newer =
            notes.get("schema").and_then(serde_json::Value::as_u64).is_some_and(|s| s > SCHEMA.into());
        if newer {
            return Err(Unreadable::Newer);
        }
        Self::deserialize(notes).map_err(|error| Unreadable::Damaged(error.to_string()))
    }
}

impl Intent {
    /// The intent to walk `path` from where `ticket` stands.
    pub(super) fn new(path: Vec<Hop>, effects: Effects, ticket: &Ticket) -> Self {
        let mut intent = Self {
            path,
            effects,
            hop: 0,
            phase: Phase::Intended,
            ids: BTreeMap::new(),
            from: Status::default(),
            updated: String::new(),
            taken: 0,
            comment: Spoken::NotYet,
            together: None,
        };
        intent.stand_before(0, ticket);
        intent
    }

    /// The hop that comes next.
    pub(super) fn current(&self) -> Option<&Hop> {
        self.path.get(self.hop)
    }

    /// Whether the hop that comes next is the last.
    pub(super) fn on_last_hop(&self) -> bool {
        self.hop + 1 >= self.path.len()
    }

    /// The status that the path leads to.
    pub(super) fn target(&self) -> &str {
        self.path.last().map_or("", |hop| hop.to_status.as_str())
    }

    /// The id of the status that the current hop leads to, where it is known.
    pub(super) fn leads_to(&self) -> Option<&str> {
        self.ids.get(&self.current()?.to_status).map(String::as_str)
    }

    /// Whether a ticket's status is the one of the path that the rules call so. Names change and languages differ, so
    /// the id counts where it is known.
    pub(super) fn means(&self, name: &str, status: &Status) -> bool {
        self.ids.get(name).map_or_else(|| status.is_named(name), |id| *id == status.id)
    }

    /// What the rules call a status of the path.
    pub(super) fn called(&self, status: &Status) -> Option<&str> {
        self.ids.iter().find(|(_, id)| **id == status.id).map(|(name, _)| name.as_str())
    }

    /// The ticket was seen standing before the hop `hop`.
    pub(super) fn stand_before(&mut self, hop: usize, ticket: &Ticket) {
        self.hop = hop;
        self.phase = Phase::Intended;
        self.together = None;
        self.from = ticket.status.clone();
        self.updated.clone_from(&ticket.updated);
        if let Some(hop) = self.path.get(hop) {
            self.ids.insert(hop.from_status.clone(), ticket.status.id.clone());
        }
    }

    /// The current hop is about to be asked for by a transition that leads to this status, perhaps with the comment.
    pub(super) fn asked(&mut self, at: Timestamp, to: &str, with_comment: bool) {
        if let Some(hop) = self.path.get(self.hop) {
            self.ids.insert(hop.to_status.clone(), to.to_owned());
        }
        self.phase = Phase::Asked(at);
        self.comment = if with_comment { Spoken::WithMove } else { Spoken::NotYet };
        self.together = None;
    }

    /// The current hop is about to be asked for, together with those of other tickets.
    pub(super) fn asked_together(&mut self, at: Timestamp, to: &str) {
        self.asked(at, to, false);
        self.together = Some(Together { at, task: None });
    }

    /// The bulk move goes by this name.
    pub(super) fn asked_by(&mut self, task: &str) {
        if let Some(together) = &mut self.together {
            together.task = Some(task.to_owned());
        }
    }

    /// The current hop was refused: nothing was applied, and what it was taken to lead to may have been out of date.
    pub(super) fn refused(&mut self) {
        if let Some(hop) = self.path.get(self.hop) {
            self.ids.remove(&hop.to_status);
        }
        self.phase = Phase::Intended;
        self.comment = Spoken::NotYet;
        self.together = None;
    }

    /// The current hop was taken by us; where the ticket stands now is yet to be seen.
    pub(super) fn advance(&mut self) {
        self.hop += 1;
        self.taken += 1;
        self.phase = Phase::Intended;
        let name = self.current().map(|hop| hop.from_status.clone()).unwrap_or_default();
        self.from = Status { id: self.ids.get(&name).cloned().unwrap_or_default(), name };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn notes_are_read_back() {
        let progress = Progress::default();
        let notes = serde_json::to_value(&progress).unwrap();
        assert_eq!(Progress::read(&notes), Ok(progress));
    }

    #[test]
    fn newer_notes_are_left_to_a_newer_worker() {
        assert_eq!(Progress::read(&json!({ "schema": 2, "hops": [] })), Err(Unreadable::Newer));
        assert!(matches!(Progress::read(&json!({ "schema": 1, "tries": 3 })), Err(Unreadable::Damaged(_))));
        assert!(matches!(Progress::read(&json!(null)), Err(Unreadable::Damaged(_))));
    }
}
