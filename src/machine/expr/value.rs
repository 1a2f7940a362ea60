//! Values of expressions, borrowed from the event and the rule wherever they can be.

use std::borrow::Cow;
use std::rc::Rc;

use hcl::Number;
use serde_json::Value as Json;

use super::record::Record;

/// What an expression comes to.
#[derive(Debug, Clone)]
pub(in crate::machine) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Rc<Vec<Value<'a>>>),
    Object(Rc<Vec<(Cow<'a, str>, Value<'a>)>>),
    Record(Record<'a>),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    pub(super) fn maybe(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// What it is called in a message.
    pub(in crate::machine) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Record(record) => record.kind().name(),
        }
    }

    /// As it stands in a text; `None` where it has no such form. Null is empty.
    pub(in crate::machine) fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null => Some(Cow::Borrowed("")),
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::List(_) | Self::Object(_) | Self::Record(_) => None,
        }
    }

    /// As JSON for a field; `None` where it has no such form.
    pub(in crate::machine) fn to_json(&self) -> Option<Json> {
        Some(match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => number_to_json(*number),
            Self::Text(text) => Json::String(text.to_string()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect::<Option<_>>()?),
            Self::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| Some((key.to_string(), value.to_json()?)));
                Json::Object(entries.collect::<Option<_>>()?)
            }
            Self::Record(_) => return None,
        })
    }
}

/// A number as JSON has it; whole numbers stay whole.
pub(in crate::machine) fn number_to_json(number: Number) -> Json {
    let whole = number.as_i64().map(Json::from).or_else(|| number.as_u64().map(Json::from));
    whole.unwrap_or_else(|| number.as_f64().map_or(Json::Null, Json::from))
}
