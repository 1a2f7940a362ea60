//! The composition root: the one place that chooses implementations and puts the rooms together.
//!
//! | file | what it does |
//! |---|---|
//! | `bootstrap` | what the first start makes: the master key, the first administrator |
//! | [`board`] | a project's board as Jira shows it |
//! | [`rules`] | the configuration folder, read and checked |
//! | `changes` | notices of changed files |
//! | [`checked`], [`rule_paths`] | rule files looked over, with nothing started; which files a path means |
//! | [`sites`] | the ticket systems that `workers.yaml` names |
//! | `door` | who may come in, and the forge's own list of its addresses |
//! | [`dumps`] | no core dump of a process that holds keys |
//! | `in_force` | what the API shows of the configuration |
//! | `presence` | the process says to the store that it is at work |
//! | `reload` | the rulebook, read anew on SIGHUP and when a file changes |
//! | [`rotation`] | stored secrets, sealed anew under another master key |
//! | `spool` | the store, with the spool before it if there is one |
//! | [`service`] | one running process: listeners and workers, started and stopped |
//! | `signals` | what tells the process to stop |
//! | `tls` | the certificate of the public listener, read anew when it is renewed |

pub mod board;
mod bootstrap;
mod changes;
pub mod checked;
mod door;
pub mod dumps;
mod in_force;
mod presence;
mod reload;
pub mod rotation;
pub mod rule_paths;
pub mod rules;
pub mod service;
mod signals;
pub mod sites;
mod spool;
mod tls;

pub use bootstrap::keyring_at_hand;
pub use spool::StoppedWaiting;
pub use tls::certificates;

use std::sync::Arc;

use crate::clock::Clock;
use crate::settings::StoreUrl;
use crate::store::copy::Copyable;
use crate::store::redis::RedisStore;
use crate::store::sqlite::{SqliteFile, SqliteStore};
use crate::store::{Result, Store};

/// Opens the store at an address.
pub async fn open_store(url: &StoreUrl, clock: &Clock) -> Result<Arc<dyn Store>> {
    Ok(match url {
        StoreUrl::Sqlite(path) => Arc::new(SqliteStore::open(path, clock.clone())?),
        StoreUrl::Redis(url) => Arc::new(RedisStore::open(url.0.expose(), clock.clone()).await?),
    })
}

/// Opens the store at an address to be copied from or to: for itself alone, where its kind can see to that.
pub async fn open_to_copy(url: &StoreUrl, clock: &Clock) -> Result<Box<dyn Copyable>> {
    Ok(match url {
        StoreUrl::Sqlite(path) => Box::new(SqliteFile::open(path, clock.clone())?),
        StoreUrl::Redis(url) => Box::new(RedisStore::open_to_copy(url.0.expose(), clock.clone()).await?),
    })
}
