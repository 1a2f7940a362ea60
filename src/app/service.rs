//! One running process: its listeners, its workers, and how they stop.
//!
//! `serve`, `worker`, `demo` and the end-to-end tests all start the same service.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::in_force::Configuration;
use super::reload::{Changes, Reload};
use super::rules::Config;
use super::spool::{self, Spool};
use super::{bootstrap, sites};
use crate::clock::Clock;
use crate::forge_api::{ForgeApi, GitHub};
use crate::http::{Http, HttpConfig, HttpParts};
use crate::secrets::Keyring;
use crate::settings::{GitHubSettings, Settings, WebSettings, WorkSettings};
use crate::store::Store;
use crate::telemetry::{Metrics, flush_spans};
use crate::worker::{Backends, Rulebook, Worker, WorkerConfig};

/// The longest that a clean stop takes, as the contract promises.
const STOPS_WITHIN: Duration = Duration::from_secs(25);

/// A running process.
pub struct Service {
    /// Where deliveries come in, when they do.
    pub address: Option<SocketAddr>,
    /// Where health and metrics are.
    pub management: SocketAddr,
    http: Http,
    servers: Vec<ServerHandle>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Service {
    /// Starts everything that the settings ask for. When it returns, deliveries are taken in.
    pub async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let metrics = Metrics::install()?;
        // A process that only takes deliveries in asks nobody.
        let forge = settings.work.as_ref().is_none_or(|work| work.github.is_some());
        let changes = Changes::of(&settings.config);
        let (workers, rules) = Config::read(&settings.config)?.sound(forge).context("nothing was started")?;
        tracing::info!(rules = rules.hash(), "rules {} are in force", rules.hash());
        let backends = match &settings.work {
            Some(work) => {
                sites::backends(&workers, &work.site, WorkerConfig::request_timeout(work.lease), &clock)?
            }
            None => Backends::new(),
        };
        let rulebook = Rulebook { rules: Arc::new(rules), backends };
        let sites = workers.workers.keys().cloned().collect();
        let reload = Arc::new(Reload::new(&settings.config, forge, workers, rulebook));
        let keyring = Arc::new(bootstrap::keyring(&settings)?);
        let (store, spool) = spool::open(&settings, &keyring, &clock).await?;
        let worker = match &settings.work {
            Some(work) => Some(new_worker(&settings, work, &reload, &store, &clock)?),
            None => None,
        };
        let in_force = Configuration { reload: Arc::clone(&reload), sites };
        let http = new_http(&settings, in_force, &store, &keyring, metrics.clone(), &clock);
        Self::launch(&settings, http, (worker, spool), (reload, changes), metrics)
    }

    fn launch(
        settings: &Settings,
        http: Http,
        (worker, spool): (Option<Worker>, Option<Spool>),
        (reload, changes): (Arc<Reload>, Changes),
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut servers = Vec::new();
        let (management, server) =
            listen(settings.management_listen, "CONDUIT_MANAGEMENT_LISTEN", |l| http.serve_management(l))?;
        servers.push(server.handle());
        tasks.spawn(async { server.await.context("the management listener failed") });
        let mut address = None;
        if let Some(web) = &settings.web {
            let (bound, server) = listen(web.listen, "CONDUIT_LISTEN", |listener| http.serve(listener))?;
            servers.push(server.handle());
            tasks.spawn(async { server.await.context("the public listener failed") });
            address = Some(bound);
            tracing::info!(%bound, "taking deliveries in on {bound}");
        }
        let (hangup, stopped_too) = (signal(SignalKind::hangup())?, stopped.clone());
        tasks.spawn(async move {
            reload.watch(changes, hangup, stopped_too).await;
            Ok(())
        });
        if let Some(spool) = spool {
            let stopped = stopped.clone();
            tasks.spawn(async move {
                spool.keep(stopped).await;
                Ok(())
            });
        }
        if let Some(worker) = worker {
            tasks.spawn(async move {
                worker.run(stopped).await;
                Ok(())
            });
        }
        // Ends with the process; it has nothing to finish.
        tokio::spawn(metrics.upkeep());
        Ok(Self { address, management, http, servers, stop, tasks })
    }

    /// Runs until the process is told to stop (SIGTERM, SIGINT) or a part of it fails, then stops cleanly.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let failed = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            Some(ended) = self.tasks.join_next() => Some(ended),
        };
        self.stop().await;
        match failed {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }

    /// Stops: unready, no new claims, requests in flight answered, work finished or handed back.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.http.stop_being_ready();
        self.stop.send_replace(true);
        let finish = async {
            for server in &self.servers {
                server.stop(true).await;
            }
            while self.tasks.join_next().await.is_some() {}
            self.http.bodies_kept().await;
            flush_spans().await;
        };
        if tokio::time::timeout(STOPS_WITHIN, finish).await.is_err() {
            tracing::warn!("not everything was finished in {STOPS_WITHIN:?}; leases give the rest back");
        }
    }
}

fn new_worker(
    settings: &Settings,
    work: &WorkSettings,
    reload: &Reload,
    store: &Arc<dyn Store>,
    clock: &Clock,
) -> anyhow::Result<Worker> {
    let forge = work.github.as_ref().map(|github| github_api(github, clock)).transpose()?;
    let config = WorkerConfig {
        concurrency: work.tickets_at_once,
        retention: settings.retention,
        ..WorkerConfig::new(worker_name()?).with_lease(work.lease)
    };
    Ok(Worker::new(Arc::clone(store), reload.rulebook(), forge, clock.clone(), config))
}

fn github_api(settings: &GitHubSettings, clock: &Clock) -> anyhow::Result<Arc<dyn ForgeApi>> {
    let GitHubSettings { token, api_url } = settings;
    Ok(Arc::new(GitHub::new(api_url.clone(), token.expose(), clock.clone())?))
}

fn new_http(
    settings: &Settings,
    in_force: Configuration,
    store: &Arc<dyn Store>,
    keyring: &Arc<Keyring>,
    metrics: Metrics,
    clock: &Clock,
) -> Http {
    Http::new(HttpParts {
        store: Arc::clone(store),
        keyring: Arc::clone(keyring),
        in_force: Arc::new(in_force),
        metrics,
        clock: clock.clone(),
        config: http_config(settings),
    })
}

fn http_config(settings: &Settings) -> HttpConfig {
    let common = HttpConfig {
        management_token_required: !settings.management_listen.ip().is_loopback(),
        ..HttpConfig::default()
    };
    match &settings.web {
        Some(WebSettings { public_url, keep_payloads, max_event_age, .. }) => HttpConfig {
            public_url: public_url.clone(),
            keep_payloads: *keep_payloads,
            max_event_age: *max_event_age,
            ..common
        },
        None => common,
    }
}

/// A name that no other running process has: the machine's, the process's, and a random part, because two
/// containers may agree on both.
fn worker_name() -> anyhow::Result<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(format!("{}-{}-{:08x}", host.trim(), std::process::id(), getrandom::u32()?))
}

/// Binds an address and starts its server there.
fn listen(
    address: SocketAddr,
    setting: &str,
    serve: impl FnOnce(TcpListener) -> io::Result<actix_web::dev::Server>,
) -> anyhow::Result<(SocketAddr, actix_web::dev::Server)> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{setting}: {address} cannot be listened on (is another Conduit running?)")
    })?;
    let bound = listener.local_addr()?;
    Ok((bound, serve(listener)?))
}
