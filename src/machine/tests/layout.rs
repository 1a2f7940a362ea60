//! Layout changes spaces and nothing else, once and for all.

use proptest::prelude::*;

use super::files::{fixture, folder};
use crate::machine::{SourceFile, layout, load};

fn source(text: &str) -> SourceFile {
    SourceFile { name: "a.hcl".into(), text: text.into() }
}

fn laid_out(text: &str) -> String {
    layout(&source(text)).unwrap_or_else(|found| panic!("{found:?}\n{text}"))
}

#[test]
fn indentation_spaces_marks_and_braces() {
    insta::assert_snapshot!(laid_out(
        r#"


/* by hand
     and kept */
provisioner "shop"   {                   # the project
	aliasmapper "shop" { # short names
	aliases={to_do : "To Do",doing:"In Progress"   , done: "Done"}
  }


  statemachine "shop" {
  initial="to_do"
      max_tickets   =   20 // few
    keys = [ "title" ,"branch" ]

    state "to_do" "next" {transition = "doing"}     # column kept
    state "doing" "next"    { transition="done" }   # as long as there is room
    state "done" "next" {
    transition="<end>"
        fields = {
          resolution = "Done",
          who="ada"
        # the last
        }
    }
    on "push" {}


    on "pull_request.merged" {
    when=!pr.revert&&contains(
    ["main",
    "release"], pr.base)?true:false
    comment = <<-EOT
        ${pr.title}   is
      in  %{ if pr.draft }  a draft %{ endif }
         EOT
    move_to = "done"
      link = { url=pr.url ,title="PR   #${pr.number}" }
    fields = { x = [for label in pr.labels:upper(label)if label!="x"] }
    }
    }


}

"#
    ));
}

#[test]
fn brackets_that_one_line_opens_indent_once() {
    let text = "a = f([\n1,\n2\n])\nb = f(1, [\n2\n], [\n3\n])\nc = [\n{\nx = 1\nlong = 2\n},\n{}\n]\n";
    insta::assert_snapshot!(laid_out(text));
}

#[test]
fn windows_line_ends_go_and_an_empty_file_stays_empty() {
    assert_eq!(laid_out("\u{FEFF}a = 1\r\n\r\n\r\nb = 2 # x \r\n"), "a = 1\n\nb = 2 # x\n");
    assert_eq!(laid_out("\n \n"), "");
}

#[test]
fn what_cannot_be_parsed_is_refused_with_its_finding() {
    let found = layout(&source("a = 1\nb {\n")).unwrap_err();
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["E001"]);
}

/// The teams of the language's description. Two of them write their lists of rules unaligned there.
#[test]
fn rules_as_teams_write_them_stay_as_they_are() {
    let text = r#"# Several repositories, a monorepo among them
rules "house" {
  on "pull_request.*" "bots" {
    author = ["*[bot]"]
    skip   = "bot pull requests never move tickets"
  }
  on "pull_request.ready"  { fire = "start" }   # opened, or a draft marked ready
  on "pull_request.closed" { fire = "prev" }    # closed without merging
}

provisioner "api" {                        # a project
  aliasmapper "api" {
    aliases = {
      to_do   = "To Do"
      doing   = "In Progress"
      staging = "On Staging"
      done    = "Done"
    }
  }

  statemachine "api" {
    initial = "to_do"
    use     = ["house"]

    state "to_do" "start" { transition = "doing" }
    state "doing" "prev"  { transition = "to_do" }
    state "doing" "next" {
      transition = "staging"
      via        = "Deploy"                       # two Jira transitions lead to On Staging
    }
    state "staging" "next" { transition = "done" }
    state "done" "next"    { transition = "<end>" }         # terminal

    on "pull_request.merged" "trunk" {
      repo = "acme/platform"
      base = "main"
      when = !contains(pr.labels, "no-jira")
      fire = "next"
    }
    on "pull_request.merged" "backport" {         # records the version, moves nothing
      repo        = "acme/platform"
      base        = "release/*"
      fix_version = { name = trimprefix(pr.base, "release/"), create = true, released = true }
      comment     = "${pr.author} merged #${pr.number} into ${pr.base}: ${pr.title}"
    }
  }
}
"#;
    assert_eq!(laid_out(text), text);
}

/// Rule files with spaces, comments and line ends strewn between their lines and words.
fn strewn() -> impl Strategy<Value = String> {
    let texts: Vec<String> = ["ok", "err"]
        .iter()
        .flat_map(|name| folder(name))
        .flat_map(|path| fixture(&path).0)
        .map(|file| file.text)
        .collect();
    let pieces =
        ["  ", "\t", "\n", "\n\n\n", " # note\n", "/* a\n  b */", "\r\n", "   // x\n", "[\n", "]", "x = 1\n"];
    let piece = (0..1000usize, prop::sample::select(pieces.to_vec()));
    (prop::sample::select(texts), prop::collection::vec(piece, 0..5)).prop_map(|(mut text, pieces)| {
        for (at, piece) in pieces {
            let near = text.floor_char_boundary(text.len() * at / 1000);
            let gap = text[near..].find([' ', '\n']).map_or(text.len(), |gap| near + gap);
            text.insert_str(gap, piece);
        }
        text
    })
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Near enough: a quoted text may have line ends, too.
fn every_token_is_on_one_line(text: &str) -> bool {
    let even_quotes = |line: &str| line.matches('"').count().is_multiple_of(2);
    !text.contains("<<") && !text.contains("/*") && text.lines().all(even_quotes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_but_spaces_changes_and_the_second_time_changes_nothing(text in strewn()) {
        if let Ok(once) = layout(&source(&text)) {
            prop_assert_eq!(without_spaces(&once), without_spaces(&text));
            prop_assert_eq!(&laid_out(&once), &once);
            // Texts and heredocs are the same to the letter.
            prop_assert_eq!(hcl::parse(&once).ok(), hcl::parse(&text).ok());
            if every_token_is_on_one_line(&text) {
                prop_assert!(!once.lines().any(|line| line.ends_with([' ', '\t', '\r'])));
                prop_assert!(!once.contains("\n\n\n") && !once.ends_with("\n\n"));
            }
            let findings = |text: &str| {
                let found = load(&[source(text)]).diagnostics.into_iter();
                found.map(|finding| (finding.code, finding.message)).filter(|(_, m)| !m.contains("line ")).collect::<Vec<_>>()
            };
            prop_assert_eq!(findings(&once), findings(&text));
        }
    }
}
