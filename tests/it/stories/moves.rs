//! One ticket and its way over the board.

use conduit::store::{ClaimRequest, EventId, JobState};
use conduit::trace::{Outcome, Reason, TicketTrace};
use jira_sim::{Answer, Category, Condition, Fault, Field, Kind, Permission, Transition, When, Workflow};
use serde_json::json;

use super::world::{RULES, STATUSES, World, merged, robot, site, site_for};

pub(crate) async fn a_merged_pull_request_moves_its_ticket(world: World) {
    let id = world.deliver(merged("SHOP-1: pay by card")).await;
    world.work().await;

    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Moved, Reason::Moved));
    assert_eq!((trace.from.as_deref(), trace.to.as_deref()), (Some("To Do"), Some("In Progress")));
    assert_eq!(trace.machine.as_deref(), Some("shop"));
    let calls: Vec<_> = trace.attempts.iter().map(|call| (call.call.as_str(), call.status)).collect();
    assert_eq!(calls, [("issue", Some(200)), ("transitions", Some(200)), ("transition", Some(204))]);
    assert_eq!(trace.transitions[0].source, "live");
    assert!(trace.queued_at <= trace.started_at && trace.started_at <= trace.finished_at);
    assert_eq!(world.event(&id).await.verdict.reason, Reason::Moved);
}

pub(crate) async fn the_second_ticket_of_a_kind_costs_one_read_and_one_write(world: World) {
    world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(world.jira.journal().len(), 3, "cold: read, transitions, move");

    let id = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    assert_eq!(world.jira.journal().len(), 5, "warm: read, move");
    assert_eq!(world.trace(&id).await.transitions[0].source, "cache");
}

pub(crate) async fn a_ticket_at_the_end_stays_there(world: World) {
    assert!(world.jira.move_as("ada", "SHOP-1", "Done"));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::AtEnd);
    assert_eq!(world.jira.journal().len(), 1);
}

pub(crate) async fn a_status_without_an_alias_is_named(world: World) {
    assert!(world.jira.move_as("ada", "SHOP-1", "Blocked"));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::UnknownStatus);
    assert_eq!(trace.status.unwrap().name, "Blocked");
    assert_eq!(world.moves_asked(), 0);
}

pub(crate) async fn a_refused_remembered_transition_is_looked_up_once_more(world: World) {
    world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let refusal =
        json!({ "errorMessages": ["Transition id '21' is not valid for this issue."], "errors": {} });
    world.jira.once(When::post(Kind::Transitions), Fault::answer(Answer::json(400, &refusal)));

    let id = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::Moved);
    let calls: Vec<_> = trace.attempts.iter().map(|call| call.call.as_str()).collect();
    assert_eq!(calls, ["issue", "transition", "issue", "transitions", "transition"]);
    let sources: Vec<_> = trace.transitions.iter().map(|used| used.source.as_str()).collect();
    assert_eq!(sources, ["cache", "live"]);

    let id = world.deliver(merged("SHOP-3")).await;
    let refused = Fault::answer(Answer::json(400, &refusal));
    let standing = world.jira.standing(When::post(Kind::Transitions), refused);
    world.work().await;
    world.jira.lift(standing);
    assert_eq!(world.reason(&id).await, Reason::JiraRefused, "once more, and no more");
}

pub(crate) async fn an_account_that_reads_french_moves_by_the_names_it_is_shown(world: World) {
    let board = site_for(robot().locale("fr_FR"), Workflow::simplified(&STATUSES));
    let board = board.translated("fr", "To Do", "À faire").translated("fr", "In Progress", "En cours");
    let world = world.with_site(board).await;
    world.reload(&RULES.replace("\"To Do\"", "\"À faire\"").replace("\"In Progress\"", "\"En cours\""));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::Moved, "{:?}", trace.detail);
    assert_eq!((trace.from.as_deref(), trace.to.as_deref()), (Some("À faire"), Some("En cours")));
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"], "the same statuses for everybody");
}

pub(crate) async fn a_status_that_was_renamed_is_found_by_its_new_name_at_once(world: World) {
    world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert!(world.jira.rename_status("In Progress", "Doing"));
    world.reload(&RULES.replace("\"In Progress\"", "\"Doing\""));
    let id = world.deliver(merged("SHOP-2")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.reason, trace.to.as_deref()), (Reason::Moved, Some("Doing")), "{:?}", trace.detail);
    let calls: Vec<_> = trace.attempts.iter().map(|call| call.call.as_str()).collect();
    assert_eq!(calls, ["issue", "transitions", "transition"], "what is remembered is no reason to say no");
}

pub(crate) async fn a_path_that_was_decided_survives_a_reload(world: World) {
    world.jira.once(When::post(Kind::Transitions), Fault::status(503));
    let decided = world.deliver(merged("SHOP-1")).await;
    world.step().await;
    let before = world.rules_in_force();

    // From now on, nothing leads out of *To Do* by `next`.
    world.reload(&RULES.replace("\"to_do\" \"next\"", "\"to_do\" \"start\""));
    let after = world.deliver(merged("SHOP-2")).await;
    world.later(std::time::Duration::from_secs(20)).await;
    world.work().await;

    let trace = world.trace(&decided).await;
    assert_eq!((trace.reason, trace.to.as_deref()), (Reason::Moved, Some("In Progress")));
    assert_eq!(trace.rules, Some(before), "the trace names the rules that decided");
    assert_eq!(world.reason(&after).await, Reason::NoEdge, "what came later is decided by the new rules");
}

/// What a worker leaves that was to walk from *To Do* over *In Progress* to *Done*.
fn two_hops() -> serde_json::Value {
    let hop = |from: &str, to: &str| {
        json!({
            "step": { "from": from, "event": "next", "to": to, "file": "jira.hcl", "line": 10 },
            "from_status": from, "to_status": to,
        })
    };
    json!({
        "schema": 1,
        "intent": {
            "path": [hop("To Do", "In Progress"), hop("In Progress", "Done")],
            "effects": { "comment": "Shipped in v2", "link": { "url": "https://forge.test/pr/1", "title": "PR #1" } },
            "hop": 0, "phase": "intended", "taken": 0, "comment": "not_yet",
            "from": { "id": "10000", "name": "To Do" }, "updated": "2026-11-22T08:00:00.000+0000",
        },
    })
}

/// A job for SHOP-1 with these notes on it.
async fn job_with_notes(world: &World) -> EventId {
    let id = world.deliver(merged("SHOP-1")).await;
    world.jira.once(When::any(), Fault::unavailable(None));
    world.step().await;
    world.clock.advance(std::time::Duration::from_mins(1));
    let request = ClaimRequest {
        worker: "worker-0".into(),
        lease: std::time::Duration::from_secs(30),
        most: 1,
        skip_sites: vec![],
    };
    let claim = world.store.claim(&request).await.unwrap().remove(0);
    let trace = TicketTrace::queued("SHOP-1", claim.found_in.clone(), claim.queued_at);
    let state = JobState { progress: two_hops(), trace };
    world.store.checkpoint(&claim.lease, &state).await.unwrap();
    world.store.hand_back(&claim.lease).await.unwrap();
    id
}

pub(crate) async fn a_path_of_several_steps_is_walked_with_a_look_between(world: World) {
    let id = job_with_notes(&world).await;
    world.work().await;
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);
    assert_eq!(world.jira.comments("SHOP-1").len(), 1);
    assert_eq!(world.jira.remote_links("SHOP-1").len(), 1);
    let trace = world.trace(&id).await;
    let calls: Vec<_> = trace.attempts.iter().map(|call| call.call.as_str()).collect();
    let hops = ["issue", "transitions", "transition", "issue", "transitions", "transition"];
    assert_eq!(calls[..6], hops);
    let effects: Vec<_> = trace.effects.iter().map(|e| (e.effect.as_str(), e.result.as_str())).collect();
    assert_eq!(effects, [("comment", "done"), ("link", "done")]);
}

pub(crate) async fn a_comment_whose_answer_was_lost_is_not_written_twice(world: World) {
    let id = job_with_notes(&world).await;
    world.jira.once(When::post(Kind::Comments), Fault::apply_then_status(503));
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Jira5xx, "the comment is still owed");
    world.clock.advance(std::time::Duration::from_secs(20));
    world.work().await;
    assert_eq!(world.reason(&id).await, Reason::Moved);
    assert_eq!(world.jira.comments("SHOP-1").len(), 1);
    assert_eq!(world.moves_asked(), 2);
}

pub(crate) async fn a_moved_ticket_answers_under_its_new_key(world: World) {
    assert!(world.jira.rename_key("SHOP-1", "PAY-7"));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(world.jira.moves("PAY-7"), ["To Do → In Progress"]);
    assert_eq!(world.trace(&id).await.detail.as_deref(), Some("SHOP-1 is PAY-7 now"));
}

fn board(start: Transition) -> Workflow {
    Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("Blocked", Category::Indeterminate)
        .transition(start)
}

pub(crate) async fn a_transition_that_asks_for_a_field_says_which(world: World) {
    let start = Transition::new(11, "Start", "In Progress").screen([Field::resolution().required()]);
    let world = world.with_site(site(board(start))).await;
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::FieldsRequired);
    assert!(trace.detail.as_ref().unwrap().contains("asks for"), "{:?}", trace.detail);
    assert!(trace.detail.unwrap().contains("resolution"));
    assert_eq!(world.moves_asked(), 0);
}

pub(crate) async fn a_field_of_the_edge_is_filled_in_as_jira_wants_it(world: World) {
    let start = Transition::new(11, "Start", "In Progress").screen([Field::resolution().required()]);
    let world = world.with_site(site(board(start))).await;
    let edge = r#"state "to_do" "next"       { transition = "in_progress" }"#;
    assert!(RULES.contains(edge), "the story changes the edge it means to change");
    world.reload(&RULES.replace(
        edge,
        r#"state "to_do" "next" {
      transition = "in_progress"
      fields     = { resolution = "Done" }
    }"#,
    ));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    assert_eq!(world.trace(&id).await.reason, Reason::Moved);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress"]);
    let sent = world.jira.journal().writes();
    assert_eq!(sent.exchanges[0].request_json()["fields"]["resolution"]["name"], "Done");
}

pub(crate) async fn a_board_without_the_way_says_what_it_offers(world: World) {
    let world = world.with_site(site(board(Transition::new(11, "Park", "Blocked")))).await;
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::NoJiraTransition);
    let detail = trace.detail.unwrap();
    assert!(detail.contains("from To Do to In Progress") && detail.contains("Park → Blocked"), "{detail}");
}

pub(crate) async fn an_account_without_permission_is_told(world: World) {
    let robot = robot().without(Permission::TransitionIssues);
    let site = site_for(robot, Workflow::simplified(&["To Do", "In Progress", "Done"]));
    let world = world.with_site(site).await;
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Failed, Reason::NoPermission));
    assert!(trace.detail.unwrap().contains("the account lacks the permission `Transition issues` in SHOP"));
    let calls: Vec<_> = trace.attempts.iter().map(|call| call.call.as_str()).collect();
    assert_eq!(calls, ["issue", "transitions", "permissions"], "it is asked, and not guessed");
}

pub(crate) async fn a_transition_behind_a_condition_is_told_from_a_missing_one(world: World) {
    let start = Transition::new(11, "Start", "In Progress").condition(Condition::Never);
    let park = Transition::new(21, "Park", "Blocked");
    let world = world.with_site(site(board(start).transition(park))).await;
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!((trace.outcome, trace.reason), (Outcome::Failed, Reason::TransitionHidden));
    let detail = trace.detail.unwrap();
    assert!(detail.contains("`Start` leads from To Do to In Progress, but a condition"), "{detail}");
    assert_eq!(world.moves_asked(), 0);
}

pub(crate) async fn a_ticket_that_does_not_exist_is_not_found(world: World) {
    let id = world.deliver(merged("SHOP-99")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::IssueNotFound);
    assert!(trace.detail.unwrap().contains("the account does see SHOP"));
}
