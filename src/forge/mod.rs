//! The forges' dialects: whether a delivery is genuine, and what it means.
//!
//! Pure: headers and bytes in, an [`Event`] out; no I/O, no clock. A delivery is verified over its raw
//! bytes before anything of it is parsed, then read into the one event model that everything behind the
//! door shares. An event that Conduit does not act on is a success all the same: it is recorded.
//!
//! Adding a forge: one file (or folder) here that implements [`Forge`], one line in [`all`], and payloads
//! under `tests/forge/<name>/`. `signature`, `form` and `lenient` hold what several of them need.

mod form;
pub mod github;
pub mod jira;
mod lenient;
pub mod sample;
mod signature;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::event::Event;

/// The longest delivery id taken; those that forges send are 36 characters.
const MAX_DELIVERY_ID: usize = 128;

/// One forge's dialect.
pub trait Forge: Send + Sync {
    /// Its name in routes and rules: `github`.
    fn name(&self) -> &'static str;

    /// The header that says which event a body is, for those who have a body and no headers; `None` where the body
    /// says it itself.
    fn event_header(&self) -> Option<&'static str>;

    /// The headers that it reads, each with what it holds, for the API description.
    fn headers(&self) -> &'static [(&'static str, &'static str)];

    /// Which of `secrets` vouches for `body`, compared in constant time.
    ///
    /// A refusal costs the same whatever is wrong: no header, a wrong signature, one secret or three. So a
    /// caller that knows no such hook passes no secrets, and answers no sooner than for one it knows.
    fn verify(&self, headers: &dyn Headers, body: &[u8], secrets: &[&str]) -> Result<Verified, Unverified>;

    /// The forge's own id of this delivery, the same when it delivers again.
    ///
    /// Where the forge sent none, a hash of the body stands in for it.
    fn delivery_id(&self, headers: &dyn Headers, body: &[u8]) -> Result<String, Malformed>;

    /// What the delivery means.
    ///
    /// One that no rule could ever see is an event without triggers, not an error.
    fn normalise(&self, headers: &dyn Headers, body: &[u8]) -> Result<Event, NormaliseError>;
}

/// Every forge there is.
pub fn all() -> &'static [&'static dyn Forge] {
    &[&github::GitHub, &jira::Jira]
}

/// The forge that a route or a rule calls `provider`.
pub fn find(provider: &str) -> Option<&'static dyn Forge> {
    all().iter().copied().find(|forge| forge.name() == provider)
}

/// The headers of a delivery, whoever holds them: an HTTP request, or `plan` with a file.
pub trait Headers {
    /// The value of the header `name`, in any ASCII case; `None` too when it is not text.
    fn get(&self, name: &str) -> Option<&str>;
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> Headers for [(N, V); COUNT] {
    fn get(&self, name: &str) -> Option<&str> {
        lookup(self, name)
    }
}

impl<N: AsRef<str>, V: AsRef<str>> Headers for Vec<(N, V)> {
    fn get(&self, name: &str) -> Option<&str> {
        lookup(self, name)
    }
}

fn lookup<'h, N: AsRef<str>, V: AsRef<str>>(headers: &'h [(N, V)], name: &str) -> Option<&'h str> {
    let (_, value) = headers.iter().find(|(own, _)| own.as_ref().eq_ignore_ascii_case(name))?;
    Some(value.as_ref())
}

/// The delivery id that stands in `header`, or a hash of the body where there is none.
fn delivery_id(headers: &dyn Headers, header: &'static str, body: &[u8]) -> Result<String, Malformed> {
    match headers.get(header).unwrap_or_default() {
        "" => Ok(format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(body)))),
        id if id.len() <= MAX_DELIVERY_ID && id.bytes().all(|b| b.is_ascii_graphic()) => Ok(id.to_owned()),
        _ => Err(Malformed { header, expected: "1 to 128 printable ASCII characters" }),
    }
}

/// A delivery that is genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which of the secrets given vouches for it.
    pub secret: usize,
    /// How it was checked, as a trace says it: `HMAC-SHA256`.
    pub by: &'static str,
}

/// Why a delivery is not known to be genuine. For logs and metrics: the outside gets one answer to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The delivery bears no signature.
    #[error("no signature; set the hook's secret at the forge")]
    Missing,
    /// It bears only a signature that is too weak to be trusted.
    #[error("only a SHA-1 signature; the forge must send SHA-256")]
    LegacyOnly,
    /// None of the secrets made its signature.
    #[error("the signature is not of any secret of this hook; set the hook's secret at the forge anew")]
    Wrong,
}

/// A header that no forge sends so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header {header} must be {expected}")]
pub struct Malformed {
    /// The header.
    pub header: &'static str,
    /// What it ought to hold.
    pub expected: &'static str,
}

/// Why a genuine delivery has no meaning here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseError {
    /// The body is in no format this forge delivers (415).
    #[error("content type `{0}`: set the hook's content type to application/json")]
    ContentType(String),
    /// The body is not what its content type says: no form, no UTF-8, no JSON (400).
    #[error("the body is not readable: {0}")]
    Unreadable(String),
    /// A header that says what the body is about is missing or no such thing (400).
    #[error(transparent)]
    Header(#[from] Malformed),
    /// It is JSON, and what the event would be about is not in it (accepted, stored, failed).
    #[error("{0}")]
    NotNormalisable(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forge_is_found_by_the_name_in_its_route() {
        assert_eq!(find("github").map(Forge::name), Some("github"));
        assert_eq!(find("jira").map(Forge::name), Some("jira"));
        assert!(find("GitHub").is_none());
        assert!(find("sourcehut").is_none());
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let headers = [("X-GitHub-Event", "push")];
        assert_eq!(headers.get("x-github-event"), Some("push"));
        assert_eq!(vec![("a", "b")].get("x-github-event"), None);
    }
}
