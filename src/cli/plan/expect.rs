//! `--expect KEY=alias`: a plan as a test.

use std::str::FromStr;

use super::Plan;
use super::standing::pair;
use crate::worker::plan::Planned;

/// The word for "does not move".
const NONE: &str = "none";

/// Where a ticket is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    key: String,
    /// `None`: it is not to move.
    alias: Option<String>,
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, alias) =
            pair(text).ok_or("must be an issue key and an alias, such as SHOP-42=done or SHOP-42=none")?;
        Ok(Self { key, alias: (alias != NONE).then_some(alias) })
    }
}

impl Expectation {
    /// How the plans differ from it, as a sentence. Of several events the last that moves the ticket counts.
    pub(super) fn unmet(&self, plans: &[Plan]) -> Option<String> {
        let named: Vec<_> = plans
            .iter()
            .flat_map(|plan| &plan.tickets)
            .filter(|ticket| ticket.trace.key == self.key)
            .collect();
        let moved = named.iter().rev().find(|ticket| moves_to(ticket).is_some());
        let (key, reached) = (&self.key, moved.and_then(|ticket| moves_to(ticket)));
        match (&self.alias, reached) {
            (Some(wanted), Some(reached)) if wanted == reached => None,
            (None, None) if !named.is_empty() => None,
            (_, None) if named.is_empty() => Some(format!("{key} is not named where keys count")),
            (Some(wanted), Some(reached)) => {
                Some(format!("{key} would move to `{reached}`, not to `{wanted}`"))
            }
            (None, Some(reached)) => Some(format!("{key} would move to `{reached}`; it was not to move")),
            (wanted, None) => {
                let wanted = wanted.as_deref().unwrap_or(NONE);
                let why = named.last().map_or("", |ticket| ticket.trace.reason.meaning());
                Some(format!("{key} would not move to `{wanted}`: {why}"))
            }
        }
    }
}

/// The alias that a ticket would reach for certain.
fn moves_to(ticket: &Planned) -> Option<&str> {
    let moved = ticket.trace.outcome == crate::trace::Outcome::Moved;
    ticket.path().last().filter(|_| moved && !ticket.uncertain).map(|hop| hop.step.to.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_names_a_ticket_and_an_alias() {
        let read = |text: &str| text.parse::<Expectation>();
        assert_eq!(
            read("shop-1=done").unwrap(),
            Expectation { key: "SHOP-1".into(), alias: Some("done".into()) }
        );
        assert_eq!(read("SHOP-1=none").unwrap().alias, None);
        assert!(read("SHOP-1").unwrap_err().contains("SHOP-42=none"));
    }
}
