//! Measures the engine alone and a whole fleet: `bash benches/fleet` runs it.
#![expect(clippy::disallowed_methods, reason = "what was measured comes in by standard input")]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use orch::sim::Timing;
use orch_gauge::fleet::Fleet;
use orch_gauge::plot::{self, Point};
use orch_gauge::{engine, shapes, usage};

/// What a node may cost the engine at most: microseconds of CPU, and kilobytes.
const MOST_CPU: f64 = 20.0;
const MOST_MEMORY: f64 = 2.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["engine", nodes] => match nodes.parse() {
            Ok(nodes) => engine(nodes),
            Err(_) => return usage(),
        },
        ["run", accounts] => match accounts.parse() {
            Ok(accounts) => run(accounts),
            Err(_) => return usage(),
        },
        ["plot"] => match plot() {
            Some(svg) => print!("{svg}"),
            None => return usage(),
        },
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

/// Draws lines that [`engine`] printed; `None` if these are none.
fn plot() -> Option<String> {
    let text = std::io::read_to_string(std::io::stdin()).ok()?;
    let point = |line: &str| {
        let numbers: Vec<f64> = line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [nodes, cpu, memory] = numbers[..] else { return None };
        Some(Point { nodes, cpu: cpu / 1_000.0, memory: memory / 1_000.0 })
    };
    let points: Vec<Point> = text.lines().map(point).collect::<Option<_>>()?;
    Some(plot::svg(&points, MOST_CPU, MOST_MEMORY))
}

fn usage() -> ExitCode {
    eprintln!("usage: fleet engine NODES | fleet run ACCOUNTS | fleet plot < LINES");
    ExitCode::from(2)
}

/// Drives a graph of about so many nodes and prints a line: nodes, CPU in nanoseconds and memory in bytes for each.
///
/// The kernel counts CPU in steps of some milliseconds, so what takes less is done several times. What a process needs once
/// is there before: a small graph is driven first.
fn engine(nodes: u32) {
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
}

/// Applies a fleet, applies it again and destroys it, and prints what each took.
fn run(accounts: usize) {
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
            "| {what} | {calls} | {:.1} s | {peak} MB | {:.0} s |",
            cpu.as_secs_f64(),
            passed.as_secs_f64()
        );
        before = now;
    };
    let fleet = Fleet::new(&shapes::fleet(accounts, &["us-east-1", "us-west-2"]), Timing::default());
    row("read", 0, Duration::ZERO);
    runtime.block_on(async {
        let clock = tokio::time::Instant::now();
        assert_eq!(fleet.apply().await.changed, fleet.nodes());
        row("applied", fleet.calls(), clock.elapsed());
        let clock = tokio::time::Instant::now();
        assert_eq!(fleet.apply().await.changed, 0, "what is applied again changes nothing");
        row("applied again", fleet.calls(), clock.elapsed());
        let clock = tokio::time::Instant::now();
        fleet.destroy().await;
        row("destroyed", fleet.calls(), clock.elapsed());
    });
    println!("{} nodes in {accounts} accounts and 2 regions\n", fleet.nodes());
    println!("| what | calls | CPU | memory at most | on the paused clock |\n|---|---|---|---|---|\n{table}");
    println!(
        "all of it: {:.1} s of CPU, {} MB",
        usage::cpu().saturating_sub(began).as_secs_f64(),
        usage::peak() / 1_000_000
    );
}
