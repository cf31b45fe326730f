//! Does the work of one node: renders its values, hands them to its kind, keeps what it gave.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::execute::{Means, millis};
use super::gathered::Given;
use super::wanted::{Resolver, Unknown};
use super::{Job, Task};
use crate::aws::{Regional, Sessions};
use crate::engine::{self, Outcome};
use crate::event::{Change, Event, Failure};
use crate::graph::Ix;
use crate::ids::{AccountName, Kind, NodeId, Region};
use crate::kinds::{Claim, Done, Owner, Step, peering, route, stack};
use crate::plan::{Node, PeeringSpec, RouteSpec, Spec};

/// How many nodes a message names before it counts the rest.
const NAMED: usize = 3;

/// Runs the nodes of one job.
pub(super) struct Runner {
    job: Arc<Job>,
    means: Means,
}

impl engine::Runner for Runner {
    async fn run(&self, ix: Ix) -> Outcome {
        let task = self.job.task(ix);
        if task == Task::Leave {
            return Outcome::Done;
        }
        let began = Instant::now();
        let node = &self.job.plan().nodes[ix.index()];
        tracing::info!(node = %node.id, ?task, "begins");
        let result = Box::pin(self.work(ix, node, task)).await;
        let took_ms = millis(began);
        let id = node.id.clone();
        match result {
            Ok(done) => {
                tracing::info!(node = %id, change = %done.change, took_ms, "done");
                let outputs = self.keep(&id, &done);
                let Done { change, details, .. } = done;
                (self.means.sink)(Event::NodeDone { node: id, change, details, outputs, took_ms });
                Outcome::Done
            }
            Err(mut error) => {
                tracing::info!(node = %id, %error, took_ms, "failed");
                error.place.get_or_insert_with(|| self.means.sources.place(&node.span));
                (self.means.sink)(Event::NodeFailed { node: id, error, took_ms });
                Outcome::Failed
            }
        }
    }
}

impl Runner {
    /// A runner for the nodes of a job.
    pub(super) fn new(job: Arc<Job>, means: Means) -> Self {
        Self { job, means }
    }

    /// Keeps what a node gave for those that refer to it, and gives what is told of it.
    pub(super) fn keep(&self, node: &NodeId, done: &Done) -> BTreeMap<String, String> {
        // Something that was looked for in vain, or is gone now, has nothing to give.
        if !matches!(done.change, Change::Absent | Change::Deleted) {
            self.means.gathered.keep(node.clone(), Given { id: done.id.clone(), outputs: done.outputs.clone() });
        }
        let mut outputs = done.outputs.clone();
        outputs.extend(done.id.clone().map(|id| ("id".to_owned(), id)));
        outputs
    }

    /// Does the work of one node.
    ///
    /// # Errors
    /// It failed.
    pub(super) async fn work(&self, ix: Ix, node: &Node, task: Task) -> Result<Done, Failure> {
        let owner = Owner { plan: self.job.plan().name.to_string(), node: node.id.clone() };
        let (gathered, sources, adopt) = (&*self.means.gathered, &*self.means.sources, self.job.adopt(ix));
        let resolver = Resolver { gathered, sources, owner: owner.clone(), adopt };
        let claim = Claim { owner: &owner, adopt };
        let home = self.regional(&node.account, &node.region)?;
        let progress = |step: Step<'_>| {
            (self.means.sink)(Event::NodeProgress {
                node: node.id.clone(),
                what: step.what.to_owned(),
                status: step.status.to_owned(),
                reason: step.reason.map(str::to_owned),
            });
        };
        if task == Task::Converge
            && let Some(mut done) = self.means.outlooks.untouched(&node.id)
        {
            if let Spec::Route(spec) = &node.spec {
                done.outputs = facts(resolver.route(spec)?);
            }
            return Ok(done);
        }
        let shown = self.means.outlooks.shown(&node.id);
        match (&node.spec, task) {
            // Of what AWS does for peerings and routes nothing can be cancelled.
            (_, Task::Leave) | (Spec::Peering(_) | Spec::Route(_), Task::Cancel) => Ok(Done::new(Change::Unchanged)),
            (Spec::Stack(spec), Task::Converge) => {
                let prepared = self.means.outlooks.take_prepared(&node.id);
                let allowed = &self.job.allowed(&node.id);
                let with = stack::With { allowed, change_sets: &self.means.change_sets, shown: shown.as_ref() };
                stack::converge(&home, &resolver.stack(spec)?, prepared, with, &progress).await
            }
            (Spec::Stack(spec), Task::Cancel) => stack::cancel(&home, &spec.name, &owner, &progress).await,
            (Spec::Stack(spec), Task::Read | Task::Find) => {
                let claim = Some(claim).filter(|_| spec.manage);
                let found = stack::find(&home, &spec.name, claim, &progress).await?;
                self.found(ix, task, found, &home)
            }
            (Spec::Stack(spec), Task::Recall) => {
                let claim = Some(claim).filter(|_| spec.manage);
                let found = stack::remains(&home, &spec.name, claim, &progress).await?;
                Ok(found.unwrap_or_else(|| Done::new(Change::Absent)))
            }
            (Spec::Stack(spec), Task::Destroy) => {
                stack::destroy(&home, &spec.name, &owner, &self.job.allowed(&node.id), &progress).await
            }
            (Spec::Peering(spec), Task::Converge) => {
                let accepter = self.accepter(spec)?;
                peering::converge(&home, &accepter, &resolver.peering(spec)?, &progress).await
            }
            (Spec::Peering(spec), Task::Read | Task::Find | Task::Recall) => {
                let adopted = resolver.adopted(spec);
                let found = peering::find(&home, &self.accepter(spec)?, &owner, vpcs(adopted.as_ref())).await?;
                self.found(ix, task, found, &home)
            }
            (Spec::Peering(spec), Task::Destroy) => {
                let adopted = resolver.adopted(spec);
                peering::destroy(&home, &self.accepter(spec)?, &owner, vpcs(adopted.as_ref()), &progress).await
            }
            (Spec::Route(spec), Task::Converge) => {
                let wanted = resolver.route(spec)?;
                let done = route::converge(&home, &wanted, shown.as_ref(), &progress).await?;
                Ok(Done { outputs: facts(wanted), ..done })
            }
            // A route gives nothing, so there is nothing to read of it.
            (Spec::Route(_), Task::Read | Task::Find | Task::Recall) => Ok(Done::new(Change::Read)),
            (Spec::Route(spec), Task::Destroy) => match resolver.route(spec) {
                Ok(wanted) if self.leads_into_own_peering(node, &wanted).await? => {
                    route::destroy(&home, &wanted, &progress).await
                }
                Ok(wanted) => route::leave(&home, &wanted).await,
                Err(Unknown::Missing(gone, _)) => {
                    let gone = format!("{gone} does not exist any more");
                    // If only its target is gone, the route is left and leads nowhere: it is worked out without one. If its
                    // table went with its stack, then so did the route.
                    let rest = RouteSpec { via: spec.destination.clone(), ..spec.clone() };
                    let mut done = match resolver.route(&rest) {
                        Ok(left) => route::sweep(&home, &left.route_tables, &left.destination, &progress).await?,
                        Err(_) => Done::new(Change::Absent),
                    };
                    done.details.insert(0, gone);
                    Ok(done)
                }
                Err(unknown) => Err(unknown.into()),
            },
        }
    }

    /// Whether a route's target is a peering that this plan made. Such a route is the plan's own; of any other nothing
    /// tells whose it is.
    async fn leads_into_own_peering(&self, node: &Node, wanted: &route::Wanted) -> Result<bool, Failure> {
        let peerings = node.needs.iter().map(|need| &need.node).filter(|needed| needed.kind == Kind::Peering);
        let is_target = |given: Given| given.id.as_deref() == Some(&*wanted.target);
        let mut into = peerings.filter(|peering| self.means.gathered.given(peering).is_some_and(is_target));
        let Some(peering) = into.next() else { return Ok(false) };
        let plan = self.job.plan();
        let Some(Spec::Peering(spec)) = plan.nodes.iter().find(|node| node.id == *peering).map(|node| &node.spec)
        else {
            return Ok(false);
        };
        if !spec.adopt {
            // It was looked up by its owner's tags.
            return Ok(true);
        }
        // One that is adopted may be somebody else's still.
        let owner = Owner { plan: plan.name.to_string(), node: peering.clone() };
        let requester = self.regional(&spec.requester.account, &spec.requester.region)?;
        Ok(peering::find(&requester, &self.accepter(spec)?, &owner, None).await?.is_some())
    }

    /// What was found, or why it is missed.
    fn found(&self, ix: Ix, task: Task, found: Option<Done>, home: &Regional) -> Result<Done, Failure> {
        match (found, task) {
            (Some(done), _) => Ok(done),
            (None, Task::Find | Task::Recall) => Ok(Done::new(Change::Absent)),
            (None, _) => Err(missing(&self.job, ix, home)),
        }
    }

    fn accepter(&self, spec: &PeeringSpec) -> Result<Regional, Failure> {
        self.regional(&spec.accepter.account, &spec.accepter.region)
    }

    fn regional(&self, account: &AccountName, region: &Region) -> Result<Regional, Failure> {
        regional(&self.means.sessions, account, region)
    }
}

/// Two VPCs, borrowed.
pub(super) fn vpcs(both: Option<&(String, String)>) -> Option<(&str, &str)> {
    both.map(|(one, other)| (one.as_str(), other.as_str()))
}

/// An account in a region, by the session that was opened for it.
///
/// # Errors
///
/// There is none.
pub(super) fn regional(sessions: &Sessions, account: &AccountName, region: &Region) -> Result<Regional, Failure> {
    sessions.region(account, region).ok_or_else(|| {
        Failure::new(format!("no session was opened for account {account}"), "this is a mistake in orch")
    })
}

/// Why a node that must be there is missed.
pub(super) fn missing(job: &Job, ix: Ix, home: &Regional) -> Failure {
    let node = &job.plan().nodes[ix.index()];
    let what = match &node.spec {
        Spec::Stack(spec) => format!("stack {} does not exist in {home}", spec.name),
        Spec::Peering(_) | Spec::Route(_) => format!("{} does not exist in {home}", node.id),
    };
    let needing: Vec<NodeId> = job
        .graph()
        .needed_by(ix)
        .filter(|dependent| job.task(*dependent) == Task::Converge)
        .map(|dependent| job.graph().id(dependent).clone())
        .collect();
    let failure = Failure::new(what, format!("its outputs are needed by {}", names(&needing)));
    if job.is_left_out(ix) {
        failure.help("it is left out of this run: leave it in, so that it is made")
    } else {
        failure.help("the plan only reads it (`manage = false`): make it first, or correct its name, account or region")
    }
}

/// What a route comes down to, for those who look at the outputs. No node can refer to it.
fn facts(route: route::Wanted) -> BTreeMap<String, String> {
    let facts =
        [("destination", route.destination), ("route_tables", route.route_tables.join(",")), ("via", route.target)];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn names(nodes: &[NodeId]) -> String {
    let named: Vec<String> = nodes.iter().take(NAMED).map(ToString::to_string).collect();
    match nodes.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{} and {more} more", named.join(", ")),
        _ => named.join(", "),
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
