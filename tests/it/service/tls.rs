//! Deliveries over TLS, with a certificate that is renewed while the service runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::settings::{Settings, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::Client;
use tempfile::TempDir;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::support::service::{On, RULES, board, settings, write_config};

/// Somebody who issues certificates, and whom clients trust.
struct Authority {
    root: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut house = CertificateParams::new(Vec::new()).unwrap();
        house.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = house.self_signed(&key).unwrap();
        Self { root, issuer: Issuer::new(house, key) }
    }

    /// A certificate for localhost and its key, in PEM.
    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let name = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (name.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A client that trusts nobody else.
    fn client(&self) -> Client {
        let root = reqwest::Certificate::from_der(self.root.der()).unwrap();
        Client::builder().tls_certs_only([root]).build().unwrap()
    }
}

/// A folder with this certificate, and the settings of a service that shows it.
async fn with_certificate((certificate, key): &(String, String)) -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    put(folder.path(), "cert.pem", certificate);
    put(folder.path(), "key.pem", key);
    let jira = board(&[]).await;
    let mut settings = settings(folder.path(), &On::Sqlite, &jira);
    let tls = TlsSettings { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    settings.web.as_mut().unwrap().door.tls = Some(tls);
    (folder, settings)
}

/// As whoever renews a certificate does: a new file in the old one's place.
fn put(folder: &Path, name: &str, text: &str) {
    let beside = folder.join(format!("{name}.new"));
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, folder.join(name)).unwrap();
}

async fn ping(client: &Client, service: &Service) -> reqwest::Result<reqwest::Response> {
    let port = service.address.unwrap().port();
    client.get(format!("https://localhost:{port}/conduit/ping")).send().await
}

#[tokio::test]
async fn with_a_certificate_the_public_listener_speaks_tls_and_nothing_else() {
    let authority = Authority::new();
    let (_folder, settings) = with_certificate(&authority.issue()).await;
    let service = Service::start(settings, Clock::system()).await.unwrap();
    let answer = ping(&authority.client(), &service).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");

    assert!(ping(&Authority::new().client(), &service).await.is_err(), "a client that does not trust it");
    let plain = Client::new().get(format!("http://{}/conduit/ping", service.address.unwrap())).send().await;
    assert!(plain.is_err(), "{plain:?}");
    let probe = Client::new().get(format!("http://{}/livez", service.management)).send().await.unwrap();
    assert_eq!(probe.status(), 200, "probes are of the house");
    assert!(!probe.headers().contains_key("strict-transport-security"));
    service.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let (before, after) = (Authority::new(), Authority::new());
    let (folder, settings) = with_certificate(&before.issue()).await;
    let service = Service::start(settings, Clock::system()).await.unwrap();
    assert!(ping(&before.client(), &service).await.is_ok());

    put(folder.path(), "cert.pem", "half of a certific");
    let (certificate, key) = after.issue();
    // Between the two files there is a moment in which they do not go together: the old pair is shown meanwhile.
    put(folder.path(), "cert.pem", &certificate);
    assert!(ping(&before.client(), &service).await.is_ok());
    put(folder.path(), "key.pem", &key);
    let renewed = async {
        while ping(&after.client(), &service).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("the new one is shown");
    assert!(ping(&before.client(), &service).await.is_err());
    service.stop().await;
}

#[tokio::test]
async fn tls_before_1_2_is_not_spoken_and_both_versions_since_are() {
    let authority = Authority::new();
    let (_folder, settings) = with_certificate(&authority.issue()).await;
    let service = Service::start(settings, Clock::system()).await.unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = RootCertStore::empty();
        roots.add(authority.root.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(service.address.unwrap()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    }
    let answer = hello_of_tls_1_0(&service).await;
    assert!(matches!(answer[..], [21, 3, _, 0, 2, 2, 40 | 70]), "not a fatal alert: {answer:?}");
    service.stop().await;
}

/// What a client that knows nothing newer is answered.
async fn hello_of_tls_1_0(service: &Service) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut hello = vec![1, 0, 0, 41, 3, 1];
    hello.extend([7; 32]);
    // No session, one cipher suite (RSA with AES-128-CBC), no compression.
    hello.extend([0, 0, 2, 0, 47, 1, 0]);
    let mut record = vec![22, 3, 1, 0, u8::try_from(hello.len()).unwrap()];
    record.extend(hello);
    let mut stream = tokio::net::TcpStream::connect(service.address.unwrap()).await.unwrap();
    stream.write_all(&record).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn files_that_are_no_certificate_or_do_not_go_together_stop_the_start() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue();
    let (other, _) = authority.issue();
    for (pair, expected) in [
        ((certificate.clone(), "no key".to_owned()), "CONDUIT_TLS_KEY"),
        ((certificate.clone(), certificate.clone()), "CONDUIT_TLS_KEY"),
        (("no certificate".to_owned(), key.clone()), "CONDUIT_TLS_CERT"),
        ((other, key.clone()), "do not go together"),
    ] {
        let (folder, settings) = with_certificate(&pair).await;
        let error = Service::start(settings, Clock::system()).await.err().expect("it does not start");
        let error = format!("{error:#}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("PRIVATE") && !error.contains(&key[40..60]), "{error}");
        drop(folder);
    }
    let (folder, settings) = with_certificate(&(certificate, key)).await;
    std::fs::remove_file(folder.path().join("cert.pem")).unwrap();
    let error = format!("{:#}", Service::start(settings, Clock::system()).await.err().unwrap());
    assert!(error.contains("cert.pem") && error.contains("No such file"), "{error}");
}
