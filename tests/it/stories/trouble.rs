//! Jira on a bad day.

use std::time::Duration;

use conduit::store::{PauseKind, ReplayScope, Replayed};
use conduit::trace::{Outcome, Reason};
use conduit::worker::{Stepped, WorkerConfig};
use jira_sim::{Fault, Kind, When};

use super::world::{World, merged};

/// Longer than the first wait, and than the time an unanswered request may take.
const A_WHILE: Duration = Duration::from_secs(20);

fn waits_for(stepped: &Stepped) -> Vec<Reason> {
    stepped.waiting.iter().map(|(_, reason)| *reason).collect()
}

pub(crate) async fn a_move_that_was_applied_and_answered_503_is_not_made_twice(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_status(503));
    let id = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::Jira5xx]);
    assert!(world.later(Duration::from_secs(5)).await.is_idle(), "the request may still be taking effect");

    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    assert_eq!(world.moves_asked(), 1);
}

pub(crate) async fn a_move_that_was_applied_and_cut_off_is_not_made_twice(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_drop());
    let id = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::JiraUnreachable]);
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    assert_eq!(world.moves_asked(), 1);
}

pub(crate) async fn a_move_that_was_not_applied_is_made_again(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::status(502));
    let id = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    assert_eq!(world.moves_asked(), 2);
}

pub(crate) async fn a_ticket_that_a_person_moved_meanwhile_is_left_alone(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::status(503));
    let id = world.deliver(merged("SHOP-1")).await;
    let next = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    assert!(world.jira.move_as("ada", "SHOP-1", "Blocked"));
    world.later(A_WHILE).await;
    let trace = world.store.ticket_traces(&id).await.unwrap().remove(0);
    assert_eq!((trace.outcome, trace.reason), (Outcome::Skipped, Reason::MovedByOther));
    assert!(trace.detail.unwrap().contains("it stands at Blocked"));
    assert_eq!(world.moves_asked(), 1);

    world.work().await;
    assert_eq!(world.reason(&next).await, Reason::UnknownStatus, "the ticket's next event goes on");
}

pub(crate) async fn a_move_that_a_person_took_back_is_not_made_again(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_status(503));
    let id = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    assert!(world.jira.move_as("ada", "SHOP-1", "To Do"));
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::MovedByOther);
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("To Do"));
}

pub(crate) async fn a_ticket_that_a_person_moved_to_the_target_is_already_there(world: World) {
    world.jira.set_in_transition("SHOP-1", true);
    let id = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::Conflict]);
    world.jira.set_in_transition("SHOP-1", false);
    assert!(world.jira.move_as("ada", "SHOP-1", "In Progress"));
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::AlreadyThere);
    assert_eq!(world.jira.status("SHOP-1").as_deref(), Some("In Progress"));
}

pub(crate) async fn a_conflict_is_tried_again(world: World) {
    world.jira.set_in_transition("SHOP-1", true);
    let id = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::Conflict]);
    assert_eq!(world.reason(&id).await, Reason::Conflict);
    world.jira.set_in_transition("SHOP-1", false);
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn a_pause_that_jira_asks_for_is_kept(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::too_many_requests(Some(120)));
    let id = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::RateLimited]);
    assert!(world.later(Duration::from_secs(115)).await.is_idle());
    world.later(Duration::from_secs(6)).await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::Moved);
    assert_eq!(trace.waited_ms, 120_000);
}

pub(crate) async fn a_refused_login_pauses_the_site_until_it_works(world: World) {
    let revoked = world.jira.revoke_tokens();
    let id = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::Credentials]);
    let paused = world.store.queue().await.unwrap().paused;
    assert_eq!(paused[0].site, "jira");
    assert_eq!(paused[0].kind, PauseKind::Credentials);

    world.deliver(merged("SHOP-2")).await;
    world.later(Duration::from_secs(31)).await;
    let asked = world.jira.journal();
    assert_eq!(asked.of(Kind::Myself).len(), 1, "one question whether the login works");
    assert_eq!(asked.of(Kind::Issue).len(), 1, "and none for a ticket");

    world.jira.lift(revoked);
    world.later(Duration::from_secs(31)).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.status("SHOP-2").as_deref(), Some("In Progress"));
    assert!(world.store.queue().await.unwrap().paused.is_empty());
}

pub(crate) async fn patience_ends_in_a_dead_letter_that_can_be_replayed(world: World) {
    let impatient = WorkerConfig { patience: Duration::from_mins(30), ..WorkerConfig::new("worker-4") };
    let worker = world.worker_with(impatient);
    let down = world.jira.standing(When::any().issue("SHOP-1"), Fault::status(503));
    let id = world.deliver(merged("SHOP-1")).await;
    let mut tries = 0;
    while world.event(&id).await.verdict.outcome != Outcome::Dead {
        worker.step().await.unwrap();
        world.clock.advance(Duration::from_mins(7));
        tries += 1;
        assert!(tries < 40, "patience has an end");
    }
    assert!(tries > 8, "it was tried for half an hour");
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Dead, Reason::Jira5xx));

    world.jira.lift(down);
    let replayed = world.store.replay(&id, ReplayScope::Unfinished, &[]).await.unwrap();
    assert_eq!(replayed, Replayed::Queued(vec!["SHOP-1".into()]));
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn two_events_of_one_ticket_keep_their_order_through_a_retry(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::status(503));
    let first = world.deliver(merged("SHOP-1")).await;
    let second = world.deliver(merged("SHOP-1")).await;
    assert_eq!(waits_for(&world.step().await), [Reason::Jira5xx]);
    let other = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    assert_eq!(world.reason(&other).await, Reason::Moved, "a ticket that waits blocks itself alone");
    assert_eq!(world.reason(&second).await, Reason::Queued);

    world.clock.advance(A_WHILE);
    world.work().await;
    assert_eq!(world.reason(&first).await, Reason::Moved);
    assert_eq!(world.reason(&second).await, Reason::Moved);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);
}
