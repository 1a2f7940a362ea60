//! The way to a site: through a proxy, and behind an authority of the house.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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
