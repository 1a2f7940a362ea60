//! `conduit check [PATH…]`

mod github;
mod json;
mod text;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::{CliError, Format};
use crate::app::checked::Checked;
use crate::app::rule_paths::PathError;
use crate::machine::{Diagnostic, Severity, SourceFile};
use crate::settings::ConfigArgs;

/// The flags of `conduit check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Rule files, or folders of them; without any, the configuration folder
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The rules.
    #[command(flatten)]
    config: ConfigArgs,
}

/// Prints every finding in the rules; errors decide the exit code.
pub(super) fn run(args: &CheckArgs, format: Format) -> Result<(), CliError> {
    let started = Instant::now();
    let checked = read(args)?;
    match format {
        Format::Text => text::print(&checked, started.elapsed()),
        Format::Json => json::print(&checked)?,
        Format::Github => github::print(&checked),
    }
    if count(&checked.diagnostics, Severity::Error) > 0 { Err(CliError::Findings) } else { Ok(()) }
}

fn read(args: &CheckArgs) -> Result<Checked, CliError> {
    let checked = match args.paths.as_slice() {
        [] => Checked::configuration(&args.config.config),
        paths => Checked::paths(paths),
    };
    checked.map_err(|error| match error.downcast::<PathError>() {
        Ok(missing) => CliError::NotFound(missing.to_string()),
        Err(error) => error.into(),
    })
}

fn count<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>, severity: Severity) -> usize {
    diagnostics.into_iter().filter(|found| found.severity == severity).count()
}

/// Where a stretch of a file begins and ends, for people: from 1, in characters, the end excluded.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Area {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl Area {
    fn of(file: Option<&SourceFile>, span: &std::ops::Range<usize>) -> Self {
        let (start, end) = match file {
            Some(file) => (file.position(span.start), file.position(span.end)),
            None => (SourceFile::START, SourceFile::START),
        };
        Self { line: start.line, column: start.column, end_line: end.line, end_column: end.column }
    }
}
