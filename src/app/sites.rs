//! The ticket systems that `workers.yaml` names, ready to be driven.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::jira::{Auth, Call, Credential, Dialect, JiraClient, Site, TransitionCache};
use crate::settings::{Login, SettingError, SiteConfig, WorkerEntry, WorkersFile};
use crate::telemetry;
use crate::worker::Backends;
use crate::worker::processor::jira::Jira;
use crate::worker::processor::{Kind, ProjectTaken, ReadOnly, SiteMap};

/// Every worker of `workers.yaml`, with the site of the environment where it names none of its own.
pub(super) fn backends(
    file: &WorkersFile,
    environment: &SiteConfig,
    clock: &Clock,
) -> anyhow::Result<Backends> {
    let mut backends = Backends::new();
    // One for all: it tells sites apart.
    let transitions = TransitionCache::new();
    for (name, entry) in &file.workers {
        let processor = match kind(name, entry)? {
            Kind::Jira => Arc::new(jira(name, entry, &entry.site(environment)?, &transitions, clock)?),
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
    backends(file, environment, clock).map(ReadOnly::new)
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

fn jira(
    name: &str,
    entry: &WorkerEntry,
    config: &SiteConfig,
    transitions: &TransitionCache,
    clock: &Clock,
) -> anyhow::Result<Jira> {
    let address = config.address()?;
    let auth = match config.login()? {
        Login::Basic(user, password) => Auth::Basic { user, password: Credential::new(password.expose()) },
        Login::Bearer(token) => Auth::Bearer { token: Credential::new(token.expose()) },
    };
    let mut site = Site::new(name, address, auth);
    if let Some(dialect) = &config.dialect {
        site.dialect = dialect_named(name, dialect)?;
    }
    let mut client = JiraClient::new(site, clock.clone())?.with_observer(Arc::new(count));
    if let Some(most) = entry.requests_per_second {
        client = client.with_requests_per_second(most.get());
    }
    Ok(Jira::new(client, transitions.clone(), clock.clone()))
}

fn dialect_named(worker: &str, name: &str) -> Result<Dialect, SettingError> {
    match name {
        "cloud" => Ok(Dialect::Cloud),
        "datacenter" => Ok(Dialect::DataCenter),
        _ => Err(SettingError::wrong(&format!("workers.{worker}.site.dialect"), name, "cloud or datacenter")),
    }
}

fn count(call: &Call) {
    telemetry::jira_request(call.call, call.status, Duration::from_millis(call.ms));
}
