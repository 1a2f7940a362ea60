//! What a request says, field by field: from its path, its query and its JSON body alike.
//!
//! What an input does not describe is refused by name, so that a misspelt field is never silently ignored; then each
//! field is taken out and checked on the way. An error names the field and never repeats a
//! value that has the wrong type, because it may be a secret in the wrong place.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::ApiError;
pub(super) use super::describe::field::{Field, pattern};

/// The longest text that any field may have.
pub(super) const LONGEST: usize = 1024;

/// The fields of one request that were not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

/// Something that is read from the fields of a request.
pub(super) trait Input: Sized {
    /// All that it takes. What does not stand here is refused, so the API description cannot lack it.
    const FIELDS: &[Field];

    /// Takes its fields out and checks them.
    ///
    /// `now` is for ages: `since=2h`.
    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError>;
}

impl Fields {
    /// Adds a field; one that is given twice is refused.
    pub(super) fn add(&mut self, name: &str, value: Value) -> Result<(), ApiError> {
        match self.0.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(ApiError::Malformed(format!("`{name}` is given twice"))),
        }
    }

    /// Adds the pairs of a query string.
    pub(super) fn add_query(&mut self, query: &str) -> Result<(), ApiError> {
        url::form_urlencoded::parse(query.as_bytes())
            .filter(|(_, value)| !value.is_empty())
            .try_for_each(|(name, value)| self.add(&name, Value::String(value.into_owned())))
    }

    /// Adds the members of a JSON body; an empty one has none.
    pub(super) fn add_json(&mut self, body: &[u8]) -> Result<(), ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
        let value: Value = serde_json::from_str(text)
            .map_err(|error| malformed(&format!("the body is not JSON: {error}")))?;
        let Value::Object(members) = value else { return Err(malformed("the body must be a JSON object")) };
        members.into_iter().try_for_each(|(name, value)| self.add(&name, value))
    }

    /// Refuses what is not among `known`.
    pub(super) fn only(&self, known: &[Field]) -> Result<(), ApiError> {
        match self.0.keys().find(|name| !known.iter().any(|field| field.name == **name)) {
            None => Ok(()),
            Some(name) => Err(malformed(&format!("unknown field `{name}`"))),
        }
    }

    /// A text that may be absent. `null` is absent.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() <= LONGEST => Ok(Some(text)),
            Some(Value::String(_)) => Err(malformed(&format!("`{name}` is longer than {LONGEST} bytes"))),
            Some(other) => Err(wrong_type(name, "a text", &other)),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, name: &'static str) -> Result<String, ApiError> {
        self.text(name)?.ok_or(ApiError::Missing(name))
    }

    /// Something that is written as a text.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let parse = |text: String| text.parse().map_err(|why| malformed(&format!("`{name}`: {why}")));
        self.text(name)?.map(parse).transpose()
    }

    /// A list of texts.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Option<Vec<String>>, ApiError> {
        let item = |item: Value| match item {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(name, "a list of texts", &other)),
        };
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => items.into_iter().map(item).collect::<Result<_, _>>().map(Some),
            Some(other) => Err(wrong_type(name, "a list of texts", &other)),
        }
    }

    /// Yes or no; absent is no.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(wrong_type(name, "true or false", &other)),
        }
    }

    /// A length of time: `24h`, `30m`, `7d`, `0`.
    pub(super) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, ApiError> {
        // A plain 0 is what a script that ends a leak in a hurry will write.
        if self.0.get(name).and_then(Value::as_u64) == Some(0) {
            self.0.remove(name);
            return Ok(Some(Duration::ZERO));
        }
        let parse = |text: String| parse_duration(&text).ok_or_else(|| not_a_duration(name));
        self.text(name)?.map(parse).transpose()
    }

    /// A moment: an RFC 3339 time, or how long before `now`.
    pub(super) fn moment(
        &mut self,
        name: &'static str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ApiError> {
        let parse = |text: String| {
            let ago = || parse_duration(&text).and_then(|ago| now.checked_sub(ago).ok());
            text.parse().ok().or_else(ago).ok_or_else(|| {
                malformed(&format!(
                    "`{name}` must be a time like 2026-11-22T08:00:00Z, or an age like 2h or 7d"
                ))
            })
        };
        self.text(name)?.map(parse).transpose()
    }
}

/// Reads `24h`, `30m`, `45s`, `7d` or `0`.
fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = text.strip_suffix(unit)?;
    let count: u32 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

fn malformed(text: &str) -> ApiError {
    ApiError::Malformed(text.to_owned())
}

fn not_a_duration(name: &str) -> ApiError {
    malformed(&format!("`{name}` must be a length of time like 24h, 30m, 7d or 0"))
}

fn wrong_type(name: &str, wanted: &str, found: &Value) -> ApiError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    malformed(&format!("`{name}` must be {wanted}, not {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        let mut fields = Fields::default();
        fields.add_json(json.as_bytes()).unwrap();
        fields
    }

    #[test]
    fn a_field_is_named_when_it_is_wrong_and_its_value_is_not_repeated() {
        let mut body = fields(r#"{"secret": {"value": "hunter2"}, "projects": ["A", 5], "repo_idd": "x"}"#);
        assert_eq!(body.text("secret").unwrap_err().to_string(), "`secret` must be a text, not an object");
        let error = body.list("projects").unwrap_err().to_string();
        assert_eq!(error, "`projects` must be a list of texts, not a number");
        assert_eq!(body.required("repo_id"), Err(ApiError::Missing("repo_id")));
        let known = [Field::text("repo_id", "a hook's name")];
        assert_eq!(body.only(&known).unwrap_err().to_string(), "unknown field `repo_idd`");
    }

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let read = |json: &str| fields(json).duration("overlap").map(|d| d.map(|d| d.as_secs()));
        assert_eq!(read(r#"{"overlap": "24h"}"#), Ok(Some(86_400)));
        assert_eq!(read(r#"{"overlap": "30m"}"#), Ok(Some(1800)));
        assert_eq!(read(r#"{"overlap": "0"}"#), Ok(Some(0)));
        assert_eq!(read(r#"{"overlap": 0}"#), Ok(Some(0)));
        assert_eq!(read("{}"), Ok(None));
        for wrong in ["24", "h", "-1h", "+1h", "1.5h", "1w", "", "99999999999d", "1é"] {
            assert!(read(&format!(r#"{{"overlap": "{wrong}"}}"#)).is_err(), "{wrong}");
        }
        assert!(read(r#"{"overlap": 5}"#).is_err(), "a number has no unit");
    }

    #[test]
    fn a_moment_is_a_time_or_an_age() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let read = |text: &str| {
            let mut fields = Fields::default();
            fields.add("since", Value::String(text.into())).unwrap();
            fields.moment("since", now)
        };
        assert_eq!(read("2h"), Ok(Some(now - Duration::from_hours(2))));
        assert_eq!(read("2026-11-21T08:00:00+01:00"), Ok(Some("2026-11-21T07:00:00Z".parse().unwrap())));
        assert!(read("yesterday").is_err());
    }

    #[test]
    fn what_is_not_a_json_object_is_refused() {
        for body in [&b"[1]"[..], b"{", b"\xff\xfe", b"{\"a\":1", b"nul", &b"[".repeat(50_000)] {
            assert!(Fields::default().add_json(body).is_err());
        }
        assert!(Fields::default().add_json(b" \n").is_ok(), "no body has no fields");
        assert!(fields(r#"{"a": 1}"#).add_query("a=2").is_err(), "given twice");
    }
}
