//! The stories of D301 to D306 are true: each wrong text shows its code on the board they speak of, and each right one
//! shows nothing.

use std::collections::BTreeMap;

use super::compare::{Compared, compare};
use crate::app::board::{Board, BoardType, Offer};
use crate::jira::permission::{ADMINISTER, BROWSE, COMMENT, EDIT, LINK, TRANSITION};
use crate::jira::{BoardStatus, Category, Named, RequiredField, Shape, Transition};
use crate::machine::{Severity, SourceFile, load, render, stories};

const ALIASES: &str = r#"aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }"#;
const START: &str = r#"state "to_do" "next" { transition = "doing" }"#;
const FINISH: &str = r#"state "doing" "next" {
  transition = "done"
  via        = "Ship"
  fields     = { resolution = "Done" }
}"#;

fn transition(id: &str, name: &str, to: &str) -> Transition {
    Transition {
        id: id.into(),
        name: name.into(),
        to: Named { id: to.into(), name: to.into() },
        required: Vec::new(),
        screen_fields: BTreeMap::new(),
        has_screen: false,
        available: true,
    }
}

fn asking_for_a_resolution(mut transition: Transition) -> Transition {
    let allowed = vec!["Won't Do".into(), "Done".into()];
    let (id, name) = ("resolution".to_owned(), "Resolution".to_owned());
    transition.screen_fields.insert(id.clone(), Shape::Named);
    transition.required = vec![RequiredField { id, name, has_default: false, allowed }];
    transition
}

fn board() -> Board {
    let status = |name: &str, category| BoardStatus { id: name.into(), name: name.into(), category };
    let offer = |ticket: &str, transitions| Offer { ticket: ticket.into(), transitions };
    let settle = |id, name| asking_for_a_resolution(transition(id, name, "Done"));
    let offers = [
        ("To Do", offer("SHOP-1", vec![transition("11", "Start", "In Progress")])),
        ("In Progress", offer("SHOP-2", vec![settle("31", "Ship"), settle("41", "Close")])),
    ];
    let story = BoardType {
        name: "Story".into(),
        subtask: false,
        statuses: vec![
            status("To Do", Category::New),
            status("In Progress", Category::Indeterminate),
            status("Done", Category::Done),
        ],
        offers: offers.into_iter().map(|(status, offer)| (status.to_owned(), offer)).collect(),
    };
    let may = [
        (BROWSE, true),
        (TRANSITION, true),
        (EDIT, true),
        (LINK, true),
        (COMMENT, false),
        (ADMINISTER, false),
    ];
    let permissions = may.iter().map(|(name, may)| ((*name).to_owned(), *may)).collect();
    Board { project: "SHOP".into(), permissions, types: vec![story] }
}

/// A whole file around the piece that a story is about.
fn whole(text: &str) -> String {
    let (mut aliases, mut start, mut finish, mut rule) = (ALIASES, START, FINISH, "");
    match text.split_once(' ').unwrap().0 {
        "aliases" => aliases = text,
        "state" if text.starts_with("state \"to_do\"") => start = text,
        "state" => finish = text,
        _ => rule = text,
    }
    format!(
        "provisioner \"shop\" {{\naliasmapper \"shop\" {{\n{aliases}\n}}\nstatemachine \"shop\" {{\ninitial = \"to_do\"\n\
         {start}\n{finish}\nstate \"done\" \"next\" {{ transition = \"<end>\" }}\n{rule}\n}}\n}}\n"
    )
}

fn compared(text: &str, board: &Board) -> (Compared, String) {
    let files = [SourceFile { name: "jira.hcl".into(), text: whole(text) }];
    let loaded = load(&files);
    let rules = loaded.rules.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics, &files, false)));
    let compared = compare(rules.machine("SHOP").unwrap(), board, &files);
    let drawn = render(&compared.findings, &files, false);
    (compared, drawn)
}

#[test]
fn a_wrong_text_shows_its_code_and_the_right_one_shows_nothing() {
    let mut told = 0;
    for story in stories().filter(|story| story.code.starts_with('D')) {
        let (found, drawn) = compared(story.wrong, &board());
        let codes: Vec<_> = found.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [story.code], "{drawn}");
        let (_, drawn) = compared(story.right, &board());
        assert_eq!(drawn, "", "the right text of {}", story.code);
        told += 1;
    }
    assert_eq!(told, 6);
}

#[test]
fn a_finding_points_at_its_place() {
    let (_, drawn) = compared(r#"aliases = { to_do: "To Do", doing: "In Progres", done: "Done" }"#, &board());
    insta::assert_snapshot!(drawn);
    let rule = "on \"release.published\" {\n  fire = \"next\"\n  fix_version = { name = release.tag, create = true }\n}";
    insta::assert_snapshot!(compared(rule, &board()).1);
}

#[test]
fn a_rules_fields_fill_a_screen_when_all_that_move_have_them() {
    let open = "state \"doing\" \"next\" {\n  transition = \"done\"\n  via = \"Ship\"\n}\n";
    let with = "on \"release.published\" {\n  fire = \"next\"\n  fields = { resolution = \"Done\" }\n}\n";
    let without = "on \"tag.created\" { move_to = \"done\" }\n";
    let severities = |rules: &str| -> Vec<Severity> {
        compared(&format!("{open}{rules}"), &board()).0.findings.iter().map(|one| one.severity).collect()
    };
    assert_eq!(severities(""), [Severity::Error]);
    assert_eq!(severities(with), []);
    assert_eq!(severities(&format!("{with}{without}")), [Severity::Warning]);
}

#[test]
fn two_statuses_of_one_name_are_told_unless_via_says_which() {
    let mut board = board();
    let mut other = transition("12", "Begin", "In Progress");
    other.to.id = "another".into();
    board.types[0].offers.get_mut("To Do").unwrap().transitions.push(other);
    let (found, drawn) = compared(START, &board);
    assert_eq!((found.findings.len(), found.findings[0].severity), (1, Severity::Error), "{drawn}");
    assert!(drawn.contains("to 2 statuses of that name: \"Start\" (11), \"Begin\" (12)"), "{drawn}");
    let by_via = START.replace('}', "\n  via = \"12\"\n}").replace("{ ", "{\n  ");
    let (found, drawn) = compared(&by_via, &board);
    assert_eq!(found.findings.len(), 0, "{drawn}");
}

#[test]
fn what_is_taken_by_guess_and_what_is_hidden_are_warnings() {
    let mut board = board();
    let offers = &mut board.types[0].offers;
    let start = &mut offers.get_mut("To Do").unwrap().transitions;
    start.push(transition("12", "In Progress", "In Progress"));
    let (found, drawn) = compared(START, &board);
    assert_eq!((found.findings.len(), found.findings[0].severity), (1, Severity::Warning), "{drawn}");
    assert!(drawn.contains("`In Progress` is taken"), "{drawn}");
    for one in &mut board.types[0].offers.get_mut("To Do").unwrap().transitions {
        one.available = one.id == "11";
        one.to = transition("0", "Elsewhere", "Elsewhere").to;
    }
    board.types[0].offers.get_mut("To Do").unwrap().transitions[1]
        .to
        .clone_from(&transition("0", "In Progress", "In Progress").to);
    let (found, drawn) = compared(START, &board);
    assert_eq!((found.findings.len(), found.findings[0].severity), (1, Severity::Warning), "{drawn}");
    assert!(drawn.contains("a condition hides the transition `In Progress`"), "{drawn}");
}

#[test]
fn where_no_ticket_stands_nothing_is_claimed() {
    let mut board = board();
    board.types[0].offers.remove("In Progress");
    let (found, _) = compared(START, &board);
    assert_eq!((found.findings.len(), found.moves), (0, 1));
    assert_eq!(found.unchecked, ["moves from \"In Progress\" for Story: no such ticket stands there"]);
    board.types[0].offers.clear();
    let (found, _) = compared(START, &board);
    assert_eq!(found.unchecked, ["moves: the project has no ticket by which Jira would show them"]);
}

#[test]
fn an_issue_type_without_tickets_asks_for_nothing() {
    let mut board = board();
    let epic = BoardType { name: "Epic".into(), offers: BTreeMap::new(), ..board.types[0].clone() };
    board.types.push(epic);
    let (found, drawn) = compared(START, &board);
    assert_eq!((found.findings.len(), found.unchecked.len()), (0, 0), "{drawn}");
}
