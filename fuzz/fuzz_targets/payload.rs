//! Any bytes as a delivery's body: an event or a refusal, and an event that can be stored and read back.

#![no_main]

use conduit::event::Event;
use conduit::event::ticket::{Projects, tickets};
use conduit::forge;
use libfuzzer_sys::fuzz_target;

const KINDS: [&str; 12] = [
    "pull_request",
    "pull_request_review",
    "push",
    "create",
    "delete",
    "release",
    "check_suite",
    "check_run",
    "deployment_status",
    "ping",
    "issues",
    "",
];
const TYPES: [&str; 3] = ["application/json", "application/x-www-form-urlencoded", "text/plain"];

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, body) = input;
    let kind = KINDS[usize::from(choice) % KINDS.len()];
    let content_type = TYPES[usize::from(choice) / KINDS.len() % TYPES.len()];
    let headers = [
        ("X-GitHub-Event", kind),
        ("Content-Type", content_type),
        ("X-Hub-Signature-256", "sha256=00"),
        ("X-Hub-Signature", "sha512=00"),
    ];
    for forge in forge::all() {
        assert!(forge.verify(&headers, body, &["secret"]).is_err(), "nobody signed this");
        let _ = forge.delivery_id(&headers, body);
        let Ok(event) = forge.normalise(&headers, body) else { continue };
        let stored = serde_json::to_string(&event).expect("an event can be written");
        let read: Event = serde_json::from_str(&stored).expect("and read back");
        assert_eq!(read, event);
        let _ = tickets(&event, &Projects::new(["SHOP", "DEV_OPS"]));
        let _ = event.occurrence();
    }
});
