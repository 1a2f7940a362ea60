//! Where the store is, and what protects it.
#![allow(clippy::doc_markdown, reason = "these doc comments are the text of --help, not Markdown")]

use std::path::{Path, PathBuf};

use clap::Args;

use super::{RedisUrl, SettingError, StoreUrl};
use crate::secrets::Secret;

/// How the address of a Redis may begin; the store reads the rest.
const REDIS: &[&str] =
    &["redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"];

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
    pub(super) fn admin_token(&self) -> Result<Option<Secret>, SettingError> {
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

fn read_secret(name: &str, path: &Path) -> Result<Secret, SettingError> {
    std::fs::read_to_string(path).map(|text| Secret::new(text.trim())).map_err(|error| SettingError {
        name: name.into(),
        found: format!("{} cannot be read: {error}", path.display()),
        allowed: "a file that this process may read".into(),
    })
}
