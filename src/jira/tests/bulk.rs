//! Many tickets in one call.

use std::collections::BTreeMap;

use jira_sim::Permission;

use super::*;

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn many_tickets_are_read_in_one_call_and_what_is_missing_is_left_out() {
    let cloud = shop().start().await.unwrap();
    let center = data_center().start().await.unwrap();
    for (sim, mut caller, call) in [
        (&cloud, Caller::cloud(&cloud), "bulkfetch"),
        (&center, Caller::data_center(&center, TOKEN), "search"),
    ] {
        let wanted = keys(&["SHOP-1", "SHOP-404"]);
        let read = caller.jira.issues(&wanted, &mut caller.log).await.unwrap();
        assert_eq!(read, [caller.issue("SHOP-1").await], "{call}");
        assert_eq!(caller.calls(), [call, "issue"]);
        assert_eq!(sim.journal().exchanges.len(), 2);
    }
}

#[tokio::test]
async fn tickets_are_moved_by_a_task() {
    let sim = shop().start().await.unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    let issues = caller.jira.issues(&keys(&["SHOP-1", "SHOP-2"]), &mut caller.log).await.unwrap();
    let Lookup::Found { transition, .. } = caller.find(&cache, &issues[0], "Done").await else {
        panic!("no transition")
    };
    sim.hold_bulk();
    let ids = issues.into_iter().map(|issue| issue.id).collect();
    let moves = BTreeMap::from([(transition.id, ids)]);
    let task = caller.jira.move_in_bulk(&moves, &mut caller.log).await.unwrap();
    assert!(!caller.jira.bulk_task_is_over(&task, &mut caller.log).await.unwrap());
    sim.release_bulk();
    assert!(caller.jira.bulk_task_is_over(&task, &mut caller.log).await.unwrap());
    assert_eq!(sim.status("SHOP-2").as_deref(), Some("Done"));
}

#[tokio::test]
async fn an_account_that_may_not_change_in_bulk_is_refused() {
    let account = Account::with_api_token(EMAIL, TOKEN).without(Permission::BulkChange);
    let sim = JiraSim::cloud().account(account).project(Project::new("SHOP")).start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    let moves = BTreeMap::from([("11".to_owned(), keys(&["10001"]))]);
    let refused = caller.jira.move_in_bulk(&moves, &mut caller.log).await.unwrap_err();
    assert_eq!(refused.failure, Failure::Forbidden);
}

#[tokio::test]
async fn of_many_that_look_for_the_same_transition_one_asks() {
    let sim = shop().start().await.unwrap();
    let (mut caller, cache) = (Caller::cloud(&sim), TransitionCache::new());
    let issue = caller.issue("SHOP-1").await;
    let jira = &caller.jira;
    let look = async || {
        cache.find(jira, &issue, Target::called("Done"), None, &mut CallLog::default()).await.unwrap()
    };
    let found = futures_util::future::join_all((0..9).map(|_| look())).await;
    let fresh = |lookup: &&Lookup| matches!(lookup, Lookup::Found { cached: false, .. });
    assert_eq!(found.iter().filter(fresh).count(), 1, "{found:?}");
    assert_eq!(sim.journal().of(jira_sim::Kind::Transitions).exchanges.len(), 1);
}
