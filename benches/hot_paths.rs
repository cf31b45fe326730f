//! How long the hot paths take: `cargo bench`. What they cost in instructions, `benches/counts` guards.
#![expect(unreachable_pub, reason = "the files of the gauge are modules here")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[path = "gauge/src/engine.rs"]
#[expect(dead_code, reason = "the tasks are measured by benches/fleet")]
mod engine;
#[path = "gauge/src/shapes.rs"]
#[expect(dead_code, reason = "the fleet is measured by benches/fleet")]
mod shapes;
#[path = "gauge/src/work.rs"]
mod work;

const SIZES: [usize; 2] = [1_000, 10_000];

/// Text into tables and values; every node has a table of its own.
fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for nodes in SIZES {
        let written = shapes::listed(nodes);
        work::load(&written);
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bench| {
            bench.iter_with_large_drop(|| written.parse());
        });
    }
}

/// Tables into nodes whose values are bound; few tables with many instances each.
fn expand(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("expand");
    for nodes in SIZES {
        let written = shapes::grouped(nodes);
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bench| {
            bench.iter_batched(|| written.parse(), |parsed| work::expand(&written, parsed), BatchSize::LargeInput);
        });
    }
}

/// All rules, the network's among them.
fn check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("check");
    for nodes in SIZES {
        let loaded = work::load(&shapes::grouped(nodes));
        let plan = loaded.plan.as_ref().expect("it was held to be there");
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bench| {
            bench.iter_with_large_drop(|| work::check(plan, &loaded.sources));
        });
    }
}

/// What is done next, from the first node to the last, without any task.
fn schedule(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    for nodes in SIZES {
        let graph = Arc::new(engine::graph(u32::try_from(nodes).expect("it is small")));
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(BenchmarkId::from_parameter(nodes), |bench| bench.iter(|| work::schedule(&graph)));
    }
}

/// The shipped template, read and worked out.
fn template(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("template");
    group.bench_function("read", |bench| bench.iter(|| black_box(work::template())));
    group.bench_function("read and evaluate", |bench| bench.iter(|| black_box(work::evaluate())));
}

criterion_group!(hot_paths, parse, expand, check, schedule, template);
criterion_main!(hot_paths);
