//! Development information: what other tools told of commits, builds and deployments, by issue.

use std::collections::BTreeMap;

use serde_json::Value;

use super::State;

/// One entity can be tied to so many issues.
const MOST_KEYS: usize = 500;

/// Something that a tool told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Development {
    /// `commits`, `branches`, `pullRequests`, `builds` or `deployments`.
    pub kind: String,
    /// What identifies it, within its kind: such as the repository and the commit.
    pub id: String,
    /// The newest word wins; an older one that comes later is ignored.
    pub sequence: i64,
    /// Ids of the issues it belongs to.
    pub issues: Vec<u64>,
    /// The whole, as sent.
    pub json: Value,
}

/// All that was told, by kind and id.
pub(crate) type Told = BTreeMap<(String, String), Development>;

/// What became of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    Accepted,
    Failed(&'static str),
    /// Every issue it names is unknown, so there is nothing to keep it at.
    Nowhere,
}

impl State {
    /// Keeps an entity at the issues that exist, and adds the other keys to `unknown`.
    pub(crate) fn take_development(
        &mut self,
        kind: &str,
        id: &str,
        sequence: &Value,
        json: &Value,
        unknown: &mut Vec<String>,
    ) -> Taken {
        let keys: Vec<&str> =
            json["issueKeys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let Some(sequence) = sequence.as_i64() else {
            return Taken::Failed("The update sequence number is missing.");
        };
        if id.is_empty() || keys.is_empty() {
            return Taken::Failed("The id or the issue keys are missing.");
        }
        if keys.len() > MOST_KEYS {
            return Taken::Failed("An entity cannot be associated with more than 500 issue keys.");
        }
        let mut issues = Vec::new();
        for key in keys {
            match self.issue(key) {
                Some(issue) => issues.push(issue.id),
                None if !unknown.iter().any(|one| one == key) => unknown.push(key.into()),
                None => {}
            }
        }
        if issues.is_empty() {
            return Taken::Nowhere;
        }
        let place = (kind.to_owned(), id.to_owned());
        let newer = self.development.get(&place).is_none_or(|known| known.sequence < sequence);
        if newer {
            let one = Development { kind: kind.into(), id: id.into(), sequence, issues, json: json.clone() };
            self.development.insert(place, one);
        }
        Taken::Accepted
    }
}
