//! The graph of a plan.

use std::sync::Arc;

use super::{Cycle, Edge, Graph, Ix, Join, Reason};
use crate::diag::Problem;
use crate::plan::Plan;

/// The graph of a plan's nodes: positions are those of [`Plan::nodes`].
///
/// # Errors
/// A problem for each ring of references, which shows the place of each of them.
pub fn of_plan(plan: &Plan) -> Result<Graph, Box<Unsound>> {
    let by_id: std::collections::HashMap<_, _> =
        plan.nodes.iter().enumerate().map(|(index, node)| (&node.id, Ix::from(index))).collect();
    let edges = plan.nodes.iter().enumerate().flat_map(|(index, node)| {
        let by_id = &by_id;
        node.needs.iter().map(move |need| Edge {
            from: by_id[&need.node],
            to: Ix::from(index),
            span: Some(need.span.clone()),
            expression: need.expression.clone(),
        })
    });
    // Instances of a group follow one another and share what they come after.
    let joins = plan.nodes.chunk_by(|one, next| Arc::ptr_eq(&one.after, &next.after)).flat_map(|instances| {
        let by_id = &by_id;
        instances[0].after.iter().map(move |after| Join {
            from: after.nodes.iter().map(|node| by_id[node]).collect(),
            to: instances.iter().map(|node| by_id[&node.id]).collect(),
            reason: Reason { expression: after.expression.clone(), span: Some(after.span.clone()) },
        })
    });
    Graph::with_joins(plan.nodes.iter().map(|node| node.id.clone()).collect(), edges, joins).map_err(|cycles| {
        let problem = |cycle: &Cycle| {
            let first = cycle.edges().first().map_or(0, |edge| edge.to.index());
            cycle.problem(&plan.nodes[first].span)
        };
        Box::new(Unsound { problems: cycles.found.iter().map(problem).collect(), rest: cycles.rest })
    })
}

/// Why a plan has no graph.
#[derive(Clone, Debug)]
pub struct Unsound {
    /// One for each ring.
    pub problems: Vec<Problem>,
    /// The graph without the references inside the rings: enough to look for what else is wrong.
    pub rest: Graph,
}
