//! What is written beside a move.

use jiff::Timestamp;
use jira_sim::{Fault, Kind, When};

use super::*;

const TEXT: &str = "Merged *now* by [~ada] in https://github.com/acme_inc/shop/pull/7\n\nh1. {code}x{code}";

#[tokio::test]
async fn a_comment_shows_as_it_was_written_in_both_dialects() {
    let cloud = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&cloud);
    caller.jira.comment("SHOP-1", TEXT, &mut caller.log).await.unwrap();
    let lines = cloud.comments("SHOP-1")[0].text();
    assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), TEXT.split_whitespace().collect::<Vec<_>>());

    let center = data_center().start().await.unwrap();
    let mut caller = Caller::data_center(&center, TOKEN);
    caller.jira.comment("SHOP-1", TEXT, &mut caller.log).await.unwrap();
    let wiki = center.comments("SHOP-1")[0].text();
    assert!(wiki.starts_with(r"Merged \*now\* by \[\~ada\] in https://github.com/acme_inc/"), "{wiki}");
}

#[tokio::test]
async fn after_an_unknown_outcome_our_own_comment_is_found() {
    let cloud = shop().start().await.unwrap();
    let center = data_center().start().await.unwrap();
    for (sim, mut caller) in [(&cloud, Caller::cloud(&cloud)), (&center, Caller::data_center(&center, TOKEN))]
    {
        let before = Timestamp::now() - jiff::SignedDuration::from_mins(1);
        sim.once(When::post(Kind::Comments), Fault::apply_then_status(503));
        let error = caller.jira.comment("SHOP-1", TEXT, &mut caller.log).await.unwrap_err();
        assert!(error.outcome_unknown());

        let us = caller.jira.myself(&mut caller.log).await.unwrap().id;
        let comments = caller.jira.comments_since("SHOP-1", before, &mut caller.log).await.unwrap();
        let [comment] = comments.as_slice() else { panic!("{comments:?}") };
        assert!(comment.author.as_ref() == Some(&us) && comment.says(TEXT) && !comment.says("Merged"));
        let later = Timestamp::now() + jiff::SignedDuration::from_mins(1);
        assert_eq!(caller.jira.comments_since("SHOP-1", later, &mut caller.log).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_link_written_twice_is_one_link() {
    let sim = shop().start().await.unwrap();
    let mut caller = Caller::cloud(&sim);
    for title in ["acme/shop#7", "acme/shop#7 (merged)"] {
        let link = RemoteLink {
            global_id: "conduit:acme/shop#7".to_owned(),
            url: "https://github.com/acme/shop/pull/7".to_owned(),
            title: title.to_owned(),
        };
        caller.jira.remote_link("SHOP-1", &link, &mut caller.log).await.unwrap();
    }
    let links = sim.remote_links("SHOP-1");
    assert_eq!((links.len(), links[0].object["title"].as_str()), (1, Some("acme/shop#7 (merged)")));
    let statuses: Vec<_> = caller.log.0.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(201), Some(200)]);
}

#[tokio::test]
async fn a_version_is_made_released_and_put_on_the_ticket() {
    let cloud = shop().start().await.unwrap();
    let center = data_center().start().await.unwrap();
    for (sim, mut caller) in [(&cloud, Caller::cloud(&cloud)), (&center, Caller::data_center(&center, TOKEN))]
    {
        let issue = caller.issue("SHOP-1").await;
        let (jira, log) = (&caller.jira, &mut caller.log);
        let version = jira.create_version(&issue.project_id, "2.0", log).await.unwrap();
        assert!(!version.released);
        let taken = jira.create_version(&issue.project_id, "2.0", log).await.unwrap_err();
        assert!(matches!(taken.failure, Failure::Refused { status: 400, .. }), "{taken}");

        jira.release_version(&version.id, jiff::civil::date(2026, 11, 22), log).await.unwrap();
        for _ in 0..2 {
            jira.add_fix_version("SHOP-1", "2.0", log).await.unwrap();
        }
        assert_eq!(sim.fix_versions("SHOP-1"), ["2.0"]);
        let known = jira.project_versions("SHOP", log).await.unwrap();
        assert!(known.iter().any(|one| one.id == version.id && one.released), "{known:?}");
    }
}
