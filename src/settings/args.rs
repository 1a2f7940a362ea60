//! The commands that are given every setting, and what holds between settings of different topics.
#![allow(clippy::doc_markdown, reason = "these doc comments are the text of --help, not Markdown")]

use std::path::PathBuf;

use clap::Args;

use super::{
    ListenArgs, SettingError, Settings, StoreArgs, StoreUrl, TraceArgs, WebSettings, WorkArgs, WorkSettings,
    address, duration,
};

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
