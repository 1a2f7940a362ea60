//! Workers that die, sleep or are told to stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use conduit::machine::{FixVersion, Hop, Link};
use conduit::trace::{Outcome, Reason};
use conduit::worker::WorkerConfig;
use conduit::worker::processor::{Answer, Change, Found, Log, Processor, Taken, Ticket};
use jira_sim::{Fault, Gate, Kind, When};

use super::world::{A_LEASE, World, merged};

pub(crate) async fn a_worker_that_dies_before_it_asks_is_replaced(world: World) {
    world.jira.once(When::get(Kind::Issue), Fault::hold(&Gate::new()));
    let id = world.deliver(merged("SHOP-1")).await;
    let step = world.start_step();
    world.jira.wait_until("the ticket is read", |view| view.exchanges().len() == 1).await.unwrap();
    step.abort();
    assert!(step.await.unwrap_err().is_cancelled());

    let successor = world.another_worker();
    assert!(successor.step().await.unwrap().is_idle(), "the lease still holds");
    world.clock.advance(A_LEASE);
    successor.step().await.unwrap();
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.moves_asked(), 1);
}

pub(crate) async fn a_worker_that_dies_while_it_asks_is_replaced(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::hold(&Gate::new()));
    let id = world.deliver(merged("SHOP-1")).await;
    let step = world.start_step();
    world.until_asked(1).await;
    step.abort();
    assert!(step.await.unwrap_err().is_cancelled());

    world.clock.advance(A_LEASE);
    world.another_worker().step().await.unwrap();
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(
        world.jira.moves("SHOP-1"),
        ["To Do → In Progress"],
        "it was not applied, so it is asked again"
    );
}

pub(crate) async fn a_move_whose_worker_died_is_not_made_twice(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_hold(&Gate::new()));
    let id = world.deliver(merged("SHOP-1")).await;
    let step = world.start_step();
    world.jira.wait_until("the move is applied", |view| view.is_in("SHOP-1", "In Progress")).await.unwrap();
    step.abort();
    assert!(step.await.unwrap_err().is_cancelled());

    world.clock.advance(A_LEASE);
    world.another_worker().step().await.unwrap();
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::Moved);
    assert_eq!((trace.from.as_deref(), trace.to.as_deref()), (Some("To Do"), Some("In Progress")));
    assert_eq!(
        world.jira.moves("SHOP-1"),
        ["To Do → In Progress"],
        "`next` never advances twice for one event"
    );
    assert_eq!(world.moves_asked(), 1);
}

pub(crate) async fn a_worker_that_slept_through_its_lease_writes_nothing(world: World) {
    let gate = Gate::new();
    world.jira.once(When::get(Kind::Issue), Fault::hold(&gate));
    let id = world.deliver(merged("SHOP-1")).await;
    let sleeper = world.start_step();
    world.jira.wait_until("the ticket is read", |view| view.exchanges().len() == 1).await.unwrap();
    world.clock.advance(A_LEASE);
    world.another_worker().step().await.unwrap();

    gate.open();
    let woken = sleeper.await.unwrap();
    assert_eq!(woken.dropped.len(), 1);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    assert_eq!(world.moves_asked(), 1);
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn a_worker_that_is_told_to_stop_finishes_first(world: World) {
    let gate = Gate::new();
    world.jira.once(When::post(Kind::Transitions), Fault::hold(&gate));
    let id = world.deliver(merged("SHOP-1")).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let worker = world.worker_with(WorkerConfig::new("worker-3"));
    let running = tokio::spawn(async move { worker.run(stopped).await });
    world.until_asked(1).await;

    let late = world.deliver(merged("SHOP-2")).await;
    stop.send(true).unwrap();
    gate.open();
    running.await.unwrap();
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.store.queue().await.unwrap().leased, 0, "nothing is left in its hands");
    world.clock.advance(A_LEASE);
    world.another_worker().step().await.unwrap();
    assert_eq!(world.reason(&late).await, Reason::Moved, "whoever comes next goes on");
}

pub(crate) async fn a_store_that_restarts_is_waited_for(mut world: World) {
    let id = world.deliver(merged("SHOP-1")).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let worker = world.worker.clone();
    world.restart_store().await;
    let running = tokio::spawn(async move { worker.run(stopped).await });
    world.jira.wait_until("SHOP-1 moves", |view| view.is_in("SHOP-1", "In Progress")).await.unwrap();
    world.restart_store().await;
    let next = world.deliver(merged("SHOP-2")).await;
    world.jira.wait_until("SHOP-2 moves", |view| view.is_in("SHOP-2", "In Progress")).await.unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.reason(&next).await, Reason::Moved);
    assert_eq!(world.moves_asked(), 2);
}

/// A ticket system whose driver has a bug.
struct Broken;

#[async_trait]
impl Processor for Broken {
    fn settles_within(&self) -> Duration {
        Duration::ZERO
    }
    async fn read(&self, key: &str, _: &mut Log) -> Answer<Ticket> {
        panic!("nobody thought of {key}");
    }
    async fn changes(&self, _: &Ticket, _: &str, _: &mut Log) -> Answer<Vec<Change>> {
        unreachable!("it breaks before")
    }
    async fn find(&self, _: &Ticket, _: &Hop, _: Option<&str>, _: &mut Log) -> Answer<Found> {
        unreachable!("it breaks before")
    }
    async fn forget(&self, _: &Ticket) {}
    async fn take(&self, _: &Ticket, _: &Taken<'_>, _: &mut Log) -> Answer<()> {
        unreachable!("it breaks before")
    }
    async fn comment(&self, _: &Ticket, _: &str, _: &mut Log) -> Answer<()> {
        unreachable!("it breaks before")
    }
    async fn has_comment(&self, _: &Ticket, _: &str, _: &str, _: &mut Log) -> Answer<bool> {
        unreachable!("it breaks before")
    }
    async fn link(&self, _: &Ticket, _: &Link, _: &mut Log) -> Answer<()> {
        unreachable!("it breaks before")
    }
    async fn fix_version(&self, _: &Ticket, _: &FixVersion, _: &mut Log) -> Answer<()> {
        unreachable!("it breaks before")
    }
    async fn is_us(&self, _: &str, _: &mut Log) -> Answer<bool> {
        unreachable!("it breaks before")
    }
    async fn probe(&self) -> Answer<()> {
        Ok(())
    }
}

pub(crate) async fn a_job_that_breaks_its_worker_is_put_away(world: World) {
    let worker = world.worker_driving(Arc::new(Broken));
    let id = world.deliver(merged("SHOP-1")).await;
    let mut outcomes = BTreeSet::new();
    for _ in 0..5 {
        worker.step().await.unwrap();
        outcomes.insert(world.trace(&id).await.outcome);
        world.clock.advance(Duration::from_mins(5));
    }
    assert_eq!(outcomes, BTreeSet::from([Outcome::Waiting, Outcome::Dead]));
    assert_eq!(world.reason(&id).await, Reason::Poison);

    world.deliver(merged("SHOP-1")).await;
    world.clock.advance(A_LEASE);
    world.work().await;
    assert_eq!(
        world.jira.status("SHOP-1").as_deref(),
        Some("In Progress"),
        "the ticket's next event goes on"
    );
}
