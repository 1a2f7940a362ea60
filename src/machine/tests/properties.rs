//! Nothing that comes in makes it panic, and what is told early is told right.

use proptest::prelude::*;

use super::files::{fixture, folder};
use super::*;
use crate::machine::{decide, precheck};

/// Rule files with pieces cut out, doubled and exchanged.
fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<String> = ["ok", "err"]
        .iter()
        .flat_map(|name| folder(name))
        .flat_map(|path| fixture(&path).0)
        .map(|file| file.text)
        .collect();
    let pieces =
        ["{", "}", "\"", "${", "<<E\n", "[*]", "!", "\\u", "é", "<end>", "on \"push\" {", "= {", "\u{FEFF}"];
    let cut = (0..1000usize, 0..100usize, prop::sample::select(pieces.to_vec()));
    (prop::sample::select(texts), prop::collection::vec(cut, 0..4)).prop_map(|(mut text, cuts)| {
        for (at, length, piece) in cuts {
            let offset = |share: usize| text.floor_char_boundary(text.len() * share / 1000);
            let (start, end) = (offset(at), offset((at + length).min(1000)));
            text.replace_range(start..end, piece);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in mutated()) {
        let files = [SourceFile { name: "a.hcl".into(), text }];
        let loaded = load(&files);
        let drawn = render(&loaded.diagnostics, &files, false);
        prop_assert_eq!(drawn.is_empty(), loaded.diagnostics.is_empty());
        for label in loaded.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
            prop_assert!(files[0].text.get(label.span.clone()).is_some(), "{:?} {:?}", label, files[0].text);
        }
        for machine in loaded.rules.iter().flat_map(crate::machine::RuleSet::machines) {
            for event in one_of_each() {
                decide(machine, &event, &ticket("To Do"));
            }
        }
    }

    #[test]
    fn no_rule_makes_a_decision_panic_and_what_is_told_early_is_told_right(
        (machine, event, found_in, status) in scene(),
    ) {
        let ticket = TicketNow { found_in: found_in.clone(), ..ticket(&status) };
        let decision = decide(&machine, &event, &ticket);
        prop_assert_eq!(&decision, &decide(&machine, &event, &ticket));
        if let Some(early) = precheck(&machine, &event, &found_in) {
            prop_assert_eq!(&early, &decision);
        } else {
            // Jira is asked for a reason: some rule came as far as the ticket, or matched.
            let asks = |because: &str| ["status", "types", "when"].iter().any(|start| because.starts_with(start));
            prop_assert!(decision.rules_tried.iter().any(|tried| tried.matched || asks(&tried.because)));
        }
        if let Action::Move(path) = &decision.action {
            prop_assert!(!path.is_empty() && path.len() <= 8);
            prop_assert_eq!(machine.alias_of(&status), Some(path[0].step.from.as_str()));
            for pair in path.windows(2) {
                prop_assert_eq!(&pair[0].step.to, &pair[1].step.from);
            }
        }
    }

    #[test]
    fn no_expression_makes_it_panic(when in expression(), comment in expression()) {
        let rule = format!("on \"pull_request.*\" {{\nwhen = {when}\nfire = \"next\"\ncomment = {comment}\n}}");
        let text = format!(
            "provisioner \"p\" {{\naliasmapper \"p\" {{\naliases = {{ a = \"A\" }}\n}}\nstatemachine \"p\" {{\n\
             initial = \"a\"\nstate \"a\" \"next\" {{ transition = \"<end>\" }}\n{rule}\n}}\n}}"
        );
        let files = [SourceFile { name: "a.hcl".into(), text }];
        let loaded = load(&files);
        render(&loaded.diagnostics, &files, false);
        for machine in loaded.rules.iter().flat_map(crate::machine::RuleSet::machines) {
            let decision = decide(machine, &merged("main"), &ticket("A"));
            prop_assert_eq!(decision.rules_tried.len(), 1);
        }
    }
}

/// An expression put together at random; about half of them pass the checks.
fn expression() -> impl Strategy<Value = String> {
    let leaves = [
        "true",
        "null",
        "1",
        "-2.5",
        "\"x\"",
        "pr.title",
        "pr.labels",
        "pr.number",
        "pr",
        "issue",
        "issue.status",
        "sender.association",
        "x",
        "\"${pr.body}\"",
        "[]",
        "{ a = 1 }",
        "repo.default_branch",
    ];
    prop::sample::select(leaves.to_vec()).prop_map(str::to_owned).prop_recursive(6, 40, 3, |inner| {
        let forms = [
            "(A && B)",
            "(A || !B)",
            "(A == B)",
            "(A < B)",
            "(A ? B : C)",
            "[A, B]",
            "A[B]",
            "(A).title",
            "(A)[*].a",
            "[for x in A : B if C]",
            "{ for k, x in A : k => B }",
            "\"a${A}b${B}\"",
            "contains(A, B)",
            "length(A)",
            "join(A, B)",
            "split(A, B)",
            "coalesce(A, B, C)",
            "replace(A, B, C)",
            "lower(A)",
            "anytrue(A)",
            "-A",
            "matches(A, \"^a+$\")",
            "{ (A) = B, c = C }",
        ];
        (prop::sample::select(forms.to_vec()), inner.clone(), inner.clone(), inner).prop_map(
            |(form, a, b, c)| {
                let pieces = form.chars().map(|char| match char {
                    'A' => a.clone(),
                    'B' => b.clone(),
                    'C' => c.clone(),
                    other => other.to_string(),
                });
                pieces.collect::<String>()
            },
        )
    })
}

/// A machine with rules put together at random, an event and a ticket.
fn scene() -> impl Strategy<Value = (Machine, Event, Vec<Source>, String)> {
    let filters = [
        "",
        "",
        "author = \"!x\"",
        "types = \"Bug\"",
        "types = \"Story\"",
        "status = \"doing\"",
        "status = [\"!done\", \"!to_do\"]",
        "when = issue.key == \"SHOP-42\"",
        "when = sender.bot",
        "when = issue.labels[3] == \"x\"",
        "when = sender.association == null && issue.status == \"done\"",
    ];
    let outcomes = [
        "fire = \"next\"",
        "fire = \"prev\"",
        "move_to = \"done\"",
        "skip = \"no\"",
        "fix_version = \"1\"",
        "move_to = \"done\"\nalong = [\"start\", \"next\"]\nlink = { url = \"https://x/${issue.type}\" }",
    ];
    let triggers = [
        "pull_request.*",
        "pull_request.merged",
        "push",
        "release.published",
        "branch.*",
        "tag.created",
        "checks.*",
        "deployment.*",
        "jira.*",
    ];
    let rule = (
        prop::sample::select(triggers.to_vec()),
        prop::sample::select(filters.to_vec()),
        prop::sample::select(outcomes.to_vec()),
    );
    let rule = rule.prop_map(|(on, filter, outcome)| format!("on \"{on}\" {{\n{filter}\n{outcome}\n}}\n"));
    let arguments = ["", "mode = \"observe\"", "use = [\"default\"]", "keys = [\"title\", \"branch\"]"];
    let machine = (prop::sample::select(arguments.to_vec()), prop::collection::vec(rule, 0..5))
        .prop_map(|(arguments, rules)| with_sets("", arguments, &rules.concat()));
    let statuses = ["To Do", "in progress", "In Review", "Done", "Elsewhere"].map(str::to_owned).to_vec();
    (
        machine,
        prop::sample::select(one_of_each()),
        prop::sample::subsequence(every_source(), 1..=7),
        prop::sample::select(statuses),
    )
}
