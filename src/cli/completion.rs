//! `conduit completion SHELL`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// The flags of `conduit completion`.
#[derive(Debug, Args)]
pub(super) struct CompletionArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &CompletionArgs) {
    clap_complete::generate(args.shell, &mut Cli::command(), "conduit", &mut std::io::stdout());
}
