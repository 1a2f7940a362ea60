//! The rulebook in force, and how a better one takes its place: on SIGHUP and when a file changes.
//!
//! A set of files is read, checked and built whole beside the one in force, and then put in its place in one
//! step; until then, and for ever if it has a mistake, the old one decides. What is wrong is said in the log, by
//! `conduit_rules_reload_failed` and in the details of `/readyz`.
//!
//! `workers.yaml` counts as rules, except for its sites: clients, logins and limits of a site are made at start.
//! A set that names other sites is therefore not taken at all until a restart: half of it would give projects
//! to a site that is not the one meant.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::changes::Changes;
use super::rules::{Config, WORKERS};
use crate::machine::RuleSet;
use crate::settings::WorkersFile;
use crate::telemetry;
use crate::worker::Rulebook;

/// How much of the findings the details of `/readyz` repeat; the log has all.
const SHOWN: usize = 8 * 1024;

/// Keeps the rulebook.
pub(super) struct Reload {
    folder: PathBuf,
    forge: bool,
    started_with: WorkersFile,
    in_force: Arc<ArcSwap<Rulebook>>,
    failure: ArcSwapOption<String>,
}

impl Reload {
    /// Begins with what the start has read from `folder`; `forge` as in [`Config::sound`].
    pub(super) fn new(folder: &Path, forge: bool, workers: WorkersFile, rulebook: Rulebook) -> Self {
        telemetry::rules_reload_failed(false);
        Self {
            folder: folder.to_owned(),
            forge,
            started_with: workers,
            in_force: Arc::new(ArcSwap::from_pointee(rulebook)),
            failure: ArcSwapOption::empty(),
        }
    }

    /// What decides, for those who look each time.
    pub(super) fn rulebook(&self) -> Arc<ArcSwap<Rulebook>> {
        Arc::clone(&self.in_force)
    }

    /// The rules that decide now.
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.in_force.load().rules)
    }

    /// Why the files on disk are not in force; `None` while they are.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.load().as_deref().cloned()
    }

    /// Reloads on each SIGHUP and each change of a file, until it is told to stop.
    pub(super) async fn watch(
        self: Arc<Self>,
        mut changes: Changes,
        mut hangup: Signal,
        mut stop: watch::Receiver<bool>,
    ) {
        while !*stop.borrow() {
            tokio::select! {
                _ = hangup.recv() => tracing::info!("SIGHUP: the rules are read again"),
                () = changes.settled() => {}
                _ = stop.changed() => break,
            }
            let reload = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || reload.reload()).await {
                tracing::error!(%error, "the rules could not be read again: {error}");
            }
        }
    }

    /// Puts the files on disk in force, or keeps what is.
    fn reload(&self) {
        match self.read() {
            Ok(rulebook) => self.replace(rulebook),
            Err(error) => self.keep(&format!("{error:#}")),
        }
    }

    fn read(&self) -> anyhow::Result<Rulebook> {
        let (workers, rules) = Config::read(&self.folder)?.sound(self.forge)?;
        if !workers.same_sites(&self.started_with) {
            bail!(
                "{WORKERS} names other sites than at the start, or reaches them in another way: \
                 restart Conduit to take the whole set"
            );
        }
        let backends = self.in_force.load().backends.with_projects(|site| workers.projects(site))?;
        Ok(Rulebook { rules: Arc::new(rules), backends })
    }

    fn replace(&self, rulebook: Rulebook) {
        let hash = rulebook.rules.hash().to_owned();
        let before = self.in_force.swap(Arc::new(rulebook));
        let mended = self.failure.swap(None).is_some();
        telemetry::rules_reload_failed(false);
        if mended || before.rules.hash() != hash {
            tracing::info!(rules = hash, before = before.rules.hash(), "rules {hash} are in force");
        } else {
            tracing::debug!(rules = hash, "the rules are as they were");
        }
    }

    fn keep(&self, why: &str) {
        let hash = self.rules().hash().to_owned();
        tracing::error!(rules = hash, "the rules on disk are not taken; {hash} stays in force: {why}");
        telemetry::rules_reload_failed(true);
        let shown = why.get(..why.floor_char_boundary(SHOWN)).unwrap_or_default();
        self.failure.store(Some(Arc::new(shown.to_owned())));
    }
}

/// Notices of changes in the configuration folder; the store may stand there, too.
pub(super) fn changes(folder: &Path) -> Changes {
    Changes::below(folder, may_hold_rules)
}

fn may_hold_rules(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let parent = path.parent().and_then(Path::file_name);
    let statemachines = OsStr::new("statemachines");
    // Kubernetes swaps a folder whose name begins with two dots, and touches nothing else.
    let swapped = || name.as_encoded_bytes().starts_with(b"..");
    name == WORKERS || name == statemachines || parent == Some(statemachines) || swapped()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_hold_rules_is_a_change() {
        for path in [
            "/c/workers.yaml",
            "/c/statemachines",
            "/c/statemachines/jira.hcl",
            "/c/statemachines/pay.txt",
            "/c/..data",
            "/c/..2026_11_22/x",
        ] {
            assert_eq!(may_hold_rules(Path::new(path)), path != "/c/..2026_11_22/x", "{path}");
        }
        for path in ["/c/conduit.db-wal", "/c/notes.md", "/c"] {
            assert!(!may_hold_rules(Path::new(path)), "{path}");
        }
    }
}
