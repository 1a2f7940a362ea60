//! GitHub and GitHub Enterprise Server.
//!
//! Signatures: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>.
//! `payload` is what GitHub says, `read` turns it into an event, one file for each kind of subject.

mod code;
mod payload;
mod pull_request;
mod read;
mod shipping;

use std::borrow::Cow;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest as _, Sha256};

use super::{Forge, Headers, Malformed, NormaliseError, Unverified, Verified, form, lenient, signature};
use crate::event::Event;
use payload::Payload;

const EVENT: &str = "X-GitHub-Event";
const DELIVERY: &str = "X-GitHub-Delivery";
const SIGNATURE: &str = "X-Hub-Signature-256";
const SHA1_SIGNATURE: &str = "X-Hub-Signature";

/// The longest delivery id taken; GitHub's are 36 characters.
const MAX_DELIVERY_ID: usize = 128;

/// The longest event name taken; GitHub's longest is `secret_scanning_alert_location`.
const MAX_EVENT_NAME: usize = 64;

/// GitHub's dialect.
#[derive(Debug, Clone, Copy)]
pub struct GitHub;

impl Forge for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn event_header(&self) -> &'static str {
        EVENT
    }

    fn verify(&self, headers: &dyn Headers, body: &[u8], secrets: &[&str]) -> Result<Verified, Unverified> {
        let header = headers.get(SIGNATURE);
        let given = header.and_then(digest);
        // Looked for whatever was given: the time it takes must not tell one refusal from another.
        let signer = signature::signer(given.as_ref().unwrap_or(&signature::NO_DIGEST), body, secrets);
        match (signer, given) {
            (Some(secret), Some(_)) => Ok(Verified { secret, by: signature::HMAC_SHA256 }),
            _ if header.is_some() => Err(Unverified::Wrong),
            _ if headers.get(SHA1_SIGNATURE).is_some() => Err(Unverified::LegacyOnly),
            _ => Err(Unverified::Missing),
        }
    }

    fn delivery_id(&self, headers: &dyn Headers, body: &[u8]) -> Result<String, Malformed> {
        match headers.get(DELIVERY).unwrap_or_default() {
            "" => Ok(format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(body)))),
            id if id.len() <= MAX_DELIVERY_ID && id.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(id.to_owned())
            }
            _ => Err(Malformed { header: DELIVERY, expected: "1 to 128 printable ASCII characters" }),
        }
    }

    fn normalise(&self, headers: &dyn Headers, body: &[u8]) -> Result<Event, NormaliseError> {
        let event = event_name(headers)?;
        let json = json(headers, body)?;
        let payload: Payload = lenient::parse(&json)?
            .ok_or_else(|| NormaliseError::NotNormalisable("the payload is not a JSON object".into()))?;
        read::event(event, &payload)
    }
}

/// The value of the signature header that goes with `body`, as GitHub makes it.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", HEXLOWER.encode(&signature::digest(secret, body)))
}

/// The digest a signature header holds, if it holds one.
fn digest(header: &str) -> Option<[u8; 32]> {
    let hex = header.strip_prefix("sha256=")?;
    HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?.try_into().ok()
}

fn event_name(headers: &dyn Headers) -> Result<&str, Malformed> {
    let name = headers.get(EVENT).unwrap_or_default();
    let good = (1..=MAX_EVENT_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    good.then_some(name)
        .ok_or(Malformed { header: EVENT, expected: "the name of an event, such as pull_request" })
}

/// The JSON that the body is or, in a form, holds. A body of no stated type is taken for JSON.
fn json<'b>(headers: &dyn Headers, body: &'b [u8]) -> Result<Cow<'b, str>, NormaliseError> {
    let content_type = headers.get("Content-Type").unwrap_or("application/json");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        let text = std::str::from_utf8(body);
        text.map(Cow::Borrowed).map_err(|error| NormaliseError::Unreadable(format!("not UTF-8: {error}")))
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = form::payload(body);
        text.map(Cow::Owned).map_err(|error| NormaliseError::Unreadable(error.to_string()))
    } else {
        Err(NormaliseError::ContentType(essence.to_owned()))
    }
}

#[cfg(test)]
mod tests;
