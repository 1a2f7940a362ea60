//! What the check found, and how it is told.

use std::collections::BTreeSet;
use std::fmt;

/// Something said that the description does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) scenario: &'static str,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Which part of the exchange, such as `request body`.
    pub(crate) part: &'static str,
    /// Where in that part: a JSON pointer, or empty for all of it.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { String::new() } else { format!(" {}", self.pointer) };
        write!(
            formatter,
            "{}: {} {}: {}{place}: {}",
            self.scenario, self.method, self.path, self.part, self.message
        )
    }
}

/// The whole result.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) checked: usize,
    /// Exchanges without an answer, or with a 5xx: faults that a scenario injected.
    pub(crate) skipped: usize,
    /// The operations that were used, such as `GET /rest/api/3/myself`.
    pub(crate) operations: BTreeSet<String>,
    /// What was asked and no document describes.
    pub(crate) undescribed: BTreeSet<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(formatter, "{finding}")?;
        }
        for path in &self.undescribed {
            writeln!(formatter, "not described: {path}")?;
        }
        writeln!(
            formatter,
            "{} exchanges checked over {} operations, {} skipped (injected faults), {} findings",
            self.checked,
            self.operations.len(),
            self.skipped,
            self.findings.len()
        )
    }
}
