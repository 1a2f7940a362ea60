//! What follows from a matching rule: default rules, `fire`, `move_to`, modes, and what is told.

use super::*;
use crate::machine::{decide, precheck};

fn found_in(status: &str, source: Source) -> TicketNow {
    TicketNow { found_in: vec![source], ..ticket(status) }
}

#[test]
fn a_machine_that_says_nothing_more_has_the_default_rules() {
    let machine = machine(BASE);
    let decision = decide(&machine, &merged("main"), &found_in("To Do", Source::Title));
    let [hop] = path(&decision) else { panic!("{decision:?}") };
    assert_eq!((hop.from_status.as_str(), hop.to_status.as_str()), ("To Do", "In Progress"));
    assert_eq!((hop.step.file.as_str(), hop.step.line), ("jira.hcl", 14));
    assert_eq!(because(&decision), "fire \"next\"");
    assert_eq!(decision.alias.as_deref(), Some("to_do"));
    let rule = decision.rule.unwrap();
    assert_eq!((rule.file.as_str(), rule.line, rule.name), ("built-in", 0, None));

    let develop = decide(&machine, &merged("develop"), &ticket("To Do"));
    assert_eq!(reason(&develop), "no_rule_matched");
    let rows: Vec<_> = develop.rules_tried.iter().map(|tried| tried.because.as_str()).collect();
    assert_eq!(rows, ["base: want main (default branch), got develop", "event is pull_request.merged"]);

    let revert = pull_request(Trigger::PullRequestMerged, |pr| pr.title = "Revert \"SHOP-1\"".into());
    let decision = decide(&machine, &revert, &ticket("To Do"));
    assert_eq!(decision.rules_tried[0].because, "the pull request is a revert");

    let pre = decide(&machine, &released(|release| release.prerelease = true), &ticket("To Do"));
    assert_eq!(because(&pre), "prerelease: want false, got true");
    let released = decide(&machine, &released(|_| {}), &found_in("In Progress", Source::Notes));
    assert_eq!(stations(&released), ["Done"]);
}

#[test]
fn a_fire_that_leads_nowhere_says_why() {
    let fire = |machine: &Machine, status| {
        let decision = decide(machine, &merged("main"), &ticket(status));
        (reason(&decision), decision.detail.unwrap_or_default())
    };
    let base = machine(BASE);
    assert_eq!(fire(&base, "Done"), ("at_end", "`next` leads from `done` to `<end>`".into()));
    assert_eq!(fire(&base, "in progress").0, "moved", "a status compares but for ASCII case");
    let (why, detail) = fire(&base, "Blocked");
    assert_eq!(why, "unknown_status");
    assert!(detail.contains("\"Blocked\"") && detail.contains("to_do = \"To Do\""), "{detail}");
    let no_next = machine(&BASE.replacen("state \"done\" \"next\"", "state \"done\" \"prev\"", 1));
    assert_eq!(fire(&no_next, "Done"), ("no_edge", "`done` does not answer `next`; it answers: prev".into()));
    let round = BASE.replacen("{ transition = \"in_progress\" }", "{ transition = \"to_do\" }", 1);
    assert_eq!(fire(&machine(&round), "To Do").0, "already_there");
}

#[test]
fn an_exact_status_goes_before_one_that_differs_in_case() {
    let text = BASE.replacen("done: \"Done\"", "other: \"IN PROGRESS\", done: \"Done\"", 1);
    let machine = machine(&text);
    assert_eq!(machine.alias_of("In Progress"), Some("in_progress"));
    assert_eq!(machine.alias_of("IN PROGRESS"), Some("other"));
    assert_eq!(machine.alias_of("in progress"), Some("in_progress"));
    assert_eq!(machine.alias_of("İn Progress"), None);
}

#[test]
fn a_key_counts_only_where_the_rule_looks() {
    let machine = machine(BASE);
    let decision = decide(&machine, &merged("main"), &found_in("To Do", Source::Commits));
    assert_eq!(reason(&decision), "no_rule_matched");
    let because = "keys: looks in title, branch and body, the key is in commits";
    assert_eq!(decision.rules_tried[0].because, because);
}

#[test]
fn the_sentence_names_the_rule_that_came_furthest() {
    let rules = r#"
      on "pull_request.closed" { fire = "prev" }
      on "pull_request.merged" {
        base = ["main", "release/*"]
        fire = "next"
      }
      on "pull_request.*" {
        repo = "acme/other"
        fire = "start"
      }"#;
    let detail = |event: &Event| {
        let decision = decide(&with_rules(rules), event, &ticket("To Do"));
        assert_eq!(reason(&decision), "no_rule_matched");
        decision.detail.unwrap()
    };
    let wanted = "PR merged into \"develop\"; rule needs base \"main\" or \"release/*\"";
    assert_eq!(detail(&merged("develop")), wanted);
    assert_eq!(detail(&pushed("main", &[])), "push to \"main\"; no rule looks at push");
    let decision = decide(&with_rules(rules), &merged("develop"), &ticket("To Do"));
    let rows: Vec<_> = decision.rules_tried.iter().map(|tried| tried.because.as_str()).collect();
    let base = "base: want main|release/*, got develop";
    assert_eq!(rows, ["PR was merged", base, "repo: want acme/other, got acme/shop"]);
}

#[test]
fn jira_is_asked_only_when_the_ticket_matters() {
    let asked = |machine: &Machine, event: &Event| precheck(machine, event, &every_source()).is_none();
    let base = machine(BASE);
    assert!(asked(&base, &merged("main")) && !asked(&base, &merged("develop")));
    let rules = |first: &str| with_rules(&format!("{first}\non \"push\" {{ move_to = \"done\" }}"));
    let merge = merged("main");
    assert!(!asked(&rules(r#"on "pull_request.merged" { skip = "no" }"#), &merge));
    let by_type = "on \"pull_request.merged\" {\n types = \"Bug\"\n skip = \"no\"\n}";
    assert!(asked(&rules(by_type), &merge));
    let by_issue = "on \"pull_request.merged\" {\n when = issue.status == \"done\"\n skip = \"no\"\n}";
    assert!(asked(&rules(by_issue), &merge));
    let other_base = "on \"pull_request.merged\" {\n base = \"x\"\n types = \"Bug\"\n skip = \"no\"\n}";
    assert!(!asked(&rules(other_base), &merge), "the event alone says that it does not match");
    let effects = "on \"pull_request.merged\" { fix_version = \"1\" }";
    assert!(asked(&rules(effects), &merge));
}

#[test]
fn a_release_may_move_more_tickets_than_a_pull_request() {
    let base = machine(BASE);
    assert_eq!((base.max_tickets(&merged("main")), base.max_tickets(&released(|_| {}))), (50, 1000));
    let own = with_sets("", "max_tickets = 3", "");
    assert_eq!((own.max_tickets(&merged("main")), own.max_tickets(&released(|_| {}))), (3, 3));
}

#[test]
fn move_to_walks_next_edges_and_never_backward() {
    let machine = with_rules(r#"on "push" { move_to = "done" }"#);
    let push = |status| decide(&machine, &pushed("main", &[]), &ticket(status));
    assert_eq!(stations(&push("In Progress")), ["In Review", "Done"]);
    let decision = push("In Review");
    let [hop] = path(&decision) else { panic!() };
    assert_eq!(hop.via.as_deref(), Some("Ship"));
    assert_eq!(hop.fields["resolution"], "Done");
    assert_eq!(reason(&push("Done")), "already_there");
    assert_eq!(reason(&push("To Do")), "no_path");
    assert_eq!(push("To Do").detail.unwrap(), "no path along next leads from `to_do` to `done`");
    let back = with_rules(r#"on "push" { move_to = "doing" }"#);
    let decision = decide(&back, &pushed("main", &[]), &ticket("Done"));
    assert_eq!(
        (reason(&decision), decision.detail.as_deref()),
        ("already_past", Some("`done` is beyond `doing`"))
    );
}

#[test]
fn along_names_the_events_and_their_order_breaks_ties() {
    let text = |along: &str| {
        format!(
            r#"provisioner "p" {{
  aliasmapper "p" {{
    aliases = {{ a: "A", b: "B", c: "C", d: "D", e: "E" }}
  }}
  statemachine "p" {{
    initial = "a"
    state "a" "left" {{ transition = "b" }}
    state "a" "right" {{ transition = "c" }}
    state "b" "on" {{ transition = "d" }}
    state "c" "on" {{ transition = "d" }}
    state "d" "on" {{ transition = "e" }}
    state "e" "long" {{ transition = "a" }}
    state "e" "next" {{ transition = "<end>" }}
    on "push" {{
      move_to = "d"
      along = [{along}]
    }}
  }}
}}"#
        )
    };
    let way = |along: &str, status: &str| {
        let decision = decide(&machine(&text(along)), &pushed("main", &[]), &ticket(status));
        match &decision.action {
            Action::Move(_) => stations(&decision).join(" "),
            Action::Stay(_) => reason(&decision).to_owned(),
        }
    };
    assert_eq!(way(r#""left", "right", "on""#, "A"), "B D");
    assert_eq!(way(r#""right", "left", "on""#, "A"), "C D");
    assert_eq!(way(r#""right", "on", "long""#, "E"), "A C D");
    assert_eq!(way(r#""left", "on""#, "E"), "already_past");
    assert_eq!(way(r#""left", "next""#, "A"), "no_path");
}

#[test]
fn a_path_has_at_most_eight_hops() {
    let aliases = (0..10).map(|n| format!("s{n}: \"S{n}\"")).collect::<Vec<_>>().join(", ");
    let state = |n| {
        let target = if n == 9 { "<end>".to_owned() } else { format!("s{}", n + 1) };
        format!("state \"s{n}\" \"next\" {{ transition = \"{target}\" }}\n")
    };
    let states = (0..10).map(state).collect::<Vec<_>>().concat();
    let machine = machine(&format!(
        "provisioner \"p\" {{\naliasmapper \"p\" {{\naliases = {{ {aliases} }}\n}}\nstatemachine \"p\" {{\n\
         initial = \"s0\"\n{states}\non \"push\" {{ move_to = \"s9\" }}\n}}\n}}"
    ));
    let push = |status| decide(&machine, &pushed("main", &[]), &ticket(status));
    assert_eq!(path(&push("S1")).len(), 8);
    let decision = push("S0");
    assert_eq!(reason(&decision), "no_path");
    assert_eq!(decision.detail.unwrap(), "`s9` is 9 hops from `s0`; at most 8 are taken");
}

#[test]
fn a_machine_that_observes_decides_and_writes_nothing() {
    let rules = r#"
      on "push" {
        move_to = "done"
        comment = "x"
        fix_version = "1"
      }
      on "tag.created" { fix_version = "1" }
      on "branch.created" { skip = "no" }"#;
    let machine = with_sets("", "mode = \"observe\"", rules);
    let event_of =
        |trigger| one_of_each().into_iter().find(|event| event.triggers.contains(&trigger)).unwrap();
    let told = |trigger, status| {
        let decision = decide(&machine, &event_of(trigger), &ticket(status));
        assert!(decision.effects.is_empty());
        (reason(&decision), decision.detail.unwrap())
    };
    let moved = "would have moved In Progress → In Review → Done and written comment and fix_version";
    assert_eq!(told(Trigger::Push, "In Progress"), ("observe_only", moved.into()));
    assert_eq!(told(Trigger::TagCreated, "Done"), ("observe_only", "would have written fix_version".into()));
    assert_eq!(told(Trigger::BranchCreated, "Done"), ("skip_rule", "no".into()));
}
