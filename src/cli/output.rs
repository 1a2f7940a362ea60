//! What a command prints.

use std::fmt;
use std::io::{ErrorKind, Write as _};

/// What a shell answers for a program that wrote to somebody who had gone: 128 and the number of SIGPIPE.
const NOBODY_READS: i32 = 141;

/// `println!` for a reader who may have seen enough (`conduit events list | head`): the command then ends at once, as
/// other tools do, and not with a panic.
macro_rules! sayln {
    () => { $crate::cli::output::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::cli::output::write(format_args!("{}\n", format_args!($($text)*))) };
}

/// The same without an end of line.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::output::write(format_args!($($text)*)) };
}

pub(in crate::cli) use {say, sayln};

/// Writes to stdout.
pub(in crate::cli) fn write(text: fmt::Arguments<'_>) {
    let Err(error) = std::io::stdout().lock().write_fmt(text) else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(NOBODY_READS);
    }
    eprintln!("conduit: stdout cannot be written to: {error}");
    std::process::exit(1);
}
