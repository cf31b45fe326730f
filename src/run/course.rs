//! What a node that runs stands on, and what it lets begin before its end.

use std::pin::Pin;

use super::{Job, Task};
use crate::engine::Footing;
use crate::graph::Ix;
use crate::ids::NodeId;
use crate::kinds::{self, Made, Trace};
use crate::plan::{Attribute, Node, Spec};

/// A node's footing and the trace of what it makes.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) footing: Footing,
    pub(super) trace: Trace,
}

impl Course {
    pub(super) fn new(footing: Footing) -> Self {
        Self { footing, trace: Trace::default() }
    }

    /// What the node has made so far, in words; `None` if that is nothing.
    pub(super) fn left(&self) -> Option<String> {
        let mut made = self.trace.made();
        // A peering that has an id was not only asked for.
        if made.iter().any(|made| matches!(made, Made::Peering(_))) {
            made.retain(|made| !matches!(made, Made::Asked { .. }));
        }
        let words = made.iter().map(words).collect::<Vec<_>>();
        if words.is_empty() { None } else { Some(words.join(", ")) }
    }
}

impl kinds::Footing for Course {
    fn is_firm(&self) -> bool {
        self.footing.is_firm()
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        tracing::info!("waits until what it stands on has ended");
        Box::pin(self.footing.settled())
    }
}

/// Something that was made, or that nobody knows whether it was.
fn words(made: &Made) -> String {
    match made {
        Made::Route(route) => format!("{}: {} → {}", route.table, route.destination, route.target),
        Made::RouteAsked(route) => format!("perhaps {}: {} → {}", route.table, route.destination, route.target),
        Made::Peering(id) => format!("peering {id}"),
        Made::Asked { vpcs: (one, other), .. } => format!("perhaps a peering of {one} and {other}"),
        Made::Stack { name, .. } => format!("stack {name}"),
        Made::StackAsked(asked) => format!("perhaps stack {}", asked.name()),
    }
}

/// The routes that may be made as soon as a peering has its id: those that need nothing else of it. An order without a
/// value (`depends_on`) waits until the peering is active.
pub(super) fn routes_into(job: &Job, peering: Ix) -> Vec<Ix> {
    let id = job.graph().id(peering);
    let takes = |ix: &Ix| {
        let node = job.node(*ix).filter(|node| matches!(node.spec, Spec::Route(_)));
        job.task(*ix) == Task::Converge && node.is_some_and(|node| needs_only(node, id, &Attribute::Id))
    };
    job.graph().needed_by(peering).filter(takes).collect()
}

/// Whether a node needs an attribute of another and nothing else of it.
fn needs_only(node: &Node, other: &NodeId, attribute: &Attribute) -> bool {
    let of_it = node.needs.iter().filter(|need| need.node == *other);
    of_it.clone().next().is_some()
        && of_it.into_iter().all(|need| need.attribute.as_ref() == Some(attribute))
        && !node.after.iter().any(|after| after.nodes.contains(other))
}
