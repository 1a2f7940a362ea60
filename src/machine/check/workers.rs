//! Workers' projects against the provisioned ones.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::machine::diagnostic::{Diagnostic, Label, nearest};
use crate::machine::outline::{Counted, Outline};

/// The projects that one worker of `workers.yaml` serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProjects {
    /// The worker's name: `atlassian`.
    pub worker: String,
    /// Its projects as written, each with its place.
    pub projects: Vec<(String, Place)>,
}

/// A place in a file that is not a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name as diagnostics show it.
    pub file: String,
    /// Bytes of its text; empty where the reader of the file cannot tell.
    pub span: Range<usize>,
}

/// Holds the workers' projects against the files: E021 and E022, and W108 the other way round.
pub fn check_workers(workers: &[WorkerProjects], outline: &Outline) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<String, (&str, &Place)> = BTreeMap::new();
    for worker in workers {
        for (name, place) in &worker.projects {
            let project = name.to_ascii_uppercase();
            if let Some((first, first_place)) = seen.get(&project) {
                found.push(served_twice(name, place, &worker.worker, first, first_place));
                continue;
            }
            let provisioned = outline.machines.iter().any(|machine| machine.project == project);
            if outline.complete && !provisioned {
                found.push(not_provisioned(name, place, outline));
            }
            seen.insert(project, (&worker.worker, place));
        }
    }
    let served = |project: &str| seen.contains_key(project);
    found.extend(outline.machines.iter().filter(|machine| !served(&machine.project)).map(never_runs));
    found
}

fn label(place: &Place, text: impl Into<String>) -> Label {
    Label { file: place.file.clone(), span: place.span.clone(), text: text.into() }
}

fn served_twice(name: &str, place: &Place, worker: &str, first: &str, first_place: &Place) -> Diagnostic {
    let message = if worker == first {
        format!("project `{name}` is twice in the `projects` of worker `{worker}`")
    } else {
        format!("project `{name}` is in two workers' `projects`: `{first}` and `{worker}`")
    };
    Diagnostic::new("E022", message, label(place, "again here"))
        .also(label(first_place, "first here"))
        .help("one site per project key")
}

fn not_provisioned(name: &str, place: &Place, outline: &Outline) -> Diagnostic {
    let message = format!("`{}` names project `{name}`, no file provisions it", place.file);
    let known: Vec<String> =
        outline.machines.iter().map(|machine| machine.project.to_ascii_lowercase()).collect();
    let diagnostic = Diagnostic::new("E021", message, label(place, "no provisioner"));
    match nearest(name, known.iter().map(String::as_str)) {
        guess @ Some(_) => diagnostic.did_you_mean(guess),
        None => diagnostic.help(format!("add `provisioner \"{}\" {{ … }}`", name.to_ascii_lowercase())),
    }
}

fn never_runs(machine: &Counted) -> Diagnostic {
    let name = &machine.name;
    let message = format!("provisioner `{name}` is in no worker's `projects`: it never runs");
    let place = Label { file: machine.file.clone(), span: machine.span.clone(), text: String::new() };
    Diagnostic::new("W108", message, place).help(format!("add `{name}` to a worker's `projects`"))
}
