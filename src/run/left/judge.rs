//! What of all that stands left the plan.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::super::drafts::Drafter;
use super::super::owner::owner;
use super::super::wanted::Resolver;
use super::super::{Gathered, Outlooks};
use super::order::{End, Standing};
use super::search::{Found, Place};
use super::{Leaving, Thing};
use crate::aws::{Peering, PeeringSide, Phase, RouteTable, Stack};
use crate::diag::Sources;
use crate::event::Failure;
use crate::ids::{AccountId, AccountName, Kind, NodeId, Region};
use crate::inventory::{Inventory, Laid};
use crate::kinds::{Adopt, Expected, NODE_TAG, PLAN_TAG, route};
use crate::plan::{Node, Plan, Spec};

/// What is known of a VPC that a node wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Vpc {
    /// It is this one.
    Is(String),
    /// The run will make it, so it is none that stands.
    New,
    /// It may be any.
    Unknown,
}

impl Vpc {
    fn of(expected: &Expected) -> Self {
        match expected.known() {
            Some(id) => Self::Is(id.to_owned()),
            None if expected.later().is_some_and(|later| later.fresh) => Self::New,
            None => Self::Unknown,
        }
    }

    fn may_be(&self, side: &PeeringSide) -> bool {
        match self {
            Self::Is(id) => *id == side.vpc,
            Self::New => false,
            Self::Unknown => true,
        }
    }
}

/// Where the plan's routes and peerings are, as far as that is known.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The two VPCs of peerings.
    pub(super) vpcs: HashMap<NodeId, (Vpc, Vpc)>,
    /// Tables and destinations.
    pub(super) places: HashSet<(String, String)>,
    /// The nodes of which all tables and the destination are known.
    pub(super) certain: HashSet<NodeId>,
    /// The peerings that nodes turned out to have.
    pub(super) peerings: HashSet<String>,
}

impl Wanted {
    /// Where they are by what is foreseen.
    pub fn foreseen(plan: &Plan, outlooks: &Outlooks, sources: &Sources) -> Self {
        let mut wanted = Self::default();
        for node in &plan.nodes {
            let drafter = Drafter {
                outlooks,
                sources,
                owner: owner(plan, node),
                adopt: Adopt::Never,
                givers: Vec::new(),
                job: None,
            };
            // One whose values do not fit fails, and that is told of the node.
            let draft = match &node.spec {
                Spec::Route(spec) => drafter.route(spec),
                Spec::Peering(spec) => {
                    if let Ok(draft) = drafter.peering(spec) {
                        let vpcs = (Vpc::of(&draft.requester.vpc), Vpc::of(&draft.accepter.vpc));
                        wanted.vpcs.insert(node.id.clone(), vpcs);
                    }
                    continue;
                }
                Spec::Stack(_) => continue,
            };
            let Ok(draft) = draft else { continue };
            let known = draft.route_tables.iter().filter_map(Expected::known);
            let tables: Vec<String> = known.map(str::to_owned).collect();
            let certain = tables.len() == draft.route_tables.len();
            let Some(destination) = draft.destination.known() else { continue };
            wanted.add(&node.id, certain, &tables, destination);
        }
        wanted
    }

    /// Where routes are by what the nodes have given, and which peerings they have.
    pub fn given(plan: &Plan, gathered: &Gathered, sources: &Sources) -> Self {
        let mut wanted = Self::default();
        for node in &plan.nodes {
            let spec = match &node.spec {
                Spec::Route(spec) => spec,
                Spec::Peering(_) => {
                    wanted.peerings.extend(gathered.given(&node.id).and_then(|given| given.id));
                    continue;
                }
                Spec::Stack(_) => continue,
            };
            let resolved = Resolver { gathered, sources, owner: owner(plan, node), adopt: Adopt::Never }.route(spec);
            // One that cannot be worked out is told of the node.
            let Ok(route) = resolved else { continue };
            wanted.add(&node.id, true, &route.route_tables, &route.destination);
        }
        wanted
    }

    fn add(&mut self, node: &NodeId, certain: bool, tables: &[String], destination: &str) {
        let Ok((tables, destination)) = route::place(tables, destination) else { return };
        self.places.extend(tables.into_iter().map(|table| (table, destination.clone())));
        if certain {
            self.certain.insert(node.clone());
        }
    }

    /// Whether a node of the plan wants a route to this destination in this table.
    pub(super) fn has(&self, route: &Laid) -> bool {
        self.places.contains(&(route.table.clone(), route.destination.clone()))
    }
}

/// Holds what was found against the plan.
pub(super) struct Judge<'a> {
    plan: &'a Plan,
    inventory: &'a Inventory,
    found: &'a Found,
    nodes: HashMap<&'a NodeId, &'a Node>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(plan: &'a Plan, inventory: &'a Inventory, found: &'a Found) -> Self {
        let named = plan.nodes.iter().filter_map(|node| Some((node.formerly.as_ref()?, node)));
        let nodes = named.chain(plan.nodes.iter().map(|node| (&node.id, node))).collect();
        Self { plan, inventory, found, nodes }
    }

    /// The plan's node of a name, be it one that the node had before.
    fn node(&self, id: &NodeId) -> Option<&'a Node> {
        self.nodes.get(id).copied()
    }

    fn id(&self, account: &AccountName) -> Option<&AccountId> {
        self.plan.accounts.get(account).map(|account| &account.id)
    }

    fn leaving(&self, node: NodeId, (account, region): &Place, thing: Thing) -> Leaving {
        let account = self.found.names.get(account).cloned().unwrap_or_else(|| AccountName::from(account.as_str()));
        Leaving { node, account, region: region.clone(), thing, notes: Vec::new(), refusal: None }
    }

    /// The stacks that left, and what bears the plan's name without being a node's.
    pub(super) fn stacks(&self) -> (Vec<Leaving>, Vec<Failure>) {
        let (mut left, mut odd) = (Vec::new(), Vec::new());
        for (place, stacks) in &self.found.stacks {
            for stack in stacks {
                // A nested stack bears the tags of the one that it is a part of, and goes with it.
                if stack.root.is_some() || stack.status.phase() == Phase::Deleted {
                    continue;
                }
                if stack.tags.get(PLAN_TAG).map(String::as_str) != Some(&*self.plan.name) {
                    continue;
                }
                let tag = stack.tags.get(NODE_TAG).map(String::as_str).unwrap_or_default();
                let node = NodeId::from_tag(tag).filter(|node| node.kind == Kind::Stack);
                let Some(node) = node.filter(|_| !is_of_a_service(stack)) else {
                    odd.push(stray(stack, place, tag));
                    continue;
                };
                left.extend(self.stack(node, place, stack));
            }
        }
        // What was made last is used by nothing that was made before, unless somebody changed that since.
        let made = |left: &Leaving| match &left.thing {
            Thing::Stack(stack) => stack.created,
            Thing::Peering(_) | Thing::Route(_) => None,
        };
        left.sort_by_key(|left| Reverse(made(left)));
        (left, odd)
    }

    fn stack(&self, node: NodeId, place: &Place, stack: &Stack) -> Option<Leaving> {
        // A stack that any node makes or reads is in the plan, whatever node's tags it bears: the node itself says whose it is.
        let names = |node: &&Node| matches!(&node.spec, Spec::Stack(spec) if *spec.name == *stack.name);
        let is_here = |node: &Node| self.id(&node.account) == Some(&place.0) && node.region == place.1;
        if self.plan.nodes.iter().filter(names).any(is_here) {
            return None;
        }
        let present = self.node(&node);
        let mut left = self.leaving(node, place, Thing::Stack(Box::new(stack.clone())));
        if let Some(Node { id, account, region, spec: Spec::Stack(spec), .. }) = present {
            left.notes.push(format!("{id} is stack {} in {account}, {region} now", spec.name));
        }
        if !stack.status.stands() {
            left.notes.push(format!("it is in {}", stack.status));
        }
        if stack.termination_protection {
            left.refusal = Some(protected(stack, &left.account, &left.region));
        }
        Some(left)
    }

    /// The peerings that left.
    pub(super) fn peerings(&self, wanted: &Wanted) -> Vec<Leaving> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut left = Vec::new();
        for (place, peerings) in &self.found.peerings {
            for peering in peerings.iter().filter(|peering| peering.state.is_live()) {
                if peering.tags.get(PLAN_TAG).map(String::as_str) != Some(&*self.plan.name) {
                    continue;
                }
                // CloudFormation copies a stack's tags to the peerings that its template makes; those go with the stack.
                let tag = peering.tags.get(NODE_TAG).map(String::as_str).unwrap_or_default();
                let Some(node) = NodeId::from_tag(tag).filter(|node| node.kind == Kind::Peering) else { continue };
                if self.is_of_plan(&node, peering, wanted) || !seen.insert(&peering.id) {
                    continue;
                }
                let mut leaving = self.leaving(node, place, Thing::Peering(Box::new(peering.clone())));
                let (one, other) = (&peering.requester, &peering.accepter);
                leaving.notes.push(format!(
                    "between {} in account {} and {} in account {}",
                    one.vpc, one.account, other.vpc, other.account
                ));
                if let Some(node) = self.node(&leaving.node) {
                    leaving.notes.push(format!("{} is between other VPCs now", node.id));
                }
                left.push(leaving);
            }
        }
        left
    }

    /// Whether a peering is, or may be, the one that a node wants.
    fn is_of_plan(&self, node: &NodeId, peering: &Peering, wanted: &Wanted) -> bool {
        let Some(Node { id, spec: Spec::Peering(spec), .. }) = self.node(node) else { return false };
        let unknown = (Vpc::Unknown, Vpc::Unknown);
        let vpcs = wanted.vpcs.get(id).unwrap_or(&unknown);
        let (asking, asked) = (&spec.requester, &spec.accepter);
        let is_at = |side: &PeeringSide, account: &AccountName, region: &Region| {
            let same = self.id(account).is_some_and(|id| id.as_str() == side.account);
            same && side.region == region.as_str()
        };
        let (one, other) = (&peering.requester, &peering.accepter);
        let is_between = |one: &PeeringSide, other: &PeeringSide| {
            let in_places = is_at(one, &asking.account, &asking.region) && is_at(other, &asked.account, &asked.region);
            in_places && vpcs.0.may_be(one) && vpcs.1.may_be(other)
        };
        is_between(one, other) || is_between(other, one)
    }

    /// The routes that left: those that the plan made and none of its nodes wants, and those into peerings that left. Then
    /// those of the inventory that are not there any more.
    pub(super) fn routes(&self, peerings: &[Leaving], wanted: &Wanted) -> (Vec<Leaving>, Vec<Laid>) {
        let into = |target: &String| peerings.iter().find(|left| left.thing.name() == *target);
        let mut left = Vec::new();
        for (place, tables) in &self.found.tables {
            for table in tables {
                for route in table.routes.iter().filter(|route| !route.propagated) {
                    let laid = |node: NodeId, target: &String| {
                        let (account, region) = place.clone();
                        let (table, destination) = (table.id.clone(), route.destination.clone());
                        Laid { node, account, region, table, destination, target: target.clone() }
                    };
                    let Some((known, target)) = route.targets.iter().find_map(|target| {
                        let known =
                            self.inventory.routes.iter().find(|known| {
                                **known == laid(known.node.clone(), target) && self.has_left(known, wanted)
                            });
                        let node = known.map(|known| &known.node).or_else(|| into(target).map(|left| &left.node));
                        Some((node?.clone(), target))
                    }) else {
                        continue;
                    };
                    let route = laid(known, target);
                    if !wanted.has(&route) {
                        left.push(self.leaving(route.node.clone(), place, Thing::Route(route)));
                    }
                }
            }
        }
        let gone = self.inventory.routes.iter().filter(|known| {
            let place = (known.account.clone(), known.region.clone());
            self.found.tables.get(&place).is_some_and(|tables| !is_there(known, tables))
        });
        (left, gone.cloned().collect())
    }

    /// All stacks that stand and bear the plan's name, those that left by their places in a list of what did.
    pub(super) fn standing(&self, left: &[Leaving]) -> Vec<Standing<'a>> {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for (index, leaving) in left.iter().enumerate() {
            if let Thing::Stack(stack) = &leaving.thing {
                by_id.insert(&stack.id, index);
            }
        }
        let mut standing = Vec::new();
        for (place, stacks) in &self.found.stacks {
            for stack in stacks.iter().filter(|stack| stack.root.is_none() && stack.status.phase() != Phase::Deleted) {
                if stack.tags.get(PLAN_TAG).map(String::as_str) != Some(&*self.plan.name) {
                    continue;
                }
                let end = by_id.get(stack.id.as_str()).map(|index| End::Left(*index));
                let node =
                    || NodeId::from_tag(stack.tags.get(NODE_TAG)?).and_then(|node| Some(self.node(&node)?.id.clone()));
                let Some(end) = end.or_else(|| node().map(End::Node)) else { continue };
                standing.push(Standing { end, place, stack });
            }
        }
        standing
    }

    /// Whether the node that made a route has left the plan, or is elsewhere now.
    fn has_left(&self, route: &Laid, wanted: &Wanted) -> bool {
        self.node(&route.node).is_none_or(|node| wanted.certain.contains(&node.id))
    }
}

fn is_there(known: &Laid, tables: &[RouteTable]) -> bool {
    let routes = tables.iter().filter(|table| table.id == known.table).flat_map(|table| &table.routes);
    routes.into_iter().any(|route| route.destination == known.destination && route.targets.contains(&known.target))
}

fn protected(stack: &Stack, account: &AccountName, region: &Region) -> Failure {
    let summary = format!("stack {} in {account}, {region} is protected from deletion", stack.name);
    Failure::new(summary, "its termination protection is on").help(format!(
        "switch it off with `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {}`, or leave it where it is",
        stack.name
    ))
}

/// Whether a stack has a name as services of AWS give them: CloudFormation copies a stack's tags to its resources, and
/// these services copy them on to the stacks that they make for a resource. Such a stack is the resource's.
fn is_of_a_service(stack: &Stack) -> bool {
    ["StackSet-", "awseb-e-", "SC-", "aws-cloud9-"].iter().any(|prefix| stack.name.starts_with(prefix))
}

/// Something that bears the plan's name and no node's.
fn stray(stack: &Stack, (account, region): &Place, tag: &str) -> Failure {
    let summary =
        format!("stack {} in account {account}, {region} bears this plan's name and is left alone", stack.name);
    if is_of_a_service(stack) {
        let cause = "its name is one that a service of AWS gives to the stacks that it makes for a resource";
        return Failure::new(summary, cause).help("delete the resource that it is for, or its stack");
    }
    Failure::new(summary, format!("its tag {NODE_TAG} is `{tag}`, which is no stack's of a plan"))
        .help("see who made it: orch itself sets both tags or none")
}
