//! Which packages make the program, and which of them needs which: read from `cargo tree`, which resolves features for this
//! one program alone. (`cargo metadata` resolves them for the whole workspace, tests and chores included.)

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use crate::cargo;

/// A package's name and version. Two of one name and version never meet: there is one source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) name: String,
    pub(super) version: String,
}

/// The packages of the program.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Each package, and what it needs itself.
    pub(super) needs: BTreeMap<Id, BTreeSet<Id>>,
    /// Those that are compiled in; the others only help to build.
    pub(super) linked: BTreeSet<Id>,
}

impl Tree {
    /// Asks cargo.
    pub(super) fn read(target: &str) -> anyhow::Result<Self> {
        let linked = needs(&ask(target, "normal,no-proc-macro")?)?.into_keys().collect();
        Ok(Self { needs: needs(&ask(target, "normal,build")?)?, linked })
    }
}

fn ask(target: &str, edges: &str) -> anyhow::Result<String> {
    let arguments = ["tree", "--package", "conduit", "--locked", "--offline", "--prefix", "depth"];
    let mut tree = cargo::cargo();
    cargo::output_of(tree.args(arguments).args(["--format", " {p}", "--target", target, "--edges", edges]))
}

/// Reads lines of `DEPTH NAME vVERSION …`. A package that was shown before is shown without what it needs.
fn needs(tree: &str) -> anyhow::Result<BTreeMap<Id, BTreeSet<Id>>> {
    let mut needs: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, id) = read(line).with_context(|| format!("cargo tree says `{line}`"))?;
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(id.clone());
        }
        needs.entry(id.clone()).or_default();
        above.push(id);
    }
    Ok(needs)
}

fn read(line: &str) -> Option<(usize, Id)> {
    let mut words = line.split(' ');
    let depth = words.next()?.parse().ok()?;
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    Some((depth, Id { name, version }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        Id { name: name.into(), version: "1.0.0".into() }
    }

    #[test]
    fn a_line_stands_below_what_needs_it() {
        let tree = "0 a v1.0.0 (/here)\n1 b v1.0.0\n2 c v1.0.0\n1 d v1.0.0 (proc-macro)\n2 b v1.0.0 (*)\n";
        let needs = needs(tree).unwrap();
        assert_eq!(needs[&id("a")], [id("b"), id("d")].into());
        assert_eq!(needs[&id("b")], [id("c")].into(), "also where it is shown a second time");
        assert_eq!(needs[&id("d")], [id("b")].into());
        assert!(needs[&id("c")].is_empty());
    }
}
