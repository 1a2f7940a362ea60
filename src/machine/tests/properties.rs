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
