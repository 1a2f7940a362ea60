//! The first administrator's token, as a start finds it and leaves it.

use std::path::Path;
use std::time::Duration;

use conduit::app::service::Service;
use conduit::clock::Clock;
use conduit::secrets::Secret;
use conduit::secrets::token::{Role, Token};
use conduit::settings::Settings;
use conduit::store::Store as _;
use conduit::store::sqlite::SqliteStore;
use reqwest::Client;
use tempfile::TempDir;

use crate::support::service::{On, RULES, TOKEN, board, settings, write_config};

/// A store that has these tokens already, and the settings of a service on it.
async fn store_with(tokens: &[Token]) -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let settings = settings(folder.path(), &On::Sqlite, &board(&[]).await);
    let store = open(folder.path());
    for token in tokens {
        store.save_token(token).await.unwrap();
    }
    (folder, settings)
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("conduit.db"), Clock::system()).unwrap()
}

fn admin(name: &str, secret: &str) -> Token {
    Token::new(name, Role::Admin, &Secret::new(secret), Clock::system().now())
}

/// Starts a service, asks for its tokens with each of these, and stops it.
async fn opens(settings: &Settings, tokens: &[&str]) -> Vec<u16> {
    let service = Service::start(settings.clone(), Clock::system()).await.unwrap();
    let url = format!("http://{}/conduit/api/tokens", service.address.unwrap());
    let mut answers = Vec::new();
    for token in tokens {
        let answer = Client::new().get(&url).bearer_auth(token).send().await.unwrap();
        answers.push(answer.status().as_u16());
    }
    service.stop().await;
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_revoked_or_has_expired_comes_back_by_no_start_and_stops_none() {
    let now = Clock::system().now();
    let revoked = Token { revoked_at: Some(now), ..admin("first-admin", TOKEN) };
    let expired = Token { expires_at: Some(now - Duration::from_hours(1)), ..admin("guest", TOKEN) };
    for ended in [revoked, expired] {
        let (folder, settings) = store_with(&[admin("ada", "adas-own-token"), ended.clone()]).await;
        assert_eq!(opens(&settings, &[TOKEN, "adas-own-token"]).await, [401, 200]);
        assert!(open(folder.path()).tokens().await.unwrap().contains(&ended), "it is as it was");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_token_in_the_settings_ends_the_one_before_also_where_it_is_known() {
    let adas = "the-token-that-ada-has-made";
    let (_folder, mut settings) = store_with(&[admin("ada", adas)]).await;
    assert_eq!(opens(&settings, &[TOKEN, adas]).await, [200, 200]);
    settings.admin_token = Some(Secret::new(adas));
    assert_eq!(opens(&settings, &[TOKEN, adas]).await, [401, 200]);
    settings.admin_token = Some(Secret::new("a-third-one-for-all"));
    assert_eq!(opens(&settings, &[TOKEN, adas, "a-third-one-for-all"]).await, [401, 200, 200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_takes_the_place_of_none_that_does_not() {
    let guests = "the-token-of-a-guest-for-an-hour";
    let ends = Clock::system().now() + Duration::from_hours(1);
    let guest = Token { expires_at: Some(ends), ..admin("guest", guests) };
    let (_folder, mut settings) = store_with(&[guest]).await;
    assert_eq!(opens(&settings, &[TOKEN]).await, [200]);
    settings.admin_token = Some(Secret::new(guests));
    assert_eq!(opens(&settings, &[TOKEN, guests]).await, [200, 200], "or nobody would be left in an hour");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_finds_administrators_who_end_alone_makes_one_who_stays() {
    let ends = Token { expires_at: Some(Clock::system().now()), ..admin("guest", "a-guests-own-token") };
    let (folder, mut settings) = store_with(&[ends]).await;
    settings.admin_token = None;
    assert_eq!(opens(&settings, &["a-guests-own-token"]).await, [401]);
    let tokens = open(folder.path()).tokens().await.unwrap();
    let lasting: Vec<_> = tokens.iter().filter(|token| token.is_lasting_admin()).collect();
    assert_eq!(lasting.len(), 1, "{tokens:?}");
    assert_eq!(lasting[0].name, "first-admin");
    opens(&settings, &[]).await;
    assert_eq!(open(folder.path()).tokens().await.unwrap(), tokens, "once is enough");
}
