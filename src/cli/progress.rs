//! How far long work is, on a terminal alone.

use std::cell::Cell;
use std::io::IsTerminal as _;

/// A line on standard error that counts: `12 of 300 events read`.
pub(super) struct Progress {
    all: usize,
    done: Cell<usize>,
    what: &'static str,
    shown: bool,
}

impl Progress {
    /// Counts to `all`; `what` is done to each: `events read`.
    pub(super) fn of(all: usize, what: &'static str) -> Self {
        Self { all, done: Cell::new(0), what, shown: std::io::stderr().is_terminal() }
    }

    /// One more is done.
    pub(super) fn step(&self) {
        self.done.set(self.done.get() + 1);
        if self.shown {
            eprint!("\r{} of {} {}", self.done.get(), self.all, self.what);
        }
    }

    /// Leaves the line to what is said next.
    pub(super) fn end(&self) {
        if self.shown && self.all > 0 {
            eprintln!();
        }
    }
}
