//! What goes wrong, and whether a write may have been applied all the same.

use std::time::Duration;

use jira_sim::{Fault, Gate, Kind, When};

use super::*;

/// Takes the transition to Done under a fault, and says how that failed.
async fn fails(fault: Fault) -> (JiraError, String) {
    let sim = shop().start().await.unwrap();
    sim.once(When::post(Kind::Transitions), fault);
    let error = Caller::cloud(&sim).take("SHOP-1", "31").await.unwrap_err();
    (error, sim.status("SHOP-1").unwrap())
}

#[tokio::test]
async fn a_server_error_says_nothing_about_the_ticket() {
    for status in [500, 502, 503, 504] {
        let (error, stands_in) = fails(Fault::status(status)).await;
        assert_eq!(error.failure, Failure::ServerError { status, after: None });
        assert!(error.outcome_unknown() && stands_in == "To Do");
        assert_eq!(error.message, "upstream request failed");

        let (error, stands_in) = fails(Fault::apply_then_status(status)).await;
        assert!(error.outcome_unknown() && stands_in == "Done");
    }
}

#[tokio::test]
async fn a_dropped_connection_says_nothing_about_the_ticket() {
    for (fault, expected) in [(Fault::drop_connection(), "To Do"), (Fault::apply_then_drop(), "Done")] {
        let (error, stands_in) = fails(fault).await;
        assert_eq!((&error.failure, stands_in.as_str()), (&Failure::NoAnswer, expected), "{error}");
        assert!(error.outcome_unknown());
    }
}

#[tokio::test]
async fn silence_says_nothing_about_the_ticket() {
    let sim = shop().start().await.unwrap();
    let gate = Gate::new();
    sim.once(When::post(Kind::Transitions), Fault::apply_then_hold(&gate));
    let mut caller = Caller::cloud(&sim);
    caller.jira = caller.jira.with_timeout(Duration::from_millis(300));
    let error = caller.take("SHOP-1", "31").await.unwrap_err();
    assert!(error.failure == Failure::NoAnswer && error.outcome_unknown(), "{error}");
    let call = &caller.log.0[0];
    assert!(call.status.is_none() && call.ms >= 300 && call.note.is_some(), "{call:?}");
    gate.open();
}

#[tokio::test]
async fn without_a_connection_nothing_was_applied() {
    let sim = shop().start().await.unwrap();
    // Bound, so that nobody else gets the port, and never listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = socket.local_addr().unwrap();
    let auth = Auth::Bearer { token: Credential::new(TOKEN) };
    let site = Site::new("acme", format!("http://{closed}").parse().unwrap(), auth);
    let mut caller = Caller { jira: JiraClient::new(site, Clock::system()).unwrap(), ..Caller::cloud(&sim) };
    let error = caller.take("SHOP-1", "31").await.unwrap_err();
    assert!(error.failure == Failure::Unreachable && !error.outcome_unknown(), "{error}");
    assert!(error.message.to_lowercase().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn a_page_that_answers_200_is_not_taken_for_a_move() {
    let (error, stands_in) = fails(Fault::html(200)).await;
    assert_eq!((&error.failure, stands_in.as_str()), (&Failure::Unintelligible, "To Do"));
    assert!(error.outcome_unknown() && !error.message.contains("Something went wrong"), "{error}");
}

#[tokio::test]
async fn half_an_answer_to_a_read_is_told_from_another_programs_answer() {
    let sim = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    for fault in [Fault::truncated(), Fault::html(200), Fault::html(404)] {
        sim.once(When::get(Kind::Issue), fault);
        let error = caller.jira.issue("SHOP-1", &mut caller.log).await.unwrap_err();
        assert_eq!(error.failure, Failure::Unintelligible, "{error}");
    }
}

#[tokio::test]
async fn another_running_transition_is_a_conflict() {
    let sim = shop().start().await.unwrap();
    sim.set_in_transition("SHOP-1", true);
    let error = Caller::cloud(&sim).take("SHOP-1", "31").await.unwrap_err();
    assert!(error.failure == Failure::Conflict && !error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_limit_says_how_long_when_it_does() {
    let (error, _) = fails(Fault::too_many_requests(Some(7))).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(matches!(error.failure, Failure::RateLimited { reason: None, .. }) && !error.outcome_unknown());
    let (error, _) = fails(Fault::too_many_requests(None)).await;
    assert_eq!(error.failure, Failure::RateLimited { after: None, reason: None });
    let (error, _) = fails(Fault::unavailable(Some(9))).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn a_used_up_quota_is_named_and_lasts_until_the_hour() {
    let clock = jira_sim::Clock::held("2026-11-22T10:50:00Z".parse().unwrap());
    let sim = shop().clock(&clock).limits(jira_sim::Limits::none().points_per_hour(1)).start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    caller.issue("SHOP-1").await;
    let error = caller.jira.issue("SHOP-1", &mut caller.log).await.unwrap_err();
    let Failure::RateLimited { after: Some(after), reason: Some(reason) } = error.failure else {
        panic!("{error}")
    };
    assert!(reason == "jira-quota-tenant-based" && after >= Duration::from_mins(10), "{reason} {after:?}");
}

#[tokio::test]
async fn a_revoked_token_and_a_missing_ticket_are_told_apart() {
    let sim = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    let missing = caller.jira.issue("SHOP-404", &mut caller.log).await.unwrap_err();
    assert_eq!(missing.failure, Failure::NotFound);
    sim.revoke_tokens();
    let refused = caller.jira.issue("SHOP-1", &mut caller.log).await.unwrap_err();
    assert!(refused.failure == Failure::Credentials && !refused.message.contains(TOKEN), "{refused}");
}

#[tokio::test]
async fn data_center_answers_a_wrong_id_with_a_server_error() {
    let sim = data_center().wrong_transition_is_500().start().await.unwrap();
    let error = Caller::data_center(&sim, TOKEN).take("SHOP-1", "999").await.unwrap_err();
    assert_eq!(error.failure, Failure::ServerError { status: 500, after: None });
}

#[tokio::test]
async fn under_a_short_lease_nobody_waits_long_for_its_turn() {
    let sim = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    caller.jira = caller.jira.with_requests_per_second(1).with_timeout(Duration::from_millis(1200));
    caller.issue("SHOP-1").await;
    let error = caller.take("SHOP-1", "31").await.unwrap_err();
    assert!(matches!(error.failure, Failure::RateLimited { after: Some(_), .. }), "{error}");
    assert!(sim.journal().of(Kind::Transitions).is_empty(), "nothing was sent");
}

#[tokio::test]
async fn whoever_stood_still_while_it_waited_for_its_turn_asks_for_nothing() {
    let sim = shop().start().await.unwrap();
    let clock = Clock::system();
    let auth = Auth::Basic { user: EMAIL.to_owned(), password: Credential::new(TOKEN) };
    let site = Site::new("acme", sim.url().parse().unwrap(), auth);
    let jira = JiraClient::new(site, clock.clone()).unwrap().with_requests_per_second(2);
    let mut caller = Caller { jira, log: CallLog::default() };
    caller.issue("SHOP-1").await;
    let (taken, ()) =
        tokio::join!(caller.take("SHOP-1", "31"), async { clock.advance(Duration::from_secs(30)) });
    let error = taken.unwrap_err();
    assert!(!error.outcome_unknown() && error.message.contains("stood still for"), "{error}");
    assert_eq!(sim.status("SHOP-1").unwrap(), "To Do");
    assert!(sim.journal().of(Kind::Transitions).is_empty(), "nothing was sent");

    caller.take("SHOP-1", "31").await.unwrap();
    assert_eq!(sim.status("SHOP-1").unwrap(), "Done");
}
