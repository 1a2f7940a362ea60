use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::ticket::{Projects, tickets};
use crate::event::{Issue, Subject, Trigger};

/// Atlassian's own example.
const EXAMPLE: (&str, &str, &str) = (
    "It's a Secret to Everybody",
    "Hello World!",
    "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forge/jira")
}

fn fixture(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

fn normalise(body: &[u8]) -> Result<Event, NormaliseError> {
    Jira.normalise(&[("Content-Type", "application/json; charset=UTF-8")], body)
}

fn read(payload: &Value) -> Event {
    normalise(payload.to_string().as_bytes()).unwrap()
}

fn issue(event: Event) -> Issue {
    match event.subject {
        Subject::Issue(issue) => *issue,
        other => panic!("{other:?}"),
    }
}

/// Each payload in `tests/forge/jira` beside the event it means. A file's name says who sent it: Cloud or a Data Center.
#[test]
fn every_payload_has_its_event() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder().join("events"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let mut payloads: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    payloads.sort();
    assert!(payloads.len() > 12, "the payloads are gone");
    for path in payloads {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let event = normalise(&fs::read(&path).unwrap()).unwrap();
        settings.bind(|| insta::assert_snapshot!(name, serde_json::to_string_pretty(&event).unwrap()));
    }
}

#[test]
fn a_signature_is_that_of_atlassians_own_example() {
    let (secret, body, header) = EXAMPLE;
    let verify = |header: &str, body: &str| {
        Jira.verify(&[("X-Hub-Signature", header)], body.as_bytes(), &["new", secret])
    };
    assert_eq!(verify(header, body), Ok(Verified { secret: 1, by: "HMAC-SHA256" }));
    assert_eq!(verify(header, "Hello World"), Err(Unverified::Wrong));
    for wrong in
        ["", "sha256=", "sha256=zz", &header[..70], &header[7..], &format!("{header}00"), "sha512=00"]
    {
        assert_eq!(verify(wrong, body), Err(Unverified::Wrong), "{wrong}");
    }
    assert_eq!(verify(&header.replace("sha256", "sha512"), body), Err(Unverified::Wrong));
    for weak in ["sha1=7d38cdd689735b008b3c702edd92eea23791c5f6", "md5=0cc175b9c0f1b6a831c399e269772661"] {
        assert_eq!(verify(weak, body), Err(Unverified::LegacyOnly), "{weak}");
    }
    let none: [(&str, &str); 0] = [];
    assert_eq!(Jira.verify(&none, body.as_bytes(), &[secret]), Err(Unverified::Missing));
    assert_eq!(Jira.verify(&[(SIGNATURE, header)], body.as_bytes(), &[]), Err(Unverified::Wrong));
    let github = [("X-Hub-Signature-256", header)];
    assert_eq!(Jira.verify(&github, body.as_bytes(), &[secret]), Err(Unverified::Missing));
}

#[test]
fn every_try_of_a_delivery_bears_the_same_id_and_says_which_try_it_is() {
    let headers = |retry: &str| {
        vec![
            (DELIVERY.to_owned(), "0000002a-0000-4000-8000-000000000001".to_owned()),
            (RETRY.to_owned(), retry.to_owned()),
            (FLOW.to_owned(), "Primary".to_owned()),
        ]
    };
    let body = fixture("cloud.status_changed").to_string();
    let id = |retry| Jira.delivery_id(&headers(retry), body.as_bytes()).unwrap();
    assert_eq!((id("1"), id("2")), (id(""), "0000002a-0000-4000-8000-000000000001".to_owned()));
    let told = |retry| issue(Jira.normalise(&headers(retry), body.as_bytes()).unwrap());
    assert_eq!((told("2").retry, told("2").flow.as_deref()), (2, Some("Primary")));
    assert_eq!(told("often").retry, 0);
    let odd = vec![(FLOW.to_owned(), "Pri mary\u{202e}".to_owned())];
    assert_eq!(issue(Jira.normalise(&odd, body.as_bytes()).unwrap()).flow, None);
}

#[test]
fn a_change_of_status_is_one_under_whatever_name() {
    for name in ["jira:issue_updated", "issue_generic", "jira:issue_created", "jira:worklog_updated"] {
        let mut payload = fixture("cloud.status_changed");
        payload["webhookEvent"] = json!(name);
        payload["issue_event_type_name"] = json!("whatever");
        let event = read(&payload);
        assert_eq!(
            (event.kind.as_str(), event.triggers),
            ("jira.status_changed", vec![Trigger::JiraStatusChanged])
        );
    }
    let moved = issue(read(&fixture("dc.status_changed"))).moved.unwrap();
    assert_eq!((moved.from.id.as_str(), moved.to.name.as_str()), ("1", "In Arbeit"));
}

#[test]
fn the_ticket_is_named_by_the_event_itself_and_nowhere_else() {
    let event = read(&fixture("cloud.status_changed"));
    let found = tickets(&event, &Projects::new(["shop", "web"])).found;
    assert_eq!(found.iter().map(|found| found.key.as_str()).collect::<Vec<_>>(), ["SHOP-42"]);
    assert!(found[0].found_in.is_empty());
    let elsewhere = tickets(&event, &Projects::new(["web"]));
    assert!(elsewhere.found.is_empty());
    assert_eq!(elsewhere.ignored[0].because, "project_not_configured");
    let mut odd = fixture("cloud.status_changed");
    odd["issue"]["key"] = json!("WEB-1 and SHOP-42");
    let found = tickets(&read(&odd), &Projects::new(["shop", "web"])).found;
    assert!(found.is_empty(), "one key or none: {found:?}");
}

#[test]
fn a_site_is_known_by_the_address_of_its_issues() {
    let path = |address: &str| {
        let mut payload = fixture("cloud.assigned");
        payload["issue"]["self"] = json!(address);
        read(&payload).repo.map(|repo| repo.path)
    };
    let of = |path: &str| Some(path.to_owned());
    assert_eq!(path("https://ACME.atlassian.net/rest/api/2/10042"), of("acme.atlassian.net/SHOP"));
    assert_eq!(path("http://10.0.0.7:8080/jira/rest/api/2/issue/1"), of("10.0.0.7:8080/jira/SHOP"));
    for odd in [
        "acme.atlassian.net/rest/api/2/1",
        "https:///rest/api/2/1",
        "https://acme.atlassian.net/browse/SHOP-42",
        "https://acme.atlassian.net@evil.example/rest/api/2/1",
        "https://*/rest/",
        "ftp://acme.atlassian.net/rest/api/2/1",
    ] {
        assert_eq!(path(odd), None, "{odd}");
    }
}

#[test]
fn the_same_change_by_another_hook_is_the_same_occurrence() {
    let occurrence = |name: &str| read(&fixture(name)).occurrence();
    assert_eq!(
        occurrence("cloud.status_changed").unwrap(),
        "jira/acme.atlassian.net/10010/jira.status_changed/30105"
    );
    assert!(occurrence("dc.commented").is_some());
    assert_eq!(occurrence("dc.commented"), occurrence("dc.comment_created_with_issue"));
    assert_ne!(occurrence("cloud.status_changed"), occurrence("cloud.status_resolved"));
    assert_eq!(occurrence("cloud.assigned"), None);
    let mut numbered = fixture("cloud.status_changed");
    numbered["changelog"]["id"] = json!(30105);
    assert_eq!(read(&numbered).occurrence(), occurrence("cloud.status_changed"));
}

#[test]
fn who_did_it_is_known_by_the_account_and_not_by_the_name() {
    let by = |name: &str| {
        let event = read(&fixture(name));
        (event.sender.login.clone(), event.sender.bot, issue(event).actor.unwrap().name)
    };
    let ada = || ("5b10a2844c20165700ede21g".to_owned(), false, "Ada Lovelace".to_owned());
    assert_eq!(by("cloud.status_changed"), ada());
    assert_eq!(by("cloud.comment_created"), ada(), "said in the comment alone");
    assert_eq!(by("dc.status_changed"), ("ada".to_owned(), false, "Ada Lovelace".to_owned()));
    assert!(by("cloud.status_changed_by_app").1);
    let mut nobody = fixture("cloud.status_changed");
    nobody["user"] = json!({ "displayName": "Ada Lovelace" });
    assert_eq!(issue(read(&nobody)).actor, None);
}

#[test]
fn what_an_event_cannot_do_without_is_named() {
    let lacking = |file: &str, path: &str| {
        let mut payload = fixture(file);
        *payload.pointer_mut(path).unwrap() = json!([]);
        match normalise(payload.to_string().as_bytes()) {
            Err(NormaliseError::NotNormalisable(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let event = "cloud.status_changed";
    assert_eq!(lacking(event, "/webhookEvent"), "Jira's payload has no usable `webhookEvent`");
    assert_eq!(lacking(event, "/issue/key"), "Jira's `jira:issue_updated` payload has no usable `issue.key`");
    assert!(lacking(event, "/issue/self").contains("`issue.self`"));
    assert!(lacking(event, "/issue").contains("`issue.key`"));
    assert!(lacking("cloud.created", "/issue").contains("`issue.key`"));
    let mut nowhere = fixture(event);
    nowhere["changelog"]["items"] = json!([{ "field": "status", "from": "1" }]);
    assert!(matches!(normalise(nowhere.to_string().as_bytes()), Err(NormaliseError::NotNormalisable(_))));
    for body in ["[]", "null", "\"x\"", "7", "{}"] {
        assert!(matches!(normalise(body.as_bytes()), Err(NormaliseError::NotNormalisable(_))), "{body}");
    }
    for body in ["", "{", "{\"issue\": \"\\", "nil"] {
        assert!(matches!(normalise(body.as_bytes()), Err(NormaliseError::Unreadable(_))), "{body}");
    }
}

/// Fields that a decision rests on; without any other one the event is the same kind of event.
#[test]
fn no_other_field_is_needed_and_none_may_have_the_wrong_type() {
    let needed = ["webhookEvent", "issue", "self", "key", "changelog", "items"];
    for file in ["cloud.status_changed", "dc.status_changed"] {
        let whole = fixture(file);
        for path in paths(&whole, "") {
            if needed.contains(&path.rsplit('/').next().unwrap()) {
                continue;
            }
            for wrong in
                [json!(null), json!(1), json!(-1.5), json!("?"), json!([[1], "x"]), json!({"a": {"b": []}})]
            {
                let mut payload = whole.clone();
                *payload.pointer_mut(&path).unwrap() = wrong;
                let event = read(&payload);
                assert_eq!(event.triggers, [Trigger::JiraStatusChanged], "{path}");
                assert_eq!(issue(event).key, "SHOP-42");
            }
        }
    }
}

/// The paths of everything in `value`, lists apart.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let below = |(name, value): (&String, &Value)| {
        let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        let mut paths = paths(value, &path);
        paths.push(path);
        paths
    };
    object.iter().flat_map(below).collect()
}

proptest! {
    #[test]
    fn no_body_is_too_strange(body in any::<Vec<u8>>()) {
        let _ = normalise(&body);
    }

    #[test]
    fn no_signature_is_too_strange(header in "\\PC*", body in any::<Vec<u8>>()) {
        prop_assert!(Jira.verify(&[(SIGNATURE, header)], &body, &["a secret"]).is_err());
    }

    #[test]
    fn a_truncated_body_is_unreadable(cut in 1_usize..4000) {
        let body = fixture("dc.status_changed").to_string();
        let body = &body.as_bytes()[..cut.min(body.len() - 1)];
        let unreadable = matches!(normalise(body), Err(NormaliseError::Unreadable(_)));
        prop_assert!(unreadable);
    }
}
