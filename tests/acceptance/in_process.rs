//! A whole run inside the test, on tokio's clock: with the clock paused, minutes pass in milliseconds.
#![expect(clippy::disallowed_methods, reason = "the tests read the shipped plans")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use orch::aws::{Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event, Tally};
use orch::graph::{Graph, of_plan};
use orch::plan::{Files, Given, Plan, load};
use orch::run::{Gathered, Job, Means, execute, specs};
use orch::sim::Sim;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The account whose own credentials the runs start from: the shipped plans' master.
const CALLER: &str = "111111111111";

/// The repository, as the plans' files.
struct Repository;

impl Files for Repository {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
    }
}

/// A plan, ready to be run.
#[derive(Clone)]
pub struct Ready {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    sources: Arc<Sources>,
}

/// An event with the milliseconds since the run began.
pub type Told = Vec<(u128, Event)>;

/// Reads a shipped plan.
pub fn shipped(path: &str) -> Ready {
    let loaded = load(Path::new(path), &Repository, &Given { vars: &[], env: &|_| None });
    assert!(!loaded.problems.iter().any(Problem::is_error), "{:?}", loaded.problems);
    let plan = loaded.plan.unwrap();
    let graph = of_plan(&plan).unwrap();
    Ready { plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources) }
}

impl Ready {
    /// Applies all of the plan and gives the tally with everything that was told.
    pub async fn apply(&self, sim: &Sim) -> (Tally, Told) {
        let began = Instant::now();
        let told: Arc<Mutex<Told>> = Arc::default();
        let job =
            Arc::new(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &vec![true; self.plan.nodes.len()]));
        let keys = sim.clone();
        let environment =
            Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(CALLER)));
        let sessions = Sessions::open(&specs(&[&job]), &environment).await.unwrap();
        let sink = {
            let told = Arc::clone(&told);
            Arc::new(move |event| told.lock().unwrap().push((began.elapsed().as_millis(), event)))
        };
        let means = Means {
            sessions: Arc::new(sessions),
            gathered: Arc::new(Gathered::default()),
            sources: Arc::clone(&self.sources),
            sink,
        };
        let (_words, control) = mpsc::unbounded_channel();
        let settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };
        let tally = execute(&job, Command::Apply, settings, means, control).await;
        let told = told.lock().unwrap().clone();
        (tally, told)
    }
}
