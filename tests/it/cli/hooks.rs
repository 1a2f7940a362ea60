//! `conduit hooks …`, against a running service.

use regex::Regex;
use serde_json::json;

use super::run::{Conduit, masked};
use crate::support::service::{Hook, On, TestService, board};

const URI: &str = "/conduit/webhooks/github/acme-shop/payload";

async fn service() -> TestService {
    TestService::start(&On::Sqlite, &board(&[]).await).await
}

/// The secret that a command has printed.
fn secret(out: &str) -> String {
    Regex::new(r"\b[0-9a-f]{64}\b").unwrap().find(out).expect("a secret").as_str().to_owned()
}

/// Whether a ping that is signed with `secret` is let in.
async fn opens(service: &TestService, secret: &str, id: &str) -> bool {
    let hook = Hook { secret: secret.to_owned(), uri: URI.to_owned() };
    match service.deliver(&hook, "ping", id, &json!({ "zen": "Half measures." })).await.status {
        202 => true,
        401 => false,
        other => panic!("a ping was answered {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_is_registered_tested_rotated_and_removed() {
    let service = service().await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);

    let ended = conduit(&["hooks", "register", "acme/shop", "--projects", "shop"]).run().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    insta::assert_snapshot!(masked(&ended.out), @r"
    Secret (shown once): SECRET
    URL: this service's public address, then /conduit/webhooks/github/acme-shop/payload
    ");
    assert!(ended.err.contains("conduit hooks test acme-shop"), "the next step is told: {}", ended.err);
    let first = secret(&ended.out);
    let again = conduit(&["hooks", "register", "acme/shop"]).refuses(1).await;
    assert!(again.contains("registered already"), "{again}");

    let silent = conduit(&["hooks", "test", "acme-shop"]).run().await;
    assert_eq!(silent.code, 1, "{silent:?}");
    assert!(silent.out.starts_with("✗ github/acme-shop"), "{silent:?}");
    assert!(opens(&service, &first, "d-1").await);
    let heard = conduit(&["hooks", "test", "acme-shop"]).prints().await;
    assert!(heard.starts_with("✓ github/acme-shop: the last genuine delivery was ping"), "{heard}");

    let second = secret(&conduit(&["hooks", "rotate", "acme-shop"]).prints().await);
    assert!(opens(&service, &first, "d-2").await && opens(&service, &second, "d-3").await);
    let leaked = conduit(&["-o", "json", "hooks", "rotate", "acme-shop", "--overlap", "0"]);
    let leaked = leaked.answers("conduit.hook/1").await;
    assert!(!opens(&service, &second, "d-4").await, "after a leak the older ones end at once");
    assert!(opens(&service, leaked["secret"].as_str().unwrap(), "d-5").await);

    let unasked = conduit(&["hooks", "remove", "acme-shop"]).refuses(2).await;
    assert!(unasked.contains("--yes"), "{unasked}");
    conduit(&["hooks", "remove", "acme-shop", "--yes"]).prints().await;
    let gone = conduit(&["hooks", "remove", "acme-shop", "--yes"]).refuses(4).await;
    assert!(gone.contains("no hook github/acme-shop is registered"), "{gone}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_are_shown_without_their_secrets() {
    let service = service().await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);
    let nothing = conduit(&["hooks", "list"]).run().await;
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""));
    assert!(nothing.err.contains("No repository is registered"), "{nothing:?}");

    let issued = conduit(&["hooks", "register", "acme/shop", "-o", "json"]).answers("conduit.hook/1").await;
    let secret = issued["secret"].as_str().unwrap();
    assert_eq!(issued["uri"], URI);
    conduit(&["hooks", "register", "acme/*", "--projects", "shop,pay"]).prints().await;

    insta::assert_snapshot!(conduit(&["hooks", "list"]).prints().await, @r"
    HOOK              REPOSITORY  PROJECTS   SECRETS
    github/acme       acme/*      SHOP, PAY  v1
    github/acme-shop  acme/shop   all        v1
    ");
    insta::assert_snapshot!(masked(&conduit(&["hooks", "show", "acme"]).prints().await), @r"
    github/acme · acme/*
    URI: /conduit/webhooks/github/acme/payload
    secret v1 · made TIME                 · the newest
    ");
    let listed = conduit(&["hooks", "list", "-o", "json"]).answers("conduit.hooks/1").await;
    assert_eq!(listed["hooks"].as_array().unwrap().len(), 2);
    let shown = conduit(&["hooks", "show", "acme-shop", "-o", "json"]).answers("conduit.hook/1").await;
    assert_eq!(shown["hook"]["repo_path"], "acme/shop");
    assert!(!format!("{listed}{shown}").contains(secret));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_the_forge_has_is_read_from_standard_input_and_not_repeated() {
    const SECRET: &str = "the secret github already has";
    let service = service().await;
    let import = || Conduit::at(&service, &["hooks", "import", "acme/shop"]);
    let ended = import().input(&format!("{SECRET}\n")).run().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!format!("{ended:?}").contains(SECRET), "{ended:?}");
    assert!(opens(&service, SECRET, "d-1").await);

    let short = import().input("short").refuses(2).await;
    assert!(short.contains("16 to 256"), "{short}");
    let both = Conduit::at(&service, &["hooks", "import", "acme/shop", "--token", "-"]);
    let both = both.input("token or secret?").refuses(2).await;
    assert!(both.contains("standard input"), "{both}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_registered_is_refused_with_the_name_of_the_field() {
    let service = service().await;
    for (arguments, wanted) in [
        (&["acme"][..], "repo_path `acme` must look like owner/name"),
        (&["acme/shop", "--repo-id", "a b"], "repo_id `a b` must be 1 to 100"),
        (&["acme/shop", "--projects", "1x"], "`1x` is not a Jira project key"),
        (&["acme/shop", "--provider", "svn"], "unknown provider"),
    ] {
        let arguments = [&["hooks", "register"], arguments].concat();
        let said = Conduit::at(&service, &arguments).refuses(2).await;
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
    service.stop().await;
}
