//! Bearer tokens that client credentials bought, each with the moment it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The tokens a site has given out.
#[derive(Debug)]
pub(crate) struct Tokens {
    lifetime: Duration,
    given: BTreeMap<String, Given>,
}

#[derive(Debug)]
struct Given {
    account: String,
    ends: Timestamp,
}

impl Default for Tokens {
    /// Atlassian's tokens live for an hour.
    fn default() -> Self {
        Self { lifetime: Duration::from_hours(1), given: BTreeMap::new() }
    }
}

impl Tokens {
    pub(crate) fn live_for(&mut self, lifetime: Duration) {
        self.lifetime = lifetime;
    }

    /// A new token for an account, with its lifetime in seconds.
    pub(crate) fn give(&mut self, account: &str, now: Timestamp) -> (String, u64) {
        let token = format!("bought-{}-{account}", self.given.len() + 1);
        let lifetime = SignedDuration::try_from(self.lifetime).unwrap_or(SignedDuration::MAX);
        let ends = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        self.given.insert(token.clone(), Given { account: account.into(), ends });
        (token, self.lifetime.as_secs())
    }

    /// The account a token stands for, while it lives.
    pub(crate) fn holder(&self, token: &str, now: Timestamp) -> Option<&str> {
        let given = self.given.get(token).filter(|given| now < given.ends)?;
        Some(&given.account)
    }

    /// Ends every token that was given out. The names stay taken.
    pub(crate) fn expire(&mut self) {
        for given in self.given.values_mut() {
            given.ends = Timestamp::MIN;
        }
    }
}
