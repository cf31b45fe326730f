//! Measures the engine alone and a whole fleet: `bash benches/fleet` runs it.
#![expect(
    clippy::disallowed_methods,
    reason = "what was measured comes in by standard input, and a drawing of it is written"
)]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use orch::sim::Timing;
use orch_gauge::fleet::Fleet;
use orch_gauge::plot::{self, Point};
use orch_gauge::{engine, shapes, usage};

/// What a node may cost the engine at most: microseconds of CPU, and kilobytes of memory.
const MOST_CPU: f64 = 20.0;
const MOST_MEMORY: f64 = 2.0;

/// How many times the instructions of a node in the smallest graph one in the largest may take, if its cost is flat.
const MOST_GROWTH: f64 = 1.05;

/// What a fleet of so many accounts may take at most, applied, applied again and destroyed: seconds of CPU, and megabytes.
const ACCOUNTS: usize = 1_000;
const MOST_RUN_CPU: f64 = 60.0;
const MOST_RUN_MEMORY: u64 = 300;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let missed = match arguments[..] {
        ["engine", nodes] => nodes.parse().ok().map(engine),
        ["run", accounts] => accounts.parse().ok().map(run),
        ["hold", svg] => points().map(|points| hold(&points, svg)),
        _ => None,
    };
    let Some(missed) = missed else {
        eprintln!("usage: fleet engine NODES | fleet run ACCOUNTS | fleet hold SVG < LINES");
        return ExitCode::from(2);
    };
    for what in &missed {
        println!("missed: {what}");
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The lines that [`engine`] printed, each with the instructions for a node behind it if they were counted; `None` if these
/// are none.
fn points() -> Option<Vec<Point>> {
    let text = std::io::read_to_string(std::io::stdin()).ok()?;
    let point = |line: &str| {
        let numbers: Vec<f64> = line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [nodes, cpu, memory, ref instructions @ ..] = numbers[..] else { return None };
        let instructions = instructions.first().copied();
        Some(Point { nodes, cpu: cpu / 1_000.0, memory: memory / 1_000.0, instructions })
    };
    text.lines().map(point).collect()
}

/// Prints what a node cost, draws it, and says what of it is more than was promised.
fn hold(points: &[Point], svg: &str) -> Vec<String> {
    println!("| nodes | CPU a node | memory a node | instructions a node |\n|---|---|---|---|");
    let mut missed = Vec::new();
    for Point { nodes, cpu, memory, instructions } in points {
        let counted = instructions.map_or("not counted".to_owned(), |count| format!("{count:.0}"));
        println!("| {nodes} | {cpu:.1} µs | {memory:.2} KB | {counted} |");
        if *cpu > MOST_CPU {
            missed.push(format!("{cpu:.1} µs of CPU a node at {nodes} nodes, where {MOST_CPU} are promised"));
        }
        if *memory > MOST_MEMORY {
            missed.push(format!("{memory:.2} KB a node at {nodes} nodes, where {MOST_MEMORY} are promised"));
        }
    }
    let counted: Vec<f64> = points.iter().filter_map(|point| point.instructions).collect();
    if counted.len() < points.len() {
        println!("Whether the cost of a node is flat was not counted: there is no valgrind.");
    } else if let [first, .., last] = counted[..]
        && last > first * MOST_GROWTH
    {
        missed.push(format!("a node takes {:.2} times the instructions in the largest graph", last / first));
    }
    if let Err(error) = std::fs::write(svg, plot::svg(points, MOST_CPU, MOST_MEMORY)) {
        missed.push(format!("{svg} cannot be written: {error}"));
    }
    missed
}

/// Drives a graph of about so many nodes and prints a line: nodes, CPU in nanoseconds and memory in bytes for each.
///
/// The kernel counts CPU in steps of some milliseconds, so what takes less is done several times. What a process needs once
/// is there before: a small graph is driven first.
fn engine(nodes: u32) -> Vec<String> {
    let drive = |nodes: u32| {
        let graph = Arc::new(engine::graph(nodes));
        let (events, summary) = engine::run(engine::schedule(&graph));
        assert!(summary.is_success() && events == 2 * graph.len(), "every node starts and ends well");
        graph.len()
    };
    drive(100);
    let (cpu, memory) = (usage::cpu(), usage::memory());
    let times = (200_000 / nodes).max(1);
    let driven: usize = (0..times).map(|_| drive(nodes)).sum();
    let (cpu, memory) = (usage::cpu().saturating_sub(cpu), usage::peak() - memory);
    let one = driven / times as usize;
    println!("{one} {} {}", cpu.as_nanos() / driven as u128, memory / one as u64);
    Vec::new()
}

/// Applies a fleet, applies it again and destroys it, prints what each took, and says what of it is more than was promised.
fn run(accounts: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime needs no more than this");
    let mut table = String::new();
    let mut before = (usage::cpu(), 0);
    let began = before.0;
    let mut row = |what: &str, calls: u64, passed: Duration| {
        let now = (usage::cpu(), calls);
        let (cpu, calls) = (now.0.saturating_sub(before.0), now.1 - before.1);
        let peak = usage::peak() / 1_000_000;
        let _ = writeln!(
            table,
            "| {what} | {calls} | {:.1} s | {peak} MB | {:.1} s |",
            cpu.as_secs_f64(),
            passed.as_secs_f64()
        );
        before = now;
    };
    let fleet = Fleet::new(&shapes::fleet(accounts, &["us-east-1", "us-west-2"]), Timing::default());
    row("read", 0, Duration::ZERO);
    let first = runtime.block_on(async {
        let clock = tokio::time::Instant::now();
        let applied = fleet.apply().await;
        assert_eq!(applied.tally.changed, fleet.nodes());
        row("applied", fleet.calls(), clock.elapsed());
        let clock = tokio::time::Instant::now();
        assert_eq!(fleet.apply().await.tally.changed, 0, "what is applied again changes nothing");
        row("applied again", fleet.calls(), clock.elapsed());
        let clock = tokio::time::Instant::now();
        fleet.destroy().await;
        row("destroyed", fleet.calls(), clock.elapsed());
        applied
    });
    let (cpu, memory) = (usage::cpu().saturating_sub(began).as_secs_f64(), usage::peak() / 1_000_000);
    println!("{} nodes in {accounts} accounts and 2 regions\n", fleet.nodes());
    println!("| what | calls | CPU | memory at most | on the paused clock |\n|---|---|---|---|---|");
    println!("{table}| all of it | {} | {cpu:.1} s | {memory} MB | |", fleet.calls());
    println!(
        "\nThe first node begins after {:.1} s on the paused clock and {:.1} s of CPU: all accounts are proven and all nodes previewed by then.",
        first.until_begun.as_secs_f64(),
        first.cpu_until_begun.saturating_sub(began).as_secs_f64()
    );
    let mut missed = Vec::new();
    if accounts <= ACCOUNTS && cpu > MOST_RUN_CPU {
        missed.push(format!("{cpu:.1} s of CPU, where {MOST_RUN_CPU} are promised for {ACCOUNTS} accounts"));
    }
    if accounts <= ACCOUNTS && memory > MOST_RUN_MEMORY {
        missed.push(format!("{memory} MB, where {MOST_RUN_MEMORY} are promised for {ACCOUNTS} accounts"));
    }
    missed
}
