//! Whatever people call their states, events and rules: a picture stays well-formed, and says it all.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::super::{Arrow, Does, Graph, Node, RuleNote, SCHEMA, Ticket, dot, mermaid, svg, text};
use crate::printable::printable;

/// Names made of what breaks formats, of what breaks readers, and of anything else.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\"'\\\\<>&\\[\\]{}|#;%`()\n\r\t$ -/:=a-c]{0,12}",
        "[\u{202a}-\u{202e}\u{2066}-\u{2069}\u{0}-\u{1f}\u{80}-\u{9f}\u{200b}-\u{200f}\u{fffe}\u{ffff}x]{0,6}",
        any::<String>(),
    ]
}

prop_compose! {
    fn rule(states: usize)(name in proptest::option::of(name()), file in name(), line in 0..9u32, kind in 0..4u8, target in 0..states, words in name()) -> RuleNote {
        let does = match kind {
            0 => Does::Fire(words),
            1 => Does::MoveTo(format!("{target}")),
            2 => Does::Skip(words),
            _ => Does::Effects(()),
        };
        RuleNote { name, trigger: "pull_request.*".into(), file, line, does }
    }
}

prop_compose! {
    fn graph()(names in proptest::collection::vec((name(), name()), 1..7))(
        ends in proptest::collection::vec((0..names.len(), name(), 0..=names.len()), 0..12),
        rules in proptest::collection::vec(rule(names.len()), 0..4),
        here in 0..names.len(),
        names in Just(names),
        project in name(),
    ) -> Graph {
        // An alias is unique, and so is a state's event.
        let alias = |n: usize| format!("{}{n}", names[n].0);
        let states = names.iter().enumerate().map(|(n, (_, status))| Node {
            alias: alias(n), status: status.clone(), initial: n == 0, reachable: n % 3 != 2,
        });
        let edges = ends.iter().enumerate().map(|(n, (from, event, to))| Arrow {
            from: alias(*from), event: format!("{event}{n}"), to: (*to < names.len()).then(|| alias(*to)), line: 1, rules: rules.clone(),
        });
        Graph {
            schema: SCHEMA, project, file: "a.hcl".into(), line: 1, observes: false,
            states: states.collect(), edges: edges.collect(), other_rules: rules.clone(),
            ticket: Some(Ticket { key: "X-1".into(), status: None, state: Some(alias(here)) }),
        }
    }
}

/// Whether a text could steer a terminal or turn its reader's direction; line ends are the format's own.
fn steers(text: &str) -> bool {
    text.lines().any(|line| printable(line) != line)
}

/// The quoted strings of a DOT or Mermaid line, and the line without them.
fn unquoted(line: &str) -> Option<(Vec<String>, String)> {
    let (mut quoted, mut rest) = (Vec::new(), String::new());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '"' {
            rest.push(c);
            continue;
        }
        let mut inside = String::new();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => inside.extend(['\\', chars.next()?]),
                c => inside.push(c),
            }
        }
        quoted.push(inside);
        rest.push('Q');
    }
    Some((quoted, rest))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

static DOT_STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    let attributes = r"\[[a-z]+=[A-Za-z0-9]+(, [a-z]+=[A-Za-z0-9]+)*\]";
    regex(&format!(r"^(digraph Q \{{|\}}|    (node|edge|s\d+|stop|s\d+ -> (s\d+|stop)) {attributes})$"))
});
static DOT_ESCAPE: LazyLock<Regex> = LazyLock::new(|| regex(r#"\\[^\\"n]"#));
static MERMAID_STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    let nodes = r"s\d+\[Q\]|stop\(\[Q\]\)";
    let others = r"s\d+ -->\|Q\| (s\d+|stop)|class s\d+ (lost|here)|classDef [a-z0-9:\- ]+";
    regex(&format!("^(flowchart TB|    ({nodes}|{others}))$"))
});
static MERMAID_MARKUP: LazyLock<Regex> = LazyLock::new(|| regex(r"</?(b|i|br/)>|#\d+;"));

proptest! {
    #[test]
    fn svg_is_xml_with_every_state_in_it(graph in graph()) {
        let picture = svg(&graph);
        prop_assert!(!steers(&picture));
        let document = roxmltree::Document::parse(&picture).map_err(|why| TestCaseError::fail(format!("{why}\n{picture}")))?;
        let titles: Vec<&str> = document.descendants().filter(|n| n.has_tag_name("title")).filter_map(|n| n.text()).collect();
        for node in &graph.states {
            let title = format!("{} = \"{}\"", printable(&node.alias), printable(&node.status));
            let title = title.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
            prop_assert!(titles.contains(&title.as_str()), "{title:?} in {picture}");
        }
        let known = ["svg", "title", "desc", "style", "g", "rect", "circle", "path", "text"];
        let elements = document.descendants().filter(roxmltree::Node::is_element);
        for element in elements {
            prop_assert!(known.contains(&element.tag_name().name()), "{element:?}");
        }
    }

    #[test]
    fn dot_is_statements_and_quoted_strings(graph in graph()) {
        let drawn = dot(&graph);
        prop_assert!(!steers(&drawn));
        for line in drawn.lines() {
            let (quoted, rest) = unquoted(line).ok_or_else(|| TestCaseError::fail(line.to_owned()))?;
            prop_assert!(DOT_STATEMENT.is_match(&rest), "{line}");
            for text in quoted {
                prop_assert!(!DOT_ESCAPE.is_match(&text.replace(r"\\", "")), "{text}");
            }
        }
        prop_assert!(drawn.matches(" -> ").count() >= graph.edges.len());
    }

    #[test]
    fn mermaid_is_statements_and_quoted_labels(graph in graph()) {
        let drawn = mermaid(&graph);
        prop_assert!(!steers(&drawn));
        for line in drawn.lines() {
            let (quoted, rest) = unquoted(line).ok_or_else(|| TestCaseError::fail(line.to_owned()))?;
            prop_assert!(MERMAID_STATEMENT.is_match(&rest), "{line}");
            for text in quoted {
                let text = MERMAID_MARKUP.replace_all(&text, "");
                prop_assert!(!text.contains(['<', '>', '&', '"', '#', ';', '`', '[', '|', '%', '\\']), "{line}");
            }
        }
    }

    #[test]
    fn text_never_steers_a_terminal(graph in graph()) {
        prop_assert!(!steers(&text(&graph)));
    }
}
