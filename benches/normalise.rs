//! What it costs to read a delivery: a pull request of 25 KB, and a push of 20 MB.

use std::hint::black_box;

use conduit::forge::sample::{PullRequest, Push, Repository};
use conduit::forge::{Forge as _, github::GitHub, sample};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const REPO: Repository = Repository { id: 7, owner: "acme", name: "shop", default_branch: "main" };

fn pull_request() -> String {
    let pull_request = PullRequest {
        action: "closed",
        number: 118,
        title: "SHOP-42: Pay by card",
        body: "Adds the card form.",
        head: "feature/SHOP-42",
        base: "main",
        author: "ada",
        merged: true,
        labels: &["checkout"],
        at: "2026-11-02T09:30:00Z",
        ..PullRequest::default()
    };
    sample::pull_request(&REPO, &pull_request).to_string()
}

/// A push of as many commits as make up 20 MB.
fn push() -> String {
    let message = "SHOP-42: Pay by card\n\nThe form asks for no more than the bank does.";
    let of = |commits: usize| {
        let messages = vec![message; commits];
        let push = Push { branch: "main", messages: &messages, author: "ada", at: 1_793_611_800 };
        sample::push(&REPO, &push).to_string()
    };
    let each = (of(1000).len() - of(0).len()) / 1000;
    of(20_000_000 / each)
}

fn normalise(c: &mut Criterion) {
    let mut group = c.benchmark_group("normalise");
    group.sample_size(20);
    for (name, event, body) in
        [("pull request, 25 KB", "pull_request", pull_request()), ("push, 20 MB", "push", push())]
    {
        let headers = [("X-GitHub-Event", event), ("Content-Type", "application/json")];
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| GitHub.normalise(black_box(&headers), black_box(body.as_bytes())));
        });
    }
    group.finish();
}

criterion_group!(benches, normalise);
criterion_main!(benches);
