//! Plain tables for a terminal or a pipe.

use crate::cli::output::sayln;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement, Table as Inner};

/// A table with a head and nothing but spaces between its columns.
pub(super) struct Table {
    inner: Inner,
    rows: usize,
}

impl Table {
    /// A table with these columns.
    pub(super) fn new(head: &[&str]) -> Self {
        let mut inner = Inner::new();
        inner.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        inner.set_header(head.iter().map(|name| Cell::new(name.to_uppercase())));
        Self { inner, rows: 0 }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.inner.add_row(cells);
        self.rows += 1;
    }

    /// Prints it, or says on standard error that there is nothing.
    pub(super) fn print(&self, empty: &str) {
        if self.rows == 0 {
            eprintln!("{empty}");
        } else {
            sayln!("{}", self.inner.trim_fmt());
        }
    }
}
