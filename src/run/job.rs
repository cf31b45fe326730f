//! Which nodes take part in a run, and what is done with each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Leave;
use super::left::{Before, End, Leaving, Left};
use crate::graph::{Edge, Graph, Ix, Join, Reason, RolledOut, rolled_out};
use crate::ids::{AccountName, Kind, NodeId, Region};
use crate::inventory::{Durations, Inventory, Laid};
use crate::kinds::{Adopt, stack};
use crate::plan::{Node, Plan, Spec};
use crate::preview::{Action, Foreseen};

/// What is done with one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Made what the plan says.
    Converge,
    /// Read, because it must exist: the plan does not manage it, or a chosen node needs what it gives.
    Read,
    /// Looked up; it may be missing.
    Find,
    /// Looked up before it is deleted, for what it gives and whatever state it is in; it may be missing.
    Recall,
    /// Looked up before it is deleted, like the last; and refused if it is protected from deletion.
    Vet,
    /// Deleted.
    Destroy,
    /// Something that left the plan, deleted.
    Prune,
    /// What runs at it is broken off.
    Cancel,
    /// Nothing: it is left out, and only holds the order of those before and behind it together.
    Leave,
}

/// A plan, its graph, and a task for every node.
///
/// The graph is always that of the whole plan, so positions mean the same everywhere and the order holds across nodes
/// that are left out. What left the plan has the positions behind those of the plan.
#[derive(Clone, Debug)]
pub struct Job {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    tasks: Vec<Task>,
    allowed: Arc<HashMap<NodeId, stack::Allowed>>,
    reverts_drift: bool,
    /// What is taken over now, of the nodes that are made what the plan says.
    adopting: Option<Adopt>,
    left: Arc<[Leaving]>,
    past: Arc<Past>,
    leave: Leave,
}

/// The groups of a job that are rolled out a wave at a time.
#[derive(Clone, Debug)]
pub struct InWaves {
    /// Each group of which something takes part, in the order of the file.
    pub groups: Vec<RolledOut>,
    /// The job's graph, with the order that the waves bring about.
    pub graph: Arc<Graph>,
}

/// What is remembered of earlier runs.
#[derive(Clone, Debug, Default)]
struct Past {
    durations: Durations,
    operations: Durations,
    laid: Vec<Laid>,
}

impl Job {
    fn of(plan: Arc<Plan>, graph: Arc<Graph>, tasks: Vec<Task>) -> Self {
        let (allowed, left, past) = (Arc::default(), Arc::default(), Arc::default());
        Self { plan, graph, tasks, allowed, reverts_drift: false, adopting: None, left, past, leave: Leave::default() }
    }

    /// Applies the chosen nodes. What is left out is read where one of them refers to what it gives; an order alone
    /// (`depends_on`) has nothing to be read for.
    ///
    /// `chosen` has an item for each node of the plan, here and below.
    pub fn apply(plan: Arc<Plan>, graph: Arc<Graph>, chosen: &[bool]) -> Self {
        let referred: HashSet<&NodeId> = (plan.nodes.iter().zip(chosen).filter(|(_, chosen)| **chosen))
            .flat_map(|(node, _)| &node.needs)
            .filter(|need| need.attribute.is_some())
            .map(|need| &need.node)
            .collect();
        let referred = with_vpcs(&plan, &graph, referred);
        let task = |node: Ix| match (chosen[node.index()], managed(&plan, node)) {
            (true, true) => Task::Converge,
            (true, false) => Task::Read,
            (false, _) if referred.contains(graph.id(node)) => Task::Read,
            (false, _) => Task::Leave,
        };
        let tasks = graph.nodes().map(task).collect();
        Self::of(plan, graph, tasks)
    }

    /// Looks up what the chosen nodes refer to, before they are deleted: a route is found by its tables and destination,
    /// which are other nodes' outputs. And the chosen stacks, so that nothing at all is deleted where one is protected.
    pub fn before_destroy(plan: Arc<Plan>, graph: Arc<Graph>, chosen: &[bool]) -> Self {
        // An adopted peering is told from one of others by its VPCs, be it a route's target or to be deleted itself.
        let asks = |node: &Node| match &node.spec {
            Spec::Route(_) => true,
            Spec::Peering(peering) => peering.adopt,
            Spec::Stack(_) => false,
        };
        let asking = plan.nodes.iter().zip(chosen).filter(|(node, chosen)| **chosen && asks(node));
        let needed = asking.flat_map(|(node, _)| &node.needs).map(|need| &need.node).collect();
        let needed = with_vpcs(&plan, &graph, needed);
        let is_stack = |node: Ix| matches!(plan.nodes[node.index()].spec, Spec::Stack(_));
        let task = |node: Ix| match chosen[node.index()] {
            true if is_stack(node) && managed(&plan, node) => Task::Vet,
            _ if needed.contains(graph.id(node)) => Task::Recall,
            _ => Task::Leave,
        };
        let tasks = graph.nodes().map(task).collect();
        Self::of(plan, graph, tasks)
    }

    /// Deletes the chosen nodes in reverse order, those that the plan only reads aside.
    pub fn destroy(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let task = |node: Ix| if chosen[node.index()] && managed(&plan, node) { Task::Destroy } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        Self::of(plan, Arc::new(graph.reversed()), tasks)
    }

    /// Looks up the chosen nodes that give something. Each is found by its name or its tags, so none waits for another
    /// and none is missed because another cannot be read. An adopted peering is the exception: it may bear no tags, and
    /// then it is found by its VPCs, which are looked up first; that is a task of its own, [`Task::Recall`].
    pub fn outputs(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let gives = |node: Ix| !matches!(plan.nodes[node.index()].spec, Spec::Route(_));
        let by_vpcs = |node: &Ix| {
            let planned = &plan.nodes[node.index()];
            chosen[node.index()] && matches!(&planned.spec, Spec::Peering(peering) if peering.adopt)
        };
        let vpcs = graph.nodes().filter(by_vpcs).flat_map(|to| {
            let stacks = graph.reasons(to).filter(|(from, _)| graph.id(*from).kind == Kind::Stack);
            stacks.flat_map(move |(from, reasons)| {
                reasons.iter().map(move |Reason { span, expression }| Edge {
                    from,
                    to,
                    span: span.clone(),
                    expression: expression.clone(),
                })
            })
        });
        let apart = Graph::new(graph.ids().cloned().collect(), vpcs).expect("from stacks to peerings there is no ring");
        let task = |node: Ix| match chosen[node.index()] && gives(node) {
            true => Task::Find,
            false if apart.needed_by(node).next().is_some() => Task::Recall,
            false => Task::Leave,
        };
        let tasks = graph.nodes().map(task).collect();
        Self::of(plan, Arc::new(apart), tasks)
    }

    /// Breaks off what runs at the chosen stacks, all of them at once: none waits for another.
    pub fn cancel(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let runs = |node: Ix| graph.id(node).kind == Kind::Stack && managed(&plan, node);
        let task = |node: Ix| if chosen[node.index()] && runs(node) { Task::Cancel } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        let apart = Graph::new(graph.ids().cloned().collect(), []).expect("without edges there is no ring");
        Self::of(plan, Arc::new(apart), tasks)
    }

    /// Deletes what left a plan, and touches none of its nodes.
    pub fn prune(plan: Arc<Plan>, graph: &Graph, left: &Left) -> Self {
        let tasks = vec![Task::Leave; graph.len()];
        let apart = Graph::new(graph.ids().cloned().collect(), []).expect("without edges there is no ring");
        let graph = Arc::new(apart);
        Self::of(plan, graph, tasks).and(left)
    }

    /// The same destruction with what left the plan: its routes before its peerings, both before any stack, and stacks in
    /// the order that their values tell.
    #[must_use]
    pub fn and(self, left: &Left) -> Self {
        if left.leaving.is_empty() {
            return self;
        }
        let own = self.graph.len();
        let position = |end: &End| match end {
            End::Left(index) => Some(Ix::from(own + index)),
            End::Node(id) => self.graph.get(id).filter(|node| self.task(*node) == Task::Destroy),
        };
        let of = |kinds: &[Kind]| -> Vec<Ix> {
            let those = left.leaving.iter().enumerate().filter(|(_, left)| kinds.contains(&left.thing.kind()));
            those.map(|(index, _)| Ix::from(own + index)).collect()
        };
        let destroyed = self.graph.nodes().filter(|node| self.task(*node) == Task::Destroy);
        let (own_stacks, own_links): (Vec<Ix>, Vec<Ix>) =
            destroyed.partition(|node| self.graph.id(*node).kind == Kind::Stack);
        let (routes, peerings, stacks) = (of(&[Kind::Route]), of(&[Kind::Peering]), of(&[Kind::Stack]));
        let every_stack: Vec<Ix> = own_stacks.iter().chain(&stacks).copied().collect();
        let reason = Reason { expression: "left the plan".into(), span: None };
        let join = |from: &[Ix], to: &[Ix]| Join { from: from.to_vec(), to: to.to_vec(), reason: reason.clone() };
        let ranks = [join(&routes, &peerings), join(&of(&[Kind::Route, Kind::Peering]), &every_stack)];
        let edge = |pair: &Before| {
            let (from, to) = (position(&pair.first)?, position(&pair.then)?);
            Some((pair.sure, Edge { from, to, span: None, expression: reason.expression.clone() }))
        };
        let ids: Vec<NodeId> = left.leaving.iter().map(|left| left.node.clone()).collect();
        let (sure, guessed): (Vec<_>, Vec<_>) = left.order.iter().filter_map(edge).partition(|(sure, _)| *sure);
        let edges = |pairs: Vec<(bool, Edge)>| pairs.into_iter().map(|(_, edge)| edge).collect::<Vec<Edge>>();
        let (sure, guessed) = (edges(sure), edges(guessed));
        // A stack that left may hold the VPC of a peering that the plan has.
        let all: Vec<Join> = ranks.iter().cloned().chain([join(&own_links, &stacks)]).collect();
        let beside = |edges: &[Edge]| self.graph.beside(ids.clone(), edges.iter().cloned(), all.iter().cloned());
        // What is sure may go round in a ring with the plan's references, and values may be equal for another reason than
        // that one was given the other: those that close a ring are passed over, what is guessed before what is sure.
        let told = [sure.as_slice(), &guessed].concat();
        let graph = beside(&told).or_else(|| {
            let sure = without_rings(&beside(&[])?, sure);
            let guessed = without_rings(&beside(&sure)?, guessed);
            beside(&[sure, guessed].concat())
        });
        let graph = Arc::new(graph.expect("nothing that left waits for the plan, so there is no ring"));
        let mut tasks = self.tasks;
        tasks.extend(left.leaving.iter().map(|_| Task::Prune));
        Self { graph, tasks, left: left.leaving.clone().into(), ..self }
    }

    /// What would be done with what left the plan, in the order in which it is listed: what stands behind something that
    /// cannot be deleted is skipped.
    pub fn foreseen_left(&self) -> Vec<Foreseen> {
        let mut failing: HashMap<Ix, NodeId> = HashMap::new();
        for node in self.graph.order() {
            let refused = self.leaving(*node).filter(|left| left.refusal.is_some()).map(|left| left.node.clone());
            let because = refused.or_else(|| self.graph.needs(*node).find_map(|needed| failing.get(&needed).cloned()));
            failing.extend(because.map(|because| (*node, because)));
        }
        let own = self.plan.nodes.len();
        let seen = self.left.iter().enumerate().map(|(index, left)| {
            let foreseen = left.foreseen();
            match failing.get(&Ix::from(own + index)).filter(|_| left.refusal.is_none()) {
                Some(because) => Foreseen { action: Action::Skipped, because: Some(because.clone()), ..foreseen },
                None => foreseen,
            }
        });
        seen.collect()
    }

    /// The same job with what is remembered of earlier runs.
    #[must_use]
    pub fn remembering(self, inventory: &Inventory) -> Self {
        let (durations, operations) = (inventory.durations.clone(), inventory.operations.clone());
        let past = Past { durations, operations, laid: inventory.routes.clone() };
        Self { past: Arc::new(past), ..self }
    }

    /// How long nodes took in earlier runs.
    pub fn durations(&self) -> &Durations {
        &self.past.durations
    }

    /// How long AWS's own operations took over nodes in earlier runs.
    pub fn operations(&self) -> &Durations {
        &self.past.operations
    }

    /// The routes that earlier runs made.
    pub fn laid(&self) -> &[Laid] {
        &self.past.laid
    }

    /// What left the plan and has a position behind the plan's nodes.
    pub fn leaving(&self, node: Ix) -> Option<&Leaving> {
        self.left.get(node.index().checked_sub(self.plan.nodes.len())?)
    }

    /// The plan's node at a position; `None` for what left the plan.
    pub fn node(&self, node: Ix) -> Option<&Node> {
        self.plan.nodes.get(node.index())
    }

    /// The account and the region of a position.
    pub fn place(&self, node: Ix) -> Option<(&AccountName, &Region)> {
        let own = self.node(node).map(|node| (&node.account, &node.region));
        own.or_else(|| self.leaving(node).map(|left| (&left.account, &left.region)))
    }

    /// The same job with what the user allows at single stacks.
    #[must_use]
    pub fn allowing(self, allowed: HashMap<NodeId, stack::Allowed>) -> Self {
        Self { allowed: Arc::new(allowed), ..self }
    }

    /// The same job, of which a node begins only with leave.
    #[must_use]
    pub fn with_leave(self, leave: Leave) -> Self {
        Self { leave, ..self }
    }

    /// Asked before a node begins.
    pub(super) fn leave(&self) -> &Leave {
        &self.leave
    }

    /// The same job, that brings back what was changed or deleted by hand.
    #[must_use]
    pub fn reverting_drift(self, reverts_drift: bool) -> Self {
        Self { reverts_drift, ..self }
    }

    /// Whether it brings back what was changed or deleted by hand.
    pub fn reverts_drift(&self) -> bool {
        self.reverts_drift
    }

    /// The same job, in which the nodes take over what stands in their place. Nothing is made by it that is not there.
    #[must_use]
    pub fn taking_over(self, from_others: bool) -> Self {
        Self { adopting: Some(Adopt::Now { from_others }), ..self }
    }

    /// What a node adopts.
    ///
    /// # Panics
    /// If the position is not one of the plan.
    pub fn adopt(&self, node: Ix) -> Adopt {
        match self.adopting.filter(|_| self.task(node) == Task::Converge) {
            Some(now) => now,
            None => Adopt::declared(adopts(&self.plan, node)),
        }
    }

    /// What the user allows at a stack.
    pub fn allowed(&self, node: &NodeId) -> stack::Allowed {
        self.allowed.get(node).cloned().unwrap_or_default()
    }

    /// The groups that this job rolls out a wave at a time. Only what is made what the plan says takes part: to look at a
    /// node is harmless, of a deletion nothing can be learnt for the next, and what is taken over is made by nobody.
    ///
    /// # Panics
    /// If some wave needs a later one. All instances of a group share their text, so none can; and if one could, a run that
    /// does not begin is better than a fleet without its canary.
    pub fn in_waves(&self) -> InWaves {
        let takes_part = |node: Ix| self.adopting.is_none() && self.task(node) == Task::Converge;
        let groups = rolled_out(&self.plan, takes_part);
        if groups.is_empty() {
            return InWaves { groups, graph: Arc::clone(&self.graph) };
        }
        let graph = self.graph.in_waves(&groups).expect("no wave needs a later one");
        InWaves { groups, graph: Arc::new(graph) }
    }

    /// Looks at how the chosen nodes stand. What they refer to is looked up as well, since a route is found by its tables
    /// and its target, which other nodes give; it is a task of its own, [`Task::Recall`].
    pub fn survey(plan: Arc<Plan>, graph: Arc<Graph>, chosen: &[bool]) -> Self {
        let referred: HashSet<&NodeId> = (plan.nodes.iter().zip(chosen).filter(|(_, chosen)| **chosen))
            .flat_map(|(node, _)| &node.needs)
            .map(|need| &need.node)
            .collect();
        let task = |node: Ix| match chosen[node.index()] {
            true => Task::Find,
            false if referred.contains(graph.id(node)) => Task::Recall,
            false => Task::Leave,
        };
        let tasks = graph.nodes().map(task).collect();
        Self::of(plan, graph, tasks)
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The graph, in the direction of the run.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// What is done with a node.
    ///
    /// # Panics
    /// If the position is not one of the plan.
    pub fn task(&self, node: Ix) -> Task {
        self.tasks[node.index()]
    }

    /// Whether a node is only read because it was not chosen, and not because the plan says so.
    ///
    /// # Panics
    /// If the position is not one of the plan.
    pub fn is_left_out(&self, node: Ix) -> bool {
        self.task(node) != Task::Converge && managed(&self.plan, node)
    }

    /// The managed nodes that a destruction leaves standing although they refer to something that it deletes, in the
    /// order of the file. Empty for any other job.
    pub fn left_behind(&self) -> impl Iterator<Item = Ix> {
        let deleted = |node: Ix| self.task(node) == Task::Destroy;
        // The graph of a destruction is reversed: what needs a node is what the node referred to.
        self.graph.nodes().filter(move |node| {
            self.task(*node) == Task::Leave && managed(&self.plan, *node) && self.graph.needed_by(*node).any(deleted)
        })
    }

    /// The nodes that something is done with, in the order of the file.
    pub fn taking_part(&self) -> impl Iterator<Item = Ix> {
        self.graph.nodes().filter(|node| self.task(*node) != Task::Leave)
    }
}

/// Those of some edges that close no ring with a graph, or with those before them.
fn without_rings(graph: &Graph, edges: Vec<Edge>) -> Vec<Edge> {
    let mut more: HashMap<Ix, Vec<Ix>> = HashMap::new();
    let leads = |more: &HashMap<Ix, Vec<Ix>>, from: Ix, to: Ix| {
        let (mut open, mut seen) = (vec![from], HashSet::from([from]));
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            let next = graph.needed_by(node).chain(more.get(&node).into_iter().flatten().copied());
            open.extend(next.filter(|next| seen.insert(*next)));
        }
        false
    };
    let mut kept = Vec::new();
    for edge in edges {
        if !leads(&more, edge.to, edge.from) {
            more.entry(edge.from).or_default().push(edge.to);
            kept.push(edge);
        }
    }
    kept
}

/// Whether the plan says that a node adopts what stands in its place.
fn adopts(plan: &Plan, node: Ix) -> bool {
    match &plan.nodes[node.index()].spec {
        Spec::Stack(stack) => stack.adopt,
        Spec::Peering(peering) => peering.adopt,
        Spec::Route(route) => route.adopt,
    }
}

/// The nodes that some nodes refer to, and with a peering that is adopted, perhaps without tags, those that it is found by:
/// what gives its two VPCs.
fn with_vpcs<'a>(plan: &'a Plan, graph: &Graph, mut referred: HashSet<&'a NodeId>) -> HashSet<&'a NodeId> {
    let by_vpcs = graph.nodes().filter(|node| {
        let planned = &plan.nodes[node.index()];
        referred.contains(&planned.id) && matches!(&planned.spec, Spec::Peering(peering) if peering.adopt)
    });
    let vpcs: Vec<&NodeId> = by_vpcs.flat_map(|node| &plan.nodes[node.index()].needs).map(|need| &need.node).collect();
    referred.extend(vpcs);
    referred
}

fn managed(plan: &Plan, node: Ix) -> bool {
    !matches!(&plan.nodes[node.index()].spec, Spec::Stack(stack) if !stack.manage)
}
