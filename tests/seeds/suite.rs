//! Many seeds, on all cores; and what fails is made small.
#![expect(clippy::disallowed_methods, reason = "the test is told by its environment which seeds to try")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::design::Version;
use super::story::Story;
use super::tell::{Happened, tell};

/// How many seeds `cargo test` tries.
const SEEDS: u64 = 300;

/// Which seeds are to be tried.
#[derive(Debug)]
pub(crate) enum Asked {
    /// These many, from the first.
    Many { first: u64, count: u64 },
    /// One, without some parts of its story.
    One { seed: u64, without: Vec<String> },
}

impl Asked {
    pub(crate) fn of_environment() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, and is {text:?}")))
        };
        match number("ORCH_SEED") {
            Some(seed) => {
                let without = std::env::var("ORCH_WITHOUT").unwrap_or_default();
                let without = without.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
                Self::One { seed, without }
            }
            None => Self::Many {
                first: number("ORCH_FIRST_SEED").unwrap_or(0),
                count: number("ORCH_SEEDS").unwrap_or(SEEDS),
            },
        }
    }
}

/// Tells one story in a runtime of its own, on a clock that stands still but for what is waited for.
pub(crate) fn told(story: &Story) -> Result<Happened, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let tell = || runtime.block_on(Box::pin(tell(story)));
    catch_unwind(AssertUnwindSafe(tell)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// Tries seeds, and panics with what is to be known of the first that fails.
pub(crate) fn run(asked: &Asked) {
    match asked {
        Asked::One { seed, without } => {
            let story = Story::of(*seed).without(without);
            match told(&story) {
                Ok(happened) => println!("seed {seed} holds: {:#?}", happened.counts),
                Err(wrong) => panic!("{}", failure(&story, without, &wrong)),
            }
        }
        Asked::Many { first, count } => many(*first, *count),
    }
}

/// What is known of the seeds that were tried.
#[derive(Default)]
struct Tried {
    has: BTreeMap<String, usize>,
    happened: BTreeMap<String, usize>,
    failed: BTreeMap<u64, String>,
}

fn many(first: u64, count: u64) {
    let (next, tried) = (AtomicU64::new(first), Mutex::new(Tried::default()));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= first + count {
            break;
        }
        let story = Story::of(seed);
        let told = told(&story);
        let mut tried = tried.lock().unwrap();
        for what in story.has() {
            *tried.has.entry(what.to_owned()).or_default() += 1;
        }
        match told {
            Ok(happened) => {
                for (what, count) in happened.counts {
                    *tried.happened.entry(what).or_default() += count;
                }
            }
            Err(wrong) => {
                // As soon as it is known, since all of them may take minutes.
                println!("seed {seed} fails: {}", wrong.lines().next().unwrap_or_default());
                tried.failed.insert(seed, wrong);
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let tried = tried.into_inner().unwrap();
    println!("{}", table(count, &tried));
    let Some((seed, wrong)) = tried.failed.first_key_value() else {
        if count >= SEEDS {
            enough(&tried);
        }
        return;
    };
    let all: Vec<&u64> = tried.failed.keys().collect();
    let (without, wrong) = shrunk(*seed, wrong);
    let story = Story::of(*seed).without(&without);
    panic!("{} of {count} seeds fail: {all:?}\n\n{}", all.len(), failure(&story, &without, &wrong));
}

/// What must have come about in as many seeds as `cargo test` tries.
const MUST: [&str; 14] = [
    "a process died",
    "a run failed",
    "a second orch began while the first was at work",
    "sessions were revoked while a run was under way",
    "somebody changed something by hand while a run was under way",
    "no session could be opened",
    "begins with a stack in REVIEW_IN_PROGRESS",
    "begins with a stack in CREATE_IN_PROGRESS",
    "begins with a stack in CREATE_FAILED",
    "begins with a stack in ROLLBACK_COMPLETE",
    "begins with a stack in ROLLBACK_FAILED",
    "begins with a stack in UPDATE_IN_PROGRESS",
    "begins with a stack in UPDATE_FAILED",
    "begins with a stack in UPDATE_ROLLBACK_COMPLETE",
];

/// Holds that all that is to be tried came about.
fn enough(tried: &Tried) {
    let missing: Vec<&&str> = MUST.iter().filter(|what| !tried.happened.contains_key(**what)).collect();
    assert!(missing.is_empty(), "in none of the stories: {missing:?}");
}

/// How many of the seeds had what, in Markdown.
fn table(count: u64, tried: &Tried) -> String {
    let rows = |counts: &BTreeMap<String, usize>| -> String {
        counts.iter().fold(String::new(), |rows, (what, count)| rows + &format!("| {what} | {count} |\n"))
    };
    format!(
        "{count} seeds\n\n| what a story has | stories |\n|---|---|\n{}\n| what came of it | times |\n|---|---|\n{}",
        rows(&tried.has),
        rows(&tried.happened)
    )
}

/// The smallest story found that still fails: what can be left out of it, and what is wrong then. What fails in another way is
/// as good: there are two mistakes then, and the smaller one is mended first.
fn shrunk(seed: u64, wrong: &str) -> (Vec<String>, String) {
    let (mut without, mut wrong) = (Vec::new(), wrong.to_owned());
    loop {
        let story = Story::of(seed).without(&without);
        let smaller = story.parts().into_iter().find_map(|part| {
            let mut fewer: Vec<String> = without.clone();
            fewer.push(part);
            told(&Story::of(seed).without(&fewer)).err().map(|wrong| (fewer, wrong))
        });
        match smaller {
            Some(found) => (without, wrong) = found,
            None => return (without, wrong),
        }
    }
}

/// All that is to be known of a story that fails.
fn failure(story: &Story, without: &[String], wrong: &str) -> String {
    let seed = story.seed;
    let less = if without.is_empty() { String::new() } else { format!("ORCH_WITHOUT={} ", without.join(",")) };
    let plan = |version| story.design.plan(version).unwrap_or_default();
    let before = if story.applied { format!("--- applied before\n{}\n", plan(Version::Before)) } else { String::new() };
    format!(
        "seed {seed} fails. To see it again:\n\n    ORCH_SEED={seed} {less}cargo test --test seeds whatever\n\n{}\n\n{before}\
         --- the plan\n{}\n--- what goes wrong\nfaults: {:#?}\nrates: {:?}\ntiming: {:?}\nhands: {:?}\nstates: {:?}\nruns: {:#?}\n\
         squatter: {} misled: {} prunes: {}",
        wrong,
        plan(Version::Now),
        story.faults(),
        story.rates,
        story.timing,
        story.hands,
        story.states,
        story.runs,
        story.squatter,
        story.misled,
        story.prunes
    )
}
