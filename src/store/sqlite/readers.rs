//! Readers beside the writer: a few connections that see what was committed last.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::store::{Result, StoreError};

use super::schema;

/// How many read at once.
const MOST: usize = 4;

/// A small pool. Connections are opened when they are first needed.
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Arc::default(), places: Arc::new(Semaphore::new(MOST)) }
    }

    /// Runs `question` on a connection of its own, off the async threads, in one consistent view.
    pub(super) async fn ask<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let stopped = |why: String| StoreError::Unavailable(format!("its readers have stopped: {why}"));
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|e| stopped(e.to_string()))?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let answered = tokio::task::spawn_blocking(move || {
            let used = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut conn = used.map_or_else(|| schema::open_reader(&path), Ok)?;
            let view = conn.transaction()?;
            let answer = question(&view);
            view.finish()?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            drop(place);
            answer
        });
        answered.await.map_err(|e| stopped(e.to_string()))?
    }
}
