//! HMAC over a delivery's bytes, as most forges sign: by SHA-256, or by the SHA-2 that the header names.

use std::hint::black_box;

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// How traces name this check.
pub(super) const HMAC_SHA256: &str = "HMAC-SHA256";

/// A digest that stands in for one that was not given, so that its absence costs the same time.
pub(super) const NO_DIGEST: [u8; 32] = [0; 32];

/// A refusal takes at least this many digests: as many as a hook has live secrets at the most.
const ROUNDS: usize = 3;

/// The digest of `message` under `secret`.
pub(super) fn digest(secret: &str, message: &[u8]) -> [u8; 32] {
    keyed::<Hmac<Sha256>>(secret, message).map_or(NO_DIGEST, |mac| mac.finalize().into_bytes().into())
}

/// Which of `secrets` makes `given` of `message`.
///
/// The first that fits ends the search: who can sign may know which secret is in use. Who cannot learns
/// nothing, neither how near he came nor how many secrets there are.
pub(super) fn signer(given: &[u8; 32], message: &[u8], secrets: &[&str]) -> Option<usize> {
    signer_by(Method::Sha256, given, message, secrets)
}

/// The same for a digest by any method.
pub(super) fn signer_by(method: Method, given: &[u8], message: &[u8], secrets: &[&str]) -> Option<usize> {
    search(secrets, |secret| method.fits(secret, message, given))
}

/// The first secret that fits; when none does, as many digests as ever were made.
fn search(secrets: &[&str], mut fits: impl FnMut(&str) -> bool) -> Option<usize> {
    let found = secrets.iter().position(|secret| fits(secret));
    if found.is_none() {
        for _ in secrets.len()..ROUNDS {
            // Only its time counts: this key is no secret.
            black_box(fits("no secret"));
        }
    }
    found
}

/// The hash that a signature is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Sha256,
    Sha384,
    Sha512,
}

impl Method {
    /// The method and the digest of a header `sha256=<hex>`, if it holds a digest that is trusted.
    pub(super) fn read(header: &str) -> Option<(Self, Vec<u8>)> {
        let (name, hex) = header.split_once('=')?;
        let method = match name {
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return None,
        };
        let digest = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?;
        (digest.len() == method.bytes()).then_some((method, digest))
    }

    /// How traces name the check.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => HMAC_SHA256,
            Self::Sha384 => "HMAC-SHA384",
            Self::Sha512 => "HMAC-SHA512",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn fits(self, secret: &str, message: &[u8], given: &[u8]) -> bool {
        match self {
            Self::Sha256 => fits::<Hmac<Sha256>>(secret, message, given),
            Self::Sha384 => fits::<Hmac<Sha384>>(secret, message, given),
            Self::Sha512 => fits::<Hmac<Sha512>>(secret, message, given),
        }
    }
}

/// Whether a header holds a signature by a hash that is not trusted any more.
pub(super) fn is_weak(header: &str) -> bool {
    header.split_once('=').is_some_and(|(name, _)| matches!(name, "sha1" | "md5"))
}

fn fits<M: Mac + KeyInit>(secret: &str, message: &[u8], given: &[u8]) -> bool {
    keyed::<M>(secret, message).is_some_and(|mac| mac.verify_slice(given).is_ok())
}

/// `None` never comes: HMAC takes keys of any length.
fn keyed<M: Mac + KeyInit>(secret: &str, message: &[u8]) -> Option<M> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).ok()?;
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

    #[test]
    fn an_unknown_hook_costs_as_many_digests_as_a_wrong_signature() {
        let digests = |secrets: &[&str]| {
            let mut made = 0;
            let found = search(secrets, |secret| {
                made += 1;
                signer(&digest("forged", b"body"), b"body", &[secret]).is_some()
            });
            assert_eq!(found, None);
            made
        };
        let unknown_hook = digests(&[]);
        assert_eq!(unknown_hook, ROUNDS);
        assert_eq!(digests(&["one"]), unknown_hook);
        assert_eq!(digests(&["new", "old"]), unknown_hook);
        assert_eq!(digests(&["new", "old", "older"]), unknown_hook, "as many as are ever valid at once");
    }

    /// The example of RFC 4231, section 4.3.
    #[test]
    fn the_digest_is_hmac_sha256() {
        let hex = data_encoding::HEXLOWER.encode(&digest("Jefe", b"what do ya want for nothing?"));
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_header_names_the_method_and_only_sha_2_is_taken() {
        let header = |name: &str, bytes: usize| format!("{name}={}", "0a".repeat(bytes));
        let read = |header: String| Method::read(&header).map(|(method, _)| method.name());
        assert_eq!(read(header("sha256", 32)), Some("HMAC-SHA256"));
        assert_eq!(read(header("sha384", 48)), Some("HMAC-SHA384"));
        assert_eq!(read(header("sha512", 64)), Some("HMAC-SHA512"));
        for wrong in
            [header("sha1", 20), header("md5", 16), header("sha512", 32), header("", 32), "0a".repeat(32)]
        {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
        assert!(is_weak("sha1=00") && is_weak("md5=00") && !is_weak("sha256=00") && !is_weak("sha1"));
    }

    /// RFC 4231, section 4.3, again.
    #[test]
    fn longer_digests_are_of_the_same_message() {
        let hex = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
                   caeab1a34d4a6b4b636e070a38bce737";
        let (method, digest) = Method::read(&format!("sha512={hex}")).unwrap();
        let message = b"what do ya want for nothing?";
        assert_eq!(signer_by(method, &digest, message, &["x", "Jefe"]), Some(1));
        assert_eq!(signer_by(method, &digest, b"nothing", &["Jefe"]), None);
    }
}
