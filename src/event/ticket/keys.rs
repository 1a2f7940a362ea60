//! Issue keys in a text.
//!
//! A key is a configured project key, `-` and a number, with no ASCII letter or digit on either side. The
//! search starts at each hyphen that a number follows: digits to the right, and to the left down a trie of the
//! project keys written backwards. So its cost is linear in the text whatever the number of projects, no step
//! walks further than the longest project key, and there is no pattern that could backtrack.

/// The most digits an issue's number has; Jira counts in 64 bits.
const MAX_DIGITS: usize = 18;

/// How long a project key may be to be worth a hint that it is not configured. A single letter is none.
const HINTED: std::ops::RangeInclusive<usize> = 2..=32;

/// The configured project keys.
#[derive(Debug, Clone)]
pub struct Projects {
    /// A trie of the keys in capitals, last character first. Node 0 is the root.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// At most one for each of the 38 characters that project keys are made of.
    next: Vec<(u8, usize)>,
    is_key: bool,
}

impl Projects {
    /// Of these keys, in any ASCII case; `_` and `-` may be part of a key.
    ///
    /// What could be no project's key (nothing, `9x`, `é`) is left out.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut projects = Self { nodes: vec![Node::default()] };
        keys.into_iter().filter(|key| is_project_key(key)).for_each(|key| projects.insert(key));
        projects
    }

    fn insert(&mut self, key: &str) {
        let mut at = 0;
        for byte in key.bytes().rev().map(|b| b.to_ascii_uppercase()) {
            at = self.step(at, byte).unwrap_or_else(|| {
                self.nodes.push(Node::default());
                let new = self.nodes.len() - 1;
                self.nodes[at].next.push((byte, new));
                new
            });
        }
        self.nodes[at].is_key = true;
    }

    fn step(&self, node: usize, upper: u8) -> Option<usize> {
        let next = &self.nodes.get(node)?.next;
        next.iter().find(|(byte, _)| *byte == upper).map(|&(_, node)| node)
    }

    /// Where the longest project key begins that ends at the end of `text`, with a boundary before it.
    fn longest_at_end(&self, text: &[u8]) -> Option<usize> {
        let (mut node, mut found) = (0, None);
        for (at, byte) in text.iter().enumerate().rev() {
            let Some(next) = self.step(node, byte.to_ascii_uppercase()) else { break };
            node = next;
            if self.nodes.get(node).is_some_and(|node| node.is_key) && is_boundary(at.checked_sub(1), text) {
                found = Some(at);
            }
        }
        found
    }
}

fn is_project_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.bytes().all(is_key_byte)
}

/// Something in a text that has the shape of an issue key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape<'t> {
    text: &'t str,
    /// Where the hyphen before the number stands.
    hyphen: usize,
    configured: bool,
}

impl Shape<'_> {
    /// As it would be written, in capitals: `SHOP-42`.
    pub fn key(&self) -> String {
        self.text.to_ascii_uppercase()
    }

    /// The project's part of it, in capitals: `SHOP`.
    pub fn project(&self) -> String {
        self.text[..self.hyphen].to_ascii_uppercase()
    }

    /// Whether the project is a configured one. Only then is it a key.
    pub fn configured(&self) -> bool {
        self.configured
    }
}

/// Everything in `text` that has the shape of an issue key, in order.
pub fn keys_in<'t>(text: &'t str, projects: &Projects) -> Vec<Shape<'t>> {
    let mut shapes = Vec::new();
    for word in text.split(|c: char| !u8::try_from(c).is_ok_and(is_key_byte)) {
        let start = shapes.len();
        shapes_backwards(word, projects, &mut shapes);
        shapes[start..].reverse();
    }
    shapes
}

/// The shapes in a word, last first.
///
/// From the right, because only there a longer project key shows: `A-1-2` is issue 2 of a project `A-1`
/// before it is issue 1 of a project `A`.
fn shapes_backwards<'t>(word: &'t str, projects: &Projects, shapes: &mut Vec<Shape<'t>>) {
    let mut end = word.len();
    while let Some(hyphen) = word[..end].rfind('-') {
        end = hyphen;
        if let Some((start, shape)) = shape_at(word, hyphen, projects) {
            shapes.push(shape);
            end = start;
        }
    }
}

fn shape_at<'t>(word: &'t str, hyphen: usize, projects: &Projects) -> Option<(usize, Shape<'t>)> {
    let bytes = word.as_bytes();
    let end = hyphen + 1 + number_length(&bytes[hyphen + 1..])?;
    let before = &bytes[..hyphen];
    let configured = projects.longest_at_end(before);
    let start = configured.or_else(|| hinted_at_end(before))?;
    let shape = Shape { text: &word[start..end], hyphen: hyphen - start, configured: configured.is_some() };
    Some((start, shape))
}

/// How many digits the issue number at the beginning of `text` has, if there is one.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let good = (1..=MAX_DIGITS).contains(&digits) && text[0] != b'0' && is_boundary(Some(digits), text);
    good.then_some(digits)
}

/// Where something begins that could be a project key, and ends at the end of `text`.
fn hinted_at_end(text: &[u8]) -> Option<usize> {
    let is_plain = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let length = text.iter().rev().take(HINTED.end() + 1).take_while(is_plain).count();
    let candidate = &text[text.len() - length..];
    let underscores = candidate.iter().take_while(|b| **b == b'_').count();
    let letter = candidate.get(underscores).is_some_and(u8::is_ascii_alphabetic);
    (letter && HINTED.contains(&(length - underscores)) && length <= *HINTED.end())
        .then_some(text.len() - length + underscores)
}

/// Whether the place `at` of `text` is none, or holds no ASCII letter or digit.
fn is_boundary(at: Option<usize>, text: &[u8]) -> bool {
    !at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
