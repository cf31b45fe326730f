//! A job carried out on an embedded AWS that is seeded with what is live, so that what a preview cannot know takes a shape.
//!
//! The preview that was made at AWS stays what it is. What was done in the simulation with nodes whose values were not known
//! is told besides, marked as simulated: it is what the embedded AWS does, and no promise of AWS's.

mod live;
mod stored;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::aws::{AccountSpec, Environment, Sessions};
use crate::diag::Sources;
use crate::engine::Settings;
use crate::event::Failure;
use crate::graph::Ix;
use crate::ids::{AccountName, NodeId};
use crate::plan::{Node, Spec};
use crate::preview::{Action, Foreseen, Preview, Simulation};
use crate::run::{Job, Outlooks, Rehearsal, names, rehearse, specs};
use crate::sim::stored::Given;
use crate::sim::world::UNDECIDED;
use crate::sim::{Seed, Sim, Timing, WorldFileError};

pub use live::read;
use stored::stored;

/// What a simulation is made of, besides the job.
#[derive(Clone)]
pub struct Live {
    /// Sessions at the AWS that the job is for. It is only looked at.
    pub sessions: Arc<Sessions>,
    /// The texts of the plan.
    pub sources: Arc<Sources>,
    /// What was foreseen there.
    pub outlooks: Arc<Outlooks>,
}

/// Carries a job out on an embedded AWS in memory and adds to its preview what became of nodes that were not known, and of
/// those that failed there. It takes no time but what the work takes: the clock of the embedded AWS waits for nobody.
pub async fn simulate(job: &Arc<Job>, settings: Settings, live: Live, preview: Preview) -> Preview {
    let told = match Box::pin(read(job, &live)).await {
        Ok(seeds) => {
            let (job, stored) = (Arc::clone(job), stored(job, &live).await);
            // A runtime of its own, whose clock jumps to whatever is waited for.
            let work = tokio::task::spawn_blocking(move || carry_out(&job, settings, &live, (&seeds, stored)));
            work.await.unwrap_or_else(|error| Err(broken_off(error)))
        }
        Err(failure) => Err(failure),
    };
    match told {
        Ok(told) => with(preview, told),
        Err(failure) => {
            Preview { simulation: Some(Simulation { failure: Some(failure), ..Simulation::default() }), ..preview }
        }
    }
}

/// The preview holds all the same.
fn broken_off(error: tokio::task::JoinError) -> Failure {
    let Ok(panic) = error.try_into_panic() else { return Failure::new("the simulation was broken off", "") };
    let text = panic.downcast_ref::<String>().cloned();
    let message = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
    let failure = Failure::new("orch itself failed in the simulation, which is a mistake in orch", message);
    failure.help("please report it with this message")
}

/// What a simulation tells.
struct Told {
    nodes: HashMap<NodeId, Foreseen>,
    assumed: Vec<String>,
}

fn carry_out(
    job: &Arc<Job>,
    settings: Settings,
    live: &Live,
    (seeds, stored): (&[Seed], Vec<(crate::sim::Place, Given)>),
) -> Result<Told, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| Failure::new("the simulation cannot be started", error.to_string()))?;
    // What the log tells of it is not of AWS.
    let _span = tracing::warn_span!("simulation").entered();
    runtime.block_on(async {
        let builder = Sim::builder().timing(Timing::instant());
        let sim =
            stored.into_iter().fold(builder, |builder, (place, given)| builder.stored(place, given)).seeded(seeds);
        let sessions = sessions(job, &sim).await?;
        let Live { sources, outlooks, .. } = live;
        let (sources, outlooks) = (Arc::clone(sources), Arc::clone(outlooks));
        let passed_over = under_way(job, seeds);
        let world = sim.clone();
        let is_made_up = move |text: &str| {
            let assumed =
                world.inspect(|world| world.rules.assumptions.as_ref().is_some_and(|all| all.has_made_up(text)));
            assumed.unwrap_or_default()
        };
        let is_made_up = Box::new(is_made_up);
        let undecided = UNDECIDED;
        let rehearsal = Rehearsal { sessions, sources, outlooks, passed_over, is_made_up, undecided };
        let nodes = rehearse(job, settings, rehearsal).await;
        let assumed =
            assumed(job, &nodes, &sim).map_err(|error| Failure::new("the simulation is lost", error.to_string()))?;
        Ok(Told { nodes, assumed })
    })
}

/// The stacks that somebody's operation is under way at: how that ends is not for a simulation to say.
fn under_way(job: &Job, seeds: &[Seed]) -> HashMap<NodeId, String> {
    let status = |node: &Node, name: &str| {
        let place = place(job, node)?;
        let mut stacks = seeds.iter().filter(|seed| seed.place == place).flat_map(|seed| &seed.stacks);
        let status = stacks.find(|stack| stack.name == name)?.status.as_str();
        // What is being deleted will be gone, and in review nothing runs.
        let is_known = ["DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS"].contains(&status);
        (!is_known && status.ends_with("_IN_PROGRESS")).then_some(status)
    };
    let mut found = HashMap::new();
    for ix in job.taking_part() {
        let node = &job.plan().nodes[ix.index()];
        let Spec::Stack(spec) = &node.spec else { continue };
        if let Some(status) = status(node, &spec.name) {
            found.insert(node.id.clone(), format!("it is in {status}, and how that ends is not known"));
        }
    }
    found
}

/// Sessions at the embedded AWS for every account of a job, each by keys of its own: who may assume which role was seen where
/// the job is for.
async fn sessions(job: &Job, sim: &Sim) -> Result<Arc<Sessions>, Failure> {
    let specs = specs(&[job]);
    let ids: HashMap<String, String> =
        specs.iter().map(|(name, account)| (name.to_string(), account.id.to_string())).collect();
    let keys = sim.clone();
    let environment = Environment::given(sim.http_client(), sim.time_source(), move |profile| {
        Some(keys.credentials(ids.get(profile?)?))
    });
    let environment = environment.granting_all();
    let own = |(name, account): (AccountName, AccountSpec)| {
        let profile = Some(name.to_string());
        let own = AccountSpec { profile, ..AccountSpec::new(account.id, account.region) };
        (name, own)
    };
    let specs: IndexMap<AccountName, AccountSpec> = specs.into_iter().map(own).collect();
    let opened = Sessions::open(&specs, &environment).await;
    opened.map(Arc::new).map_err(|errors| {
        let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::new("the simulation cannot sign in to its own AWS", reasons.join("; "))
    })
}

/// What the simulation took for granted about what it had to do with, with the node that it is about.
fn assumed(job: &Job, nodes: &HashMap<NodeId, Foreseen>, sim: &Sim) -> Result<Vec<String>, WorldFileError> {
    sim.inspect(|world| {
        let Some(assumptions) = &world.rules.assumptions else { return Vec::new() };
        // What is said of many nodes is said once.
        let mut about: IndexMap<&str, Vec<&NodeId>> = IndexMap::new();
        // What was passed over, or needs nothing, is not told of.
        let carried_out = |ix: &Ix| nodes.get(job.graph().id(*ix)).is_some_and(|seen| seen.action != Action::Unknown);
        for ix in job.taking_part().filter(carried_out) {
            let node = &job.plan().nodes[ix.index()];
            let (Spec::Stack(spec), Some(place)) = (&node.spec, place(job, node)) else { continue };
            for what in assumptions.about(&place, &spec.name) {
                about.entry(what).or_default().push(&node.id);
            }
        }
        let mut said: Vec<String> =
            about.iter().map(|(what, nodes)| format!("{}: {what}", names(nodes.iter().copied()))).collect();
        said.extend(assumptions.buckets().map(|name| format!("bucket {name} is taken to be there for templates")));
        said
    })
}

/// Where a node is.
fn place(job: &Job, node: &Node) -> Option<crate::sim::Place> {
    let account = job.plan().accounts.get(&node.account)?.id.clone();
    Some(crate::sim::Place { account, region: node.region.clone() })
}

/// A preview with what a simulation told: of nodes that wait for values, and of what failed although it was certain.
fn with(mut preview: Preview, mut told: Told) -> Preview {
    let unknown: HashSet<NodeId> = preview
        .nodes
        .iter()
        .filter(|node| node.action == Action::Unknown || !node.until.is_empty())
        .map(|node| node.node.clone())
        .collect();
    for node in &mut preview.nodes {
        let Some(seen) = told.nodes.remove(&node.node) else { continue };
        let fails = seen.failing().is_some() && !matches!(node.action, Action::Refused | Action::Skipped);
        if unknown.contains(&node.node) || fails {
            node.simulated = Some(Box::new(seen));
        }
    }
    preview.simulation = Some(Simulation { assumed: told.assumed, failure: None });
    preview
}
