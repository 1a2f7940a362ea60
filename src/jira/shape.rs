//! How Jira wants a field's value: people write `resolution = "Done"`, Jira takes `{"name": "Done"}`.
//!
//! The shape follows from the field's schema in the transition's metadata
//! (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/>, *Get transitions*,
//! `expand=transitions.fields`). A value that is an object already is sent as it is.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Dialect;

/// The shape of a field's value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Shape {
    /// As it is written: texts, numbers, dates, labels.
    #[default]
    Plain,
    /// An object known by its `name`: resolution, priority, version, component.
    Named,
    /// An option of a select list, known by its `value`.
    Option,
    /// An account: by id on Cloud, by name on Data Center.
    User,
    /// A list of values of one shape; a single value makes a list of one.
    List(Box<Shape>),
}

/// A field's schema as Jira describes it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Schema {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    items: Option<String>,
}

impl Schema {
    pub(super) fn shape(&self) -> Shape {
        match self.kind.as_str() {
            "array" => Shape::List(Box::new(Shape::of(self.items.as_deref().unwrap_or_default()))),
            kind => Shape::of(kind),
        }
    }
}

impl Shape {
    fn of(kind: &str) -> Self {
        match kind {
            "resolution" | "priority" | "version" | "component" | "issuetype" | "securitylevel" | "group" => {
                Self::Named
            }
            "option" => Self::Option,
            "user" => Self::User,
            _ => Self::Plain,
        }
    }

    /// The value as Jira wants it.
    pub fn fill(&self, value: Value, dialect: Dialect) -> Value {
        match (self, value) {
            (Self::Named, Value::String(name)) => json!({ "name": name }),
            (Self::Option, Value::String(value)) => json!({ "value": value }),
            (Self::User, Value::String(user)) => match dialect {
                Dialect::Cloud => json!({ "accountId": user }),
                Dialect::DataCenter => json!({ "name": user }),
            },
            (Self::List(of), Value::Array(values)) => {
                values.into_iter().map(|value| of.fill(value, dialect)).collect()
            }
            (Self::List(_), Value::Null) => Value::Null,
            (Self::List(of), value) => Value::Array(vec![of.fill(value, dialect)]),
            (_, value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(schema: Value) -> Shape {
        serde_json::from_value::<Schema>(schema).unwrap().shape()
    }

    #[test]
    fn what_people_write_becomes_what_jira_takes() {
        let fill = |schema, value| shape(schema).fill(value, Dialect::Cloud);
        assert_eq!(fill(json!({"type": "resolution"}), json!("Done")), json!({"name": "Done"}));
        assert_eq!(
            fill(json!({"type": "option", "custom": "select"}), json!("Red")),
            json!({"value": "Red"})
        );
        assert_eq!(fill(json!({"type": "string"}), json!("as it is")), json!("as it is"));
        assert_eq!(fill(json!({"type": "number"}), json!(7)), json!(7));
        let versions = json!({"type": "array", "items": "version"});
        assert_eq!(fill(versions.clone(), json!(["1.0", "1.1"])), json!([{"name": "1.0"}, {"name": "1.1"}]));
        assert_eq!(fill(versions, json!("1.0")), json!([{"name": "1.0"}]));
        assert_eq!(fill(json!({"type": "array", "items": "string"}), json!(["a"])), json!(["a"]));
        assert_eq!(fill(json!({}), json!("x")), json!("x"), "an unknown schema changes nothing");
    }

    #[test]
    fn an_object_is_sent_as_it_is_and_an_account_in_the_sites_dialect() {
        let resolution = shape(json!({"type": "resolution"}));
        assert_eq!(resolution.fill(json!({"id": "10000"}), Dialect::Cloud), json!({"id": "10000"}));
        let user = shape(json!({"type": "user"}));
        assert_eq!(user.fill(json!("5b10"), Dialect::Cloud), json!({"accountId": "5b10"}));
        assert_eq!(user.fill(json!("ada"), Dialect::DataCenter), json!({"name": "ada"}));
    }
}
