//! A whole fleet on the embedded AWS, in this process and on a paused clock.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use orch::aws::{Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event, Tally};
use orch::graph::{Graph, of_plan};
use orch::plan::Plan;
use orch::run::{Gathered, Job, Looking, Means, Outlooks, execute, foresee, specs};
use orch::sim::{Sim, Timing};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::shapes::Written;
use crate::usage;

const SETTINGS: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

/// The account whose own credentials the runs start from.
const CALLER: &str = "999999999999";

/// How an application went.
pub struct Applied {
    /// How its nodes ended.
    pub tally: Tally,
    /// How long it took until the first node began, after all accounts were proven and all nodes previewed.
    pub until_begun: Duration,
    /// The CPU that the process had used by then.
    pub cpu_until_begun: Duration,
}

/// A plan and the world that it is carried out in.
pub struct Fleet {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    sources: Arc<Sources>,
    sim: Sim,
}

impl Fleet {
    /// A plan and an empty world.
    ///
    /// # Panics
    /// If the plan has an error.
    pub fn new(written: &Written, timing: Timing) -> Self {
        let loaded = written.load();
        assert!(!loaded.problems.iter().any(Problem::is_error), "{:?}", loaded.problems);
        let plan = loaded.plan.expect("a plan without errors is one");
        let graph = of_plan(&plan).expect("its nodes need each other in an order");
        let sim = Sim::builder().timing(timing).build();
        Self { plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources), sim }
    }

    /// How many nodes the plan has.
    pub fn nodes(&self) -> usize {
        self.graph.len()
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> u64 {
        self.sim.counts().total
    }

    /// Previews the plan and applies it by what was seen, as the command line does.
    ///
    /// # Panics
    /// If an account cannot be reached, or a node fails.
    pub async fn apply(&self) -> Applied {
        let came = Instant::now();
        let begun = Arc::new(OnceLock::new());
        let job = Arc::new(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all()));
        let means = self.means(&[&job], Arc::clone(&begun)).await;
        let looking = Looking {
            sessions: Arc::clone(&means.sessions),
            sources: Arc::clone(&self.sources),
            outlooks: Arc::clone(&means.outlooks),
            change_sets: Some(Arc::clone(&means.change_sets)),
        };
        Box::pin(foresee(&job, SETTINGS, looking)).await;
        let tally = carry_out(job, Command::Apply, means).await;
        let (at, cpu_until_begun) = *begun.get().expect("a node has begun");
        Applied { tally, until_begun: at - came, cpu_until_begun }
    }

    /// Deletes all of the plan, as the command line does: what routes refer to is looked up first.
    ///
    /// # Panics
    /// If an account cannot be reached, or a node fails.
    pub async fn destroy(&self) -> Tally {
        let before = Job::before_destroy(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        let job = Job::destroy(Arc::clone(&self.plan), &self.graph, &self.all());
        let means = self.means(&[&before, &job], Arc::default()).await;
        carry_out(Arc::new(before), Command::Outputs, means.clone()).await;
        carry_out(Arc::new(job), Command::Destroy, means).await
    }

    /// What jobs are carried out with; `begun` is told when the first node begins, and the CPU that was used by then.
    async fn means(&self, jobs: &[&Job], begun: Arc<OnceLock<(Instant, Duration)>>) -> Means {
        let keys = self.sim.clone();
        let environment =
            Environment::given(self.sim.http_client(), self.sim.time_source(), move |_| Some(keys.credentials(CALLER)));
        let sessions = Sessions::open(&specs(jobs), &environment).await.expect("every account can be reached");
        Means {
            sessions: Arc::new(sessions),
            gathered: Arc::new(Gathered::default()),
            sources: Arc::clone(&self.sources),
            sink: Arc::new(move |event| match event {
                Event::NodeStarted { .. } => {
                    begun.get_or_init(|| (Instant::now(), usage::cpu()));
                }
                Event::NodeFailed { node, error, .. } => panic!("{node}: {error:?}"),
                _ => {}
            }),
            outlooks: Arc::<Outlooks>::default(),
            change_sets: Arc::default(),
        }
    }

    fn all(&self) -> Vec<bool> {
        vec![true; self.plan.nodes.len()]
    }
}

async fn carry_out(job: Arc<Job>, command: Command, means: Means) -> Tally {
    let (_words, control) = mpsc::unbounded_channel();
    let tally = execute(&job, command, SETTINGS, means, control).await;
    assert!(tally.is_success(), "{tally:?}");
    tally
}
