//! Outputs that are given before their stack is complete: who takes them, and what stands in their stack's way if it fails.

use std::collections::BTreeSet;

use super::names::names;
use super::outlooks::Outlooks;
use super::owner::owner;
use super::runner::regional;
use super::{Job, Task};
use crate::aws::{Phase, Progress, Regional, Sessions, StackResource};
use crate::event::Failure;
use crate::graph::Ix;
use crate::ids::NodeId;
use crate::kinds::{Owner, peering};
use crate::plan::{Node, PeeringSpec, Spec, StackSpec};
use crate::preview::Action;

/// The nodes that take outputs of a stack early, each with those that it needs.
pub(super) fn takers(job: &Job, stack: Ix) -> Vec<(Ix, BTreeSet<String>)> {
    let graph = job.graph();
    let taker = |ix: Ix| Some((ix, taken(job, stack, ix)?));
    graph.needed_by(stack).filter_map(taker).collect()
}

/// The stacks of which a node takes outputs early.
pub(super) fn givers(job: &Job, node: Ix) -> Vec<NodeId> {
    giving(job, node).map(|stack| job.graph().id(stack).clone()).collect()
}

fn giving(job: &Job, node: Ix) -> impl Iterator<Item = Ix> {
    job.graph().needs(node).filter(move |stack| taken(job, *stack, node).is_some())
}

/// The stacks of which a stack takes outputs early and whose creation may be undone, and those that these stand on so, in
/// words. One that stands goes back to what it was, and what stands on that loses nothing by it.
pub(super) fn undoable(job: &Job, stack: Ix, outlooks: &Outlooks) -> Option<String> {
    let seen = |giver: Ix| {
        let id = job.graph().id(giver);
        (outlooks.action(id), outlooks.live_status(id))
    };
    let is_made = |giver: &Ix| match seen(*giver) {
        (Some(Action::Create), _) => true,
        // Of one that is not at rest, or has failed, it is not known yet whether it is created anew.
        (Some(Action::Replace | Action::Unknown), status) => !status.is_some_and(|status| stands(&status)),
        _ => false,
    };
    // Where there is one of the name, it waits for firm ground.
    let is_made_early = |giver: Ix| matches!(seen(giver), (Some(Action::Create), None));
    let mut givers: Vec<Ix> = Vec::new();
    let mut open = vec![stack];
    while let Some(taker) = open.pop() {
        for giver in giving(job, taker).filter(is_made) {
            if !givers.contains(&giver) {
                givers.push(giver);
                open.extend(is_made_early(giver).then_some(giver));
            }
        }
    }
    givers.sort_unstable();
    (!givers.is_empty()).then(|| names(givers.into_iter().map(|giver| job.graph().id(giver))))
}

/// Whether a stack in this status is complete, or was once and has come back to that.
fn stands(status: &str) -> bool {
    status.ends_with("_COMPLETE") && !matches!(status, "ROLLBACK_COMPLETE" | "DELETE_COMPLETE")
}

/// The outputs of a stack that a node takes early, if it does.
fn taken(job: &Job, stack: Ix, taker: Ix) -> Option<BTreeSet<String>> {
    let converged = |ix: Ix| job.node(ix).filter(|_| job.task(ix) == Task::Converge);
    converged(taker)?.takes_early(converged(stack)?)
}

/// Whether a parameter's value is a resource's id, or has it in a list. An id of EC2's is nothing else, so that it counts
/// within any text.
fn names_id(value: &str, kind: &str, id: &str) -> bool {
    let is_in_id = |c: char| c.is_ascii_alphanumeric() || c == '-';
    value.split(',').any(|item| item == id)
        || (kind.starts_with("AWS::EC2::") && id.contains('-') && value.split(|c| !is_in_id(c)).any(|word| word == id))
}

/// The plan's own stacks that need a stack, whatever this run does with them, and whether or not they still say that they
/// take something early.
fn stacks_on(job: &Job, stack: Ix) -> impl Iterator<Item = (Ix, &Node, &StackSpec)> {
    let stack_of = |ix: Ix| match job.node(ix).map(|node| (node, &node.spec)) {
        Some((node, Spec::Stack(spec))) if spec.manage => Some((ix, node, spec)),
        _ => None,
    };
    job.graph().needed_by(stack).filter_map(stack_of)
}

fn peering_of(job: &Job, ix: Ix) -> Option<(&Node, &PeeringSpec)> {
    match job.node(ix).map(|node| (node, &node.spec)) {
        Some((node, Spec::Peering(spec))) => Some((node, spec)),
        _ => None,
    }
}

/// The resources of a stack that are not gone.
async fn remains(home: &Regional, stack: &str) -> Result<Vec<StackResource>, Failure> {
    let resources = home.stack_resources(stack).await?.into_iter();
    Ok(resources.filter(|own| own.status != "DELETE_COMPLETE" && !own.id.is_empty()).collect())
}

/// What holds VPCs of a stack whose creation has failed and keeps them from being deleted: a run that made it with early
/// outputs has gone away before it saw that. The plan's own peerings are taken off; its stacks are only named.
pub(super) struct InTheWay<'a> {
    job: &'a Job,
    sessions: &'a Sessions,
    vpcs: Vec<String>,
    peerings: Vec<(&'a Node, &'a PeeringSpec)>,
    /// The plan's stacks that were created with its outputs early and hold what is left of it, and those that hold these in
    /// turn, by their nodes and names.
    standing: Vec<(NodeId, String)>,
    /// The plan's peerings that hold VPCs of those.
    peered: Vec<NodeId>,
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
        let takers = takers(job, stack);
        let peerings: Vec<_> = takers.iter().filter_map(|(ix, _)| peering_of(job, *ix)).collect();
        let mut found = Self { job, sessions, vpcs: Vec::new(), peerings, standing: Vec::new(), peered: Vec::new() };
        if found.peerings.is_empty() && stacks_on(job, stack).next().is_none() {
            return Ok(found);
        }
        let goes_back = |status: &str| matches!(status, "ROLLBACK_IN_PROGRESS" | "ROLLBACK_FAILED");
        let Some(live) = home.pictured_stack(&spec.name).await?.filter(|live| goes_back(live.status.as_str())) else {
            return Ok(found);
        };
        if job.node(stack).is_some_and(|node| owner(job.plan(), node).owns(&live.tags)) {
            let left = remains(home, &live.id).await?;
            found.stand_on(stack, &left).await?;
            let vpcs = left.into_iter().filter(|own| own.kind == "AWS::EC2::VPC");
            found.vpcs = vpcs.map(|own| own.id).collect();
        }
        Ok(found)
    }

    /// Looks for the stacks that hold what is left of a stack, and for those that hold what these have.
    async fn stand_on(&mut self, stack: Ix, left: &[StackResource]) -> Result<(), Failure> {
        let job = self.job;
        // One whose own creation has been undone has nothing left.
        let is_there = |status: &str| status != "ROLLBACK_COMPLETE";
        let mut seen = BTreeSet::new();
        let mut open = vec![(stack, left.to_vec())];
        while let Some((ground, left)) = open.pop() {
            let holds = |value: &str| left.iter().any(|own| names_id(value, &own.kind, &own.id));
            for (ix, node, spec) in stacks_on(job, ground).filter(|(ix, ..)| !seen.contains(ix)).collect::<Vec<_>>() {
                // Of what is left out the account may not be open. What is in a VPC's way is in that of the VPC.
                let Ok(place) = regional(self.sessions, &node.account, &node.region) else { continue };
                let live = place.pictured_stack(&spec.name).await?.filter(|live| live.status.phase() != Phase::Deleted);
                let live =
                    live.filter(|live| is_there(live.status.as_str()) && owner(job.plan(), node).owns(&live.tags));
                let Some(live) = live.filter(|live| live.parameters.values().any(|given| holds(&given.value))) else {
                    continue;
                };
                seen.insert(ix);
                let left = remains(&place, &live.id).await?;
                self.peered_with(ix, &left).await?;
                open.push((ix, left));
                self.standing.push((node.id.clone(), live.name));
            }
        }
        self.peered.sort();
        self.peered.dedup();
        Ok(())
    }

    /// Looks for the plan's own peerings that hold VPCs of a stack.
    async fn peered_with(&mut self, stack: Ix, left: &[StackResource]) -> Result<(), Failure> {
        let vpcs: Vec<String> =
            left.iter().filter(|own| own.kind == "AWS::EC2::VPC").map(|own| own.id.clone()).collect();
        if vpcs.is_empty() {
            return Ok(());
        }
        for (node, spec) in self.job.graph().needed_by(stack).filter_map(|ix| peering_of(self.job, ix)) {
            let holds = match self.sides(node, spec) {
                Ok((requester, accepter, owner)) => {
                    !peering::holding(&requester, &accepter, &owner, &vpcs).await?.is_empty()
                }
                // Of what is left out an account may not be open. To destroy what is not there does no harm, but what the plan
                // adopts may be there without its tags, and that is an error.
                Err(_) => !spec.adopt,
            };
            self.peered.extend(holds.then(|| node.id.clone()));
        }
        Ok(())
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

    /// Why the stack cannot be deleted yet: others of the plan have been created with the ids of what is left of it.
    ///
    /// They are not deleted for its sake: nobody has said so, and since they were created they may have been put to use.
    pub(super) fn refusal(&self, spec: &StackSpec) -> Option<Failure> {
        if self.standing.is_empty() {
            return None;
        }
        let (nodes, names_of): (Vec<NodeId>, Vec<String>) = self.standing.iter().cloned().unzip();
        let chosen = nodes.iter().chain(&self.peered).map(|node| format!("--only '{node}'"));
        let chosen = chosen.collect::<Vec<_>>().join(" ");
        let summary = format!("stack {} has failed, and what it has left cannot be deleted yet", spec.name);
        let cause = format!("{} took early what it gave, and would keep it from being deleted", names_of.join(", "));
        let help = format!(
            "delete what stands on it with `orch destroy PLAN {chosen}`, then apply again: all of it is made anew"
        );
        Some(Failure::new(summary, cause).help(help))
    }

    fn sides(&self, node: &Node, spec: &PeeringSpec) -> Result<(Regional, Regional, Owner), Failure> {
        let requester = regional(self.sessions, &spec.requester.account, &spec.requester.region)?;
        let accepter = regional(self.sessions, &spec.accepter.account, &spec.accepter.region)?;
        Ok((requester, accepter, owner(self.job.plan(), node)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_lists_and_if_it_is_ec2s_in_any_text() {
        for (value, kind, id, expected) in [
            ("vpc-1", "AWS::EC2::VPC", "vpc-1", true),
            ("vpc-12", "AWS::EC2::VPC", "vpc-1", false),
            ("subnet-1,subnet-2", "AWS::EC2::Subnet", "subnet-2", true),
            ("arn:aws:ec2:us-east-1:111111111111:vpc/vpc-1", "AWS::EC2::VPC", "vpc-1", true),
            ("{\"vpc\": \"vpc-1\"}", "AWS::EC2::VPC", "vpc-1", true),
            ("my-vpc-1", "AWS::EC2::VPC", "vpc-1", false),
            ("web,app", "AWS::IAM::Role", "app", true),
            ("https://app.example.com", "AWS::IAM::Role", "app", false),
        ] {
            assert_eq!(names_id(value, kind, id), expected, "{value} {id}");
        }
    }
}
