//! Any text as an expression: as a condition, as a guard and in a template; then a decision.

#![no_main]

use std::sync::LazyLock;

use conduit::event::Event;
use conduit::event::ticket::Source;
use conduit::forge::{self, sample};
use conduit::machine::{SourceFile, TicketNow, decide, load, precheck};
use libfuzzer_sys::fuzz_target;

static EVENT: LazyLock<Event> = LazyLock::new(|| {
    let shop = sample::Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };
    let pull_request = sample::PullRequest {
        action: "closed",
        number: 118,
        title: "SHOP-42: pay later",
        head: "feature/SHOP-42",
        base: "main",
        author: "ada",
        merged: true,
        at: "2026-11-22T10:00:00Z",
        ..sample::PullRequest::default()
    };
    let body = sample::pull_request(&shop, &pull_request).to_string();
    let headers = [("X-GitHub-Event", "pull_request"), ("Content-Type", "application/json")];
    let github = forge::find("github").expect("GitHub is a forge");
    github.normalise(&headers, body.as_bytes()).expect("a sample is whole")
});

fuzz_target!(|expression: &str| {
    let text = format!(
        r#"
provisioner "shop" {{
  aliasmapper "shop" {{
    aliases = {{ open: "To Do", done: "Done" }}
  }}
  statemachine "shop" {{
    initial = "open"
    state "open" "next" {{ transition = "done" }}
    state "done" "next" {{ transition = "<end>" }}
    on "pull_request.merged" "guard" {{
      when = {expression}
      skip = "guarded"
    }}
    on "pull_request.merged" "condition" {{
      when    = {expression}
      fire    = "next"
      comment = "${{{expression}}}"
    }}
    on "pull_request.merged" {{
      fire    = "next"
      comment = {expression}
    }}
  }}
}}
"#
    );
    let loaded = load(&[SourceFile { name: "fuzz.hcl".into(), text }]);
    let Some(rules) = loaded.rules else { return };
    let ticket = TicketNow {
        key: "SHOP-42".into(),
        project: "SHOP".into(),
        found_in: vec![Source::Title, Source::Branch],
        status: "To Do".into(),
        issue_type: "Story".into(),
        ..TicketNow::default()
    };
    for machine in rules.machines() {
        let decision = decide(machine, &EVENT, &ticket);
        assert_eq!(decision, decide(machine, &EVENT, &ticket), "the same always comes to the same");
        if let Some(early) = precheck(machine, &EVENT, &ticket.found_in) {
            assert_eq!(early, decision, "what is told early is told right");
        }
    }
});
