use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::ticket::{Projects, tickets};
use crate::event::{Subject, Trigger};
use crate::forge::sample;

const SECRET: &str = "a secret of some length";

fn normalise(event: &str, body: &[u8]) -> Result<Event, NormaliseError> {
    GitHub.normalise(&[("X-GitHub-Event", event), ("Content-Type", "application/json")], body)
}

fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forge/github");
    serde_json::from_slice(&fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

fn read(event: &str, payload: &Value) -> Event {
    normalise(event, payload.to_string().as_bytes()).unwrap()
}

/// Each payload in `tests/forge/github` beside the event it means. A file's name begins with its event's.
#[test]
fn every_payload_has_its_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forge/github");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder.join("events"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let mut payloads: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    payloads.sort();
    assert!(payloads.len() > 40, "the payloads are gone");
    for path in payloads {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let event = normalise(name.split('.').next().unwrap(), &fs::read(&path).unwrap()).unwrap();
        settings.bind(|| insta::assert_snapshot!(name, serde_json::to_string_pretty(&event).unwrap()));
    }
}

#[test]
fn a_signature_is_of_the_raw_body() {
    let body = b"{\"zen\": \"x\"}";
    let verify =
        |value: &str, body: &[u8]| GitHub.verify(&[("x-hub-signature-256", value)], body, &["new", SECRET]);
    let signed = sample::sign(SECRET, body);
    assert_eq!(verify(&signed, body), Ok(Verified { secret: 1, by: "HMAC-SHA256" }));
    assert_eq!(verify(&signed.to_uppercase().replace("SHA256", "sha256"), body).map(|v| v.secret), Ok(1));
    assert_eq!(verify(&signed, b"{\"zen\":\"x\"}"), Err(Unverified::Wrong));
    for header in ["", "sha256=", "sha256=zz", &signed[..70], &signed[7..], &format!("{signed}00"), "sha1=00"]
    {
        assert_eq!(verify(header, body), Err(Unverified::Wrong), "{header}");
    }
}

#[test]
fn no_signature_and_an_old_signature_are_told_apart_in_logs() {
    let none: [(&str, &str); 0] = [];
    assert_eq!(GitHub.verify(&none, b"", &[SECRET]), Err(Unverified::Missing));
    assert_eq!(GitHub.verify(&[("X-Hub-Signature", "sha1=00")], b"", &[SECRET]), Err(Unverified::LegacyOnly));
    let signed = sample::sign(SECRET, b"");
    assert_eq!(GitHub.verify(&[(SIGNATURE, signed.as_str())], b"", &[]), Err(Unverified::Wrong));
}

#[test]
fn a_delivery_without_an_id_is_known_by_its_body() {
    let id = |value: &str, body: &[u8]| GitHub.delivery_id(&[("X-GitHub-Delivery", value)], body);
    assert_eq!(
        id("72d3162e-cc78-11e3-81ab-4c9367dc0958", b"").unwrap(),
        "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    );
    assert_eq!(id("", b"a"), id("", b"a"));
    assert_ne!(id("", b"a"), id("", b"b"));
    for strange in ["a b", "a\nb", "é", &"x".repeat(129)] {
        assert!(id(strange, b"").is_err(), "{strange}");
    }
}

#[test]
fn a_form_holds_the_same_event() {
    let json = fixture("pull_request.merged").to_string();
    let encoded: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
    let headers = [
        ("X-GitHub-Event", "pull_request"),
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
    ];
    let event = GitHub.normalise(&headers, encoded.as_bytes()).unwrap();
    assert_eq!(event, normalise("pull_request", json.as_bytes()).unwrap());
    let signed = sample::sign(SECRET, encoded.as_bytes());
    assert!(GitHub.verify(&[(SIGNATURE, signed)], encoded.as_bytes(), &[SECRET]).is_ok());
    assert!(matches!(GitHub.normalise(&headers, b"payload=1&payload=2"), Err(NormaliseError::Unreadable(_))));
}

#[test]
fn what_cannot_be_read_says_why() {
    let unreadable = |body: &[u8]| match normalise("push", body) {
        Err(NormaliseError::Unreadable(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(unreadable(b"\xff\xfe").starts_with("not UTF-8"));
    assert!(unreadable(b"{\"a\": \"\xc3\"}").starts_with("not UTF-8"), "even where nobody looks");
    for body in ["", "{", "{\"ref\": \"refs/heads/main\"} x", "nil", "{\"commits\": [{]}"] {
        assert!(unreadable(body.as_bytes()).starts_with("not JSON"), "{body}");
    }
    let no_event: [(&str, &str); 0] = [];
    assert!(matches!(GitHub.normalise(&no_event, b"{}"), Err(NormaliseError::Header(_))));
    assert!(matches!(normalise("no such event!", b"{}"), Err(NormaliseError::Header(_))));
    let xml = [("X-GitHub-Event", "push"), ("Content-Type", "text/xml")];
    assert_eq!(GitHub.normalise(&xml, b"{}"), Err(NormaliseError::ContentType("text/xml".into())));
}

#[test]
fn what_an_event_cannot_do_without_is_named() {
    let lacking = |file: &str, path: &str| {
        let mut payload = fixture(file);
        let (parent, field) = path.rsplit_once('/').unwrap();
        payload.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        match normalise(file.split('.').next().unwrap(), payload.to_string().as_bytes()) {
            Err(NormaliseError::NotNormalisable(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let event = "pull_request.opened";
    assert_eq!(
        lacking(event, "/pull_request"),
        "GitHub's `pull_request` payload has no usable `pull_request`"
    );
    assert!(lacking(event, "/pull_request/title").contains("`pull_request.title`"));
    assert!(lacking(event, "/pull_request/head/ref").contains("`pull_request.head.ref`"));
    assert!(lacking(event, "/pull_request/base").contains("`pull_request.base`"));
    assert!(lacking(event, "/repository").contains("`repository`"));
    assert!(lacking(event, "/repository/id").contains("`repository`"));
    assert!(lacking("pull_request_review.approved", "/review").contains("`review.state`"));
    assert!(lacking("push.branch", "/ref").contains("`ref`"));
    assert!(lacking("release.published", "/release/tag_name").contains("`release.tag_name`"));
    assert!(lacking("create.branch", "/ref_type").contains("`ref_type`"));
    assert!(lacking("check_suite.success", "/check_suite").contains("`check_suite`"));
    assert!(lacking("deployment_status.success", "/deployment").contains("`deployment`"));
    for body in ["[]", "null", "\"x\"", "7"] {
        assert!(
            matches!(normalise("push", body.as_bytes()), Err(NormaliseError::NotNormalisable(_))),
            "{body}"
        );
    }
    let twice = b"{\"action\": \"opened\", \"action\": \"closed\"}";
    assert!(matches!(normalise("pull_request", twice), Err(NormaliseError::NotNormalisable(_))));
}

#[test]
fn an_event_that_nobody_acts_on_needs_nothing() {
    for (name, body, kind) in [
        ("ping", "{}", "ping"),
        ("star", "{\"action\": \"created\"}", "star.created"),
        ("star", "{\"action\": \"no action\\u0007\"}", "star"),
        ("pull_request", "{\"action\": \"assigned\"}", "pull_request.assigned"),
        ("release", "{\"action\": \"deleted\"}", "release.deleted"),
    ] {
        let event = normalise(name, body.as_bytes()).unwrap();
        assert_eq!(
            (event.kind.as_str(), event.is_supported(), event.subject),
            (kind, false, Subject::Nothing)
        );
    }
}

/// Fields that a decision rests on; without any other one the event is the same kind of event.
#[test]
fn no_other_field_is_needed_and_none_may_have_the_wrong_type() {
    let needed =
        ["action", "number", "title", "ref", "id", "full_name", "pull_request", "head", "base", "repository"];
    let whole = fixture("pull_request.opened");
    for path in paths(&whole, "") {
        if needed.contains(&path.rsplit('/').next().unwrap()) {
            continue;
        }
        for wrong in
            [json!(null), json!(1), json!(-1.5), json!("?"), json!([[1], "x"]), json!({"a": {"b": []}})]
        {
            let mut payload = whole.clone();
            *payload.pointer_mut(&path).unwrap() = wrong;
            let event = read("pull_request", &payload);
            assert_eq!(event.triggers.first(), Some(&Trigger::PullRequestOpened), "{path}");
        }
    }
}

/// The paths of everything in `value`.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let below = |(name, value): (&String, &Value)| {
        let path = format!("{at}/{name}");
        let mut paths = paths(value, &path);
        paths.push(path);
        paths
    };
    object.iter().flat_map(below).collect()
}

#[test]
fn the_same_change_by_another_hook_is_the_same_occurrence() {
    let occurrence = |file: &str| read(file.split('.').next().unwrap(), &fixture(file)).occurrence();
    assert_eq!(
        occurrence("pull_request.merged").unwrap(),
        "github/4711/pull_request.merged/118/3e49e00000000000000000000000000000000118"
    );
    assert_eq!(occurrence("release.published").unwrap(), "github/4711/release.published/5501/full");
    assert_eq!(
        occurrence("release.promoted"),
        occurrence("release.published"),
        "published and released are one"
    );
    assert_ne!(occurrence("release.prerelease_published"), occurrence("release.promoted"));
    assert_eq!(occurrence("ping"), None);
    assert_eq!(occurrence("pull_request.assigned"), None);
    for (one, other) in [
        ("pull_request.opened", "pull_request.reopened"),
        ("pull_request.labeled", "pull_request.unlabeled"),
        ("pull_request.edited_title", "pull_request.edited_base"),
        ("push.branch", "push.new_branch"),
        ("create.branch", "delete.branch"),
        ("check_suite.success", "check_suite.failure"),
    ] {
        assert!(occurrence(one).is_some(), "{one}");
        assert_ne!(occurrence(one), occurrence(other));
    }
}

#[test]
fn a_promotion_is_as_young_as_itself_and_a_push_as_its_push() {
    let at =
        |file: &str| read(file.split('.').next().unwrap(), &fixture(file)).occurred_at.unwrap().to_string();
    assert_eq!(at("release.promoted"), "2026-11-02T09:30:00Z");
    assert_eq!(at("push.branch"), "2026-11-02T09:30:00Z", "its commits were written in September");
    let mut promoted = fixture("release.promoted");
    promoted["release"]["updated_at"].take();
    assert_eq!(read("release", &promoted).occurred_at, None, "unknown rather than too old");
}

#[test]
fn a_sample_is_what_github_would_send() {
    let repo = sample::Repository { id: 7, owner: "acme", name: "shop", default_branch: "main" };
    let pr = sample::PullRequest {
        action: "closed",
        number: 118,
        title: "SHOP-42: Pay by card",
        body: "",
        head: "feature/SHOP-42",
        base: "main",
        author: "ada",
        merged: true,
        labels: &["checkout"],
        at: "2026-11-02T09:30:00Z",
        ..sample::PullRequest::default()
    };
    let body = sample::pull_request(&repo, &pr).to_string();
    assert!((20_000..30_000).contains(&body.len()), "{} bytes", body.len());
    let headers = sample::headers("pull_request", "d-1", SECRET, body.as_bytes());
    assert!(GitHub.verify(&headers, body.as_bytes(), &[SECRET]).is_ok());
    assert_eq!(GitHub.delivery_id(&headers, body.as_bytes()).unwrap(), "d-1");
    let event = GitHub.normalise(&headers, body.as_bytes()).unwrap();
    assert_eq!(event.kind, "pull_request.merged");
    assert_eq!(event.repo.as_ref().unwrap().path, "acme/shop");
    assert_eq!(event.pull_request().unwrap().labels, ["checkout"]);
    assert_eq!(tickets(&event, &Projects::new(["shop"])).found[0].key, "SHOP-42");

    let release = sample::Release {
        action: "published",
        id: 5,
        tag: "v1",
        name: "One",
        notes: "SHOP-1, SHOP-2",
        prerelease: false,
        author: "ada",
        at: "2026-11-02T09:30:00Z",
    };
    let event = read("release", &sample::release(&repo, &release));
    assert_eq!(tickets(&event, &Projects::new(["shop"])).found.len(), 2);
    let push = sample::Push { branch: "main", messages: &["SHOP-1", "x"], author: "ada", at: 1_793_611_800 };
    let event = read("push", &sample::push(&repo, &push));
    assert_eq!((event.kind.as_str(), event.occurred_at.unwrap().as_second()), ("push", 1_793_611_800));
    assert_eq!(read("ping", &sample::ping(&repo)).repo.unwrap().id, "7");
}

proptest! {
    #[test]
    fn no_body_is_too_strange(event in "(push|pull_request|release|create|star)", body in any::<Vec<u8>>()) {
        let _ = normalise(&event, &body);
    }

    #[test]
    fn a_truncated_body_is_unreadable(cut in 1_usize..2000) {
        let body = fixture("pull_request.opened").to_string();
        let body = &body.as_bytes()[..cut.min(body.len() - 1)];
        prop_assert!(matches!(normalise("pull_request", body), Err(NormaliseError::Unreadable(_))));
    }
}
