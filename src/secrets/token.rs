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

/// The name of the token that comes from `CONDUIT_ADMIN_TOKEN` or from the first start; nobody else's token gets it,
/// because a start that brings another one revokes whatever bears it.
pub const FIRST_ADMIN: &str = "first-admin";

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

    /// Whether it is an administrator's and does not end by itself.
    pub fn is_lasting_admin(&self) -> bool {
        self.role == Role::Admin && self.revoked_at.is_none() && self.expires_at.is_none()
    }
}

/// Why tokens were not revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRevoked {
    /// None of this name is left to revoke.
    NotFound,
    /// Nobody would be left who may make tokens, and goes on to.
    LastAdmin,
}

/// The tokens of this name as they are once they are revoked `at` that time: all of them, because two administrators
/// may have made one at the same moment.
///
/// An administrator's goes only while another one lasts. To ask twice does no harm.
pub fn revoked(tokens: &[Token], name: &str, at: Timestamp) -> Result<Vec<Token>, NotRevoked> {
    let (named, others): (Vec<_>, Vec<_>) = tokens.iter().partition(|token| token.name == name);
    let asked_twice = named.iter().any(|token| token.revoked_at == Some(at));
    let leaving: Vec<_> = named.into_iter().filter(|token| token.revoked_at.is_none()).collect();
    if leaving.is_empty() && !asked_twice {
        return Err(NotRevoked::NotFound);
    }
    // Whatever happens to others' tokens, it takes nobody's right to make new ones.
    let admin_leaves = leaving.iter().any(|token| token.role == Role::Admin);
    if admin_leaves && !others.into_iter().any(Token::is_lasting_admin) {
        return Err(NotRevoked::LastAdmin);
    }
    Ok(leaving.into_iter().map(|token| Token { revoked_at: Some(at), ..token.clone() }).collect())
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
        let [first, second] = ["first", "second"].map(|name| token(name, Role::Admin));
        let all = [first.clone(), second.clone(), token("otto", Role::Operator)];
        let gone = revoked(&all, "first", now).unwrap();
        assert_eq!(gone, [Token { revoked_at: Some(now), ..first.clone() }]);
        let left = [gone[0].clone(), second.clone()];
        assert_eq!(revoked(&left, "second", now), Err(NotRevoked::LastAdmin));
        let later = now + std::time::Duration::from_hours(1);
        assert_eq!(revoked(&left, "first", now), Ok(Vec::new()), "the same request, asked twice");
        assert_eq!(revoked(&left, "first", later), Err(NotRevoked::NotFound));

        let ends = Token { expires_at: Some(later), ..second };
        let alone = [first, ends];
        assert_eq!(revoked(&alone, "first", now), Err(NotRevoked::LastAdmin), "one that ends is not enough");
        assert!(revoked(&alone, "second", now).is_ok(), "and goes before it ends");
    }

    #[test]
    fn a_name_is_safe_in_a_path_and_a_role_is_read_as_it_is_written() {
        assert!(is_name("ci.shop-1") && !is_name("") && !is_name("a/b") && !is_name("..") && !is_name("é"));
        assert_eq!("operator".parse(), Ok(Role::Operator));
        assert!("root".parse::<Role>().is_err());
    }
}
