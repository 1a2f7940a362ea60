//! Tokens of the people and scripts that ask the API.
//!
//! A token is 32 random bytes in hex, so a plain SHA-256 of it is safe to store; hashes are compared in
//! constant time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Secret;

/// What a token's bearer may do. Ordered: a role may all that the lesser ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read events, tickets and the queue.
    Viewer,
    /// Replay, pause and resume as well.
    Operator,
    /// Register hooks and make tokens as well.
    Admin,
}

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// A name for people and for the audit log: `first-admin`.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// SHA-256 of the token, in hex.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being valid.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked. A revoked token is kept, so that it can never come back.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// The stored form of `token`.
    pub fn new(name: &str, role: Role, token: &Secret, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            role,
            hash: hash(token.expose()),
            created_at: now,
            expires_at: None,
            revoked_at: None,
        }
    }

    /// Whether it is good for anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The valid token among `tokens` that `presented` is, comparing with every one of them.
pub fn find<'a>(tokens: &'a [Token], presented: &str, now: Timestamp) -> Option<&'a Token> {
    let presented = hash(presented);
    tokens.iter().fold(None, |found, token| {
        let same: bool = token.hash.as_bytes().ct_eq(presented.as_bytes()).into();
        if same && token.is_valid(now) { Some(token) } else { found }
    })
}

fn hash(token: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_or_expired_token_opens_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        let (a, b) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        let mut tokens = [Token::new("a", Role::Admin, &a, now), Token::new("b", Role::Viewer, &b, now)];
        assert_eq!(find(&tokens, a.expose(), now).unwrap().name, "a");
        assert_eq!(find(&tokens, "guess", now), None);
        tokens[0].revoked_at = Some(now);
        assert_eq!(find(&tokens, a.expose(), now), None);
        tokens[1].expires_at = Some(now);
        assert_eq!(find(&tokens, b.expose(), now), None);
        assert!(Role::Admin > Role::Viewer);
    }
}
