//! What Redis answers when it cannot, in the store's words.

use std::fmt::Display;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::StoreError;

/// Codes of a server that is there and takes nothing now.
const REFUSALS: &[(&str, &str)] = &[
    ("OOM", "Redis is at its maxmemory: give it more, or let the workers drain the queue"),
    ("MISCONF", "Redis cannot write its files and takes no writes: look at its log and its disk"),
    ("NOREPLICAS", "Redis has fewer replicas at hand than a write must have"),
    ("BUSY", "Redis is busy with a script of somebody else"),
    ("CLUSTERDOWN", "the Redis cluster is down, or the node that has this part of it"),
    ("ASK", "this part of the Redis cluster is being moved to another node"),
    ("TRYAGAIN", "this part of the Redis cluster is being moved to another node"),
    ("MOVED", "this part of the Redis cluster has just moved to another node"),
    ("NOAUTH", LOGIN[0]),
    ("WRONGPASS", LOGIN[1]),
];

/// What a refused login is called, see [`refuses_login`].
const LOGIN: &[&str] = &[
    "Redis asks for a password, and the address names none",
    "Redis refuses the user name or password of its address",
];

/// Whether Redis is there and refuses the login of its address: an outage like any other while a process runs, and a wrong
/// setting at its start.
pub fn refuses_login(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if LOGIN.contains(&why.as_str()))
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedReturnType | ErrorKind::Parse => damaged(&error),
            _ if code(&error).as_deref() == Some("WRONGTYPE") => damaged(&error),
            _ => Self::Unavailable(sentence(&error)),
        }
    }
}

/// The server's code, of a pipeline's first refusal too.
pub(super) fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}

fn damaged(error: &RedisError) -> StoreError {
    StoreError::Damaged { what: "a key of Conduit".into(), why: error.to_string() }
}

/// What happened and what to do, for a person. Never the address: it may hold a password.
fn sentence(error: &RedisError) -> String {
    let code = code(error);
    let known = code.and_then(|code| REFUSALS.iter().find(|(name, _)| *name == code));
    if let Some((_, meaning)) = known {
        return (*meaning).to_owned();
    }
    match error.kind() {
        _ if error.is_timeout() => "Redis did not answer in time".into(),
        _ if error.is_connection_refusal() => "nobody answers at Redis' address".into(),
        ErrorKind::AuthenticationFailed => LOGIN[1].into(),
        ErrorKind::Server(ServerErrorKind::BusyLoading) => "Redis is still loading its data".into(),
        ErrorKind::Server(ServerErrorKind::MasterDown) => {
            "this Redis is a replica whose primary is down".into()
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => {
            "this Redis is a read-only replica: the address must name the primary".into()
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            format!("Redis' access list forbids it: {}", error.detail().unwrap_or_default())
        }
        _ => format!("Redis: {error}"),
    }
}

/// A stored value that cannot be read.
pub(super) fn unreadable(what: impl Into<String>, why: impl Display) -> StoreError {
    StoreError::Damaged { what: what.into(), why: format!("{why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: &str) -> StoreError {
        redis::make_extension_error(code.into(), Some("said the server".into())).into()
    }

    #[test]
    fn a_server_that_takes_nothing_now_is_unavailable_and_says_what_to_do() {
        let StoreError::Unavailable(full) = answered("OOM") else { panic!("not unavailable") };
        assert!(full.contains("maxmemory"), "{full}");
        assert!(matches!(answered("SOMETHING"), StoreError::Unavailable(_)));
    }

    #[test]
    fn a_key_of_another_type_is_damage() {
        assert!(matches!(answered("WRONGTYPE"), StoreError::Damaged { .. }));
    }
}
