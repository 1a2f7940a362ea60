//! One running process: its listeners, its workers, and how they stop.
//!
//! `serve`, `worker`, `demo` and the end-to-end tests all start the same service.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::door::Keeper;
use super::in_force::Configuration;
use super::reload::{self, Reload};
use super::rules::Config;
use super::signals::Signals;
use super::spool;
use super::tls::Certificate;
use super::{bootstrap, door, presence, sites};
use crate::clock::Clock;
use crate::forge_api::{ForgeApi, GitHub};
use crate::http::{AllowList, Http, HttpConfig, HttpParts};
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
    signals: Signals,
    stop: watch::Sender<bool>,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Service {
    /// Starts everything that the settings ask for. It listens at once; when it returns, deliveries are taken in.
    pub async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let metrics = Metrics::install()?;
        // Begun before the rules are read and the store is there, so that no notice and no signal is missed meanwhile.
        let (changes, hangup) = (reload::changes(&settings.config), signal(SignalKind::hangup())?);
        let signals = Signals::new()?;
        let (reload, sites) = rules_in_force(&settings, &clock)?;
        let keyring = Arc::new(bootstrap::keyring(&settings)?);
        let in_force = Configuration { reload: Arc::clone(&reload), sites };
        let (http, networks) = new_http(&settings, in_force, &keyring, metrics.clone(), &clock);
        let mut service = Self::listen(&settings, http, signals)?;
        let begun = service.begin(&settings, &keyring, &reload, networks, &clock);
        if let Err(error) = Box::pin(begun).await {
            service.close().await;
            return Err(error);
        }
        let stopped = service.stop.subscribe();
        service.keep(async move { reload.watch(changes, hangup, stopped).await });
        // Ends with the process; it has nothing to finish.
        tokio::spawn(metrics.upkeep());
        Ok(service)
    }

    /// Listens where the settings say.
    fn listen(settings: &Settings, http: Http, signals: Signals) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut servers = Vec::new();
        let (management, server) =
            listen(settings.management_listen, "CONDUIT_MANAGEMENT_LISTEN", |l| http.serve_management(l))?;
        servers.push(server.handle());
        tasks.spawn(async { server.await.context("the management listener failed") });
        let mut address = None;
        if let Some(web) = &settings.web {
            let (bound, server) = listen_publicly(web, &http, &mut tasks, &stopped)?;
            servers.push(server.handle());
            tasks.spawn(async { server.await.context("the public listener failed") });
            address = Some(bound);
        }
        Ok(Self { address, management, http, servers, signals, stop, tasks })
    }

    /// Waits for the store, and begins the work on it.
    async fn begin(
        &mut self,
        settings: &Settings,
        keyring: &Keyring,
        reload: &Reload,
        networks: Option<Keeper>,
        clock: &Clock,
    ) -> anyhow::Result<()> {
        if let Some(keeper) = networks {
            let (keeper, stopped) = (keeper.begin().await, self.stop.subscribe());
            self.keep(keeper.keep(stopped));
        }
        let opened = spool::open(settings, keyring, clock, &self.http, &mut self.signals);
        let (store, spool) = Box::pin(opened).await?;
        let work = settings.work.as_ref();
        let worker = work.map(|work| new_worker(settings, work, reload, &store, clock)).transpose()?;
        self.http.open(Arc::clone(&store));
        if let Some(address) = self.address {
            tracing::info!(bound = %address, "taking deliveries in on {address}");
        }
        self.keep(presence::keep(store, self.stop.subscribe()));
        if let Some(spool) = spool {
            self.keep(Box::pin(spool.keep(self.stop.subscribe())));
        }
        if let Some(worker) = worker {
            // In a box of its own: what a worker does is too deep a nest for the compiler to measure at once.
            let stopped = self.stop.subscribe();
            self.keep(async move { Box::pin(worker.run(stopped)).await });
        }
        Ok(())
    }

    /// Lets a task run until the process stops.
    fn keep(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async {
            task.await;
            Ok(())
        });
    }

    /// Takes back a start that came to nothing.
    async fn close(self) {
        self.stop.send_replace(true);
        for server in &self.servers {
            server.stop(false).await;
        }
    }

    /// Runs until the process is told to stop (SIGTERM, SIGINT) or a part of it fails, then stops cleanly.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let failed = tokio::select! {
            () = self.signals.stop() => None,
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

/// The rules, and the names of the sites that they are for.
fn rules_in_force(settings: &Settings, clock: &Clock) -> anyhow::Result<(Arc<Reload>, Vec<String>)> {
    // A process that only takes deliveries in asks nobody.
    let forge = settings.work.as_ref().is_none_or(|work| work.github.is_some());
    let (workers, rules) = Config::read(&settings.config)?.sound(forge).context("nothing was started")?;
    tracing::info!(rules = rules.hash(), "rules {} are in force", rules.hash());
    let backends = match &settings.work {
        Some(work) => {
            sites::backends(&workers, &work.site, WorkerConfig::request_timeout(work.lease), clock)?
        }
        None => Backends::new(),
    };
    let rulebook = Rulebook { rules: Arc::new(rules), backends };
    let sites = workers.workers.keys().cloned().collect();
    Ok((Arc::new(Reload::new(&settings.config, forge, workers, rulebook)), sites))
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
    keyring: &Arc<Keyring>,
    metrics: Metrics,
    clock: &Clock,
) -> (Http, Option<Keeper>) {
    let (allow, keeper) = settings.web.as_ref().map_or((None, None), |web| door::allow_list(&web.door));
    let http = Http::new(HttpParts {
        keyring: Arc::clone(keyring),
        in_force: Arc::new(in_force),
        metrics,
        clock: clock.clone(),
        config: http_config(settings, allow),
    });
    (http, keeper)
}

fn http_config(settings: &Settings, allow: Option<AllowList>) -> HttpConfig {
    let common = HttpConfig {
        management_token_required: !settings.management_listen.ip().is_loopback(),
        ..HttpConfig::default()
    };
    match &settings.web {
        Some(WebSettings { public_url, keep_payloads, max_event_age, door, .. }) => HttpConfig {
            public_url: public_url.clone(),
            keep_payloads: *keep_payloads,
            max_event_age: *max_event_age,
            door: door::config(door, allow),
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

/// Starts the public listener, behind TLS when there is a certificate.
fn listen_publicly(
    web: &WebSettings,
    http: &Http,
    tasks: &mut JoinSet<anyhow::Result<()>>,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<(SocketAddr, Server)> {
    const SETTING: &str = "CONDUIT_LISTEN";
    door::warn_of_plain_http(web);
    let Some(files) = &web.door.tls else {
        return listen(web.listen, SETTING, |listener| http.serve(listener));
    };
    let (certificate, changes) = Certificate::load(files).context("nothing was started")?;
    let tls = certificate.server()?;
    let (hangup, stopped) = (signal(SignalKind::hangup())?, stopped.clone());
    tasks.spawn(async move {
        certificate.watch(changes, hangup, stopped).await;
        Ok(())
    });
    listen(web.listen, SETTING, |listener| http.serve_tls(listener, tls))
}

/// Binds an address and starts its server there.
fn listen(
    address: SocketAddr,
    setting: &str,
    serve: impl FnOnce(TcpListener) -> io::Result<Server>,
) -> anyhow::Result<(SocketAddr, Server)> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{setting}: {address} cannot be listened on (is another Conduit running?)")
    })?;
    let bound = listener.local_addr()?;
    Ok((bound, serve(listener)?))
}
