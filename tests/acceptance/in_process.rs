//! A whole run inside the test, on tokio's clock: with the clock paused, minutes pass in milliseconds.
#![expect(clippy::disallowed_methods, reason = "the tests read the shipped plans")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_smithy_async::time::TimeSource;
use orch::aws::{Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Control, Limits, Settings};
use orch::event::{Command, Event, Tally};
use orch::graph::{Graph, of_plan};
use orch::inventory::{Inventory, News};
use orch::plan::{Files, Given, Plan, load};
use orch::preview::Preview;
use orch::run::{Gathered, Job, Looking, Means, Outlooks, WantedRoutes, execute, foresee, grounds, search, specs};
use orch::sim::Sim;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The account whose own credentials the runs start from: the shipped plans' master.
const CALLER: &str = "111111111111";

/// The repository, as the plans' files, with one text replaced by another wherever it stands.
struct Repository {
    edit: Option<(&'static str, &'static str)>,
}

impl Files for Repository {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?;
        Ok(self.edit.map_or(text.clone(), |(from, to)| text.replace(from, to)).into_bytes())
    }
}

/// A plan, ready to be run.
#[derive(Clone)]
pub struct Ready {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    sources: Arc<Sources>,
    settings: Settings,
    /// The one node that is chosen, if not all are.
    only: Option<&'static str>,
}

/// An event with the milliseconds since the run began.
pub type Told = Vec<(u128, Event)>;

/// Reads a shipped plan.
pub fn shipped(path: &str) -> Ready {
    read(path, &Repository { edit: None })
}

/// Reads a shipped plan in which a text is replaced by another.
pub fn shipped_but(path: &str, from: &'static str, to: &'static str) -> Ready {
    read(path, &Repository { edit: Some((from, to)) })
}

/// Reads a plan out of files.
pub fn read(path: &str, files: &impl Files) -> Ready {
    let loaded = load(Path::new(path), files, &Given { vars: &[], env: &|_| None });
    assert!(!loaded.problems.iter().any(Problem::is_error), "{:?}", loaded.problems);
    let plan = loaded.plan.unwrap();
    let graph = of_plan(&plan).unwrap();
    let (plan, graph, sources) = (Arc::new(plan), Arc::new(graph), Arc::new(loaded.sources));
    Ready { plan, graph, sources, settings: SETTINGS, only: None }
}

const SETTINGS: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

async fn sessions(sim: &Sim, jobs: &[&Job]) -> Sessions {
    sessions_by(sim, sim.time_source(), jobs).await
}

async fn sessions_by(sim: &Sim, clock: impl TimeSource + 'static, jobs: &[&Job]) -> Sessions {
    let keys = sim.clone();
    let environment = Environment::given(sim.http_client(), clock, move |_| Some(keys.credentials(CALLER)));
    Sessions::open(&specs(jobs), &environment).await.unwrap()
}

impl Ready {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The same plan, to be run by other settings.
    pub fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The same plan, of which one node alone is chosen.
    pub fn only(self, node: &'static str) -> Self {
        Self { only: Some(node), ..self }
    }

    /// Applies all of the plan and gives the tally with everything that was told.
    pub async fn apply(&self, sim: &Sim) -> (Tally, Told) {
        self.run(sim, vec![(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all()), Command::Apply)])
            .await
    }

    /// The same by another clock on the wall than that of the embedded AWS.
    pub async fn apply_by(&self, sim: &Sim, clock: impl TimeSource + 'static) -> (Tally, Told) {
        let job = Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        let began = Instant::now();
        let sessions = sessions_by(sim, clock, &[&job]).await;
        self.run_with((began, sessions), vec![(job, Command::Apply)], &Arc::default(), None).await
    }

    /// The same, while somebody asks for something.
    pub async fn apply_asked(&self, sim: &Sim, asked: mpsc::UnboundedReceiver<Control>) -> (Tally, Told) {
        let job = Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        self.run_asked(sim, vec![(job, Command::Apply)], &Arc::default(), Some(asked)).await
    }

    /// The same, knowing what is remembered of earlier runs; with what this one is to be remembered by.
    pub async fn apply_knowing(&self, sim: &Sim, past: Option<&Inventory>) -> (Tally, Told, News) {
        let job = Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        let job = past.map_or(job.clone(), |past| job.remembering(past));
        let gathered = Arc::new(Gathered::default());
        let (tally, told) = self.run_gathering(sim, vec![(job, Command::Apply)], &gathered).await;
        let took = told.iter().filter_map(|(_, event)| match event {
            Event::NodeDone { node, change, took_ms, .. } => Some((node.clone(), *change, *took_ms)),
            _ => None,
        });
        let news = News { took: took.collect(), worked: gathered.worked(), ..News::default() };
        (tally, told, news)
    }

    /// Deletes all of the plan, as the command line does it: what routes refer to is looked up first.
    pub async fn destroy(&self, sim: &Sim) -> (Tally, Told) {
        let before = Job::before_destroy(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        let job = Job::destroy(Arc::clone(&self.plan), &self.graph, &self.all());
        self.run(sim, vec![(before, Command::Outputs), (job, Command::Destroy)]).await
    }

    /// Previews all of the plan and, if `apply`, applies it by what was seen, as the command line does it where nobody
    /// has to be asked. Gives the preview and the tally.
    pub async fn preview(&self, sim: &Sim, apply: bool) -> (Preview, Tally) {
        let job = Arc::new(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all()));
        let sessions = Arc::new(sessions(sim, &[&job]).await);
        let (outlooks, change_sets) = (Arc::<Outlooks>::default(), Arc::default());
        let looking = Looking {
            sessions: Arc::clone(&sessions),
            sources: Arc::clone(&self.sources),
            outlooks: Arc::clone(&outlooks),
            change_sets: Some(Arc::clone(&change_sets)),
        };
        // What left the plan is looked for meanwhile.
        let inventory = Inventory::empty(&self.plan.name);
        let grounds = grounds(&self.plan, &inventory);
        let searching = search(&self.plan, &inventory, &grounds, &sessions, &[], false);
        let (preview, found) = Box::pin(async { tokio::join!(foresee(&job, self.settings, looking), searching) }).await;
        let left = found.left(&self.plan, &WantedRoutes::foreseen(&self.plan, &outlooks, &self.sources), &inventory);
        assert!(left.leaving.is_empty() && left.unsearched.is_empty(), "{left:?}");
        if !apply {
            return (preview, Tally::default());
        }
        let means = Means {
            sessions,
            gathered: Arc::default(),
            sources: Arc::clone(&self.sources),
            sink: Arc::new(|_| {}),
            outlooks,
            change_sets,
        };
        let (_words, control) = mpsc::unbounded_channel();
        let tally = execute(&job, Command::Apply, self.settings, means, control).await;
        (preview, tally)
    }

    fn all(&self) -> Vec<bool> {
        self.plan.nodes.iter().map(|node| self.only.is_none_or(|only| node.id.to_string() == only)).collect()
    }

    /// Runs jobs one after the other, each with what the last has gathered, and gives the last one's tally.
    async fn run(&self, sim: &Sim, jobs: Vec<(Job, Command)>) -> (Tally, Told) {
        self.run_gathering(sim, jobs, &Arc::default()).await
    }

    async fn run_gathering(&self, sim: &Sim, jobs: Vec<(Job, Command)>, gathered: &Arc<Gathered>) -> (Tally, Told) {
        self.run_asked(sim, jobs, gathered, None).await
    }

    async fn run_asked(
        &self,
        sim: &Sim,
        jobs: Vec<(Job, Command)>,
        gathered: &Arc<Gathered>,
        asked: Option<mpsc::UnboundedReceiver<Control>>,
    ) -> (Tally, Told) {
        let began = Instant::now();
        let touched: Vec<&Job> = jobs.iter().map(|(job, _)| job).collect();
        let sessions = sessions(sim, &touched).await;
        self.run_with((began, sessions), jobs, gathered, asked).await
    }

    async fn run_with(
        &self,
        (began, sessions): (Instant, Sessions),
        jobs: Vec<(Job, Command)>,
        gathered: &Arc<Gathered>,
        mut asked: Option<mpsc::UnboundedReceiver<Control>>,
    ) -> (Tally, Told) {
        let told: Arc<Mutex<Told>> = Arc::default();
        let sink = {
            let told = Arc::clone(&told);
            Arc::new(move |event| told.lock().unwrap().push((began.elapsed().as_millis(), event)))
        };
        let means = Means {
            sessions: Arc::new(sessions),
            gathered: Arc::clone(gathered),
            sources: Arc::clone(&self.sources),
            sink,
            outlooks: Arc::default(),
            change_sets: Arc::default(),
        };
        let mut tally = Tally::default();
        for (job, command) in jobs {
            let (_words, silent) = mpsc::unbounded_channel();
            let control = asked.take().unwrap_or(silent);
            tally = execute(&Arc::new(job), command, self.settings, means.clone(), control).await;
        }
        let told = told.lock().unwrap().clone();
        (tally, told)
    }
}
