//! Who the master is, as the Sentinels know it.

use redis::{ErrorKind, RedisError};

use super::node::{Call, Node};

/// Asks one Sentinel for the address of a master.
pub(super) async fn ask(sentinel: &Node, master: &str) -> Result<(String, u16), RedisError> {
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer: Option<(String, u16)> = sentinel.run(Call::Command(&question)).await?;
    answer
        .ok_or_else(|| (ErrorKind::MasterNameNotFoundBySentinel, "the Sentinels know no such master").into())
}

/// Whether a server takes itself for a master: a Sentinel may name one that is not yet, or no longer.
pub(super) async fn is_master(node: &Node) -> Result<bool, RedisError> {
    let role: Vec<redis::Value> = node.run(Call::Command(&redis::cmd("ROLE"))).await?;
    Ok(role
        .first()
        .is_some_and(|role| redis::from_redis_value_ref::<String>(role).is_ok_and(|role| role == "master")))
}
