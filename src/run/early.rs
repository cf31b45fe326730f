//! Outputs that are given before their stack is complete: who takes them, and what stands in their stack's way if it fails.

use std::collections::BTreeSet;

use super::owner::owner;
use super::runner::regional;
use super::{Job, Task};
use crate::aws::{Progress, Regional, Sessions};
use crate::event::Failure;
use crate::graph::Ix;
use crate::ids::NodeId;
use crate::kinds::{Owner, peering};
use crate::plan::{Attribute, Node, PeeringSpec, Spec, StackSpec};

/// The nodes that take outputs of a stack early, each with those that it needs.
pub(super) fn takers(job: &Job, stack: Ix) -> Vec<(Ix, BTreeSet<String>)> {
    let graph = job.graph();
    let taker = |ix: Ix| Some((ix, taken(job, stack, ix)?));
    graph.needed_by(stack).filter_map(taker).collect()
}

/// The stacks of which a node takes outputs early.
pub(super) fn givers(job: &Job, node: Ix) -> Vec<NodeId> {
    let graph = job.graph();
    let gives = |stack: &Ix| taken(job, *stack, node).is_some();
    graph.needs(node).filter(gives).map(|stack| graph.id(stack).clone()).collect()
}

/// The outputs of a stack that a node takes early, if it does. Peerings and routes do, where the stack says so and they need
/// nothing else of it: an order without a value (`depends_on`) waits until the stack is complete.
fn taken(job: &Job, stack: Ix, taker: Ix) -> Option<BTreeSet<String>> {
    let converged = |ix: Ix| job.node(ix).filter(|_| job.task(ix) == Task::Converge);
    let Spec::Stack(spec) = &converged(stack)?.spec else { return None };
    let node = converged(taker).filter(|node| matches!(node.spec, Spec::Peering(_) | Spec::Route(_)))?;
    let id = job.graph().id(stack);
    if !spec.guards.early_outputs || node.after.iter().any(|after| after.nodes.contains(id)) {
        return None;
    }
    let of_it = node.needs.iter().filter(|need| need.node == *id);
    let names = of_it.map(|need| match &need.attribute {
        Some(Attribute::Output(name)) => Some(name.clone()),
        Some(Attribute::Id) | None => None,
    });
    names.collect::<Option<BTreeSet<String>>>().filter(|names| !names.is_empty())
}

/// The plan's own peerings at VPCs of a stack whose creation has failed, which keep them from being deleted: a run that made
/// them with early outputs has gone away before it saw that.
pub(super) struct InTheWay<'a> {
    job: &'a Job,
    sessions: &'a Sessions,
    vpcs: Vec<String>,
    peerings: Vec<(&'a Node, &'a PeeringSpec)>,
}

impl<'a> InTheWay<'a> {
    /// Looks whether there may be any.
    ///
    /// # Errors
    /// A call was refused or did not come through.
    pub(super) async fn of(
        job: &'a Job,
        sessions: &'a Sessions,
        stack: Ix,
        spec: &StackSpec,
        home: &Regional,
    ) -> Result<Self, Failure> {
        let node = |ix: Ix| match job.node(ix).map(|node| (node, &node.spec)) {
            Some((node, Spec::Peering(spec))) => Some((node, spec)),
            _ => None,
        };
        let peerings: Vec<_> = takers(job, stack).into_iter().filter_map(|(ix, _)| node(ix)).collect();
        let mut found = Self { job, sessions, vpcs: Vec::new(), peerings };
        if found.peerings.is_empty() {
            return Ok(found);
        }
        let goes_back = |status: &str| matches!(status, "ROLLBACK_IN_PROGRESS" | "ROLLBACK_FAILED");
        let Some(live) = home.pictured_stack(&spec.name).await?.filter(|live| goes_back(live.status.as_str())) else {
            return Ok(found);
        };
        if job.node(stack).is_some_and(|node| owner(job.plan(), node).owns(&live.tags)) {
            let resources = home.stack_resources(&live.id).await?.into_iter();
            let vpcs = resources.filter(|own| own.kind == "AWS::EC2::VPC" && own.status != "DELETE_COMPLETE");
            found.vpcs = vpcs.map(|own| own.id).filter(|id| !id.is_empty()).collect();
        }
        Ok(found)
    }

    /// Their ids.
    ///
    /// # Errors
    /// A call was refused or did not come through.
    pub(super) async fn ids(&self) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        if !self.vpcs.is_empty() {
            for (node, spec) in &self.peerings {
                let (requester, accepter, owner) = self.sides(node, spec)?;
                ids.extend(peering::holding(&requester, &accepter, &owner, &self.vpcs).await?);
            }
        }
        Ok(ids)
    }

    /// Deletes them. Gives a line for each.
    ///
    /// # Errors
    /// One cannot be deleted.
    pub(super) async fn clear(&self, progress: Progress<'_>) -> Result<Vec<String>, Failure> {
        let mut details = Vec::new();
        if !self.vpcs.is_empty() {
            for (node, spec) in &self.peerings {
                let (requester, accepter, owner) = self.sides(node, spec)?;
                details.extend(peering::let_go(&requester, &accepter, &owner, &self.vpcs, progress).await?);
            }
        }
        Ok(details)
    }

    fn sides(&self, node: &Node, spec: &PeeringSpec) -> Result<(Regional, Regional, Owner), Failure> {
        let requester = regional(self.sessions, &spec.requester.account, &spec.requester.region)?;
        let accepter = regional(self.sessions, &spec.accepter.account, &spec.accepter.region)?;
        Ok((requester, accepter, owner(self.job.plan(), node)))
    }
}
