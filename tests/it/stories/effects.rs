//! What is written beside a move: in as few calls as there can be, and once.

use conduit::trace::{Reason, TicketTrace};
use jira_sim::{Answer, Category, Fault, Field, Kind, Transition, When, Workflow};
use serde_json::json;

use super::language::with_rule;
use super::world::{A_LEASE, World, merged, site};

const SHIPPED: &str = r#"
    on "pull_request.merged" {
      fire        = "next"
      fix_version = { name = "2.1.0", create = true, released = true }
    }"#;

async fn traces(world: &World, title: &str) -> Vec<TicketTrace> {
    let id = world.deliver(merged(title)).await;
    world.work().await;
    world.store.ticket_traces(&id).await.unwrap()
}

fn versions_done(traces: &[TicketTrace]) -> Vec<(&str, &str)> {
    let effects = traces.iter().flat_map(|trace| &trace.effects);
    effects.map(|effect| (effect.effect.as_str(), effect.result.as_str())).collect()
}

pub(crate) async fn the_tickets_of_a_release_make_its_version_once(world: World) {
    world.reload(&with_rule(SHIPPED));
    let traces = traces(&world, "SHOP-1 SHOP-2 SHOP-3").await;
    assert_eq!(versions_done(&traces), [("fix_version", "done"); 3], "{traces:?}");
    for key in ["SHOP-1", "SHOP-2", "SHOP-3"] {
        assert_eq!(world.jira.fix_versions(key), ["2.1.0"], "{key}");
    }
    let journal = world.jira.journal();
    assert_eq!(journal.of(Kind::ProjectVersions).len(), 1, "{:?}", journal.lines());
    assert_eq!(journal.of(Kind::Versions).len(), 1, "made once: {:?}", journal.lines());
    assert_eq!(journal.of(Kind::Version).len(), 1, "released once: {:?}", journal.lines());
}

pub(crate) async fn a_version_that_somebody_made_meanwhile_is_taken(world: World) {
    world.reload(&with_rule(SHIPPED));
    let taken =
        json!({ "errorMessages": [], "errors": { "name": "A version with this name already exists." } });
    let quicker = Fault::apply_then_answer(Answer::json(400, &taken));
    world.jira.once(When::post(Kind::Versions), quicker);
    let traces = traces(&world, "SHOP-1").await;
    assert_eq!(versions_done(&traces), [("fix_version", "done")], "{traces:?}");
    assert_eq!(world.jira.fix_versions("SHOP-1"), ["2.1.0"]);
}

pub(crate) async fn a_version_that_jira_does_not_take_is_told_and_looked_at_again(world: World) {
    world.reload(&with_rule(SHIPPED));
    let gone =
        json!({ "errorMessages": [], "errors": { "fixVersions": "Version name '2.1.0' is not valid" } });
    world.jira.once(When::put(Kind::Issue), Fault::answer(Answer::json(400, &gone)));
    let refused = traces(&world, "SHOP-1").await;
    assert_eq!(versions_done(&refused), [("fix_version", "refused")], "{refused:?}");
    assert_eq!(refused[0].reason, Reason::Moved, "what stands beside the move stops nothing");
    assert!(refused[0].effects[0].detail.contains("is not valid"), "{refused:?}");

    let next = traces(&world, "SHOP-2").await;
    assert_eq!(versions_done(&next), [("fix_version", "done")], "{next:?}");
    assert_eq!(world.jira.journal().of(Kind::ProjectVersions).len(), 2, "it is looked for once more");
}

const TOLD: &str = r#"
    on "pull_request.merged" {
      fire    = "next"
      comment = "Merged"
    }"#;

/// *Start* has a screen, so that a comment can go along.
fn with_a_screen() -> Workflow {
    Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("Done", Category::Done)
        .status("Blocked", Category::Indeterminate)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do").screen([Field::resolution()]))
}

pub(crate) async fn a_comment_goes_with_the_move_where_a_screen_takes_it(world: World) {
    let world = world.with_site(site(with_a_screen())).await;
    world.reload(&with_rule(TOLD));
    let traces = traces(&world, "SHOP-1").await;
    let calls: Vec<_> = traces[0].attempts.iter().map(|call| call.call.as_str()).collect();
    assert_eq!(calls, ["issue", "transitions", "transition"], "one write for both");
    assert_eq!(world.jira.comments("SHOP-1").len(), 1);
}

pub(crate) async fn a_comment_that_went_with_a_move_whose_answer_was_lost_is_there_once(world: World) {
    let world = world.with_site(site(with_a_screen())).await;
    world.reload(&with_rule(TOLD));
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_drop());
    let id = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    world.later(A_LEASE).await;
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!((world.jira.comments("SHOP-1").len(), world.moves_asked()), (1, 1));
}
