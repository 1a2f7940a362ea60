//! Reading a ticket, its past, and who we are.

use super::*;

#[tokio::test]
async fn a_ticket_is_read_with_all_that_a_decision_sees() {
    let ticket =
        NewIssue::new("SHOP-3").issue_type("Bug").status("In Progress").labels(&["urgent"]).assignee("ada");
    let sim = shop().issue(ticket).start().await.unwrap();
    let issue = Caller::cloud(&sim).issue("shop-3").await;
    assert_eq!((issue.key.as_str(), issue.project.as_str()), ("SHOP-3", "SHOP"));
    assert_eq!((issue.issue_type.name.as_str(), issue.status.name.as_str()), ("Bug", "In Progress"));
    assert_eq!((issue.labels, issue.assignee.as_deref()), (vec!["urgent".to_owned()], Some("ada")));
    assert!(!issue.updated.is_empty() && !issue.id.is_empty() && !issue.project_id.is_empty());
}

#[tokio::test]
async fn a_moved_ticket_answers_under_its_new_key() {
    let sim = shop().project(Project::new("CART")).start().await.unwrap();
    assert!(sim.rename_key("SHOP-1", "CART-7"));
    let issue = Caller::cloud(&sim).issue("SHOP-1").await;
    assert_eq!((issue.key.as_str(), issue.project.as_str()), ("CART-7", "CART"));
}

#[tokio::test]
async fn the_change_log_tells_our_moves_from_other_peoples() {
    let sim = shop().start().await.unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    caller.move_to(&cache, "SHOP-1", "In Progress").await.unwrap();
    assert!(sim.move_as("ada", "SHOP-1", "Done"));

    let us = caller.jira.myself(&mut caller.log).await.unwrap();
    let past = caller.jira.history("SHOP-1", &mut caller.log).await.unwrap();
    let moves: Vec<_> = past
        .iter()
        .map(|change| (&*change.from, &*change.to, change.author.as_ref() == Some(&us.id)))
        .collect();
    assert_eq!(moves, [("To Do", "In Progress", true), ("In Progress", "Done", false)]);
    assert_eq!(past[1].from_id, past[0].to_id);
}

#[tokio::test]
async fn data_center_is_spoken_to_below_its_context_path() {
    let sim = data_center().start().await.unwrap();
    let (mut caller, cache) = (Caller::data_center(&sim, TOKEN), TransitionCache::new());
    caller.move_to(&cache, "SHOP-1", "Done").await.unwrap();
    let us = caller.jira.myself(&mut caller.log).await.unwrap();
    let past = caller.jira.history("SHOP-1", &mut caller.log).await.unwrap();
    assert_eq!((us.id.as_str(), past[0].author.as_deref()), ("conduit", Some("conduit")));
    assert!(sim.journal().exchanges.iter().all(|one| one.path.starts_with("/jira/rest/api/2/")));
}

#[tokio::test]
async fn a_token_that_data_center_takes_for_nobodys_is_found_out() {
    let sim = data_center().anonymous_reads().start().await.unwrap();
    let mut caller = Caller::data_center(&sim, "expired");
    let issue = caller.jira.issue("SHOP-1", &mut caller.log).await.unwrap_err();
    assert_eq!((issue.failure, sim.journal().answered(200).len()), (Failure::Credentials, 1));
    let myself = caller.jira.myself(&mut caller.log).await.unwrap_err();
    assert_eq!(myself.failure, Failure::Credentials);
}

#[tokio::test]
async fn every_call_is_written_down_and_told_once() {
    use std::sync::{Arc, Mutex};

    let sim = shop().start().await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut caller = Caller::cloud(&sim);
    let observer = Arc::clone(&told);
    caller.jira =
        caller.jira.with_observer(Arc::new(move |call| observer.lock().unwrap().push(call.clone())));

    caller.issue("SHOP-1").await;
    let missing = caller.jira.issue("SHOP-404", &mut caller.log).await.unwrap_err();
    assert_eq!(caller.log.0, *told.lock().unwrap());
    assert_eq!((caller.log.0[0].status, caller.log.0[0].note.as_deref()), (Some(200), None));
    assert_eq!((caller.log.0[1].status, caller.log.0[1].note.as_ref()), (Some(404), Some(&missing.message)));
}

#[tokio::test]
async fn the_login_goes_in_its_header_and_nowhere_else() {
    let sim = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    caller.issue("SHOP-1").await;
    let journal = sim.journal();
    let sent = &journal.exchanges[0];
    assert_eq!(sent.request_header("authorization"), Some("Basic ***"));
    assert!(sent.request_header("user-agent").unwrap().starts_with("conduit/"));
    let shown = format!("{:?} {:?} {sent:?}", caller.jira, caller.log);
    assert!(!shown.contains(TOKEN), "{shown}");
}
