//! A start while Redis is not there.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::settings::{Settings, SpoolSettings};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::processes::Process;
use crate::support::redis::Redis;
use crate::support::service::{On, RULES, TOKEN, board, deliver, register, settings, write_config};

/// Starts a service while Redis is away: once that is there, it takes a delivery.
async fn a_service_begins_when_redis_comes(adapt: impl FnOnce(&mut Settings, &Path)) {
    let (folder, jira) = (tempfile::tempdir().unwrap(), board(&[]).await);
    write_config(folder.path(), RULES);
    let mut redis = Redis::start().await;
    let mut settings = settings(folder.path(), &On::Redis(&redis), &jira);
    adapt(&mut settings, folder.path());
    redis.stop().await;

    let both = async { tokio::join!(Service::start(settings, Clock::system()), redis.start_again()) };
    let (started, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.expect("it begins");
    let service = started.unwrap();
    let url = format!("http://{}", service.address.unwrap());
    let hook = register(&url, "acme/shop").await;
    let ping = json!({ "zen": "Half measures." });
    assert_eq!(deliver(&url, &hook, "ping", "d-1", &ping).await.status, 202);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_a_redis_that_is_away_and_then_begins_by_itself() {
    a_service_begins_when_redis_comes(|_, _| {}).await;
}

/// What a path answers: its status, when to come back, and its text.
async fn answer(request: RequestBuilder) -> (u16, Option<String>, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let retry = response.headers().get("retry-after").map(|after| after.to_str().unwrap().to_owned());
    (status, retry, response.text().await.unwrap())
}

/// Waits until this is answered at all: the process listens.
async fn until_it_listens(url: String) {
    let listens = async {
        while Client::new().get(&url).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), listens).await.expect("it listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_serve_listens_tells_everybody_to_come_back_and_goes_on_by_itself() {
    let (folder, jira) = (tempfile::tempdir().unwrap(), board(&[]).await);
    write_config(folder.path(), RULES);
    let mut redis = Redis::start().await;
    redis.stop().await;
    let mut serve = Process::start_with(&["serve", "--no-workers"], folder.path(), &redis, &jira, |_| {});
    until_it_listens(format!("{}/livez", serve.url)).await;
    let (http, at) = (Client::new(), |path: &str| format!("{}{path}", serve.url));
    for path in ["/livez", "/conduit/ping", "/conduit/version", "/conduit/openapi.json"] {
        assert_eq!(answer(http.get(at(path))).await.0, 200, "{path}");
    }
    let delivery = http.post(at("/conduit/webhooks/github/acme-shop/payload")).body("{}");
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
    for refused in [
        delivery,
        http.post(at("/webhooks/github/acme-shop/payload")).body(chunked),
        http.get(at("/readyz")),
        http.get(at("/conduit/api/events")).bearer_auth(TOKEN),
        http.get(at("/conduit/api/events")),
        http.delete(at("/conduit/api/tokens/first-admin")).bearer_auth(TOKEN),
    ] {
        let (status, retry, text) = answer(refused).await;
        assert_eq!((status, retry.as_deref()), (503, Some("5")), "{text}");
        assert!(text.contains("the store is not there yet"), "{text}");
    }
    // Why, on the management listener alone.
    let (status, _, why) = answer(http.get(format!("{}/readyz", serve.management))).await;
    let why: Value = serde_json::from_str(&why).unwrap();
    assert_eq!(
        (status, &why["data"]["ready"], &why["data"]["rules_loaded"]),
        (503, &json!(false), &json!(true))
    );
    assert!(why["data"]["store"].as_str().unwrap().contains("the store cannot take this now"), "{why}");
    let (_, _, metrics) = answer(http.get(format!("{}/metrics", serve.management))).await;
    assert!(metrics.contains("conduit_store_up 0\n"), "{metrics}");
    let counted = "conduit_webhooks_total{provider=\"github\",result=\"unavailable\"} 2";
    assert!(metrics.contains(counted), "{metrics}");

    redis.start_again().await;
    serve.answers().await;
    let hook = register(&serve.url, "acme/shop").await;
    let ping = json!({ "zen": "Half measures." });
    assert_eq!(deliver(&serve.url, &hook, "ping", "d-1", &ping).await.status, 202);
    assert!(serve.child.try_wait().unwrap().is_none(), "it is the same process");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_waits_for_redis_lives_is_not_ready_and_stops_cleanly() {
    let (folder, jira) = (tempfile::tempdir().unwrap(), board(&[]).await);
    write_config(folder.path(), RULES);
    let mut redis = Redis::start().await;
    redis.stop().await;
    let mut worker = Process::start_with(&["worker"], folder.path(), &redis, &jira, |command| {
        // Off loopback a token is asked for, and there is nobody yet who could look one up.
        let given = command.get_envs().find(|(name, _)| *name == "CONDUIT_MANAGEMENT_LISTEN");
        let open =
            given.and_then(|(_, value)| value).unwrap().to_str().unwrap().replace("127.0.0.1", "0.0.0.0");
        command.env("CONDUIT_MANAGEMENT_LISTEN", open);
    });
    until_it_listens(format!("{}/livez", worker.management)).await;
    let (http, at) = (Client::new(), |path: &str| format!("{}{path}", worker.management));
    assert_eq!(answer(http.get(at("/livez"))).await.0, 200);
    for path in ["/readyz", "/metrics"] {
        let (status, _, text) = answer(http.get(at(path)).bearer_auth(TOKEN)).await;
        assert_eq!(status, 503, "{path}: {text}");
        assert!(!text.contains("rules_loaded") && !text.contains("conduit_build_info"), "{path}: {text}");
    }
    for signal in ["-HUP", "-TERM"] {
        let told = Command::new("kill").args([signal, &worker.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }
    let ended = tokio::task::spawn_blocking(move || worker.child.wait().unwrap());
    let ended = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it stops").unwrap();
    assert_eq!(ended.code(), Some(0), "told to stop, it has done what it was told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_knows_nothing_of_its_store_yet_waits_for_it_too() {
    a_service_begins_when_redis_comes(|settings, folder| {
        let spool = SpoolSettings { folder: folder.join("spool"), size: 1 << 24 };
        settings.web.as_mut().unwrap().spool = Some(spool);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_wait_for_what_nobody_mends_by_waiting() {
    let (folder, jira) = (tempfile::tempdir().unwrap(), board(&[]).await);
    write_config(folder.path(), RULES);
    let redis = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]).await;
    let evicting = settings(folder.path(), &On::Redis(&redis), &jira);
    let refused = Service::start(evicting, Clock::system()).await.err().expect("it evicts");
    assert!(format!("{refused:#}").contains("noeviction"), "{refused:#}");

    redis.order(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    redis.order(&["CONFIG", "SET", "requirepass", "hunter2"]).await;
    let keyless = settings(folder.path(), &On::Redis(&redis), &jira);
    let refused = Service::start(keyless, Clock::system()).await.err().expect("it asks for a password");
    assert!(format!("{refused:#}").contains("asks for a password"), "{refused:#}");
}
