//! Large, slow and broken-off bodies.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use conduit::http::HttpConfig;
use reqwest::StatusCode;

use super::door::{Delivery, Door, answer, assert_refused, pull_request};

const LIMIT: usize = 25 * 1024 * 1024;

/// A merged pull request of exactly this many bytes.
fn merged_of_size(door: &Door, bytes: usize) -> Delivery {
    let mut body = pull_request(&door.clock.now().to_string());
    body["padding"] = "".into();
    let short = body.to_string().len();
    body["padding"] = "x".repeat(bytes - short).into();
    let delivery = Delivery::json("d-1", "pull_request", &body);
    assert_eq!(delivery.body.len(), bytes);
    delivery
}

#[tokio::test]
async fn a_delivery_of_25_mib_is_accepted_and_understood() {
    let config = HttpConfig { body_timeout: Duration::from_mins(1), ..HttpConfig::default() };
    let door = Door::open_with(config).await;
    let hook = door.register("shop", "acme/shop").await;
    let (id, _) = door.deliver(&hook, &merged_of_size(&door, LIMIT)).await;
    assert_eq!(door.event(&id).await.received.bytes, LIMIT as u64);
}

#[tokio::test]
async fn one_byte_more_is_refused_before_it_is_sent() {
    let door = Door::open().await;
    let head = format!("Content-Length: {}", LIMIT + 1);
    let answer = raw(&door, &head, b"").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("\"error_code\":206"), "{answer}");
}

#[tokio::test]
async fn one_byte_more_in_chunks_is_refused_when_it_comes() {
    let config = HttpConfig { body_timeout: Duration::from_mins(1), ..HttpConfig::default() };
    let door = Door::open_with(config).await;
    let mut body = format!("{LIMIT:x}\r\n").into_bytes();
    body.resize(body.len() + LIMIT, b'x');
    body.extend_from_slice(b"\r\n1\r\nx\r\n");
    let answer = raw(&door, "Transfer-Encoding: chunked", &body).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    let door = Door::open().await;
    let answer = raw(&door, "Content-Length: 99999999999999999999999", b"").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn a_chunked_delivery_within_the_limit_is_as_good_as_any() {
    let door = Door::open().await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = Delivery::merged("d-1");
    let pieces: Vec<_> =
        delivery.body.chunks(100).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let (status, body) = answer(door.signed(&hook.uri, &hook.secret, &delivery).body(stream)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
}

#[tokio::test]
async fn a_sender_that_stops_in_the_middle_is_cut() {
    let config = HttpConfig { body_timeout: Duration::from_millis(200), ..HttpConfig::default() };
    let door = Door::open_with(config).await;
    for (head, body) in
        [("Content-Length: 1000", "{\"half"), ("Transfer-Encoding: chunked", "6\r\n{\"half\r\n")]
    {
        let answer = raw(&door, head, body.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{head}: {answer}");
        assert!(answer.contains("\"error_code\":215"), "{head}: {answer}");
    }
}

#[tokio::test]
async fn bodies_that_together_take_too_much_memory_are_told_to_come_back() {
    let config = HttpConfig { body_memory: 1000, ..HttpConfig::default() };
    let door = Door::open_with(config).await;
    let hook = door.register("shop", "acme/shop").await;
    let delivery = merged_of_size(&door, 4000);
    let refused = answer(door.signed(&hook.uri, &hook.secret, &delivery)).await;
    assert_refused(&refused, 503, 207);
    assert!(door.events().await.is_empty());
}

/// Sends a delivery byte by byte as given, and reads until the service closes the connection.
pub(super) async fn raw(door: &Door, head: &str, body: &[u8]) -> String {
    let mut request = format!(
        "POST /conduit/webhooks/github/shop/payload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    send(door, request).await
}

/// Sends these bytes, and reads until the service closes the connection.
pub(super) async fn send(door: &Door, request: Vec<u8>) -> String {
    let address = door.public.strip_prefix("http://").unwrap().to_owned();
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // Whoever has heard enough closes before everything is sent.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}
