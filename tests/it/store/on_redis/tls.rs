//! TLS with a certificate authority of one's own, and a user that may do no more than it must.

use std::sync::Arc;

use conduit::clock::Clock;
use conduit::store::redis::RedisStore;
use conduit::store::{Store, StoreError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::super::given::{RETENTION, delivery};
use super::cluster::accepted;
use crate::support::redis::{Redis, free_port};
use crate::support::redis_cluster::until;

/// A certificate authority, and a server's certificate signed by it.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        write("ca.pem", ca.self_signed(&ca_key).unwrap().pem());
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        write("server.pem", server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap().pem());
        write("server.key", key.serialize_pem());
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// A server that speaks TLS on this port, and plainly to the test.
async fn server(certificates: &Certificates, port: u16, more: &[&str]) -> Redis {
    let (port, ca, certificate, key) = (
        port.to_string(),
        certificates.path("ca.pem"),
        certificates.path("server.pem"),
        certificates.path("server.key"),
    );
    let options = ["--tls-port", &port, "--tls-ca-cert-file", &ca, "--tls-cert-file", &certificate];
    let rest = ["--tls-key-file", &key, "--tls-auth-clients", "no"];
    Redis::start_with(&[&options[..], &rest[..], more].concat()).await
}

/// The system's certificates are read for each connection, which takes a debug build its time.
async fn open(address: &str, clock: &Clock) -> Arc<dyn Store> {
    until(async || RedisStore::open(address, clock.clone()).await.is_ok()).await;
    Arc::new(RedisStore::open(address, clock.clone()).await.unwrap())
}

#[tokio::test]
async fn a_server_with_a_private_authority_is_trusted_by_its_file_and_not_without() {
    let (certificates, port) = (Certificates::new(), free_port());
    let server = server(&certificates, port, &[]).await;
    let user = ["ACL", "SETUSER", "conduit", "on", ">p@ss/word", "~conduit:*"];
    let may = ["+@all", "-@admin", "-@dangerous", "+info", "+config|get"];
    server.run::<()>(&[&user[..], &may[..]].concat()).await;
    let address = format!("rediss://conduit:p%40ss%2Fword@127.0.0.1:{port}");

    let (clock, ca) = (Clock::system(), certificates.path("ca.pem"));
    let store = open(&format!("{address}?ca={ca}"), &clock).await;
    accepted(&store, &delivery("d-1", &clock)).await;
    assert_eq!(store.inbox("worker", 9).await.unwrap().len(), 1);
    store.tidy(RETENTION).await.unwrap();
    store.wait_for_work(std::time::Duration::from_millis(10)).await;
    assert_eq!(store.queue().await.unwrap().inbox, 1);

    let others = Certificates::new();
    for stranger in [address.clone(), format!("{address}?ca={}", others.path("ca.pem"))] {
        until(async || {
            let error = RedisStore::open(&stranger, clock.clone()).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(matches!(error, StoreError::Unavailable(_)) && !text.contains("word"), "{text}");
            text.contains("certificate")
        })
        .await;
    }
}

#[tokio::test]
async fn a_cluster_is_found_and_used_through_tls() {
    let (certificates, port, bus) = (Certificates::new(), free_port(), free_port());
    let bus = bus.to_string();
    let cluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", &bus];
    let node = server(&certificates, port, &cluster).await;
    node.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    until(async || node.run::<String>(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok")).await;
    let (clock, ca) = (Clock::system(), certificates.path("ca.pem"));
    let address = format!("rediss+cluster://127.0.0.1:{port}?ca={ca}");
    let store = open(&address, &clock).await;
    accepted(&store, &delivery("d-1", &clock)).await;
    assert_eq!(store.inbox("worker", 9).await.unwrap().len(), 1);
}
