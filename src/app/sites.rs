//! The ticket systems that `workers.yaml` names, ready to be driven.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::jira::{
    self, Auth, Call, Credential, Dialect, GATEWAY, Gateway, JiraClient, Site, Survey, TOKEN_URL,
    TransitionCache,
};
use crate::settings::{Login, SettingError, SiteConfig, WorkerEntry, WorkersFile};
use crate::telemetry;
use crate::worker::Backends;
use crate::worker::processor::jira::Jira;
use crate::worker::processor::{Kind, ProjectTaken, ReadOnly, SiteMap};

/// Every worker of `workers.yaml`, with the site of the environment where it names none of its own.
pub(super) fn backends(
    file: &WorkersFile,
    environment: &SiteConfig,
    timeout: Duration,
    clock: &Clock,
) -> anyhow::Result<Backends> {
    let mut backends = Backends::new();
    // One for all: it tells sites apart.
    let transitions = TransitionCache::new();
    for (name, entry) in &file.workers {
        let processor = match kind(name, entry)? {
            Kind::Jira => {
                let client =
                    paced(client(name, &entry.site(name, environment)?, clock)?, entry).with_timeout(timeout);
                Arc::new(Jira::new(client, transitions.clone(), clock.clone()))
            }
        };
        backends.add(name, processor, &entry.projects)?;
        if let Some(most) = entry.tickets_at_once {
            backends.limit(name, most.get());
        }
    }
    Ok(backends)
}

/// The same, to be read and nothing else.
pub fn read_only(file: &WorkersFile, environment: &SiteConfig, clock: &Clock) -> anyhow::Result<ReadOnly> {
    backends(file, environment, jira::TIMEOUT, clock).map(ReadOnly::new)
}

/// The sites of the workers that drive Jira, each to be looked over and nothing else; or why one cannot be.
pub fn surveys(
    file: &WorkersFile,
    environment: &SiteConfig,
    clock: &Clock,
) -> Vec<(String, anyhow::Result<Survey>)> {
    let survey = |(name, entry): (&String, &WorkerEntry)| {
        let survey = kind(name, entry).map_err(anyhow::Error::from).and_then(|kind| match kind {
            Kind::Jira => client(name, &entry.site(name, environment)?, clock)
                .map(|client| Survey::new(paced(client, entry))),
        });
        (name.clone(), survey)
    };
    file.workers.iter().map(survey).collect()
}

/// Which site each project of `workers.yaml` lives on.
pub fn map(file: &WorkersFile) -> Result<SiteMap, ProjectTaken> {
    let mut map = SiteMap::default();
    for (name, entry) in &file.workers {
        map.add(name, &entry.projects)?;
    }
    Ok(map)
}

fn kind(name: &str, entry: &WorkerEntry) -> Result<Kind, SettingError> {
    let wanted = entry.processor.as_deref().unwrap_or(name);
    Kind::named(wanted).ok_or_else(|| {
        let names: Vec<_> = Kind::names().collect();
        let help = format!("one of: {} (as the worker's name or its `processor`)", names.join(", "));
        SettingError::wrong(&format!("workers.{name}.processor"), wanted, help)
    })
}

/// A client for the site of a worker.
pub fn client(name: &str, config: &SiteConfig, clock: &Clock) -> anyhow::Result<JiraClient> {
    let site = site(name, config)?;
    Ok(JiraClient::new(site, clock.clone())?.with_observer(Arc::new(count)))
}

/// A client that keeps to what the worker's entry allows it.
fn paced(client: JiraClient, entry: &WorkerEntry) -> JiraClient {
    match entry.requests_per_second {
        Some(most) => client.with_requests_per_second(most.get()),
        None => client,
    }
}

fn site(name: &str, config: &SiteConfig) -> Result<Site, SettingError> {
    let address = config.address()?;
    let auth = match config.login()? {
        Login::Basic(user, password) => Auth::Basic { user, password: Credential::new(password.expose()) },
        Login::Bearer(token) => Auth::Bearer { token: Credential::new(token.expose()) },
        Login::Client(id, secret) => {
            let token_url = config.token_url(TOKEN_URL)?;
            Auth::Client { id, secret: Credential::new(secret.expose()), token_url }
        }
    };
    let mut site = Site::new(name, address, auth);
    if let Some(dialect) = &config.dialect {
        site.dialect = dialect_named(config, dialect)?;
    }
    let gateway = config.gateway(GATEWAY)?;
    site.gateway = gateway.map(|url| Gateway { url, cloud_id: config.cloud_id.clone() });
    if let (Dialect::DataCenter, Some(_)) = (site.dialect, &site.gateway) {
        return Err(config.cloud_only());
    }
    site.ca_file.clone_from(&config.ca_file);
    site.proxy = config.proxy.as_ref().map(|proxy| Credential::new(proxy.expose()));
    Ok(site)
}

fn dialect_named(config: &SiteConfig, name: &str) -> Result<Dialect, SettingError> {
    match name {
        "cloud" => Ok(Dialect::Cloud),
        "datacenter" => Ok(Dialect::DataCenter),
        _ => Err(SettingError::wrong(&config.name_of("dialect"), name, "cloud or datacenter")),
    }
}

fn count(call: &Call) {
    telemetry::jira_request(call.call, call.status, Duration::from_millis(call.ms));
}
