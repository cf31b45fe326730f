//! Which nodes take part in a run, and what is done with each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::graph::{Edge, Graph, Ix, Reason};
use crate::ids::{Kind, NodeId};
use crate::kinds::{Adopt, stack};
use crate::plan::{Node, Plan, Spec};

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
    /// What runs at it is broken off.
    Cancel,
    /// Nothing: it is left out, and only holds the order of those before and behind it together.
    Leave,
}

/// A plan, its graph, and a task for every node.
///
/// The graph is always that of the whole plan, so positions mean the same everywhere and the order holds across nodes
/// that are left out.
#[derive(Clone, Debug)]
pub struct Job {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    tasks: Vec<Task>,
    allowed: Arc<HashMap<NodeId, stack::Allowed>>,
    reverts_drift: bool,
    /// What is taken over now, of the nodes that are made what the plan says.
    adopting: Option<Adopt>,
}

impl Job {
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
        Self { plan, graph, tasks, allowed: Arc::default(), reverts_drift: false, adopting: None }
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
        Self { plan, graph, tasks, allowed: Arc::default(), reverts_drift: false, adopting: None }
    }

    /// Deletes the chosen nodes in reverse order, those that the plan only reads aside.
    pub fn destroy(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let task = |node: Ix| if chosen[node.index()] && managed(&plan, node) { Task::Destroy } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        Self {
            tasks,
            plan,
            graph: Arc::new(graph.reversed()),
            allowed: Arc::default(),
            reverts_drift: false,
            adopting: None,
        }
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
        let apart = Graph::new(graph.ids().cloned().collect(), []).expect("without edges there is no ring");
        Self { plan, graph: Arc::new(apart), tasks, allowed: Arc::default(), reverts_drift: false, adopting: None }
    }

    /// Breaks off what runs at the chosen stacks, all of them at once: none waits for another.
    pub fn cancel(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let runs = |node: Ix| graph.id(node).kind == Kind::Stack && managed(&plan, node);
        let task = |node: Ix| if chosen[node.index()] && runs(node) { Task::Cancel } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        let apart = Graph::new(graph.ids().cloned().collect(), []).expect("without edges there is no ring");
        Self { plan, graph: Arc::new(apart), tasks, allowed: Arc::default(), reverts_drift: false, adopting: None }
    }

    /// The same job with what the user allows at single stacks.
    #[must_use]
    pub fn allowing(self, allowed: HashMap<NodeId, stack::Allowed>) -> Self {
        Self { allowed: Arc::new(allowed), ..self }
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
        Self { plan, graph, tasks, allowed: Arc::default(), reverts_drift: false, adopting: None }
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
