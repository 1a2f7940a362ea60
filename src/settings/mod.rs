//! Flags, environment and files, read once into validated structs.
//!
//! Every setting is a flag and an environment variable (`conduit serve --help` is their reference). A
//! wrong one stops the start with its name, what was found and what is allowed. `args` puts together what a command
//! takes; the other files have each its topic: the flags, with their words in `--help`, and their check.

mod args;
mod door;
mod listen;
mod site;
mod store;
mod traces;
mod work;
mod workers;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::clock::parse_duration;
use crate::secrets::Secret;

pub use args::{ConfigArgs, EverySetting, LogArgs, ServeArgs, WorkerArgs};
pub use door::{AllowSettings, DoorArgs, DoorSettings, TlsSettings};
pub use listen::ListenArgs;
pub use site::{Login, SiteConfig};
pub use store::{SealedStoreArgs, StoreArgs};
pub use traces::TraceArgs;
pub use work::{GitHubArgs, JiraArgs, WorkArgs};
pub use workers::{OneOrMany, SiteEntry, WorkerEntry, WorkersFile};

/// A setting that is missing or wrong.
#[derive(Debug, thiserror::Error)]
pub struct SettingError {
    /// The variable's name.
    pub name: String,
    /// What was found; never a secret.
    pub found: String,
    /// What is allowed, or what to do.
    pub allowed: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  = help: {}", self.name, self.found, self.allowed)
    }
}

impl SettingError {
    /// A setting that has a wrong value.
    pub fn wrong(name: &str, value: &str, allowed: impl Into<String>) -> Self {
        Self { name: name.into(), found: format!("found `{value}`"), allowed: allowed.into() }
    }

    /// A setting that is not there.
    pub fn missing(name: &str, help: impl Into<String>) -> Self {
        Self { name: name.into(), found: "it is not set".into(), allowed: help.into() }
    }
}

/// Which store, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of the embedded store.
    Sqlite(PathBuf),
    /// A Redis server, with its credentials.
    Redis(RedisUrl),
}

impl StoreUrl {
    /// Reads the address that `name` gives.
    pub fn parse(name: &str, address: &str) -> Result<Self, SettingError> {
        store::store_url(name, address)
    }
}

/// A Redis address. Prints without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(pub Secret);

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = Url::parse(self.0.expose()).ok().and_then(|url| url.host_str().map(str::to_owned));
        write!(f, "RedisUrl({})", host.unwrap_or_default())
    }
}

/// The settings of `conduit serve` and `conduit worker`, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `CONDUIT_CONFIG`.
    pub config: PathBuf,
    /// `CONDUIT_STORE` or `REDIS_URL`.
    pub store: StoreUrl,
    /// `CONDUIT_ADMIN_TOKEN`.
    pub admin_token: Option<Secret>,
    /// `CONDUIT_SECRET_KEY` or the content of `CONDUIT_SECRET_KEY_FILE`.
    pub secret_key: Option<Secret>,
    /// `CONDUIT_RETENTION`.
    pub retention: Duration,
    /// `CONDUIT_MANAGEMENT_LISTEN`.
    pub management_listen: SocketAddr,
    /// Work is done in this process.
    pub work: Option<WorkSettings>,
    /// Deliveries are taken in by this process.
    pub web: Option<WebSettings>,
}

/// What a process that takes deliveries in needs.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// `CONDUIT_LISTEN`.
    pub listen: SocketAddr,
    /// `CONDUIT_PUBLIC_URL`.
    pub public_url: Option<Url>,
    /// `CONDUIT_KEEP_PAYLOADS`.
    pub keep_payloads: bool,
    /// `CONDUIT_MAX_EVENT_AGE`; `None`: events of any age act.
    pub max_event_age: Option<Duration>,
    /// `CONDUIT_SPOOL`; `None`: deliveries are refused while the store is away.
    pub spool: Option<SpoolSettings>,
    /// Who may come in, how often, and behind which certificate.
    pub door: DoorSettings,
}

/// Where deliveries wait while the store is away.
#[derive(Debug, Clone)]
pub struct SpoolSettings {
    /// `CONDUIT_SPOOL`.
    pub folder: PathBuf,
    /// `CONDUIT_SPOOL_SIZE`, in bytes.
    pub size: u64,
}

/// What a process that moves tickets needs.
#[derive(Debug, Clone)]
pub struct WorkSettings {
    /// `CONDUIT_WORKERS`.
    pub tickets_at_once: usize,
    /// `CONDUIT_LEASE`.
    pub lease: Duration,
    /// The Jira site of the environment, for workers without a `site` of their own.
    pub site: SiteConfig,
    /// Where to read what a payload lacks; `None` without a `GITHUB_TOKEN`.
    pub github: Option<GitHubSettings>,
}

/// How to reach GitHub's API.
#[derive(Debug, Clone)]
pub struct GitHubSettings {
    /// `GITHUB_TOKEN`.
    pub token: Secret,
    /// `GITHUB_API_URL`.
    pub api_url: Url,
}

/// Reads a number of bytes as people write it: `1GiB`, `512MiB`, `2GB`, `1048576`.
fn bytes(text: &str) -> Option<u64> {
    const UNITS: &[(&str, u64)] = &[
        ("", 1),
        ("B", 1),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, size) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

/// Reads a length of time, or says what is wrong with it.
fn duration(name: &str, text: &str) -> Result<Duration, SettingError> {
    parse_duration(text)
        .ok_or_else(|| SettingError::wrong(name, text, "a length of time such as 30d, 12h, 45m or 90s"))
}

fn address(name: &str, text: &str) -> Result<SocketAddr, SettingError> {
    text.parse().map_err(|_| {
        SettingError::wrong(name, text, "an address and a port, such as 127.0.0.1:9091 or [::]:9091")
    })
}

/// Reads an http(s) address.
fn http_url(name: &str, text: &str) -> Result<Url, SettingError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in
            [("1GiB", 1 << 30), ("512 mib", 512 << 20), ("2GB", 2_000_000_000), ("4096", 4096)]
        {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for nonsense in ["", "GiB", "-1", "1.5GiB", "1 parsec", "99999999999TiB"] {
            assert_eq!(bytes(nonsense), None, "{nonsense}");
        }
    }
}
