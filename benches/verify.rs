//! What it costs to know a delivery for genuine, per KiB.

use std::hint::black_box;

use conduit::forge::{Forge as _, github::GitHub, sample};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SECRET: &str = "5f0c1e2d3b4a59687766554433221100ffeeddccbbaa99887766554433221100";

fn verify(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    for kib in [1, 25, 1024] {
        let body = vec![b'x'; kib * 1024];
        let genuine = [("X-Hub-Signature-256", sample::sign(SECRET, &body))];
        let forged = [("X-Hub-Signature-256", sample::sign("another", &body))];
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("genuine", format!("{kib} KiB")), |b| {
            b.iter(|| GitHub.verify(black_box(&genuine), black_box(&body), &[SECRET]));
        });
        // A refusal costs three digests whatever was wrong.
        group.bench_function(BenchmarkId::new("forged", format!("{kib} KiB")), |b| {
            b.iter(|| GitHub.verify(black_box(&forged), black_box(&body), &[SECRET]));
        });
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
