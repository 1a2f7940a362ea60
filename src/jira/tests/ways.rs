//! The way to a site: through a proxy, and behind an authority of the house.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// A proxy that passes plain requests on to `target` and remembers what each asked for.
async fn proxy(target: String) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (seen, heads) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut inward, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let length = inward.read(&mut head).await.unwrap();
            head.truncate(length);
            seen.send(String::from_utf8_lossy(&head).into_owned()).unwrap();
            let mut outward = TcpStream::connect(&target).await.unwrap();
            outward.write_all(&head).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut inward, &mut outward).await });
        }
    });
    (address, heads)
}

#[tokio::test]
async fn a_sites_proxy_is_gone_through_with_its_login() {
    let sim = shop().start().await.unwrap();
    let target = sim.url().replace("http://", "");
    let (address, mut heads) = proxy(target).await;
    let auth = Auth::Basic { user: EMAIL.to_owned(), password: Credential::new(TOKEN) };
    let site = Site {
        dialect: Dialect::Cloud,
        proxy: Some(Credential::new(format!("http://house:key@{address}"))),
        ..Site::new("acme", sim.url().parse().unwrap(), auth)
    };
    assert!(!format!("{site:?}").contains("key"));
    let jira = JiraClient::new(site, Clock::system()).unwrap();
    let issue = jira.issue("SHOP-1", &mut CallLog::default()).await.unwrap();
    assert_eq!(issue.key, "SHOP-1");
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with(&format!("GET {}/rest/api/3/issue/SHOP-1", sim.url())), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic ag91c2u6a2v5"), "{head}");
}

#[test]
fn a_proxy_that_cannot_be_one_is_refused_unseen() {
    let auth = Auth::Bearer { token: Credential::new(TOKEN) };
    let site = Site::new("acme", "http://jira.acme.test".parse().unwrap(), auth);
    let site = Site { proxy: Some(Credential::new("http://house:hush@[")), ..site };
    let error = JiraClient::new(site, Clock::system()).unwrap_err().to_string();
    assert!(error.contains("`acme`") && error.contains("proxy") && !error.contains("hush"), "{error}");
}

/// A site that speaks TLS under a certificate of `issuer`'s, and answers every request alike.
async fn tls_site(issuer: &rcgen::Issuer<'static, rcgen::KeyPair>) -> u16 {
    let key = rcgen::KeyPair::generate().unwrap();
    let name = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = name.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate.der().clone()], key)
    .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust us ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 8192];
            let _ = stream.read(&mut request).await.unwrap();
            let body = r#"{"name":"conduit","displayName":"Conduit"}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\nX-AUSERNAME: conduit\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn an_authority_of_the_house_is_trusted_when_its_certificate_is_given() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut house = rcgen::CertificateParams::new(Vec::new()).unwrap();
    house.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = house.self_signed(&key).unwrap();
    let port = tls_site(&rcgen::Issuer::new(house, key)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), root.pem()).unwrap();

    let site = |ca_file| {
        let auth = Auth::Bearer { token: Credential::new(TOKEN) };
        let site = Site::new("acme", format!("https://localhost:{port}/jira").parse().unwrap(), auth);
        JiraClient::new(Site { ca_file, ..site }, Clock::system()).unwrap()
    };
    let log = &mut CallLog::default();
    let account = site(Some(file.path().to_owned())).myself(log).await.unwrap();
    assert_eq!(account.id, "conduit");
    let stranger = site(None).myself(log).await.unwrap_err();
    assert_eq!(stranger.failure, Failure::Unreachable);
    assert!(stranger.message.to_lowercase().contains("certificate"), "{stranger}");
}
