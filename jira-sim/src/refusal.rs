//! Answers, and the refusals among them, each with Jira's own words.

use serde_json::{Map, Value, json};

/// An answer as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json;charset=UTF-8", body.to_string())
    }

    /// An answer of another media type.
    pub fn text(status: u16, media_type: &str, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }.header("Content-Type", media_type)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A refusal: Jira's error collection, or another of its shapes where it uses one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) Answer);

/// What every handler returns.
pub(crate) type Outcome = Result<Answer, Refusal>;

impl Refusal {
    /// A refusal with one message for the whole request.
    pub(crate) fn message(status: u16, message: impl Into<String>) -> Self {
        Self(Answer::json(status, &json!({ "errorMessages": [message.into()], "errors": {} })))
    }

    /// A refusal that blames fields.
    pub(crate) fn fields(status: u16, errors: impl IntoIterator<Item = (String, String)>) -> Self {
        let errors: Map<String, Value> =
            errors.into_iter().map(|(field, text)| (field, text.into())).collect();
        Self(Answer::json(status, &json!({ "errorMessages": [], "errors": errors })))
    }

    /// A refusal that blames one field.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::fields(400, [(field.to_owned(), message.into())])
    }

    /// The bulk calls have an error list of their own.
    pub(crate) fn bulk(status: u16, message: impl Into<String>) -> Self {
        Self(Answer::json(status, &json!({ "errors": [{ "message": message.into() }] })))
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::message(400, message)
    }

    /// Jira leaves `errors` out of this one.
    pub(crate) fn bad_json() -> Self {
        let message = "There was an error parsing JSON. Check that your request body is valid.";
        Self(Answer::json(400, &json!({ "errorMessages": [message] })))
    }

    /// Missing, archived and invisible look alike.
    pub(crate) fn no_issue() -> Self {
        Self::message(404, "Issue does not exist or you do not have permission to see it.")
    }

    pub(crate) fn no_project(key_or_id: &str) -> Self {
        let by = if key_or_id.parse::<u64>().is_ok() { "id" } else { "key" };
        Self::message(404, format!("No project could be found with {by} '{key_or_id}'."))
    }
}

/// Why a field that a screen does not have is refused.
pub(crate) fn not_on_screen(field: &str) -> String {
    format!("Field '{field}' cannot be set. It is not on the appropriate screen, or unknown.")
}
