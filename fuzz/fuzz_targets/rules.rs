//! Any bytes as a rule file: findings that can be drawn, never a panic.

#![no_main]

use conduit::machine::{SourceFile, load, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let files = [SourceFile::from_bytes("fuzz.hcl", bytes)];
    let loaded = load(&files);
    let drawn = render(&loaded.diagnostics, &files, false);
    assert_eq!(drawn.is_empty(), loaded.diagnostics.is_empty());
    assert!(loaded.rules.is_some() || !loaded.diagnostics.is_empty(), "a refusal says why");
    for label in loaded.diagnostics.iter().flat_map(|finding| &finding.labels) {
        assert!(files[0].text.get(label.span.clone()).is_some(), "a place is in the file");
    }
});
