//! Plans for which Jira is read.

use super::{Desk, pull_request, release};
use crate::support::service::{API_KEY, EMAIL, board};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jira_is_only_read_and_only_when_asked() {
    let jira = board(&[("SHOP-1", "In Progress"), ("SHOP-2", "Blocked")]).await;
    let desk = Desk::new();
    desk.write("release.json", &release("SHOP-1, SHOP-2, SHOP-99"));
    desk.live(&jira, &["release.json"]).await;
    assert!(jira.journal().is_empty(), "nobody asked: {:?}", jira.journal().lines());

    let ended = desk.live(&jira, &["release.json", "--live"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    insta::assert_snapshot!(ended.out, @r#"
      ~ SHOP-1   In Progress → Done   on release.published "train" shop.hcl:20
          + comment Shipped in 2.1.0 by grace
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
      = SHOP-2   Blocked   no alias names the status "Blocked"; shop.hcl knows to_do = "To Do", in_progress = "In Progress", done = "Done"   unknown_status
          - comment left out: it goes with the last step only
          + link https://github.com/acme/shop/releases/tag/v2.1.0
          + fix version v2.1.0
      ! SHOP-99  SHOP-99 does not exist, or its security level hides it; the account does see SHOP   issue_not_found
    Plan: 1 to move, 1 unchanged, 1 blocked. Jira was read, and nothing was written.
    "#);
    assert!(jira.journal().writes().is_empty(), "{:?}", jira.journal().lines());
    assert_eq!(jira.journal().requests_for("SHOP-1").len(), 2, "the ticket and its transitions");
    assert_eq!(jira.status("SHOP-1").as_deref(), Some("In Progress"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_type_of_a_ticket_is_known_to_jira_alone() {
    let jira = board(&[("SHOP-3", "To Do")]).await;
    let desk = Desk::new();
    desk.write("pull_request.json", &pull_request("opened", 3, "SHOP-3", "main"));
    let without = desk.prints(&["pull_request.json"]).await;
    insta::assert_snapshot!(without, @r#"
      ! SHOP-3  To Do (assumed)   uncertain: PR opened; rule needs types "Bug"; the rules look at more of the ticket than its status: --live asks Jira
    Plan: 0 to move, 0 unchanged, 1 blocked. Jira was not contacted.
    "#);
    let with = desk.live(&jira, &["pull_request.json", "--live", "--expect", "SHOP-3=none"]).await;
    assert_eq!(with.code, 0, "{with:?}");
    insta::assert_snapshot!(with.out, @r#"
      = SHOP-3  To Do   PR opened; rule needs types "Bug"   no_rule_matched
    Plan: 0 to move, 1 unchanged, 0 blocked. Jira was read, and nothing was written.
    "#);
}

#[tokio::test]
async fn a_jira_that_cannot_be_reached_is_said_so() {
    let desk = Desk::new();
    desk.write("release.json", &release("SHOP-1"));
    let nowhere = [("JIRA", "http://127.0.0.1:1"), ("EMAIL", EMAIL), ("KEY", API_KEY)];
    let ended = desk.plan(&["release.json", "--live"], &nowhere).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.out.contains("1 blocked"), "{}", ended.out);
    let unset = desk.plan(&["release.json", "--live"], &[]).await;
    assert_eq!((unset.code, unset.out.as_str()), (2, ""), "{unset:?}");
}
