//! `conduit init PROJECT`: a first rule file, from the live project.
//!
//! | file | what it does |
//! |---|---|
//! | `sketch` | PURE: from a board to a first machine, with what was guessed |
//! | `name` | PURE: short names for statuses |
//! | `text` | PURE: the machine as a rule file |
//!
//! It cannot write to Jira: it holds it as [`Survey`]. What it draws has been held against the board it was drawn
//! from, as `conduit doctor` does, before it is written.
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

mod name;
mod sketch;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use globset::Glob;
use serde_json::json;

use super::doctor::compare;
use super::why::print_json;
use super::{CliError, Output};
use crate::app::board::Board;
use crate::app::rules::{RULES, WORKERS};
use crate::app::sites;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::jira::{CallLog, Failure, JiraError, Survey};
use crate::machine::{Diagnostic, SourceFile, layout, load, render};
use crate::printable::printable;
use crate::settings::{ConfigArgs, JiraArgs, SiteConfig, WorkerEntry, WorkersFile};

/// The name of a worker that needs no more said about it.
const USUAL_WORKER: &str = "atlassian";

/// The flags of `conduit init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The Jira project's key
    project: String,
    /// The site it is on: a worker's name in workers.yaml [default: the one that has it, or the only one]
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Where to write: a file, or - for standard output [default: PROJECT.hcl in the folder of the rules]
    #[arg(long, value_name = "FILE|-")]
    out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// The rules.
    #[command(flatten)]
    config: ConfigArgs,
    /// Jira, when workers.yaml names no site of its own.
    #[command(flatten)]
    jira: JiraArgs,
}

/// A rule file and what is to be said about it.
struct Begun {
    text: String,
    guesses: Vec<String>,
}

/// Draws the file, writes it, and says what was guessed.
pub(super) async fn run(args: InitArgs, output: Output) -> Result<(), CliError> {
    let project = crate::registration::project_key(&args.project).map_err(|_| {
        CliError::Usage(format!("`{}` is not the key of a Jira project", printable(&args.project)))
    })?;
    let folder = &args.config.config;
    let workers = workers(&folder.join(WORKERS))?;
    let (worker, site) = args.site(workers.as_ref(), &project)?;
    let path = args.path(&project);
    if let Some(path) = path.as_ref().filter(|path| path.exists() && !args.force) {
        return Err(CliError::Usage(format!("{} is there already: --force writes over it", path.display())));
    }
    let survey = Survey::new(sites::client(&worker, &site, &Clock::system())?);
    let board = Board::read(&survey, &project, &mut CallLog::default()).await;
    let begun = begin(&board.map_err(|error| unread(&project, &error))?)?;
    let written = path.as_deref().map(|path| write(path, &begun.text)).transpose()?;
    let new_workers = written.is_some() && workers.is_none() && args.out.is_none();
    if new_workers {
        write(&folder.join(WORKERS), &workers_yaml(&project))?;
    }
    print(&begun, path.as_deref(), output)?;
    let file = path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let entry = workers.as_ref().and_then(|workers| workers.workers.get(&worker));
    next_steps(&worker, entry, &project, file.as_deref().unwrap_or("the file"), new_workers);
    Ok(())
}

fn workers(path: &Path) -> Result<Option<WorkersFile>, CliError> {
    if path.exists() { Ok(Some(WorkersFile::read(path)?)) } else { Ok(None) }
}

impl InitArgs {
    /// The worker that has, or shall have, the project; and its site.
    fn site(&self, workers: Option<&WorkersFile>, project: &str) -> Result<(String, SiteConfig), CliError> {
        let environment = self.jira.site();
        let Some(workers) = workers else {
            return match &self.site {
                Some(_) => Err(CliError::Usage("--site: there is no workers.yaml that could name it".into())),
                None => Ok((USUAL_WORKER.to_owned(), environment)),
            };
        };
        let known: Vec<&String> = workers.workers.keys().collect();
        let has = |entry: &WorkerEntry| entry.projects.iter().any(|key| key.eq_ignore_ascii_case(project));
        let name = match (&self.site, known.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only,
            (None, _) => {
                let one = workers.workers.iter().find(|(_, entry)| has(entry)).map(|(name, _)| name);
                one.ok_or_else(|| {
                    let known = known.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                    CliError::Usage(format!("say which site: --site with one of {known}"))
                })?
            }
        };
        let entry = workers.workers.get(name);
        let entry =
            entry.ok_or_else(|| CliError::NotFound(format!("workers.yaml has no worker `{name}`")))?;
        Ok((name.clone(), entry.site(name, &environment)?))
    }

    /// The file to write; `None` for standard output.
    fn path(&self, project: &str) -> Option<PathBuf> {
        match &self.out {
            Some(out) if out.as_os_str() == "-" => None,
            Some(out) => Some(out.clone()),
            None => Some(self.config.config.join(RULES).join(format!("{}.hcl", project.to_lowercase()))),
        }
    }
}

fn unread(project: &str, error: &JiraError) -> CliError {
    match error.failure {
        Failure::NotFound => CliError::NotFound(format!(
            "Jira shows the account no project {project}: {}\n  = help: correct the key, or grant *Browse projects*",
            error.message
        )),
        Failure::Unreachable
        | Failure::NoAnswer
        | Failure::ServerError { .. }
        | Failure::RateLimited { .. } => CliError::Unreachable(error.to_string()),
        _ => CliError::Failed(anyhow::anyhow!("{error}")),
    }
}

/// Draws a machine for a board and holds it against that board.
fn begin(board: &Board) -> Result<Begun, CliError> {
    let sketch = sketch::sketch(board).ok_or_else(|| {
        CliError::NotFound(format!(
            "Jira shows the account no status in {}: nothing can be begun",
            board.project
        ))
    })?;
    let file = |text: String| SourceFile { name: format!("{}.hcl", sketch.project), text };
    let raw = file(text::file(&sketch));
    let drawn = |found: &[Diagnostic], file: &SourceFile| {
        anyhow::anyhow!(
            "what was drawn is no rule file\n\n{}",
            render(found, std::slice::from_ref(file), false)
        )
    };
    let laid_out = file(layout(&raw).map_err(|found| drawn(&found, &raw))?);
    let files = [laid_out];
    let [laid_out] = &files;
    let loaded = load(&files);
    let rules = loaded.rules.ok_or_else(|| drawn(&loaded.diagnostics, laid_out))?;
    let mut guesses = sketch.guesses;
    for machine in rules.machines() {
        let compared = compare(machine, board, &files);
        guesses.extend(compared.findings.iter().map(|found| format!("{}: {}", found.code, found.message)));
    }
    Ok(Begun { text: laid_out.text.clone(), guesses })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn workers_yaml(project: &str) -> String {
    let project = project.to_lowercase();
    format!("workers:\n  {USUAL_WORKER}:\n    statefile: \"*.hcl\"\n    projects: [{project}]\n")
}

fn print(begun: &Begun, path: Option<&Path>, output: Output) -> Result<(), CliError> {
    let file = path.map(|path| path.display().to_string());
    if output == Output::Json {
        return print_json(&json!({
            "schema": "conduit.init/1", "file": file, "text": begun.text, "guesses": begun.guesses,
        }));
    }
    match file {
        None => say!("{}", begun.text),
        Some(file) => eprintln!("{file} is written."),
    }
    eprintln!("Guessed, for you to look at:");
    for guess in &begun.guesses {
        eprintln!("  * {}", printable(guess));
    }
    Ok(())
}

/// What is left to do by hand.
fn next_steps(worker: &str, entry: Option<&WorkerEntry>, project: &str, file: &str, new_workers: bool) {
    let key = project.to_lowercase();
    if new_workers {
        eprintln!("{WORKERS} is written: its worker `{worker}` has the project.");
    } else {
        let named = |entry: &WorkerEntry| entry.projects.iter().any(|one| one.eq_ignore_ascii_case(project));
        let read =
            |entry: &WorkerEntry| entry.statefile.as_slice().iter().any(|pattern| matches(pattern, file));
        if !entry.is_some_and(named) {
            eprintln!("Add `{key}` to `projects` of the worker `{worker}` in {WORKERS}.");
        }
        if !entry.is_some_and(read) {
            eprintln!("Add `{file}` to `statefile` of the worker `{worker}` in {WORKERS}.");
        }
    }
    eprintln!("Then:  conduit check  ·  conduit doctor --project {key}");
}

fn matches(pattern: &str, file: &str) -> bool {
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(file))
}
