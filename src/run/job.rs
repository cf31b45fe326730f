//! Which nodes take part in a run, and what is done with each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::graph::{Graph, Ix};
use crate::ids::{Kind, NodeId};
use crate::kinds::stack;
use crate::plan::{Plan, Spec};

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
        let task = |node: Ix| match (chosen[node.index()], managed(&plan, node)) {
            (true, true) => Task::Converge,
            (true, false) => Task::Read,
            (false, _) if referred.contains(graph.id(node)) => Task::Read,
            (false, _) => Task::Leave,
        };
        let tasks = graph.nodes().map(task).collect();
        Self { plan, graph, tasks, allowed: Arc::default() }
    }

    /// Looks up what the chosen nodes refer to, before they are deleted: a route is found by its tables and destination,
    /// which are other nodes' outputs.
    pub fn before_destroy(plan: Arc<Plan>, graph: Arc<Graph>, chosen: &[bool]) -> Self {
        let needed_by_route = |node: Ix| {
            graph.needed_by(node).any(|dependent| {
                chosen[dependent.index()] && matches!(plan.nodes[dependent.index()].spec, Spec::Route(_))
            })
        };
        let task = |node: Ix| if needed_by_route(node) { Task::Recall } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        Self { plan, graph, tasks, allowed: Arc::default() }
    }

    /// Deletes the chosen nodes in reverse order, those that the plan only reads aside.
    pub fn destroy(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let task = |node: Ix| if chosen[node.index()] && managed(&plan, node) { Task::Destroy } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        Self { tasks, plan, graph: Arc::new(graph.reversed()), allowed: Arc::default() }
    }

    /// Looks up the chosen nodes that give something. Each is found by its name or its tags, so none waits for another
    /// and none is missed because another cannot be read.
    pub fn outputs(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let gives = |node: Ix| !matches!(plan.nodes[node.index()].spec, Spec::Route(_));
        let task = |node: Ix| if chosen[node.index()] && gives(node) { Task::Find } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        let apart = Graph::new(graph.ids().cloned().collect(), []).expect("without edges there is no ring");
        Self { plan, graph: Arc::new(apart), tasks, allowed: Arc::default() }
    }

    /// Breaks off what runs at the chosen stacks, all of them at once: none waits for another.
    pub fn cancel(plan: Arc<Plan>, graph: &Graph, chosen: &[bool]) -> Self {
        let runs = |node: Ix| graph.id(node).kind == Kind::Stack && managed(&plan, node);
        let task = |node: Ix| if chosen[node.index()] && runs(node) { Task::Cancel } else { Task::Leave };
        let tasks = graph.nodes().map(task).collect();
        let apart = Graph::new(graph.ids().cloned().collect(), []).expect("without edges there is no ring");
        Self { plan, graph: Arc::new(apart), tasks, allowed: Arc::default() }
    }

    /// The same job with what the user allows at single stacks.
    #[must_use]
    pub fn allowing(self, allowed: HashMap<NodeId, stack::Allowed>) -> Self {
        Self { allowed: Arc::new(allowed), ..self }
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
        Self { plan, graph, tasks, allowed: Arc::default() }
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

fn managed(plan: &Plan, node: Ix) -> bool {
    !matches!(&plan.nodes[node.index()].spec, Spec::Stack(stack) if !stack.manage)
}
