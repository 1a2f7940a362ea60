//! The HTTP room: the door that forges deliver to, and the API that people ask.
//!
//! One application factory serves production and tests alike; the listener is handed in. A request is
//! checked by its extractor (`extract`, over `rights` and `fields`), a delivery by `door` (who may try), `ingest` (the order of
//! the checks and the I/O) and `intake` (what its bytes amount to, pure); everything that is not done is answered from one table
//! (`error`).

mod answer;
mod audit;
mod body;
mod cache;
mod describe;
mod door;
mod error;
mod extract;
mod fields;
mod guard;
mod ingest;
mod intake;
mod keep;
mod rights;
mod routes;
mod unread;

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use rustls::ServerConfig;
use url::Url;

use crate::clock::Clock;
use crate::machine::RuleSet;
use crate::secrets::Keyring;
use crate::secrets::token::Token;
use crate::store::Store;
use crate::telemetry::Metrics;

use audit::Refusals;
use body::Budget;
use cache::{Fresh, Hooks};
use door::Door;
pub use door::{AllowList, DoorConfig, Published, Rate};
pub use error::ApiError;
use keep::BodyKeeper;
pub use rights::{RIGHTS, Reach, Right};
use routes::Route;
use routes::health::Health;

/// How long a sender whose body is refused may go on sending, so that it gets to read why.
const LINGER: Duration = Duration::from_secs(2);

/// How many connections a thread serves at once; more wait to be accepted. Each has buffers of its own.
const MOST_CONNECTIONS: usize = 1024;

/// The API description of both listeners, OpenAPI 3.1, as `GET /conduit/openapi.json` answers it.
pub fn description() -> serde_json::Value {
    describe::document(&routes::public(), &routes::management())
}

/// What is chosen at start, beyond the parts themselves.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Threads that serve requests.
    pub workers: usize,
    /// Events older than this are recorded and do not act; `None`: no event is too old.
    pub max_event_age: Option<Duration>,
    /// Whether raw bodies are kept for the event log.
    pub keep_payloads: bool,
    /// Where the outside reaches this service.
    pub public_url: Option<Url>,
    /// Whether the management listener asks for a token before it shows metrics and details.
    pub management_token_required: bool,
    /// How long a sender may take for its body; for its headers, two seconds more.
    pub body_timeout: Duration,
    /// The memory that bodies may take together while they are read and verified.
    pub body_memory: usize,
    /// How long requests in flight may take when the service stops.
    pub shutdown_timeout: Duration,
    /// Who may try to deliver, and how often.
    pub door: DoorConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            max_event_age: Some(Duration::from_hours(7 * 24)),
            keep_payloads: true,
            public_url: None,
            management_token_required: false,
            body_timeout: Duration::from_secs(8),
            body_memory: 128 * 1024 * 1024,
            shutdown_timeout: Duration::from_secs(20),
            door: DoorConfig::default(),
        }
    }
}

/// What the API shows of the configuration in force; `app` hands it in.
pub trait InForce: Send + Sync {
    /// The rule set that decides now; `None` while none is loaded.
    fn rules(&self) -> Option<Arc<RuleSet>>;
    /// The names of the configured sites.
    fn sites(&self) -> Vec<String>;
    /// Why the rules on disk are not those in force; `None` while they are.
    fn reload_failed(&self) -> Option<String>;
}

/// The parts that the HTTP room works with, but for the store, which may be away when a process begins.
pub struct HttpParts {
    /// Opens and seals the hooks' secrets.
    pub keyring: Arc<Keyring>,
    /// The configuration in force.
    pub in_force: Arc<dyn InForce>,
    /// What is counted.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    /// What was chosen at start.
    pub config: HttpConfig,
}

/// The HTTP room of one process, shared by its listeners.
#[derive(Clone)]
pub struct Http(Arc<Room>);

/// It listens before there is a store, or an orchestrator would take the process for dead, and a forge would meet a
/// closed port: until then it says that it lives, that it is not ready, and to all else that it is to come back.
struct Room {
    parts: HttpParts,
    state: OnceLock<Arc<State>>,
    /// Why there is no store yet.
    awaited: Mutex<String>,
}

/// What every route shares.
struct State {
    store: Arc<dyn Store>,
    keyring: Arc<Keyring>,
    in_force: Arc<dyn InForce>,
    metrics: Metrics,
    clock: Clock,
    config: HttpConfig,
    hooks: Hooks,
    tokens: Fresh<Vec<Token>>,
    refusals: Refusals,
    health: Fresh<Health>,
    keeper: Option<BodyKeeper>,
    budget: Arc<Budget>,
    door: Door,
    stopping: AtomicBool,
}

impl State {
    fn new(store: Arc<dyn Store>, parts: &HttpParts) -> Self {
        let HttpParts { keyring, in_force, metrics, clock, config } = parts;
        Self {
            keeper: config.keep_payloads.then(|| BodyKeeper::start(Arc::clone(&store))),
            store,
            keyring: Arc::clone(keyring),
            in_force: Arc::clone(in_force),
            metrics: metrics.clone(),
            clock: clock.clone(),
            hooks: Hooks::default(),
            tokens: Fresh::default(),
            refusals: Refusals::default(),
            health: Fresh::default(),
            budget: Budget::new(config.body_memory),
            door: Door::new(config.door.clone()),
            stopping: AtomicBool::new(false),
            config: config.clone(),
        }
    }
}

impl Http {
    /// Puts the parts together. What it serves waits for [`Http::open`].
    pub fn new(parts: HttpParts) -> Self {
        let awaited = Mutex::new("it is being opened".to_owned());
        Self(Arc::new(Room { parts, state: OnceLock::new(), awaited }))
    }

    /// There is no store yet, and why; for the management listener.
    pub fn awaits(&self, why: String) {
        *self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// From now on everything is served, on this store; the first one stays. Must be called within a tokio runtime.
    pub fn open(&self, store: Arc<dyn Store>) {
        self.0.state.get_or_init(|| Arc::new(State::new(store, &self.0.parts)));
    }

    /// Serves the public routes on `listener` until the server is stopped.
    ///
    /// The server is a future to be awaited or spawned; its handle stops it.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Server> {
        self.public(listener, None)
    }

    /// The same behind TLS.
    pub fn serve_tls(&self, listener: TcpListener, tls: ServerConfig) -> io::Result<Server> {
        self.public(listener, Some(tls))
    }

    /// Serves the management routes on `listener` until the server is stopped.
    pub fn serve_management(&self, listener: TcpListener) -> io::Result<Server> {
        self.run((listener, None), 1, routes::management, false)
    }

    /// From now on `/readyz` says that no new request should be sent here.
    pub fn stop_being_ready(&self) {
        if let Some(state) = self.0.state.get() {
            state.stopping.store(true, Ordering::Release);
        }
    }

    /// Returns when all raw bodies that are to be kept are kept.
    pub async fn bodies_kept(&self) {
        if let Some(keeper) = self.0.state.get().and_then(|state| state.keeper.as_ref()) {
            keeper.idle().await;
        }
    }

    fn public(&self, listener: TcpListener, tls: Option<ServerConfig>) -> io::Result<Server> {
        let config = &self.0.parts.config;
        // Browsers heed it over TLS alone, which a proxy may have ended.
        let https = tls.is_some() || config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        self.run((listener, tls), config.workers, routes::public, https)
    }

    fn run(
        &self,
        (listener, tls): (TcpListener, Option<ServerConfig>),
        workers: usize,
        listed: fn() -> Vec<Route>,
        https: bool,
    ) -> io::Result<Server> {
        let http = Data::new(self.clone());
        let config = &self.0.parts.config;
        let app = move || {
            App::new()
                .app_data(Data::clone(&http))
                .configure(|config| routes::mount(listed(), config))
                .default_service(web::to(guard::not_found))
                .wrap(from_fn(guard::guard))
                .wrap(guard::security_headers(https))
        };
        let server = HttpServer::new(app)
            .workers(workers)
            .worker_max_blocking_threads(4)
            .max_connections(MOST_CONNECTIONS)
            // actix counts this for a chunked body too, and its own answer to it is empty: ours comes first.
            .client_request_timeout(config.body_timeout + LINGER)
            .client_disconnect_timeout(LINGER)
            .keep_alive(Duration::from_secs(75))
            .shutdown_timeout(config.shutdown_timeout.as_secs())
            .tls_handshake_timeout(config.body_timeout)
            .disable_signals();
        let server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls)?,
            None => server.listen(listener)?,
        };
        Ok(server.run())
    }
}
