//! The `fields`, `update` and `properties` of a request that changes an issue: read, checked against what the
//! screen offers, and turned into edits. Nothing is changed here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{comments, values};
use crate::dialect::Api;
use crate::field::{Field, Shape};
use crate::refusal::{Refusal, not_on_screen};
use crate::state::{Edit, Issue, State};

/// One operation on a field.
struct Operation<'a> {
    verb: &'a str,
    value: &'a Value,
}

/// What a request wants to do to each field.
type Wanted<'a> = BTreeMap<&'a str, Vec<Operation<'a>>>;

/// Where the fields are being set.
pub(crate) struct Form<'a> {
    pub(crate) state: &'a State,
    pub(crate) issue: &'a Issue,
    pub(crate) api: Api,
    /// The fields that may be set.
    pub(crate) offered: Vec<Field>,
    /// The summary can be edited, but stands on no transition's screen here.
    pub(crate) summary: bool,
    /// A transition without a screen takes a comment without a word, and drops it.
    pub(crate) keeps_comments: bool,
}

impl Form<'_> {
    /// The edits that the body asks for.
    pub(crate) fn edits(&self, body: &Value) -> Result<Vec<Edit>, Refusal> {
        let wanted = wanted(body)?;
        let refused: Vec<_> = wanted.keys().filter(|key| !self.offers(key)).collect();
        if !refused.is_empty() {
            let errors = refused.into_iter().map(|key| ((*key).to_owned(), not_on_screen(key)));
            return Err(Refusal::fields(400, errors));
        }
        let mut edits = Vec::new();
        for (key, operations) in &wanted {
            edits.extend(self.edits_of(key, operations)?);
        }
        edits.extend(properties(body)?);
        Ok(edits)
    }

    /// The required fields of the screen that neither the edits nor the issue fill.
    pub(crate) fn missing(&self, edits: &[Edit]) -> Result<(), Refusal> {
        let missing = self.offered.iter().filter(|field| field.required && !self.filled(field, edits));
        let errors: Vec<_> =
            missing.map(|field| (field.key.clone(), format!("{} is required.", field.name))).collect();
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(400, errors)) }
    }

    fn offers(&self, key: &str) -> bool {
        key == "comment" || (key == "summary" && self.summary) || self.field(key).is_some()
    }

    fn field(&self, key: &str) -> Option<&Field> {
        self.offered.iter().find(|field| field.key == key)
    }

    fn edits_of(&self, key: &str, operations: &[Operation]) -> Result<Vec<Edit>, Refusal> {
        if key == "comment" {
            let bodies = operations.iter().map(|one| comments::edit(one.value, self.api));
            let edits: Vec<_> = bodies.collect::<Result<_, _>>()?;
            return Ok(if self.keeps_comments { edits } else { Vec::new() });
        }
        if key == "summary" {
            return operations
                .iter()
                .map(|one| Ok(Edit::Summary(values::summary(set(key, one)?)?)))
                .collect();
        }
        let Some(field) = self.field(key) else {
            return Ok(Vec::new());
        };
        let edit = match field.shape {
            Shape::Labels => Edit::Labels(listed(key, &self.issue.labels, operations, values::label)?),
            Shape::Versions => {
                let version = |value: &Value| values::version(self.state, self.issue, value);
                Edit::FixVersions(listed(key, &self.issue.fix_versions, operations, version)?)
            }
            Shape::User => Edit::Assignee(values::person(self.state, key, last(key, operations)?)?),
            Shape::Resolution => Edit::Resolution(values::resolution(last(key, operations)?)?),
            Shape::Text => {
                let value = Value::String(values::text(key, last(key, operations)?)?);
                Edit::Custom { key: key.into(), value }
            }
        };
        Ok(vec![edit])
    }

    fn filled(&self, field: &Field, edits: &[Edit]) -> bool {
        let edited = edits.iter().rev().find_map(|edit| filled_by(edit, &field.key));
        edited.unwrap_or_else(|| self.issue.has(&field.key))
    }
}

/// Whether the edit fills the field, or empties it; nothing when it is about another.
pub(crate) fn filled_by(edit: &Edit, key: &str) -> Option<bool> {
    match (edit, key) {
        (Edit::Resolution(to), "resolution") | (Edit::Assignee(to), "assignee") => Some(to.is_some()),
        (Edit::FixVersions(to), "fixVersions") => Some(!to.is_empty()),
        (Edit::Labels(to), "labels") => Some(!to.is_empty()),
        (Edit::Custom { key: one, value }, key) if one == key => Some(value.as_str() != Some("")),
        _ => None,
    }
}

/// Collects `fields` and `update`. A field in both is refused, and so is an operation that does not exist.
fn wanted(body: &Value) -> Result<Wanted<'_>, Refusal> {
    let mut wanted = Wanted::new();
    for (key, value) in object(body, "fields")? {
        wanted.insert(key, vec![Operation { verb: "set", value }]);
    }
    for (key, operations) in object(body, "update")? {
        if wanted.contains_key(key.as_str()) {
            let message = format!("Field '{key}' cannot appear in both 'fields' and 'update'");
            return Err(Refusal::field(key, message));
        }
        let operations = operations.as_array().ok_or_else(Refusal::bad_json)?;
        let read: Result<Vec<_>, _> = operations.iter().map(|one| operation(key, one)).collect();
        wanted.insert(key, read?);
    }
    Ok(wanted)
}

fn object<'a>(body: &'a Value, part: &str) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Refusal> {
    let map: Option<&Map<String, Value>> = match &body[part] {
        Value::Null => None,
        Value::Object(map) => Some(map),
        _ => return Err(Refusal::bad_json()),
    };
    Ok(map.into_iter().flatten())
}

fn operation<'a>(key: &str, operation: &'a Value) -> Result<Operation<'a>, Refusal> {
    let map = operation.as_object().ok_or_else(Refusal::bad_json)?;
    let (verb, value) = map.iter().next().ok_or_else(Refusal::bad_json)?;
    let allowed: &[&str] = match key {
        "comment" => &["add"],
        "labels" | "fixVersions" => &["add", "remove", "set"],
        _ => &["set"],
    };
    if allowed.contains(&verb.as_str()) {
        return Ok(Operation { verb, value });
    }
    let message = format!("Field does not support update '{verb}'");
    Err(Refusal::field(key, message))
}

fn set<'a>(key: &str, operation: &Operation<'a>) -> Result<&'a Value, Refusal> {
    match operation.verb {
        "set" => Ok(operation.value),
        other => Err(Refusal::field(key, format!("Field does not support update '{other}'"))),
    }
}

fn last<'a>(key: &str, operations: &[Operation<'a>]) -> Result<&'a Value, Refusal> {
    let operation = operations.last().ok_or_else(|| Refusal::field(key, "data was not an array"))?;
    set(key, operation)
}

/// The list as it is after the operations.
fn listed<T, F>(key: &str, now: &[T], operations: &[Operation], read: F) -> Result<Vec<T>, Refusal>
where
    T: Clone + PartialEq,
    F: Fn(&Value) -> Result<T, Refusal>,
{
    let mut list = now.to_vec();
    for operation in operations {
        match operation.verb {
            "set" => {
                let not_a_list = || Refusal::field(key, "data was not an array");
                let values = operation.value.as_array().ok_or_else(not_a_list)?;
                list = values.iter().map(&read).collect::<Result<_, _>>()?;
            }
            "add" => {
                let one = read(operation.value)?;
                if !list.contains(&one) {
                    list.push(one);
                }
            }
            _ => {
                let one = read(operation.value)?;
                list.retain(|other| *other != one);
            }
        }
    }
    Ok(list)
}

/// The issue properties of the request.
fn properties(body: &Value) -> Result<Vec<Edit>, Refusal> {
    let list = match &body["properties"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => return Err(Refusal::bad_json()),
    };
    let read = |one: &Value| match one["key"].as_str() {
        Some(key) if !key.is_empty() && key.len() <= 255 => {
            Ok(Edit::Property { key: key.into(), value: one["value"].clone() })
        }
        _ => Err(Refusal::bad_request("The property key is missing or longer than 255 characters.")),
    };
    list.iter().map(read).collect()
}
