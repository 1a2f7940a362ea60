//! The tickets of one event, moved in one call: nothing is lost or done twice by it.

use std::time::Duration;

use conduit::store::EventId;
use conduit::trace::Reason;
use conduit::worker::{Stepped, WorkerConfig};
use jira_sim::{Category, Exchange, Fault, Gate, Kind, TaskStatus, Transition, When, Workflow};
use tokio::task::JoinHandle;

use super::batches::{board, bulk_moves_asked, many_allowed, moves, naming, reasons, traces, with_tickets};
use super::world::{A_LEASE, World, robot};

/// Longer than a bulk move whose name was lost is left alone.
const A_LONG_WHILE: Duration = Duration::from_mins(3);

/// A board on which *Done* and *Blocked* lead nowhere.
fn one_way() -> Workflow {
    Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("Done", Category::Done)
        .status("Blocked", Category::Indeterminate)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do"))
        .transition(Transition::new(21, "Finish", "Done").from("In Progress"))
}

/// A look at a task.
fn looked(exchange: &Exchange) -> bool {
    exchange.kind == Kind::BulkTask
}

/// Twelve tickets that a worker moves in one task, which Jira does not get on with.
async fn held_on_the_way(world: World, workflow: Workflow) -> (World, EventId, JoinHandle<Stepped>) {
    let world = with_tickets(world, 12, robot(), workflow).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    world.jira.wait_until("the task is looked at", |view| view.count(looked) == 1).await.unwrap();
    (world, id, step)
}

pub(crate) async fn a_hundred_tickets_move_in_a_few_calls(world: World) {
    let world = with_tickets(world, 100, robot(), board()).await;
    let id = world.deliver(naming(100)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!(moves(&world, 100), [1]);
    let calls = world.jira.journal();
    assert!(calls.len() <= 8, "{:?}", calls.lines());
    assert_eq!((bulk_moves_asked(&world), calls.of(Kind::Transitions).writes().len()), (1, 0));
    let sent = calls.of(Kind::BulkTransitions).exchanges[0].request_json();
    assert_eq!(sent["sendBulkNotification"], false);
    for trace in traces(&world, &id).await {
        let made: Vec<_> = trace.attempts.iter().map(|call| call.call.as_str()).collect();
        let shared = ["permissions", "bulkfetch", "bulk_transition", "bulk_task", "bulkfetch"];
        assert!(made.iter().filter(|call| **call != "transitions").eq(&shared), "{made:?}");
    }
}

pub(crate) async fn a_bulk_move_whose_worker_died_is_not_made_twice(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.once(When::post(Kind::BulkTransitions), Fault::apply_then_hold(&Gate::new()));
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    world.jira.wait_until("the move is applied", |view| view.is_in("SHOP-12", "In Progress")).await.unwrap();
    step.abort();
    assert!(step.await.unwrap_err().is_cancelled());

    world.clock.advance(A_LEASE);
    let successor = world.another_worker();
    successor.step().await.unwrap();
    world.clock.advance(A_LONG_WHILE);
    successor.step().await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 0));
}

pub(crate) async fn a_bulk_move_whose_answer_was_lost_is_not_made_twice(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.once(When::post(Kind::BulkTransitions), Fault::apply_then_status(503));
    let id = world.deliver(naming(12)).await;
    assert_eq!(world.step().await.waiting.len(), 12);
    world.later(Duration::from_secs(30)).await;
    assert_eq!(world.jira.journal().after(5).len(), 0, "the task may still be at work");
    world.later(A_LONG_WHILE).await;
    world.later(A_LONG_WHILE).await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 0));
}

pub(crate) async fn what_a_bulk_move_could_not_move_goes_on_singly(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    assert!(world.jira.fail_in_bulk("SHOP-5", "a validator objects"));
    let id = world.deliver(naming(12)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 1));
}

pub(crate) async fn a_ticket_that_a_person_moves_before_the_bulk_move_reaches_it_is_left_alone(world: World) {
    let (world, id, step) = held_on_the_way(world, one_way()).await;
    assert!(world.jira.move_as("ada", "SHOP-7", "Blocked"));
    world.jira.release_bulk();
    step.await.unwrap();
    for trace in traces(&world, &id).await {
        let expected = if trace.key == "SHOP-7" { Reason::MovedByOther } else { Reason::Moved };
        assert_eq!(trace.reason, expected, "{}", trace.key);
    }
    assert_eq!(world.moves_asked(), 0);
}

pub(crate) async fn a_bulk_move_that_is_given_up_ends_in_single_moves(world: World) {
    let (world, id, step) = held_on_the_way(world, board()).await;
    assert_eq!(world.jira.step_bulk(4), 4);
    let task = world.jira.bulk_tasks()[0].id;
    assert!(world.jira.set_bulk_status(task, TaskStatus::Dead));
    step.await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 8));
}

pub(crate) async fn a_bulk_move_that_is_never_over_is_waited_for_only_so_long(world: World) {
    let (world, id, step) = held_on_the_way(world, board()).await;
    world.clock.advance(Duration::from_mins(11));
    step.await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), world.moves_asked()), (vec![1], 12));
}

pub(crate) async fn a_successor_waits_for_the_bulk_move_of_who_died(world: World) {
    let (world, id, step) = held_on_the_way(world, board()).await;
    step.abort();
    assert!(step.await.unwrap_err().is_cancelled());

    world.clock.advance(A_LEASE);
    let successor = world.another_worker();
    successor.step().await.unwrap();
    assert_eq!(world.moves_asked(), 0, "the task is still at work");
    world.jira.release_bulk();
    // Whoever was woken before it was killed may still have given its ticket back, to wait until the task must be over.
    world.clock.advance(A_LONG_WHILE);
    successor.step().await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 0));
}

pub(crate) async fn a_status_that_is_renamed_during_a_bulk_move_is_still_where_it_went(world: World) {
    let (world, id, step) = held_on_the_way(world, board()).await;
    assert!(world.jira.rename_status("In Progress", "Doing"));
    world.jira.release_bulk();
    step.await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), world.moves_asked()), (vec![1], 0));
}

pub(crate) async fn while_a_bulk_move_is_polled_for_nobody_else_gets_its_tickets(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let often = WorkerConfig { heartbeat: Duration::from_millis(20), ..WorkerConfig::new("worker-7") };
    let worker = world.worker_with(often);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    world.jira.wait_until("the task is looked at", |view| view.count(looked) == 1).await.unwrap();

    // Two leases go by, and no one is ever left to run out.
    let other = world.another_worker();
    for _ in 0..3 {
        world.clock.advance(A_LEASE * 2 / 3);
        world.until_renewed().await;
        assert!(other.step().await.unwrap().is_idle(), "every ticket is still held");
    }
    world.jira.wait_until("the task is looked at again", |view| view.count(looked) > 1).await.unwrap();
    world.jira.release_bulk();
    let ended = step.await.unwrap();
    assert_eq!((ended.finished.len(), ended.waiting.len(), ended.dropped.len()), (12, 0, 0));
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 0));
}

pub(crate) async fn more_tickets_than_one_call_moves_take_a_move_a_thousand(world: World) {
    let world = with_tickets(world, 1100, robot(), board()).await;
    let id = world.deliver(naming(1100)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 1100), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 2, 0));
    let calls = world.jira.journal();
    let (reads, looks) = (calls.of(Kind::BulkFetch).len(), calls.of(Kind::BulkTask).len());
    assert_eq!(reads, 11 + 11, "before the move and after it: {:?}", calls.lines());
    assert!(
        calls.len() <= reads + looks + 2 + 2,
        "the moves, a permission and a look-up: {:?}",
        calls.lines()
    );
}

pub(crate) async fn where_five_tasks_are_at_work_tickets_go_singly(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.once(When::post(Kind::BulkTransitions), Fault::status(400));
    let id = world.deliver(naming(12)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 12));
}

pub(crate) async fn what_has_a_comment_to_carry_is_not_moved_in_bulk(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    let carrying = r#"    on "pull_request.merged" {
      fire    = "next"
      comment = "merged"
    }

    state "to_do""#;
    world.reload(&many_allowed().replacen("    state \"to_do\"", carrying, 1));
    let id = world.deliver(naming(12)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((bulk_moves_asked(&world), world.moves_asked()), (0, 12));
}
