//! Where everything stands in the picture.
//!
//! States stand in one column, in reading order. An edge to the next state goes straight down; every other edge
//! runs in a lane beside the column, forward ones on the right, backward ones on the left, as in an arc diagram.
//! Edges to one state share a lane, and a lane is as wide as its widest label, which stands in the gap
//! between two states: so no line crosses a state, and no label covers another. General graph layout
//! (dagre's port was tried) buys little for machines that are a line with ways back.

use std::collections::BTreeMap;

use super::lanes::{Lanes, Side, ports};
use crate::machine::draw::label::{self, width};
use crate::machine::draw::order::{main_line, rows};
use crate::machine::draw::{Arrow, Graph};
use crate::printable::printable;

/// Size of the letters.
pub(super) const SMALL: i32 = 12;
/// Height of a line of them.
pub(super) const LINE: i32 = 16;
/// Air around the picture and in boxes.
pub(super) const AIR: i32 = 12;
/// The least distance between two states.
const GAP: i32 = 30;
/// Distance between two lines that arrive at one side of a state.
const PORT: i32 = 10;
/// Room above the first state for the dot.
const START: i32 = 24;
/// Width and height of the end.
const END: i32 = 16;

/// The picture with all its places.
pub(super) struct Layout {
    pub width: i32,
    pub height: i32,
    /// Where the column's middle is.
    pub axis: i32,
    pub boxes: Vec<Station>,
    pub links: Vec<Link>,
}

/// A state, or the end.
pub(super) struct Station {
    /// Its place in the graph; `None`: the end.
    pub node: Option<usize>,
    pub lines: Vec<String>,
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// All edges from one state to another.
pub(super) struct Link {
    pub title: String,
    /// An SVG path.
    pub path: String,
    /// Where its arrow's tip is, and where it points.
    pub end: (i32, i32),
    pub towards: (i32, i32),
    pub label: Label,
}

/// Lines of words; the flag says which are bold.
pub(super) struct Label {
    pub x: i32,
    /// The top.
    pub y: i32,
    pub anchor: &'static str,
    pub lines: Vec<(String, bool)>,
}

/// Edges with the same ends, as rows of the column.
pub(super) struct Bundle {
    pub from: usize,
    pub to: usize,
    title: String,
    lines: Vec<(String, bool)>,
}

/// Finds a place for everything.
pub(super) fn lay_out(graph: &Graph) -> Layout {
    let mut boxes = boxes(graph);
    let bundles = bundles(graph, &boxes);
    let lanes = Lanes::of(&bundles);
    let axis = place_column(&mut boxes, &bundles, &lanes);
    let straight = bundles.iter().filter(|bundle| bundle.side().is_none()).map(Bundle::label_width);
    let right_edge = boxes.iter().map(|b| b.x + b.width).chain(straight.map(|w| axis + w)).max().unwrap_or(0);
    let left_edge = boxes.iter().map(|b| b.x).min().unwrap_or(0);
    let edges = Edges { left: left_edge, right: right_edge, axis };
    let links = bundles.iter().map(|bundle| edges.link(bundle, &bundles, &boxes, &lanes)).collect();
    Layout {
        width: right_edge + lanes.total(Side::Right) + AIR,
        height: boxes.last().map_or(0, |last| last.y + last.height) + AIR + tail(&boxes, &bundles),
        axis,
        boxes,
        links,
    }
}

/// The column from top to bottom, not yet placed. The end follows the last state that leads to it on the main
/// line, so that the last arrow of all goes straight down.
fn boxes(graph: &Graph) -> Vec<Station> {
    let mut boxes: Vec<Station> = rows(graph).into_iter().map(|row| state_box(graph, row)).collect();
    if graph.edges.iter().any(|arrow| arrow.to.is_none()) {
        let main = main_line(graph);
        let ends = main.last().is_some_and(|arrow| arrow.to.is_none());
        let at = if ends { main.len() } else { boxes.len() };
        let end = Station { node: None, lines: Vec::new(), x: 0, y: 0, width: END, height: END };
        boxes.insert(at.min(boxes.len()), end);
    }
    boxes
}

fn state_box(graph: &Graph, row: usize) -> Station {
    let mut lines = Vec::new();
    if let Some(node) = graph.states.get(row) {
        lines.push(label::short(&printable(&node.status)));
        lines.push(label::short(&printable(&node.alias)));
        lines.extend(label::remarks(graph, node).into_iter().filter(|remark| remark != "initial"));
    }
    let width = lines.iter().map(|line| measure(line)).max().unwrap_or(0) + 2 * AIR;
    let height = i32::try_from(lines.len()).unwrap_or(0) * LINE + AIR;
    Station { node: Some(row), lines, x: 0, y: 0, width, height }
}

/// How wide a text is: letters of a monospaced font are at most 0.62 of their size.
fn measure(text: &str) -> i32 {
    i32::try_from(width(text)).unwrap_or(i32::MAX / 1000) * SMALL * 62 / 100
}

/// All edges, those with the same ends together.
fn bundles(graph: &Graph, boxes: &[Station]) -> Vec<Bundle> {
    let row = |alias: &str| {
        let node = graph.position(alias)?;
        boxes.iter().position(|state| state.node == Some(node))
    };
    let end = boxes.iter().position(|state| state.node.is_none());
    let mut bundles: BTreeMap<(usize, usize), Vec<&Arrow>> = BTreeMap::new();
    for arrow in &graph.edges {
        let to = arrow.to.as_deref().map_or(end, row);
        if let Some(ends) = row(&arrow.from).zip(to) {
            bundles.entry(ends).or_default().push(arrow);
        }
    }
    bundles.into_iter().map(|((from, to), arrows)| Bundle::new(from, to, &arrows)).collect()
}

impl Bundle {
    fn new(from: usize, to: usize, arrows: &[&Arrow]) -> Self {
        let title = arrows.iter().map(|arrow| label::edge(arrow)).collect::<Vec<_>>().join("; ");
        let mut lines = Vec::new();
        for arrow in arrows {
            lines.push((label::short(&printable(&arrow.event)), true));
            lines.extend(arrow.rules.iter().map(|rule| (label::rule_on_edge(rule), false)));
        }
        Self { from, to, title, lines }
    }

    /// Beside which side of the column it runs; `None`: straight down.
    pub(super) fn side(&self) -> Option<Side> {
        match self.to {
            to if to == self.from + 1 => None,
            to if to < self.from => Some(Side::Left),
            _ => Some(Side::Right),
        }
    }

    /// The gap in which its label stands: below the state that it leaves, or above it on the way back.
    fn gap(&self) -> usize {
        if self.side() == Some(Side::Left) { self.from - 1 } else { self.from }
    }

    /// The rows that it passes, in halves: states are even, gaps are odd.
    pub(super) fn span(&self) -> (usize, usize) {
        let (first, last) = (self.from.min(self.to), self.from.max(self.to));
        (2 * first, (2 * last).max(2 * self.gap() + 1))
    }

    fn label_height(&self) -> i32 {
        i32::try_from(self.lines.len()).unwrap_or(0) * LINE + AIR
    }

    pub(super) fn label_width(&self) -> i32 {
        self.lines.iter().map(|(text, _)| measure(text)).max().unwrap_or(0) + 2 * AIR
    }
}

/// Gives every box its place, and says where the column's middle is.
fn place_column(boxes: &mut [Station], bundles: &[Bundle], lanes: &Lanes) -> i32 {
    for (row, state) in boxes.iter_mut().enumerate() {
        let most = [Side::Left, Side::Right].map(|side| ports(row, side, bundles, lanes).len());
        let most = i32::try_from(most.into_iter().max().unwrap_or(0)).unwrap_or(0);
        state.height = state.height.max((most + 1) * PORT);
    }
    let widest = boxes.iter().map(|state| state.width).max().unwrap_or(0);
    let axis = AIR + lanes.total(Side::Left) + widest / 2;
    let mut y = AIR + START;
    for (row, state) in boxes.iter_mut().enumerate() {
        // The end stays small; states are of one width.
        state.width = if state.node.is_some() { widest } else { END };
        (state.x, state.y) = (axis - state.width / 2, y);
        y += state.height + gap_height(row, bundles);
    }
    axis
}

fn gap_height(gap: usize, bundles: &[Bundle]) -> i32 {
    let labels = bundles.iter().filter(|bundle| bundle.gap() == gap).map(Bundle::label_height);
    labels.max().unwrap_or(0).max(GAP)
}

/// What a loop's label needs below the last state.
fn tail(boxes: &[Station], bundles: &[Bundle]) -> i32 {
    let last = boxes.len().saturating_sub(1);
    bundles.iter().filter(|bundle| bundle.gap() == last).map(Bundle::label_height).max().unwrap_or(0)
}

/// The lines between which no lane runs.
struct Edges {
    left: i32,
    right: i32,
    axis: i32,
}

impl Edges {
    fn link(&self, bundle: &Bundle, bundles: &[Bundle], boxes: &[Station], lanes: &Lanes) -> Link {
        let (Some(from), Some(to)) = (boxes.get(bundle.from), boxes.get(bundle.to)) else {
            return self.straight(bundle, 0, 0);
        };
        let Some(side) = bundle.side() else {
            return self.straight(bundle, from.y + from.height, to.y);
        };
        let port = |state: &Station, row: usize, wanted: (usize, bool)| {
            let ports = ports(row, side, bundles, lanes);
            let index = ports.iter().position(|port| *port == wanted).unwrap_or_default();
            let share = |n: usize| i32::try_from(n).unwrap_or_default();
            state.y + state.height * share(index + 1) / share(ports.len() + 1)
        };
        let start = port(from, bundle.from, (bundle.to, false));
        let end = port(to, bundle.to, (bundle.to, true));
        let distance = lanes.distance(side, bundle.to);
        let (x, leave, arrive, inward, anchor) = match side {
            Side::Left => (self.left - distance, from.x, to.x, 1, "end"),
            Side::Right => (self.right + distance, from.x + from.width, to.x + to.width, -1, "start"),
        };
        let gap_top = boxes.get(bundle.gap()).map_or(0, |above| above.y + above.height);
        Link {
            title: bundle.title.clone(),
            path: format!("M{leave} {start}H{x}V{end}H{arrive}"),
            end: (arrive, end),
            towards: (inward, 0),
            label: Label { x: x - inward * AIR / 2, y: gap_top, anchor, lines: bundle.lines.clone() },
        }
    }

    fn straight(&self, bundle: &Bundle, from: i32, to: i32) -> Link {
        let x = self.axis;
        Link {
            title: bundle.title.clone(),
            path: format!("M{x} {from}V{to}"),
            end: (x, to),
            towards: (0, 1),
            label: Label { x: x + AIR / 2, y: from, anchor: "start", lines: bundle.lines.clone() },
        }
    }
}
