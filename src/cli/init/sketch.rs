//! From a board to a first machine: which statuses, in which order, and how from one to the next. Pure.
//!
//! Work is taken to go through the kinds of status in Jira's order (to do, in progress, done), and within a kind
//! in the board's. An edge is drawn only where every issue type in use that knows its status is offered it, so that
//! `doctor` agrees. What could not be seen is guessed, and each guess is written down.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::app::board::{Board, BoardType, same_name};
use crate::jira::{BoardStatus, Category, Lookup, Transition, choose, leading_to};

/// A machine to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sketch {
    /// The project's key, as rules write it.
    pub(super) project: String,
    /// The alias of the state in which tickets begin.
    pub(super) initial: String,
    pub(super) states: Vec<Sketched>,
    /// What somebody who knows the team should look at.
    pub(super) guesses: Vec<String>,
}

/// A state to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sketched {
    pub(super) alias: String,
    pub(super) status: String,
    pub(super) next: Option<Step>,
    pub(super) prev: Option<Step>,
}

/// An edge to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The alias it leads to; `None`: the end.
    pub(super) to: Option<String>,
    pub(super) via: Option<String>,
    pub(super) fields: BTreeMap<String, String>,
}

/// How tickets get from one status to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Way {
    via: Option<String>,
    fields: BTreeMap<String, String>,
    /// The types by which it could not be seen.
    unseen: Vec<String>,
}

/// The statuses in the order of work, and the ways between them, by their places in that order.
struct Plan<'a> {
    board: &'a Board,
    order: Vec<&'a BoardStatus>,
    next: Vec<Option<(usize, Way)>>,
    prev: Vec<Option<(usize, Way)>>,
    kept: BTreeSet<usize>,
    aliases: Vec<String>,
}

/// Draws a first machine; `None` for a project without any status.
pub(super) fn sketch(board: &Board) -> Option<Sketch> {
    let order = order(board);
    let places = 0..order.len();
    let mut plan = Plan {
        board,
        aliases: super::name::aliases(&order),
        next: Vec::new(),
        prev: Vec::new(),
        kept: BTreeSet::new(),
        order,
    };
    plan.next = places.clone().map(|place| plan.onward(place)).collect();
    plan.prev = places.map(|place| plan.back(place)).collect();
    plan.keep();
    let initial = *plan.kept.first()?;
    let states: Vec<_> = plan.kept.iter().map(|place| plan.sketched(*place)).collect();
    Some(Sketch {
        project: board.project.to_lowercase(),
        initial: plan.aliases.get(initial)?.clone(),
        guesses: plan.guesses(initial),
        states: with_end(states),
    })
}

/// The statuses that tickets in use can stand in, each once, in the order of work.
fn order(board: &Board) -> Vec<&BoardStatus> {
    let mut order: Vec<&BoardStatus> = Vec::new();
    for status in board.in_use().flat_map(|one| &one.statuses) {
        if !order.iter().any(|known| same_name(&known.name, &status.name)) {
            order.push(status);
        }
    }
    order.sort_by_key(|status| status.category);
    order
}

/// A machine whose tickets arrive nowhere ends where its last state is.
fn with_end(mut states: Vec<Sketched>) -> Vec<Sketched> {
    let ends = states.iter().filter_map(|state| state.next.as_ref()).any(|step| step.to.is_none());
    if let (false, Some(last)) = (ends, states.last_mut()) {
        last.next = Some(Step { to: None, via: None, fields: BTreeMap::new() });
    }
    states
}

impl Plan<'_> {
    /// Where `next` leads: the first later status that every type can reach. What is done goes nowhere.
    fn onward(&self, place: usize) -> Option<(usize, Way)> {
        if self.order.get(place)?.category == Category::Done {
            return None;
        }
        (place + 1..self.order.len()).find_map(|to| Some((to, self.way(place, to)?)))
    }

    /// Where `prev` leads: the nearest earlier status that can be seen to ask for nothing.
    fn back(&self, place: usize) -> Option<(usize, Way)> {
        (0..place).rev().find_map(|to| Some((to, self.way(place, to).filter(|way| *way == Way::default())?)))
    }

    /// The way from one status to another, the same for all types in use that know the first.
    fn way(&self, from: usize, to: usize) -> Option<Way> {
        let (from, to) = (self.order.get(from)?, self.order.get(to)?);
        let types: Vec<&BoardType> =
            self.board.in_use().filter(|one| one.status(&from.name).is_some()).collect();
        if types.iter().any(|one| one.status(&to.name).is_none()) {
            return None;
        }
        let offers = types.iter().filter_map(|one| one.offer(&from.name));
        let named =
            offers.flat_map(|offer| leading_to(&offer.transitions, &to.name)).map(|one| Some(&*one.name));
        let ids = types.iter().filter_map(|one| one.offer(&from.name));
        let ids = ids.flat_map(|offer| leading_to(&offer.transitions, &to.name)).map(|one| Some(&*one.id));
        let vias: Vec<Option<&str>> = std::iter::once(None).chain(named).chain(ids).collect();
        vias.into_iter().find_map(|via| taken(&types, &from.name, &to.name, via))
    }

    /// Keeps what can be reached from where tickets of each type begin.
    fn keep(&mut self) {
        let knows = |one: &BoardType, place: &usize| {
            self.order.get(*place).is_some_and(|status| one.status(&status.name).is_some())
        };
        let firsts =
            self.board.in_use().filter_map(|one| (0..self.order.len()).find(|place| knows(one, place)));
        let leads_on = |place: &usize| self.next.get(*place).is_some_and(Option::is_some);
        let mut waiting: VecDeque<usize> = firsts.filter(leads_on).collect();
        if waiting.is_empty() && !self.order.is_empty() {
            waiting.push_back(0);
        }
        while let Some(place) = waiting.pop_front() {
            if self.kept.insert(place) {
                let ways = [&self.next, &self.prev].into_iter().filter_map(|ways| ways.get(place)?.as_ref());
                waiting.extend(ways.map(|(to, _)| *to));
            }
        }
    }

    fn sketched(&self, place: usize) -> Sketched {
        let step = |ways: &[Option<(usize, Way)>]| {
            let (to, way) = ways.get(place)?.as_ref()?;
            Some(Step {
                to: self.aliases.get(*to).cloned(),
                via: way.via.clone(),
                fields: way.fields.clone(),
            })
        };
        let (next, prev) = (step(&self.next), step(&self.prev));
        let done = self.order.get(place).is_some_and(|status| status.category == Category::Done);
        // A state that leads nowhere is an end, too.
        let ends = done || (next.is_none() && prev.is_none());
        let end = || Step { to: None, via: None, fields: BTreeMap::new() };
        Sketched {
            alias: self.aliases.get(place).cloned().unwrap_or_default(),
            status: self.name(place).to_owned(),
            next: next.or_else(|| ends.then(end)),
            prev,
        }
    }

    fn name(&self, place: usize) -> &str {
        self.order.get(place).map_or("", |status| &status.name)
    }

    fn guesses(&self, initial: usize) -> Vec<String> {
        let mut guesses = vec![format!(
            "tickets begin in \"{}\", the first status of a kind not begun",
            self.name(initial)
        )];
        let forward: Vec<_> = self.kept.iter().map(|place| format!("\"{}\"", self.name(*place))).collect();
        guesses.push(format!("work goes in the board's order: {}", forward.join(", ")));
        for place in &self.kept {
            for (to, way) in
                [&self.next, &self.prev].into_iter().filter_map(|ways| ways.get(*place)?.as_ref())
            {
                guesses.extend(way.guesses(self.name(*place), self.name(*to)));
            }
        }
        let left_out = (0..self.order.len()).filter(|place| !self.kept.contains(place));
        guesses.extend(left_out.map(|place| {
            let name = self.name(place);
            format!(
                "\"{name}\" is left out, as no way of this machine leads there: tickets in it are left alone"
            )
        }));
        guesses.push(
            "no rules are written, so a pull request merged into the default branch and a release fire `next`"
                .to_owned(),
        );
        guesses
    }
}

impl Way {
    fn guesses(&self, from: &str, to: &str) -> Vec<String> {
        let way = format!("from \"{from}\" to \"{to}\"");
        let mut guesses = Vec::new();
        if let Some(via) = &self.via {
            guesses.push(format!("`{via}` is taken {way}, and others lead there, too"));
        }
        for (field, value) in &self.fields {
            guesses.push(format!("{field} is set to \"{value}\" {way}, because Jira asks for it"));
        }
        if !self.unseen.is_empty() {
            let types = self.unseen.join(", ");
            guesses.push(format!("the way {way} was not seen for {types}: no such ticket stands there"));
        }
        guesses
    }
}

/// The way that a move by `via` takes, if it takes all types there and asks for nothing that cannot be filled in.
fn taken(types: &[&BoardType], from: &str, to: &str, via: Option<&str>) -> Option<Way> {
    let mut way = Way { via: via.map(str::to_owned), ..Way::default() };
    for one in types {
        let Some(offer) = one.offer(from) else {
            way.unseen.push(one.name.clone());
            continue;
        };
        let available: Vec<Transition> =
            offer.transitions.iter().filter(|one| one.available).cloned().collect();
        let Lookup::Found { transition, .. } = choose(&available, to, via) else { return None };
        if via.is_none() && leading_to(&available, to).len() > 1 {
            return None;
        }
        for field in transition.required.iter().filter(|field| !field.has_default) {
            let done = field.allowed.iter().find(|value| value.eq_ignore_ascii_case("done"));
            let value = done.or(field.allowed.first())?;
            way.fields.entry(field.id.clone()).or_insert_with(|| value.clone());
        }
    }
    Some(way)
}
