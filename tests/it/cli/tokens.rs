//! `conduit tokens …`, against a running service.

use regex::Regex;
use serde_json::Value;

use super::run::{Conduit, masked};
use crate::support::service::{On, TestService, board};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_made_used_listed_and_revoked() {
    let service = TestService::start(&On::Sqlite, &board(&[]).await).await;
    let conduit = |arguments: &[&str]| Conduit::at(&service, arguments);

    let create =
        ["tokens", "create", "ci", "--role", "viewer", "--repos", "acme/shop,acme/pay", "--expires", "90d"];
    let made = conduit(&create).run().await;
    assert_eq!(made.code, 0, "{made:?}");
    insta::assert_snapshot!(masked(&made.out), @"Token (shown once): SECRET");
    insta::assert_snapshot!(masked(&made.err), @"ci is viewer for acme/shop, acme/pay, until TIME                .");
    let token = Regex::new(r"\b[0-9a-f]{64}\b").unwrap().find(&made.out).unwrap().as_str().to_owned();
    let as_ci = |arguments: &[&str]| conduit(arguments).env("CONDUIT_TOKEN", &token);
    as_ci(&["events", "list"]).prints().await;
    let refused = as_ci(&["queue", "pause"]).refuses(1).await;
    assert!(refused.contains("role viewer"), "{refused}");
    let again = conduit(&create).refuses(1).await;
    assert!(again.contains("there is a token ci already"), "{again}");

    insta::assert_snapshot!(masked(&conduit(&["tokens", "list"]).prints().await), @r"
    TOKEN        ROLE    REPOSITORIES         MADE                  VALID
    first-admin  admin   all                  TIME                  until it is revoked
    ci           viewer  acme/shop, acme/pay  TIME                  until TIME
    ");
    let unasked = conduit(&["tokens", "revoke", "ci"]).refuses(2).await;
    assert!(unasked.contains("--yes"), "{unasked}");
    let revoked = conduit(&["tokens", "revoke", "ci", "--yes"]).run().await;
    assert_eq!(revoked.code, 0, "{revoked:?}");
    as_ci(&["events", "list"]).refuses(1).await;
    conduit(&["tokens", "revoke", "ci", "--yes"]).refuses(4).await;
    let last = conduit(&["tokens", "revoke", "first-admin", "--yes"]).refuses(1).await;
    assert!(last.contains("the last administrator"), "{last}");

    let all = conduit(&["-o", "json", "tokens", "list"]).answers("conduit.tokens/1").await;
    let valid: Vec<&Value> = all["tokens"].as_array().unwrap().iter().map(|token| &token["valid"]).collect();
    assert_eq!(valid, [&Value::Bool(true), &Value::Bool(false)]);
    assert!(!all.to_string().contains(&token));

    insta::assert_snapshot!(masked(&conduit(&["audit"]).prints().await), @r"
    WHEN                  WHO          WHAT               TO                        FROM
    TIME                  first-admin  token_revoked      ci                        127.0.0.1
    TIME                  ci           ✗ refused: paused  /conduit/api/queue/pause  127.0.0.1
    TIME                  first-admin  token_made         ci                        127.0.0.1
    ");
    let made = conduit(&["-o", "json", "audit", "--action", "token_made"]).answers("conduit.audit/1").await;
    assert_eq!(made["entries"].as_array().unwrap().len(), 1);
    conduit(&["audit", "--action", "destroyed"]).refuses(2).await;
    service.stop().await;
}
