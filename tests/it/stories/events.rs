//! Events and the tickets they name.

use conduit::event::ticket::Source;
use conduit::event::{Deployment, Release, Subject, Trigger};
use conduit::store::{EventState, ReplayScope, Replayed};
use conduit::trace::{Outcome, Reason};

use super::world::{RULES, World, event, merged, pull_request};

pub(crate) async fn every_ticket_that_is_named_moves(world: World) {
    let id = world.deliver(merged("SHOP-1, SHOP-2 and SHOP-99")).await;
    world.work().await;
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("In Progress"));
    assert_eq!(world.jira.status("SHOP-2").as_deref(), Some("In Progress"));
    let record = world.event(&id).await;
    let ends: Vec<_> = record.tickets.iter().map(|t| (t.key.as_str(), t.verdict.reason)).collect();
    let expected = [("SHOP-1", Reason::Moved), ("SHOP-2", Reason::Moved), ("SHOP-99", Reason::IssueNotFound)];
    assert_eq!(ends, expected);
    assert_eq!(record.verdict.outcome, Outcome::Failed, "the gravest of them");
}

pub(crate) async fn a_key_in_the_branch_alone_counts(world: World) {
    let mut pull_request = pull_request("Pay by card");
    pull_request.head = "feature/shop-1-pay".into();
    world.deliver(event(Trigger::PullRequestMerged, Subject::PullRequest(pull_request))).await;
    world.work().await;
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("In Progress"));
}

pub(crate) async fn a_deployment_moves_what_its_commit_was_merged_for(world: World) {
    let deployed =
        "on \"deployment.succeeded\" {\n environment = \"production\"\n fire = \"next\"\n}\n  }\n}";
    world.reload(&(RULES.trim_end().strip_suffix("  }\n}").unwrap().to_owned() + deployed));
    let mut of_the_commit = pull_request("SHOP-1: pay by card");
    of_the_commit.merge_sha = Some("c0ffee".into());
    world.deliver(event(Trigger::PullRequestMerged, Subject::PullRequest(of_the_commit))).await;
    let mut of_another = pull_request("SHOP-2");
    of_another.merge_sha = Some("decade".into());
    world.deliver(event(Trigger::PullRequestMerged, Subject::PullRequest(of_another))).await;
    let deployment =
        Deployment { environment: "production".into(), sha: "c0ffee".into(), ..Deployment::default() };
    let id = world.deliver(event(Trigger::DeploymentSucceeded, Subject::Deployment(deployment))).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.key.as_str(), &trace.found_in[..]), ("SHOP-1", &[Source::Merged][..]));
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    assert!(world.jira.moves("SHOP-2").is_empty());
}

pub(crate) async fn an_event_without_keys_says_so(world: World) {
    let id = world.deliver(merged("Pay by card")).await;
    world.work().await;
    let record = world.event(&id).await;
    assert_eq!((record.state, record.verdict.reason), (EventState::Finished, Reason::NoKeys));
    assert_eq!(world.jira.journal().len(), 0);
}

pub(crate) async fn a_key_of_no_configured_project_is_listed(world: World) {
    let id = world.deliver(merged("WEB-3: pay by card, UTF-8")).await;
    world.work().await;
    let record = world.event(&id).await;
    assert_eq!(record.verdict.reason, Reason::NoKeys);
    assert!(record.ignored.iter().any(|ignored| ignored.key == "WEB-3"), "{:?}", record.ignored);
}

pub(crate) async fn a_project_without_a_machine_says_so(world: World) {
    let id = world.deliver(merged("OPS-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::NoMachine);
    assert!(trace.detail.unwrap().contains("OPS"));
    assert_eq!(world.jira.journal().len(), 0);
}

pub(crate) async fn a_hook_moves_only_its_own_projects(world: World) {
    let id = world.deliver_by(merged("SHOP-1"), Some(&["PAY"])).await;
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::ProjectNotConfigured);
    assert_eq!(world.jira.journal().len(), 0);

    world.deliver_by(merged("SHOP-1"), Some(&["PAY", "SHOP"])).await;
    world.work().await;
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("In Progress"));
}

pub(crate) async fn a_ticket_that_moved_where_the_hook_may_not_stays(world: World) {
    assert!(world.jira.rename_key("SHOP-1", "PAY-7"));
    let id = world.deliver_by(merged("SHOP-1"), Some(&["SHOP"])).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::NothingToDo, Reason::ProjectNotConfigured));
    let detail = "SHOP-1 is PAY-7 now, and the hook may not move tickets of PAY: see its `projects`";
    assert_eq!(trace.detail.as_deref(), Some(detail));
    assert!(world.jira.moves("PAY-7").is_empty());

    world.deliver_by(merged("SHOP-1"), Some(&["shop", "pay"])).await;
    world.work().await;
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress"]);
}

pub(crate) async fn the_default_rules_look_at_merges_and_releases(world: World) {
    let mut elsewhere = pull_request("SHOP-1");
    elsewhere.base = "develop".into();
    let opened = event(Trigger::PullRequestOpened, Subject::PullRequest(pull_request("SHOP-1")));
    let ignored = [
        event(Trigger::PullRequestMerged, Subject::PullRequest(elsewhere)),
        merged("Revert \"SHOP-1: pay by card\""),
        opened,
        event(Trigger::ReleasePublished, Subject::Release(release(true))),
    ];
    for event in ignored {
        let id = world.deliver(event).await;
        world.work().await;
        assert_eq!(world.reason(&id).await, Reason::NoRuleMatched);
    }
    assert_eq!(world.jira.journal().len(), 0, "nobody asks Jira about what no rule can match");

    let id = world.deliver(event(Trigger::ReleasePublished, Subject::Release(release(false)))).await;
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

fn release(prerelease: bool) -> Release {
    Release {
        tag: "v2".into(),
        name: "v2".into(),
        body: "Ships SHOP-1".into(),
        prerelease,
        ..Release::default()
    }
}

pub(crate) async fn an_event_that_names_too_many_waits_for_a_person(world: World) {
    let many: Vec<_> = (1..=51).map(|number| format!("SHOP-{number}")).collect();
    let id = world.deliver(merged(&many.join(" "))).await;
    world.work().await;
    let record = world.event(&id).await;
    assert_eq!(record.verdict.reason, Reason::TooManyTickets);
    assert!(record.detail.unwrap().contains("51 tickets of SHOP"));
    assert_eq!(world.jira.journal().len(), 0);

    let replayed = world.store.replay(&id, ReplayScope::Unfinished, &[]).await.unwrap();
    assert!(matches!(replayed, Replayed::Queued(_)), "{replayed:?}");
    world.work().await;
    assert_eq!(world.jira.status("SHOP-3").as_deref(), Some("In Progress"));
}

pub(crate) async fn an_event_that_no_rule_can_see_is_recorded(world: World) {
    let mut issue_opened = merged("SHOP-1");
    issue_opened.kind = "issues.opened".into();
    issue_opened.triggers.clear();
    let id = world.deliver(issue_opened).await;
    world.work().await;
    assert_eq!(world.event(&id).await.verdict.reason, Reason::UnsupportedEvent);
}

pub(crate) async fn an_event_of_a_newer_version_is_left_to_it(world: World) {
    let mut newer = merged("SHOP-1");
    newer.schema += 1;
    let id = world.deliver(newer).await;
    assert_eq!(world.step().await.routed, 0);
    assert_eq!(world.event(&id).await.state, EventState::Waiting);
    assert_eq!(world.jira.journal().len(), 0);
}
