//! Reads rules: `on` blocks and the sets that hold them.

use super::{Reader, place};
use crate::event::Trigger;
use crate::machine::decl::{RuleDecl, SetDecl};
use crate::machine::default_rules;
use crate::machine::diagnostic::{Diagnostic, NEEDS_FORGE, Severity};
use crate::machine::expr::{Check, Wanted};
use crate::machine::filter::{Facet, Filter, When};
use crate::machine::model::{EffectTemplates, On};
use crate::machine::pattern::Patterns;
use crate::machine::sources;
use crate::machine::span::{Span, Spanned, Word};
use crate::machine::syntax::{Argument, Block, Item};

/// As much of a `when` as a trace shows.
const SHOWN: usize = 100;

impl Reader<'_, '_> {
    /// `rules "<name>" { on … }`.
    pub(super) fn set(&mut self, block: &Block) -> Option<SetDecl> {
        let [name] = self.labels(block, "rules \"<name>\"")?;
        if name.value == default_rules::NAME {
            let message = format!("a rule set cannot be named `{}`", name.value);
            let help = "that is the built-in set; use another name";
            self.push(self.findings.at("E023", name.span, message).help(help));
        }
        let mut rules = Vec::new();
        let before = self.trouble;
        for item in &block.items {
            match item {
                Item::Block(inner) if inner.keyword.value == "on" => rules.extend(self.rule(inner)),
                other => self.unknown(other, &place::SET),
            }
        }
        Some(SetDecl { name, rules, damaged: self.trouble > before })
    }

    /// `on "<trigger>" ["<name>"] { … }`.
    pub(super) fn rule(&mut self, block: &Block) -> Option<RuleDecl> {
        let (trigger, name) = match block.labels.as_slice() {
            [trigger] => (trigger, None),
            [trigger, name] => (trigger, Some(name.clone())),
            _ => {
                self.labels::<1>(block, "on \"<trigger>\" [\"<name>\"]");
                return None;
            }
        };
        let on = self.trigger(trigger)?;
        let mut rule = RuleDecl {
            trigger: trigger.clone(),
            on,
            name,
            header: block.header,
            keys: None,
            filters: Vec::new(),
            statuses: Vec::new(),
            fire: None,
            move_to: None,
            along: None,
            skip: None,
            effects: EffectTemplates::default(),
        };
        let before = self.trouble;
        for item in &block.items {
            match item {
                Item::Argument(argument) => self.rule_argument(argument, &mut rule),
                other @ Item::Block(_) => self.unknown(other, &place::RULE),
            }
        }
        if rule.skip.is_some() {
            guard(&mut rule);
        }
        if self.trouble == before {
            self.outcomes(&rule);
        }
        Some(rule)
    }

    fn trigger(&mut self, word: &Word) -> Option<On> {
        if let Ok(trigger) = word.value.parse::<Trigger>() {
            return Some(On::One(trigger));
        }
        let families = || Trigger::ALL.iter().filter(|t| t.as_str().contains('.')).map(|t| t.family());
        if let Some(family) = word.value.strip_suffix(".*")
            && let Some(family) = families().find(|known| *known == family)
        {
            return Some(On::Any(family));
        }
        let mut wildcards: Vec<String> = families().map(|family| format!("{family}.*")).collect();
        wildcards.dedup();
        let names = Trigger::ALL.iter().map(|t| t.as_str()).chain(wildcards.iter().map(String::as_str));
        let diagnostic = self.findings.at("E009", word.span, format!("unknown trigger `{}`", word.value));
        self.push(diagnostic.suggest(&word.value, names, "triggers"));
        None
    }

    fn rule_argument(&mut self, argument: &Argument, rule: &mut RuleDecl) {
        match argument.name.as_str() {
            "fire" => rule.fire = self.text_of(argument),
            "move_to" => rule.move_to = self.text_of(argument),
            "along" => rule.along = self.some_texts_of(argument),
            "skip" => rule.skip = self.text_of(argument),
            "keys" => rule.keys = self.rule_keys(argument, rule.on),
            "comment" | "link" | "fix_version" | "fields" => self.effect(argument, rule),
            "when" => self.when(argument, rule),
            _ => self.filter(argument, rule),
        }
    }

    fn when(&mut self, argument: &Argument, rule: &mut RuleDecl) {
        let expr = &argument.value;
        self.check(rule.on, argument.name.as_str(), expr, Wanted::Truth);
        let source = self.written(expr.span).to_owned();
        let when = When {
            expr: expr.clone(),
            text: shown(&source),
            source,
            protects: false,
            looks_at_the_ticket: expr.names("issue"),
        };
        rule.filters.push(Spanned::new(Filter::When(Box::new(when)), argument.name.span));
    }

    fn filter(&mut self, argument: &Argument, rule: &mut RuleDecl) {
        let name = argument.name.as_str();
        let filter = if let Some(facet) = Facet::ALL.into_iter().find(|facet| facet.name() == name) {
            self.applies(argument, rule.on, facet.families());
            let separated = facet.separated();
            self.patterns(argument, separated).map(|(patterns, _)| Filter::Text(facet, patterns))
        } else {
            match name {
                "labels" => {
                    self.applies(argument, rule.on, &["pull_request"]);
                    self.patterns(argument, false).map(|(patterns, _)| Filter::Labels(patterns))
                }
                "draft" => {
                    self.applies(argument, rule.on, &["pull_request"]);
                    self.truth_of(argument).map(Filter::Draft)
                }
                "prerelease" => {
                    self.applies(argument, rule.on, &["release"]);
                    self.truth_of(argument).map(Filter::Prerelease)
                }
                "types" => self.patterns(argument, false).map(|(patterns, _)| Filter::Types(patterns)),
                "status" => self.patterns(argument, false).map(|(patterns, words)| {
                    rule.statuses = words;
                    Filter::Status(patterns)
                }),
                "paths" => {
                    self.applies(argument, rule.on, &["pull_request", "push"]);
                    if rule.on.family() == "pull_request" {
                        self.needs_forge(argument, "paths");
                    }
                    self.patterns(argument, true).map(|(patterns, _)| Filter::Paths(patterns))
                }
                _ => {
                    self.unknown(&Item::Argument(argument.clone()), &place::RULE);
                    None
                }
            }
        };
        rule.filters.extend(filter.map(|filter| Spanned::new(filter, argument.name.span)));
    }

    /// E014: a filter on something that the trigger's events do not have.
    fn applies(&mut self, argument: &Argument, on: On, families: &[&str]) {
        if families.contains(&on.family()) {
            return;
        }
        let name = argument.name.as_str();
        let message = format!("`{name}` does not exist on {} events", on.family());
        let help = format!("available: {}", place::filters_of(on).join(", "));
        self.push(self.findings.at("E014", argument.name.span, message).help(help));
    }

    /// E017: what a payload does not hold. A warning here, because the files alone do not say whether there is a
    /// token; whoever decides by them refuses to begin without one.
    pub(super) fn needs_forge(&mut self, argument: &Argument, what: &str) {
        let message = format!("`{what}` of a pull request needs a forge token");
        let help = "set GITHUB_TOKEN where Conduit runs: `serve` and `worker` refuse this rule without it";
        let finding = self.findings.at(NEEDS_FORGE, argument.name.span, message).help(help);
        self.findings.push(Diagnostic { severity: Severity::Warning, ..finding });
    }

    /// Patterns, and those of them that are plain names with their places.
    fn patterns(&mut self, argument: &Argument, separated: bool) -> Option<(Patterns, Vec<Word>)> {
        let texts = self.some_texts_of(argument)?;
        let mut patterns = Patterns::new(separated);
        let mut names = Vec::new();
        for text in texts {
            if let Err(bad) = patterns.add(text.as_str()) {
                self.push(self.findings.at("E019", text.span, bad.message()));
                continue;
            }
            let name = text.value.strip_prefix('!').unwrap_or(&text.value);
            if !name.contains(['*', '?']) {
                let start = text.span.start + u32::from(name.len() < text.value.len());
                names.push(Spanned::new(name.to_owned(), Span { start, ..text.span }));
            }
        }
        Some((patterns, names))
    }

    fn rule_keys(&mut self, argument: &Argument, on: On) -> Option<Vec<crate::event::ticket::Source>> {
        let keys = self.keys(argument)?;
        let available = sources::of(on);
        for key in keys.iter().filter(|key| !available.contains(&key.value)) {
            let message = format!("`{}` does not exist on {} events", sources::name(key.value), on.family());
            let names: Vec<&str> = available.iter().map(|source| sources::name(*source)).collect();
            let help = if names.is_empty() {
                "such an event is about its ticket; leave `keys` out".to_owned()
            } else {
                format!("available: {}", names.join(", "))
            };
            self.push(self.findings.at("E014", key.span, message).help(help));
        }
        Some(keys.into_iter().map(|key| key.value).collect())
    }

    pub(super) fn check(&mut self, on: On, name: &str, expr: &crate::machine::expr::Expr, wanted: Wanted) {
        let before = self.findings.found.len();
        Check::new(on, self.findings).argument(name, expr, wanted);
        self.trouble += self.findings.found.len() - before;
    }

    /// E012 and E013: at most one outcome, and something to do.
    fn outcomes(&mut self, rule: &RuleDecl) {
        let all = [("fire", &rule.fire), ("move_to", &rule.move_to), ("skip", &rule.skip)];
        let set: Vec<(&str, &Word)> =
            all.into_iter().filter_map(|(name, word)| Some((name, word.as_ref()?))).collect();
        let effects = rule.effects.names();
        match (set.as_slice(), effects.first()) {
            ([(first, one), (second, other), ..], _) => {
                let message = format!("rule sets both `{first}` and `{second}`");
                let diagnostic = self.findings.at("E012", other.span, message).help("keep one");
                let label = self.findings.sources.label(one.span, "and this");
                self.push(diagnostic.also(label));
            }
            ([("skip", word)], Some(effect)) => {
                let message = format!("rule sets both `skip` and `{effect}`");
                let help = "keep one: a rule that skips writes nothing";
                self.push(self.findings.at("E012", word.span, message).help(help));
            }
            ([], None) => {
                let help = "add fire, move_to, skip or an effect";
                self.push(self.findings.at("E013", rule.header, "rule does nothing").help(help));
            }
            ([], Some(effect)) if !rule.effects.stand_alone() => {
                let message = format!("rule does nothing: `{effect}` is written with a move only");
                let help = "add fire or move_to; link and fix_version stand alone";
                self.push(self.findings.at("E013", rule.header, message).help(help));
            }
            _ => {}
        }
        if let Some(along) = rule.along.as_ref().filter(|_| rule.move_to.is_none()) {
            let span = along.first().map_or(rule.header, |word| word.span);
            let diagnostic = self.findings.at("E010", span, "`along` goes with `move_to`");
            self.push(diagnostic.help("add `move_to = \"<alias>\"`, or leave it out"));
        }
    }
}

fn shown(source: &str) -> String {
    let line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// What protects must not fail open: a `skip` rule's `when` that cannot be told holds.
fn guard(rule: &mut RuleDecl) {
    for filter in &mut rule.filters {
        if let Filter::When(when) = &mut filter.value {
            when.protects = true;
        }
    }
}
