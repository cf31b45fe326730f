//! Does the work of one hot path, in a function of its own that callgrind can be told to count: `benches/counts` runs it.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use orch_gauge::shapes::Written;
use orch_gauge::{engine, shapes, work};

/// Callgrind counts what happens in this function: `--toggle-collect=*counted_by_callgrind*`.
#[inline(never)]
fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
}

fn load(written: &Written) {
    counted_by_callgrind(&mut || std::mem::forget(black_box(work::load(written))));
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("load") => load(&shapes::grouped(2_000)),
        Some("listed") => load(&shapes::listed(2_000)),
        Some("check") => {
            let loaded = work::load(&shapes::grouped(2_000));
            let plan = loaded.plan.as_ref().expect("it was held to be there");
            counted_by_callgrind(&mut || std::mem::forget(black_box(work::check(plan, &loaded.sources))));
        }
        Some("schedule") => {
            let graph = Arc::new(engine::graph(20_000));
            counted_by_callgrind(&mut || std::mem::forget(black_box(work::schedule(&graph))));
        }
        Some("template") => counted_by_callgrind(&mut || {
            for _ in 0..100 {
                black_box(work::evaluate());
            }
        }),
        _ => {
            eprintln!("usage: counts load|listed|check|schedule|template");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
