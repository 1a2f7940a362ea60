//! Marks and braces of lines that stand together are put below each other.

use super::line::{Line, Shape};

/// Fills up the heads of neighbours of one shape to one width.
pub(super) fn align(lines: &mut [Line<'_>]) {
    for group in lines.chunk_by_mut(together) {
        let width = group.iter().map(Line::head_width).max().unwrap_or(0);
        for line in group {
            line.width = width;
        }
    }
}

fn together(one: &Line<'_>, next: &Line<'_>) -> bool {
    let alike = matches!(
        (one.shape, next.shape),
        (Shape::Argument(_), Shape::Argument(_)) | (Shape::Block(_), Shape::Block(_))
    );
    alike && one.indent() == next.indent()
}
