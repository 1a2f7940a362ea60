//! Any text searched for ticket keys: what is found is a key, and stands there.

#![no_main]

use std::sync::LazyLock;

use conduit::event::ticket::{Projects, keys_in};
use libfuzzer_sys::fuzz_target;

static PROJECTS: LazyLock<Projects> = LazyLock::new(|| Projects::new(["SHOP", "OPS", "DEV_OPS", "DEV-OPS"]));

fuzz_target!(|text: &str| {
    let upper = text.to_ascii_uppercase();
    for shape in keys_in(text, &PROJECTS) {
        let key = shape.key();
        assert!(upper.contains(&key), "{key} stands in the text");
        let (project, number) = key.rsplit_once('-').expect("a key has a hyphen");
        assert_eq!(project, shape.project());
        assert!(number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0'), "{key}");
    }
});
