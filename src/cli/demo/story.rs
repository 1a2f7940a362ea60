//! The story the demo tells: deliveries as GitHub would send them, as data.

use jiff::Timestamp;
use serde_json::Value;

use crate::forge::sample::{self, PullRequest, Release, Repository};

/// One delivery and what to call it.
pub(super) struct Step {
    /// A sentence for people.
    pub(super) title: &'static str,
    /// A few words for the table.
    pub(super) short: &'static str,
    /// What is sent.
    pub(super) delivery: Delivery,
}

/// What is sent.
pub(super) struct Delivery {
    /// The repository whose hook it goes to.
    pub(super) repository: &'static str,
    /// `X-GitHub-Event`.
    pub(super) event: &'static str,
    /// `X-GitHub-Delivery`.
    pub(super) id: String,
    /// The body.
    pub(super) payload: Value,
    /// Who signs it.
    pub(super) signature: Signature,
}

/// Who signs a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    /// The forge, with the registered secret.
    Genuine,
    /// Somebody who does not know it.
    Forged,
}

const SHOP: Repository = Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };
const PAY: Repository = Repository { id: 102, owner: "acme", name: "pay", default_branch: "main" };
const WEB: Repository = Repository { id: 103, owner: "acme", name: "web", default_branch: "main" };

/// The deliveries, in the order they are sent.
pub(super) fn steps() -> Vec<Step> {
    let at = &Timestamp::now().to_string();
    let invoice = PullRequest {
        action: "opened",
        number: 118,
        title: "SHOP-1: pay by invoice",
        head: "feature/SHOP-1-invoice",
        base: "main",
        author: "ada",
        draft: true,
        at,
        ..PullRequest::default()
    };
    let ready = PullRequest { action: "ready_for_review", draft: false, ..invoice };
    let merged = PullRequest { action: "closed", merged: true, ..ready };
    let wishes = PullRequest {
        action: "closed",
        number: 119,
        title: "Wish lists",
        head: "SHOP-2-wish-lists",
        merged: false,
        ..ready
    };
    let wrapping = PullRequest {
        number: 120,
        title: "SHOP-3 gift wrapping",
        head: "wrapping",
        base: "develop",
        ..merged
    };
    let refunds =
        PullRequest { number: 7, title: "PAY-1, PAY-2: refunds", head: "refunds", author: "grace", ..merged };
    let housekeeping = PullRequest {
        number: 31,
        title: "Read files as UTF-8, hash with SHA-256 (see OPS-7)",
        head: "housekeeping",
        author: "grace",
        ..merged
    };
    let release = Release {
        action: "published",
        id: 9001,
        tag: "v2.1.0",
        name: "2.1.0",
        notes: "## Shipped\n\n- PAY-3 currencies\n- PAY-4 direct debit\n- WEB-1 dark theme\n",
        prerelease: false,
        author: "grace",
        at,
    };
    vec![
        pull_request("#118 is opened as a draft", "#118 opened, draft", &SHOP, &invoice, "d-1"),
        pull_request("#118 is ready for review", "#118 ready", &SHOP, &ready, "d-2"),
        pull_request("#118 is merged into main", "#118 merged", &SHOP, &merged, "d-3"),
        pull_request("GitHub delivers the merge again", "#118 merged, again", &SHOP, &merged, "d-3"),
        pull_request("#119 is closed without merging", "#119 closed", &SHOP, &wishes, "d-4"),
        pull_request("#120 is merged into develop", "#120 merged", &SHOP, &wrapping, "d-5"),
        forged("somebody posts a forged merge", "forged", &SHOP, &wishes, "d-6"),
        pull_request("#7, which names two tickets, is merged", "#7 merged", &PAY, &refunds, "d-7"),
        Step {
            title: "release v2.1.0 names three tickets",
            short: "release v2.1.0",
            delivery: Delivery {
                repository: "acme/pay",
                event: "release",
                id: "d-8".into(),
                payload: sample::release(&PAY, &release),
                signature: Signature::Genuine,
            },
        },
        pull_request(
            "#31, which names no ticket of ours, is merged",
            "#31 merged",
            &WEB,
            &housekeeping,
            "d-9",
        ),
    ]
}

fn pull_request(
    title: &'static str,
    short: &'static str,
    repository: &Repository<'static>,
    pull_request: &PullRequest<'_>,
    id: &str,
) -> Step {
    let delivery = Delivery {
        repository: path(repository),
        event: "pull_request",
        id: id.into(),
        payload: sample::pull_request(repository, pull_request),
        signature: Signature::Genuine,
    };
    Step { title, short, delivery }
}

fn forged(
    title: &'static str,
    short: &'static str,
    repository: &Repository<'static>,
    request: &PullRequest<'_>,
    id: &str,
) -> Step {
    let mut step = pull_request(title, short, repository, request, id);
    step.delivery.signature = Signature::Forged;
    step
}

fn path(repository: &Repository<'static>) -> &'static str {
    super::world::REPOSITORIES.into_iter().find(|path| path.ends_with(repository.name)).unwrap_or_default()
}

/// The smallest body that GitHub's merge of a pull request could be, on one line, for a person's curl.
pub(super) fn curl_body() -> Value {
    serde_json::json!({
        "action": "closed", "number": 121,
        "pull_request": {
            "number": 121, "title": "SHOP-3 gift wrapping", "merged": true, "merge_commit_sha": "c0ffee",
            "head": { "ref": "wrapping", "sha": "c0ffee" }, "base": { "ref": "main" }, "user": { "login": "you" },
        },
        "repository": { "id": 101, "name": "shop", "full_name": "acme/shop", "default_branch": "main" },
        "sender": { "login": "you" },
    })
}
