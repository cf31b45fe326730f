//! The commands, as the command line carries them out, in one process on a paused clock.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use orch::aws::{Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event, Tally};
use orch::graph::{Graph, of_plan};
use orch::ids::NodeId;
use orch::inventory::{Inventory, News};
use orch::kinds::stack::ChangeSets;
use orch::plan::{Files, Given, Plan, load};
use orch::preview::Preview;
use orch::run::{
    Gathered, Grounds, Job, Left, Looking, Means, Outlooks, WantedRoutes, execute, foresee, grounds, search, used,
};
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
    inventory: Arc<Mutex<Inventory>>,
}

/// What is remembered between the commands, as in the file that the command line keeps.
pub(crate) fn inventory() -> Arc<Mutex<Inventory>> {
    Arc::new(Mutex::new(Inventory::empty("net")))
}

/// The embedded AWS as the clients see it.
pub(crate) fn environment(sim: &Sim) -> Environment {
    let keys = sim.clone();
    Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(ACCOUNTS[0].1)))
}

impl Commands {
    /// The commands for a plan's text.
    pub(crate) fn of(sim: &Sim, text: &str, inventory: &Arc<Mutex<Inventory>>) -> Self {
        let loaded = load(Path::new("plan.toml"), &Texts(text), &Given { vars: &[], env: &|_| None });
        let errors: Vec<&Problem> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        let plan = loaded.plan.unwrap();
        let graph = of_plan(&plan).unwrap();
        let (plan, graph, sources) = (Arc::new(plan), Arc::new(graph), Arc::new(loaded.sources));
        Self { sim: sim.clone(), plan, graph, sources, told: Arc::default(), inventory: Arc::clone(inventory) }
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

    /// What is remembered, by the names that nodes have now.
    fn past(&self) -> Inventory {
        let mut past = self.inventory.lock().unwrap().clone();
        past.rename(&self.renamed());
        past
    }

    fn renamed(&self) -> Vec<(NodeId, NodeId)> {
        self.plan.nodes.iter().filter_map(|node| Some((node.formerly.clone()?, node.id.clone()))).collect()
    }

    /// The tags that may stand on what the plan's nodes have, by their present names and by former ones.
    pub(crate) fn tags(&self) -> Vec<String> {
        let nodes = self.plan.nodes.iter();
        nodes.flat_map(|node| std::iter::once(&node.id).chain(&node.formerly)).map(NodeId::tag).collect()
    }

    async fn sessions(&self, grounds: &Grounds) -> Arc<Sessions> {
        Arc::new(Sessions::open(&grounds.specs, &environment(&self.sim)).await.unwrap())
    }

    fn looking(&self, sessions: &Arc<Sessions>, outlooks: &Arc<Outlooks>, asks: Option<&Arc<ChangeSets>>) -> Looking {
        Looking {
            sessions: Arc::clone(sessions),
            sources: Arc::clone(&self.sources),
            outlooks: Arc::clone(outlooks),
            change_sets: asks.cloned(),
        }
    }

    /// Shows what is to be done, and does it; and deletes what left the plan, if that is asked for and all else is done.
    pub(crate) async fn apply(&self, prunes: bool) -> Tally {
        let (past, change_sets) = (self.past(), Arc::<ChangeSets>::default());
        let (job, outlooks, left, sessions, _) = self.look(&past, &change_sets).await;
        let news = News { accounts: used(&self.plan), renamed: self.renamed(), ..News::default() };
        self.inventory.lock().unwrap().take_in(news);
        let gathered = Arc::<Gathered>::default();
        let means = (Arc::clone(&sessions), Arc::clone(&gathered));
        let mut ended = self.run(&job, Command::Apply, means, (outlooks, &change_sets)).await;
        change_sets.sweep().await;
        if prunes && ended.is_success() && !left.leaving.is_empty() {
            let left = left.clone().without(&WantedRoutes::given(&self.plan, &gathered, &self.sources));
            let job = Arc::new(Job::prune(Arc::clone(&self.plan), &self.graph, &left).remembering(&past));
            let means = (sessions, Arc::clone(&gathered));
            ended = self.run(&job, Command::Prune, means, (Arc::default(), &Arc::default())).await;
        }
        self.note(&gathered, &left);
        ended
    }

    /// Shows what is to be done, and what left the plan.
    pub(crate) async fn preview(&self) -> Preview {
        let change_sets = Arc::<ChangeSets>::default();
        let (.., preview) = self.look(&self.past(), &change_sets).await;
        change_sets.sweep().await;
        preview
    }

    /// Looks at everything that an apply would touch, and at what left the plan.
    async fn look(
        &self,
        past: &Inventory,
        change_sets: &Arc<ChangeSets>,
    ) -> (Arc<Job>, Arc<Outlooks>, Left, Arc<Sessions>, Preview) {
        let job = Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all()).remembering(past);
        let (job, outlooks) = (Arc::new(job), Arc::<Outlooks>::default());
        let grounds = grounds(&self.plan, past);
        let sessions = self.sessions(&grounds).await;
        let looking = self.looking(&sessions, &outlooks, Some(change_sets));
        let searching = search(&self.plan, past, &grounds, &sessions, &[], false);
        let looks = Box::pin(async { tokio::join!(foresee(&job, SETTINGS, looking), searching) });
        let (mut preview, found) = looks.await;
        let left = found.left(&self.plan, &WantedRoutes::foreseen(&self.plan, &outlooks, &self.sources), past);
        assert!(left.unsearched.is_empty(), "{:?}", left.unsearched);
        preview.left = Job::prune(Arc::clone(&self.plan), &self.graph, &left).foreseen_left();
        (job, outlooks, left, sessions, preview)
    }

    /// Deletes all of it, and what left the plan.
    pub(crate) async fn destroy(&self) -> Tally {
        let past = self.past();
        let before = Job::before_destroy(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.all());
        let job = Job::destroy(Arc::clone(&self.plan), &self.graph, &self.all()).remembering(&past);
        let grounds = grounds(&self.plan, &past);
        let sessions = self.sessions(&grounds).await;
        let gathered = Arc::<Gathered>::default();
        let means = || (Arc::clone(&sessions), Arc::clone(&gathered));
        self.run(&Arc::new(before), Command::Outputs, means(), (Arc::default(), &Arc::default())).await;
        let found = search(&self.plan, &past, &grounds, &sessions, &[], true).await;
        let left = found.left(&self.plan, &WantedRoutes::given(&self.plan, &gathered, &self.sources), &past);
        let job = Arc::new(job.and(&left));
        let ended = self.run(&job, Command::Destroy, means(), (Arc::default(), &Arc::default())).await;
        self.note(&gathered, &left);
        ended
    }

    /// Remembers what a run has done.
    fn note(&self, gathered: &Gathered, left: &Left) {
        let gone = gathered.lifted().into_iter().chain(left.gone.iter().cloned()).collect();
        let news = News { laid: gathered.laid(), gone, emptied: left.emptied.clone(), ..News::default() };
        self.inventory.lock().unwrap().take_in(news);
    }

    async fn run(
        &self,
        job: &Arc<Job>,
        command: Command,
        (sessions, gathered): (Arc<Sessions>, Arc<Gathered>),
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
