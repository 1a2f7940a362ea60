//! What stands before a body: heads that are too large, and the headers of every answer.

use conduit::http::HttpConfig;
use reqwest::Method;

use super::door::{Delivery, Door};
use super::limits::send;

const ON_EVERY_ANSWER: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

#[tokio::test]
async fn every_answer_says_how_it_is_to_be_treated() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let requests = [
        (200, door.ask(Method::GET, "/conduit/ping")),
        (202, door.signed(&hook.uri, &hook.secret, &Delivery::merged("d-1"))),
        (401, door.unsigned(&hook.uri, &Delivery::merged("d-1"))),
        (404, door.ask(Method::GET, "/nothing/here")),
        (405, door.ask(Method::DELETE, "/conduit/ping")),
        (200, door.client.get(format!("{}/metrics", door.management))),
    ];
    for (status, request) in requests {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        for (name, value) in ON_EVERY_ANSWER {
            assert_eq!(response.headers().get(name).unwrap(), value, "{status} {name}");
        }
        assert!(!response.headers().contains_key("server"), "nobody needs to know");
        assert!(!response.headers().contains_key("strict-transport-security"), "it is not served over TLS");
    }
}

#[tokio::test]
async fn behind_a_proxy_with_tls_browsers_are_told_to_keep_to_it() {
    let public_url = Some("https://conduit.example/".parse().unwrap());
    let door = Door::open_with(HttpConfig { public_url, ..HttpConfig::default() }).await;
    let answer = door.ask(Method::GET, "/conduit/ping").send().await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_the_service_goes_on() {
    let door = Door::open().await;
    let path = "/conduit/webhooks/github/shop/payload";
    let many = "X-Again: 1\r\n".repeat(200);
    let large = format!("X-Large: {}\r\n", "x".repeat(200 * 1024));
    let heads = [
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{large}\r\n"),
        format!("POST {path}?{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200 * 1024)),
        format!("POST {path} HTTP/9.9\r\nHost: x\r\n\r\n"),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n"),
        "\0\u{1}\u{2} what is this\r\n\r\n".to_owned(),
    ];
    for head in heads {
        let answer = send(&door, head.clone().into_bytes()).await;
        let (begin, _) = head.split_at(60.min(head.len()));
        assert!(answer.starts_with("HTTP/1.1 4"), "{begin:?}: {answer:?}");
        assert!(door.ask(Method::GET, "/conduit/ping").send().await.unwrap().status().is_success());
    }
}
