//! The lanes beside the column.

use std::collections::BTreeMap;

use super::layout::{AIR, Bundle};

/// A side of the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
}

/// Lanes by the state they lead to, numbered from the column outward, and how wide each number's are.
pub(super) struct Lanes {
    of: BTreeMap<(Side, usize), usize>,
    widths: BTreeMap<(Side, usize), i32>,
}

impl Lanes {
    /// Gives every state that lines lead to beside the column a lane that is free where they run.
    pub(super) fn of(bundles: &[Bundle]) -> Self {
        let mut spans: BTreeMap<(Side, usize), (usize, usize, i32)> = BTreeMap::new();
        for bundle in bundles {
            let Some(side) = bundle.side() else { continue };
            let (first, last) = bundle.span();
            let span = spans.entry((side, bundle.to)).or_insert((first, last, 0));
            *span = (span.0.min(first), span.1.max(last), span.2.max(bundle.label_width()));
        }
        let mut wanted: Vec<_> = spans.into_iter().collect();
        // Short ones stay near the column.
        wanted.sort_by_key(|((side, to), (first, last, _))| (*side, last - first, *to));
        let mut lanes = Self { of: BTreeMap::new(), widths: BTreeMap::new() };
        let mut taken: BTreeMap<(Side, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for ((side, to), (first, last, width)) in wanted {
            let mut number = 0;
            let free = |spans: &Vec<(usize, usize)>| spans.iter().all(|(f, l)| last < *f || *l < first);
            while !taken.get(&(side, number)).is_none_or(free) {
                number += 1;
            }
            taken.entry((side, number)).or_default().push((first, last));
            let widest = lanes.widths.entry((side, number)).or_default();
            *widest = (*widest).max(width);
            lanes.of.insert((side, to), number);
        }
        lanes
    }

    /// How much room a side needs.
    pub(super) fn total(&self, side: Side) -> i32 {
        self.widths.iter().filter(|((s, _), _)| *s == side).map(|(_, width)| width).sum::<i32>() + AIR
    }

    /// How far from the column the line to a state runs.
    pub(super) fn distance(&self, side: Side, to: usize) -> i32 {
        let number = self.of.get(&(side, to)).copied().unwrap_or_default();
        let inner = self.widths.iter().filter(|((s, n), _)| *s == side && *n < number);
        inner.map(|(_, width)| width).sum::<i32>() + AIR
    }
}

/// The rows whose edges use one side of a state, from top to bottom, each with whether it arrives.
pub(super) fn ports(row: usize, side: Side, bundles: &[Bundle], lanes: &Lanes) -> Vec<(usize, bool)> {
    let beside = || bundles.iter().filter(|bundle| bundle.side() == Some(side));
    let arrives = beside().any(|bundle| bundle.to == row).then_some((row, true));
    let mut leaving: Vec<usize> =
        beside().filter(|bundle| bundle.from == row).map(|bundle| bundle.to).collect();
    leaving.sort_by_key(|to| lanes.of.get(&(side, *to)));
    let leaving = leaving.into_iter().map(|to| (to, false));
    match side {
        // Going down, outer lanes start above inner ones; going up, below them. So they do not cross.
        Side::Right => arrives.into_iter().chain(leaving.rev()).collect(),
        Side::Left => leaving.chain(arrives).collect(),
    }
}
