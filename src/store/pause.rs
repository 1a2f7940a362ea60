//! Sites that stand still: who or what stopped them, and when they are looked at again.
//!
//! A site stands still as long as it has one pause of any kind. So a pause made by hand outlives an automatic
//! one that ends, an automatic one never ends what a person ordered, and resuming by hand ends them all.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::trace::{Outcome, Reason, TicketTrace};

/// Who or what stopped a site. The first of several is the one to speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// A person; only a person lets it go on.
    Operator,
    /// The site refuses the login.
    Credentials,
    /// The site does not answer, or only with errors of its own.
    Down,
    /// The hour's requests are used up.
    Quota,
}

impl PauseKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Operator, Self::Credentials, Self::Down, Self::Quota];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Credentials => "credentials",
            Self::Down => "down",
            Self::Quota => "quota",
        }
    }

    /// What a ticket waits for while its site stands still like this.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Operator => Reason::Paused,
            Self::Credentials => Reason::Credentials,
            Self::Down => Reason::JiraUnreachable,
            Self::Quota => Reason::RateLimited,
        }
    }
}

impl fmt::Display for PauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PauseKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|kind| kind.as_str() == name);
        known.ok_or_else(|| format!("`{name}` is no kind of pause"))
    }
}

/// An order to stand still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who or what orders it.
    pub kind: PauseKind,
    /// Why, for people.
    pub why: String,
    /// When somebody may look whether it is over; [`None`]: it ends by hand alone.
    pub rest: Option<Duration>,
}

/// A site that stands still, for one of the reasons that it may have at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PausedSite {
    /// Its configured name.
    pub site: String,
    /// Who or what paused it.
    pub kind: PauseKind,
    /// Why, for people.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// When the site is asked next whether it is over; nothing when a person has to end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How often it was asked.
    #[serde(default)]
    pub probes: u32,
}

impl PausedSite {
    /// What stops a site, of all that stands still.
    pub fn of<'a>(paused: &'a [Self], site: &str) -> Option<&'a Self> {
        paused.iter().filter(|pause| pause.site == site).min_by_key(|pause| pause.kind)
    }

    /// Lets a ticket that waits say that it waits for this, whatever it waited for before.
    pub(super) fn holds(&self, trace: &mut TicketTrace) {
        if trace.outcome != Outcome::Waiting || trace.reason == Reason::Working {
            return;
        }
        let again = self.until.map_or_else(String::new, |until| format!(" (asked again at {until:.0})"));
        trace.reason = self.kind.reason();
        trace.detail = Some(format!("site {} stands still: {}{again}", self.site, self.why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(kind: PauseKind, until: Option<i64>) -> PausedSite {
        let until = until.map(|at| Timestamp::from_second(at).unwrap());
        let since = Timestamp::UNIX_EPOCH;
        PausedSite { site: "jira".into(), kind, why: "it is late".into(), since, until, probes: 0 }
    }

    #[test]
    fn every_kind_is_read_back_by_its_name() {
        for kind in PauseKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("nap".parse::<PauseKind>().is_err());
    }

    #[test]
    fn a_waiting_ticket_says_what_its_site_waits_for_and_by_hand_counts_first() {
        let paused = [pause(PauseKind::Down, Some(60)), pause(PauseKind::Operator, None)];
        let mut trace = TicketTrace::queued("SHOP-1", vec![], Timestamp::UNIX_EPOCH);
        PausedSite::of(&paused, "jira").unwrap().holds(&mut trace);
        assert_eq!(trace.reason, Reason::Paused);
        PausedSite::of(&paused[..1], "jira").unwrap().holds(&mut trace);
        assert_eq!(trace.reason, Reason::JiraUnreachable);
        assert_eq!(
            trace.detail.unwrap(),
            "site jira stands still: it is late (asked again at 1970-01-01T00:01:00Z)"
        );
        assert_eq!(PausedSite::of(&paused, "other"), None);
    }

    #[test]
    fn what_is_over_or_in_hand_says_what_it_said() {
        for reason in [Reason::Moved, Reason::Working] {
            let queued = TicketTrace::queued("SHOP-1", vec![], Timestamp::UNIX_EPOCH);
            let mut trace = TicketTrace { outcome: reason.outcome(), reason, ..queued };
            pause(PauseKind::Quota, None).holds(&mut trace);
            assert_eq!(trace.reason, reason);
        }
    }
}
