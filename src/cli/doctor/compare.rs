//! A machine against the board it is for: D301 to D306. Pure: the board has been read, and is data.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::judge::{Judgement, judge};
use crate::app::board::{Board, same_name};
use crate::jira::permission::{self, ADMINISTER, BROWSE, COMMENT, EDIT, LINK, TRANSITION};
use crate::machine::{Deed, Diagnostic, Edge, Label, Machine, Mode, Severity, SourceFile, Target};
use crate::trace::RuleRef;

/// What a comparison came to.
#[derive(Debug, Default)]
pub(in crate::cli) struct Compared {
    /// What is wrong, with its place in the rules.
    pub(in crate::cli) findings: Vec<Diagnostic>,
    /// What could not be looked at, and why.
    pub(in crate::cli) unchecked: Vec<String>,
    /// Statuses that tickets can stand in and no alias names.
    pub(in crate::cli) unnamed: Vec<String>,
    /// How many edges were held against a ticket.
    pub(in crate::cli) moves: usize,
}

/// Holds a machine against its project's board.
pub(in crate::cli) fn compare(machine: &Machine, board: &Board, files: &[SourceFile]) -> Compared {
    let mut comparison =
        Comparison { machine, board, files, blind: BTreeMap::new(), out: Compared::default() };
    comparison.permissions();
    comparison.aliases();
    comparison.edges();
    comparison.blind_spots();
    let mut out = comparison.out;
    out.findings.sort_by_key(|finding| finding.labels.first().map(|label| label.span.start));
    out
}

struct Comparison<'a> {
    machine: &'a Machine,
    board: &'a Board,
    files: &'a [SourceFile],
    /// Statuses with the types of which no ticket stands there.
    blind: BTreeMap<&'a str, BTreeSet<&'a str>>,
    out: Compared,
}

impl<'a> Comparison<'a> {
    fn finding(&mut self, code: &'static str, label: Label, message: String, help: String) {
        self.out.findings.push(Diagnostic::new(code, message, label).help(help));
    }

    fn label(&self, span: &Range<usize>) -> Label {
        Label { file: self.machine.file.clone(), span: span.clone(), text: String::new() }
    }

    /// A rule's line; of a built-in rule, the machine that has it.
    fn rule(&self, place: &RuleRef) -> Label {
        let file = self.files.iter().find(|file| file.name == place.file);
        match file.and_then(|file| line(&file.text, place.line)) {
            Some(span) => Label { file: place.file.clone(), span, text: String::new() },
            None => self.label(&self.machine.span),
        }
    }

    // --- permissions ---------------------------------------------------------------------------------

    /// D305 and D306: what the machine and its rules do, and the account may not.
    fn permissions(&mut self) {
        let here = self.label(&self.machine.span);
        self.needs("D305", BROWSE, "seeing tickets", here.clone());
        if self.machine.mode == Mode::Observe {
            return;
        }
        if self.machine.states.iter().any(|state| !state.edges.is_empty()) {
            self.needs("D305", TRANSITION, "moving tickets", here);
        }
        let deeds: Vec<Deed<'a>> = self.machine.deeds().collect();
        let one_that =
            |does: fn(&Deed<'_>) -> bool| deeds.iter().find(|deed| does(deed)).map(|deed| deed.place);
        let asked = [
            ("D305", COMMENT, "the rule's comment", one_that(|deed| deed.comments)),
            ("D305", LINK, "the rule's link", one_that(|deed| deed.links)),
            ("D305", EDIT, "the rule's fix version", one_that(|deed| deed.fixes)),
            ("D306", ADMINISTER, "making or releasing a version", one_that(|deed| deed.makes_versions)),
        ];
        for (code, permission, purpose, place) in asked {
            if let Some(place) = place {
                let label = self.rule(place);
                self.needs(code, permission, purpose, label);
            }
        }
    }

    fn needs(&mut self, code: &'static str, name: &str, purpose: &str, label: Label) {
        if !self.board.permissions.lacks(name) {
            return;
        }
        let (title, project) = (permission::title(name), &self.board.project);
        let message = format!("the account lacks *{title}* in {project}, which {purpose} asks for");
        let help = format!("grant it in {project}: Project settings → Permissions");
        self.finding(code, label, message, help);
    }

    // --- statuses ------------------------------------------------------------------------------------

    /// D301: aliases of statuses that the project does not have.
    fn aliases(&mut self) {
        let names: Vec<&str> = self.board.statuses().iter().map(|status| status.name.as_str()).collect();
        for alias in &self.machine.aliases {
            if names.iter().any(|name| same_name(name, &alias.status)) {
                continue;
            }
            let message =
                format!("no issue type of {} has a status \"{}\"", self.board.project, alias.status);
            let finding = Diagnostic::new("D301", message, self.label(&alias.span));
            let intro = "the board has";
            self.out.findings.push(finding.suggest(&alias.status, names.iter().copied(), intro));
        }
        let in_use = self.board.in_use().flat_map(|one| &one.statuses).map(|status| status.name.as_str());
        let has_alias = |name: &str| self.machine.aliases.iter().any(|alias| same_name(&alias.status, name));
        let unnamed: BTreeSet<&str> = in_use.filter(|name| !has_alias(name)).collect();
        self.out.unnamed = unnamed.into_iter().map(str::to_owned).collect();
    }

    // --- moves ---------------------------------------------------------------------------------------

    fn edges(&mut self) {
        if self.board.permissions.lacks(TRANSITION) || self.board.permissions.lacks(BROWSE) {
            self.out.unchecked.push("moves: without that permission Jira shows none".to_owned());
            return;
        }
        let machine = self.machine;
        for (state, edge) in machine.states.iter().flat_map(|s| s.edges.iter().map(move |edge| (s, edge))) {
            let Target::State(target) = &edge.target else { continue };
            let status = |alias| machine.status_of(alias).filter(|name| self.exists(name));
            // What does not exist has been told already.
            if let (Some(from), Some(to)) = (status(&state.alias), status(target)) {
                self.edge(edge, from, to);
            }
        }
    }

    fn exists(&self, status: &str) -> bool {
        self.board.types.iter().any(|one| one.status(status).is_some())
    }

    /// One edge, for every issue type in use that knows the status it leaves.
    fn edge(&mut self, edge: &Edge, from: &'a str, to: &str) {
        let board = self.board;
        let mut judgements: BTreeMap<Judgement, Vec<&str>> = BTreeMap::new();
        for one in board.in_use().filter(|one| one.status(from).is_some()) {
            match one.offer(from) {
                Some(offer) => {
                    for judgement in judge(edge, to, offer) {
                        judgements.entry(judgement).or_default().push(&one.name);
                    }
                }
                None => {
                    self.blind.entry(from).or_default().insert(&one.name);
                }
            }
        }
        self.out.moves += usize::from(!judgements.is_empty());
        for (judgement, types) in judgements {
            self.judged(&judgement, edge, (from, to), &types);
        }
    }

    fn judged(&mut self, judgement: &Judgement, edge: &Edge, (from, to): (&str, &str), types: &[&str]) {
        let label = self.label(&edge.span);
        let way = format!("from \"{from}\" to \"{to}\" for {}", types.join(", "));
        let (code, severity, message, help) = match judgement {
            Judgement::Good => return,
            Judgement::Missing { ticket, offered } => (
                "D302",
                Severity::Error,
                format!("no transition leads {way}"),
                format!(
                    "{ticket} is offered {offered}: add the transition to the workflow, or lead the edge elsewhere"
                ),
            ),
            Judgement::WrongVia { via, leading } => (
                "D302",
                Severity::Error,
                format!("no transition `{via}` leads {way}"),
                format!("`via` must be one of {leading}"),
            ),
            Judgement::Hidden { ticket, name } => (
                "D302",
                Severity::Warning,
                format!("a condition hides the transition `{name}` {way}"),
                format!("it is hidden on {ticket}; see that its condition lets Conduit's account pass"),
            ),
            Judgement::Asks { id, name, value } => {
                let Some(severity) = self.unfilled(id) else { return };
                let message = format!("the transition {way} asks for {name}");
                (
                    "D303",
                    severity,
                    message,
                    format!("add `fields = {{ {id} = \"{value}\" }}` to this `state` block"),
                )
            }
            Judgement::Ambiguous { leading, statuses } => (
                "D304",
                Severity::Error,
                match statuses {
                    0 | 1 => format!("several transitions lead {way}: {leading}"),
                    more => format!("transitions lead {way}, to {more} statuses of that name: {leading}"),
                },
                "say which with `via` in this `state` block".to_owned(),
            ),
            Judgement::Guessed { taken, leading } => (
                "D304",
                Severity::Warning,
                format!("several transitions lead {way}: {leading}; `{taken}` is taken"),
                format!("say `via = \"{taken}\"` in this `state` block, or another of them"),
            ),
        };
        let mut finding = Diagnostic::new(code, message, label).help(help);
        finding.severity = severity;
        self.out.findings.push(finding);
    }

    /// How bad it is that an edge leaves a field open: rules may fill it.
    fn unfilled(&self, field: &str) -> Option<Severity> {
        let moving: Vec<_> = self.machine.deeds().filter(|deed| deed.moves).collect();
        let filling = moving.iter().filter(|deed| deed.fields.contains(&field)).count();
        match filling {
            0 => Some(Severity::Error),
            some if some < moving.len() => Some(Severity::Warning),
            _ => None,
        }
    }

    fn blind_spots(&mut self) {
        if self.board.types.iter().all(|one| one.offers.is_empty()) && !self.blind.is_empty() {
            self.out
                .unchecked
                .push("moves: the project has no ticket by which Jira would show them".to_owned());
            return;
        }
        for (status, types) in &self.blind {
            let types: Vec<_> = types.iter().copied().collect();
            let types = types.join(", ");
            self.out
                .unchecked
                .push(format!("moves from \"{status}\" for {types}: no such ticket stands there"));
        }
    }
}

/// Where a line of a text stands, without the spaces around it.
fn line(text: &str, number: u32) -> Option<Range<usize>> {
    let number = usize::try_from(number).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(number).map(str::len).sum();
    let content = text.get(start..)?.lines().next()?;
    let indent = content.len() - content.trim_start().len();
    Some(start + indent..start + content.trim_end().len())
}
