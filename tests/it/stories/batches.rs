//! The tickets of one event, worked on together: few calls, and nothing lost or done twice by it.

use std::time::Duration;

use conduit::event::Event;
use conduit::store::EventId;
use conduit::trace::{Reason, TicketTrace};
use conduit::worker::WorkerConfig;
use jira_sim::{
    Account, Category, Fault, Gate, JiraSim, Kind, NewIssue, Permission, Project, TaskStatus, Transition,
    When, Workflow,
};

use super::world::{A_LEASE, RULES, STATUSES, World, merged, robot, site_for};

/// Longer than a bulk move whose name was lost is left alone.
const A_LONG_WHILE: Duration = Duration::from_mins(3);

fn keys(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("SHOP-{number}")).collect()
}

/// Names this many tickets.
fn naming(count: usize) -> Event {
    merged(&keys(count).join(" "))
}

fn many_allowed() -> String {
    RULES.replace(r#"initial = "to_do""#, "initial = \"to_do\"\n    max_tickets = 2000")
}

/// A world whose board has this many tickets, and this account on it.
async fn with_tickets(world: World, count: usize, account: Account, workflow: Workflow) -> World {
    let mut board = site_for(account, workflow);
    for key in keys(count).iter().skip(3) {
        board = board.issue(NewIssue::new(key));
    }
    let world = world.with_site(board).await;
    world.reload(&many_allowed());
    world
}

fn board() -> Workflow {
    Workflow::simplified(&STATUSES)
}

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

async fn traces(world: &World, id: &EventId) -> Vec<TicketTrace> {
    world.store.tidy(Duration::from_hours(24)).await.unwrap();
    world.store.ticket_traces(id).await.unwrap()
}

async fn reasons(world: &World, id: &EventId) -> Vec<Reason> {
    let mut reasons: Vec<_> = traces(world, id).await.iter().map(|trace| trace.reason).collect();
    reasons.dedup();
    reasons
}

/// How often each ticket has moved.
fn moves(world: &World, count: usize) -> Vec<usize> {
    let mut moves: Vec<_> = keys(count).iter().map(|key| world.jira.moves(key).len()).collect();
    moves.dedup();
    moves
}

/// How often Jira was asked for a bulk move.
fn bulk_moves_asked(world: &World) -> usize {
    world.jira.journal().of(Kind::BulkTransitions).writes().len()
}

pub(crate) async fn a_hundred_tickets_cost_one_read_and_a_write_each(world: World) {
    let modest = robot().without(Permission::BulkChange);
    let world = with_tickets(world, 110, modest, board()).await;
    let first = world.deliver(merged(&keys(110)[100..].join(" "))).await;
    world.work().await;
    assert_eq!(reasons(&world, &first).await, [Reason::Moved]);
    let cold = world.jira.journal().len();
    assert_eq!(
        cold,
        10 + 3,
        "the permission, the tickets, the transition: {:?}",
        world.jira.journal().lines()
    );

    let id = world.deliver(naming(100)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    let calls = world.jira.journal().after(cold);
    assert_eq!((calls.len(), calls.of(Kind::BulkFetch).len()), (101, 1), "{:?}", calls.lines());
    for trace in traces(&world, &id).await {
        let made: Vec<_> = trace.attempts.iter().map(|call| call.call.as_str()).collect();
        assert_eq!(made, ["bulkfetch", "transition"]);
        assert_eq!(trace.attempts[0].note.as_deref(), Some("one call for 100 tickets"));
    }
}

/// As it is when the first release comes to a process that has just been started.
pub(crate) async fn a_hundred_tickets_of_a_cold_worker_cost_two_more_calls(world: World) {
    let modest = robot().without(Permission::BulkChange);
    let world = with_tickets(world, 100, modest, board()).await;
    world.worker.prepare().await;
    let prepared = world.jira.journal().len();
    let id = world.deliver(naming(100)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    let calls = world.jira.journal().after(prepared);
    assert_eq!((prepared, calls.len()), (1, 102), "{:?}", calls.lines());
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

pub(crate) async fn more_tickets_than_one_call_reads_take_one_read_a_hundred(world: World) {
    let world = with_tickets(world, 230, robot(), board()).await;
    let id = world.deliver(naming(230)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    let calls = world.jira.journal();
    assert_eq!(
        (bulk_moves_asked(&world), calls.of(Kind::BulkFetch).len()),
        (1, 3 + 3),
        "{:?}",
        calls.lines()
    );
}

pub(crate) async fn a_few_tickets_are_read_together_and_moved_singly(world: World) {
    let id = world.deliver(naming(3)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    let calls = world.jira.journal();
    assert_eq!((calls.len(), calls.of(Kind::BulkFetch).len()), (1 + 1 + 3, 1), "{:?}", calls.lines());
}

pub(crate) async fn tickets_that_no_rule_can_move_are_not_read(world: World) {
    let another = "    on \"release.published\" {\n      fire = \"next\"\n    }\n    state \"to_do\"";
    world.reload(&RULES.replacen("    state \"to_do\"", another, 1));
    world.deliver(naming(3)).await;
    world.work().await;
    assert!(world.jira.journal().is_empty(), "{:?}", world.jira.journal().lines());
}

pub(crate) async fn what_a_bulk_read_leaves_out_is_read_singly(world: World) {
    assert!(world.jira.rename_key("SHOP-2", "SHOP-22"));
    assert!(world.jira.delete("SHOP-3"));
    let id = world.deliver(naming(3)).await;
    world.work().await;
    let found: Vec<_> = traces(&world, &id).await.iter().map(|trace| trace.reason).collect();
    // SHOP-2 goes on as SHOP-22, which stands behind those that the event names.
    assert_eq!(found, [Reason::Moved, Reason::Duplicate, Reason::IssueNotFound, Reason::Moved]);
}

pub(crate) async fn a_bulk_read_that_fails_is_tried_again(world: World) {
    world.jira.once(When::post(Kind::BulkFetch), Fault::unavailable(None));
    let id = world.deliver(naming(3)).await;
    assert_eq!(world.step().await.waiting.len(), 3);
    assert_eq!(world.jira.journal().len(), 1, "nobody else asked a site that is away");
    world.later(Duration::from_secs(20)).await;
    world.work().await;
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
}

pub(crate) async fn what_one_status_serves_is_a_few_seconds(world: World) {
    let modest = robot().without(Permission::BulkChange);
    let world = with_tickets(world, 3, modest, board()).await;
    let gate = Gate::new();
    world.jira.once(When::get(Kind::Transitions), Fault::hold(&gate));
    let id = world.deliver(naming(3)).await;
    let worker = world.worker_with(WorkerConfig { concurrency: 1, ..WorkerConfig::new("worker-7") });
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    gate.reached().await;
    world.clock.advance(Duration::from_secs(6));
    gate.open();
    step.await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    let reads = world.jira.journal().of(Kind::Issue).reads().len();
    assert_eq!(reads, 2, "the two that had to wait were looked at again");
}

pub(crate) async fn a_second_worker_finds_nothing_of_a_batch(world: World) {
    let gate = Gate::new();
    world.jira.once(When::post(Kind::BulkFetch), Fault::hold(&gate));
    let id = world.deliver(naming(3)).await;
    let worker = world.worker_with(WorkerConfig { concurrency: 1, ..WorkerConfig::new("worker-7") });
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    gate.reached().await;
    assert!(world.another_worker().step().await.unwrap().is_idle());
    gate.open();
    assert_eq!(step.await.unwrap().finished.len(), 3);
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
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
    let world = with_tickets(world, 12, robot(), one_way()).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    let asked = |one: &jira_sim::Exchange| one.kind == Kind::BulkTransitions;
    world.jira.wait_until("the move is asked for", |view| view.count(asked) == 1).await.unwrap();
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
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    let looked = |one: &jira_sim::Exchange| one.kind == Kind::BulkTask;
    world.jira.wait_until("the task is looked at", |view| view.count(looked) == 1).await.unwrap();
    assert_eq!(world.jira.step_bulk(4), 4);
    let task = world.jira.bulk_tasks()[0].id;
    assert!(world.jira.set_bulk_status(task, TaskStatus::Dead));
    step.await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), bulk_moves_asked(&world), world.moves_asked()), (vec![1], 1, 8));
}

pub(crate) async fn a_bulk_move_that_is_never_over_is_waited_for_only_so_long(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    let looked = |one: &jira_sim::Exchange| one.kind == Kind::BulkTask;
    world.jira.wait_until("the task is looked at", |view| view.count(looked) == 1).await.unwrap();
    world.clock.advance(Duration::from_mins(11));
    step.await.unwrap();
    assert_eq!(reasons(&world, &id).await, [Reason::Moved]);
    assert_eq!((moves(&world, 12), world.moves_asked()), (vec![1], 12));
}

pub(crate) async fn a_successor_waits_for_the_bulk_move_of_who_died(world: World) {
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    let looked = |one: &jira_sim::Exchange| one.kind == Kind::BulkTask;
    world.jira.wait_until("the task is looked at", |view| view.count(looked) == 1).await.unwrap();
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
    let world = with_tickets(world, 12, robot(), board()).await;
    world.jira.hold_bulk();
    let id = world.deliver(naming(12)).await;
    let step = world.start_step();
    let asked = |one: &jira_sim::Exchange| one.kind == Kind::BulkTransitions;
    world.jira.wait_until("the move is asked for", |view| view.count(asked) == 1).await.unwrap();
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
    let looks = |one: &jira_sim::Exchange| one.kind == Kind::BulkTask;
    world.jira.wait_until("the task is looked at", |view| view.count(looks) == 1).await.unwrap();

    // Two leases go by, and no one is ever left to run out.
    let other = world.another_worker();
    for _ in 0..3 {
        world.clock.advance(A_LEASE * 2 / 3);
        world.until_renewed().await;
        assert!(other.step().await.unwrap().is_idle(), "every ticket is still held");
    }
    world.jira.wait_until("the task is looked at again", |view| view.count(looks) > 1).await.unwrap();
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

pub(crate) async fn data_center_is_searched_and_each_ticket_is_read_before_it_moves(world: World) {
    let mut board = JiraSim::data_center()
        .account(Account::with_access_token("conduit", "hush-hush"))
        .account(Account::person("ada"))
        .project(Project::new("SHOP").workflow(board()));
    for key in keys(6) {
        let status = if key == "SHOP-6" { "Done" } else { "To Do" };
        board = board.issue(NewIssue::new(&key).status(status));
    }
    let world = world.with_data_center(board).await;
    let id = world.deliver(naming(6)).await;
    world.work().await;
    let found: Vec<_> = traces(&world, &id).await.iter().map(|trace| trace.reason).collect();
    assert_eq!(found[..5], [Reason::Moved; 5]);
    let calls = world.jira.journal();
    assert_eq!(calls.of(Kind::Search).len(), 1, "{:?}", calls.lines());
    assert_eq!(calls.of(Kind::Issue).len(), 5, "who stays is not read again");
    assert_eq!(world.moves_asked(), 5);
}
