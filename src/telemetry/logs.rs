//! Log lines on stderr, as text or as JSON.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::printable::printable;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not in the syntax of `tracing`.
    #[error("log filter `{filter}` is not understood: {why} (try: info, or info,conduit::worker=debug)")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody else has begun already.
    #[error("logging is already set up in this process")]
    Twice,
}

/// Begins logging to stderr.
pub fn init_logs(filter: &str, format: LogFormat) -> Result<(), LogError> {
    // The server tells of each of its threads; who wants to know names `actix_server` in the filter.
    let env_filter = EnvFilter::try_new(format!("actix_server=warn,{filter}"))
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), why: error.to_string() })?;
    let builder = tracing_subscriber::fmt().with_env_filter(env_filter).with_ansi(false);
    let begun = match format {
        LogFormat::Text => builder.with_writer(OneLine).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_writer(io::stderr).try_init(),
    };
    begun.map_err(|_| LogError::Twice)
}

/// Writes to stderr, and sees to it that one event is one line without control characters, whatever texts
/// of other people stand in it. (JSON needs no such help: its strings are escaped.)
#[derive(Debug, Clone, Copy)]
struct OneLine;

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        *self
    }
}

impl Write for OneLine {
    /// `tracing_subscriber` hands over a whole event at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(one_line(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn one_line(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    format!("{}\n", printable(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_name_cannot_forge_a_log_line() {
        assert_eq!(one_line(b"INFO all is well\n"), "INFO all is well\n");
        assert_eq!(
            one_line(b"INFO branch x\n2026 ERROR \x1b[31mfake\n"),
            "INFO branch x\\n2026 ERROR \\u{1b}[31mfake\n"
        );
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = init_logs("conduit=loud", LogFormat::Text).unwrap_err().to_string();
        assert!(error.contains("`conduit=loud`"), "{error}");
    }
}
