//! Three machines in each format, and any names at all in any format.

mod properties;

use super::{Graph, dot, mermaid, svg, text};
use crate::machine::{Machine, SourceFile, load, render};

fn machine(text: &str) -> Machine {
    let files = [SourceFile { name: "jira.hcl".into(), text: text.into() }];
    let loaded = load(&files);
    let drawn = render(&loaded.diagnostics, &files, false);
    loaded.rules.unwrap_or_else(|| panic!("{drawn}")).machines().next().unwrap().clone()
}

/// A board of three states, with a ticket in the middle.
fn board() -> Graph {
    let machine = machine(include_str!("board.hcl"));
    Graph::of(&machine).with_ticket(&machine, "SHOP-42", Some("In Progress"))
}

/// QA and a release train: ways back, a way past, a loop, a state that nothing reaches.
fn train() -> Graph {
    Graph::of(&machine(include_str!("train.hcl")))
}

/// Names that mean something to every format.
fn quotes() -> Graph {
    Graph::of(&machine(include_str!("quotes.hcl")))
}

/// A state each, `next` to the following one, and ways back from everywhere.
fn long(states: usize) -> Graph {
    let aliases: Vec<String> = (0..states).map(|n| format!("s{n} = \"Status {n}\"")).collect();
    let edges = (0..states).map(|n| {
        let next = if n + 1 == states { "<end>".to_owned() } else { format!("s{}", n + 1) };
        format!(
            "state \"s{n}\" \"next\" {{ transition = \"{next}\" }}\nstate \"s{n}\" \"back\" {{ transition = \"s{}\" }}\n",
            n / 2
        )
    });
    let edges: String = edges.collect();
    let aliases = aliases.join("\n");
    Graph::of(&machine(&format!(
        "provisioner \"x\" {{\n aliasmapper \"x\" {{ aliases = {{ {aliases} }} }}\n statemachine \"x\" {{\n initial = \"s0\"\n {edges}\n on \"push\" {{ move_to = \"s9\" }}\n }}\n}}\n"
    )))
}

#[test]
fn a_board_as_text() {
    insta::assert_snapshot!(text(&board()));
}

#[test]
fn a_board_as_mermaid() {
    insta::assert_snapshot!(mermaid(&board()));
}

#[test]
fn a_board_as_dot() {
    insta::assert_snapshot!(dot(&board()));
}

#[test]
fn a_board_as_svg() {
    insta::assert_snapshot!(svg(&board()));
}

#[test]
fn a_release_train_as_text() {
    insta::assert_snapshot!(text(&train()));
}

#[test]
fn a_release_train_as_mermaid() {
    insta::assert_snapshot!(mermaid(&train()));
}

#[test]
fn a_release_train_as_dot() {
    insta::assert_snapshot!(dot(&train()));
}

#[test]
fn a_release_train_as_svg() {
    insta::assert_snapshot!(svg(&train()));
}

#[test]
fn quotes_and_bidi_as_text() {
    insta::assert_snapshot!(text(&quotes()));
}

#[test]
fn quotes_and_bidi_as_mermaid() {
    insta::assert_snapshot!(mermaid(&quotes()));
}

#[test]
fn quotes_and_bidi_as_dot() {
    insta::assert_snapshot!(dot(&quotes()));
}

#[test]
fn quotes_and_bidi_as_svg() {
    insta::assert_snapshot!(svg(&quotes()));
}

#[test]
fn a_rule_stands_on_every_edge_that_it_may_take_and_on_no_other() {
    let train = train();
    let taken_by = |name: &str| {
        let arrows = train.edges.iter();
        let taken = arrows.filter(|arrow| arrow.rules.iter().any(|rule| rule.name.as_deref() == Some(name)));
        taken.map(|arrow| format!("{} {}", arrow.from, arrow.event)).collect::<Vec<_>>()
    };
    assert_eq!(taken_by("hotfix"), ["in_review next", "in_qa next"], "its `status` says where it starts");
    assert_eq!(taken_by("to-qa"), ["to_do next", "in_progress next", "in_review next", "blocked next"]);
    let others: Vec<_> = train.other_rules.iter().filter_map(|rule| rule.name.as_deref()).collect();
    assert_eq!(others, ["bots", "note"]);
}

#[test]
fn a_long_machine_is_folded_at_the_terminals_width_and_shows_every_edge_once() {
    let long = long(80);
    let drawn = text(&long);
    let diagram = drawn.split("\nstates of").next().unwrap();
    assert!(diagram.lines().all(|line| line.chars().count() <= 110), "{diagram}");
    assert_eq!(diagram.matches("─next→").count(), 80, "{diagram}");
    assert_eq!(diagram.matches("─back→").count(), 80, "{diagram}");
}

#[test]
fn no_two_states_of_a_picture_overlap_and_nothing_leaves_it() {
    let picture = svg(&long(80));
    let document = roxmltree::Document::parse(&picture).unwrap();
    let number =
        |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<i32>().unwrap();
    let boxes: Vec<_> = document.descendants().filter(|node| node.has_tag_name("rect")).collect();
    assert_eq!(boxes.len(), 81, "eighty states and the end");
    for pair in boxes.windows(2) {
        assert!(number(pair[0], "y") + number(pair[0], "height") < number(pair[1], "y"), "{pair:?}");
    }
    let (width, height) =
        (number(document.root_element(), "width"), number(document.root_element(), "height"));
    for node in document.descendants().filter(|node| node.has_tag_name("text")) {
        assert!(
            (0..width).contains(&number(node, "x")) && (0..height).contains(&number(node, "y")),
            "{node:?}"
        );
    }
}
