//! The JSON of a delivery: its body, or what a form holds as `payload=<JSON, percent-encoded>`.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::{Headers, NormaliseError};

/// Why a form holds no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum FormError {
    /// There is no such field.
    #[error("the form has no field `payload`")]
    Missing,
    /// It is not clear which one was meant.
    #[error("the form has several fields `payload`")]
    Several,
    /// What was encoded is not text.
    #[error("the form's field `payload` is not UTF-8")]
    NotUtf8,
}

/// The JSON that the body is or, in a form, holds. A body of no stated type is taken for JSON.
pub(super) fn json<'b>(headers: &dyn Headers, body: &'b [u8]) -> Result<Cow<'b, str>, NormaliseError> {
    let content_type = headers.get("Content-Type").unwrap_or("application/json");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        let text = std::str::from_utf8(body);
        text.map(Cow::Borrowed).map_err(|error| NormaliseError::Unreadable(format!("not UTF-8: {error}")))
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = payload(body);
        text.map(Cow::Owned).map_err(|error| NormaliseError::Unreadable(error.to_string()))
    } else {
        Err(NormaliseError::ContentType(essence.to_owned()))
    }
}

/// The text of the form's one field `payload`.
fn payload(form: &[u8]) -> Result<String, FormError> {
    let mut values = form.split(|&b| b == b'&').filter_map(|field| field.strip_prefix(b"payload="));
    match (values.next(), values.next()) {
        (Some(value), None) => decode(value),
        (None, _) => Err(FormError::Missing),
        (Some(_), Some(_)) => Err(FormError::Several),
    }
}

fn decode(value: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = value.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    let bytes = Cow::from(percent_decode(&spaced)).into_owned();
    String::from_utf8(bytes).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_and_percent_are_decoded() {
        assert_eq!(payload(b"payload=%7B%22a%22%3A+%22b%2Bc%20%C3%A9%22%7D").unwrap(), r#"{"a": "b+c é"}"#);
        assert_eq!(payload(b"x=1&payload=a%&y").unwrap(), "a%", "a stray percent sign is itself");
        assert_eq!(payload(b"payload=").unwrap(), "");
    }

    #[test]
    fn exactly_one_payload_is_asked_for() {
        assert_eq!(payload(b""), Err(FormError::Missing));
        assert_eq!(payload(b"Payload={}&my_payload={}"), Err(FormError::Missing));
        assert_eq!(payload(b"payload={}&payload={}"), Err(FormError::Several));
        assert_eq!(payload(b"payload=%ff"), Err(FormError::NotUtf8));
    }
}
