//! What it costs to find issue keys, per KiB of text, with one project and with a thousand.

use std::hint::black_box;

use conduit::event::ticket::{Projects, keys_in};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Prose with a key now and then, and text made to be hard: every word nearly a key.
const TEXTS: [(&str, &str); 2] = [
    ("prose", "The basket now keeps its order (SHOP-42), in UTF-8 and with well-known names. "),
    ("hard", "P-P-P-1-0-P999-12345678901234567890_"),
];

fn keys(c: &mut Criterion) {
    let many: Vec<String> = (0..1000).map(|n| format!("P{n}")).collect();
    let one = Projects::new(["SHOP"]);
    let thousand = Projects::new(many.iter().map(String::as_str).chain(["SHOP"]));
    let mut group = c.benchmark_group("keys");
    for (name, line) in TEXTS {
        for kib in [1, 64] {
            let text: String = line.chars().cycle().take(kib * 1024).collect();
            group.throughput(Throughput::Bytes(text.len() as u64));
            for (count, projects) in [(1, &one), (1000, &thousand)] {
                let id = BenchmarkId::new(format!("{name}, {count} projects"), format!("{kib} KiB"));
                group.bench_function(id, |b| b.iter(|| keys_in(black_box(&text), projects)));
            }
        }
    }
    group.finish();
}

criterion_group!(benches, keys);
criterion_main!(benches);
