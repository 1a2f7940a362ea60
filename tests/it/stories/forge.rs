//! What a payload lacks is read from the forge before the decision.

use std::time::Duration;

use conduit::event::ticket::Source;
use conduit::event::{Event, Subject, Trigger};
use conduit::trace::{Outcome, Reason};

use super::world::{RULES, World, event, pull_request};
use crate::support::github::{GitHubSim, Trouble};

/// Pull requests that touch the web shop.
const BY_PATHS: &str = r#"on "pull_request.merged" {
  paths = ["web/**", "!web/docs/**"]
  fire = "next"
}"#;
/// Pull requests whose commits name tickets.
const BY_COMMITS: &str = r#"on "pull_request.merged" {
  keys = ["commits"]
  fire = "next"
}"#;

/// The rules of SHOP with one of their own.
fn rules(rule: &str) -> String {
    RULES.trim_end().strip_suffix("  }\n}").unwrap().to_owned() + rule + "\n  }\n}"
}

fn asking(world: World, rule: &str) -> (World, GitHubSim) {
    let github = GitHubSim::start();
    let client = github.client(&world.clock);
    let world = world.with_forge(client);
    world.reload(&rules(rule));
    (world, github)
}

fn merged_at(head_sha: &str, title: &str) -> Event {
    let mut pull_request = pull_request(title);
    pull_request.head_sha = head_sha.into();
    event(Trigger::PullRequestMerged, Subject::PullRequest(pull_request))
}

pub(crate) async fn a_rule_by_paths_looks_at_every_page_of_files_once(world: World) {
    let (world, github) = asking(world, BY_PATHS);
    let files = (0..149).map(|n| format!("api/{n}.rs")).chain(["web/cart.ts".to_owned()]);
    github.changes(118, files);

    let id = world.deliver(merged_at("c0ffee", "SHOP-1, SHOP-2")).await;
    world.work().await;
    let record = world.event(&id).await;
    assert_eq!((record.verdict.reason, record.tickets.len()), (Reason::Moved, 2));
    let pages = |n| format!("/api/v3/repos/acme/shop/pulls/118/files?per_page=100&page={n}");
    assert_eq!(github.asked(), [pages(1), pages(2)], "once for both tickets");

    github.changes(118, ["web/docs/cart.md", "api/1.rs"]);
    let id = world.deliver(merged_at("decade", "SHOP-3")).await;
    let before = world.jira.journal().len();
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::NoRuleMatched);
    let because = "paths: want web/**|!web/docs/**, got web/docs/cart.md and 1 more";
    assert_eq!(trace.rules_tried[0].because, because);
    assert_eq!(world.jira.journal().len(), before, "Jira is not asked about what cannot move");
}

pub(crate) async fn a_ticket_that_only_the_commits_name_is_found(world: World) {
    let (world, github) = asking(world, BY_COMMITS);
    github.commits(118, &["Take cards", "Round up\n\nshop-2"]);
    let id = world.deliver(merged_at("c0ffee", "SHOP-1: pay by card")).await;
    world.work().await;
    assert_eq!(world.jira.status("SHOP-2").as_deref(), Some("In Progress"));
    let traces = world.store.ticket_traces(&id).await.unwrap();
    let ends: Vec<_> = traces.iter().map(|t| (t.key.as_str(), &t.found_in[..], t.reason)).collect();
    let title_alone = ("SHOP-1", &[Source::Title][..], Reason::NoRuleMatched);
    assert_eq!(ends, [title_alone, ("SHOP-2", &[Source::Commits][..], Reason::Moved)]);
}

pub(crate) async fn nobody_is_asked_what_no_rule_wants_to_know(world: World) {
    let (world, github) = asking(world, BY_COMMITS);
    let closed = event(Trigger::PullRequestClosed, Subject::PullRequest(pull_request("SHOP-1")));
    world.deliver(closed).await;
    world.work().await;
    assert!(github.asked().is_empty(), "{:?}", github.asked());
}

pub(crate) async fn a_ticket_waits_until_the_forge_tells_its_files(world: World) {
    let (world, github) = asking(world, BY_PATHS);
    github.changes(118, ["web/cart.ts"]);
    let reset = world.clock.now().as_second() + 600;
    let id = world.deliver(merged_at("c0ffee", "SHOP-1")).await;
    for (trouble, reason, rests) in [
        (Trouble::BadGateway, Reason::Queued, 60),
        (Trouble::TokenRevoked, Reason::Credentials, 60),
        (Trouble::Redirects, Reason::Queued, 60),
        (Trouble::LimitReached { reset }, Reason::RateLimited, 600),
    ] {
        github.has(Some(trouble));
        let stepped = world.step().await;
        let waits: Vec<_> = stepped.waiting.iter().map(|(_, reason)| *reason).collect();
        assert_eq!(waits, [reason], "{trouble:?}");
        world.clock.advance(Duration::from_secs(rests));
    }
    assert_eq!(world.jira.journal().len(), 0, "and Jira is left alone");
    assert!(world.store.queue().await.unwrap().paused.is_empty(), "it is not the site's login");

    github.has(None);
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn what_the_token_may_not_see_fails_and_says_so(world: World) {
    let (world, _github) = asking(world, BY_PATHS);
    let id = world.deliver(merged_at("c0ffee", "SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Failed, Reason::NoPermission));
    assert!(trace.detail.unwrap().contains("GITHUB_TOKEN must be allowed to read"));
}

pub(crate) async fn events_wait_in_order_for_their_commits_but_not_for_ever(world: World) {
    let (world, github) = asking(world, BY_COMMITS);
    github.commits(118, &["SHOP-1"]);
    github.has(Some(Trouble::BadGateway));
    let first = world.deliver(merged_at("c0ffee", "Pay by card")).await;
    let second = world.deliver(merged_at("decade", "Round up")).await;
    assert!(world.step().await.is_idle());
    assert!(world.step().await.is_idle());
    assert_eq!(github.asked().len(), 1, "while it rests, nobody asks");

    github.has(None);
    world.clock.advance(Duration::from_secs(16));
    world.work().await;
    assert_eq!((world.reason(&first).await, world.reason(&second).await), (Reason::Moved, Reason::Moved));

    github.has(Some(Trouble::BadGateway));
    let late = world.deliver(merged_at("facade", "Sell more")).await;
    world.step().await;
    world.later(Duration::from_mins(15)).await;
    let record = world.event(&late).await;
    assert_eq!((record.verdict.outcome, record.verdict.reason), (Outcome::Dead, Reason::Queued));
    assert!(record.detail.unwrap().contains("it answered 502"));
}
