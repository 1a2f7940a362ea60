//! The flags, each with its variable, its default and its words in `--help`; and their check.
#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these doc comments are the text of --help, not Markdown"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use url::Url;

use super::{
    DoorArgs, GitHubSettings, RedisUrl, SettingError, Settings, SiteConfig, SpoolSettings, StoreUrl,
    WebSettings, WorkSettings, bytes, duration,
};
use crate::secrets::Secret;
use crate::telemetry::SpanConfig;

/// Less would be full before it was of any use.
const SMALLEST_SPOOL: u64 = 1 << 20;

/// Where the rules are.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Folder with workers.yaml and statemachines/
    #[arg(long, env = "CONDUIT_CONFIG", default_value = "config", value_name = "DIR")]
    pub config: PathBuf,
}

/// How to log.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// What to log: a level, or a filter such as `info,conduit::jira=debug`
    #[arg(long, env = "CONDUIT_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// How to log: `text` or `json`
    #[arg(long, env = "CONDUIT_LOG_FORMAT", default_value = "text", value_name = "FORMAT", value_parser = ["text", "json"])]
    pub log_format: String,
}

/// Where to send OpenTelemetry's traces.
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// Sends a trace of each event to this collector, by OTLP over HTTP, e.g. http://127.0.0.1:4318; credentials go into OTEL_EXPORTER_OTLP_HEADERS [default: none, no traces]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub otlp_endpoint: Option<String>,
    /// Which events are traced: `always_on`, `always_off` or `traceidratio`; also with `parentbased_` before it
    #[arg(long, env = "OTEL_TRACES_SAMPLER", default_value = "always_on", value_name = "SAMPLER")]
    pub traces_sampler: String,
    /// The share of events that `traceidratio` traces, from 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_name = "SHARE")]
    pub traces_sampler_arg: String,
}

/// Where the store is, and what opens the secrets in it.
#[derive(Debug, Clone, Args)]
pub struct SealedStoreArgs {
    /// The store: `sqlite:PATH` or `redis://…`, `redis+sentinel://…`, `redis+cluster://…` [default: sqlite:data/conduit.db]
    #[arg(long, env = "CONDUIT_STORE", value_name = "URL", hide_env_values = true)]
    pub store: Option<String>,
    /// Another name for --store
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// 32 bytes in base64 that encrypt stored secrets, then older keys that still open them, apart by commas [default: made beside the SQLite file; required with Redis]
    #[arg(long, env = "CONDUIT_SECRET_KEY", value_name = "BASE64", hide_env_values = true)]
    pub secret_key: Option<String>,
    /// A file that holds CONDUIT_SECRET_KEY
    #[arg(long, env = "CONDUIT_SECRET_KEY_FILE", value_name = "PATH")]
    pub secret_key_file: Option<PathBuf>,
}

/// The store and what protects it.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// The store itself.
    #[command(flatten)]
    pub sealed: SealedStoreArgs,
    /// The first administrator's token [default: made at the first start; required with Redis]
    #[arg(long, env = "CONDUIT_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,
    /// How long finished events stay readable
    #[arg(long, env = "CONDUIT_RETENTION", default_value = "30d", value_name = "TIME")]
    pub retention: String,
    /// Where health and metrics are served
    #[arg(long, env = "CONDUIT_MANAGEMENT_LISTEN", default_value = "127.0.0.1:9093", value_name = "ADDR")]
    pub management_listen: String,
}

/// Where deliveries come in.
#[derive(Debug, Clone, Args)]
pub struct ListenArgs {
    /// Where webhooks and the API are served
    #[arg(long, env = "CONDUIT_LISTEN", default_value = "127.0.0.1:9091", value_name = "ADDR")]
    pub listen: String,
    /// Where the outside reaches this service, e.g. https://conduit.example.com
    #[arg(long, env = "CONDUIT_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Keep raw bodies for the event log: `yes` or `no`
    #[arg(long, env = "CONDUIT_KEEP_PAYLOADS", default_value = "yes", value_name = "YES|NO")]
    pub keep_payloads: String,
    /// Events older than this are recorded and do not act; 0: none is too old
    #[arg(long, env = "CONDUIT_MAX_EVENT_AGE", default_value = "7d", value_name = "TIME")]
    pub max_event_age: String,
    /// Where deliveries wait while Redis is away, on storage that outlives the process [default: none, they get 503]
    #[arg(long, env = "CONDUIT_SPOOL", value_name = "DIR")]
    pub spool: Option<String>,
    /// The bytes that the spool may take
    #[arg(long, env = "CONDUIT_SPOOL_SIZE", default_value = "1GiB", value_name = "SIZE")]
    pub spool_size: String,
    /// Who may come in.
    #[command(flatten)]
    pub door: DoorArgs,
}

/// How tickets are worked on.
#[derive(Debug, Clone, Args)]
pub struct WorkArgs {
    /// Tickets worked on at once
    #[arg(long = "workers", env = "CONDUIT_WORKERS", default_value = "16", value_name = "N")]
    pub workers: String,
    /// How long a ticket stays with a worker that gives no sign of life; the same for all processes of a store
    #[arg(long, env = "CONDUIT_LEASE", default_value = "30s", value_name = "TIME")]
    pub lease: String,
    /// The Jira site.
    #[command(flatten)]
    pub jira: JiraArgs,
    /// What a payload lacks.
    #[command(flatten)]
    pub github: GitHubArgs,
}

/// The Jira site, for workers in workers.yaml that do not name one of their own.
#[derive(Debug, Clone, Default, Args)]
pub struct JiraArgs {
    /// The Jira site, e.g. https://acme.atlassian.net
    #[arg(long, env = "ATLASSIAN_DOMAIN_URL", value_name = "URL")]
    pub atlassian_domain_url: Option<String>,
    /// Cloud: the account's e-mail address; Data Center: a user
    #[arg(long, env = "ATLASSIAN_EMAIL", value_name = "EMAIL")]
    pub atlassian_email: Option<String>,
    /// Cloud: an API token; Data Center: the user's password
    #[arg(long, env = "ATLASSIAN_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub atlassian_api_key: Option<String>,
    /// Data Center: a personal access token
    #[arg(long, env = "ATLASSIAN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub atlassian_token: Option<String>,
}

/// GitHub's API, for rules that ask for the files or the commits of a pull request.
#[derive(Debug, Clone, Args)]
pub struct GitHubArgs {
    /// Reads pull requests: a rule with `paths`, or with `commits` among its `keys`, needs it
    #[arg(long, env = "GITHUB_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub github_token: Option<String>,
    /// GitHub's API; on an Enterprise server https://HOST/api/v3
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com", value_name = "URL")]
    pub github_api_url: String,
}

/// The flags of `conduit serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The rules.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The listeners.
    #[command(flatten)]
    pub listen: ListenArgs,
    /// The workers.
    #[command(flatten)]
    pub work: WorkArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
    /// The traces.
    #[command(flatten)]
    pub traces: TraceArgs,
    /// Take deliveries in, but leave the work to `conduit worker`
    #[arg(long)]
    pub no_workers: bool,
}

/// Every setting of `conduit serve`, to be looked over.
#[derive(Debug, Clone, Args)]
pub struct EverySetting {
    /// The rules.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The listeners.
    #[command(flatten)]
    pub listen: ListenArgs,
    /// The workers.
    #[command(flatten)]
    pub work: WorkArgs,
    /// The traces.
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// The flags of `conduit worker`.
#[derive(Debug, Clone, Args)]
pub struct WorkerArgs {
    /// The rules.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The workers.
    #[command(flatten)]
    pub work: WorkArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
    /// The traces.
    #[command(flatten)]
    pub traces: TraceArgs,
}

impl ServeArgs {
    /// Checks every setting.
    pub fn settings(&self) -> Result<Settings, SettingError> {
        let work = if self.no_workers { None } else { Some(self.work.check()?) };
        settings(&self.config, &self.store, work, Some(self.listen.check(&self.work.github)?))
    }
}

impl EverySetting {
    /// Checks every setting.
    pub fn settings(&self) -> Result<Settings, SettingError> {
        self.traces.check()?;
        settings(
            &self.config,
            &self.store,
            Some(self.work.check()?),
            Some(self.listen.check(&self.work.github)?),
        )
    }
}

impl WorkerArgs {
    /// Checks every setting.
    pub fn settings(&self) -> Result<Settings, SettingError> {
        settings(&self.config, &self.store, Some(self.work.check()?), None)
    }
}

fn settings(
    config: &ConfigArgs,
    store: &StoreArgs,
    work: Option<WorkSettings>,
    web: Option<WebSettings>,
) -> Result<Settings, SettingError> {
    let url = store.sealed.url()?;
    let settings = Settings {
        config: config.config.clone(),
        admin_token: store.admin_token()?,
        secret_key: store.sealed.secret_key()?,
        retention: duration("CONDUIT_RETENTION", &store.retention)?,
        management_listen: address("CONDUIT_MANAGEMENT_LISTEN", &store.management_listen)?,
        store: url,
        work,
        web,
    };
    settings.check_redis_needs()?;
    settings.check_spool()?;
    Ok(settings)
}

impl Settings {
    /// Several machines share a Redis, so what one would make for itself must be given to all.
    fn check_redis_needs(&self) -> Result<(), SettingError> {
        if !matches!(self.store, StoreUrl::Redis(_)) {
            return Ok(());
        }
        if self.admin_token.is_none() && self.web.is_some() {
            let help =
                "with Redis, set the first administrator's token (make one with: openssl rand -hex 32)";
            return Err(SettingError::missing("CONDUIT_ADMIN_TOKEN", help));
        }
        if self.secret_key.is_none() {
            let help = "with Redis, set the key that encrypts stored secrets (make one with: openssl rand -base64 32)";
            return Err(SettingError::missing("CONDUIT_SECRET_KEY", help));
        }
        Ok(())
    }
}

impl Settings {
    /// Beside an embedded store, a spool would be a second file on the same kind of disk.
    fn check_spool(&self) -> Result<(), SettingError> {
        match (&self.web, &self.store) {
            (Some(WebSettings { spool: Some(_), .. }), StoreUrl::Sqlite(_)) => Err(SettingError {
                name: "CONDUIT_SPOOL".into(),
                found: "it is set beside an embedded store, which is never away while its disk is there"
                    .into(),
                allowed: "leave it unset, or use Redis".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl SealedStoreArgs {
    /// The address of the store.
    pub fn url(&self) -> Result<StoreUrl, SettingError> {
        match (&self.store, &self.redis_url) {
            (Some(store), Some(redis)) if store != redis => Err(SettingError {
                name: "CONDUIT_STORE and REDIS_URL".into(),
                found: "both are set, and differ".into(),
                allowed: "set one of them".into(),
            }),
            (Some(url), _) => store_url("CONDUIT_STORE", url),
            (None, Some(url)) => store_url("REDIS_URL", url),
            (None, None) => Ok(StoreUrl::Sqlite("data/conduit.db".into())),
        }
    }

    /// The master keys as they were given.
    pub fn secret_key(&self) -> Result<Option<Secret>, SettingError> {
        match (&self.secret_key, &self.secret_key_file) {
            (Some(key), _) => Ok(Some(Secret::new(key.trim()))),
            (None, Some(path)) => read_secret("CONDUIT_SECRET_KEY_FILE", path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl StoreArgs {
    fn admin_token(&self) -> Result<Option<Secret>, SettingError> {
        let short = "at least 16 characters without spaces (make one with: openssl rand -hex 32)";
        match self.admin_token.as_deref() {
            Some(token) if token.len() < 16 || token.contains(char::is_whitespace) => Err(SettingError {
                name: "CONDUIT_ADMIN_TOKEN".into(),
                found: "it is too short, or holds spaces".into(),
                allowed: short.into(),
            }),
            token => Ok(token.map(Secret::new)),
        }
    }
}

impl TraceArgs {
    /// Where traces go and how many; [`None`]: nowhere.
    pub fn check(&self) -> Result<Option<SpanConfig>, SettingError> {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        // As OpenTelemetry has it, a variable that is empty is not set.
        let Some(url) = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        let endpoint =
            Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        // The address is not repeated: it may hold a password.
        let wrong = |found: &str| {
            SettingError {
            name: ENDPOINT.into(),
            found: found.into(),
            allowed: "an http or https address such as http://127.0.0.1:4318; credentials go into OTEL_EXPORTER_OTLP_HEADERS".into(),
        }
        };
        let endpoint = endpoint.ok_or_else(|| wrong("it is not an address"))?;
        if !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.query().is_some() {
            return Err(wrong("it holds credentials or a query"));
        }
        Ok(Some(SpanConfig { endpoint, share: self.share()? }))
    }

    fn share(&self) -> Result<f64, SettingError> {
        // A delivery has no parent, so what a sampler makes of one makes no difference.
        let sampler = self.traces_sampler.as_str();
        match sampler.strip_prefix("parentbased_").unwrap_or(sampler) {
            "always_on" | "" => Ok(1.0),
            "always_off" => Ok(0.0),
            "traceidratio" => {
                let share = self.traces_sampler_arg.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                share.ok_or_else(|| {
                    SettingError::wrong(
                        "OTEL_TRACES_SAMPLER_ARG",
                        &self.traces_sampler_arg,
                        "a number from 0 to 1",
                    )
                })
            }
            _ => Err(SettingError::wrong(
                "OTEL_TRACES_SAMPLER",
                sampler,
                "always_on, always_off or traceidratio, also with parentbased_ before it",
            )),
        }
    }
}

impl ListenArgs {
    fn check(&self, github: &GitHubArgs) -> Result<WebSettings, SettingError> {
        let age = duration("CONDUIT_MAX_EVENT_AGE", &self.max_event_age)?;
        Ok(WebSettings {
            listen: address("CONDUIT_LISTEN", &self.listen)?,
            public_url: self
                .public_url
                .as_deref()
                .map(|url| http_url("CONDUIT_PUBLIC_URL", url))
                .transpose()?,
            keep_payloads: yes_or_no("CONDUIT_KEEP_PAYLOADS", &self.keep_payloads)?,
            max_event_age: (!age.is_zero()).then_some(age),
            spool: self.spool()?,
            door: self.door.check(github.api_url()?)?,
        })
    }

    fn spool(&self) -> Result<Option<SpoolSettings>, SettingError> {
        let Some(folder) = self.spool.as_ref().filter(|folder| !folder.is_empty()) else { return Ok(None) };
        match bytes(&self.spool_size).filter(|size| *size >= SMALLEST_SPOOL) {
            Some(size) => Ok(Some(SpoolSettings { folder: folder.into(), size })),
            None => Err(SettingError::wrong(
                "CONDUIT_SPOOL_SIZE",
                &self.spool_size,
                "a size of 1MiB or more, such as 512MiB or 10GiB",
            )),
        }
    }
}

impl WorkArgs {
    fn check(&self) -> Result<WorkSettings, SettingError> {
        let Ok(tickets_at_once @ 1..=1024) = self.workers.parse() else {
            return Err(SettingError::wrong("CONDUIT_WORKERS", &self.workers, "a number from 1 to 1024"));
        };
        let (lease, site) = (lease(&self.lease)?, self.jira.site());
        Ok(WorkSettings { tickets_at_once, lease, site, github: self.github.check()? })
    }
}

/// Shorter, requests to Jira would have no time; longer, a dead worker's tickets would stand still.
fn lease(text: &str) -> Result<Duration, SettingError> {
    let lease = duration("CONDUIT_LEASE", text)?;
    if (Duration::from_secs(3)..=Duration::from_mins(5)).contains(&lease) {
        return Ok(lease);
    }
    Err(SettingError::wrong("CONDUIT_LEASE", text, "a length of time from 3s to 5m"))
}

impl GitHubArgs {
    fn api_url(&self) -> Result<Url, SettingError> {
        http_url("GITHUB_API_URL", &self.github_api_url)
    }

    fn check(&self) -> Result<Option<GitHubSettings>, SettingError> {
        let api_url = self.api_url()?;
        match self.github_token.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Some(GitHubSettings { token: Secret::new(token), api_url }))
            }
            Some(_) => Err(SettingError {
                name: "GITHUB_TOKEN".into(),
                found: "it holds spaces or characters that no token has".into(),
                allowed: "a token of GitHub's, such as github_pat_…".into(),
            }),
        }
    }
}

impl JiraArgs {
    /// The site as the environment describes it; whether it is whole is checked when a worker needs it. A variable
    /// that is set to nothing is not set: a compose file passes on what nobody gave it as that.
    pub fn site(&self) -> SiteConfig {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let secret = |value: &Option<String>| given(value).map(Secret::new);
        SiteConfig {
            url: given(&self.atlassian_domain_url),
            email: given(&self.atlassian_email),
            api_key: secret(&self.atlassian_api_key),
            token: secret(&self.atlassian_token),
            ..SiteConfig::default()
        }
    }
}

/// How the address of a Redis may begin; the store reads the rest.
const REDIS: &[&str] =
    &["redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"];

/// Reads a store's address.
pub(super) fn store_url(name: &str, url: &str) -> Result<StoreUrl, SettingError> {
    const ALLOWED: &str = "sqlite:PATH, redis://HOST:PORT/DB, redis+sentinel://HOST,HOST/MASTER or \
                           redis+cluster://HOST,HOST; with TLS rediss in place of redis";
    // The address is not repeated: it may hold a password.
    let wrong = || SettingError {
        name: name.into(),
        found: "it is not the address of a store".into(),
        allowed: ALLOWED.into(),
    };
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(StoreUrl::Sqlite(PathBuf::from(path))),
        Some((scheme, rest)) if REDIS.contains(&scheme) && rest.starts_with("//") => {
            Ok(StoreUrl::Redis(RedisUrl(Secret::new(url))))
        }
        _ => Err(wrong()),
    }
}

fn address(name: &str, text: &str) -> Result<SocketAddr, SettingError> {
    text.parse().map_err(|_| {
        SettingError::wrong(name, text, "an address and a port, such as 127.0.0.1:9091 or [::]:9091")
    })
}

/// Reads an http(s) address.
pub(super) fn http_url(name: &str, text: &str) -> Result<Url, SettingError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(SettingError::wrong(name, text, "an http or https address, such as https://example.com")),
    }
}

fn yes_or_no(name: &str, text: &str) -> Result<bool, SettingError> {
    match text {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err(SettingError::wrong(name, text, "yes or no")),
    }
}

fn read_secret(name: &str, path: &Path) -> Result<Secret, SettingError> {
    std::fs::read_to_string(path).map(|text| Secret::new(text.trim())).map_err(|error| SettingError {
        name: name.into(),
        found: format!("{} cannot be read: {error}", path.display()),
        allowed: "a file that this process may read".into(),
    })
}
