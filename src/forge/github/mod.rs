//! GitHub and GitHub Enterprise Server.
//!
//! Signatures: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>.
//! `payload` is what GitHub says, `read` turns it into an event, one file for each kind of subject.

mod code;
mod payload;
mod pull_request;
mod read;
mod shipping;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{Forge, Headers, Malformed, NormaliseError, Unverified, Verified, form, lenient, signature};
use crate::event::Event;
use payload::Payload;

const EVENT: &str = "X-GitHub-Event";
const DELIVERY: &str = "X-GitHub-Delivery";
const SIGNATURE: &str = "X-Hub-Signature-256";
const SHA1_SIGNATURE: &str = "X-Hub-Signature";

/// The longest event name taken; GitHub's longest is `secret_scanning_alert_location`.
const MAX_EVENT_NAME: usize = 64;

/// GitHub's dialect.
#[derive(Debug, Clone, Copy)]
pub struct GitHub;

impl Forge for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn event_header(&self) -> Option<&'static str> {
        Some(EVENT)
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (SIGNATURE, "`sha256=` and the HMAC-SHA256 of the body's bytes, in hex"),
            (EVENT, "the name of the event, such as pull_request"),
            (DELIVERY, "the delivery's id, the same when it is delivered again"),
        ]
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
        super::delivery_id(headers, DELIVERY, body)
    }

    fn normalise(&self, headers: &dyn Headers, body: &[u8]) -> Result<Event, NormaliseError> {
        let event = event_name(headers)?;
        let json = form::json(headers, body)?;
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

#[cfg(test)]
mod tests;
