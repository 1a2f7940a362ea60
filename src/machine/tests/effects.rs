//! What rules write.

use serde_json::json;

use super::*;
use crate::machine::{FixVersion, Link, decide};

fn push_rule(body: &str, status: &str) -> Decision {
    let rule = format!("on \"push\" {{\n{body}\n}}");
    decide(&with_rules(&rule), &pushed("main", &["SHOP-42 pays"]), &ticket(status))
}

#[test]
fn a_move_carries_everything_and_a_stay_only_what_is_idempotent() {
    let body = r#"
      move_to     = "done"
      comment     = "${push.commits[0].message} on ${push.branch}, ${issue.key}"
      link        = { url = "https://example.org/${push.branch}", title = "The branch" }
      fix_version = { name = "1.0", create = true, released = push.created }
      fields      = { points = 5, tags = issue.labels, who = issue.assignee }"#;
    let moves = push_rule(body, "In Review");
    assert_eq!(stations(&moves), ["Done"]);
    let effects = &moves.effects;
    assert_eq!(effects.comment.as_deref(), Some("SHOP-42 pays on main, SHOP-42"));
    let link = Link { url: "https://example.org/main".into(), title: "The branch".into() };
    let version = FixVersion { name: "1.0".into(), create: true, released: false };
    assert_eq!((effects.link.as_ref(), effects.fix_version.as_ref()), (Some(&link), Some(&version)));
    assert_eq!(json!(effects.fields), json!({ "points": 5, "tags": ["web"] }), "null is empty");
    assert_eq!(effects.left_out, []);

    let stays = push_rule(body, "Done");
    assert_eq!(reason(&stays), "effects_only");
    assert_eq!(stays.detail.as_deref(), Some("the ticket is in `done`"));
    assert_eq!(
        (stays.effects.link.as_ref(), stays.effects.fix_version.as_ref()),
        (Some(&link), Some(&version))
    );
    assert!(stays.effects.comment.is_some(), "told, so that the trace can say that it is not written");
}

#[test]
fn without_effects_a_stay_keeps_its_own_reason() {
    assert_eq!(reason(&push_rule("move_to = \"done\"\ncomment = \"x\"", "Done")), "already_there");
    let unknown = push_rule("move_to = \"done\"\nfix_version = \"1\"", "Nowhere");
    assert_eq!(reason(&unknown), "unknown_status");
    assert!(unknown.effects.fix_version.is_some());
}

#[test]
fn an_effect_that_fails_is_left_out_and_told() {
    let body = r#"
      fire        = "next"
      comment     = push.commits[7].message
      link        = { url = push.branch }
      fix_version = null
      fields      = { a = push.commits[7].message, b = "kept" }"#;
    let decision = push_rule(body, "In Progress");
    assert_eq!(stations(&decision), ["In Review"]);
    let effects = decision.effects;
    assert_eq!((effects.comment, effects.link, effects.fix_version), (None, None, None));
    assert_eq!(json!(effects.fields), json!({ "b": "kept" }));
    let told: Vec<_> = effects.left_out.iter().map(|e| (e.effect.as_str(), e.detail.as_str())).collect();
    let missing = "the list of 1 has no element 7";
    let field = format!("a: {missing}");
    let url = "the url must be an http:// or https:// address";
    assert_eq!(told, [("comment", missing), ("link", url), ("fields", &field)]);
    assert!(effects.left_out.iter().all(|effect| effect.result == "left_out"));
}

#[test]
fn a_comment_is_cut_and_a_link_names_itself() {
    let rule = with_rules("on \"push\" {\n fire = \"next\"\n comment = push.commits[0].message\n }");
    let decision = decide(&rule, &pushed("main", &[&"é".repeat(40_000)]), &ticket("In Progress"));
    assert_eq!(decision.effects.comment.unwrap().chars().count(), 32_000);
    let linked = push_rule("link = { url = \"HTTPS://example.org\" }", "Nowhere");
    assert_eq!(linked.effects.link.unwrap().title, "HTTPS://example.org");
}
