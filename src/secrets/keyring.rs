//! Sealing secrets for the store.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce; what a secret belongs to (its hook's name) is
//! authenticated beside it, so that a sealed secret copied to another hook does not open.
//! Sealed text reads `v1.<key id>.<base64 of nonce and ciphertext>`, so that several master keys can be
//! in use while they are rotated.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Secret;

const NONCE: usize = 24;

/// A master key of 32 bytes.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// A master key that cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not base64, or not 32 bytes.
    #[error("must be 32 bytes in base64 (make one with: openssl rand -base64 32)")]
    Malformed,
    /// The operating system has no randomness to give.
    #[error("the operating system gave no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// A sealed secret that cannot be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] KeyError),
}

/// A sealed secret that does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Sealed under a master key that is not at hand.
    #[error("it was sealed with master key {0}, which is not in CONDUIT_SECRET_KEY")]
    OtherKey(String),
    /// Not what was sealed, or sealed for something else.
    #[error("it is damaged, or was sealed for something else")]
    Damaged,
}

impl MasterKey {
    /// Reads a key as it stands in `CONDUIT_SECRET_KEY`.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim().as_bytes()).map_err(|_| KeyError::Malformed)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyError::Malformed)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// A new random key.
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        getrandom::fill(key.as_mut())?;
        Ok(Self(key))
    }

    /// The key as it stands in a file or a variable.
    pub fn to_base64(&self) -> Secret {
        Secret::new(BASE64.encode(self.0.as_ref()))
    }

    /// A short name that tells keys apart and says nothing about them.
    fn id(&self) -> String {
        let digest =
            Sha256::new().chain_update(b"conduit master key").chain_update(self.0.as_ref()).finalize();
        HEXLOWER.encode(digest.get(..4).unwrap_or_default())
    }
}

/// The master keys in use: new secrets are sealed with the first.
pub struct Keyring {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl Keyring {
    /// A keyring that seals with `current` and still opens what `older` keys sealed.
    pub fn new(current: &MasterKey, older: &[MasterKey]) -> Self {
        let entry = |key: &MasterKey| (key.id(), XChaCha20Poly1305::new((&*key.0).into()));
        Self { keys: std::iter::once(current).chain(older).map(entry).collect() }
    }

    /// Reads the keys as they stand in `CONDUIT_SECRET_KEY`: one, or several apart by commas or white space. The first
    /// seals, the others only open.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let keys = words.map(MasterKey::from_base64).collect::<Result<Vec<_>, _>>()?;
        let (current, older) = keys.split_first().ok_or(KeyError::Malformed)?;
        Ok(Self::new(current, older))
    }

    /// A short name of the key that seals, which says nothing about it.
    pub fn current(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// Whether the key that seals now has sealed this.
    pub fn is_current(&self, sealed: &str) -> bool {
        sealed.split('.').nth(1) == Some(self.current())
    }

    /// Seals anew what an older key sealed for `owner`; `None`: it is under the current one already.
    pub fn reseal(&self, sealed: &str, owner: &str) -> Result<Option<String>, ResealError> {
        let secret = self.open(sealed, owner)?;
        if self.is_current(sealed) { Ok(None) } else { Ok(Some(self.seal(&secret, owner)?)) }
    }

    /// Seals `secret` for `owner`.
    pub fn seal(&self, secret: &Secret, owner: &str) -> Result<String, KeyError> {
        let (id, cipher) = self.keys.first().ok_or(KeyError::Malformed)?;
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce)?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: owner.as_bytes() };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Malformed)?;
        Ok(format!("v1.{id}.{}", BASE64URL_NOPAD.encode(&[nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what was sealed for `owner`.
    pub fn open(&self, sealed: &str, owner: &str) -> Result<Secret, OpenError> {
        let mut parts = sealed.splitn(3, '.');
        let (Some("v1"), Some(id), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(OpenError::Damaged);
        };
        let (_, cipher) = self
            .keys
            .iter()
            .find(|(known, _)| known == id)
            .ok_or_else(|| OpenError::OtherKey(id.to_owned()))?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| OpenError::Damaged)?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE>().ok_or(OpenError::Damaged)?;
        let payload = Payload { msg, aad: owner.as_bytes() };
        let plain =
            Zeroizing::new(cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError::Damaged)?);
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| OpenError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone() {
        let key = MasterKey::generate().unwrap();
        let ring = Keyring::new(&key, &[]);
        let sealed = ring.seal(&Secret::new("s3cret"), "github/shop").unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_eq!(ring.open(&sealed, "github/shop").unwrap().expose(), "s3cret");
        assert!(matches!(ring.open(&sealed, "github/evil"), Err(OpenError::Damaged)));
        let cut = sealed.get(..sealed.len() - 2).unwrap();
        assert!(matches!(ring.open(cut, "github/shop"), Err(OpenError::Damaged)));
        assert_ne!(sealed, ring.seal(&Secret::new("s3cret"), "github/shop").unwrap(), "nonces differ");
    }

    #[test]
    fn an_older_key_opens_what_it_sealed_and_a_foreign_one_is_named() {
        let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let sealed = Keyring::new(&old, &[]).seal(&Secret::new("x"), "a").unwrap();
        let both = Keyring::new(&new, std::slice::from_ref(&old));
        assert_eq!(both.open(&sealed, "a").unwrap().expose(), "x");
        let error = Keyring::new(&new, &[]).open(&sealed, "a").unwrap_err();
        assert!(error.to_string().contains(&old.id()), "{error}");
    }

    #[test]
    fn of_several_keys_the_first_seals_and_the_others_only_open() {
        let keys = [(); 2].map(|()| MasterKey::generate().unwrap());
        let [old, new] = keys.each_ref().map(|key| key.to_base64().expose().to_owned());
        let before = Keyring::from_text(&old).unwrap().seal(&Secret::new("x"), "a").unwrap();
        for text in [format!("{new},{old}"), format!("{new}\n{old}\n"), format!("  {new} , {old}")] {
            let ring = Keyring::from_text(&text).unwrap();
            assert_eq!(ring.current(), keys[1].id());
            let after = ring.reseal(&before, "a").unwrap().expect("it was under the old key");
            assert_eq!(Keyring::from_text(&new).unwrap().open(&after, "a").unwrap().expose(), "x");
            assert_eq!(ring.reseal(&after, "a").unwrap(), None);
            assert!(ring.reseal(&before, "b").is_err());
        }
        assert!(Keyring::from_text(" , ").is_err());
        assert!(Keyring::from_text(&format!("{new},short")).is_err());
    }

    #[test]
    fn a_key_is_read_back_and_a_short_one_is_refused() {
        let key = MasterKey::generate().unwrap();
        assert_eq!(MasterKey::from_base64(key.to_base64().expose()).unwrap().id(), key.id());
        assert!(MasterKey::from_base64("c2hvcnQ=").is_err());
    }
}
