//! What there is to say, as data; and how it is printed.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

use crate::cli::output::say;
use crate::cli::why::print_json;
use crate::cli::{CliError, Output};
use crate::machine::{Diagnostic, Severity, SourceFile, render};
use crate::printable::printable;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    Ok,
    /// It could not be looked at, and the words say why.
    Unchecked,
    Warning,
    Error,
    /// It has errors, each of which is a finding.
    #[serde(rename = "error")]
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) status: Mark,
    /// What it is: `store`, a site's or a project's name.
    pub(super) about: String,
    pub(super) text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

/// Everything that was looked at.
#[derive(Default)]
pub(super) struct Report {
    lines: Vec<Line>,
    findings: Vec<Diagnostic>,
    /// The files that findings point into.
    files: Vec<SourceFile>,
    /// Something could not be reached, so that the rest says little.
    unreachable: bool,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    severity: Severity,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    help: Option<&'a str>,
}

impl Mark {
    fn sign(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Unchecked => '?',
            Self::Warning => '!',
            Self::Error | Self::Bad => '✗',
        }
    }
}

impl Report {
    pub(super) fn ok(&mut self, about: &str, text: impl Into<String>) {
        self.line(Mark::Ok, about, text, None);
    }

    pub(super) fn unchecked(&mut self, about: &str, text: impl Into<String>) {
        self.line(Mark::Unchecked, about, text, None);
    }

    pub(super) fn warn(&mut self, about: &str, text: impl Into<String>, fix: &str) {
        self.line(Mark::Warning, about, text, Some(fix.to_owned()));
    }

    pub(super) fn error(&mut self, about: &str, text: impl Into<String>, fix: impl Into<String>) {
        self.line(Mark::Error, about, text, Some(fix.into()));
    }

    pub(super) fn unreachable(&mut self, about: &str, text: impl Into<String>, fix: &str) {
        self.error(about, text, fix);
        self.unreachable = true;
    }

    fn line(&mut self, status: Mark, about: &str, text: impl Into<String>, fix: Option<String>) {
        self.lines.push(Line { status, about: about.to_owned(), text: text.into(), fix });
    }

    /// The files that findings may point into.
    pub(super) fn know(&mut self, files: Vec<SourceFile>) {
        self.files = files;
    }

    pub(super) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Something with errors among its findings, which say the rest.
    pub(super) fn bad(&mut self, about: &str, text: impl Into<String>) {
        self.line(Mark::Bad, about, text, None);
    }

    /// Findings, with their places.
    pub(super) fn find(&mut self, findings: Vec<Diagnostic>) {
        self.findings.extend(findings);
    }

    /// Prints it; what was found decides how the program ends.
    pub(super) fn conclude(&self, output: Output, color: bool) -> Result<(), CliError> {
        match output {
            Output::Text => say!("{}", self.text(color)),
            Output::Json => print_json(&json!({
                "schema": "conduit.doctor/1",
                "checks": self.lines,
                "findings": self.findings.iter().map(|one| self.finding(one)).collect::<Vec<_>>(),
            }))?,
        }
        match (self.unreachable, self.count(Mark::Error)) {
            (true, _) => Err(CliError::Unreachable("not everything could be reached".into())),
            (false, 0) => Ok(()),
            (false, _) => Err(CliError::Findings),
        }
    }

    fn finding<'a>(&'a self, diagnostic: &'a Diagnostic) -> Finding<'a> {
        let label = diagnostic.labels.first();
        let place = label.and_then(|label| Some(self.file(&label.file)?.position(label.span.start)));
        Finding {
            code: diagnostic.code,
            severity: diagnostic.severity,
            message: &diagnostic.message,
            file: label.map(|label| label.file.as_str()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            help: diagnostic.help.as_deref(),
        }
    }

    fn file(&self, name: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.name == name)
    }

    fn text(&self, color: bool) -> String {
        let width = self.lines.iter().map(|line| line.about.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for Line { status, about, text: said, fix } in &self.lines {
            let said = printable(said);
            let _ = writeln!(text, "{} {about:width$}  {said}", status.sign());
            if let Some(fix) = fix {
                let _ = writeln!(text, "  {:width$}  fix: {}", "", printable(fix));
            }
        }
        if !self.findings.is_empty() {
            text.push('\n');
            text.push_str(&render(&self.findings, &self.files, color));
        }
        let _ = writeln!(text, "\n{}", self.sum());
        text
    }

    /// `1 error, 2 warnings, 1 not checked`
    fn sum(&self) -> String {
        let many = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let (errors, warnings) = (self.count(Mark::Error), self.count(Mark::Warning));
        let unchecked = self.count(Mark::Unchecked);
        let mut sum = format!("{}, {}", many(errors, "error"), many(warnings, "warning"));
        if unchecked > 0 {
            let _ = write!(sum, ", {unchecked} not checked");
        }
        sum
    }

    /// How many things stand so, findings among them.
    fn count(&self, mark: Mark) -> usize {
        let lines = self.lines.iter().filter(|line| line.status == mark).count();
        let severity = match mark {
            Mark::Error => Severity::Error,
            Mark::Warning => Severity::Warning,
            Mark::Ok | Mark::Unchecked | Mark::Bad => return lines,
        };
        lines + self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
