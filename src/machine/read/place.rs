//! What may stand where, and what to say when something else does.

use crate::machine::diagnostic::{Diagnostic, Findings, Guess};
use crate::machine::filter::Facet;
use crate::machine::model::On;
use crate::machine::span::Word;
use crate::machine::syntax::Item;

/// The arguments and blocks that one kind of block knows.
pub(super) struct Within {
    arguments: &'static [&'static str],
    blocks: &'static [&'static str],
}

pub(super) const FILE: Within = Within { arguments: &[], blocks: &["provisioner", "rules"] };
pub(super) const PROVISIONER: Within = Within { arguments: &[], blocks: &["aliasmapper", "statemachine"] };
pub(super) const MAPPER: Within = Within { arguments: &["aliases"], blocks: &[] };
pub(super) const MACHINE: Within =
    Within { arguments: &["initial", "use", "keys", "max_tickets", "mode"], blocks: &["state", "on"] };
pub(super) const STATE: Within = Within { arguments: &["transition", "fields", "via"], blocks: &[] };
pub(super) const SET: Within = Within { arguments: &[], blocks: &["on"] };
pub(super) const RULE: Within = Within {
    arguments: &[
        "repo",
        "base",
        "head",
        "labels",
        "author",
        "draft",
        "paths",
        "tag",
        "prerelease",
        "environment",
        "status",
        "types",
        "keys",
        "when",
        "fire",
        "move_to",
        "along",
        "skip",
        "comment",
        "link",
        "fix_version",
        "fields",
    ],
    blocks: &[],
};

/// Blocks that have one proper place, and that place in words.
const HOMES: [(&str, &str); 6] = [
    ("provisioner", "at the top of a file, in no other block"),
    ("rules", "at the top of a file, in no other block"),
    ("aliasmapper", "inside a `provisioner`"),
    ("statemachine", "inside a `provisioner`"),
    ("state", "inside a `statemachine`"),
    ("on", "inside a `statemachine` or a `rules` set"),
];

/// Words that people try, and the word that rules have for it.
const HABITS: [(&str, &str); 18] = [
    ("branch", "base"),
    ("target", "base"),
    ("target", "transition"),
    ("source", "head"),
    ("label", "labels"),
    ("repository", "repo"),
    ("user", "author"),
    ("env", "environment"),
    ("path", "paths"),
    ("event", "fire"),
    ("transition", "fire"),
    ("to", "move_to"),
    ("to", "transition"),
    ("if", "when"),
    ("condition", "when"),
    ("ignore", "skip"),
    ("fixversion", "fix_version"),
    ("rule", "on"),
];

/// The filters that events of a trigger can pass or fail.
pub(super) fn filters_of(on: On) -> Vec<&'static str> {
    let family = on.family();
    let facets = Facet::ALL.into_iter().filter(|facet| facet.families().contains(&family));
    let mut names: Vec<&str> = facets.map(Facet::name).collect();
    match family {
        "pull_request" => names.extend(["labels", "draft", "paths"]),
        "push" => names.push("paths"),
        "release" => names.push("prerelease"),
        _ => {}
    }
    names.extend(["status", "types"]);
    names
}

impl Within {
    /// The finding about something that does not belong here.
    pub(super) fn refuse(&self, item: &Item, findings: &Findings<'_>) -> Diagnostic {
        match item {
            Item::Argument(argument) if self.blocks.contains(&argument.name.as_str()) => {
                let name = &argument.name.value;
                let message = format!("`{name}` is a block, not an argument");
                findings.at("E010", argument.name.span, message).help(format!("write `{name} … {{ … }}`"))
            }
            Item::Block(block) if self.arguments.contains(&block.keyword.as_str()) => {
                let name = &block.keyword.value;
                let message = format!("`{name}` is an argument, not a block");
                findings.at("E010", block.keyword.span, message).help(format!("write `{name} = …`"))
            }
            Item::Argument(argument) => self.unknown(&argument.name, "argument", findings),
            Item::Block(block) => match home(&block.keyword) {
                Some(home) => misplaced(&block.keyword, home, findings),
                None => self.unknown(&block.keyword, "block", findings),
            },
        }
    }

    fn unknown(&self, name: &Word, what: &str, findings: &Findings<'_>) -> Diagnostic {
        let known = || self.arguments.iter().chain(self.blocks).copied();
        let habit = HABITS.iter().find(|(tried, meant)| *tried == name.value && known().any(|k| k == *meant));
        let diagnostic = findings.at("E010", name.span, format!("unknown {what} `{}`", name.value));
        match habit {
            Some((_, meant)) => diagnostic.did_you_mean(Some(Guess::sure(meant))),
            None => diagnostic.suggest(&name.value, known(), "known here"),
        }
    }
}

fn home(keyword: &Word) -> Option<&'static str> {
    HOMES.iter().find(|(block, _)| *block == keyword.value).map(|(_, home)| *home)
}

fn misplaced(keyword: &Word, home: &str, findings: &Findings<'_>) -> Diagnostic {
    let message = format!("`{}` must stand {home}", keyword.value);
    findings.at("E003", keyword.span, message).help("move it")
}
