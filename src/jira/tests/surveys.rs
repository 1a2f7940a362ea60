//! Looking a site over.

use jira_sim::{Permission, Workflow};

use super::*;

#[tokio::test]
async fn a_site_tells_its_version_and_its_time() {
    let sim = shop().start().await.unwrap();
    let survey = Survey::new(Caller::cloud(&sim).jira);
    let about = survey.about(&mut CallLog::default()).await.unwrap();
    assert_eq!((about.version.as_str(), about.dialect), ("1001.0.0", Some(Dialect::Cloud)));
    assert!(about.ahead.unwrap().abs().as_secs() < 20, "{about:?}");
    sim.set_clock_skew(jiff::SignedDuration::from_mins(-5));
    let behind = survey.about(&mut CallLog::default()).await.unwrap().ahead.unwrap();
    assert_eq!((behind.as_secs() - 30) / 60, -5, "{behind}");
}

#[tokio::test]
async fn a_site_that_counts_says_how_much_is_left() {
    let limits = jira_sim::Limits::none().bucket(20, 1, 10);
    let sim = data_center().limits(limits).start().await.unwrap();
    let survey = Survey::new(Caller::data_center(&sim, TOKEN).jira);
    let about = survey.about(&mut CallLog::default()).await.unwrap();
    assert_eq!(about.limit, Some(RateLimit { remaining: 19, of: Some(20), near: false }));
    let sim = shop().start().await.unwrap();
    let silent = Survey::new(Caller::cloud(&sim).jira).about(&mut CallLog::default()).await.unwrap();
    assert_eq!(silent.limit, None);
}

#[tokio::test]
async fn a_board_is_read_in_both_dialects() {
    let flow = || Workflow::simplified(&["To Do", "In Review", "Done"]);
    let cloud = shop().project(Project::new("CART").issue_type("Bug", flow())).start().await.unwrap();
    let server = data_center().project(Project::new("CART").issue_type("Bug", flow())).start().await.unwrap();
    for caller in [Caller::cloud(&cloud), Caller::data_center(&server, TOKEN)] {
        let (survey, log) = (Survey::new(caller.jira), &mut CallLog::default());
        let types = survey.statuses("CART", log).await.unwrap();
        let bug = types.iter().find(|one| one.issue_type.name == "Bug").unwrap();
        let statuses: Vec<_> = bug.statuses.iter().map(|one| (one.name.as_str(), one.category)).collect();
        let expected =
            [("To Do", Category::New), ("In Review", Category::Indeterminate), ("Done", Category::Done)];
        assert_eq!(statuses, expected);
        let recent = survey.recent("SHOP", None, log).await.unwrap();
        assert!(recent.tickets.iter().any(|ticket| ticket.key == "SHOP-1"), "{recent:?}");
        assert_eq!(recent.next, None);
    }
}

#[tokio::test]
async fn tickets_come_in_pages() {
    let many = |mut site: Builder| {
        for number in 10..150 {
            site = site.issue(NewIssue::new(&format!("SHOP-{number}")));
        }
        site
    };
    let cloud = many(shop()).start().await.unwrap();
    let server = many(data_center()).start().await.unwrap();
    for (caller, all) in [(Caller::cloud(&cloud), 142), (Caller::data_center(&server, TOKEN), 141)] {
        let (survey, log) = (Survey::new(caller.jira), &mut CallLog::default());
        let first = survey.recent("SHOP", None, log).await.unwrap();
        let second = survey.recent("SHOP", first.next.as_deref(), log).await.unwrap();
        assert_eq!((first.tickets.len(), first.tickets.len() + second.tickets.len()), (100, all));
        assert_eq!(second.next, None);
    }
}

#[tokio::test]
async fn a_permission_is_had_lacked_or_not_known() {
    let account = Account::with_api_token(EMAIL, TOKEN).without(Permission::AddComments);
    let sim = JiraSim::cloud().account(account).project(Project::new("SHOP")).start().await.unwrap();
    let survey = Survey::new(Caller::cloud(&sim).jira);
    let asked = [permission::BROWSE, permission::COMMENT];
    let had = survey.permissions(&asked, Scope::Project("SHOP"), &mut CallLog::default()).await.unwrap();
    assert!(had.has(permission::BROWSE) && had.lacks(permission::COMMENT));
    assert!(!had.has(permission::LINK) && !had.lacks(permission::LINK), "nobody asked");
}
