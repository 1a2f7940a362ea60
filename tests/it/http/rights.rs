//! Who may call what: the table of rights, walked with real requests.

use std::time::Duration;

use conduit::http::{HttpConfig, RIGHTS, Reach, Right};
use conduit::secrets::Secret;
use conduit::secrets::token::{Role, Token};
use conduit::store::{EventId, Routing};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::store::given::{by_hand, delivery_of, job, routed_as};

use super::door::{Delivery, Door, answer, assert_refused, pull_request};

/// A token of this role for these repositories.
async fn token(door: &Door, name: &str, role: Role, repos: &[&str]) -> Secret {
    let secret = Secret::generate().unwrap();
    let repos = repos.iter().map(|repo| (*repo).to_owned()).collect();
    let token = Token { repos, ..Token::new(name, role, &secret, door.clock.now()) };
    door.store.save_token(&token).await.unwrap();
    secret
}

/// A call of the route, without a token.
fn call(door: &Door, right: &Right) -> RequestBuilder {
    let event = EventId::new("github/x", "1", "1");
    let values = [
        ("{id}", event.as_str()),
        ("{key}", "SHOP-1"),
        ("{provider}", "github"),
        ("{repo_id}", "nobody"),
        ("{name}", "nobody"),
    ];
    let path = values.iter().fold(right.path.to_owned(), |path, (name, value)| path.replace(name, value));
    let management = matches!(right.path, "/metrics" | "/readyz");
    let listener = if management { &door.management } else { &door.public };
    door.client.request(right.method.parse().unwrap(), format!("{listener}{path}"))
}

/// Whether a call got past the door; what became of it then is another matter. A probe is always answered, and
/// only somebody who may gets its details.
async fn let_in(right: &Right, request: RequestBuilder) -> Result<(), StatusCode> {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    let refused = match right.path {
        "/readyz" => !text.contains("rules_loaded"),
        _ => matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN),
    };
    assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{} {}: {text}", right.method, right.path);
    if refused { Err(status) } else { Ok(()) }
}

#[tokio::test]
async fn each_route_lets_in_whom_the_table_says_and_nobody_else() {
    let config = HttpConfig { management_token_required: true, ..HttpConfig::default() };
    let door = Door::open_with(config).await;
    let scoped = token(&door, "team", Role::Operator, &["acme/*"]).await;
    let nobody = Secret::new("a-guess");
    assert!(RIGHTS.len() > 15, "the test finds the table");
    for right in RIGHTS {
        let place = format!("{} {}", right.method, right.path);
        let bare = let_in(right, call(&door, right)).await;
        let guessed = let_in(right, call(&door, right).bearer_auth(nobody.expose())).await;
        let unproven = if right.path == "/readyz" { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!((bare, guessed), (Err(unproven), Err(unproven)), "{place}");
        let whole = right.reach != Reach::Everything;
        for (who, token, may) in [
            ("a viewer", &door.viewer, right.role == Role::Viewer),
            ("an operator", &door.operator, right.role <= Role::Operator),
            ("an admin", &door.admin, true),
            ("an operator of acme/*", &scoped, right.role <= Role::Operator && whole),
        ] {
            let found = let_in(right, call(&door, right).bearer_auth(token.expose())).await;
            assert_eq!(found.is_ok(), may, "{who} at {place}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_token_for_some_repositories_sees_and_replays_only_their_events() {
    let door = Door::open().await;
    let operator = token(&door, "team", Role::Operator, &["Acme/*"]).await;
    let shop = door.register("shop", "acme/shop").await;
    let other = door.register("pay", "evil/pay").await;
    let old = (door.clock.now() - Duration::from_hours(8 * 24)).to_string();
    let mut elsewhere = pull_request(&old);
    elsewhere["repository"]["full_name"] = json!("evil/pay");
    elsewhere["repository"]["id"] = json!(99);
    let (ours, _) = door.deliver(&shop, &Delivery::json("d-1", "pull_request", &pull_request(&old))).await;
    let mut theirs = Vec::new();
    for id in ["d-2", "d-3", "d-4"] {
        theirs.push(door.deliver(&other, &Delivery::json(id, "pull_request", &elsewhere)).await.0);
    }
    let ask = async |method: Method, path: &str| {
        answer(door.ask(method, path).bearer_auth(operator.expose())).await
    };

    let (_, all) = door.admin(Method::GET, "/conduit/api/events", None).await;
    assert_eq!(all["data"]["events"].as_array().unwrap().len(), 4);
    let (_, seen) = ask(Method::GET, "/conduit/api/events?limit=1").await;
    let events = seen["data"]["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "newer events of others take no place on the page: {seen}");
    assert_eq!(events[0]["event_id"], ours.as_str());
    let (_, none) = ask(Method::GET, "/conduit/api/events?repo=evil/pay").await;
    assert_eq!(none["data"], json!({ "events": [], "next_cursor": null }));

    assert_eq!(ask(Method::GET, &format!("/conduit/api/events/{ours}")).await.0, StatusCode::OK);
    assert_eq!(ask(Method::POST, &format!("/conduit/api/events/{ours}/replay")).await.0, StatusCode::OK);
    for id in &theirs {
        assert_refused(&ask(Method::GET, &format!("/conduit/api/events/{id}")).await, 404, 212);
        assert_refused(&ask(Method::POST, &format!("/conduit/api/events/{id}/replay")).await, 404, 212);
    }
    let waiting = door.store.inbox("a-test", 10).await.unwrap();
    assert_eq!(waiting.iter().map(|item| &item.id).collect::<Vec<_>>(), [&ours], "nothing else was queued");
}

#[tokio::test]
async fn the_next_page_of_a_limited_token_tells_nothing_of_others() {
    let door = Door::open().await;
    let team = token(&door, "team", Role::Viewer, &["acme/*"]).await;
    let other = token(&door, "other", Role::Viewer, &["acme/*"]).await;
    for (id, repo) in [("d-1", "acme/shop"), ("d-2", "evil/pay"), ("d-3", "acme/shop"), ("d-4", "evil/pay")] {
        door.store.ingest(&delivery_of(repo, id, &door.clock)).await.unwrap();
        // Apart, so that their order is told by their times.
        door.clock.advance(Duration::from_secs(1));
    }
    let page = async |token: &Secret, cursor: &str| {
        let path = format!("/conduit/api/events?limit=1{cursor}");
        answer(door.ask(Method::GET, &path).bearer_auth(token.expose())).await
    };
    let ids = |page: &Value| page["data"]["events"][0]["delivery_id"].as_str().unwrap().to_owned();
    let (_, first) = page(&team, "").await;
    assert_eq!(ids(&first), "d-3");
    let cursor = first["data"]["next_cursor"].as_str().unwrap();
    let (_, whole) = page(&door.viewer, "").await;
    let plain = whole["data"]["next_cursor"].as_str().unwrap();
    assert!(cursor.starts_with("v1.") && !plain.starts_with("v1."), "{cursor} {plain}");
    let next = format!("&cursor={cursor}");
    assert_eq!(ids(&page(&team, &next).await.1), "d-1");
    for (token, cursor) in [(&other, next.as_str()), (&team, &format!("&cursor={plain}"))] {
        assert_refused(&page(token, cursor).await, 400, 201);
    }
}

#[tokio::test]
async fn a_duplicate_names_the_event_before_it_to_whom_that_belongs_alone() {
    let door = Door::open().await;
    let new = token(&door, "new", Role::Viewer, &["acme-corp/*"]).await;
    let both = token(&door, "both", Role::Viewer, &["acme-corp/*", "acme/shop"]).await;
    let before = door.register("shop", "acme/shop").await;
    let after = door.register("store", "acme-corp/shop").await;
    let (original, _) = door.deliver(&before, &Delivery::merged("d-1")).await;
    let mut renamed: Value = serde_json::from_slice(&Delivery::merged("d-2").body).unwrap();
    renamed["repository"]["full_name"] = json!("acme-corp/shop");
    let (again, duplicate) = door.deliver(&after, &Delivery::json("d-2", "pull_request", &renamed)).await;
    assert!(duplicate);
    for (token, told) in [(&new, false), (&both, true)] {
        let ask = async |path: &str| {
            answer(door.ask(Method::GET, path).bearer_auth(token.expose())).await.1["data"].take()
        };
        let row = ask("/conduit/api/events?limit=1").await["events"][0].take();
        assert_eq!((&row["event_id"], &row["reason"]), (&json!(again), &json!("duplicate")));
        let trace = ask(&format!("/conduit/api/events/{again}")).await;
        for text in [row.to_string(), trace.to_string()] {
            assert_eq!(text.contains(original.as_str()), told, "{text}");
        }
    }
}

#[tokio::test]
async fn why_a_site_stands_still_is_told_to_whose_tickets_wait_for_it() {
    let door = Door::open().await;
    let limited = token(&door, "team", Role::Viewer, &["acme/*"]).await;
    for site in ["atlassian", "jira-of-a-client"] {
        door.store.pause(site, &by_hand("paused by otto: an incident")).await.unwrap();
    }
    let queue = async |token: &Secret| {
        let answer = answer(door.ask(Method::GET, "/conduit/api/queue").bearer_auth(token.expose())).await;
        let sites = answer.1["data"]["paused"].as_array().unwrap().clone();
        sites.iter().map(|paused| paused["site"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(queue(&door.viewer).await, ["atlassian", "jira-of-a-client"]);
    assert!(queue(&limited).await.is_empty(), "nothing of theirs waits");
    for (repo, site) in [("evil/pay", "jira-of-a-client"), ("acme/shop", "atlassian")] {
        let routing = Routing { jobs: vec![job(site, "SHOP-1")], ..Routing::default() };
        routed_as(&door.store, delivery_of(repo, "d-1", &door.clock), &routing).await;
    }
    assert_eq!(queue(&limited).await, ["atlassian"]);
    assert_eq!(queue(&door.viewer).await, ["atlassian", "jira-of-a-client"]);
}
