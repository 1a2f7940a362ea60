//! Which rule matches: order, sets, filters, key sources.

use super::*;
use crate::machine::decide;

/// The names of the rules tried, with a `+` on the one that matched.
fn tried(machine: &Machine, event: &Event) -> Vec<String> {
    let decision = decide(machine, event, &ticket("In Progress"));
    let name = |tried: &crate::trace::RuleTried| {
        let mark = if tried.matched { "+" } else { "" };
        format!("{}{mark}", tried.name.as_deref().unwrap_or(&tried.file))
    };
    decision.rules_tried.iter().map(name).collect()
}

#[test]
fn rules_are_tried_in_order_and_skips_first_in_each_list() {
    let sets = r#"
      rules "house" {
        on "push" "house-fire" { fire = "next" }
        on "push" "house-skip" {
          base = "main"
          skip = "house"
        }
      }"#;
    let own = |exempt: &str| {
        let rules = format!(
            "on \"push\" \"own-fire\" {{\n base = \"{exempt}\"\n fire = \"next\"\n }}\n\
             on \"push\" \"own-skip\" {{\n base = \"docs\"\n skip = \"own\"\n }}"
        );
        with_sets(sets, "use = [\"house\", \"default\"]", &rules)
    };
    let main = pushed("main", &[]);
    assert_eq!(tried(&own("develop"), &main), ["own-skip", "own-fire", "house-skip+"]);
    assert_eq!(tried(&own("main"), &main), ["own-skip", "own-fire+"], "a rule of its own exempts it");
    assert_eq!(tried(&own("x"), &pushed("docs", &[])), ["own-skip+"]);
    let rows = tried(&own("x"), &released(|_| {}));
    assert_eq!(rows, ["own-skip", "own-fire", "house-skip", "house-fire", "built-in", "built-in+"]);
}

#[test]
fn any_rule_of_its_own_switches_the_default_rules_off() {
    assert_eq!(tried(&with_rules(""), &merged("main")), ["built-in+"]);
    assert_eq!(tried(&with_rules(r#"on "push" "mine" { move_to = "done" }"#), &merged("main")), ["mine"]);
    let sets = "rules \"none\" {\n}\n";
    assert!(tried(&with_sets(sets, "use = [\"none\"]", ""), &merged("main")).is_empty());
    assert_eq!(tried(&with_sets(sets, "use = [\"none\", \"default\"]", ""), &merged("main")), ["built-in+"]);
}

/// Whether a rule with these filters matches.
fn matches(trigger: &str, filters: &str, event: &Event) -> bool {
    let rule = format!("on \"{trigger}\" {{\n{filters}\nfix_version = \"1\"\n}}");
    reason(&decide(&with_rules(&rule), event, &ticket("In Progress"))) == "effects_only"
}

#[test]
fn a_rule_matches_when_its_trigger_is_in_the_set() {
    let mut opened = pull_request(Trigger::PullRequestOpened, |_| {});
    opened.triggers.push(Trigger::PullRequestReady);
    assert!(matches("pull_request.ready", "", &opened) && matches("pull_request.opened", "", &opened));
    assert!(matches("pull_request.*", "", &opened) && !matches("pull_request.merged", "", &opened));
    assert!(!matches("push", "", &opened) && !matches("branch.*", "", &opened));
}

#[test]
fn each_filter_looks_at_its_own_part_of_the_event() {
    let merge = pull_request(Trigger::PullRequestMerged, |pr| {
        pr.labels = vec!["bug".into(), "web".into()];
        pr.author = "renovate[bot]".into();
    });
    let merge = |filters| matches("pull_request.merged", filters, &merge);
    assert!(merge(r#"repo = "acme/*""#) && !merge(r#"repo = "*""#));
    assert!(merge(r#"base = ["main", "release/*"]"#) && !merge(r#"base = "!main""#));
    assert!(merge(r#"head = "feature/**""#) && !merge(r#"head = "feature/""#));
    assert!(merge(r#"author = ["*[bot]"]"#) && !merge(r#"author = "!*[bot]""#));
    assert!(merge(r#"labels = "web""#) && !merge(r#"labels = ["web", "!bug"]"#));
    assert!(merge("draft = false") && !merge("draft = true"));
    assert!(merge(r#"types = ["Bug", "Story"]"#) && !merge(r#"types = "!Story""#));
    assert!(merge(r#"status = "doing""#) && !merge(r#"status = ["!doing"]"#));

    let release = |filters| matches("release.published", filters, &released(|_| {}));
    assert!(release(r#"tag = "v*""#) && !release(r#"tag = "x*""#));
    assert!(release("prerelease = false") && !release("prerelease = true"));

    let each = one_of_each();
    let of = |family: &str| each.iter().find(|event| event.kind.starts_with(family)).unwrap();
    assert!(matches("tag.created", r#"tag = "v1""#, of("tag")));
    assert!(matches("push", r#"base = "main""#, of("push")));
    assert!(matches("push", r#"author = "ada""#, of("push")));
    assert!(matches("branch.created", r#"head = "feature/*""#, of("branch")));
    assert!(matches("checks.succeeded", r#"head = "main""#, of("checks")));
    assert!(matches("deployment.*", r#"environment = "prod*""#, of("deployment")));
    assert!(!matches("deployment.*", r#"environment = "staging""#, of("deployment")));
    assert!(matches("jira.commented", r#"types = "Story""#, of("jira")));
}

#[test]
fn a_status_without_alias_passes_no_status_filter() {
    for filter in [r#""doing""#, r#""!doing""#] {
        let rule = format!("on \"push\" {{\n status = {filter}\n skip = \"x\"\n }}");
        let decision = decide(&with_rules(&rule), &pushed("main", &[]), &ticket("Nowhere"));
        assert_eq!(reason(&decision), "no_rule_matched");
    }
}

#[test]
fn a_rule_looks_for_keys_in_its_own_sources_then_the_machines_then_the_triggers() {
    let looks = |arguments: &str, keys: &str, event: &Event, source: Source| {
        let trigger = event.triggers[0];
        let rule = format!("on \"{trigger}\" {{\n{keys}\nfix_version = \"1\"\n}}");
        let ticket = TicketNow { found_in: vec![source], ..ticket("Done") };
        reason(&decide(&with_sets("", arguments, &rule), event, &ticket)) == "effects_only"
    };
    let merge = merged("main");
    assert!(looks("", "", &merge, Source::Body) && !looks("", "", &merge, Source::Commits));
    let title = "keys = [\"title\"]";
    assert!(looks(title, "", &merge, Source::Title) && !looks(title, "", &merge, Source::Body));
    assert!(looks(title, "keys = [\"body\"]", &merge, Source::Body));
    assert!(!looks(title, "keys = [\"body\"]", &merge, Source::Title));
    // A release has no title: the machine's sources say nothing of it.
    assert!(looks(title, "", &released(|_| {}), Source::Notes));
    assert!(looks("", "", &pushed("main", &[]), Source::Message));
    assert!(!looks("", "", &pushed("main", &[]), Source::Branch));
    let deployed = one_of_each().into_iter().find(|event| event.kind.starts_with("deployment")).unwrap();
    assert!(looks("", "", &deployed, Source::Merged) && looks("", "", &deployed, Source::Branch));
}

#[test]
fn a_when_that_cannot_be_told_is_not_matched_and_skips_when_it_protects() {
    let rule = |outcome: &str| {
        let rule = format!("on \"push\" {{\n when = push.commits[3].message == \"x\"\n {outcome}\n }}");
        decide(&with_rules(&rule), &pushed("main", &["only one"]), &ticket("In Progress"))
    };
    let fires = rule("fix_version = \"1\"");
    assert_eq!(reason(&fires), "no_rule_matched");
    assert_eq!(because(&fires), "when: cannot be told: the list of 1 has no element 3");
    let skips = rule("skip = \"careful\"");
    assert_eq!(reason(&skips), "skip_rule");
    assert_eq!(because(&skips), "skip, because when cannot be told: the list of 1 has no element 3");
    assert_eq!(skips.detail.as_deref(), Some("careful"));
}

#[test]
fn a_when_that_is_false_is_told_as_written() {
    let rule = "on \"push\" {\n when = push.branch  ==\n    \"x\"\n fire = \"next\"\n }";
    let rule = rule.replace("==\n", "==");
    let decision = decide(&with_rules(&rule), &pushed("main", &[]), &ticket("In Progress"));
    assert_eq!(because(&decision), "when: false, push.branch == \"x\"");
}
