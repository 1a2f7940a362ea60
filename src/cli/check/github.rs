//! Findings as annotations of a GitHub workflow, which shows them on the lines of a pull request.

use super::{Area, text};
use crate::app::checked::Checked;
use crate::cli::output::sayln;
use crate::machine::{Diagnostic, Severity};

pub(super) fn print(checked: &Checked) {
    for diagnostic in &checked.diagnostics {
        if let Some(label) = diagnostic.labels.first() {
            let area = Area::of(checked.file(&label.file), &label.span);
            sayln!("{}", annotation(diagnostic, &label.file, area));
        }
    }
    eprintln!("{}", text::totals(checked));
}

/// One workflow command.
fn annotation(diagnostic: &Diagnostic, file: &str, area: Area) -> String {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let Area { line, column, end_line, end_column } = area;
    let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!(
        "::{level} file={},line={line},col={column},endLine={end_line},endColumn={end_column},title={}::{}",
        property(file),
        property(diagnostic.code),
        data(&format!("{}{help}", diagnostic.message)),
    )
}

/// A workflow command ends with its line, and `%` begins an escape.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Within properties, those characters count, too, that part them.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Label;

    #[test]
    fn what_would_end_a_command_or_part_it_is_escaped() {
        let label = Label { file: "a,b:c.hcl".into(), span: 0..1, text: String::new() };
        let diagnostic =
            Diagnostic::new("W109", "100%\r\n::error::no", label).help("keep, one: `x`").mend("ignored");
        let area = Area { line: 3, column: 5, end_line: 3, end_column: 6 };
        assert_eq!(
            annotation(&diagnostic, "a,b:c.hcl", area),
            "::warning file=a%2Cb%3Ac.hcl,line=3,col=5,endLine=3,endColumn=6,title=W109\
             ::100%25%0D%0A::error::no%0Ahelp: keep, one: `x`"
        );
    }
}
