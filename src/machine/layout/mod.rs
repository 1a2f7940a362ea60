//! The layout of rule files: `conduit fmt`.
//!
//! It works on lines of tokens, as terraform's formatter does: where the lines break is the writer's choice;
//! how they are indented, spaced and aligned is not. No token is ever changed, so that texts, heredocs and
//! comments stay as they are. What cannot be parsed is refused.

mod align;
mod line;
mod token;

use super::diagnostic::{Diagnostic, Findings};
use super::span::{SourceFile, Sources};
use super::syntax;

/// A file in its proper layout, or why it cannot be read.
pub fn layout(file: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let sources = Sources::new(std::slice::from_ref(file));
    let mut findings = Findings::new(&sources);
    let trees = syntax::parse_all(&mut findings);
    if trees.iter().any(Option::is_none) {
        return Err(findings.into_sorted());
    }
    Ok(lay_out(&file.text))
}

fn lay_out(text: &str) -> String {
    let tokens = token::tokens(text.trim_start_matches('\u{FEFF}'));
    let mut lines = line::lines(&tokens);
    align::align(&mut lines);
    let mut out = String::with_capacity(text.len());
    for line in &lines {
        line.write(&mut out);
        out.push('\n');
    }
    out
}
