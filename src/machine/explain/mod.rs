//! The long story of each finding: what it means, a text that has it, and the same text mended.
//!
//! Modelled on rustc's `--explain`. Tests prove that every code in this room has its story, that each wrong
//! text shows its code, and that each right one shows nothing at all.

mod errors;
mod live;
mod warnings;

use serde::Serialize;

/// The story of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Story {
    /// `E004`.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means, why it matters and what to do.
    pub meaning: &'static str,
    /// A text with the mistake.
    pub wrong: &'static str,
    /// The same text without it.
    pub right: &'static str,
}

/// All stories: of errors, of warnings, and of what only the live Jira tells; each in the order of their codes.
pub fn stories() -> impl Iterator<Item = &'static Story> {
    errors::ERRORS.iter().chain(&warnings::WARNINGS).chain(&live::LIVE)
}

/// The story of a code, in any case.
pub fn explain(code: &str) -> Option<&'static Story> {
    stories().find(|story| story.code.eq_ignore_ascii_case(code))
}

/// The code that was probably meant.
pub fn nearest_code(code: &str) -> Option<&'static str> {
    let distance = |story: &Story| strsim::osa_distance(story.code, &code.to_ascii_uppercase());
    let near = stories().map(|story| (distance(story), story.code)).filter(|(distance, _)| *distance <= 2);
    near.min().map(|(_, code)| code)
}
