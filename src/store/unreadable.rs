//! What is stored and cannot be used: a newer version wrote it, or it is damaged.

use serde::Deserialize;

use super::codec;
use crate::event::{Event, SCHEMA};

/// Why this version cannot use what is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is left to the version that wrote it.
    #[error("a newer Conduit wrote it (event schema {found}; this one reads up to {SCHEMA})")]
    Newer {
        /// The schema it was written in.
        found: u16,
    },
    /// No version can: what is wrong with it.
    #[error("{0}")]
    Damaged(String),
}

/// Reads a stored event: JSON, compressed when that was worth it.
pub(super) fn read_event(stored: &[u8]) -> Result<Event, Unreadable> {
    #[derive(Deserialize)]
    struct Written {
        schema: u16,
    }
    let damaged = |why: &dyn ToString| Unreadable::Damaged(why.to_string());
    let json = codec::unpack(stored).map_err(|error| damaged(&error))?;
    let Written { schema } = serde_json::from_slice(&json).map_err(|error| damaged(&error))?;
    if schema > SCHEMA {
        return Err(Unreadable::Newer { found: schema });
    }
    serde_json::from_slice(&json).map_err(|error| damaged(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::compress;

    #[test]
    fn an_event_is_read_packed_or_not() {
        let json = br#"{"schema":1,"provider":"github","kind":"ping"}"#;
        assert_eq!(read_event(json).unwrap().kind, "ping");
        assert_eq!(read_event(&compress(json).unwrap()).unwrap().kind, "ping");
    }

    #[test]
    fn a_newer_event_is_told_from_a_damaged_one() {
        let newer = format!(r#"{{"schema":{},"shape":"unheard of"}}"#, SCHEMA + 1);
        assert_eq!(read_event(newer.as_bytes()), Err(Unreadable::Newer { found: SCHEMA + 1 }));
        for damaged in [&b""[..], b"{", b"{\"schema\":1}", &[0x28, 0xb5, 0x2f, 0xfd, 1]] {
            assert!(matches!(read_event(damaged), Err(Unreadable::Damaged(_))), "{damaged:?}");
        }
    }
}
