//! The page for people.

use jira_sim::NewIssue;
use serde_json::json;

use crate::support::shop;

#[tokio::test]
async fn the_board_shows_tickets_in_their_columns_and_nothing_breaks_out_of_it() {
    let jira =
        shop().issue(NewIssue::new("SHOP-2").summary("<script>alert('x')</script>")).start().await.unwrap();
    assert!(jira.move_as("ana", "SHOP-1", "Done"));
    let page = reqwest::get(jira.board_url()).await.unwrap().text().await.unwrap();
    assert!(page.contains("SHOP-1") && page.contains("Sell things"));
    assert!(!page.contains("<script"), "{page}");
    let json: serde_json::Value =
        reqwest::get(format!("{}/board.json", jira.url())).await.unwrap().json().await.unwrap();
    let done = &json["projects"][0]["columns"][2];
    assert_eq!((&done["status"], &done["issues"][0]["key"]), (&json!("Done"), &json!("SHOP-1")));
    assert!(jira.journal().is_empty(), "looking at the board is no exchange");
}
