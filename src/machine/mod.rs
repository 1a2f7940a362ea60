//! The rule language: from HCL text to a decision.
//!
//! [`load`] reads rule files and says everything that is wrong with them; [`decide`] says what becomes of a
//! ticket because of an event, and is the only place where that is decided. Everything here is pure: no
//! I/O, no clock. The way from text to decision:
//!
//! | step | module | what it knows |
//! |---|---|---|
//! | text → blocks and expressions with places | `syntax` | HCL, and its limits |
//! | blocks → declarations | `read` | what may stand where, and of what kind it is |
//! | declarations → findings | `check` | names, graphs, rules that cannot work |
//! | declarations → machines | `build`, `default_rules` | nothing can go wrong any more |
//! | machine, event, ticket → decision | `decide`, `filter`, `goal`, `walk`, `effects` | meaning |
//! | `when` and templates → values | `expr` | types beforehand, budgets at the time |
//!
//! What a machine looks like is [`draw`]'s. [`layout`] is apart: it goes by lines and spaces, and knows no rules.
//!
//! Findings are data ([`Diagnostic`]) and drawn by [`render`], as in vrl's `src/diagnostic`; [`explain`] tells
//! the long story of each.

mod build;
mod check;
mod decide;
mod decision;
mod decl;
mod default_rules;
mod diagnostic;
pub mod draw;
mod effects;
mod explain;
mod expr;
mod filter;
mod goal;
mod layout;
mod model;
mod outline;
mod pattern;
mod read;
mod scene;
mod sentence;
mod sources;
mod span;
mod syntax;
#[cfg(test)]
mod tests;
mod walk;

pub use check::{Place, WorkerProjects, check_workers};
pub use decide::{decide, decide_by_status, precheck};
pub use decision::{Action, Decision, Effects, FixVersion, Hop, Link, TicketNow};
pub use diagnostic::{Diagnostic, Fix, Label, NEEDS_FORGE, Severity, render};
pub use explain::{Story, explain, nearest_code, stories};
pub use layout::layout;
pub use model::{Alias, Deed, Edge, Lacks, Machine, Mode, RuleSet, State, Target};
pub use outline::{Counted, Outline};
pub use span::{Position, SourceFile};

/// What a set of rule files is worth.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The rules; `None` when there is any error.
    pub rules: Option<RuleSet>,
    /// What the files declare, sound or not.
    pub outline: Outline,
    /// All findings of all files, in the order of the files and of the places in them.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads rule files and checks them, all of them at once.
pub fn load(files: &[SourceFile]) -> Loaded {
    let sources = span::Sources::new(files);
    let mut findings = diagnostic::Findings::new(&sources);
    let trees = syntax::parse_all(&mut findings);
    let declarations = read::read_all(&trees, &mut findings);
    check::check(&declarations, &mut findings);
    let outline = outline::outline(&declarations, &sources);
    let diagnostics = findings.into_sorted();
    let sound = !diagnostics.iter().any(Diagnostic::is_error);
    Loaded { rules: sound.then(|| build::build(&declarations, &sources)), outline, diagnostics }
}
