//! Where things stand: partitions and the names of keys.

use redis::ToRedisArgs;
use sha2::{Digest, Sha256};

use super::cluster;
use crate::store::{EventId, JobId, Lease};

/// How many partitions events and jobs are spread over on a cluster; one server needs one. Chosen when the store
/// is created, and fixed from then on: the homes of events and tickets depend on it.
pub(super) const ON_A_CLUSTER: u16 = 16;
/// The most that a store may have been created with.
pub(super) const MOST: u16 = 1024;

/// The part of every key that decides on its slot, and so on the server it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Home {
    /// An inbox partition: events, their content and indexes.
    Events(u16),
    /// A job partition: tickets, their queues and leases.
    Jobs(u16),
    /// What is there once: hooks, tokens, settings.
    Config,
}

impl Home {
    /// The full name of a key in this partition.
    pub(super) fn key(self, name: &str) -> String {
        match self {
            Self::Events(k) => format!("conduit:{{i:{k}}}:{name}"),
            Self::Jobs(m) => format!("conduit:{{j:{m}}}:{name}"),
            Self::Config => format!("conduit:{{cfg}}:{name}"),
        }
    }

    /// Its number among the partitions of its kind.
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Events(number) | Self::Jobs(number) => number,
            Self::Config => 0,
        }
    }

    /// Its slot in a cluster.
    pub(super) fn slot(self) -> u16 {
        cluster::slot(&self.prefix())
    }

    /// What stands before every key of this partition: scripts build their keys from it.
    pub(super) fn prefix(self) -> String {
        self.key("")
    }
}

/// How many partitions there are, and which one is whose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// How many of each.
    pub(super) partitions: u16,
}

impl Layout {
    /// An event's partition: its repository's.
    pub(super) fn of_event(self, id: &EventId) -> Home {
        Home::Events(id.home().checked_rem(self.partitions).unwrap_or(0))
    }

    /// A ticket's partition, by its site's configured name.
    pub(super) fn of_ticket(self, site: &str, key: &str) -> Home {
        let digest = Sha256::digest(format!("{site}\n{key}"));
        let hash = digest.first_chunk().copied().map_or(0, u16::from_be_bytes);
        Home::Jobs(hash.checked_rem(self.partitions).unwrap_or(0))
    }

    /// The partition of a leased ticket.
    pub(super) fn of_lease(self, lease: &Lease) -> Home {
        self.of_ticket(&lease.site, &lease.job.key)
    }

    /// All inbox partitions.
    pub(super) fn events(self) -> impl Iterator<Item = Home> {
        (0..self.partitions).map(Home::Events)
    }

    /// All job partitions.
    pub(super) fn jobs(self) -> impl Iterator<Item = Home> {
        (0..self.partitions).map(Home::Jobs)
    }
}

/// The name of a ticket within its partition. A key has no slash, so two tickets never share one.
pub(super) fn ticket(site: &str, key: &str) -> String {
    format!("{site}/{key}")
}

/// The short name under which an occurrence or a merge is kept: it may be long, and holds a stranger's text. 80 bits
/// are enough where only whoever may sign deliveries could look for two of the same.
pub(in crate::store) fn short(text: &str) -> String {
    let digest = Sha256::digest(text);
    data_encoding::BASE32_NOPAD.encode(digest.get(..10).unwrap_or_default()).to_ascii_lowercase()
}

impl ToRedisArgs for EventId {
    fn write_redis_args<W: ?Sized + redis::RedisWrite>(&self, out: &mut W) {
        out.write_arg(self.as_str().as_bytes());
    }
}

impl ToRedisArgs for JobId {
    fn write_redis_args<W: ?Sized + redis::RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(self);
    }
}

impl redis::ToSingleRedisArg for EventId {}
impl redis::ToSingleRedisArg for JobId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_carries_the_tag_of_its_partition() {
        assert_eq!(Home::Events(3).key("in"), "conduit:{i:3}:in");
        assert_eq!(Home::Jobs(0).prefix(), "conduit:{j:0}:");
        assert_eq!(Home::Config.key("tokens"), "conduit:{cfg}:tokens");
    }

    #[test]
    fn an_event_and_a_ticket_have_one_home_within_the_partitions() {
        let layout = Layout { partitions: 16 };
        let id = EventId::new("github/shop", "4711", "d-1");
        assert_eq!(layout.of_event(&id), layout.of_event(&EventId::new("github/acme", "4711", "d-9")));
        let homes: std::collections::BTreeSet<_> =
            (0..200).map(|n| layout.of_ticket("main", &format!("SHOP-{n}"))).collect();
        assert_eq!(homes, layout.jobs().collect());
        assert_ne!(short("a"), short("b"));
    }
}
