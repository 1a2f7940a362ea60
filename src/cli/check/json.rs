//! Findings for scripts and editors: `conduit.check/1`.

use serde::Serialize;

use super::{Area, count};
use crate::app::checked::Checked;
use crate::cli::CliError;
use crate::cli::why::print_json;
use crate::machine::{Counted, Diagnostic, Fix, Label, Severity};

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    errors: usize,
    warnings: usize,
    files: usize,
    machines: Vec<Machine<'a>>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Machine<'a> {
    name: &'a str,
    file: &'a str,
    states: usize,
    rules: usize,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: Severity,
    message: &'a str,
    file: &'a str,
    #[serde(flatten)]
    area: Area,
    help: Option<&'a str>,
    /// The one edit that mends it, where there is exactly one.
    fix: Option<Edit<'a>>,
    /// Further places that explain it.
    related: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    span: Span,
    replacement: &'a str,
}

/// A stretch of the finding's file, in bytes and as people count.
#[derive(Serialize)]
struct Span {
    start: usize,
    end: usize,
    #[serde(flatten)]
    area: Area,
}

#[derive(Serialize)]
struct Related<'a> {
    file: &'a str,
    #[serde(flatten)]
    area: Area,
    message: &'a str,
}

pub(super) fn print(checked: &Checked) -> Result<(), CliError> {
    print_json(&Document {
        schema: "conduit.check/1",
        errors: count(&checked.diagnostics, Severity::Error),
        warnings: count(&checked.diagnostics, Severity::Warning),
        files: checked.rule_files,
        machines: checked.machines.iter().map(|counted| machine(counted, checked)).collect(),
        findings: checked.diagnostics.iter().filter_map(|found| finding(found, checked)).collect(),
    })
}

fn machine<'a>(counted: &'a Counted, checked: &'a Checked) -> Machine<'a> {
    let mine = || checked.diagnostics.iter().filter(|diagnostic| counted.holds(diagnostic));
    Machine {
        name: &counted.name,
        file: &counted.file,
        states: counted.states,
        rules: counted.rules,
        errors: count(mine(), Severity::Error),
        warnings: count(mine(), Severity::Warning),
    }
}

fn finding<'a>(diagnostic: &'a Diagnostic, checked: &'a Checked) -> Option<Finding<'a>> {
    let (place, others) = diagnostic.labels.split_first()?;
    Some(Finding {
        code: diagnostic.code,
        severity: diagnostic.severity,
        message: &diagnostic.message,
        file: &place.file,
        area: Area::of(checked.file(&place.file), &place.span),
        help: diagnostic.help.as_deref(),
        fix: diagnostic.fix.as_ref().map(|fix| edit(fix, checked)),
        related: others.iter().map(|label| related(label, checked)).collect(),
    })
}

fn edit<'a>(fix: &'a Fix, checked: &Checked) -> Edit<'a> {
    let area = Area::of(checked.file(&fix.file), &fix.span);
    Edit { span: Span { start: fix.span.start, end: fix.span.end, area }, replacement: &fix.replacement }
}

fn related<'a>(label: &'a Label, checked: &Checked) -> Related<'a> {
    let area = Area::of(checked.file(&label.file), &label.span);
    Related { file: &label.file, area, message: &label.text }
}
