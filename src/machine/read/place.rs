//! What may stand where, and what to say when something else does.

use crate::machine::diagnostic::{Diagnostic, Findings, nearest};
use crate::machine::span::Word;
use crate::machine::syntax::Item;

/// The arguments and blocks that one kind of block knows.
pub(super) struct Within {
    arguments: &'static [&'static str],
    blocks: &'static [&'static str],
}

pub(super) const FILE: Within = Within { arguments: &[], blocks: &["provisioner"] };
pub(super) const PROVISIONER: Within = Within { arguments: &[], blocks: &["aliasmapper", "statemachine"] };
pub(super) const MAPPER: Within = Within { arguments: &["aliases"], blocks: &[] };
pub(super) const MACHINE: Within = Within { arguments: &["initial"], blocks: &["state"] };
pub(super) const STATE: Within = Within { arguments: &["transition"], blocks: &[] };

/// Blocks that have one proper place, and that place.
const HOMES: [(&str, &str); 3] =
    [("aliasmapper", "provisioner"), ("statemachine", "provisioner"), ("state", "statemachine")];

/// Words that people try, and the word that rules have for it.
const HABITS: [(&str, &str); 0] = [];

/// Parts of the language that this version does not read yet. They are refused, never ignored.
const TO_COME: [&str; 8] = ["on", "rules", "use", "keys", "max_tickets", "mode", "fields", "via"];

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
        if TO_COME.contains(&name.as_str()) {
            return findings.at("E010", name.span, format!("`{}` is not supported yet", name.value));
        }
        let known = || self.arguments.iter().chain(self.blocks).copied();
        let habit = HABITS.iter().find(|(tried, meant)| *tried == name.value && known().any(|k| k == *meant));
        let guess = habit.map(|(_, meant)| *meant).or_else(|| nearest(&name.value, known()));
        let diagnostic = findings.at("E010", name.span, format!("unknown {what} `{}`", name.value));
        match guess {
            Some(guess) => diagnostic.did_you_mean(Some(guess)),
            None => diagnostic.help(format!("known here: {}", known().collect::<Vec<_>>().join(", "))),
        }
    }
}

fn home(keyword: &Word) -> Option<&'static str> {
    HOMES.iter().find(|(block, _)| *block == keyword.value).map(|(_, home)| *home)
}

fn misplaced(keyword: &Word, home: &str, findings: &Findings<'_>) -> Diagnostic {
    let article = if home.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let message = format!("`{}` must stand inside {article} `{home}`", keyword.value);
    findings.at("E003", keyword.span, message).help("move it")
}
