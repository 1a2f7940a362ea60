//! What stops a start, and what it says.

use std::fmt::Write as _;
use std::path::Path;

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::secrets::Secret;
use conduit::secrets::token::{Role, Token};
use conduit::store::Store as _;
use conduit::store::sqlite::SqliteStore;

use super::run::Conduit;
use crate::support::service::{API_KEY, EMAIL, KEY, On, RULES, TOKEN, board, settings, write_config};

/// A `serve` in this folder that would start, but for what a test changes.
fn serve(folder: &Path) -> Conduit {
    Conduit::new(&["serve"])
        .env("CONDUIT_CONFIG", folder.to_str().unwrap())
        .env("CONDUIT_STORE", &format!("sqlite:{}", folder.join("conduit.db").display()))
        .env("CONDUIT_LOG", "error")
        .env("CONDUIT_LISTEN", "127.0.0.1:0")
        .env("CONDUIT_MANAGEMENT_LISTEN", "127.0.0.1:0")
        .env("CONDUIT_ADMIN_TOKEN", TOKEN)
        .env("CONDUIT_SECRET_KEY", KEY)
        .env("ATLASSIAN_DOMAIN_URL", "http://127.0.0.1:9")
        .env("ATLASSIAN_EMAIL", EMAIL)
        .env("ATLASSIAN_API_KEY", API_KEY)
}

#[tokio::test]
async fn a_wrong_setting_is_named_with_what_was_found_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let wrong = [
        ("CONDUIT_LISTEN", "9091"),
        ("CONDUIT_MANAGEMENT_LISTEN", "localhost"),
        ("CONDUIT_WORKERS", "0"),
        ("CONDUIT_LEASE", "1s"),
        ("CONDUIT_RETENTION", "soon"),
        ("CONDUIT_MAX_EVENT_AGE", "-1d"),
        ("CONDUIT_KEEP_PAYLOADS", "perhaps"),
        ("CONDUIT_PUBLIC_URL", "conduit.example.com"),
        ("CONDUIT_STORE", "mysql://conduit:hunter2@db"),
        ("REDIS_URL", "redis://:hunter2@redis"),
        ("CONDUIT_ADMIN_TOKEN", "hunter2"),
        ("CONDUIT_SECRET_KEY", "hunter2"),
        ("CONDUIT_LOG", "info,conduit=hunter"),
        ("CONDUIT_LOG_FORMAT", "xml"),
        ("ATLASSIAN_DOMAIN_URL", "acme.atlassian.net"),
    ];
    let mut said = String::new();
    for (name, value) in wrong {
        let text = serve(folder.path()).env(name, value).refuses(2).await;
        assert!(!text.contains("hunter2"), "{text}");
        let _ = write!(said, "▸ {name}={value}\n{text}");
    }
    insta::assert_snapshot!(said, @r#"
    ▸ CONDUIT_LISTEN=9091
    error: CONDUIT_LISTEN: found `9091`
      = help: an address and a port, such as 127.0.0.1:9091 or [::]:9091
    ▸ CONDUIT_MANAGEMENT_LISTEN=localhost
    error: CONDUIT_MANAGEMENT_LISTEN: found `localhost`
      = help: an address and a port, such as 127.0.0.1:9091 or [::]:9091
    ▸ CONDUIT_WORKERS=0
    error: CONDUIT_WORKERS: found `0`
      = help: a number from 1 to 1024
    ▸ CONDUIT_LEASE=1s
    error: CONDUIT_LEASE: found `1s`
      = help: a length of time from 3s to 5m
    ▸ CONDUIT_RETENTION=soon
    error: CONDUIT_RETENTION: found `soon`
      = help: a length of time such as 30d, 12h, 45m or 90s
    ▸ CONDUIT_MAX_EVENT_AGE=-1d
    error: CONDUIT_MAX_EVENT_AGE: found `-1d`
      = help: a length of time such as 30d, 12h, 45m or 90s
    ▸ CONDUIT_KEEP_PAYLOADS=perhaps
    error: CONDUIT_KEEP_PAYLOADS: found `perhaps`
      = help: yes or no
    ▸ CONDUIT_PUBLIC_URL=conduit.example.com
    error: CONDUIT_PUBLIC_URL: found `conduit.example.com`
      = help: an http or https address, such as https://example.com
    ▸ CONDUIT_STORE=mysql://conduit:hunter2@db
    error: CONDUIT_STORE: it is not the address of a store
      = help: sqlite:PATH, redis://HOST:PORT/DB, redis+sentinel://HOST,HOST/MASTER or redis+cluster://HOST,HOST; with TLS rediss in place of redis
    ▸ REDIS_URL=redis://:hunter2@redis
    error: CONDUIT_STORE and REDIS_URL: both are set, and differ
      = help: set one of them
    ▸ CONDUIT_ADMIN_TOKEN=hunter2
    error: CONDUIT_ADMIN_TOKEN: it is too short, or holds spaces
      = help: at least 16 characters without spaces (make one with: openssl rand -hex 32)
    ▸ CONDUIT_SECRET_KEY=hunter2
    error: CONDUIT_SECRET_KEY: it cannot be used
      = help: must be 32 bytes in base64 (make one with: openssl rand -base64 32)
    ▸ CONDUIT_LOG=info,conduit=hunter
    error: CONDUIT_LOG: log filter `info,conduit=hunter` is not understood: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5 (try: info, or info,conduit::worker=debug)
    ▸ CONDUIT_LOG_FORMAT=xml
    error: invalid value 'xml' for '--log-format <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    ▸ ATLASSIAN_DOMAIN_URL=acme.atlassian.net
    error: ATLASSIAN_DOMAIN_URL: found `acme.atlassian.net`
      = help: an http or https address, such as https://example.com
    "#);
}

#[tokio::test]
async fn a_missing_setting_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let config = folder.path().to_str().unwrap();
    let bare = |command: &str| Conduit::new(&[command]).env("CONDUIT_CONFIG", config);
    let redis = |command: &str| bare(command).env("REDIS_URL", "redis://127.0.0.1:9");

    let said = bare("serve").refuses(2).await;
    assert!(said.contains("ATLASSIAN_DOMAIN_URL: it is not set"), "{said}");
    let said = bare("serve").env("ATLASSIAN_DOMAIN_URL", "https://acme.atlassian.net").refuses(2).await;
    assert!(said.contains("ATLASSIAN_EMAIL: it is not set"), "{said}");
    let said = serve(folder.path()).env("CONDUIT_SPOOL", "/var/spool/conduit").refuses(2).await;
    assert!(said.contains("CONDUIT_SPOOL: it is set beside an embedded store"), "{said}");
    let said = redis("serve").refuses(2).await;
    assert!(said.contains("CONDUIT_ADMIN_TOKEN: it is not set") && said.contains("openssl rand"), "{said}");
    let said = redis("worker").refuses(2).await;
    assert!(said.contains("CONDUIT_SECRET_KEY: it is not set"), "{said}");
    let said = serve(&folder.path().join("elsewhere")).refuses(2).await;
    assert!(said.contains("workers.yaml") && said.contains("cannot be read"), "{said}");
}

#[tokio::test]
async fn a_mistake_in_a_rule_file_is_shown_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    write_config(
        folder.path(),
        &RULES.replace("transition = \"in_progress\"", "transition = \"in_progres\""),
    );
    let said = serve(folder.path()).refuses(1).await;
    insta::assert_snapshot!(said, @r#"
    error: nothing was started: the rules have mistakes

    error[E004]: `in_progres` is not a declared alias
     --> jira.hcl:8:48
      |
    8 |     state "to_do" "next"       { transition = "in_progres" }
      |                                                ^^^^^^^^^^ not in aliasmapper "shop"
      |
      = help: did you mean `in_progress`?
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_sealed_with_another_key_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let jira = board(&[]).await;
    let settings = settings(folder.path(), &On::Sqlite, &jira);
    Service::start(settings, Clock::system()).await.unwrap().stop().await;

    let other = KEY.replacen('A', "B", 1);
    let said = serve(folder.path()).env("CONDUIT_SECRET_KEY", &other).refuses(2).await;
    assert!(said.contains("CONDUIT_SECRET_KEY: it is not the key"), "{said}");
    assert!(!said.contains(&other), "{said}");
}

#[tokio::test]
async fn a_collector_that_cannot_be_one_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let wrong = [
        ("collector:4318", "always_on", "OTEL_EXPORTER_OTLP_ENDPOINT: it is not an address"),
        (
            "http://me:hunter2@collector:4318",
            "always_on",
            "OTEL_EXPORTER_OTLP_ENDPOINT: it holds credentials",
        ),
        ("http://collector:4318", "jaeger_remote", "OTEL_TRACES_SAMPLER: found `jaeger_remote`"),
        ("http://collector:4318", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG: found `2`"),
    ];
    for (endpoint, sampler, says) in wrong {
        let conduit = serve(folder.path()).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let conduit = conduit.env("OTEL_TRACES_SAMPLER", sampler).env("OTEL_TRACES_SAMPLER_ARG", "2");
        let text = conduit.refuses(2).await;
        assert!(text.contains(says) && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrators_token_that_is_somebody_elses_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let store = SqliteStore::open(&folder.path().join("conduit.db"), Clock::system()).unwrap();
    let vera = Token::new("vera", Role::Viewer, &Secret::new(TOKEN), Clock::system().now());
    store.save_token(&vera).await.unwrap();
    drop(store);
    let said = serve(folder.path()).refuses(2).await;
    assert!(said.contains("CONDUIT_ADMIN_TOKEN: it is the token vera, whose role is viewer"), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
}
