//! Deliveries sent as a form, `payload=<JSON, percent-encoded>`.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Why a form holds no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
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

/// The text of the form's one field `payload`.
pub(super) fn payload(form: &[u8]) -> Result<String, FormError> {
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
