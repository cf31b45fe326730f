//! The commands, as the command line carries them out, in one process on a paused clock.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use orch::aws::{Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event, Tally};
use orch::graph::{Graph, of_plan};
use orch::kinds::stack::ChangeSets;
use orch::plan::{Files, Given, Plan, load};
use orch::preview::Preview;
use orch::run::{Gathered, Job, Looking, Means, Outlooks, execute, foresee, specs};
use orch::sim::Sim;
use tokio::sync::mpsc;

use super::design::{ACCOUNTS, GATEWAY, NET};

const SETTINGS: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

struct Texts<'a>(&'a str);

impl Files for Texts<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = match path.to_str().unwrap_or_default() {
            "plan.toml" => self.0,
            "net.yaml" => NET,
            "gateway.yaml" => GATEWAY,
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(text.into())
    }
}

/// A plan that is applied, previewed and destroyed in a world.
pub(crate) struct Commands {
    sim: Sim,
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    sources: Arc<Sources>,
    told: Arc<Mutex<Vec<Event>>>,
}

/// The embedded AWS as the clients see it.
pub(crate) fn environment(sim: &Sim) -> Environment {
    let keys = sim.clone();
    Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(ACCOUNTS[0].1)))
}

impl Commands {
    /// The commands for a plan's text.
    pub(crate) fn of(sim: &Sim, text: &str) -> Self {
        let loaded = load(Path::new("plan.toml"), &Texts(text), &Given { vars: &[], env: &|_| None });
        let errors: Vec<&Problem> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        let plan = loaded.plan.unwrap();
        let graph = of_plan(&plan).unwrap();
        let (plan, graph, sources) = (Arc::new(plan), Arc::new(graph), Arc::new(loaded.sources));
        Self { sim: sim.clone(), plan, graph, sources, told: Arc::default() }
    }

    /// What the nodes have said so far, those of runs that died included, a line each.
    pub(crate) fn said(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let details = told.iter().filter_map(|event| match event {
            Event::NodeDone { details, .. } => Some(details.clone()),
            _ => None,
        });
        details.flatten().collect()
    }

    /// What has failed so far.
    pub(crate) fn failures(&self) -> String {
        let told = self.told.lock().unwrap();
        let failed = told.iter().filter(|event| matches!(event, Event::NodeFailed { .. }));
        failed.map(|event| format!("{event:#?}")).collect::<Vec<_>>().join("\n")
    }

    fn all(&self) -> Vec<bool> {
        vec![true; self.plan.nodes.len()]
    }

    async fn sessions(&self, jobs: &[&Job]) -> Arc<Sessions> {
        Arc::new(Sessions::open(&specs(jobs), &environment(&self.sim)).await.unwrap())
    }

    /// Shows what is to be done, and does it.
    pub(crate) async fn apply(&self) -> Tally {
        let job = Arc::new(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all()));
        let sessions = self.sessions(&[&job]).await;
        let (outlooks, change_sets) = (Arc::<Outlooks>::default(), Arc::<ChangeSets>::default());
        let looking = Looking {
            sessions: Arc::clone(&sessions),
            sources: Arc::clone(&self.sources),
            outlooks: Arc::clone(&outlooks),
            change_sets: Some(Arc::clone(&change_sets)),
        };
        foresee(&job, SETTINGS, looking).await;
        let ended = self.run(&job, Command::Apply, sessions, Arc::default(), (outlooks, &change_sets)).await;
        change_sets.sweep().await;
        ended
    }

    /// Shows what is to be done.
    pub(crate) async fn preview(&self) -> Preview {
        let job = Arc::new(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all()));
        let change_sets = Arc::<ChangeSets>::default();
        let looking = Looking {
            sessions: self.sessions(&[&job]).await,
            sources: Arc::clone(&self.sources),
            outlooks: Arc::default(),
            change_sets: Some(Arc::clone(&change_sets)),
        };
        let preview = foresee(&job, SETTINGS, looking).await;
        change_sets.sweep().await;
        preview
    }

    /// Deletes all of it.
    pub(crate) async fn destroy(&self) -> Tally {
        let before = Job::before_destroy(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        let job = Job::destroy(Arc::clone(&self.plan), &self.graph, &self.all());
        let sessions = self.sessions(&[&before, &job]).await;
        let gathered = Arc::new(Gathered::default());
        let nothing = || (Arc::default(), Arc::default());
        let (outlooks, change_sets) = nothing();
        let (before, job) = (Arc::new(before), Arc::new(job));
        let given = (Arc::clone(&sessions), Arc::clone(&gathered));
        self.run(&before, Command::Outputs, given.0, given.1, (outlooks, &change_sets)).await;
        let (outlooks, change_sets) = nothing();
        self.run(&job, Command::Destroy, sessions, gathered, (outlooks, &change_sets)).await
    }

    async fn run(
        &self,
        job: &Arc<Job>,
        command: Command,
        sessions: Arc<Sessions>,
        gathered: Arc<Gathered>,
        (outlooks, change_sets): (Arc<Outlooks>, &Arc<ChangeSets>),
    ) -> Tally {
        let sink = Arc::clone(&self.told);
        let means = Means {
            sessions,
            gathered,
            sources: Arc::clone(&self.sources),
            sink: Arc::new(move |event| sink.lock().unwrap().push(event)),
            outlooks,
            change_sets: Arc::clone(change_sets),
        };
        let (_words, control) = mpsc::unbounded_channel();
        Box::pin(execute(job, command, SETTINGS, means, control)).await
    }
}
