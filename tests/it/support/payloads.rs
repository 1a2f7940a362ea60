//! What GitHub sends of `acme/shop`.

use conduit::forge::sample::{self, PullRequest, Repository};
use serde_json::Value;

pub(crate) const SHOP: Repository =
    Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };

/// A pull request that was merged into the default branch, from one that names no ticket.
pub(crate) fn merged(number: u64, title: &str) -> Value {
    merged_from(number, title, "x", "main")
}

/// The same from a branch into another.
pub(crate) fn merged_from(number: u64, title: &str, head: &str, base: &str) -> Value {
    let pull_request = PullRequest {
        action: "closed",
        number,
        title,
        head,
        base,
        author: "ada",
        merged: true,
        at: "2026-11-22T10:00:00Z",
        ..PullRequest::default()
    };
    sample::pull_request(&SHOP, &pull_request)
}
