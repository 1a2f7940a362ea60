//! HMAC-SHA256 over a delivery's bytes, as most forges sign.

use std::hint::black_box;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How traces name this check.
pub(super) const HMAC_SHA256: &str = "HMAC-SHA256";

/// A digest that stands in for one that was not given, so that its absence costs the same time.
pub(super) const NO_DIGEST: [u8; 32] = [0; 32];

/// A refusal takes at least this many digests: as many as a hook has live secrets at the most.
const ROUNDS: usize = 3;

/// The digest of `message` under `secret`.
pub(super) fn digest(secret: &str, message: &[u8]) -> [u8; 32] {
    keyed(secret, message).map_or(NO_DIGEST, |mac| mac.finalize().into_bytes().into())
}

/// Which of `secrets` makes `given` of `message`.
///
/// The first that fits ends the search: who can sign may know which secret is in use. Who cannot learns
/// nothing, neither how near he came nor how many secrets there are.
pub(super) fn signer(given: &[u8; 32], message: &[u8], secrets: &[&str]) -> Option<usize> {
    let found = secrets.iter().position(|secret| fits(secret, message, given));
    if found.is_none() {
        for _ in secrets.len()..ROUNDS {
            // Only its time counts: this key is no secret.
            black_box(fits("no secret", message, given));
        }
    }
    found
}

fn fits(secret: &str, message: &[u8], given: &[u8; 32]) -> bool {
    keyed(secret, message).is_some_and(|mac| mac.verify_slice(given).is_ok())
}

/// `None` never comes: HMAC takes keys of any length.
fn keyed(secret: &str, message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(message);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_that_signed_is_named() {
        let given = digest("old", b"body");
        assert_eq!(signer(&given, b"body", &["new", "old"]), Some(1));
        assert_eq!(signer(&given, b"body", &["old"]), Some(0));
        assert_eq!(signer(&given, b"Body", &["new", "old"]), None);
        assert_eq!(signer(&given, b"body", &[]), None);
    }

    #[test]
    fn the_key_that_pads_a_refusal_opens_nothing() {
        assert_eq!(signer(&digest("no secret", b"body"), b"body", &["new"]), None);
        assert_eq!(signer(&digest("no secret", b"body"), b"body", &[]), None);
    }

    /// The example of RFC 4231, section 4.3.
    #[test]
    fn the_digest_is_hmac_sha256() {
        let hex = data_encoding::HEXLOWER.encode(&digest("Jefe", b"what do ya want for nothing?"));
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
