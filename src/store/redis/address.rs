//! The address of a Redis: one server, a master that Sentinels know, or a cluster.
//!
//! ```text
//! redis://[user:password@]host[:port][/db]                           one server
//! redis+sentinel://[user:password@]host[:port],…/MASTER              the master of that name
//!     [?db=N&sentinel_user=…&sentinel_password=…]
//! redis+cluster://[user:password@]host[:port],…                      some nodes; they name the others
//! rediss://…  rediss+sentinel://…  rediss+cluster://…                the same with TLS
//! ```
//!
//! All of them take `?ca=FILE` (who signed the servers' certificates, PEM) and `?wait=N` (how many replicas must have
//! a delivery before it is accepted). User, password and options may be percent-encoded. An error never repeats the
//! address: it may hold a password.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates,
};

use crate::store::{Result, StoreError};

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// An address that was read.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// Where the servers are found.
    pub(super) place: Place,
    /// How many replicas must have a delivery before it is accepted.
    pub(super) wait: u32,
}

/// Where the servers are found.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// One server.
    Server(ConnectionInfo),
    /// A master that may change: the Sentinels know.
    Sentinels {
        /// Whom to ask.
        sentinels: Vec<ConnectionInfo>,
        /// The name by which they know it.
        master: String,
        /// How to greet it; the host is put in.
        server: ConnectionInfo,
    },
    /// A cluster: each node knows who serves what.
    Cluster(Vec<ConnectionInfo>),
}

impl Address {
    /// Reads an address.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown_scheme)?;
        let tls = scheme == "rediss" || scheme.starts_with("rediss+");
        match scheme {
            "redis" | "rediss" | "unix" => Self::server(scheme, rest),
            "redis+sentinel" | "rediss+sentinel" => Parts::read(rest, tls)?.sentinels(),
            "redis+cluster" | "rediss+cluster" => Parts::read(rest, tls)?.cluster(),
            _ => Err(unknown_scheme()),
        }
    }

    /// One server; what is not ours of its options is for the client library.
    fn server(scheme: &str, rest: &str) -> Result<Self> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let ours = |pair: &&str| pair.starts_with("wait=") || pair.starts_with("ca=");
        let (mine, others): (Vec<_>, Vec<_>) =
            query.split('&').filter(|pair| !pair.is_empty()).partition(ours);
        let others = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
        let mut options = Options::read(&mine.join("&"))?;
        let info = format!("{scheme}://{place}{others}").as_str().into_connection_info();
        let info = info.map_err(|error| wrong(error.category()))?;
        let place = Place::Server(trusting(info, options.take("ca").as_deref())?);
        let address = Self { place, wait: options.wait()? };
        options.end()?;
        Ok(address)
    }
}

/// What the addresses of several servers are made of.
struct Parts {
    hosts: Vec<(String, Option<u16>)>,
    user: RedisConnectionInfo,
    path: String,
    options: Options,
    tls: bool,
}

impl Parts {
    fn read(rest: &str, tls: bool) -> Result<Self> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        Ok(Self {
            hosts: hosts.split(',').map(read_host).collect::<Result<_>>()?,
            user: login(decode(name)?, decode(password)?),
            path: decode(path)?,
            options: Options::read(query)?,
            tls,
        })
    }

    fn sentinels(mut self) -> Result<Address> {
        if self.path.is_empty() || self.path.contains('/') {
            return Err(wrong("it must end in /NAME, the name of the master as the Sentinels know it"));
        }
        let asking = login(
            self.options.take("sentinel_user").unwrap_or_default(),
            self.options.take("sentinel_password").unwrap_or_default(),
        );
        let db = self.options.number("db")?.unwrap_or_default();
        let ca = self.options.take("ca");
        let sentinels = self.connections(&asking, SENTINEL_PORT, ca.as_deref())?;
        let user = self.user.clone().set_db(i64::from(db));
        let server = self.connections(&user, REDIS_PORT, ca.as_deref())?.swap_remove(0);
        let wait = self.options.wait()?;
        self.options.end()?;
        Ok(Address { place: Place::Sentinels { sentinels, master: self.path, server }, wait })
    }

    fn cluster(mut self) -> Result<Address> {
        if !self.path.is_empty() && self.path != "0" {
            return Err(wrong("a cluster has the one database 0"));
        }
        let ca = self.options.take("ca");
        let nodes = self.connections(&self.user, REDIS_PORT, ca.as_deref())?;
        let wait = self.options.wait()?;
        self.options.end()?;
        Ok(Address { place: Place::Cluster(nodes), wait })
    }

    fn connections(
        &self,
        login: &RedisConnectionInfo,
        port: u16,
        ca: Option<&str>,
    ) -> Result<Vec<ConnectionInfo>> {
        let connection = |(host, given): &(String, Option<u16>)| {
            let (host, port) = (host.clone(), given.unwrap_or(port));
            let address = if self.tls {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            } else {
                ConnectionAddr::Tcp(host, port)
            };
            let info = address.into_connection_info().map_err(|error| wrong(error.category()))?;
            trusting(info.set_redis_settings(login.clone()), ca)
        };
        self.hosts.iter().map(connection).collect()
    }
}

/// What follows the question mark.
#[derive(Default)]
struct Options(BTreeMap<String, String>);

impl Options {
    fn read(query: &str) -> Result<Self> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((name.to_owned(), decode(value)?))
        });
        pairs.collect::<Result<_>>().map(Self)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    fn number(&mut self, name: &str) -> Result<Option<u32>> {
        let number = self.take(name).map(|text| text.parse());
        number.transpose().map_err(|_| wrong(&format!("`{name}` must be a number")))
    }

    fn wait(&mut self) -> Result<u32> {
        Ok(self.number("wait")?.unwrap_or(0))
    }

    /// An option that nobody took is a mistake.
    fn end(self) -> Result<()> {
        match self.0.into_keys().next() {
            Some(name) => Err(wrong(&format!("it has no option `{name}` here"))),
            None => Ok(()),
        }
    }
}

fn login(user: String, password: String) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default();
    if !user.is_empty() {
        login = login.set_username(user);
    }
    if !password.is_empty() {
        login = login.set_password(password);
    }
    login
}

fn read_host(text: &str) -> Result<(String, Option<u16>)> {
    // An IPv6 address stands in brackets, because it has colons of its own.
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map(str::parse).transpose().map_err(|_| wrong("a port must be a number"))?;
    if host.is_empty() { Err(wrong("a host is missing")) } else { Ok((host.to_owned(), port)) }
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| wrong("what is percent-encoded in it is not UTF-8"))
}

/// A connection that trusts, with TLS, the certificates signed by `ca` and no others.
fn trusting(info: ConnectionInfo, ca: Option<&str>) -> Result<ConnectionInfo> {
    let Some(path) = ca else { return Ok(info) };
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Err(wrong("`ca` is for TLS: begin the address with rediss"));
    }
    let root_cert = std::fs::read(path).map_err(|error| {
        StoreError::Unfit(format!("the file of the Redis address's `ca`, {path}: {error}"))
    })?;
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
    let client = Client::build_with_tls(info, certificates)
        .map_err(|_| StoreError::Unfit(format!("{path} holds no certificate in PEM that can be read")))?;
    Ok(client.get_connection_info().clone())
}

/// The same connection to another server.
pub(super) fn elsewhere(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let address = match info.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(address)
}

/// The host of a connection; none for a socket file.
pub(super) fn host(info: &ConnectionInfo) -> Option<String> {
    match info.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => Some(host.clone()),
        _ => None,
    }
}

/// Host and port, for a person.
pub(super) fn name(info: &ConnectionInfo) -> String {
    info.addr().to_string()
}

fn wrong(why: &str) -> StoreError {
    StoreError::Unfit(format!("the Redis address cannot be read: {why}"))
}

fn unknown_scheme() -> StoreError {
    StoreError::Unfit(
        "the Redis address must begin with redis://, redis+sentinel:// or redis+cluster://, or, with TLS, with \
         rediss instead of redis"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(connections: &[ConnectionInfo]) -> Vec<String> {
        connections.iter().map(name).collect()
    }

    fn refusal(text: &str) -> String {
        match Address::parse(text) {
            Err(StoreError::Unfit(why)) => why,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn one_server_may_be_asked_to_wait_for_replicas() {
        let address = Address::parse("redis://ada:p%40ss@10.0.0.1/3?wait=1&protocol=resp3").unwrap();
        let Place::Server(info) = address.place else { panic!("not one server") };
        assert_eq!((name(&info).as_str(), info.redis_settings().db(), address.wait), ("10.0.0.1:6379", 3, 1));
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
    }

    #[test]
    fn sentinels_are_asked_with_a_login_of_their_own() {
        let address = Address::parse(
            "redis+sentinel://app:s%3Aecret@a,b:1,[::1]:2/main?db=2&sentinel_user=ask&sentinel_password=me",
        );
        let Place::Sentinels { sentinels, master, server } = address.unwrap().place else {
            panic!("no sentinels")
        };
        assert_eq!(names(&sentinels), ["a:26379", "b:1", "::1:2"]);
        assert_eq!(master, "main");
        let (asking, working) = (sentinels[0].redis_settings(), server.redis_settings());
        assert_eq!((asking.username(), asking.password(), asking.db()), (Some("ask"), Some("me"), 0));
        assert_eq!((working.username(), working.password(), working.db()), (Some("app"), Some("s:ecret"), 2));
        assert_eq!(name(&elsewhere(&server, "10.0.0.9", 7)), "10.0.0.9:7");
    }

    #[test]
    fn a_cluster_is_named_by_some_of_its_nodes() {
        let address = Address::parse("rediss+cluster://:secret@a:7000,b?wait=2").unwrap();
        let Place::Cluster(nodes) = address.place else { panic!("no cluster") };
        assert_eq!((names(&nodes), address.wait), (vec!["a:7000".to_owned(), "b:6379".to_owned()], 2));
        assert!(matches!(nodes[0].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
        assert_eq!(nodes[0].redis_settings().username(), None);
    }

    #[test]
    fn a_mistake_is_named_and_a_password_is_not() {
        for (text, expected) in [
            ("http://:hunter2@a", "must begin with"),
            ("redis://:hunter2@host:port", "cannot be read"),
            ("redis+sentinel://:hunter2@a:1", "name of the master"),
            ("redis+sentinel://:hunter2@a:1/main?bd=1", "no option `bd`"),
            ("redis+cluster://:hunter2@a:x", "port"),
            ("redis+cluster://:hunter2@a,,b", "host is missing"),
            ("redis+cluster://:hunter2@a/1", "one database"),
            ("redis+cluster://:hunter2@a?wait=some", "`wait` must be a number"),
            ("redis+cluster://:hunter2@a?ca=/none", "for TLS"),
            ("rediss://:hunter2@a?ca=/no/such/file", "/no/such/file"),
            ("redis+cluster://:hunter2%ff@a", "not UTF-8"),
        ] {
            let why = refusal(text);
            assert!(why.contains(expected) && !why.contains("hunter2"), "{text}: {why}");
        }
    }
}
