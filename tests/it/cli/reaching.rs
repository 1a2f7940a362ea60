//! Speaking to a service: where it is, as whom, and what happens when it is not there.

use std::net::TcpListener;

use super::run::Conduit;
use crate::support::service::{On, TOKEN, TestService, board};

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_comes_from_the_environment_a_file_or_standard_input() {
    let service = TestService::start(&On::Sqlite, &board(&[]).await).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let status = |token: &[&str]| {
        Conduit::new(&[&["queue", "status", "-o", "json", "--url", &service.url], token].concat())
    };

    status(&[]).env("CONDUIT_TOKEN", TOKEN).answers("conduit.queue/1").await;
    status(&["--token", &format!("@{}", file.display())]).answers("conduit.queue/1").await;
    status(&["--token", "-"]).input(&format!("{TOKEN}\n")).answers("conduit.queue/1").await;

    let none = status(&[]).refuses(2).await;
    assert!(none.contains("no token: set CONDUIT_TOKEN"), "{none}");
    let argument = status(&["--token", "my-own-token-in-the-clear"]).refuses(2).await;
    assert!(argument.contains("can be read by others"), "{argument}");
    assert!(!argument.contains("my-own-token-in-the-clear"), "{argument}");
    let missing = status(&["--token", "@nowhere"]).refuses(2).await;
    assert!(missing.contains("nowhere cannot be read"), "{missing}");
    let wrong = status(&[]).env("CONDUIT_TOKEN", "somebody-elses-token").refuses(1).await;
    assert!(wrong.contains("a valid token is needed") && !wrong.contains("somebody"), "{wrong}");
    let odd = status(&[]).env("CONDUIT_TOKEN", "two\nlines").refuses(2).await;
    assert!(odd.contains("token") && !odd.contains("two"), "{odd}");
    service.stop().await;
}

#[tokio::test]
async fn a_token_is_not_sent_in_the_clear_to_another_machine() {
    for (url, wanted) in [
        ("http://conduit.example.com", "plain http to another machine"),
        ("http://10.0.0.7:9091", "plain http to another machine"),
        ("http://localhost.example.com", "plain http to another machine"),
        ("ftp://127.0.0.1", "must be an http(s) address without a login"),
        ("nonsense", "must be an http(s) address without a login"),
    ] {
        let run = Conduit::new(&["queue", "status"]).env("CONDUIT_URL", url).env("CONDUIT_TOKEN", TOKEN);
        let said = run.refuses(2).await;
        assert!(said.contains("CONDUIT_URL") && said.contains(wanted), "{url}: {said}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_exit_code_3() {
    let url = nobody();
    for command in [&["queue", "status"][..], &["why", "SHOP-1"], &["hooks", "list"], &["events", "list"]] {
        let run = Conduit::new(command).env("CONDUIT_URL", &url).env("CONDUIT_TOKEN", TOKEN);
        let said = run.refuses(3).await;
        assert!(said.contains("cannot be reached: ") && said.contains(&url), "{command:?}: {said}");
    }
    let said = Conduit::new(&["healthcheck", &url]).refuses(3).await;
    assert!(said.contains("does not answer"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_asks_whether_it_is_healthy() {
    let service = TestService::start(&On::Sqlite, &board(&[]).await).await;
    let ask = |path: &str| Conduit::new(&["healthcheck", &format!("{}{path}", service.url)]);
    assert_eq!(ask("/readyz").prints().await, "");
    let elsewhere = ask("/nowhere").refuses(1).await;
    assert!(elsewhere.contains("answers 404"), "{elsewhere}");
    service.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_a_wrong_use() {
    let said = Conduit::new(&["hooks", "regster"]).refuses(2).await;
    assert!(said.contains("register"), "it says what was meant: {said}");
    let said = Conduit::new(&["queue", "status", "-o", "yaml"]).refuses(2).await;
    assert!(said.contains("possible values: text, json"), "{said}");
}
