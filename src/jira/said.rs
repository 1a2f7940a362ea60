//! What Jira said, for people.
//!
//! Its own errors are `{"errorMessages": […], "errors": {field: message}}`, either of which may be empty or
//! missing; gateways before it answer `{"message": …}`, `application/problem+json`, or a web page.

use serde_json::Value;

use crate::printable::printable;

/// Longer messages are cut: a trace is read by people.
const LONGEST: usize = 500;

/// An error body, read as far as it can be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Whether it has the shape of Jira's own errors, rather than of something that stands before Jira.
    pub(super) by_jira: bool,
    /// The general messages.
    pub(super) messages: Vec<String>,
    /// The messages on single fields.
    pub(super) fields: Vec<(String, String)>,
}

impl Said {
    /// Reads a body; what is not understood says nothing.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let mut said = Self {
            by_jira: body.get("errorMessages").is_some() || body.get("errors").is_some(),
            ..Self::default()
        };
        said.take_messages(body.get("errorMessages"));
        match body.get("errors") {
            Some(Value::Object(fields)) => {
                let messages = fields.iter().filter_map(|(id, said)| Some((id.clone(), message(said)?)));
                said.fields.extend(messages);
            }
            other => said.take_messages(other),
        }
        if said.messages.is_empty() && said.fields.is_empty() {
            said.messages.extend(
                ["message", "detail", "title", "error"].iter().find_map(|&name| message(body.get(name)?)),
            );
        }
        said
    }

    fn take_messages(&mut self, list: Option<&Value>) {
        if let Some(Value::Array(list)) = list {
            self.messages.extend(list.iter().filter_map(message));
        }
    }

    /// All of it in one line; empty when nothing was said.
    pub(super) fn line(&self) -> String {
        let fields = self.fields.iter().map(|(id, message)| format!("{id}: {message}"));
        let all: Vec<_> = self.messages.iter().cloned().chain(fields).collect();
        one_line(&all.join(" · "))
    }
}

fn message(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("message")?.as_str())?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Other people's text as one line that is safe to print, and not too long.
pub(super) fn one_line(text: &str) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    let safe = printable(&text);
    let end = safe.floor_char_boundary(LONGEST);
    if end < safe.len() { format!("{}…", &safe[..end]) } else { safe.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> String {
        Said::read(body.as_bytes()).line()
    }

    #[test]
    fn every_shape_of_an_error_body_is_read() {
        assert_eq!(line(r#"{"errorMessages":["No.","Really."],"errors":{}}"#), "No. · Really.");
        assert_eq!(
            line(r#"{"errorMessages":[],"errors":{"resolution":"Resolution is required."}}"#),
            "resolution: Resolution is required."
        );
        assert_eq!(line(r#"{"errors":{"a":"b"}}"#), "a: b");
        assert_eq!(line(r#"{"errorMessages":["Only these."]}"#), "Only these.");
        assert_eq!(line(r#"{"errors":[{"message":"In bulk."}]}"#), "In bulk.");
        assert_eq!(line(r#"{"errorMessages":[{"message":"Traced.","errorTraceId":"1"}]}"#), "Traced.");
        assert_eq!(
            line(r#"{"timestamp":"2026","status":404,"error":"Not Found","message":"No route","path":"/x"}"#),
            "No route"
        );
        assert_eq!(
            line(r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No endpoint"}"#),
            "No endpoint"
        );
        assert_eq!(line(r#"{"code":401,"message":"Unauthorized"}"#), "Unauthorized");
    }

    #[test]
    fn what_is_not_understood_says_nothing() {
        for body in [
            "",
            "<html><body>Log in</body></html>",
            "[1,2]",
            "null",
            r#"{"errorMessages":7,"errors":["x"#,
            "\u{0}",
        ] {
            assert_eq!(Said::read(body.as_bytes()), Said::default(), "{body}");
        }
        assert_eq!(line(r#"{"errorMessages":[7,null,""],"errors":{"a":7}}"#), "");
    }

    #[test]
    fn only_jiras_own_shape_counts_as_jiras() {
        assert!(Said::read(br#"{"errorMessages":[]}"#).by_jira);
        assert!(!Said::read(br#"{"message":"no route"}"#).by_jira);
    }

    #[test]
    fn a_message_is_one_printable_line_of_bounded_length() {
        assert_eq!(one_line("a\nb\u{1b}[31m\u{202e}c"), "a b\\u{1b}[31m\\u{202e}c");
        let cut = one_line(&"é".repeat(1000));
        assert!(cut.ends_with('…') && cut.len() < LONGEST + 8, "{}", cut.len());
    }
}
