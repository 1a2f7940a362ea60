//! `conduit store …`: the store as a whole, while no service runs on it or, for a backup, while one does.

use conduit::app::service::Service;
use conduit::clock::Clock;
use serde_json::json;

use super::run::Conduit;
use crate::support::payloads::merged;
use crate::support::redis::Redis;
use crate::support::service::{On, RULES, TestService, board, deliver, settings, write_config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_moves_from_a_file_to_redis_and_back() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let answer = service.deliver(&hook, "pull_request", "d-1", &merged(1, "SHOP-1")).await;
    service.trace(answer.event_id()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conduit.db");
    let live = format!("sqlite:{}", service.folder().join("conduit.db").display());
    let redis = Redis::start().await;
    let copy = |from: &str, to: &str| Conduit::new(&["store", "copy", from, to]).env("NEW", &redis.url());

    let in_use = copy(&live, "env://NEW").refuses(1).await;
    assert!(in_use.contains("is in use: stop every"), "{in_use}");
    let backup = Conduit::new(&["store", "backup", file.to_str().unwrap()]).env("CONDUIT_STORE", &live);
    let backup = backup.refuses(0).await;
    assert!(backup.contains("has everything that was accepted"), "{backup}");
    service.stop().await;

    // The backup, restored in a new place, goes to Redis.
    let kept = format!("sqlite:{}", file.display());
    let hold = Conduit::new(&["store", "hold"]).env("CONDUIT_STORE", &kept).refuses(0).await;
    assert!(hold.starts_with("atlassian: stands still"), "{hold}");
    let copied = copy(&kept, "env://NEW").run().await;
    assert_eq!(copied.code, 0, "{copied:?}");
    let row =
        |what: &str| copied.out.lines().find(|line| line.trim_start().starts_with(what)).map(str::to_owned);
    for (what, count) in [("hooks", "1"), ("events ", "1"), ("finished tickets", "1"), ("pauses", "1")] {
        let row = row(what).unwrap_or_default();
        let counts: Vec<&str> = row.split_whitespace().rev().take(2).collect();
        assert_eq!(counts, [count, count], "{what}: {}", copied.out);
    }
    let again = copy(&kept, "env://NEW").refuses(2).await;
    assert!(again.contains("is not empty"), "{again}");

    let config = tempfile::tempdir().unwrap();
    write_config(config.path(), RULES);
    let service = Service::start(settings(config.path(), &On::Redis(&redis), &jira), Clock::system()).await;
    let service = service.unwrap();
    let url = format!("http://{}", service.address.unwrap());
    let again = deliver(&url, &hook, "pull_request", "d-1", &merged(1, "SHOP-1")).await;
    assert_eq!((again.status, &again.data["duplicate"]), (202, &json!(true)), "{again:?}");
    service.stop().await;
    assert_eq!(jira.moves("SHOP-1"), ["To Do → In Progress"], "once");

    let back = format!("sqlite:{}", folder.path().join("back.db").display());
    let copied = copy("env://NEW", &back).run().await;
    assert_eq!(copied.code, 0, "{copied:?}");
}

#[tokio::test]
async fn what_is_no_store_is_not_copied() {
    let nowhere = Conduit::new(&["store", "copy", "sqlite:none.db", "sqlite:new.db"]).refuses(4).await;
    assert!(nowhere.contains("there is no store at none.db"), "{nowhere}");
    let unset = Conduit::new(&["store", "copy", "env://OLD", "sqlite:new.db"]).refuses(2).await;
    assert!(unset.contains("FROM: the variable OLD is not set"), "{unset}");
    let wrong = Conduit::new(&["store", "copy", "mysql://:hunter2@db", "sqlite:new.db"]).refuses(2).await;
    assert!(
        wrong.contains("FROM: it is not the address of a store") && !wrong.contains("hunter2"),
        "{wrong}"
    );
    let redis = Conduit::new(&["store", "backup", "x"]).env("REDIS_URL", "redis://127.0.0.1:9");
    assert!(redis.refuses(2).await.contains("Backup and restore"));
}
