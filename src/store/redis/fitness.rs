//! Whether a Redis can carry Conduit's promises, and what its operator should know about it.
//!
//! Judged over plain data: what INFO says, and what CONFIG GET says where it is allowed (managed services
//! forbid it). Of a cluster, each master is judged.

use std::collections::HashMap;

use crate::store::{Result, StoreError};

/// The oldest version that works: scripts with flags came with it.
const OLDEST: u32 = 7;

/// What a server says about itself.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// Host and port.
    pub(super) name: String,
    /// INFO, name and value.
    pub(super) info: HashMap<String, String>,
    /// CONFIG GET, when it is allowed.
    pub(super) config: Option<HashMap<String, String>>,
}

impl Server {
    /// Reads the answer of INFO.
    pub(super) fn new(name: String, info: &str, config: Option<HashMap<String, String>>) -> Self {
        let pairs = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        Self { name, info: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), config }
    }

    fn info(&self, name: &str) -> &str {
        self.info.get(name).map(String::as_str).unwrap_or_default()
    }

    fn config(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.get(name).map(String::as_str)
    }

    /// The eviction policy: part of INFO, which is never forbidden.
    fn eviction(&self) -> &str {
        self.config("maxmemory-policy").unwrap_or_else(|| self.info("maxmemory_policy"))
    }

    /// Refuses a server on which what was accepted could vanish, or where nothing would work.
    pub(super) fn is_fit(&self, in_cluster: bool) -> Result<()> {
        let version = self.info("redis_version");
        let major = version.split('.').next().and_then(|text| text.parse::<u32>().ok());
        let eviction = self.eviction();
        let unfit = match major {
            None => "it does not say its version in INFO".to_owned(),
            Some(old) if old < OLDEST => {
                format!("it is version {version}: use Redis {OLDEST} or later, or Valkey")
            }
            Some(_) if self.info("role") == "slave" => {
                "it is a replica: name the primary in the address".to_owned()
            }
            Some(_) if !in_cluster && self.info("redis_mode") == "cluster" => {
                "it is a node of a cluster: begin the address with redis+cluster://".to_owned()
            }
            Some(_) if !eviction.is_empty() && eviction != "noeviction" => format!(
                "its maxmemory-policy is {eviction}, which throws away accepted events: set it to noeviction"
            ),
            Some(_) => return Ok(()),
        };
        Err(StoreError::Unfit(format!("Redis at {} cannot hold Conduit's events: {unfit}", self.name)))
    }

    /// What weakens the promise "accepted means durable", one sentence each.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |holds: bool, text: &str| {
            if holds {
                warnings.push(text.to_owned());
            }
        };
        let appends = self.info("aof_enabled") == "1";
        warn(
            !appends,
            "Redis keeps no append-only file (appendonly no): accepted events are lost when it stops; \
             set appendonly yes.",
        );
        if appends {
            warn(
                self.config.is_none(),
                "Redis does not allow CONFIG GET: whether appendfsync is always could not be checked.",
            );
            warn(
                self.config("appendfsync").is_some_and(|value| value != "always"),
                "Redis writes its file to disk once a second or less (appendfsync is not always): \
                 a crash can lose the events accepted since.",
            );
            warn(
                self.config("no-appendfsync-on-rewrite") == Some("yes"),
                "Redis does not sync its file while it rewrites it (no-appendfsync-on-rewrite yes): \
                 a crash then can lose accepted events.",
            );
        }
        warn(
            self.info("maxmemory") == "0",
            "Redis has no memory limit (maxmemory 0): a long backlog can get it killed; \
             set a limit below what the machine has.",
        );
        warn(
            self.config("cluster-require-full-coverage") == Some("yes")
                && self.info("redis_mode") == "cluster",
            "Redis takes nothing at all while one part of the cluster is away (cluster-require-full-coverage yes): \
             set it to no, and the other parts go on.",
        );
        warn(
            self.nearly_full(),
            "Redis has used more than nine tenths of its maxmemory: when it is full, deliveries are refused.",
        );
        warnings
    }

    fn nearly_full(&self) -> bool {
        let most = self.number("maxmemory");
        most > 0 && self.number("used_memory") > most / 10 * 9
    }

    fn number(&self, name: &str) -> u64 {
        self.info(name).parse().unwrap_or_default()
    }

    /// What weakens it where a replica takes over when a master goes away, and `wait` of them must have a
    /// delivery before it is accepted.
    fn warnings_of_failover(&self, wait: u32) -> Vec<String> {
        let replicas = self.number("connected_slaves");
        if replicas == 0 {
            return vec!["Redis has no replica: when it goes away, nothing takes over.".to_owned()];
        }
        if replicas < u64::from(wait) {
            let refused = format!(
                "Redis has {replicas} of the {wait} replicas that `wait` in its address asks for: \
                 no delivery is accepted."
            );
            return vec![refused];
        }
        let trailing = "Replicas are told after a delivery was accepted, so a failover can lose the last ones; \
                        with ?wait=1 in the address a replica has it first.";
        if wait == 0 { vec![trailing.to_owned()] } else { Vec::new() }
    }
}

/// What weakens the promise, over all masters; `fails_over` says how many replicas are waited for where there may
/// be a failover. What not all of them share names those that it is true of.
pub(super) fn warnings(servers: &[Server], fails_over: Option<u32>) -> Vec<String> {
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for server in servers {
        let of_failover = fails_over.map(|wait| server.warnings_of_failover(wait)).unwrap_or_default();
        for warning in server.warnings().into_iter().chain(of_failover) {
            match said.iter_mut().find(|(known, _)| *known == warning) {
                Some((_, names)) => names.push(&server.name),
                None => said.push((warning, vec![&server.name])),
            }
        }
    }
    let tell = |(warning, names): (String, Vec<&str>)| {
        if names.len() == servers.len() { warning } else { format!("{}: {warning}", names.join(", ")) }
    };
    said.into_iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\n\
        maxmemory:1000\r\nused_memory:10\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n\
        connected_slaves:1\r\n";

    fn server(change: (&str, &str), config: Option<&[(&str, &str)]>) -> Server {
        let config = config.map(|pairs| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
        Server::new("main:6379".into(), &GOOD.replace(change.0, change.1), config)
    }

    #[test]
    fn a_server_that_could_lose_or_refuse_events_is_refused_with_what_to_change() {
        assert!(server(("", ""), None).is_fit(false).is_ok());
        assert!(server(("standalone", "cluster"), None).is_fit(true).is_ok());
        for (change, expected) in [
            (("7.0.15", "6.2.14"), "version 6.2.14"),
            (("role:master", "role:slave"), "primary"),
            (("standalone", "cluster"), "redis+cluster://"),
            (("noeviction", "allkeys-lru"), "set it to noeviction"),
            (("redis_version", "x"), "does not say its version"),
        ] {
            let error = server(change, None).is_fit(false).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn each_weak_setting_is_one_sentence() {
        let safe: &[_] = &[("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no")];
        assert_eq!(server(("", ""), Some(safe)).warnings(), Vec::<String>::new());
        let weak: &[_] = &[("appendfsync", "everysec"), ("no-appendfsync-on-rewrite", "yes")];
        assert_eq!(server(("", ""), Some(weak)).warnings().len(), 2);
        let only = |change, config: Option<&[_]>| server(change, config).warnings().concat();
        assert!(only(("aof_enabled:1", "aof_enabled:0"), Some(safe)).contains("appendonly yes"));
        assert!(only(("maxmemory:1000", "maxmemory:0"), Some(safe)).contains("no memory limit"));
        assert!(only(("used_memory:10", "used_memory:950"), Some(safe)).contains("nine tenths"));
        assert!(only(("", ""), None).contains("could not be checked"));
    }

    #[test]
    fn what_a_failover_can_lose_is_said_and_what_only_some_servers_have_names_them() {
        let safe: &[_] = &[("appendfsync", "always")];
        let good = || server(("", ""), Some(safe));
        assert_eq!(warnings(&[good()], Some(1)), Vec::<String>::new());
        assert!(warnings(&[good()], Some(0)).concat().contains("?wait=1"));
        assert!(warnings(&[good()], Some(2)).concat().contains("1 of the 2 replicas"));
        let alone = Server { name: "other:1".into(), ..server(("slaves:1", "slaves:0"), Some(safe)) };
        let said = warnings(&[good(), alone], Some(1));
        assert!(said.len() == 1 && said[0].starts_with("other:1: Redis has no replica"), "{said:?}");
        let covered = [("appendfsync", "always"), ("cluster-require-full-coverage", "yes")];
        let cluster = server(("standalone", "cluster"), Some(&covered));
        assert!(warnings(&[cluster], None).concat().contains("set it to no"));
    }
}
