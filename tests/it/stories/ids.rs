//! Statuses are told apart by their ids: names are changed, and borne by two.

use std::time::Duration;

use conduit::trace::{Outcome, Reason};
use jira_sim::{Fault, Gate, Kind, When};

use super::world::{RULES, World, merged};

/// Longer than the first wait, and than the time an unanswered request may take.
const A_WHILE: Duration = Duration::from_secs(20);

async fn calls(world: &World, id: &conduit::store::EventId) -> Vec<String> {
    world.trace(id).await.attempts.into_iter().map(|call| call.call).collect()
}

pub(crate) async fn a_status_that_was_renamed_before_the_next_look_is_still_where_we_went(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_status(503));
    let id = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    assert!(world.jira.rename_status("In Progress", "Doing"));
    world.later(A_WHILE).await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Moved, Reason::Moved), "{:?}", trace.detail);
    let said = "the answer was lost; found at Doing, which was called In Progress";
    assert_eq!(trace.detail.as_deref(), Some(said));
    assert_eq!((world.jira.moves("SHOP-1").len(), world.moves_asked()), (1, 1));
}

pub(crate) async fn a_move_that_is_made_again_goes_where_it_was_to_go_under_any_name(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::status(502));
    let id = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    assert!(world.jira.rename_status("In Progress", "Doing"));
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("Doing"));
}

pub(crate) async fn a_path_goes_on_through_a_status_that_is_renamed_meanwhile(world: World) {
    let on = r#"on "pull_request.merged" { move_to = "done" }"#;
    world.reload(&RULES.replacen("    state \"to_do\"", &format!("    {on}\n\n    state \"to_do\""), 1));
    let gate = Gate::new();
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_hold(&gate));
    let id = world.deliver(merged("SHOP-1")).await;
    let step = world.start_step();
    world
        .jira
        .wait_until("the first step is taken", |view| view.is_in("SHOP-1", "In Progress"))
        .await
        .unwrap();
    assert!(world.jira.rename_status("In Progress", "Doing"));
    gate.open();
    step.await.unwrap();
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::Moved, "{:?}", trace.detail);
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("Done"));
    assert_eq!(world.moves_asked(), 2);
}

pub(crate) async fn what_an_answer_tells_of_a_new_name_spares_a_question(world: World) {
    world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert!(world.jira.rename_status("In Progress", "Doing"));
    world.reload(&RULES.replace("\"In Progress\"", "\"Doing\""));
    world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let id = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    assert_eq!(world.jira.status("SHOP-2").as_deref(), Some("Doing"));
    assert_eq!(calls(&world, &id).await, ["issue", "transition"], "the remembered one leads to the same id");
}

pub(crate) async fn a_name_that_another_status_bears_by_now_leads_to_that_one(world: World) {
    world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let meant = world.jira.status_id("SHOP", "Blocked");
    assert!(world.jira.rename_status("In Progress", "Doing"));
    assert!(world.jira.rename_status("Blocked", "In Progress"));
    let told = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(world.reason(&told).await, Reason::UnknownStatus, "it stands at Doing");

    let id = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.status("SHOP-2").as_deref(), Some("In Progress"));
    assert_eq!(world.jira.status_id("SHOP", "In Progress"), meant);
    assert_eq!(calls(&world, &id).await, ["issue", "transitions", "transition"]);
}

pub(crate) async fn two_statuses_of_one_name_are_told_apart_by_via_alone(world: World) {
    assert!(world.jira.rename_status("Blocked", "In Progress"));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Failed, Reason::NoJiraTransition));
    let detail = trace.detail.unwrap();
    assert!(detail.contains("2 statuses are called In Progress (ids 1"), "{detail}");
    assert!(detail.contains("one of In Progress (21), Blocked (41)"), "{detail}");
    assert_eq!(world.moves_asked(), 0);

    let edge = r#"state "to_do" "next"       { transition = "in_progress" }"#;
    assert!(RULES.contains(edge), "the story changes the edge it means to change");
    let by_via = "state \"to_do\" \"next\" {\n      transition = \"in_progress\"\n      via = \"41\"\n    }";
    world.reload(&RULES.replace(edge, by_via));
    let id = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.reason, trace.transitions[0].id.as_str()), (Reason::Moved, "41"));
}
