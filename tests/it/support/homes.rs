//! A place for each kind of store to live in while one test runs.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::store::Store;
use conduit::store::sqlite::SqliteStore;
use tempfile::TempDir;

/// Where a test's store keeps its data. Nothing of it is shared with another test.
pub(crate) trait Home: Sized {
    /// An empty one.
    async fn new() -> Self;
    /// A store on it. May be called again, for a second process or after [`Home::restart`].
    async fn open(&self, clock: &Clock) -> Arc<dyn Store>;
    /// Stops and starts again whatever outlives a Conduit process: a database server.
    async fn restart(&mut self);
}

/// A database file in a folder of its own.
pub(crate) struct Sqlite {
    folder: TempDir,
}

impl Home for Sqlite {
    async fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        let path = self.folder.path().join("data").join("conduit.db");
        Arc::new(SqliteStore::open(&path, clock.clone()).unwrap())
    }

    async fn restart(&mut self) {}
}

/// A Redis server of the test's own.
pub(crate) struct Redis(crate::support::redis::Redis);

impl Home for Redis {
    async fn new() -> Self {
        Self(crate::support::redis::Redis::start().await)
    }

    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        Arc::new(conduit::store::redis::RedisStore::open(&self.0.url(), clock.clone()).await.unwrap())
    }

    async fn restart(&mut self) {
        self.0.kill();
        self.0.start_again().await;
    }
}
