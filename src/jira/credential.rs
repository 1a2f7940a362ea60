//! A password or token of Jira's.

use std::fmt;

use zeroize::Zeroizing;

/// Shown only on purpose, wiped when dropped.
///
/// A wrapper of its own, because this module stands apart from how Conduit seals its own secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(Zeroizing<String>);

impl Credential {
    /// Takes a credential in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The credential itself: for the `Authorization` header and for nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}
