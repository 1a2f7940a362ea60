//! `conduit store copy|backup|hold`
#![allow(clippy::doc_markdown, reason = "the doc comments of commands are the text of --help, not Markdown")]

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::progress::Progress;
use super::table::Table;
use super::why::print_json;
use super::{CliError, Output, exposed};
use crate::app::{open_store, open_to_copy};
use crate::clock::Clock;
use crate::settings::{SealedStoreArgs, StoreUrl};
use crate::store::copy::{Copied, CopyError, Copyable, copy};
use crate::store::sqlite::back_up;
use crate::store::{Pause, PauseKind, StoreError};

/// What to do with the store as a whole. The store itself is opened; no service need run.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copy everything into an empty store of either kind; nothing may run meanwhile
    Copy(CopyStore),
    /// Write a copy of the SQLite file to be kept, while the service runs
    Backup(Backup),
    /// Stop work on sites before a service is started on a restored store
    Hold(Hold),
}

/// The flags of `store copy`.
#[derive(Debug, Args)]
pub(super) struct CopyStore {
    /// The store to copy from: sqlite:PATH, redis://…, or env://NAME of a variable that holds its address
    #[arg(value_name = "FROM")]
    from: String,
    /// The empty store to copy to, in the same words
    #[arg(value_name = "TO")]
    to: String,
}

/// The flags of `store backup`.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The store.
    #[command(flatten)]
    store: SealedStoreArgs,
}

/// The flags of `store hold`.
#[derive(Debug, Args)]
pub(super) struct Hold {
    /// The sites' names in workers.yaml
    #[arg(default_value = "atlassian")]
    sites: Vec<String>,
    /// Why, for whoever wonders
    #[arg(long, default_value = "held before the start")]
    why: String,
    /// The store.
    #[command(flatten)]
    store: SealedStoreArgs,
}

impl StoreCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Copy(args) => args.run(output).await,
            Self::Backup(args) => args.run(output),
            Self::Hold(args) => args.run(output).await,
        }
    }
}

impl CopyStore {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let (from, to) = (address("FROM", &self.from)?, address("TO", &self.to)?);
        if from == to {
            return Err(CliError::Usage("FROM and TO are the same store".into()));
        }
        exists(&from)?;
        let clock = Clock::system();
        let source = open_to_copy(&from, &clock).await.map_err(away)?;
        let target = open_to_copy(&to, &clock).await.map_err(away)?;
        let copied = run_copy(source.as_ref(), target.as_ref()).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.store_copy/1", "copied": copied }));
        }
        print_copied(&copied);
        eprintln!("Start everything with the new store from now on, and nothing with the old one any more.");
        eprintln!("Secrets were copied as they are: the new store needs the same CONDUIT_SECRET_KEY.");
        Ok(())
    }
}

async fn run_copy(from: &dyn Copyable, to: &dyn Copyable) -> Result<Copied, CliError> {
    let events = usize::try_from(from.events().await.map_err(away)?).unwrap_or(usize::MAX);
    // Each is written, and read back to be compared.
    let progress = Progress::of(events.saturating_mul(2), "steps (each event is written, then read back)");
    let copied = copy(from, to, &|| progress.step()).await;
    progress.end();
    copied.map_err(|error| match error {
        CopyError::Store(error) => away(error),
        CopyError::NotEmpty => CliError::Usage(error.to_string()),
        other => CliError::Failed(other.into()),
    })
}

fn print_copied(Copied { from, to, unnamed }: &Copied) {
    let mut table = Table::new(&["what", "read", "written and read back"]);
    let rows = [
        ("settings", from.settings, to.settings),
        ("hooks", from.hooks, to.hooks),
        ("tokens", from.tokens, to.tokens),
        ("entries of the audit log", from.audit, to.audit),
        ("pauses", from.pauses, to.pauses),
        ("events", from.events, to.events),
        ("raw bodies", from.bodies, to.bodies),
        ("finished tickets", from.finished, to.finished),
        ("tickets that wait", from.waiting, to.waiting),
        ("events in the inbox", from.inbox, to.inbox),
    ];
    for (what, from, to) in rows {
        table.row([what.to_owned(), from.to_string(), to.to_string()]);
    }
    table.print("");
    if *unnamed > 0 {
        eprintln!(
            "{unnamed} events cannot be read by this version: the same changes, reported again by another hook, would not be recognised."
        );
    }
}

impl Backup {
    fn run(&self, output: Output) -> Result<(), CliError> {
        let url = self.store.url()?;
        exists(&url)?;
        let StoreUrl::Sqlite(path) = &url else {
            return Err(CliError::Usage(
                "only a SQLite file is backed up like this; for Redis see docs/operating.md, \"Backup and restore\""
                    .into(),
            ));
        };
        let bytes = back_up(path, &self.file).map_err(away)?;
        let file = self.file.display().to_string();
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.backup/1", "file": file, "bytes": bytes }));
        }
        eprintln!("{file} has everything that was accepted until now ({bytes} bytes).");
        eprintln!(
            "Its secrets open only with the master key: keep that (secret.key, CONDUIT_SECRET_KEY) in another place."
        );
        Ok(())
    }
}

impl Hold {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let url = self.store.url()?;
        exists(&url)?;
        let store = open_store(&url, &Clock::system()).await.map_err(away)?;
        for site in &self.sites {
            let pause = Pause { kind: PauseKind::Operator, why: self.why.clone(), rest: None };
            store.pause(site, &pause).await.map_err(away)?;
        }
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.hold/1", "sites": self.sites }));
        }
        let sites = self.sites.join(", ");
        eprintln!("{sites}: stands still until `conduit queue resume`, also after a start.");
        Ok(())
    }
}

/// Which store. A variable may hold what nobody should see in the list of processes.
fn address(name: &str, text: &str) -> Result<StoreUrl, CliError> {
    let address = match text.strip_prefix("env://") {
        Some(variable) => std::env::var(variable)
            .map_err(|_| CliError::Usage(format!("{name}: the variable {variable} is not set")))?,
        None => text.to_owned(),
    };
    let url = StoreUrl::parse(name, &address)?;
    if exposed::is_secret(text) {
        eprintln!(
            "warning: {name}: everybody on this machine can read it in the list of processes; give env://NAME of a \
             variable that holds it instead, and take what was given for known to others"
        );
    }
    Ok(url)
}

/// What a copy or a backup would make itself is no store.
fn exists(url: &StoreUrl) -> Result<(), CliError> {
    match url {
        StoreUrl::Sqlite(path) if !path.exists() => {
            Err(CliError::NotFound(format!("there is no store at {}", path.display())))
        }
        _ => Ok(()),
    }
}

fn away(error: StoreError) -> CliError {
    match error {
        StoreError::Unavailable(why) => CliError::Unreachable(why),
        other => CliError::Failed(other.into()),
    }
}
