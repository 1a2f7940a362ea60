//! The rules of a configuration folder: `workers.yaml` and the files it names in `statemachines/`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::Context as _;
use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::machine::{
    self, Diagnostic, Loaded, NEEDS_FORGE, Outline, Place, RuleSet, Severity, SourceFile, WorkerProjects,
};
use crate::settings::{SettingError, WorkersFile};

/// The name of the file that says which site moves which projects.
pub const WORKERS: &str = "workers.yaml";
/// The folder of the rule files.
pub const RULES: &str = "statemachines";

/// A configuration folder as it was read, sound or not.
pub struct Config {
    /// `workers.yaml`, understood.
    pub workers: WorkersFile,
    /// The rules; `None` when there is an error among the findings.
    pub rules: Option<RuleSet>,
    /// What there is to say about them.
    pub diagnostics: Vec<Diagnostic>,
    /// What the files declare, sound or not.
    pub outline: Outline,
    /// The rule files, and `workers.yaml` as the last: for showing findings in their places.
    pub files: Vec<SourceFile>,
}

impl Config {
    /// Reads a folder. Fails only when it cannot be read at all; mistakes in rules are findings.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(WORKERS);
        let workers = WorkersFile::read(&path)?;
        let yaml = read_file(WORKERS.to_owned(), &path)?;
        let mut files = rule_files(&folder.join(RULES), &workers)?;
        let Loaded { rules, outline, mut diagnostics } = machine::load(&files);
        diagnostics.extend(machine::check_workers(&worker_projects(&workers, &yaml), &outline));
        let sound = !diagnostics.iter().any(Diagnostic::is_error);
        files.push(yaml);
        Ok(Self { workers, rules: rules.filter(|_| sound), diagnostics, outline, files })
    }

    /// The findings as people read them: place, source line, caret, help.
    pub fn findings(&self, color: bool) -> String {
        machine::render(&self.diagnostics, &self.files, color)
    }

    /// The rules, or every finding as one error: a set with a mistake is never in force.
    ///
    /// `forge`: somebody who decides by them can ask the forge, or nobody here decides.
    pub fn sound(mut self, forge: bool) -> anyhow::Result<(WorkersFile, RuleSet)> {
        for finding in self.diagnostics.iter_mut().filter(|finding| !forge && finding.code == NEEDS_FORGE) {
            finding.severity = Severity::Error;
        }
        let findings = self.findings(false);
        let errors = self.diagnostics.iter().any(Diagnostic::is_error);
        match self.rules.filter(|_| !errors) {
            Some(rules) => Ok((self.workers, rules)),
            None => Err(anyhow::anyhow!("the rules have mistakes\n\n{findings}")),
        }
    }
}

/// Each worker's projects with their places in `workers.yaml`.
fn worker_projects(workers: &WorkersFile, yaml: &SourceFile) -> Vec<WorkerProjects> {
    let place = |worker: &str, project: &str| Place {
        file: yaml.name.clone(),
        span: find_project(&yaml.text, worker, project).unwrap_or_default(),
    };
    let entries = workers.workers.iter();
    entries
        .map(|(worker, entry)| WorkerProjects {
            worker: worker.clone(),
            projects: entry.projects.iter().map(|name| (name.clone(), place(worker, name))).collect(),
        })
        .collect()
}

/// Where a worker's project stands. The YAML reader keeps no places, so this looks for the words.
fn find_project(text: &str, worker: &str, project: &str) -> Option<Range<usize>> {
    let worker_at = find_word(text, 0, worker)?;
    let list_at = find_word(text, worker_at.end, "projects")?;
    find_word(text, list_at.end, project)
}

fn find_word(text: &str, from: usize, word: &str) -> Option<Range<usize>> {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let found = text.get(from..)?.match_indices(word).map(|(at, _)| from + at..from + at + word.len());
    let mut whole = found.filter(|range| {
        let before = text.get(..range.start).and_then(|t| t.chars().next_back());
        let after = text.get(range.end..).and_then(|t| t.chars().next());
        !before.is_some_and(inside) && !after.is_some_and(inside)
    });
    whole.next()
}

/// Every file in `folder` that a worker names, once, in the order of names.
fn rule_files(folder: &Path, workers: &WorkersFile) -> anyhow::Result<Vec<SourceFile>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned())).collect();
    let mut chosen = BTreeMap::new();
    for (worker, entry) in &workers.workers {
        for pattern in entry.statefile.as_slice() {
            let glob = glob(worker, pattern)?;
            let matching: Vec<_> = names.iter().filter(|name| glob.is_match(name.as_str())).collect();
            if matching.is_empty() {
                return Err(no_such_file(worker, pattern, folder).into());
            }
            chosen.extend(matching.into_iter().map(|name| (name.clone(), folder.join(name))));
        }
    }
    chosen.into_iter().map(|(name, path)| read_file(name, &path)).collect()
}

pub(super) fn read_file(name: String, path: &Path) -> anyhow::Result<SourceFile> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(SourceFile::from_bytes(name, &bytes))
}

fn glob(worker: &str, pattern: &str) -> Result<GlobSet, SettingError> {
    let wrong = |error: globset::Error| {
        SettingError::wrong(&format!("workers.{worker}.statefile"), pattern, error.to_string())
    };
    GlobSetBuilder::new().add(Glob::new(pattern).map_err(wrong)?).build().map_err(wrong)
}

fn no_such_file(worker: &str, pattern: &str, folder: &Path) -> SettingError {
    let help = format!("the name of a file in {}, or a pattern such as *.hcl", folder.display());
    SettingError::wrong(&format!("workers.{worker}.statefile"), pattern, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_in_its_own_workers_list() {
        let text = "workers:\n  a:\n    projects: [soc-1, soc]\n  b:\n    projects:\n      - soc\n";
        let at = |worker| find_project(text, worker, "soc").map(|range| range.start);
        assert_eq!(at("a"), text.find(", soc]").map(|at| at + 2));
        assert_eq!(at("b"), text.rfind("soc"));
        assert_eq!(find_project(text, "c", "soc"), None);
    }
}
