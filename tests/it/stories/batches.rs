//! The tickets of one event, worked on together: few calls. See `bulk` for how they move in one.

use std::time::Duration;

use conduit::event::Event;
use conduit::store::EventId;
use conduit::trace::{Reason, TicketTrace};
use conduit::worker::WorkerConfig;
use jira_sim::{Account, Fault, Gate, JiraSim, Kind, NewIssue, Permission, Project, When, Workflow};

use super::world::{RULES, STATUSES, World, merged, robot, site_for};

pub(super) fn keys(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("SHOP-{number}")).collect()
}

/// Names this many tickets.
pub(super) fn naming(count: usize) -> Event {
    merged(&keys(count).join(" "))
}

pub(super) fn many_allowed() -> String {
    RULES.replace(r#"initial = "to_do""#, "initial = \"to_do\"\n    max_tickets = 2000")
}

/// A world whose board has this many tickets, and this account on it.
pub(super) async fn with_tickets(world: World, count: usize, account: Account, workflow: Workflow) -> World {
    let mut board = site_for(account, workflow);
    for key in keys(count).iter().skip(3) {
        board = board.issue(NewIssue::new(key));
    }
    let world = world.with_site(board).await;
    world.reload(&many_allowed());
    world
}

pub(super) fn board() -> Workflow {
    Workflow::simplified(&STATUSES)
}

pub(super) async fn traces(world: &World, id: &EventId) -> Vec<TicketTrace> {
    world.store.tidy(Duration::from_hours(24)).await.unwrap();
    world.store.ticket_traces(id).await.unwrap()
}

pub(super) async fn reasons(world: &World, id: &EventId) -> Vec<Reason> {
    let mut reasons: Vec<_> = traces(world, id).await.iter().map(|trace| trace.reason).collect();
    reasons.dedup();
    reasons
}

/// How often each ticket has moved.
pub(super) fn moves(world: &World, count: usize) -> Vec<usize> {
    let mut moves: Vec<_> = keys(count).iter().map(|key| world.jira.moves(key).len()).collect();
    moves.dedup();
    moves
}

/// How often Jira was asked for a bulk move.
pub(super) fn bulk_moves_asked(world: &World) -> usize {
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
