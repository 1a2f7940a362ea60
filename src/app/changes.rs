//! Notices of changed files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Files are often written one after another, and not in one go: so long must nothing have changed.
const QUIET: Duration = Duration::from_millis(200);
/// A folder that never rests is read anyway.
const AT_LAST: Duration = Duration::from_secs(5);

/// Notices of changes in some folders. Begun before the start reads them, so that none is missed.
pub(super) struct Changes {
    noticed: mpsc::Receiver<()>,
    /// Notices come as long as it lives.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Changes {
    /// Of whatever stands in `folder`, at any depth, and `matters`.
    pub(super) fn below(folder: &Path, matters: fn(&Path) -> bool) -> Self {
        Self::watch(&[folder.to_owned()], RecursiveMode::Recursive, "rule files", matters)
    }

    /// Of `files`. Their folders are watched: who renews a file often puts another in its place.
    pub(super) fn of(files: &[&Path], what: &str) -> Self {
        let folder = |file: &&Path| match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut folders: Vec<_> = files.iter().map(folder).collect();
        folders.dedup();
        Self::watch(&folders, RecursiveMode::NonRecursive, what, |_| true)
    }

    fn watch(folders: &[PathBuf], mode: RecursiveMode, what: &str, matters: fn(&Path) -> bool) -> Self {
        let (notice, noticed) = mpsc::channel(1);
        let watcher = begin(folders, mode, matters, notice);
        if let Err(error) = &watcher {
            tracing::warn!("changes of {what} are not noticed; SIGHUP reads them: {error:#}");
        }
        Self { noticed, _watcher: watcher.ok() }
    }

    /// Returns when something has changed, and then nothing for a while.
    pub(super) async fn settled(&mut self) {
        if self.noticed.recv().await.is_none() {
            // Nothing is watched.
            std::future::pending::<()>().await;
        }
        let quiet = async { while let Ok(Some(())) = timeout(QUIET, self.noticed.recv()).await {} };
        // A folder that never rests has had its time.
        let _ = timeout(AT_LAST, quiet).await;
    }
}

fn begin(
    folders: &[PathBuf],
    mode: RecursiveMode,
    matters: fn(&Path) -> bool,
    notice: mpsc::Sender<()>,
) -> anyhow::Result<notify::RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // What the system could not tell may have been a change.
        if event.is_ok_and(|event| !is_change(&event, matters)) {
            return;
        }
        // A notice that already waits is enough.
        let _ = notice.try_send(());
    };
    let mut watcher = notify::recommended_watcher(tell).context("no watch can be set up")?;
    for folder in folders {
        watcher.watch(folder, mode).with_context(|| format!("{} cannot be watched", folder.display()))?;
    }
    Ok(watcher)
}

/// Reading a file is an event, too.
fn is_change(event: &notify::Event, matters: fn(&Path) -> bool) -> bool {
    if event.kind.is_access() {
        return false;
    }
    event.need_rescan() || event.paths.iter().any(|path| matters(path))
}
