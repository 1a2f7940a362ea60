//! `conduit check`

use std::io::IsTerminal as _;

use clap::Args;

use super::CliError;
use crate::app::rules::Config;
use crate::settings::ConfigArgs;

/// The flags of `conduit check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The rules.
    #[command(flatten)]
    config: ConfigArgs,
}

/// Prints every finding in the rules; errors decide the exit code.
pub(super) fn run(args: &CheckArgs) -> Result<(), CliError> {
    let config = Config::read(&args.config.config)?;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    print!("{}", config.findings(color));
    let errors = config.diagnostics.iter().filter(|finding| finding.is_error()).count();
    let warnings = config.diagnostics.len() - errors;
    println!(
        "{}, {} in {}",
        many(errors, "error"),
        many(warnings, "warning"),
        many(config.file_count, "file")
    );
    if errors > 0 { Err(CliError::Findings) } else { Ok(()) }
}

fn many(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
