//! `conduit secrets rotate`, while the service runs.

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::secrets::Secret;
use serde_json::json;
use tempfile::TempDir;

use super::run::Conduit;
use crate::support::redis::Redis;
use crate::support::service::{KEY, On, RULES, TOKEN, board, deliver, register, settings, write_config};

/// An installation whose master key changes.
struct House<'a> {
    folder: TempDir,
    on: On<'a>,
    jira: jira_sim::JiraSim,
}

impl<'a> House<'a> {
    async fn new(on: On<'a>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), RULES);
        Self { folder, on, jira: board(&[]).await }
    }

    async fn start(&self, keys: &str) -> anyhow::Result<Service> {
        let mut settings = settings(self.folder.path(), &self.on, &self.jira);
        settings.secret_key = Some(Secret::new(keys));
        Service::start(settings, Clock::system()).await
    }

    fn rotate(&self, keys: &str) -> Conduit {
        let store = match self.on {
            On::Sqlite => format!("sqlite:{}", self.folder.path().join("conduit.db").display()),
            On::Redis(redis) => redis.url(),
        };
        Conduit::new(&["secrets", "rotate"]).env("CONDUIT_STORE", &store).env("CONDUIT_SECRET_KEY", keys)
    }
}

fn url(service: &Service) -> String {
    format!("http://{}", service.address.unwrap())
}

async fn a_rotation_on(on: On<'_>) {
    let house = House::new(on).await;
    let [new, stranger] = ["B", "C"].map(|letter| KEY.replacen('A', letter, 1));
    let both = format!("{new},{KEY}");
    let service = house.start(KEY).await.unwrap();
    let hook = register(&url(&service), "acme/shop").await;
    service.stop().await;

    let service = house.start(&both).await.unwrap();
    let ping = json!({ "zen": "Half measures." });
    let delivers =
        async |service: &Service, id| deliver(&url(service), &hook, "ping", id, &ping).await.status;
    assert_eq!(delivers(&service, "d-1").await, 202, "the older key still opens");
    let refused = house.rotate(&stranger).refuses(1).await;
    assert!(refused.contains("secret v1 of hook github/acme-shop cannot be opened"), "{refused}");
    let later = register(&url(&service), "acme/pay").await;

    let rotated = house.rotate(&both).run().await;
    assert_eq!((rotated.code, rotated.out.as_str()), (0, ""), "{rotated:?}");
    assert!(rotated.err.starts_with("1 of 2 hooks were encrypted anew"), "{rotated:?}");
    assert!(![KEY, &new, &hook.secret].iter().any(|planted| rotated.err.contains(*planted)), "{rotated:?}");
    let again = house.rotate(&both).run().await;
    assert!(again.err.contains("nothing was left to do"), "{again:?}");
    assert_eq!(delivers(&service, "d-2").await, 202, "nobody had to stop for it");
    let log = Conduit::new(&["audit", "--action", "rekeyed", "-o", "json"])
        .env("CONDUIT_URL", &url(&service))
        .env("CONDUIT_TOKEN", TOKEN)
        .answers("conduit.audit/1")
        .await;
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "what changed nothing is not written down: {log}");
    assert_eq!(entries[0]["who"], "conduit secrets rotate", "{log}");
    service.stop().await;

    let service = house.start(&new).await.unwrap();
    assert_eq!(delivers(&service, "d-3").await, 202, "the new key alone opens what the old one had sealed");
    assert_eq!(deliver(&url(&service), &later, "ping", "d-4", &ping).await.status, 202);
    service.stop().await;
    let refused = house.start(KEY).await.err().expect("the old key opens nothing any more");
    assert!(format!("{refused:#}").contains("it is not the key"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_sealed_anew_in_a_file_while_the_service_runs() {
    a_rotation_on(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_sealed_anew_in_redis_while_the_service_runs() {
    let redis = Redis::start().await;
    a_rotation_on(On::Redis(&redis)).await;
}

#[tokio::test]
async fn a_rotation_makes_nothing_where_there_is_nothing() {
    let nowhere = Conduit::new(&["secrets", "rotate"]).refuses(4).await;
    assert!(nowhere.contains("there is no store at data/conduit.db"), "{nowhere}");
    let keyless =
        Conduit::new(&["secrets", "rotate"]).env("REDIS_URL", "redis://127.0.0.1:9").refuses(2).await;
    assert!(keyless.contains("CONDUIT_SECRET_KEY: it is not set"), "{keyless}");
    let away = Conduit::new(&["secrets", "rotate"])
        .env("REDIS_URL", "redis://127.0.0.1:9")
        .env("CONDUIT_SECRET_KEY", KEY)
        .refuses(3)
        .await;
    assert!(away.contains("Redis"), "{away}");
}
