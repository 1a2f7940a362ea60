//! Findings for people: each with its source line and caret, then each machine in a line, then the sums.

use std::io::IsTerminal as _;
use std::time::Duration;

use super::count;
use crate::app::checked::Checked;
use crate::cli::output::{say, sayln};
use crate::machine::{Counted, Diagnostic, Severity, render};
use crate::printable::printable;

pub(super) fn print(checked: &Checked, took: Duration) {
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let findings = render(&checked.diagnostics, &checked.files, color);
    if !findings.is_empty() {
        sayln!("{findings}");
    }
    say!("{}", machines(checked));
    sayln!("{} ({} ms)", totals(checked), took.as_millis());
}

/// `0 errors, 1 warning in 2 files`.
pub(super) fn totals(checked: &Checked) -> String {
    let of = |severity| count(&checked.diagnostics, severity);
    format!(
        "{}, {} in {}",
        many(of(Severity::Error), "error"),
        many(of(Severity::Warning), "warning"),
        many(checked.rule_files, "file")
    )
}

/// `shop  3 states  3 rules  ok`, one line each, in columns.
fn machines(checked: &Checked) -> String {
    let rows = checked.machines.iter().map(|machine| row(machine, &checked.diagnostics));
    let rows: Vec<[String; 4]> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, states, rules) = (width(0), width(1), width(2));
    let line = |row: &[String; 4]| {
        format!("{:name$}  {:>states$}  {:>rules$}  {}\n", row[0], row[1], row[2], row[3])
    };
    rows.iter().map(line).collect()
}

fn row(machine: &Counted, diagnostics: &[Diagnostic]) -> [String; 4] {
    let mine = || diagnostics.iter().filter(|diagnostic| machine.holds(diagnostic));
    let errors = count(mine(), Severity::Error);
    let warnings = count(mine(), Severity::Warning);
    let verdict = match (errors, warnings) {
        (0, 0) => "ok".to_owned(),
        (0, warnings) => many(warnings, "warning"),
        (errors, 0) => many(errors, "error"),
        (errors, warnings) => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    };
    let name = printable(&machine.name).to_string();
    [name, many(machine.states, "state"), many(machine.rules, "rule"), verdict]
}

fn many(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
