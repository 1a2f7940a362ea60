//! Who did what, and when: the log of everything that people and scripts change.
//!
//! An entry never holds a secret: it names what was changed, not to what. Both stores keep it in the order of
//! [`AuditEntry::place`], for a year and 100 000 entries at the most, trimmed whenever one is added.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Result, StoreError};

/// How long an entry stays readable.
const KEPT: Duration = Duration::from_hours(365 * 24);

/// The most entries that are kept.
pub(super) const MOST: u32 = 100_000;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AuditAction")]
pub enum Action {
    /// A hook was registered.
    Registered,
    /// A hook was registered with a secret that the forge had already.
    Imported,
    /// A hook got a new secret.
    Rotated,
    /// A hook was removed.
    Removed,
    /// An event was sent through again.
    Replayed,
    /// A site was stopped.
    Paused,
    /// A site was let go on.
    Resumed,
    /// A token was made.
    TokenMade,
    /// A token was revoked.
    TokenRevoked,
    /// Stored secrets were sealed anew, under another master key.
    Rekeyed,
}

impl Action {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Registered,
        Self::Imported,
        Self::Rotated,
        Self::Removed,
        Self::Replayed,
        Self::Paused,
        Self::Resumed,
        Self::TokenMade,
        Self::TokenRevoked,
        Self::Rekeyed,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Imported => "imported",
            Self::Rotated => "rotated",
            Self::Removed => "removed",
            Self::Replayed => "replayed",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::TokenMade => "token_made",
            Self::TokenRevoked => "token_revoked",
            Self::Rekeyed => "rekeyed",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|action| action.as_str() == name);
        known.ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|action| action.as_str()).collect();
            format!("must be one of {}", all.join(", "))
        })
    }
}

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The name of the token; of a command that works on the store itself, its own.
    pub who: String,
    /// What was done, or would have been.
    pub action: Action,
    /// To what: a hook, an event, sites, a token. Of what was refused, the path that was asked for.
    pub target: String,
    /// From which address, as far as it is known.
    pub from: Option<String>,
    /// The token's role or its repositories did not allow it: nothing was changed.
    pub refused: bool,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Done at or after this time.
    pub since: Option<Timestamp>,
    /// By the token of this name.
    pub who: Option<String>,
    /// Of this kind.
    pub action: Option<Action>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// How many on a page.
    pub limit: usize,
}

impl AuditEntry {
    /// Where it stands in the log: as text, places are in the order of time. The same entry has the same place, so
    /// that writing it twice leaves one.
    pub fn place(&self) -> String {
        let digest = Sha256::digest(format!(
            "{}\n{}\n{}\n{:?}\n{}",
            self.who, self.action, self.target, self.from, self.refused
        ));
        let own = data_encoding::HEXLOWER.encode(digest.get(..6).unwrap_or_default());
        format!("{}-{own}", beginning(self.at))
    }

    /// What stands before every place that is to be kept now.
    pub(super) fn oldest_kept(&self) -> String {
        self.at.checked_sub(KEPT).map(beginning).unwrap_or_default()
    }
}

impl AuditQuery {
    /// The cursor, if it is the place of an entry, as every page's end is.
    pub(super) fn before(&self) -> Result<Option<&str>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let is_place = cursor.len() == 33
            && cursor
                .bytes()
                .enumerate()
                .all(|(n, b)| if n == 20 { b == b'-' } else { b.is_ascii_hexdigit() });
        if is_place { Ok(Some(cursor)) } else { Err(StoreError::BadCursor(cursor.clone())) }
    }

    /// What stands before no place that is asked for.
    pub(super) fn after(&self) -> String {
        self.since.map(beginning).unwrap_or_default()
    }

    /// Whether the filters that are not of time take this one.
    pub(super) fn takes(&self, entry: &AuditEntry) -> bool {
        self.who.as_ref().is_none_or(|who| *who == entry.who)
            && self.action.is_none_or(|action| action == entry.action)
    }
}

/// The first part of a place: microseconds since 1970, in twenty digits.
fn beginning(at: Timestamp) -> String {
    format!("{:020}", at.as_microsecond().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_read_by_its_name_and_places_are_in_the_order_of_time() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        let entry = |second, target: &str| AuditEntry {
            at: Timestamp::from_second(second).unwrap(),
            who: "ada".into(),
            action: Action::Paused,
            target: target.into(),
            from: None,
            refused: false,
        };
        assert!(entry(9, "a").place() < entry(10, "a").place());
        assert_ne!(entry(9, "a").place(), entry(9, "b").place());
        let at = |cursor: String| AuditQuery { cursor: Some(cursor), ..AuditQuery::default() };
        assert!(at(entry(9, "a").place()).before().is_ok());
        for bad in ["", "7", "+", "00000000000000000009-zzzzzzzzzzzz"] {
            assert!(at(bad.into()).before().is_err(), "{bad}");
        }
    }
}
