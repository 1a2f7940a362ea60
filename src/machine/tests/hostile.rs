//! Files that nobody would write: damaged, endless, nested. A finding or a set, never a panic; and the limits are
//! where they are said to be.

use proptest::prelude::*;

use super::files::{fixture, folder};
use super::*;

const MIB: usize = 1 << 20;

/// The first finding about a file, or nothing.
fn first_finding(bytes: &[u8]) -> Option<String> {
    let files = [SourceFile::from_bytes("a.hcl", bytes)];
    let loaded = load(&files);
    assert_eq!(render(&loaded.diagnostics, &files, false).is_empty(), loaded.diagnostics.is_empty());
    loaded.diagnostics.first().map(|finding| finding.message.clone())
}

fn whole_files() -> Vec<Vec<u8>> {
    let paths = folder("ok").into_iter();
    let files: Vec<Vec<u8>> =
        paths.flat_map(|path| fixture(&path).0).map(|file| file.text.into_bytes()).collect();
    assert!(files.len() > 2);
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        bytes in prop::sample::select(whole_files()),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes;
        for (at, with) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= with;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        first_finding(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        first_finding(&bytes);
    }
}

#[test]
fn nesting_ends_at_64_levels_whatever_nests() {
    for (open, close) in [("[", "]"), ("{ a = ", " }"), ("(", ")"), ("\"${", "}\""), ("true ? ", " : 1")] {
        for depth in [65, 1000, 20_000] {
            let text = format!("a = {}1{}", open.repeat(depth), close.repeat(depth));
            assert!(first_finding(text.as_bytes()).unwrap().starts_with("syntax: "), "{depth} × {open}");
        }
    }
    let nested = |depth: usize| format!("a = {}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(first_finding(nested(64).as_bytes()).unwrap(), "unknown argument `a`");
    assert_eq!(first_finding(nested(65).as_bytes()).unwrap(), "syntax: expected at most 64 nested levels");
}

#[test]
fn a_file_ends_at_one_mebibyte() {
    let padded = |size: usize| {
        let mut text = BASE.to_owned();
        text.push_str(&"#".repeat(size - text.len()));
        text
    };
    assert_eq!(first_finding(padded(MIB).as_bytes()), None);
    let longer = first_finding(padded(MIB + 1).as_bytes()).unwrap();
    assert_eq!(longer, "syntax: expected at most 1 MiB, found 1048577 bytes");
}

#[test]
fn a_file_full_of_one_thing_is_told_in_one_go() {
    for piece in
        ["a = 1\n", "x {}\n", "\"", "{", "on \"push\" {}\n", "/*", "<<E\n", "${", "a.", "\u{FEFF}", "\0"]
    {
        let text = piece.repeat(100_000 / piece.len());
        assert!(first_finding(text.as_bytes()).is_some(), "{piece:?}");
    }
}
