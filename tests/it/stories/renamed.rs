//! A ticket that was moved to another project: Jira answers it under its new key, by whichever it is asked for.

use std::time::Duration;

use conduit::store::{ReplayScope, Replayed};
use conduit::trace::{Outcome, Reason, TicketTrace};
use jira_sim::{Fault, Kind, When};

use super::world::{A_LEASE, World, merged};

/// SHOP-1 is PAY-7 by now, and both projects have a machine.
fn moved(world: World) -> World {
    assert!(world.jira.rename_key("SHOP-1", "PAY-7"));
    world.with_pay();
    world
}

async fn traces(world: &World, id: &conduit::store::EventId) -> Vec<TicketTrace> {
    world.store.tidy(Duration::from_hours(24)).await.unwrap();
    world.store.ticket_traces(id).await.unwrap()
}

pub(crate) async fn a_ticket_is_worked_on_in_the_queue_of_the_key_it_bears(world: World) {
    let world = moved(world);
    let id = world.deliver(merged("SHOP-1: pay by card")).await;
    world.work().await;
    let traces = traces(&world, &id).await;
    let keys: Vec<_> =
        traces.iter().map(|trace| (trace.key.as_str(), trace.was.as_deref(), trace.reason)).collect();
    assert_eq!(keys, [("SHOP-1", None, Reason::Duplicate), ("PAY-7", Some("SHOP-1"), Reason::Moved)]);
    assert_eq!(traces[0].detail.as_deref(), Some("it is PAY-7 now, and goes on there: see PAY-7"));
    assert_eq!(traces[1].machine.as_deref(), Some("pay"));
    assert_eq!(traces[1].found_in, traces[0].found_in);
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress"]);
    let event = world.event(&id).await;
    assert_eq!((event.verdict.outcome, event.verdict.reason), (Outcome::Moved, Reason::Moved));
}

pub(crate) async fn events_that_name_it_by_either_key_act_in_turn(world: World) {
    let world = moved(world);
    world.jira.once(When::post(Kind::Transitions), Fault::status(503));
    let by_new = world.deliver(merged("PAY-7")).await;
    world.step().await;
    assert_eq!(traces(&world, &by_new).await[0].outcome, Outcome::Waiting);

    // Its ticket waits for another try, so this one must not overtake it.
    let by_old = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(traces(&world, &by_old).await[1].reason, Reason::Queued);
    assert!(world.jira.moves("PAY-7").is_empty());

    world.clock.advance(Duration::from_mins(1));
    world.work().await;
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress", "In Progress → Done"]);
    assert_eq!(traces(&world, &by_old).await[1].reason, Reason::Moved);
}

pub(crate) async fn an_event_that_names_it_by_both_keys_moves_it_once(world: World) {
    let world = moved(world);
    let id = world.deliver(merged("SHOP-1, PAY-7")).await;
    world.work().await;
    let reasons: Vec<_> =
        traces(&world, &id).await.into_iter().map(|trace| (trace.key, trace.reason)).collect();
    assert_eq!(reasons, [("SHOP-1".to_owned(), Reason::Duplicate), ("PAY-7".to_owned(), Reason::Moved)]);
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress"]);
}

pub(crate) async fn a_worker_that_dies_on_the_way_leaves_one_job(world: World) {
    let world = moved(world);
    let gate = jira_sim::Gate::new();
    world.jira.once(When::get(Kind::Issue), Fault::hold(&gate));
    let id = world.deliver(merged("SHOP-1")).await;
    let step = world.start_step();
    gate.reached().await;
    step.abort();
    assert!(step.await.unwrap_err().is_cancelled());
    world.clock.advance(A_LEASE);
    world.work().await;
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress"]);
    assert_eq!(traces(&world, &id).await.len(), 2);
}

pub(crate) async fn what_failed_under_the_new_key_is_replayed_by_the_old_one(world: World) {
    let world = moved(world);
    world.jira.once(When::post(Kind::Transitions), Fault::status(400));
    world.jira.once(When::post(Kind::Transitions), Fault::status(400));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(world.event(&id).await.verdict.outcome, Outcome::Failed);

    let replayed = world.store.replay(&id, ReplayScope::Unfinished, &[]).await.unwrap();
    assert_eq!(replayed, Replayed::Queued(vec!["SHOP-1".into()]), "the event knows it by no other");
    world.work().await;
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress"]);
    assert_eq!(world.event(&id).await.verdict.outcome, Outcome::Moved);
}
