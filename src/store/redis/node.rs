//! The connections to one server.
//!
//! * *Lanes* carry the short calls: ingest, hooks, jobs. A few multiplexed connections, each thread keeping to
//!   one: measured a quarter faster than one shared by all. They mend themselves.
//! * The *pool* carries questions with long answers, which would hold up others on a lane, and whatever waits for
//!   replicas.
//! * *Waiters* block in BLPOP, one call to a connection. Whoever stops waiting drops its connection: an
//!   abandoned blocking call would stay live on the socket.
//!
//! None is made before it is needed.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use deadpool_redis::{Pool, PoolError, Runtime};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, Pipeline};
use redis::{RedisError, ScriptInvocation, ServerErrorKind};

use super::address;
use super::error::code;
use crate::store::{Result, StoreError};

/// How long a short call may take. Longer than a slow fsync, shorter than a forge's patience.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a connection may take to be made, TLS included.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a long answer may take.
const LONG_ANSWER: Duration = Duration::from_secs(10);
/// How long replicas may take to have a delivery, in milliseconds.
const REPLICAS_ANSWER_MS: u64 = 1500;
/// Connections in the pool.
const POOL: usize = 8;

static NEXT_LANE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LANE: usize = NEXT_LANE.fetch_add(1, Ordering::Relaxed);
}

/// Something to ask. All calls bear a repetition: what is written twice is the same, and a claim whose answer
/// got lost runs out.
#[derive(Clone, Copy)]
pub(super) enum Call<'a> {
    /// A script, loaded where the server does not know it.
    Script(&'a ScriptInvocation<'a>),
    /// A short command.
    Command(&'a Cmd),
    /// Short commands in one round trip.
    Commands(&'a Pipeline),
    /// Questions with long answers, in one round trip.
    Long(&'a Pipeline),
    /// A script whose writes so many replicas must have before it is answered.
    Replicated(&'a ScriptInvocation<'a>, &'a Replicas),
}

/// How many replicas must have a write.
pub(super) struct Replicas {
    /// How many.
    pub(super) number: u32,
    /// A key beside what is written. It is written too, because WAIT counts from its connection's own last
    /// write, and a repetition that finds everything done has none.
    pub(super) mark: String,
}

/// All connections to one server.
pub(super) struct Node {
    client: Client,
    lanes: Vec<ArcSwap<ConnectionManager>>,
    pool: Pool,
    waiters: Mutex<Vec<MultiplexedConnection>>,
}

impl Node {
    /// Prepares connections; none is made yet.
    pub(super) fn new(info: ConnectionInfo) -> Result<Self> {
        let client = Client::open(info)?;
        let lanes = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 16));
        let lanes = (0..lanes)
            .map(|_| Ok(ArcSwap::from_pointee(manager(&client)?)))
            .collect::<std::result::Result<_, RedisError>>()?;
        Ok(Self { lanes, pool: pool(&client)?, waiters: Mutex::default(), client })
    }

    /// Host and port.
    pub(super) fn name(&self) -> String {
        address::name(self.client.get_connection_info())
    }

    /// The host as it was given.
    pub(super) fn info(&self) -> &ConnectionInfo {
        self.client.get_connection_info()
    }

    /// Makes a call.
    pub(super) async fn run<T: FromRedisValue>(&self, call: Call<'_>) -> std::result::Result<T, RedisError> {
        match call {
            Call::Script(_) | Call::Command(_) | Call::Commands(_) => self.on_lane(call).await,
            Call::Long(questions) => questions.query_async(&mut self.pooled().await?).await,
            Call::Replicated(script, replicas) => Box::pin(self.replicated(script, replicas)).await,
        }
    }

    async fn pooled(&self) -> std::result::Result<deadpool_redis::Connection, RedisError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            other => io::Error::new(io::ErrorKind::TimedOut, other).into(),
        })
    }

    /// On a connection of its own: WAIT holds up whatever comes behind it.
    async fn replicated<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        replicas: &Replicas,
    ) -> std::result::Result<T, RedisError> {
        let mut connection = self.pooled().await?;
        let answer = script.invoke_async(&mut connection).await?;
        let mut wait = redis::pipe();
        wait.set(&replicas.mark, 1).ignore();
        wait.cmd("WAIT").arg(replicas.number).arg(REPLICAS_ANSWER_MS);
        let (have,): (u32,) = wait.query_async(&mut connection).await?;
        if have >= replicas.number { Ok(answer) } else { Err(too_few(have, replicas.number)) }
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
    /// that was restarted while nobody asked anything is there again.
    async fn on_lane<T: FromRedisValue>(&self, call: Call<'_>) -> std::result::Result<T, RedisError> {
        let lane = &self.lanes[LANE.with(|lane| *lane) % self.lanes.len()];
        let used = lane.load_full();
        match call.on(&used).await {
            Err(error) if wants_new_connection(&error) => {
                lane.compare_and_swap(&used, Arc::new(manager(&self.client)?));
                if error.is_connection_dropped() { call.on(&lane.load_full()).await } else { Err(error) }
            }
            answer => answer,
        }
    }
}

impl Call<'_> {
    async fn on<T: FromRedisValue>(self, lane: &ConnectionManager) -> std::result::Result<T, RedisError> {
        let mut lane = lane.clone();
        match self {
            Self::Script(script) | Self::Replicated(script, _) => script.invoke_async(&mut lane).await,
            Self::Command(command) => command.query_async(&mut lane).await,
            Self::Commands(commands) | Self::Long(commands) => commands.query_async(&mut lane).await,
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

/// As a server says it that has too few replicas to take a write at all.
fn too_few(have: u32, wanted: u32) -> RedisError {
    let detail = format!("{have} of the {wanted} replicas that `wait` asks for have it");
    redis::make_extension_error("NOREPLICAS".into(), Some(detail))
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
