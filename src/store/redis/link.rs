//! The connections to Redis.
//!
//! * *Lanes* carry the short calls: ingest, hooks, jobs. A few multiplexed connections, each thread keeping to
//!   one: measured a quarter faster than one shared by all. They mend themselves.
//! * The *pool* carries questions with long answers, which would hold up others on a lane.
//! * *Waiters* block in BLPOP, one call to a connection. Whoever stops waiting drops its connection: an
//!   abandoned blocking call would stay live on the socket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use deadpool_redis::{Pool, PoolError, Runtime};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError};
use redis::{ScriptInvocation, ServerErrorKind};

use super::error::code;
use crate::store::{Result, StoreError};

/// How long a short call may take. Longer than a slow fsync, shorter than a forge's patience.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a long answer may take.
const LONG_ANSWER: Duration = Duration::from_secs(10);
/// Connections in the pool.
const POOL: usize = 8;

static NEXT_LANE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LANE: usize = NEXT_LANE.fetch_add(1, Ordering::Relaxed);
}

/// All connections of one store.
pub(super) struct Link {
    client: Client,
    lanes: Vec<ArcSwap<ConnectionManager>>,
    pool: Pool,
    waiters: Mutex<Vec<MultiplexedConnection>>,
}

impl Link {
    /// Prepares connections; none is made yet.
    pub(super) fn new(client: Client) -> Result<Self> {
        let lanes = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 16));
        let lanes = (0..lanes)
            .map(|_| Ok(ArcSwap::from_pointee(manager(&client)?)))
            .collect::<std::result::Result<_, RedisError>>()?;
        Ok(Self { lanes, pool: pool(&client)?, waiters: Mutex::default(), client })
    }

    /// Runs a script on this thread's lane, loading it where the server does not know it.
    pub(super) async fn script<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T> {
        self.on_lane(Call::Script(call)).await
    }

    /// Runs a short command on this thread's lane.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.on_lane(Call::Command(command)).await
    }

    /// Runs short commands on this thread's lane in one round trip.
    pub(super) async fn commands<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T> {
        self.on_lane(Call::Commands(commands)).await
    }

    /// Asks for long answers, in one round trip, on a pooled connection.
    pub(super) async fn ask<T: FromRedisValue>(&self, questions: &Pipeline) -> Result<T> {
        let mut connection = self.pool.get().await.map_err(from_pool)?;
        Ok(questions.query_async(&mut connection).await?)
    }

    /// Waits until one of the lists has something, and takes it off, or until `most` is over.
    pub(super) async fn wait(&self, lists: &[String], most: Duration) {
        let waiting = async {
            let idle = self.waiters.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.waiter().await?,
            };
            let mut call = redis::cmd("BLPOP");
            // Zero would mean for ever.
            call.arg(lists).arg(most.as_secs_f64().max(0.01));
            call.query_async::<Option<(String, Vec<u8>)>>(&mut connection).await?;
            self.waiters.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok::<(), RedisError>(())
        };
        let patience = most.saturating_add(Duration::from_millis(500));
        if let Ok(Err(_)) = tokio::time::timeout(patience, waiting).await {
            // Redis is away: the caller's next look will say so. Do not let it spin.
            tokio::time::sleep(most).await;
        }
    }

    async fn waiter(&self) -> std::result::Result<MultiplexedConnection, RedisError> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Runs a call on this thread's lane; once more when the lane turns out to be broken, because a server
    /// that was restarted while nobody asked anything is there again. All calls bear a repetition: what is
    /// written twice is the same, and a claim whose answer got lost runs out.
    async fn on_lane<T: FromRedisValue>(&self, call: Call<'_>) -> Result<T> {
        let lane = &self.lanes[LANE.with(|lane| *lane) % self.lanes.len()];
        let used = lane.load_full();
        match call.run(&used).await {
            Err(error) if wants_new_connection(&error) => {
                lane.compare_and_swap(&used, Arc::new(manager(&self.client)?));
                if !error.is_connection_dropped() {
                    return Err(error.into());
                }
                Ok(call.run(&lane.load_full()).await?)
            }
            answer => Ok(answer?),
        }
    }
}

/// Something short to ask.
enum Call<'a> {
    Script(&'a ScriptInvocation<'a>),
    Command(&'a Cmd),
    Commands(&'a Pipeline),
}

impl Call<'_> {
    async fn run<T: FromRedisValue>(&self, lane: &ConnectionManager) -> std::result::Result<T, RedisError> {
        let mut lane = lane.clone();
        match self {
            Self::Script(script) => script.invoke_async(&mut lane).await,
            Self::Command(command) => command.query_async(&mut lane).await,
            Self::Commands(commands) => commands.query_async(&mut lane).await,
        }
    }
}

/// A manager reconnects by itself, but the first call that finds it broken or away fails, and it keeps a
/// failed greeting (still loading, a password changed meanwhile) and a silent socket for ever. So each of
/// these gets a new one, which connects when it is asked next.
fn wants_new_connection(error: &RedisError) -> bool {
    let greeting = [ErrorKind::AuthenticationFailed, ErrorKind::Server(ServerErrorKind::BusyLoading)];
    error.is_io_error() || greeting.contains(&error.kind()) || code(error).as_deref() == Some("NOAUTH")
}

fn manager(client: &Client) -> std::result::Result<ConnectionManager, RedisError> {
    // No retries within a call: a forge is waiting. The next call tries again.
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER))
        .set_pipeline_buffer_size(1024);
    client.get_connection_manager_lazy(config)
}

fn pool(client: &Client) -> Result<Pool> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(LONG_ANSWER));
    let manager = deadpool_redis::Manager::new_with_config(client.get_connection_info().clone(), config)?;
    Pool::builder(manager)
        .max_size(POOL)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(LONG_ANSWER))
        .recycle_timeout(Some(ANSWER))
        .build()
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn from_pool(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => error.into(),
        other => StoreError::Unavailable(format!("no connection to Redis: {other}")),
    }
}
