//! One process of orch: a command, as the command line carries it out, with an environment, tokens and a death of its own.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orch::aws::{Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event, Record, Tally};
use orch::graph::{Graph, of_plan};
use orch::ids::NodeId;
use orch::inventory::{Inventory, News};
use orch::kinds::stack::ChangeSets;
use orch::plan::{Files, Given, Plan, load};
use orch::preview::Preview;
use orch::run::{
    Gathered, Grounds, Job, Left, Looking, Means, Outlooks, WantedRoutes, execute, foresee, grounds, search, used,
};
use orch::sim::{Client, Death, Sim};
use tokio::sync::mpsc;

use super::design::{ACCOUNTS, GATEWAY, NET};
use super::journal;
use super::watch::{Wrongs, when_told};

const SETTINGS: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

/// No command takes longer, whatever goes wrong: a stack is waited for as long as it moves, and stacks of these plans come to
/// rest within an hour.
const AT_MOST: Duration = Duration::from_hours(12);

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

/// A plan that was read.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) plan: Arc<Plan>,
    graph: Arc<Graph>,
    sources: Arc<Sources>,
}

impl Loaded {
    pub(crate) fn of(text: &str) -> Self {
        let loaded = load(Path::new("plan.toml"), &Texts(text), &Given { vars: &[], env: &|_| None });
        let errors: Vec<&Problem> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        let plan = loaded.plan.unwrap();
        let graph = of_plan(&plan).unwrap();
        Self { plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources) }
    }

    /// The tags that may stand on what the plan's nodes have, by their present names and by former ones.
    pub(crate) fn tags(&self) -> Vec<String> {
        let nodes = self.plan.nodes.iter();
        nodes.flat_map(|node| std::iter::once(&node.id).chain(&node.formerly)).map(NodeId::tag).collect()
    }
}

/// What is remembered between commands, as in the file that the command line keeps.
pub(crate) type Folder = Arc<Mutex<Inventory>>;

pub(crate) fn folder() -> Folder {
    Arc::new(Mutex::new(Inventory::empty("net")))
}

/// What came of a command.
#[derive(Debug)]
pub(crate) enum Ended<T> {
    /// Its process died.
    Died,
    /// No session could be opened.
    Unopened(String),
    /// It did not end.
    Never,
    /// It ended.
    With(T),
}

impl<T> Ended<T> {
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::With(value) => Some(value),
            _ => None,
        }
    }
}

/// What a process is started with.
#[derive(Clone)]
pub(crate) struct Start<'a> {
    pub(crate) sim: &'a Sim,
    pub(crate) loaded: &'a Loaded,
    pub(crate) folder: &'a Folder,
    pub(crate) wrongs: &'a Wrongs,
    /// What its tokens come from.
    pub(crate) seed: u64,
    pub(crate) death: Option<Death>,
    /// The account whose keys it is given; the plan's own if it is not misled.
    pub(crate) keys_of: &'a str,
    /// Whether nobody else is at work, so that what it tells must be what the world shows at that moment.
    pub(crate) is_alone: bool,
    /// Whether every session can be had anew that AWS takes no more.
    pub(crate) renews: bool,
    /// Whether nothing goes wrong with calls, so that all can be looked into.
    pub(crate) searches_everywhere: bool,
    /// What it must never tell.
    pub(crate) canary: &'a str,
}

/// A process.
pub(crate) struct Process {
    sim: Sim,
    loaded: Loaded,
    folder: Folder,
    wrongs: Wrongs,
    client: Client,
    environment: Environment,
    told: Arc<Mutex<Vec<Record>>>,
    is_alone: bool,
    renews: bool,
    searches_everywhere: bool,
    canary: String,
}

impl Process {
    pub(crate) fn new(start: &Start<'_>) -> Self {
        let client = start.sim.client(start.death);
        let (keys, owner) = (start.sim.clone(), start.keys_of.to_owned());
        let time = start.sim.time_source();
        let environment = Environment::given(client.http_client(), time, move |_| Some(keys.credentials(&owner)));
        Self {
            sim: start.sim.clone(),
            loaded: start.loaded.clone(),
            folder: Arc::clone(start.folder),
            wrongs: start.wrongs.clone(),
            client,
            environment: environment.seeded(start.seed),
            told: Arc::default(),
            is_alone: start.is_alone,
            renews: start.renews,
            searches_everywhere: start.searches_everywhere,
            canary: start.canary.to_owned(),
        }
    }

    /// What it has told so far, a line each.
    pub(crate) fn lines(&self) -> String {
        let told = self.told.lock().unwrap();
        let line = |record: &Record| match &record.event {
            Event::NodeFailed { node, error, .. } => Some(format!("{} {node} failed: {error:?}", record.at)),
            Event::NodeDone { node, change, details, .. } => {
                Some(format!("{} {node} {change:?} {details:?}", record.at))
            }
            Event::NodeProgress { .. } => None,
            event => Some(format!("{} {event:?}", record.at)),
        };
        let lines: Vec<String> = told.iter().filter_map(line).collect();
        format!("{}\n({} moments)", lines.join("\n"), self.client.moments())
    }

    /// The VPCs that it has told to be left behind in the account.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let details = told.iter().filter_map(|record| match &record.event {
            Event::NodeDone { details, .. } => Some(details),
            _ => None,
        });
        let vpcs = details.flatten().filter_map(|line| {
            let rest = line.strip_prefix("left behind in the account: Vpc (AWS::EC2::VPC) ")?;
            rest.split(',').next().map(str::to_owned)
        });
        vpcs.collect()
    }

    /// Shows what is to be done, and does it; and deletes what left the plan, if that is asked for and all else is done.
    pub(crate) async fn apply(&self, prunes: bool) -> Ended<Tally> {
        let ended = self.until_it_dies(Box::pin(self.applying(prunes))).await;
        self.check(&ended);
        ended
    }

    /// Deletes some stacks by their names, and what needs them.
    pub(crate) async fn destroy_only(&self, names: &[String]) -> Ended<Tally> {
        let Loaded { plan, graph, .. } = &self.loaded;
        let is_named = |node: &orch::plan::Node| match &node.spec {
            orch::plan::Spec::Stack(stack) => names.iter().any(|name| **name == *stack.name),
            _ => false,
        };
        let found: Vec<_> =
            plan.nodes.iter().filter(|node| is_named(node)).filter_map(|node| graph.get(&node.id)).collect();
        let chosen = graph.with_descendants(found);
        let chosen = plan.nodes.iter().map(|node| graph.get(&node.id).is_some_and(|ix| chosen[ix.index()])).collect();
        let ended = self.until_it_dies(Box::pin(self.destroying(chosen, false))).await;
        self.check(&ended);
        ended
    }

    /// Deletes all of it, and what left the plan.
    pub(crate) async fn destroy(&self) -> Ended<Tally> {
        let ended = self.until_it_dies(Box::pin(self.destroying(self.all(), true))).await;
        self.check(&ended);
        ended
    }

    /// Shows what is to be done, and what left the plan.
    pub(crate) async fn preview(&self) -> Ended<Preview> {
        let looking = async {
            let change_sets = Arc::<ChangeSets>::default();
            let (.., preview) = self.look(&self.past(), &change_sets).await?;
            change_sets.sweep().await;
            Ok(preview)
        };
        let ended = self.until_it_dies(Box::pin(looking)).await;
        if let Ended::With(preview) = &ended {
            self.holds_no_secret("a preview", &serde_json::to_string(preview).unwrap());
        }
        ended
    }

    async fn until_it_dies<T>(&self, work: impl Future<Output = Result<T, String>>) -> Ended<T> {
        tokio::select! {
            biased;
            () = self.client.died() => Ended::Died,
            ended = tokio::time::timeout(AT_MOST, work) => match ended {
                // It may have died of its very last word.
                Ok(Ok(_)) if self.client.is_dead() => Ended::Died,
                Ok(Ok(value)) => Ended::With(value),
                Ok(Err(unopened)) => Ended::Unopened(unopened),
                Err(_) => Ended::Never,
            },
        }
    }

    /// Holds what was told against what a run is, and against what the command gave.
    fn check(&self, ended: &Ended<Tally>) {
        let told = self.told.lock().unwrap();
        let runs = journal::runs(&told);
        for (place, run) in runs.iter().enumerate() {
            let result = match ended {
                Ended::With(tally) if place + 1 == runs.len() => Some(*tally),
                _ => None,
            };
            if let Err(wrong) = journal::check(run, &self.loaded.plan, &self.loaded.graph, result) {
                self.wrongs.add(wrong);
            }
        }
        if matches!(ended, Ended::Never) {
            self.wrongs.add("the command does not come to its end".to_owned());
        }
        if let Ended::Unopened(why) = ended {
            self.holds_no_secret("why no session was opened", why);
        }
        for record in &*told {
            if let Some(wrong) = is_a_mistake(&record.event) {
                self.wrongs.add(wrong);
            }
            if let Some(wrong) = fails_for_its_session(&record.event).filter(|_| self.renews) {
                self.wrongs.add(wrong);
            }
            self.holds_no_secret("an event", &serde_json::to_string(record).unwrap());
        }
        self.holds_no_secret("the inventory", &serde_json::to_string(&*self.folder.lock().unwrap()).unwrap());
    }

    fn holds_no_secret(&self, what: &str, text: &str) {
        if text.contains(&self.canary) {
            self.wrongs.add(format!("{what} tells a secret: {text}"));
        }
    }

    fn all(&self) -> Vec<bool> {
        vec![true; self.loaded.plan.nodes.len()]
    }

    /// What is remembered, by the names that nodes have now.
    fn past(&self) -> Inventory {
        let mut past = self.folder.lock().unwrap().clone();
        past.rename(&self.renamed());
        past
    }

    fn renamed(&self) -> Vec<(NodeId, NodeId)> {
        let nodes = self.loaded.plan.nodes.iter();
        nodes.filter_map(|node| Some((node.formerly.clone()?, node.id.clone()))).collect()
    }

    /// Writes something down, unless it is dead by then.
    fn note(&self, news: News) {
        if self.client.moment() {
            self.folder.lock().unwrap().take_in(news);
        }
    }

    async fn sessions(&self, grounds: &Grounds) -> Result<Arc<Sessions>, String> {
        let opened = Sessions::open(&grounds.specs, &self.environment).await;
        opened.map(Arc::new).map_err(|errors| format!("{errors:?}"))
    }

    async fn applying(&self, prunes: bool) -> Result<Tally, String> {
        let (past, change_sets) = (self.past(), Arc::<ChangeSets>::default());
        let (job, outlooks, left, sessions, preview) = self.look(&past, &change_sets).await?;
        self.holds_no_secret("a preview", &serde_json::to_string(&preview).unwrap());
        self.note(News { accounts: used(&self.loaded.plan), renamed: self.renamed(), ..News::default() });
        let gathered = Arc::<Gathered>::default();
        let means = (Arc::clone(&sessions), Arc::clone(&gathered));
        let mut ended = self.run(&job, Command::Apply, means, (outlooks, &change_sets)).await;
        change_sets.sweep().await;
        if prunes && ended.is_success() && !left.leaving.is_empty() {
            let left = left.clone().without(&WantedRoutes::given(&self.loaded.plan, &gathered, &self.loaded.sources));
            let job = Job::prune(Arc::clone(&self.loaded.plan), &self.loaded.graph, &left).remembering(&past);
            let means = (sessions, Arc::clone(&gathered));
            ended = self.run(&Arc::new(job), Command::Prune, means, (Arc::default(), &Arc::default())).await;
        }
        self.note_run(&gathered, &left);
        Ok(ended)
    }

    /// Looks at everything that an apply would touch, and at what left the plan.
    async fn look(
        &self,
        past: &Inventory,
        change_sets: &Arc<ChangeSets>,
    ) -> Result<(Arc<Job>, Arc<Outlooks>, Left, Arc<Sessions>, Preview), String> {
        let Loaded { plan, graph, sources } = &self.loaded;
        let job = Job::apply(Arc::clone(plan), Arc::clone(graph), &self.all()).remembering(past);
        let (job, outlooks) = (Arc::new(job), Arc::<Outlooks>::default());
        let grounds = grounds(plan, past);
        let sessions = self.sessions(&grounds).await?;
        let looking = Looking {
            sessions: Arc::clone(&sessions),
            sources: Arc::clone(sources),
            outlooks: Arc::clone(&outlooks),
            change_sets: Some(Arc::clone(change_sets)),
        };
        let searching = search(plan, past, &grounds, &sessions, &[], false);
        let looks = Box::pin(async { tokio::join!(foresee(&job, SETTINGS, looking), searching) });
        let (mut preview, found) = looks.await;
        let left = found.left(plan, &WantedRoutes::foreseen(plan, &outlooks, sources), past);
        if self.searches_everywhere && !left.unsearched.is_empty() {
            self.wrongs.add(format!("what left the plan cannot be looked for: {:?}", left.unsearched));
        }
        preview.left = Job::prune(Arc::clone(plan), graph, &left).foreseen_left();
        let mistaken = preview.nodes.iter().filter_map(|node| node.failure.as_ref());
        for failure in mistaken.filter(|failure| failure.summary.contains("orch itself failed")) {
            self.wrongs.add(format!("in a preview: {failure:?}"));
        }
        Ok((job, outlooks, left, sessions, preview))
    }

    /// Deletes the chosen nodes, and with all of them what left the plan.
    async fn destroying(&self, chosen: Vec<bool>, all: bool) -> Result<Tally, String> {
        let Loaded { plan, graph, sources } = &self.loaded;
        let past = self.past();
        let before = Job::before_destroy(Arc::clone(plan), Arc::clone(graph), &chosen);
        let job = Job::destroy(Arc::clone(plan), graph, &chosen).remembering(&past);
        let grounds = grounds(plan, &past);
        let sessions = self.sessions(&grounds).await?;
        let gathered = Arc::<Gathered>::default();
        let means = || (Arc::clone(&sessions), Arc::clone(&gathered));
        self.run(&Arc::new(before), Command::Outputs, means(), (Arc::default(), &Arc::default())).await;
        let left = if all {
            let found = search(plan, &past, &grounds, &sessions, &[], true).await;
            found.left(plan, &WantedRoutes::given(plan, &gathered, sources), &past)
        } else {
            Left::default()
        };
        let job = Arc::new(job.and(&left));
        let ended = self.run(&job, Command::Destroy, means(), (Arc::default(), &Arc::default())).await;
        self.note_run(&gathered, &left);
        Ok(ended)
    }

    /// Remembers what a run has done.
    fn note_run(&self, gathered: &Gathered, left: &Left) {
        let gone = gathered.lifted().into_iter().chain(left.gone.iter().cloned()).collect();
        self.note(News { laid: gathered.laid(), gone, emptied: left.emptied.clone(), ..News::default() });
    }

    async fn run(
        &self,
        job: &Arc<Job>,
        command: Command,
        (sessions, gathered): (Arc<Sessions>, Arc<Gathered>),
        (outlooks, change_sets): (Arc<Outlooks>, &Arc<ChangeSets>),
    ) -> Tally {
        let (sim, client, wrongs, plan) =
            (self.sim.clone(), self.client.clone(), self.wrongs.clone(), Arc::clone(&self.loaded.plan));
        let (told, began) = (Arc::clone(&self.told), sim.now());
        let is_held = self.is_alone && command == Command::Apply;
        let sink = move |event: Event| {
            if !client.moment() {
                return;
            }
            if let Some(wrong) = is_held.then(|| when_told(&sim, &plan, began, &event)).flatten() {
                wrongs.add(wrong);
            }
            told.lock().unwrap().push(Record::new(sim.now(), event));
        };
        let means = Means {
            sessions,
            gathered,
            sources: Arc::clone(&self.loaded.sources),
            sink: Arc::new(sink),
            outlooks,
            change_sets: Arc::clone(change_sets),
        };
        let (_words, control) = mpsc::unbounded_channel();
        Box::pin(execute(job, command, SETTINGS, means, control)).await
    }
}

/// What a node says in which orch itself has failed: it has panicked.
fn is_a_mistake(event: &Event) -> Option<String> {
    let Event::NodeFailed { node, error, .. } = event else { return None };
    error.summary.contains("orch itself failed").then(|| format!("{node}: {error:?}"))
}

/// What a node says that fails for a session which could be had anew.
fn fails_for_its_session(event: &Event) -> Option<String> {
    const CODES: [&str; 4] = ["ExpiredToken", "InvalidClientTokenId", "RequestExpired", "AuthFailure"];
    let Event::NodeFailed { node, error, .. } = event else { return None };
    CODES.iter().any(|code| error.cause.contains(code)).then(|| format!("{node} fails for its session: {error:?}"))
}

/// The account whose keys the plan starts from.
pub(crate) const CALLER: &str = ACCOUNTS[0].1;

/// One that the plan does not have.
pub(crate) const STRANGER: &str = "999999999999";
