//! Patience and manners: sites that are away, that limit us, that hang, and workers that die again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use conduit::store::{ClaimRequest, Pause, PauseKind};
use conduit::trace::{Outcome, Reason};
use conduit::worker::WorkerConfig;
use futures_util::future::join_all;
use jira_sim::{Answer, Fault, Gate, Kind, Limits, NewIssue, Permission, Project, When, Workflow};

use super::world::{A_LEASE, STATUSES, World, merged, robot, site, site_for};
use crate::support::redis_cluster::until;

const A_WHILE: Duration = Duration::from_secs(20);
/// The shortest time between two questions to a site that is down.
const INTERVAL: u64 = 15;

async fn kinds(world: &World) -> Vec<PauseKind> {
    world.store.paused().await.unwrap().into_iter().map(|pause| pause.kind).collect()
}

/// Steps until the site stands still.
async fn until_paused(world: &World) {
    for _ in 0..60 {
        if !kinds(world).await.is_empty() {
            return;
        }
        world.later(Duration::from_secs(3)).await;
    }
    panic!("the site is never paused");
}

pub(crate) async fn a_site_that_is_down_is_asked_seldom_and_no_ticket_is_given_up(world: World) {
    let impatient = |name| WorkerConfig { patience: Duration::from_mins(2), ..WorkerConfig::new(name) };
    let workers = [world.worker_with(impatient("a")), world.worker_with(impatient("b"))];
    let down = world.jira.go_down();
    let mut events = Vec::new();
    for key in ["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-1"] {
        events.push(world.deliver(merged(key)).await);
    }
    until_paused(&world).await;
    let asked = world.jira.journal().len();
    for _ in 0..60 {
        world.clock.advance(Duration::from_secs(10));
        for worker in &workers {
            worker.step().await.unwrap();
        }
    }
    let questions = world.jira.journal().after(asked);
    assert_eq!(questions.len(), questions.of(Kind::Myself).len(), "no ticket is asked for");
    let most = usize::try_from(600 / INTERVAL).unwrap();
    assert!((3..=most).contains(&questions.len()), "{} questions in ten minutes", questions.len());

    world.jira.lift(down);
    world.clock.advance(Duration::from_mins(4));
    for _ in 0..9 {
        world.later(A_WHILE).await;
    }
    for id in &events {
        assert_eq!(world.reason(id).await, Reason::Moved);
    }
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"], "in their order");
    assert!(kinds(&world).await.is_empty());
}

pub(crate) async fn a_single_ticket_is_enough_to_notice_that_its_site_is_away(world: World) {
    let down = world.jira.go_down();
    let id = world.deliver(merged("SHOP-1")).await;
    until_paused(&world).await;
    for _ in 0..9 {
        world.later(Duration::from_mins(1)).await;
    }
    assert_eq!(kinds(&world).await, [PauseKind::Down]);
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Waiting, Reason::Jira5xx));
    assert!(trace.attempts.len() < 8, "it rests with its site: {} tries", trace.attempts.len());

    world.jira.lift(down);
    world.clock.advance(Duration::from_mins(4));
    world.step().await;
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn a_ticket_that_makes_jira_fail_stops_no_other(world: World) {
    world.jira.standing(When::any().issue("SHOP-1"), Fault::status(500));
    let broken = world.deliver(merged("SHOP-1")).await;
    for _ in 0..16 {
        world.later(Duration::from_mins(1)).await;
        assert!(kinds(&world).await.is_empty(), "one ticket is not the site");
    }
    assert!(world.jira.journal().of(Kind::Issue).len() > 6, "it was suspicious");
    let other = world.deliver(merged("SHOP-2")).await;
    world.later(A_WHILE).await;
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&other).await, Reason::Moved);
    assert_eq!(world.reason(&broken).await, Reason::Jira5xx);
}

pub(crate) async fn a_pause_by_hand_outlives_the_outage_it_was_made_in(world: World) {
    let down = world.jira.go_down();
    let id = world.deliver(merged("SHOP-1")).await;
    until_paused(&world).await;
    let by_hand = Pause { kind: PauseKind::Operator, why: "paused by ada".into(), rest: None };
    world.store.pause("jira", &by_hand).await.unwrap();
    world.jira.lift(down);
    for _ in 0..4 {
        world.later(Duration::from_mins(1)).await;
    }
    assert_eq!(kinds(&world).await, [PauseKind::Operator]);
    assert_eq!(world.moves_asked(), 0);

    assert!(world.store.resume("jira", None).await.unwrap());
    world.later(A_WHILE).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn a_call_that_is_limited_is_left_alone_and_others_go_on(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::too_many_requests(Some(30)));
    let first = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    let second = world.deliver(merged("SHOP-2")).await;
    world.later(Duration::from_secs(10)).await;
    assert_eq!(world.reason(&second).await, Reason::RateLimited);
    assert_eq!(world.jira.journal().of(Kind::Issue).len(), 2, "SHOP-2 was read");
    world.later(Duration::from_secs(18)).await;
    assert_eq!(world.moves_asked(), 1, "nothing was sent before the time that Jira named");

    for _ in 0..3 {
        world.later(A_WHILE).await;
    }
    for id in [&first, &second] {
        assert_eq!(world.reason(id).await, Reason::Moved);
    }
    assert_eq!(world.moves_asked(), 3, "the refused one and each ticket's own");
    assert!(kinds(&world).await.is_empty());
}

pub(crate) async fn a_gateway_that_limits_without_a_word_is_not_hammered(world: World) {
    let limited = world.jira.standing(When::any(), Fault::too_many_requests(None));
    let id = world.deliver(merged("SHOP-1")).await;
    for _ in 0..30 {
        world.later(Duration::from_secs(2)).await;
    }
    let asked = world.jira.journal().len();
    assert!((3..=9).contains(&asked), "{asked} requests in a minute");
    assert!(kinds(&world).await.is_empty(), "it answers, so it is not down");
    world.jira.lift(limited);
    world.later(Duration::from_mins(1)).await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn a_quota_that_is_used_up_stops_the_site_until_it_is_filled_again(world: World) {
    let used_up = Answer::text(429, "text/plain", "Rate limit exceeded.")
        .header("RateLimit-Reason", "jira-quota-tenant-based")
        .header("Retry-After", "600");
    world.jira.once(When::get(Kind::Issue), Fault::answer(used_up));
    let first = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    assert_eq!(kinds(&world).await, [PauseKind::Quota]);
    assert_eq!(world.reason(&first).await, Reason::RateLimited);
    let second = world.deliver(merged("SHOP-2")).await;
    let other_process = world.another_worker();
    for _ in 0..19 {
        world.clock.advance(Duration::from_secs(30));
        other_process.step().await.unwrap();
    }
    assert_eq!(world.jira.journal().len(), 1, "nothing is asked while there is nothing left");

    world.clock.advance(Duration::from_secs(40));
    other_process.step().await.unwrap();
    for id in [&first, &second] {
        assert_eq!(world.reason(id).await, Reason::Moved);
    }
    assert!(kinds(&world).await.is_empty());
}

pub(crate) async fn a_data_centers_bucket_is_not_overdrawn(world: World) {
    // Four workers at once find six requests in the bucket, and one more every twenty-fifth of a second.
    let modest = robot().without(Permission::BulkChange);
    let mut board = site_for(modest, Workflow::simplified(&STATUSES)).limits(Limits::none().bucket(6, 25, 1));
    let keys: Vec<String> = (1..=24).map(|number| format!("SHOP-{number}")).collect();
    for key in &keys[3..] {
        board = board.issue(NewIssue::new(key));
    }
    let world = world.with_site(board).await;
    world.deliver(merged(&keys.join(" "))).await;
    let worker = world.worker_with(WorkerConfig { concurrency: 4, ..WorkerConfig::new("worker-9") });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    let all_moved = |view: &jira_sim::View| keys.iter().all(|key| view.is_in(key, "In Progress"));
    world.jira.wait_until("all tickets move", all_moved).await.unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
    let journal = world.jira.journal();
    assert!(journal.len() > 6 + 12, "many more than there were at first");
    assert!(journal.answered(429).is_empty(), "{:?}", journal.lines());
}

pub(crate) async fn a_site_that_hangs_leaves_the_other_its_workers(world: World) {
    let gate = Gate::new();
    for kind in [Kind::Issue, Kind::BulkFetch] {
        world.jira.standing(When::any().kind(kind), Fault::hold(&gate));
    }
    let other = site_for(robot(), Workflow::simplified(&STATUSES)).issue(NewIssue::new("PAY-1"));
    let other = other.issue(NewIssue::new("PAY-2")).issue(NewIssue::new("PAY-3")).start().await.unwrap();
    let config = WorkerConfig { concurrency: 2, ..WorkerConfig::new("worker-6") };
    let worker = world.worker_on_two_sites(&other, config);
    world.deliver(merged("SHOP-1 SHOP-2 SHOP-3")).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    gate.reached().await;

    world.deliver(merged("PAY-1 PAY-2 PAY-3")).await;
    let all_moved =
        |view: &jira_sim::View| ["PAY-1", "PAY-2", "PAY-3"].iter().all(|key| view.is_in(key, "In Progress"));
    other.wait_until("the other site's tickets move", all_moved).await.unwrap();
    // What a worker asks when it starts is about no ticket.
    let hanging = world.jira.journal().filter(|exchange| exchange.kind != Kind::MyPermissions);
    assert_eq!(hanging.len(), 1, "half of the workers hang, and no more: {:?}", hanging.lines());
    gate.open();
    stop.send(true).unwrap();
    running.await.unwrap();
}

pub(crate) async fn no_more_tickets_are_at_jira_than_there_are_places(world: World) {
    let gate = Gate::new();
    let mut board = site_for(robot(), Workflow::simplified(&STATUSES));
    let keys: Vec<String> = (1..=9).map(|number| format!("SHOP-{number}")).collect();
    for key in &keys[3..] {
        board = board.issue(NewIssue::new(key));
    }
    let world = world.with_site(board).await;
    world.jira.standing(When::get(Kind::Issue), Fault::hold(&gate));
    for key in &keys {
        world.deliver(merged(key)).await;
    }
    let worker = world.worker_with(WorkerConfig { concurrency: 4, ..WorkerConfig::new("worker-9") });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    gate.reached().await;
    until(async || world.store.queue().await.unwrap().leased == 5).await;
    let asked = |view: &jira_sim::View| view.count(|one| one.kind == Kind::Issue) >= 4;
    world.jira.wait_until("four are asked for", asked).await.unwrap();
    assert_eq!(
        world.jira.journal().of(Kind::Issue).len(),
        4,
        "the fifth is claimed ahead, and waits for a place"
    );
    gate.open();
    let all_moved = |view: &jira_sim::View| keys.iter().all(|key| view.is_in(key, "In Progress"));
    world.jira.wait_until("all tickets move", all_moved).await.unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
}

pub(crate) async fn while_deliveries_keep_coming_tickets_keep_moving(world: World) {
    let keys = ["SHOP-1", "SHOP-2", "SHOP-3"];
    for key in keys {
        world.deliver(merged(key)).await;
    }
    let worker = world.worker_with(WorkerConfig { concurrency: 1, ..WorkerConfig::new("worker-9") });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    let never_empty = async {
        loop {
            join_all((0..64).map(|_| world.deliver(merged("no ticket at all")))).await;
        }
    };
    let all_moved = |view: &jira_sim::View| keys.iter().all(|key| view.is_in(key, "In Progress"));
    tokio::select! {
        moved = world.jira.wait_until("all tickets move", all_moved) => moved.unwrap(),
        () = never_empty => {}
    }
    stop.send(true).unwrap();
    running.await.unwrap();
}

pub(crate) async fn a_site_that_is_paused_stands_still_alone(world: World) {
    let other = site(Workflow::simplified(&STATUSES)).issue(NewIssue::new("PAY-1")).start().await.unwrap();
    let worker = world.worker_on_two_sites(&other, WorkerConfig::new("worker-7"));
    let by_hand = Pause { kind: PauseKind::Operator, why: "the board is rebuilt".into(), rest: None };
    world.store.pause("jira", &by_hand).await.unwrap();
    world.deliver(merged("SHOP-1 PAY-1")).await;
    while !worker.step().await.unwrap().is_idle() {}
    assert_eq!(other.moves("PAY-1"), ["To Do → In Progress"]);
    assert!(world.jira.journal().is_empty(), "{:?}", world.jira.journal().lines());

    assert!(world.store.resume("jira", None).await.unwrap());
    while !worker.step().await.unwrap().is_idle() {}
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
}

pub(crate) async fn a_worker_that_is_stopped_while_jira_hangs_gives_its_tickets_back(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::apply_then_hold(&Gate::new()));
    let id = world.deliver(merged("SHOP-1")).await;
    let finish = Duration::from_millis(200);
    let worker = world.worker_with(WorkerConfig { finish, ..WorkerConfig::new("worker-7") });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    world.until_asked(1).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    let queue = world.store.queue().await.unwrap();
    assert_eq!((queue.leased, queue.ready), (0, 1), "it is there for the next one at once");

    world.clock.advance(A_WHILE);
    world.another_worker().step().await.unwrap();
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    assert_eq!(world.moves_asked(), 1);
}

/// A process that dies of whatever it takes up.
async fn takes_up_and_dies(world: &World) -> BTreeMap<String, u32> {
    let request = ClaimRequest { worker: "dying".into(), lease: A_LEASE, most: 9, skip_sites: Vec::new() };
    let claims = world.store.claim(&request).await.unwrap();
    world.clock.advance(A_LEASE + Duration::from_secs(1));
    world.store.tidy(A_LEASE).await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    claims.into_iter().map(|claim| (claim.lease.job.key, claim.expired)).collect()
}

pub(crate) async fn a_job_that_kills_its_process_again_and_again_is_put_away(world: World) {
    let id = world.deliver(merged("SHOP-1")).await;
    world.jira.once(When::get(Kind::Issue), Fault::status(503));
    world.step().await;
    world.clock.advance(A_WHILE);
    for times in 0..5 {
        assert_eq!(takes_up_and_dies(&world).await, BTreeMap::from([("SHOP-1".to_owned(), times)]));
    }
    let next = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.store.ticket_traces(&id).await.unwrap().remove(0);
    assert_eq!((trace.outcome, trace.reason), (Outcome::Dead, Reason::Poison));
    assert!(trace.detail.unwrap().contains("5 workers in a row"));
    assert_eq!(world.reason(&next).await, Reason::Moved, "the ticket's next event goes on");
}

pub(crate) async fn a_job_whose_workers_died_four_times_is_still_done(world: World) {
    let id = world.deliver(merged("SHOP-1")).await;
    world.store.tidy(A_LEASE).await.unwrap();
    world.jira.once(When::get(Kind::Issue), Fault::status(503));
    world.step().await;
    world.clock.advance(A_WHILE);
    for _ in 0..4 {
        takes_up_and_dies(&world).await;
    }
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
}

pub(crate) async fn a_project_that_bursts_leaves_another_its_turn(world: World) {
    let mut board = site(Workflow::simplified(&STATUSES))
        .project(Project::new("OPS").workflow(Workflow::simplified(&STATUSES)))
        .issue(NewIssue::new("OPS-1"));
    for number in 4..=20 {
        board = board.issue(NewIssue::new(&format!("SHOP-{number}")));
    }
    let world = world.with_site(board).await;
    let keys: Vec<String> = (1..=20).map(|number| format!("SHOP-{number}")).collect();
    world.deliver(merged(&keys.join(" "))).await;
    let small = world.deliver(merged("OPS-1")).await;
    let worker = world.worker_with(WorkerConfig { concurrency: 2, ..WorkerConfig::new("worker-8") });
    for _ in 0..2 {
        worker.step().await.unwrap();
    }
    assert_eq!(world.reason(&small).await, Reason::NoMachine, "OPS was seen to, long before SHOP is done");
    assert!(world.moves_asked() < 20);
}
