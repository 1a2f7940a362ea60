use proptest::prelude::*;

use super::*;
use crate::event::{Checks, Commit, Deployment, Push, Ref, Release, SCHEMA, Sender};

fn event(subject: Subject) -> Event {
    Event {
        schema: SCHEMA,
        provider: "github".into(),
        kind: "test".into(),
        triggers: Vec::new(),
        repo: None,
        sender: Sender::default(),
        occurred_at: None,
        change: None,
        subject,
    }
}

fn found(tickets: &Tickets) -> Vec<(&str, &[Source])> {
    tickets.found.iter().map(|found| (found.key.as_str(), found.found_in.as_slice())).collect()
}

fn ignored(tickets: &Tickets) -> Vec<(&str, &str)> {
    tickets.ignored.iter().map(|ignored| (ignored.key.as_str(), ignored.because.as_str())).collect()
}

/// The keys in `text` when these projects are configured.
fn keys(text: &str, projects: &[&str]) -> Vec<String> {
    let projects = Projects::new(projects.iter().copied());
    keys_in(text, &projects).into_iter().filter(Shape::configured).map(|shape| shape.key()).collect()
}

#[test]
fn only_a_configured_project_makes_a_key() {
    assert_eq!(keys("SHOP-42: pay by card", &["shop"]), ["SHOP-42"]);
    assert!(keys("UTF-8, SHA-256 and CVE-2024-1234", &["SHOP"]).is_empty());
    assert_eq!(keys("UTF-8", &["UTF"]), ["UTF-8"], "nothing is special");
}

#[test]
fn case_is_folded_in_ascii_alone() {
    assert_eq!(keys("shop-1 ShOp-2", &["SHOP"]), ["SHOP-1", "SHOP-2"]);
    assert!(keys("ſoc-1 soc\u{212a}-2", &["SOC", "SOCK"]).is_empty());
}

#[test]
fn a_number_has_no_leading_zero_and_an_end() {
    assert!(keys("SHOP-042 SHOP-0 SHOP- SHOP-x SHOP--1", &["SHOP"]).is_empty());
    assert!(keys("SHOP-1x SHOP-9999999999999999999", &["SHOP"]).is_empty());
    assert_eq!(keys("SHOP-1_2 SHOP-2-3 SHOP-4.5", &["SHOP"]), ["SHOP-1", "SHOP-2", "SHOP-4"]);
}

#[test]
fn letters_and_digits_are_no_boundaries_and_all_else_is() {
    assert!(keys("xSHOP-1 9SHOP-2", &["SHOP"]).is_empty());
    assert_eq!(
        keys("🚀SHOP-1🚀 é SHOP-2é 票SHOP-3号 _SHOP-4_ (SHOP-5) feature/SHOP-6-pay x-SHOP-7", &["SHOP"]),
        ["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4", "SHOP-5", "SHOP-6", "SHOP-7"]
    );
}

#[test]
fn the_longest_project_wins() {
    assert_eq!(
        keys("DEV_OPS-3 dev-ops-4 OPS-5", &["OPS", "DEV_OPS", "DEV-OPS"]),
        ["DEV_OPS-3", "DEV-OPS-4", "OPS-5"]
    );
    assert_eq!(keys("DEV_OPS-3", &["OPS"]), ["OPS-3"], "nothing but a boundary without that project");
    assert_eq!(keys("A-1-2 A-3", &["A", "A-1"]), ["A-1-2", "A-3"]);
    assert_eq!(keys("A-1-2", &["A"]), ["A-1"]);
    assert_eq!(keys("B-1-A-2-3", &["A", "B", "A-2"]), ["B-1", "A-2-3"]);
}

#[test]
fn what_is_no_projects_key_is_left_out_of_the_configuration() {
    assert!(keys("-1 9x-2 é-3", &["", "9x", "é"]).is_empty());
}

#[test]
fn a_pull_request_names_tickets_in_its_title_its_branch_and_its_body() {
    let tickets = tickets(
        &event(Subject::PullRequest(PullRequest {
            title: "SHOP-2, SHOP-1".into(),
            head: "feature%2Fshop-1".into(),
            body: "Also SHOP-3 and SHOP-1; in UTF-8\n> SHOP-9 was quoted, SHOP-2 too".into(),
            ..PullRequest::default()
        })),
        &Projects::new(["SHOP"]),
    );
    assert_eq!(
        found(&tickets),
        [
            ("SHOP-2", [Source::Title].as_slice()),
            ("SHOP-1", &[Source::Title, Source::Branch, Source::Body]),
            ("SHOP-3", &[Source::Body]),
        ]
    );
    assert_eq!(ignored(&tickets), [("UTF-8", "project_not_configured"), ("SHOP-9", "quoted")]);
    assert_eq!(tickets.found[0].project, "SHOP");
}

#[test]
fn a_bots_body_quotes_other_people_and_its_title_does_not() {
    let tickets = tickets(
        &event(Subject::PullRequest(PullRequest {
            title: "SHOP-1: bump serde".into(),
            body: "Release notes: fixes SHOP-2, CVE-2024-1234\n> SHOP-3".into(),
            author_bot: true,
            ..PullRequest::default()
        })),
        &Projects::new(["SHOP"]),
    );
    assert_eq!(found(&tickets), [("SHOP-1", [Source::Title].as_slice())]);
    assert_eq!(ignored(&tickets), [("SHOP-2", "bot"), ("SHOP-3", "bot")]);
}

#[test]
fn each_subject_has_its_own_places() {
    let in_subject = |subject| {
        let tickets = tickets(&event(subject), &Projects::new(["SHOP"]));
        found(&tickets).into_iter().map(|(key, at)| (key.to_owned(), at.to_vec())).collect::<Vec<_>>()
    };
    let key = |number: u64, source: Source| (format!("SHOP-{number}"), vec![source]);

    let commits = vec![Commit { message: "SHOP-1\n\n> SHOP-2".into(), ..Commit::default() }];
    assert_eq!(
        in_subject(Subject::Push(Push { branch: "SHOP-3".into(), commits, ..Push::default() })),
        [key(1, Source::Message), key(2, Source::Message), key(3, Source::Branch)]
    );
    let notes = "> SHOP-2\n```\nSHOP-3\n```".into();
    assert_eq!(
        in_subject(Subject::Release(Release { name: "SHOP-1".into(), body: notes, ..Release::default() })),
        [key(1, Source::Notes), key(2, Source::Notes), key(3, Source::Notes)],
        "notes always count"
    );
    let branch = || "fix/shop-4".to_owned();
    assert_eq!(in_subject(Subject::Ref(Ref { name: branch(), ..Ref::default() })), [key(4, Source::Branch)]);
    assert_eq!(
        in_subject(Subject::Checks(Checks { branch: branch(), ..Checks::default() })),
        [key(4, Source::Branch)]
    );
    assert_eq!(
        in_subject(Subject::Deployment(Deployment { git_ref: branch(), ..Deployment::default() })),
        [key(4, Source::Branch)]
    );
    assert_eq!(in_subject(Subject::Nothing), []);
}

#[test]
fn hints_are_few() {
    let title: Vec<String> = (1..=50).map(|n| format!("PAY-{n} x-{n} SHOP-{n}")).collect();
    let pull_request = PullRequest { title: title.join(" "), ..PullRequest::default() };
    let tickets = tickets(&event(Subject::PullRequest(pull_request)), &Projects::new(["SHOP"]));
    assert_eq!(tickets.found.len(), 50, "keys are never cut");
    assert_eq!(tickets.ignored.len(), MAX_IGNORED);
    assert_eq!(tickets.ignored[0].key, "PAY-1");
}

#[test]
fn a_hint_has_the_shape_of_a_project() {
    let shapes = |text: &str| {
        let projects = Projects::new([]);
        keys_in(text, &projects).iter().map(Shape::key).collect::<Vec<_>>()
    };
    assert_eq!(
        shapes("UTF-8 sha-256 CVE-2024-1234 __dev_ops-3"),
        ["UTF-8", "SHA-256", "CVE-2024", "DEV_OPS-3"]
    );
    assert!(shapes("x-1 2026-11-02 9a-1 _-1 -1").is_empty());
    assert!(shapes(&format!("{}-1", "a".repeat(33))).is_empty());
    assert_eq!(shapes(&format!("{}-1", "a".repeat(32))).len(), 1);
}

#[test]
fn every_trigger_of_a_pull_request_looks_in_the_same_places() {
    for &trigger in Trigger::ALL {
        let sources = default_sources(trigger);
        match trigger.family() {
            "pull_request" => assert_eq!(sources, [Source::Title, Source::Branch, Source::Body]),
            "jira" => assert!(sources.is_empty()),
            _ => assert!(!sources.is_empty(), "{trigger}"),
        }
    }
}

const PROJECTS: [&str; 6] = ["SHOP", "OPS", "DEV_OPS", "DEV-OPS", "S", "S-1"];

/// Texts in which keys, near misses and boundaries are frequent.
fn texts() -> impl Strategy<Value = String> {
    "(SHOP|shop|DEV_OPS|DEV-OPS|OPS|S|X|-|_| |/|é|🚀|[0-9]|-[1-9][0-9]?){0,40}"
}

/// The keys in `text`, found the slow way: each project at each place, longest project first.
fn by_the_rules(text: &str) -> Vec<String> {
    let places = text.char_indices().flat_map(|(at, _)| PROJECTS.map(|project| (at, project)));
    let mut all: Vec<_> = places
        .filter_map(|(at, project)| {
            let digits: String = text[at..]
                .to_ascii_uppercase()
                .strip_prefix(&format!("{project}-"))?
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            let end = at + project.len() + 1 + digits.len();
            let alone = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
                && !text[end..].starts_with(|c: char| c.is_ascii_alphanumeric());
            let good = alone && !digits.is_empty() && digits.len() <= 18 && !digits.starts_with('0');
            good.then_some((project.len(), at, end))
        })
        .collect();
    all.sort_by_key(|&(project, at, _)| (std::cmp::Reverse(project), at));
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for (_, at, end) in all {
        if taken.iter().all(|&(other, other_end)| end <= other || other_end <= at) {
            taken.push((at, end));
        }
    }
    taken.sort_unstable();
    taken.into_iter().map(|(at, end)| text[at..end].to_ascii_uppercase()).collect()
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        keys_in(&text, &Projects::new(PROJECTS));
        tickets(
            &event(Subject::PullRequest(PullRequest { head: text.clone(), body: text, ..PullRequest::default() })),
            &Projects::new(PROJECTS),
        );
    }

    #[test]
    fn the_keys_are_those_that_the_rules_name(text in texts()) {
        prop_assert_eq!(keys(&text, &PROJECTS), by_the_rules(&text));
    }

    #[test]
    fn a_key_between_boundaries_is_found_wherever_it_is_put(
        before in texts(), after in texts(), project in prop::sample::select(&PROJECTS[..]), number in 1_u32..,
    ) {
        let key = format!("{project}-{number}");
        let found = keys(&format!("{before} {} {after}", key.to_lowercase()), &PROJECTS);
        prop_assert!(found.contains(&key));
        // It takes nothing from its neighbours, and they keep their order.
        let mut expected = keys(&before, &PROJECTS);
        expected.push(key);
        expected.extend(keys(&after, &PROJECTS));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn case_changes_nothing(text in texts()) {
        prop_assert_eq!(keys(&text.to_ascii_lowercase(), &PROJECTS), keys(&text.to_ascii_uppercase(), &PROJECTS));
    }

    #[test]
    fn other_projects_of_other_names_change_nothing(text in texts()) {
        let many: Vec<String> = (0..50).map(|n| format!("OTHER{n}")).collect();
        let all = PROJECTS.into_iter().chain(many.iter().map(String::as_str)).collect::<Vec<_>>();
        prop_assert_eq!(keys(&text, &PROJECTS), keys(&text, &all));
    }
}
