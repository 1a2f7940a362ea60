//! Rate limits, by a clock that the test holds.

use std::time::Duration;

use jira_sim::{Account, Clock, Fault, JiraSim, Limits, NewIssue, Project, When};
use serde_json::json;

use crate::support::{Answer, Caller, Login, shop};

fn noon() -> Clock {
    Clock::held("2026-11-22T12:00:00Z".parse().unwrap())
}

fn limit(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("Retry-After"), answer.header("RateLimit-Reason"))
}

#[tokio::test]
async fn the_twenty_first_write_to_one_issue_within_two_seconds_is_refused() {
    let clock = noon();
    let jira = shop().issue(NewIssue::new("SHOP-2")).clock(&clock).limits(Limits::none().writes_per_issue());
    let jira = jira.start().await.unwrap();
    let robot = Caller::robot(&jira);
    for _ in 0..20 {
        assert_eq!(robot.transition("SHOP-1", "21").await.status, 204);
    }
    let refused = robot.transition("SHOP-1", "31").await;
    assert_eq!(limit(&refused), (429, Some("2"), Some("jira-per-issue-on-write")));
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Progress"));
    assert_eq!(robot.get("issue/SHOP-1").await.status, 200, "reads are free");
    assert_eq!(robot.transition("SHOP-2", "31").await.status, 204, "and so are other issues");
    clock.advance(Duration::from_secs(2));
    assert_eq!(robot.transition("SHOP-1", "31").await.status, 204);
}

#[tokio::test]
async fn the_hundred_and_first_write_within_thirty_seconds_is_refused() {
    let clock = noon();
    let jira = shop().clock(&clock).limits(Limits::none().writes_per_issue()).start().await.unwrap();
    let robot = Caller::robot(&jira);
    for _ in 0..5 {
        for _ in 0..20 {
            assert_eq!(robot.transition("SHOP-1", "21").await.status, 204);
        }
        clock.advance(Duration::from_secs(2));
    }
    assert_eq!(
        limit(&robot.transition("SHOP-1", "31").await),
        (429, Some("20"), Some("jira-per-issue-on-write"))
    );
}

#[tokio::test]
async fn a_burst_is_counted_for_each_endpoint_and_method() {
    let clock = noon();
    let jira = shop().clock(&clock).limits(Limits::none().burst(2)).start().await.unwrap();
    let robot = Caller::robot(&jira);
    for _ in 0..2 {
        assert_eq!(robot.get("myself").await.status, 200);
    }
    let refused = robot.get("myself").await;
    assert_eq!(limit(&refused), (429, Some("1"), Some("jira-burst-based")));
    assert_eq!(refused.header("X-RateLimit-Remaining"), Some("0"));
    assert_eq!(robot.get("issue/SHOP-1").await.status, 200, "another endpoint has its own tokens");
    clock.advance(Duration::from_secs(1));
    assert_eq!(robot.get("myself").await.status, 200);
}

#[tokio::test]
async fn the_quota_comes_back_on_the_hour() {
    let clock = noon();
    let jira = shop().clock(&clock).limits(Limits::none().points_per_hour(6)).start().await.unwrap();
    let robot = Caller::robot(&jira);
    let mut near = Vec::new();
    for _ in 0..6 {
        let answer = robot.get("myself").await;
        near.push((
            answer.header("X-RateLimit-Remaining").unwrap().to_owned(),
            answer.header("X-RateLimit-NearLimit").is_some(),
        ));
    }
    assert_eq!(near[3..], [("2".into(), false), ("1".into(), true), ("0".into(), true)]);
    let refused = robot.get("myself").await;
    assert_eq!(limit(&refused), (429, Some("3600"), Some("jira-quota-tenant-based")));
    assert_eq!(refused.header("X-RateLimit-Reset"), Some("2026-11-22T13:00:00Z"));
    clock.advance(Duration::from_hours(1));
    assert_eq!(robot.get("myself").await.status, 200);
}

#[tokio::test]
async fn data_center_tells_its_bucket_with_every_answer() {
    let clock = noon();
    let jira = JiraSim::data_center()
        .account(Account::with_access_token("robot", "pat"))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
        .clock(&clock)
        .limits(Limits::none().bucket(2, 1, 10))
        .start()
        .await
        .unwrap();
    let robot = Caller::new(&jira, 2, Login::Bearer("pat"));
    let told = async || {
        let answer = robot.get("issue/SHOP-1").await;
        let number = |name| answer.header(name).unwrap().parse::<u64>().unwrap();
        json!([
            answer.status,
            number("X-RateLimit-Remaining"),
            number("retry-after"),
            number("X-RateLimit-Limit")
        ])
    };
    assert_eq!(told().await, json!([200, 1, 0, 2]));
    assert_eq!(told().await, json!([200, 0, 0, 2]));
    assert_eq!(told().await, json!([429, 0, 10, 2]));
    clock.advance(Duration::from_secs(10));
    assert_eq!(told().await, json!([200, 0, 0, 2]));
}

#[tokio::test]
async fn the_quota_may_spare_api_tokens_and_be_one_of_all_tenants() {
    let limits = Limits::none().points_per_hour(1).points_are_global().points_spare_api_tokens();
    let site = shop().account(Account::with_client_credentials("client", "secret"));
    let jira = site.clock(&noon()).limits(limits).start().await.unwrap();
    let robot = Caller::robot(&jira);
    for _ in 0..3 {
        assert_eq!(robot.get("myself").await.status, 200);
    }
    let credentials =
        json!({ "grant_type": "client_credentials", "client_id": "client", "client_secret": "secret" });
    let bought = reqwest::Client::new().post(jira.token_url()).json(&credentials).send().await.unwrap();
    let token = Answer::of(bought).await.json()["access_token"].as_str().unwrap().to_owned();
    let service = Caller::through_gateway(&jira, Login::Bought(token));
    assert_eq!(service.get("myself").await.status, 200);
    let refused = service.get("myself").await;
    assert_eq!(limit(&refused), (429, Some("3600"), Some("jira-quota-global-based")));
}

#[tokio::test]
async fn a_refusal_for_now_may_name_no_time_some_time_or_an_absurd_one() {
    let jira = shop().start().await.unwrap();
    let robot = Caller::robot(&jira);
    let faults = [
        (Fault::too_many_requests(None), 429, None),
        (Fault::unavailable(Some(30)), 503, Some("30")),
        (Fault::blocked(), 429, Some("9223372036854775807")),
    ];
    for (fault, status, wait) in faults {
        jira.once(When::any(), fault);
        let refused = robot.get("myself").await;
        assert_eq!((refused.status, refused.header("Retry-After")), (status, wait));
    }
}
