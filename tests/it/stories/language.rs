//! What rules say, carried out: several hops, what is written beside them, and a machine that only looks on.

use conduit::trace::Reason;

use super::world::{RULES, World, merged};

/// The board of [`RULES`] with a rule of its own in place of the default ones.
pub(super) fn with_rule(rule: &str) -> String {
    let anchor = "    initial = \"to_do\"\n";
    assert!(RULES.contains(anchor), "the story adds to the machine it means to add to");
    RULES.replace(anchor, &format!("{anchor}{rule}\n"))
}

const TO_DONE: &str = r#"
    on "pull_request.merged" "ship" {
      move_to     = "done"
      comment     = "${pr.author} merged #${pr.number}: {color:red}${pr.title}"
      link        = { url = "https://github.example/acme/shop/pull/118", title = "PR #${pr.number}" }
      fix_version = { name = "2.1.0", create = true }
    }"#;

pub(crate) async fn a_rule_walks_several_hops_and_writes_its_effects_once(world: World) {
    world.reload(&with_rule(TO_DONE));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::Moved, "{:?}", trace.detail);
    assert_eq!(world.jira.moves("SHOP-1"), ["To Do → In Progress", "In Progress → Done"]);
    assert_eq!(trace.steps.len(), 2);

    let comments = world.jira.comments("SHOP-1");
    assert_eq!(comments.len(), 1, "with the last hop only");
    assert_eq!(comments[0].text(), "ada merged #118: {color:red}SHOP-1", "what people write stays text");
    assert_eq!(world.jira.remote_links("SHOP-1").len(), 1);
    assert_eq!(world.jira.fix_versions("SHOP-1"), ["2.1.0"]);

    // The same rule again finds the ticket there, and its link and version are upserts.
    let again = world.deliver(merged("SHOP-1 again")).await;
    world.work().await;
    assert_eq!(world.trace(&again).await.reason, Reason::EffectsOnly);
    assert_eq!(world.jira.comments("SHOP-1").len(), 1);
    assert_eq!(world.jira.remote_links("SHOP-1").len(), 1);
    assert_eq!(world.jira.fix_versions("SHOP-1"), ["2.1.0"]);
}

pub(crate) async fn a_machine_that_observes_decides_and_writes_nothing(world: World) {
    world.reload(&with_rule(&format!("    mode = \"observe\"\n{TO_DONE}")));
    let id = world.deliver(merged("SHOP-1")).await;
    world.work().await;
    let trace = world.trace(&id).await;
    assert_eq!(trace.reason, Reason::ObserveOnly);
    assert!(trace.detail.is_some_and(|detail| detail.contains("Done")), "it says what it would have done");
    assert!(world.jira.journal().writes().is_empty(), "{:?}", world.jira.journal().lines());
}
