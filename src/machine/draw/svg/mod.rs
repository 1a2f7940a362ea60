//! A machine as an SVG picture: self-contained, without scripts, ids or fonts of its own, in the reader's colours.

mod lanes;
mod layout;

use std::fmt::Write as _;

use self::layout::{LINE, Label, Layout, Link, SMALL, Station, lay_out};
use super::{Graph, label};
use crate::printable::printable;

/// Colours follow the page: light by default, dark by preference.
const STYLE: &str =
    ".conduit-graph{color:#1b1f24}@media(prefers-color-scheme:dark){.conduit-graph{color:#e6edf3}}";

/// How far an arrow's head reaches back.
const HEAD: i32 = 7;

/// Draws the machine as an SVG document.
pub fn svg(graph: &Graph) -> String {
    let layout = lay_out(graph);
    let mut out = String::new();
    let (width, height) = (layout.width, layout.height);
    line(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"conduit-graph\" role=\"img\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" fill=\"none\" stroke=\"currentColor\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" font-size=\"{SMALL}\">"
        ),
    );
    line(&mut out, format_args!("<title>{}</title>", escape(&label::title(graph))));
    line(&mut out, format_args!("<desc>{}</desc>", escape(&description(graph))));
    line(&mut out, format_args!("<style>{STYLE}</style>"));
    start(&layout, &mut out);
    layout.links.iter().for_each(|link| draw_link(link, &mut out));
    layout.boxes.iter().for_each(|state| draw_state(graph, state, &mut out));
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{what}");
}

/// For those who do not see the picture: its edges in words.
fn description(graph: &Graph) -> String {
    graph.edges.iter().map(label::edge).collect::<Vec<_>>().join("; ")
}

/// The dot from which tickets come.
fn start(layout: &Layout, out: &mut String) {
    let Some(first) = layout.boxes.first() else { return };
    let (x, y) = (layout.axis, first.y);
    line(out, format_args!("<circle cx=\"{x}\" cy=\"{}\" r=\"4\" fill=\"currentColor\"/>", y - 18));
    line(out, format_args!("<path d=\"M{x} {}V{y}\"/>", y - 14));
    head(x, y, (0, 1), out);
}

fn draw_state(graph: &Graph, state: &Station, out: &mut String) {
    let Station { x, y, width, height, .. } = *state;
    let Some(node) = state.node.and_then(|node| graph.states.get(node)) else {
        line(
            out,
            format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\" fill=\"currentColor\"><title>end</title></rect>"
            ),
        );
        return;
    };
    let here = graph.ticket_in(&node.alias).is_some();
    let look = match (here, node.reachable) {
        (true, _) => " stroke-width=\"3\" fill=\"currentColor\" fill-opacity=\".12\"",
        (false, false) => " stroke-dasharray=\"4 3\"",
        (false, true) => "",
    };
    let (alias, status) = (escape(&printable(&node.alias)), escape(&printable(&node.status)));
    line(out, format_args!("<g><title>{alias} = \"{status}\"</title>"));
    line(
        out,
        format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"{look}/>"),
    );
    let lines = i32::try_from(state.lines.len()).unwrap_or_default();
    let mut baseline = y + (height - lines * LINE) / 2 + LINE - 4;
    for (index, text) in state.lines.iter().enumerate() {
        let weight = if index == 0 { " font-weight=\"bold\"" } else { "" };
        words(text, (x + width / 2, baseline), &format!(" text-anchor=\"middle\"{weight}"), out);
        baseline += LINE;
    }
    line(out, format_args!("</g>"));
}

fn draw_link(link: &Link, out: &mut String) {
    line(out, format_args!("<g><title>{}</title>", escape(&link.title)));
    line(out, format_args!("<path d=\"{}\"/>", link.path));
    head(link.end.0, link.end.1, link.towards, out);
    let Label { x, mut y, anchor, ref lines } = link.label;
    for (text, bold) in lines {
        y += LINE;
        let weight = if *bold { " font-weight=\"bold\"" } else { "" };
        words(text, (x, y), &format!(" text-anchor=\"{anchor}\"{weight}"), out);
    }
    line(out, format_args!("</g>"));
}

fn words(text: &str, (x, y): (i32, i32), look: &str, out: &mut String) {
    let text = escape(text);
    line(
        out,
        format_args!("<text x=\"{x}\" y=\"{y}\" stroke=\"none\" fill=\"currentColor\"{look}>{text}</text>"),
    );
}

/// An arrow's head with its tip here; `(dx, dy)` is where it points.
fn head(x: i32, y: i32, (dx, dy): (i32, i32), out: &mut String) {
    let (back_x, back_y) = (x - dx * HEAD, y - dy * HEAD);
    let (side_x, side_y) = (dy * 4, dx * 4);
    let (ax, ay, bx, by) = (back_x + side_x, back_y + side_y, back_x - side_x, back_y - side_y);
    line(out, format_args!("<path d=\"M{x} {y}L{ax} {ay}L{bx} {by}Z\" fill=\"currentColor\"/>"));
}

/// A text as XML has it. `printable` has taken the control characters; two more that XML forbids go here.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
