//! Each login, against a site that knows it.

use std::time::Duration;

use jira_sim::{Fault, Kind, When};

use super::*;

fn site(sim: &JiraSim, auth: Auth) -> Site {
    let gateway = Gateway { url: sim.url().parse().unwrap(), cloud_id: None };
    let site = Site::new("acme", sim.url().parse().unwrap(), auth);
    Site { dialect: Dialect::Cloud, gateway: Some(gateway), ..site }
}

fn caller(site: Site, clock: &Clock) -> Caller {
    Caller { jira: JiraClient::new(site, clock.clone()).unwrap(), log: CallLog::default() }
}

fn client_of(sim: &JiraSim, secret: &str) -> Auth {
    let (id, secret) = ("robot".to_owned(), Credential::new(secret));
    Auth::Client { id, secret, token_url: sim.token_url().parse().unwrap() }
}

async fn with_client() -> JiraSim {
    shop().account(Account::with_client_credentials("robot", TOKEN)).start().await.unwrap()
}

#[tokio::test]
async fn a_scoped_token_goes_by_the_gateway_whose_name_for_the_site_is_asked_once() {
    let scoped = "scoped@acme.test";
    let sim = shop().account(Account::with_scoped_token(scoped, TOKEN)).start().await.unwrap();
    let basic = || Auth::Basic { user: scoped.to_owned(), password: Credential::new(TOKEN) };
    let mut by_gateway = caller(site(&sim, basic()), &Clock::system());
    by_gateway.issue("SHOP-1").await;
    by_gateway.take("SHOP-1", "21").await.unwrap();
    assert_eq!(by_gateway.calls(), ["tenant_info", "issue", "transition"]);

    let mut bearer = caller(site(&sim, Auth::Bearer { token: Credential::new(TOKEN) }), &Clock::system());
    bearer.issue("SHOP-1").await;

    let direct = Site { gateway: None, ..site(&sim, basic()) };
    let mut direct = caller(direct, &Clock::system());
    let refused = direct.jira.issue("SHOP-1", &mut direct.log).await.unwrap_err();
    assert_eq!(refused.failure, Failure::Credentials, "a scoped token is nothing at the site itself");
}

#[tokio::test]
async fn a_cloud_id_that_is_given_is_not_asked_for_and_one_that_is_not_told_stops_nothing_half() {
    let sim = with_client().await;
    let mut known = site(&sim, client_of(&sim, TOKEN));
    known.gateway = known.gateway.map(|gateway| Gateway { cloud_id: Some(sim.cloud_id()), ..gateway });
    let mut known = caller(known, &Clock::system());
    known.issue("SHOP-1").await;
    assert_eq!(known.calls(), ["token", "issue"]);

    let mut asking = caller(site(&sim, client_of(&sim, TOKEN)), &Clock::system());
    sim.once(When::any().kind(Kind::TenantInfo), Fault::unavailable(None));
    let error = asking.take("SHOP-1", "21").await.unwrap_err();
    assert_eq!(error.failure, Failure::Unreachable);
    assert!(!error.outcome_unknown() && error.message.contains("cloud_id"), "{error}");
    assert_eq!(sim.moves("SHOP-1").len(), 0);
    asking.take("SHOP-1", "21").await.unwrap();
}

#[tokio::test]
async fn client_credentials_buy_a_token_and_keep_it_until_shortly_before_its_end() {
    let sim = with_client().await;
    let clock = Clock::system();
    let mut robot = caller(site(&sim, client_of(&sim, TOKEN)), &clock);
    robot.issue("SHOP-1").await;
    robot.issue("SHOP-2").await;
    assert_eq!(robot.calls(), ["tenant_info", "token", "issue", "issue"]);
    clock.advance(Duration::from_mins(58));
    robot.issue("SHOP-1").await;
    assert_eq!(robot.calls(), ["issue"]);
    clock.advance(Duration::from_secs(90));
    robot.issue("SHOP-1").await;
    assert_eq!(robot.calls(), ["token", "issue"]);
}

#[tokio::test]
async fn a_token_that_ends_early_is_replaced_once_and_the_request_repeated() {
    let sim = with_client().await;
    let mut robot = caller(site(&sim, client_of(&sim, TOKEN)), &Clock::system());
    robot.issue("SHOP-1").await;
    robot.calls();
    sim.expire_tokens();
    robot.take("SHOP-1", "21").await.unwrap();
    let made: Vec<_> = robot.log.0.drain(..).map(|call| (call.call, call.status)).collect();
    assert_eq!(made, [("transition", Some(401)), ("token", Some(200)), ("transition", Some(204))]);
    assert_eq!(sim.moves("SHOP-1"), ["To Do → In Progress"]);

    let refusing = sim.standing(When::get(Kind::Issue), Fault::unauthorised());
    let before = sim.journal().of(Kind::OAuthToken).len();
    let error = robot.jira.issue("SHOP-1", &mut robot.log).await.unwrap_err();
    assert_eq!(error.failure, Failure::Credentials);
    assert_eq!(sim.journal().of(Kind::OAuthToken).len(), before + 1, "and no third try");
    sim.lift(refusing);
}

#[tokio::test]
async fn many_that_need_a_token_at_once_buy_one() {
    let sim = with_client().await;
    let robot = caller(site(&sim, client_of(&sim, TOKEN)), &Clock::system());
    let reads = (0..8).map(|_| {
        let jira = robot.jira.clone();
        tokio::spawn(async move { jira.issue("SHOP-1", &mut CallLog::default()).await.unwrap() })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
    assert_eq!(sim.journal().of(Kind::OAuthToken).len(), 1);
    assert_eq!(sim.journal().of(Kind::TenantInfo).len(), 1);
}

#[tokio::test]
async fn refused_client_credentials_are_trouble_with_the_login_and_are_not_shown() {
    let sim = with_client().await;
    let mut robot = caller(site(&sim, client_of(&sim, "wrong-hush")), &Clock::system());
    let error = robot.take("SHOP-1", "21").await.unwrap_err();
    assert_eq!(error.failure, Failure::Credentials);
    assert!(!error.to_string().contains("wrong-hush") && !error.outcome_unknown(), "{error}");
    sim.once(When::any().kind(Kind::OAuthToken), Fault::unavailable(None));
    let error = robot.take("SHOP-1", "21").await.unwrap_err();
    assert_eq!(error.failure, Failure::Unreachable, "an outage is no refusal");
    assert!(!error.outcome_unknown(), "what had no token was not sent: {error}");
}

#[tokio::test]
async fn a_data_center_that_does_not_name_us_is_asked_who_we_are() {
    let sim = data_center().anonymous_reads().start().await.unwrap();
    let nameless = |body: &str| jira_sim::Answer::text(200, "application/json", body.to_owned());
    let statuses = "[]";
    let mut wrong = Caller::data_center(&sim, "no-such-token");
    let error = wrong.jira.issue("SHOP-1", &mut wrong.log).await.unwrap_err();
    assert_eq!(error.failure, Failure::Credentials, "named as anonymous");

    // A fault's answer bears no name, as behind a proxy that takes the header away.
    sim.once(When::get(Kind::ProjectStatuses), Fault::answer(nameless(statuses)));
    let error = Survey::new(wrong.jira.clone()).statuses("SHOP", &mut CallLog::default()).await.unwrap_err();
    assert_eq!(error.failure, Failure::Credentials, "{error}");

    let survey = Survey::new(Caller::data_center(&sim, TOKEN).jira);
    let asked = || sim.journal().of(Kind::Myself).len();
    let before = asked();
    for _ in 0..2 {
        sim.once(When::get(Kind::ProjectStatuses), Fault::answer(nameless(statuses)));
        assert_eq!(survey.statuses("SHOP", &mut CallLog::default()).await.unwrap(), []);
    }
    assert_eq!(asked(), before + 1, "once is enough for a while");
}
