//! The names of events and of jobs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The id of an event: a hash of its hook and delivery id, so that a redelivery finds the first.
///
/// 26 characters of lower-case base32 (RFC 4648 alphabet without padding). The first 16 bits come from
/// the repository alone: they choose the inbox partition, so that an organisation's hook and a
/// repository's hook, which report the same change, meet in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[A-Za-z2-7]{26}$"))]
pub struct EventId(String);

impl EventId {
    /// The length of every id.
    pub const LEN: usize = 26;

    /// The id of the delivery `delivery_id` on `hook` (`github/acme-shop`).
    ///
    /// `repository` is the forge's own id of the repository, or the hook's name when the payload names none.
    pub fn new(hook: &str, repository: &str, delivery_id: &str) -> Self {
        let provider = hook.split('/').next().unwrap_or_default();
        let home = Sha256::digest(format!("{provider}\n{repository}"));
        let own = Sha256::digest(format!("{hook}\n{delivery_id}"));
        let bytes: Vec<u8> = home.iter().take(2).chain(own.iter().take(14)).copied().collect();
        Self(data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
    }

    /// Reads an id that somebody typed; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let good = text.len() == Self::LEN && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        good.then_some(Self(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Sixteen bits that are the same for all events of one repository.
    pub fn home(&self) -> u16 {
        let bytes = data_encoding::BASE32_NOPAD.decode(self.0.to_ascii_uppercase().as_bytes());
        bytes.ok().and_then(|b| b.first_chunk().copied()).map_or(0, u16::from_be_bytes)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a job: one ticket of one event in one generation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId {
    /// The event.
    pub event: EventId,
    /// The issue key as the event wrote it.
    pub key: String,
    /// 1, and one more for each replay.
    pub generation: u32,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.event, self.key, self.generation)
    }
}

impl JobId {
    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (event, rest) = text.split_once(':')?;
        let (key, generation) = rest.rsplit_once(':')?;
        let generation = generation.parse().ok()?;
        Some(Self { event: EventId::parse(event)?, key: key.to_owned(), generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hooks_of_one_repository_share_a_home_and_nothing_else() {
        let repo_hook = EventId::new("github/shop", "4711", "d-1");
        let org_hook = EventId::new("github/acme", "4711", "d-2");
        assert_ne!(repo_hook, org_hook);
        assert_eq!(repo_hook.home(), org_hook.home());
        assert_eq!(repo_hook, EventId::new("github/shop", "4711", "d-1"));
        assert_ne!(repo_hook.home(), EventId::new("gitlab/shop", "4711", "d-1").home());
        assert_eq!(repo_hook.as_str().len(), EventId::LEN);
    }

    #[test]
    fn the_home_is_the_first_sixteen_bits_of_the_repositorys_hash() {
        let id = EventId::new("github/shop", "4711", "d-1");
        let digest = Sha256::digest("github\n4711");
        assert_eq!(id.home(), u16::from_be_bytes([digest[0], digest[1]]));
    }

    #[test]
    fn ids_are_read_back_and_nonsense_is_not_an_id() {
        let id = EventId::new("github/shop", "4711", "d-1");
        assert_eq!(EventId::parse(&id.as_str().to_uppercase()), Some(id.clone()));
        assert_eq!(EventId::parse("SHOP-42"), None);
        let job = JobId { event: id, key: "DEV-OPS-3".into(), generation: 2 };
        assert_eq!(JobId::parse(&job.to_string()), Some(job));
    }
}
