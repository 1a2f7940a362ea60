//! Who serves what in a cluster.
//!
//! Redirections are not followed blindly, as a client library would: while a slot is being moved, half of a
//! partition's keys are on one node and half on the other, and a script on either would see half a partition. The name
//! that a script is called by (`conduit:{i:3}:`) is never a key, so the server answers ASK from the first moment of a
//! move to its last. Such a partition is unavailable until it has arrived as a whole.

use redis::{RedisError, Value};

use super::node::{Call, Node};

/// How many slots a cluster has.
const SLOTS: u16 = 16384;

/// Slots that follow each other, and the master that serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    /// The first slot.
    pub(super) first: u16,
    /// The last slot.
    pub(super) last: u16,
    /// The master.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
}

/// Asks a node who serves what.
pub(super) async fn ask(node: &Node) -> Result<Vec<Range>, RedisError> {
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("SLOTS");
    let answer: Vec<Vec<Value>> = node.run(Call::Command(&slots)).await?;
    Ok(answer.iter().filter_map(|entry| read(entry, node)).collect())
}

/// Whether a server said that it is none of a cluster.
pub(super) fn is_no_cluster(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("cluster support disabled"))
}

/// Reads one entry: first and last slot, the master, its replicas. A node that does not know its own name answers
/// none: then it is the one that was asked.
fn read(entry: &[Value], asked: &Node) -> Option<Range> {
    let [first, last, Value::Array(master), ..] = entry else { return None };
    let number = |value: &Value| redis::from_redis_value_ref::<u16>(value).ok();
    let (first, last, port) = (number(first)?, number(last)?, number(master.get(1)?)?);
    let host = redis::from_redis_value_ref::<Option<String>>(master.first()?).ok()?;
    let host = match host.filter(|host| !host.is_empty() && host != "?") {
        Some(host) => host,
        None => super::address::host(asked.info())?,
    };
    Some(Range { first, last, host, port })
}

/// The slot of a key: of the part in braces.
pub(super) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, which the cluster's specification names.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_that_of_the_tag() {
        // As CLUSTER KEYSLOT answers.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot("somekey"), 11058);
        assert_eq!(slot("foo{hash_tag}"), 2515);
        assert_eq!(slot("conduit:{i:3}:in"), slot("i:3"));
        assert_eq!(slot("{}x"), crc16(b"{}x") % SLOTS);
    }
}
