//! The two families of Jira, and what differs between them on the wire.

/// Which Jira is being simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Atlassian's hosted Jira: `/rest/api/3` with ADF documents, and `/rest/api/2` with strings; people are account ids.
    Cloud,
    /// Jira Data Center: `/rest/api/2` alone, wiki text, people are user names.
    DataCenter,
}

/// The version of the REST API a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    V2,
    V3,
}

impl Api {
    /// The path segment after `/rest/api/`, where this dialect serves it.
    pub(crate) fn from_segment(segment: &str, dialect: Dialect) -> Option<Self> {
        match (segment, dialect) {
            ("3", Dialect::Cloud) => Some(Self::V3),
            ("2", _) => Some(Self::V2),
            _ => None,
        }
    }

    /// The number as it stands in `self` links.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}
