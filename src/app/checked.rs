//! Rule files looked over, with nothing started: what `conduit check` tells of.
//!
//! Files are named by their paths here, so that an editor or a forge finds them.

use std::path::{Path, PathBuf};

use super::rule_paths::{plain, rule_files};
use super::rules::{Config, RULES, WORKERS, read_file};
use crate::machine::{self, Counted, Diagnostic, Loaded, Severity, SourceFile};

/// What a forge token is needed for. Whether there is one is known where the service runs, and there it stops
/// the start; here it is only worth a word.
const NEEDS_TOKEN: &str = "E017";

/// Files and what there is to say about them.
#[derive(Default)]
pub struct Checked {
    /// Each provisioner in numbers.
    pub machines: Vec<Counted>,
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
    /// Everything that was read.
    pub files: Vec<SourceFile>,
    /// How many of those are rule files.
    pub rule_files: usize,
}

impl Checked {
    /// Looks over a configuration folder: `workers.yaml` and the files that it names.
    pub fn configuration(folder: &Path) -> anyhow::Result<Self> {
        let Config { outline, diagnostics, files, .. } = Config::read(folder)?;
        let rule_files = files.len().saturating_sub(1);
        let mut checked = Self { machines: outline.machines, diagnostics, files, rule_files };
        checked.name_files(|name| match name {
            WORKERS => folder.join(WORKERS),
            rules => folder.join(RULES).join(rules),
        });
        Ok(checked.mild())
    }

    /// Looks over what these paths mean. A folder with a `workers.yaml` is a configuration folder; all
    /// other files are one set of rules.
    pub fn paths(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let (folders, others): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.join(WORKERS).is_file());
        let mut checked = Self::files(&rule_files(others)?)?;
        for folder in folders {
            checked.add(Self::configuration(folder)?);
        }
        Ok(checked)
    }

    /// The text of a file that a finding names.
    pub fn file(&self, name: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.name == name)
    }

    fn files(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let files = paths.iter().map(|path| read_file(shown(path), path));
        let files = files.collect::<anyhow::Result<Vec<_>>>()?;
        let Loaded { outline, diagnostics, .. } = machine::load(&files);
        let rule_files = files.len();
        Ok(Self { machines: outline.machines, diagnostics, files, rule_files }.mild())
    }

    fn add(&mut self, other: Self) {
        self.machines.extend(other.machines);
        self.diagnostics.extend(other.diagnostics);
        self.files.extend(other.files);
        self.rule_files += other.rule_files;
    }

    fn name_files(&mut self, path: impl Fn(&str) -> PathBuf) {
        let rename = |name: &mut String| *name = shown(&path(name));
        self.files.iter_mut().for_each(|file| rename(&mut file.name));
        self.machines.iter_mut().for_each(|machine| rename(&mut machine.file));
        for diagnostic in &mut self.diagnostics {
            diagnostic.labels.iter_mut().for_each(|label| rename(&mut label.file));
            diagnostic.fix.iter_mut().for_each(|fix| rename(&mut fix.file));
        }
    }

    fn mild(mut self) -> Self {
        for diagnostic in self.diagnostics.iter_mut().filter(|found| found.code == NEEDS_TOKEN) {
            diagnostic.severity = Severity::Warning;
        }
        self
    }
}

/// A path as people write it.
fn shown(path: &Path) -> String {
    plain(path).display().to_string()
}
