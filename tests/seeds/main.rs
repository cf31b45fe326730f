//! Deterministic simulation: whole commands against the embedded AWS, on a paused clock, in one thread, from a seed that
//! decides everything. docs/reliability.md says what is tried and what must always be so.
//!
//! `ORCH_SEEDS` is how many seeds are tried, `ORCH_SEED` is a single one, and `ORCH_WITHOUT` leaves parts of its story out, as a
//! failure says. `just seeds N` tries N.

mod design;
mod dice;
mod found;
mod journal;
mod others;
mod process;
mod sabotage;
mod story;
mod suite;
mod tell;
mod things;
mod wanted;
mod watch;

use story::Story;
use suite::{Asked, run, told};

#[test]
fn whatever_goes_wrong_the_wanted_world_is_reached_and_nothing_else_is_touched() {
    run(&Asked::of_environment());
}

#[test]
fn a_seed_decides_everything() {
    let meets = |story: &Story| !story.calls.is_empty() && story.runs.iter().any(|(_, run)| run.hand.is_some());
    let met = (0..).map(Story::of).filter(meets).take(6);
    for story in (0..6).map(Story::of).chain(met) {
        let once = || told(&story).map(|happened| happened.calls);
        let first = once().unwrap();
        assert!(first == once().unwrap(), "seed {}", story.seed);
    }
}
