//! Tokens of the people and scripts that ask the API.
//!
//! A token is 32 random bytes in hex, so a plain SHA-256 of it is safe to store; hashes are compared in
//! constant time.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Secret;

/// What a token's bearer may do. Ordered: a role may all that the lesser ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read events, tickets and the queue.
    Viewer,
    /// Replay, pause and resume as well.
    Operator,
    /// Register hooks and make tokens as well.
    Admin,
}

impl Role {
    /// As it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Viewer, Self::Operator, Self::Admin];
        known.into_iter().find(|role| role.as_str() == text).ok_or("must be viewer, operator or admin")
    }
}

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// A name for people and for the audit log: `first-admin`.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// The repositories whose events its bearer sees (`acme/shop`, `acme/*`); empty: all. An admin's is always empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<String>,
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
            repos: Vec::new(),
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

/// Whether, without `leaving`, there is still an administrator whose token does not end by itself.
pub fn leaves_an_admin(tokens: &[Token], leaving: &[&Token], now: Timestamp) -> bool {
    // Whatever happens to others' tokens, it takes nobody's right to make new ones.
    if leaving.iter().all(|token| token.role != Role::Admin) {
        return true;
    }
    let lasts =
        |token: &&Token| token.role == Role::Admin && token.expires_at.is_none() && token.is_valid(now);
    tokens.iter().filter(lasts).any(|token| leaving.iter().all(|gone| gone.hash != token.hash))
}

/// Whether this can be a token's name.
pub fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed) && !matches!(name, "." | "..")
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

    #[test]
    fn the_last_administrator_whose_token_does_not_end_stays() {
        let now = Timestamp::UNIX_EPOCH;
        let token = |name, role| Token::new(name, role, &Secret::generate().unwrap(), now);
        let (first, mut second) = (token("first", Role::Admin), token("second", Role::Admin));
        let both = [first.clone(), second.clone(), token("otto", Role::Operator)];
        assert!(leaves_an_admin(&both, &[&first], now));
        assert!(!leaves_an_admin(&both, &[&first, &second], now));
        second.expires_at = Some(now + std::time::Duration::from_hours(1));
        assert!(!leaves_an_admin(&[first.clone(), second], &[&first], now), "one that ends is not enough");
    }

    #[test]
    fn a_name_is_safe_in_a_path_and_a_role_is_read_as_it_is_written() {
        assert!(is_name("ci.shop-1") && !is_name("") && !is_name("a/b") && !is_name("..") && !is_name("é"));
        assert_eq!("operator".parse(), Ok(Role::Operator));
        assert!("root".parse::<Role>().is_err());
    }
}
