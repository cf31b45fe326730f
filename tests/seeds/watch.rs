//! What is held against the world while orch is at work: at each call, and whenever something is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use orch::event::{Change, Event, Failure};
use orch::ids::{Kind, NodeId};
use orch::plan::{Node, Plan, Spec};
use orch::sim::cloudformation::{Stack, Status};
use orch::sim::{Call, Place, Sim, World};

use super::design::ACCOUNTS;

/// What was found to be wrong, the first of it first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrongs(Arc<Mutex<Vec<String>>>);

impl Wrongs {
    pub(crate) fn add(&self, wrong: String) {
        self.0.lock().unwrap().push(wrong);
    }

    pub(crate) fn first(&self) -> Option<String> {
        self.0.lock().unwrap().first().cloned()
    }
}

/// Whether tags are of the plan.
fn is_ours<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> bool {
    tag("orch:plan") == Some("net")
}

/// The live stacks that bear the plan's name, each with its place.
pub(crate) fn stacks(world: &World) -> Vec<(Place, &Stack)> {
    let mut found = Vec::new();
    for (account, own) in &world.accounts {
        for (region, regional) in &own.regions {
            for stack in regional.cloudformation.stacks.values().filter(|stack| stack.deleted.is_none()) {
                let config = stack.config.as_ref();
                if config.is_some_and(|config| is_ours(|key| config.tags.get(key).map(orch::sim::world::Word::as_str)))
                {
                    let place = Place { account: account.clone(), region: region.clone() };
                    found.push((place, &**stack));
                }
            }
        }
    }
    found
}

/// Has an eye on all that is changed: nothing of the plan is there twice, nothing of others goes, and nothing is touched in an
/// account that the plan does not have.
pub(crate) fn at_every_call(sim: &Sim, foreign: BTreeSet<String>, wrongs: &Wrongs) {
    let wrongs = wrongs.clone();
    sim.watch(move |world, call| {
        if !call.mutating || !call.outcome.may_have_taken_effect() {
            return;
        }
        for wrong in twice(world).into_iter().chain(touched(world, &foreign)).chain(astray(call)) {
            wrongs.add(format!("after {} in {:?}: {wrong}", call.operation, call.account));
        }
    });
}

/// What there is two of.
fn twice(world: &World) -> Vec<String> {
    let mut pairs: BTreeMap<[&str; 2], Vec<&str>> = BTreeMap::new();
    for peering in world.peerings.values().filter(|peering| !peering.is_dead()) {
        let mut pair = [peering.requester.vpc.as_str(), peering.accepter.vpc.as_str()];
        pair.sort_unstable();
        pairs.entry(pair).or_default().push(&peering.id);
    }
    let peerings = pairs.into_iter().filter(|(_, ids)| ids.len() > 1);
    let mut wrongs: Vec<String> = peerings.map(|(pair, ids)| format!("{ids:?} all link {pair:?}")).collect();
    let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, stack) in stacks(world) {
        let node = stack.config.as_ref().and_then(|config| config.tags.get("orch:node"));
        nodes
            .entry(node.map(ToString::to_string).unwrap_or_default())
            .or_default()
            .push(format!("{place} {}", stack.name));
    }
    let stacks = nodes.into_iter().filter(|(_, stacks)| stacks.len() > 1);
    wrongs.extend(stacks.map(|(node, stacks)| format!("{stacks:?} all bear the tags of {node}")));
    wrongs
}

/// What was there of others and is not any more, or is about to go.
fn touched(world: &World, foreign: &BTreeSet<String>) -> Vec<String> {
    let mut wrongs = Vec::new();
    for id in foreign {
        let peering = world.peerings.get(id.as_str()).is_some_and(|peering| !peering.is_dead());
        let stack = world.places().find_map(|(_, regional)| regional.cloudformation.stacks.get(id.as_str()));
        let stack = stack.is_some_and(|stack| stack.status == Status::CreateComplete && stack.deleted.is_none());
        if !peering && !stack {
            wrongs.push(format!("{id} of somebody else is gone, or about to go"));
        }
    }
    wrongs
}

/// Where a call that changes something must never go.
fn astray(call: &Call) -> Option<String> {
    let account = call.account.as_ref()?;
    let is_known = ACCOUNTS.iter().any(|(_, id)| *id == account.as_str());
    (!is_known).then(|| format!("{} was called in account {account}, which the plan does not have", call.operation))
}

/// Holds what is told of a node that was made what the plan says against the world as it is at that moment.
pub(crate) fn when_told(sim: &Sim, plan: &Plan, began: Timestamp, event: &Event) -> Option<String> {
    if let Event::NodeFailed { node, error, .. } = event {
        return given_up(sim, plan, began, node, error);
    }
    let Event::NodeDone { node: id, change, outputs, details, .. } = event else { return None };
    let node = plan.nodes.iter().find(|node| node.id == *id)?;
    let check = |world: &World| match &node.spec {
        Spec::Stack(spec) => {
            let found = of_node(world, plan, node, &spec.name);
            let Some(stack) = found else { return Some("there is no such stack".to_owned()) };
            told_of_stack(stack, *change, outputs, began)
        }
        Spec::Peering(_) => {
            let peering = world.peerings.get(outputs.get("id")?.as_str());
            let status = peering.map(|peering| peering.status.as_str());
            (status != Some("active")).then(|| format!("the peering is {status:?}"))
        }
        Spec::Route(_) => None,
    };
    let wrong = sim.inspect(check).unwrap()?;
    Some(format!("{id} was told as {change:?} ({details:?}), and {wrong}"))
}

/// A node that fails because a call got no answer, though the stack shows that what the call asked for goes on.
fn given_up(sim: &Sim, plan: &Plan, began: Timestamp, id: &NodeId, error: &Failure) -> Option<String> {
    if error.cause.contains("RouteAlreadyExists") {
        return Some(format!("{id} fails for what is there already, which nobody else has made: {error:?}"));
    }
    let is_unanswered = error.summary.ends_with("got no answer") || error.cause.contains("AlreadyExists");
    let node = plan.nodes.iter().find(|node| node.id == *id).filter(|_| is_unanswered)?;
    let Spec::Stack(spec) = &node.spec else { return None };
    let goes_on = |world: &World| {
        let stack = of_node(world, plan, node, &spec.name)?;
        let ours = stack.config.as_ref()?.tags.get("orch:plan").is_some_and(|plan| plan == "net");
        let status = stack.status.as_str();
        (ours && stack.created >= began && status.starts_with("CREATE_")).then(|| status.to_owned())
    };
    let status = sim.inspect(goes_on).unwrap()?;
    Some(format!("{id} was told as failed ({error:?}), and its stack, which the run has made, is in {status}"))
}

/// The stack of a node.
fn of_node<'w>(world: &'w World, plan: &Plan, node: &Node, name: &str) -> Option<&'w Stack> {
    let account = plan.accounts.get(&node.account)?.id.as_str();
    let at = world.accounts.iter().find(|(id, _)| id.as_str() == account)?.1;
    at.regions.get(&node.region)?.cloudformation.find(name)
}

fn told_of_stack(
    stack: &Stack,
    change: Change,
    outputs: &BTreeMap<String, String>,
    began: Timestamp,
) -> Option<String> {
    let status = stack.status.as_str();
    let complete: &[&str] = match change {
        Change::Created => &["CREATE_COMPLETE"],
        Change::Updated | Change::Replaced => &["UPDATE_COMPLETE", "CREATE_COMPLETE"],
        // What an update that was taken back has left may be what is wanted.
        _ => &["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"],
    };
    if !complete.contains(&status) {
        return Some(format!("the stack is in {status}"));
    }
    let shown: BTreeMap<String, String> =
        stack.outputs.iter().map(|output| (output.key.clone(), output.value.clone())).collect();
    // Its ARN is told beside them.
    let told: BTreeMap<&String, &String> = outputs.iter().filter(|(key, _)| *key != "id").collect();
    if shown.iter().collect::<BTreeMap<_, _>>() != told {
        return Some(format!("its outputs are {shown:?} and were told as {outputs:?}"));
    }
    let touched = stack.updated.unwrap_or(stack.created);
    let wrong = match change {
        Change::Created => stack.created < began,
        Change::Updated | Change::Replaced => touched < began,
        _ => touched >= began,
    };
    wrong.then(|| format!("the run began at {began}, and the stack was last worked on at {touched}"))
}

/// Whether a node may begin before another one that it needs has ended, because the plan lets it have its outputs early.
pub(crate) fn may_be_early(plan: &Plan, needed: &NodeId, by: &NodeId) -> bool {
    let of = |id: &NodeId| plan.nodes.iter().find(|node| node.id == *id);
    let (Some(needed), Some(by)) = (of(needed), of(by)) else { return false };
    match (&needed.spec, &by.spec) {
        // Routes are made into a pending peering, and end with it.
        (Spec::Peering(_), Spec::Route(_)) => true,
        (Spec::Stack(stack), Spec::Peering(_) | Spec::Route(_)) => stack.guards.early_outputs,
        (Spec::Stack(stack), Spec::Stack(other)) => stack.guards.early_outputs && other.guards.early_inputs.is_some(),
        _ => by.id.kind == Kind::Route && needed.id.kind == Kind::Peering,
    }
}
