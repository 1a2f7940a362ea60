//! A place for each kind of store to live in while one test runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use conduit::clock::Clock;
use conduit::store::copy::Copyable;
use conduit::store::redis::RedisStore;
use conduit::store::sqlite::{SqliteFile, SqliteStore};
use conduit::store::{Result, Store};
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

/// A home whose store can be copied.
pub(crate) trait CopyHome: Home {
    /// Its store, to be copied from or to.
    async fn open_to_copy(&self, clock: &Clock) -> Box<dyn Copyable>;
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
        Arc::new(self.try_open(clock).unwrap())
    }

    async fn restart(&mut self) {}
}

impl CopyHome for Sqlite {
    async fn open_to_copy(&self, clock: &Clock) -> Box<dyn Copyable> {
        Box::new(SqliteFile::open(&self.path(), clock.clone()).unwrap())
    }
}

impl Sqlite {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data").join("conduit.db")
    }

    pub(crate) fn try_open(&self, clock: &Clock) -> Result<SqliteStore> {
        SqliteStore::open(&self.path(), clock.clone())
    }
}

/// A Redis server of the test's own.
pub(crate) struct Redis(crate::support::redis::Redis);

impl Home for Redis {
    async fn new() -> Self {
        Self(crate::support::redis::Redis::start_careful().await)
    }

    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        Arc::new(self.try_open(clock).await.unwrap())
    }

    async fn restart(&mut self) {
        self.0.kill();
        self.0.start_again().await;
    }
}

impl CopyHome for Redis {
    async fn open_to_copy(&self, clock: &Clock) -> Box<dyn Copyable> {
        Box::new(RedisStore::open_to_copy(&self.0.url(), clock.clone()).await.unwrap())
    }
}

impl Redis {
    pub(crate) async fn try_open(&self, clock: &Clock) -> Result<RedisStore> {
        RedisStore::open(&self.0.url(), clock.clone()).await
    }
}

/// A Redis Cluster. It takes seconds to come up, so those that a test is done with are emptied and used again; the
/// last home that goes takes them with it.
pub(crate) struct Cluster {
    cluster: Option<crate::support::redis_cluster::Cluster>,
    idle: Idle,
}

type Idle = Arc<Mutex<Vec<crate::support::redis_cluster::Cluster>>>;

static IDLE: Mutex<Weak<Mutex<Vec<crate::support::redis_cluster::Cluster>>>> = Mutex::new(Weak::new());

impl Cluster {
    fn cluster(&mut self) -> &mut crate::support::redis_cluster::Cluster {
        self.cluster.as_mut().unwrap()
    }
}

impl Home for Cluster {
    async fn new() -> Self {
        let idle = {
            let mut known = IDLE.lock().unwrap();
            known.upgrade().unwrap_or_else(|| {
                let idle = Idle::default();
                *known = Arc::downgrade(&idle);
                idle
            })
        };
        let used = idle.lock().unwrap().pop();
        let cluster = match used {
            Some(cluster) => cluster,
            None => crate::support::redis_cluster::Cluster::start().await,
        };
        cluster.flush().await;
        Self { cluster: Some(cluster), idle }
    }

    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        let url = self.cluster.as_ref().unwrap().url();
        Arc::new(RedisStore::open(&url, clock.clone()).await.unwrap())
    }

    async fn restart(&mut self) {
        let cluster = self.cluster();
        for node in &mut cluster.nodes {
            node.kill();
            node.start_again().await;
        }
        cluster.settles().await;
    }
}

impl CopyHome for Cluster {
    async fn open_to_copy(&self, clock: &Clock) -> Box<dyn Copyable> {
        let url = self.cluster.as_ref().unwrap().url();
        Box::new(RedisStore::open_to_copy(&url, clock.clone()).await.unwrap())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.idle.lock().unwrap().extend(self.cluster.take());
    }
}

/// A Redis Cluster with a store that was created with one partition, so that its tickets have an order.
pub(crate) struct ClusterOfOnePartition(Cluster);

impl Home for ClusterOfOnePartition {
    async fn new() -> Self {
        let home = Cluster::new().await;
        home.cluster.as_ref().unwrap().create_with_partitions(1).await;
        Self(home)
    }

    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        self.0.open(clock).await
    }

    async fn restart(&mut self) {
        self.0.restart().await;
    }
}
