//! The embedded AWS of a story, and the commands that are run in it.
#![expect(clippy::disallowed_methods, reason = "the tests read the shipped plans")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use orch::aws::{AccountSpec, Environment, Sessions};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event};
use orch::grants::{Grant, Holder, Wanted, grants};
use orch::graph::{Graph, of_plan};
use orch::iam::{Policy, operation};
use orch::ids::AccountName;
use orch::inventory::{Inventory, News};
use orch::plan::{Files, Given, Plan, load};
use orch::run::{
    Gathered, Job, Left, Looking, Means, Outlooks, WantedRoutes, execute, foresee, foresee_destroy, grounds, search,
    specs, used,
};
use orch::sim::{Faults, Identities, ResourceFault, Sim, World};
use tokio::sync::mpsc;

use super::story::SHORT;

/// The account whose own credentials the commands start from: the shipped plans' master.
const CALLER: &str = "111111111111";

const PLAN: &str = "plans/us-east-1.toml";

const SETTINGS: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Preview,
    Apply,
    Prune,
    Destroy,
}

/// A step of a story.
#[derive(Clone)]
pub struct Step {
    pub name: &'static str,
    pub act: Act,
    spokes: &'static str,
    edits: Vec<(&'static str, &'static str)>,
    faults: Vec<ResourceFault>,
    by_hand: Option<fn(&mut World)>,
    /// Whether nodes are to fail in it.
    pub fails: bool,
    /// How many spokes stand afterwards, each with its hub, its peering and its routes; any number if not given.
    standing: Option<usize>,
    /// Whether it is about what left the plan.
    pub needs_listings: bool,
    is_last: bool,
}

impl Step {
    pub fn new(name: &'static str, act: Act, spokes: &'static str) -> Self {
        let (edits, faults) = (Vec::new(), Vec::new());
        Self {
            name,
            act,
            spokes,
            edits,
            faults,
            by_hand: None,
            fails: false,
            standing: None,
            needs_listings: false,
            is_last: false,
        }
    }

    pub fn editing(self, edits: &[(&'static str, &'static str)]) -> Self {
        Self { edits: edits.to_vec(), ..self }
    }

    pub fn failing(self, faults: Vec<ResourceFault>) -> Self {
        Self { faults, fails: true, ..self }
    }

    pub fn by_hand(self, change: fn(&mut World)) -> Self {
        Self { by_hand: Some(change), ..self }
    }

    pub fn standing(self, spokes: usize) -> Self {
        Self { standing: Some(spokes), ..self }
    }

    pub fn listing(self) -> Self {
        Self { needs_listings: true, ..self }
    }

    pub fn last(self) -> Self {
        Self { is_last: true, ..self }
    }

    /// Whether it changes something, and leads to what is known.
    pub fn leads_somewhere(&self) -> bool {
        self.act != Act::Preview && self.standing.is_some()
    }

    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// The plan as it is in this step.
    pub fn ready(&self) -> Ready {
        let vars = [("spokes".to_owned(), self.spokes.to_owned())];
        let loaded = load(Path::new(PLAN), self, &Given { vars: &vars, env: &|_| None });
        assert!(!loaded.problems.iter().any(Problem::is_error), "{:?}", loaded.problems);
        let plan = loaded.plan.unwrap();
        let graph = of_plan(&plan).unwrap();
        Ready { plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources) }
    }
}

impl Files for Step {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?;
        for (from, to) in &self.edits {
            text = text.replace(from, to);
        }
        Ok(text.into_bytes())
    }
}

/// A plan, ready to be run.
pub struct Ready {
    pub plan: Arc<Plan>,
    pub graph: Arc<Graph>,
    pub sources: Arc<Sources>,
}

impl Ready {
    /// What its accounts must allow.
    pub fn grants(&self, wanted: &Wanted) -> Vec<Grant> {
        grants(&self.plan, &self.sources, wanted)
    }

    fn all(&self) -> Vec<bool> {
        vec![true; self.plan.nodes.len()]
    }
}

/// All that a command has said, an item for each failure and warning.
#[derive(Debug, Default)]
pub struct Told {
    texts: Vec<String>,
    /// Whether a node has failed, or would.
    pub failed: bool,
}

impl Told {
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.texts.iter()
    }

    fn add(&mut self, failure: &orch::event::Failure) {
        self.texts.push(format!("{failure}; {}", failure.help.join("; ")));
    }
}

/// A world with the policies of its roles, and what is remembered between commands.
pub struct House {
    pub sim: Sim,
    inventory: Mutex<Inventory>,
    /// Where in the list of calls each step has begun.
    began: Mutex<Vec<usize>>,
}

/// Where a story was.
pub struct Mark {
    world: World,
    inventory: Inventory,
}

/// What was called: the account's id and the operation.
pub type Calls = Vec<(String, String)>;

impl House {
    pub fn new() -> Self {
        let inventory = Mutex::new(Inventory::empty("core-network-us-east-1"));
        Self { sim: Sim::builder().build(), inventory, began: Mutex::default() }
    }

    /// Gives the roles, and the caller, exactly these policies.
    pub fn enforce(&self, grants: &[Grant]) {
        self.sim.set_identities(identities(grants, |grant| vec![&grant.policy]));
    }

    /// The same with what is estimated of the templates, which are held against it.
    pub fn enforce_all(&self, grants: &[Grant]) {
        let all = identities(grants, |grant| {
            let estimate = grant.estimate.as_ref().map(|estimate| &estimate.policy);
            std::iter::once(&grant.policy).chain(estimate).collect()
        });
        self.sim.set_identities(all.for_templates());
    }

    /// Has faults stand, and things done by hand, as a step wants them.
    pub fn prepare(&self, step: &Step) {
        self.sim.set_faults(Faults { resources: step.faults.clone(), ..Faults::default() });
        if let Some(change) = step.by_hand {
            self.sim.change(change).unwrap();
        }
        self.began.lock().unwrap().push(self.sim.calls().len());
    }

    /// Sessions for all accounts of the shipped plan.
    pub async fn sessions(&self) -> Sessions {
        let plan = Step::new("sessions", Act::Apply, SHORT.0).ready().plan;
        let keys = self.sim.clone();
        let environment =
            Environment::given(self.sim.http_client(), self.sim.time_source(), move |_| Some(keys.credentials(CALLER)));
        Sessions::open(&orch::run::every_account(&plan), &environment).await.unwrap()
    }

    pub fn mark(&self) -> Mark {
        let world = self.sim.inspect(World::clone).unwrap();
        Mark { world, inventory: self.inventory.lock().unwrap().clone() }
    }

    pub fn restore(&self, mark: &Mark) {
        let back = |world: &mut World| {
            let rules = std::mem::take(&mut world.rules);
            *world = mark.world.clone();
            world.rules = rules;
        };
        self.sim.change(back).unwrap();
        *self.inventory.lock().unwrap() = mark.inventory.clone();
    }

    /// What was called since a step has begun.
    pub fn calls_since(&self, step: usize) -> Calls {
        let began = self.began.lock().unwrap()[step];
        let calls = self.sim.calls();
        let named = calls[began..]
            .iter()
            .filter_map(|call| Some((call.account.as_ref()?.to_string(), call.operation.to_string())));
        named.collect()
    }

    /// Holds what stands after a step.
    #[track_caller]
    pub fn looks_like(&self, step: &Step) {
        let Some(spokes) = step.standing else { return };
        let count = |world: &World| {
            let places = || world.places().map(|(_, place)| place);
            let stacks = places().flat_map(|place| place.cloudformation.live()).count();
            let peerings = world.peerings.values().filter(|peering| !peering.is_dead()).count();
            let live = |id: &str| world.peerings.get(id).is_some_and(|peering| !peering.is_dead());
            let tables = places().flat_map(|place| place.ec2.route_tables.values());
            let routes = tables.flat_map(|table| table.routes.values()).filter(|route| live(&route.target.id)).count();
            (stacks, peerings, routes)
        };
        let hub = usize::from(spokes > 0);
        let found = self.sim.inspect(count).unwrap();
        assert_eq!(found, (spokes + hub, spokes, 6 * spokes), "{}: stacks, peerings, routes", step.name);
        if step.is_last {
            assert!(self.sim.is_empty().unwrap());
        }
    }

    /// Runs a step's command, and gives all that it says.
    pub async fn take(&self, step: &Step, ready: &Ready) -> Told {
        let warnings: Arc<Mutex<Vec<u8>>> = Arc::default();
        let writer = Lines(Arc::clone(&warnings));
        let collecting = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::WARN)
            .with_writer(writer)
            .finish();
        // What a command spawns runs on this thread, too.
        let collecting = tracing::subscriber::set_default(collecting);
        let mut told = Told::default();
        Box::pin(self.run(step.act, ready, &mut told)).await;
        drop(collecting);
        let lines = String::from_utf8(std::mem::take(&mut *warnings.lock().unwrap())).unwrap();
        told.texts.extend(lines.lines().map(str::to_owned));
        told
    }

    async fn run(&self, act: Act, ready: &Ready, told: &mut Told) {
        let Ready { plan, graph, sources } = ready;
        let inventory = self.inventory.lock().unwrap().clone();
        let (plan, graph) = (Arc::clone(plan), Arc::clone(graph));
        let before = Job::before_destroy(Arc::clone(&plan), Arc::clone(&graph), &ready.all());
        let job = match act {
            Act::Destroy => Job::destroy(plan, &graph, &ready.all()),
            Act::Preview | Act::Apply | Act::Prune => Job::apply(plan, graph, &ready.all()),
        };
        let mut job = Arc::new(job.remembering(&inventory));
        let grounds = grounds(&ready.plan, &inventory);
        let mut wanted: IndexMap<AccountName, AccountSpec> = specs(&[&before, &job]);
        wanted.extend(grounds.specs.clone());
        let keys = self.sim.clone();
        let environment =
            Environment::given(self.sim.http_client(), self.sim.time_source(), move |_| Some(keys.credentials(CALLER)));
        let (sessions, errors) = Sessions::reach(&wanted, &environment).await;
        for error in &errors {
            told.texts.push(format!("{error}; {}", error.help().join("; ")));
        }
        if !errors.is_empty() {
            told.failed = true;
            return;
        }
        let sessions = Arc::new(sessions);
        let (outlooks, change_sets) = (Arc::<Outlooks>::default(), Arc::default());
        let gathered = Arc::new(Gathered::default());
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let means = || {
            let events = Arc::clone(&events);
            Means {
                sessions: Arc::clone(&sessions),
                gathered: Arc::clone(&gathered),
                sources: Arc::clone(sources),
                sink: Arc::new(move |event| events.lock().unwrap().push(event)),
                outlooks: Arc::clone(&outlooks),
                change_sets: Arc::clone(&change_sets),
            }
        };
        let looking = Looking {
            sessions: Arc::clone(&sessions),
            sources: Arc::clone(sources),
            outlooks: Arc::clone(&outlooks),
            change_sets: (act != Act::Destroy).then(|| Arc::clone(&change_sets)),
        };
        let left: Left = if act == Act::Destroy {
            let (_words, control) = mpsc::unbounded_channel();
            execute(&Arc::new(before), Command::Outputs, SETTINGS, means(), control).await;
            let searching = search(&ready.plan, &inventory, &grounds, &sessions, &[], true);
            let foreseeing = foresee_destroy(&job, SETTINGS, looking, Arc::clone(&gathered));
            let (preview, found) = Box::pin(async { tokio::join!(foreseeing, searching) }).await;
            preview.nodes.iter().filter_map(|node| node.failure.as_ref()).for_each(|failure| told.add(failure));
            let left = found.left(&ready.plan, &WantedRoutes::given(&ready.plan, &gathered, sources), &inventory);
            job = Arc::new(Job::clone(&job).and(&left));
            left
        } else {
            let searching = search(&ready.plan, &inventory, &grounds, &sessions, &[], false);
            let (preview, found) = Box::pin(async { tokio::join!(foresee(&job, SETTINGS, looking), searching) }).await;
            preview.nodes.iter().filter_map(|node| node.failure.as_ref()).for_each(|failure| told.add(failure));
            told.failed |= act == Act::Preview && preview.is_refused();
            found.left(&ready.plan, &WantedRoutes::foreseen(&ready.plan, &outlooks, sources), &inventory)
        };
        for failure in &left.unsearched {
            told.texts.push(format!("what left the plan: {failure}; {}", failure.help.join("; ")));
        }
        let mut success = true;
        if act != Act::Preview {
            let command = if act == Act::Destroy { Command::Destroy } else { Command::Apply };
            let (_words, control) = mpsc::unbounded_channel();
            success = execute(&job, command, SETTINGS, means(), control).await.is_success();
        }
        if act == Act::Prune && success {
            let wanted = WantedRoutes::given(&ready.plan, &gathered, sources);
            let job = Job::prune(Arc::clone(&ready.plan), &ready.graph, &left.clone().without(&wanted));
            let job = Arc::new(job.remembering(&inventory));
            let (_words, control) = mpsc::unbounded_channel();
            success = execute(&job, Command::Prune, SETTINGS, means(), control).await.is_success();
        }
        change_sets.sweep().await;
        for event in events.lock().unwrap().iter() {
            if let Event::NodeFailed { error: failure, .. } = event {
                told.add(failure);
            }
        }
        told.failed |= !success;
        let accounts = if matches!(act, Act::Apply | Act::Prune) { used(&ready.plan) } else { Vec::new() };
        let news = News {
            accounts: accounts.into_iter().collect(),
            laid: gathered.laid(),
            gone: gathered.lifted(),
            ..News::default()
        };
        self.inventory.lock().unwrap().take_in(news);
    }
}

/// Whether any of some calls needs an action in an account.
pub fn may_be_asked(calls: &Calls, account: &AccountName, action: &str, ready: &Ready) -> bool {
    let id = ready.plan.accounts[account].id.as_str();
    let needs = |name: &str| operation(name).is_some_and(|row| row.may_need(action));
    // A listing of stacks is two actions.
    let lists = |name: &str| action == "cloudformation:ListStacks" && name == "DescribeStacks";
    calls.iter().any(|(by, name)| by == id && (needs(name) || lists(name)))
}

/// The policies as they are printed and read again.
fn identities(grants: &[Grant], of: impl Fn(&Grant) -> Vec<&Policy>) -> Identities {
    let mut identities = Identities::default();
    for grant in grants {
        let Holder::Account(_) = &grant.holder else { panic!("{:?} is no account", grant.holder) };
        let role = grant.role.as_deref().and_then(|arn| arn.rsplit('/').next());
        let read = |policy: &Policy| Policy::read(&policy.to_json().to_string()).unwrap();
        identities.set(grant.id.as_ref().unwrap(), role, of(grant).into_iter().map(read).collect()).unwrap();
    }
    identities
}

/// Where warnings are collected.
#[derive(Clone)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
