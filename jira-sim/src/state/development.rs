//! Development information: what other tools told of commits, builds and deployments, by issue.

use std::collections::BTreeMap;

use serde_json::Value;

use super::State;

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

/// An entity as it arrives.
pub(crate) struct Entity<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) sequence: &'a Value,
    pub(crate) json: &'a Value,
    /// It can be tied to so many issues.
    pub(crate) most_keys: usize,
}

impl Entity<'_> {
    /// The issues it names, directly or as associations.
    fn keys(&self) -> Vec<&str> {
        let associations = self.json["associations"].as_array().into_iter().flatten();
        let of_issues = associations
            .filter(|one| matches!(one["associationType"].as_str(), Some("issueKeys" | "issueIdOrKeys")));
        let lists = of_issues.map(|one| &one["values"]).chain([&self.json["issueKeys"]]);
        lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
    }
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
    pub(crate) fn take_development(&mut self, entity: &Entity, unknown: &mut Vec<String>) -> Taken {
        let Some(sequence) = entity.sequence.as_i64() else {
            return Taken::Failed("The update sequence number is missing.");
        };
        let keys = entity.keys();
        if entity.id.is_empty() || keys.is_empty() {
            return Taken::Failed("The id or the issue keys are missing.");
        }
        if keys.len() > entity.most_keys {
            return Taken::Failed("The entity is associated with too many issue keys.");
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
        let (kind, id) = (entity.kind, entity.id);
        let place = (kind.to_owned(), id.to_owned());
        let newer = self.development.get(&place).is_none_or(|known| known.sequence < sequence);
        if newer {
            let one =
                Development { kind: kind.into(), id: id.into(), sequence, issues, json: entity.json.clone() };
            self.development.insert(place, one);
        }
        Taken::Accepted
    }
}
