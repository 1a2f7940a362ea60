//! Jira's own webhooks, Cloud and Data Center: what people do to tickets in Jira itself.
//!
//! Signatures: `X-Hub-Signature: method=hex` over the raw body; the method is read from the header, and only
//! SHA-2 is taken. Shapes: <https://developer.atlassian.com/server/jira/platform/webhooks/>.
//!
//! To Jira a repository is a project of a site, `acme.atlassian.net/SHOP`, so that `acme.atlassian.net/*` is the
//! whole site: a hook takes deliveries of the site it is registered for, and of no other.
//! `payload` is what Jira says, `read` turns it into an event.

mod payload;
mod read;

use super::signature::Method;
use super::{Forge, Headers, Malformed, NormaliseError, Unverified, Verified, form, lenient, signature};
use crate::event::Event;
use payload::Payload;

/// The same for every try of one delivery.
const DELIVERY: &str = "X-Atlassian-Webhook-Identifier";
const SIGNATURE: &str = "X-Hub-Signature";
/// How often this delivery was tried before.
const RETRY: &str = "X-Atlassian-Webhook-Retry";
/// `Primary`, or `Secondary` for what Jira sends with less haste.
const FLOW: &str = "X-Atlassian-Webhook-Flow";

/// The longest word taken for a flow.
const MAX_FLOW: usize = 32;

/// Jira's dialect.
#[derive(Debug, Clone, Copy)]
pub struct Jira;

impl Forge for Jira {
    fn name(&self) -> &'static str {
        "jira"
    }

    /// The body says it.
    fn event_header(&self) -> Option<&'static str> {
        None
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (SIGNATURE, "`sha256=`, `sha384=` or `sha512=` and the HMAC of the body's bytes, in hex"),
            (DELIVERY, "the delivery's id, the same for every try"),
            (RETRY, "which try this is"),
            (FLOW, "Jira's own word for how urgent it is"),
        ]
    }

    fn verify(&self, headers: &dyn Headers, body: &[u8], secrets: &[&str]) -> Result<Verified, Unverified> {
        let header = headers.get(SIGNATURE);
        let given = header.and_then(Method::read);
        // Looked for whatever was given: the time it takes must not tell one refusal from another.
        let (method, digest) = given.clone().unwrap_or((Method::Sha256, signature::NO_DIGEST.to_vec()));
        let signer = signature::signer_by(method, &digest, body, secrets);
        match (signer, given) {
            (Some(secret), Some(_)) => Ok(Verified { secret, by: method.name() }),
            _ if header.is_some_and(signature::is_weak) => Err(Unverified::LegacyOnly),
            _ if header.is_some() => Err(Unverified::Wrong),
            _ => Err(Unverified::Missing),
        }
    }

    fn delivery_id(&self, headers: &dyn Headers, body: &[u8]) -> Result<String, Malformed> {
        super::delivery_id(headers, DELIVERY, body)
    }

    fn normalise(&self, headers: &dyn Headers, body: &[u8]) -> Result<Event, NormaliseError> {
        let json = form::json(headers, body)?;
        let payload: Payload = lenient::parse(&json)?
            .ok_or_else(|| NormaliseError::NotNormalisable("the payload is not a JSON object".into()))?;
        read::event(&payload, &Sending::of(headers))
    }
}

/// What the headers say of how a delivery was sent.
#[derive(Debug, Default)]
struct Sending {
    retry: u32,
    flow: Option<String>,
}

impl Sending {
    fn of(headers: &dyn Headers) -> Self {
        let word = |flow: &&str| {
            (1..=MAX_FLOW).contains(&flow.len()) && flow.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        Self {
            retry: headers.get(RETRY).and_then(|number| number.parse().ok()).unwrap_or_default(),
            flow: headers.get(FLOW).filter(word).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
