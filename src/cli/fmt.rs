//! `conduit fmt [PATH…]`

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use similar::TextDiff;

use super::why::print_json;
use super::{CliError, Output};
use crate::app::rule_paths::rule_files;
use crate::cli::output::{say, sayln};
use crate::machine::{SourceFile, layout, render};
use crate::settings::ConfigArgs;

/// The flags of `conduit fmt`.
#[derive(Debug, Args)]
pub(super) struct FmtArgs {
    /// Rule files, or folders of them; `-` reads standard input and writes standard output; without any,
    /// the configuration folder
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; list the files that differ, and fail if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change, and fail if anything would
    #[arg(long)]
    diff: bool,
    /// The rules.
    #[command(flatten)]
    config: ConfigArgs,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It has its proper layout already.
    Unchanged,
    /// It was, or would be, written anew.
    Changed,
    /// It cannot be parsed, and was left alone.
    Broken,
}

/// A file with what became of it.
#[derive(Serialize)]
struct Done {
    file: String,
    state: State,
}

/// Lays files out.
pub(super) fn run(args: &FmtArgs, output: Output) -> Result<(), CliError> {
    if args.paths.iter().any(|path| path == Path::new("-")) {
        return args.standard_input();
    }
    let done = args.files()?.into_iter().map(|path| args.file(&path)).collect::<anyhow::Result<Vec<_>>>()?;
    if output == Output::Json {
        print_json(&json!({ "schema": "conduit.fmt/1", "files": done }))?;
    } else if !args.diff {
        let changed = done.iter().filter(|done| done.state == State::Changed);
        changed.for_each(|done| sayln!("{}", done.file));
    }
    args.verdict(done.iter().map(|done| done.state))
}

impl FmtArgs {
    /// The files that are meant, each once.
    fn files(&self) -> Result<Vec<PathBuf>, CliError> {
        let paths =
            if self.paths.is_empty() { std::slice::from_ref(&self.config.config) } else { &self.paths };
        rule_files(paths).map_err(|error| CliError::NotFound(error.to_string()))
    }

    fn file(&self, path: &Path) -> anyhow::Result<Done> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("reading {name}"))?;
        let file = SourceFile::from_bytes(name, &bytes);
        let Some(laid_out) = laid_out(&file) else {
            return Ok(Done { file: file.name, state: State::Broken });
        };
        if laid_out.as_bytes() == bytes {
            return Ok(Done { file: file.name, state: State::Unchanged });
        }
        if self.diff {
            say!("{}", diff(&file, &laid_out));
        } else if !self.check {
            std::fs::write(path, laid_out).with_context(|| format!("writing {}", file.name))?;
        }
        Ok(Done { file: file.name, state: State::Changed })
    }

    fn standard_input(&self) -> Result<(), CliError> {
        if self.paths.len() > 1 {
            return Err(CliError::Usage("`-` is standard input; it stands alone".into()));
        }
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("reading standard input")?;
        let file = SourceFile::from_bytes("stdin", &bytes);
        let laid_out = laid_out(&file).ok_or(CliError::Findings)?;
        let changed = laid_out.as_bytes() != bytes;
        if self.diff {
            say!("{}", diff(&file, &laid_out));
        } else if !self.check {
            say!("{laid_out}");
        }
        self.verdict([if changed { State::Changed } else { State::Unchanged }])
    }

    /// A broken file is always a finding; one that differs only where nothing is written.
    fn verdict(&self, states: impl IntoIterator<Item = State>) -> Result<(), CliError> {
        let only_looked = self.check || self.diff;
        let finding = |state| match state {
            State::Unchanged => false,
            State::Changed => only_looked,
            State::Broken => true,
        };
        if states.into_iter().any(finding) { Err(CliError::Findings) } else { Ok(()) }
    }
}

/// A file in its proper layout. What cannot be parsed is told on standard error.
fn laid_out(file: &SourceFile) -> Option<String> {
    layout(file)
        .inspect_err(|findings| {
            let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            eprint!("{}", render(findings, std::slice::from_ref(file), color));
        })
        .ok()
}

/// What would change, as `diff -u` shows it.
fn diff(file: &SourceFile, laid_out: &str) -> String {
    let (old, new) = (format!("a/{}", file.name), format!("b/{}", file.name));
    TextDiff::from_lines(file.text.as_str(), laid_out).unified_diff().header(&old, &new).to_string()
}
