//! Runs a node: has its work done, and keeps what it gave.

mod take_back;
mod work;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

use super::course::{Course, routes_into};
use super::early::takers;
use super::execute::{Means, millis};
use super::gathered::{Gathered, Given};
use super::hidden::{hide_outputs, shown_outputs};
use super::names::names;
use super::owner::owner;
use super::past::forecasts;
use super::results::Results;
use super::urgencies::Urgencies;
use super::wanted::{Resolver, Unknown};
use super::{Job, Leaving, Task, Thing};
use crate::aws::{Regional, Sessions, StackEvent};
use crate::engine::{self, Fate, Footing, Outcome};
use crate::event::{Change, Event, Failure, Resource};
use crate::graph::Ix;
use crate::ids::{AccountName, Kind, NodeId, Region};
use crate::inventory::Laid;
use crate::kinds::{Adopt, Done, Owner, Step, peering, route, stack};
use crate::plan::{Node, RouteSpec, Spec};
use take_back::Withdrawals;

/// Runs the nodes of one job.
pub(super) struct Runner {
    job: Arc<Job>,
    means: Means,
    urgencies: Urgencies,
    results: Results,
    /// The courses of nodes that began on what others had released.
    courses: Mutex<HashMap<Ix, Arc<Course>>>,
    /// When a node gave another what that needs of it, before its end.
    released: Mutex<HashMap<(Ix, Ix), Instant>>,
    withdrawals: Withdrawals,
}

impl engine::Runner for Runner {
    async fn run(&self, ix: Ix, footing: Footing) -> Outcome {
        let task = self.job.task(ix);
        if task == Task::Leave {
            return Outcome::Done;
        }
        let began = Instant::now();
        let id = self.job.graph().id(ix).clone();
        tracing::info!(node = %id, ?task, "begins");
        let node = self.job.node(ix);
        let is_firm = footing.is_firm();
        let course = Arc::new(Course::new(footing));
        if !is_firm {
            self.courses.lock().unwrap_or_else(PoisonError::into_inner).insert(ix, Arc::clone(&course));
        }
        let leave = Box::pin(self.job.leave().wait()).await;
        let result = match (leave, node, self.job.leaving(ix)) {
            (Err(failure), ..) => Some(Err(failure)),
            (Ok(()), Some(node), _) => unless_gone(&course, Box::pin(self.work(ix, node, task, &course))).await,
            (Ok(()), None, Some(left)) => Some(Box::pin(self.prune(left)).await),
            (Ok(()), None, None) => Some(Ok(Done::new(Change::Absent))),
        };
        let took_ms = millis(began);
        let Some(result) = result else {
            tracing::info!(node = %id, took_ms, "stopped, since what it stands on has failed");
            self.results.worked(ix, None, took_ms);
            return Outcome::Failed;
        };
        match result {
            Ok(done) => {
                tracing::info!(node = %id, change = %done.change, took_ms, "done");
                if let Some(took) = done.took {
                    self.means.gathered.work(id.clone(), done.change, took);
                }
                self.release_all(ix, &course, &done);
                self.keep(&id, &done);
                self.results.worked(ix, Some(Ok(done)), took_ms);
                Outcome::Done
            }
            Err(mut error) => {
                tracing::info!(node = %id, %error, took_ms, "failed");
                error.place = error.place.or_else(|| node.map(|node| self.means.sources.place(&node.span)));
                self.results.worked(ix, Some(Err(error)), took_ms);
                Outcome::Failed
            }
        }
    }

    async fn withdraw(&self, ix: Ix, because: Ix) -> Outcome {
        let course = self.courses.lock().unwrap_or_else(PoisonError::into_inner).get(&ix).cloned();
        let (Some(course), Some(node)) = (course, self.job.node(ix)) else { return Outcome::Done };
        tracing::info!(node = %node.id, because = %self.job.graph().id(because), "is taken back");
        let result = Box::pin(self.take_back((ix, node), because, &course.trace.made())).await;
        let outcome = if result.is_ok() { Outcome::Done } else { Outcome::Failed };
        let result = result.map_err(|failure| {
            let because = self.job.graph().id(because);
            let what = format!("what {} has made could not be taken back", node.id);
            let failure = Failure { summary: what, cause: failure.to_string(), ..failure };
            let failure = failure.help(format!(
                "delete it by hand: it stands on {because}, which has failed and may not be deleted meanwhile"
            ));
            failure.help("then apply again: it is made anew").at(self.means.sources.place(&node.span))
        });
        self.results.taken_back(ix, result);
        outcome
    }
}

/// Does a node's work, unless that on which it stands is gone: then `None`, and nothing is being made any more.
async fn unless_gone<F: Future + Unpin>(course: &Course, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        () = course.footing.gone() => {}
        result = &mut work => return Some(result),
    }
    // What is being made now would be made although nobody waits for it; nothing more is begun.
    course.trace.stop();
    tokio::select! {
        biased;
        () = course.trace.idle() => None,
        result = &mut work => Some(result),
    }
}

impl Runner {
    /// A runner for the nodes of a job.
    pub(super) fn new(job: Arc<Job>, means: Means, urgencies: Urgencies) -> Self {
        let (courses, released) = (Mutex::default(), Mutex::default());
        let (results, withdrawals) = (Results::default(), Withdrawals::default());
        Self { job, means, urgencies, results, courses, released, withdrawals }
    }

    /// Whether nothing is kept of any node's work any more.
    pub(super) fn is_idle(&self) -> bool {
        self.results.is_empty() && self.courses.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes note of a node's end: what it gave before holds only if that was good, and how it went nobody asks any more.
    pub(super) fn ended(&self, ix: Ix, fate: Fate) {
        self.courses.lock().unwrap_or_else(PoisonError::into_inner).remove(&ix);
        self.results.forget(ix);
        let has_failed = matches!(fate, Fate::Failed | Fate::Aborted | Fate::Withdrawn { .. });
        if has_failed && self.job.task(ix) == Task::Converge {
            self.means.gathered.forget(self.job.graph().id(ix));
        }
    }

    /// Keeps that a node's work panicked, or what takes that back did.
    pub(super) fn panicked(&self, ix: Ix, message: &str, took_ms: u64) {
        tracing::error!(node = %self.job.graph().id(ix), message, "panicked");
        let failure = Failure::new("orch itself failed here, which is a mistake in orch", message)
            .help("apply again: nothing that was done is lost; and please report it with this message");
        self.results.panicked(ix, failure, took_ms);
    }

    /// What is told of a node that is about to be taken back, or will be once others have been.
    pub(super) fn withdrawing(&self, ix: Ix, because: Ix, later: bool) -> Event {
        let failed = || format!("{} has failed", self.job.graph().id(because));
        let own = Some(because).filter(|because| *because == ix).and_then(|ix| self.results.failure(ix));
        let status = if later { "is taken back once what stands on it has been" } else { "is taken back" };
        let (what, status) = ("its own work".to_owned(), status.to_owned());
        let reason = Some(own.unwrap_or_else(failed));
        Event::NodeProgress { node: self.job.graph().id(ix).clone(), what, status, reason, resource: None }
    }

    /// What is told of a node that is left and had begun on what another had released: what it made then, which nobody takes
    /// back. One that had failed by itself before is left, too, if the user leaves before it is taken back.
    pub(super) fn left(&self, ix: Ix, fate: Fate) -> Option<Event> {
        let course = self.courses.lock().unwrap_or_else(PoisonError::into_inner).get(&ix).cloned()?;
        match fate {
            Fate::Aborted => {}
            Fate::Failed if !course.footing.is_firm() && !self.results.is_taken_back(ix) => {}
            _ => return None,
        }
        let reason = Some(format!("{}; apply again, or destroy", course.left()?));
        let (what, status) = ("what it has made".to_owned(), "stays".to_owned());
        Some(Event::NodeProgress { node: self.job.graph().id(ix).clone(), what, status, reason, resource: None })
    }

    /// What is to be told of a node whose work ran and that has ended.
    pub(super) fn told(&self, ix: Ix, fate: Fate) -> Option<Event> {
        let mut told = self.results.told(&self.job, ix, fate);
        if let (Some(Event::NodeDone { outputs, .. }), Some(node)) = (&mut told, self.job.node(ix))
            && let Cow::Owned(shown) = shown_outputs(&node.spec, &self.means.sources, outputs)
        {
            *outputs = shown;
        }
        told
    }

    /// Keeps what a node gave for those that refer to it.
    pub(super) fn keep(&self, node: &NodeId, done: &Done) {
        // Something that was looked for in vain, or is gone now, has nothing to give.
        if !matches!(done.change, Change::Absent | Change::Deleted) {
            if let Some(node) = self.job.graph().get(node).and_then(|ix| self.job.node(ix)) {
                hide_outputs(&node.spec, &self.means.sources, &done.outputs);
            }
            self.means.gathered.keep(node.clone(), Given { id: done.id.clone(), outputs: done.outputs.clone() });
        }
    }

    /// Lets those begin that need no more of a peering than its id.
    fn release(&self, ix: Ix, course: &Course, id: &str) {
        let node = self.job.graph().id(ix).clone();
        self.means.gathered.keep(node, Given { id: Some(id.to_owned()), outputs: BTreeMap::new() });
        for route in routes_into(&self.job, ix) {
            self.note_release(ix, route);
            course.footing.release(route);
        }
    }

    /// Lets those begin that need no more of a stack than the outputs that are certain.
    fn release_outputs(
        &self,
        ix: Ix,
        course: &Course,
        takers: &[(Ix, BTreeSet<String>)],
        certain: &BTreeMap<String, String>,
    ) {
        let node = self.job.graph().id(ix).clone();
        if let Some(node) = self.job.node(ix) {
            hide_outputs(&node.spec, &self.means.sources, certain);
        }
        self.means.gathered.keep(node, Given { id: None, outputs: certain.clone() });
        for (taker, _) in takers.iter().filter(|(_, names)| names.iter().all(|name| certain.contains_key(name))) {
            self.note_release(ix, *taker);
            course.footing.release(*taker);
        }
    }

    /// The same of a stack that is complete, while what it stands on itself is not.
    fn release_all(&self, ix: Ix, course: &Course, done: &Done) {
        if self.job.graph().id(ix).kind == Kind::Stack && !course.footing.is_firm() {
            self.release_outputs(ix, course, &takers(&self.job, ix), &done.outputs);
        }
    }

    fn note_release(&self, from: Ix, to: Ix) {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.entry((from, to)).or_insert_with(Instant::now);
    }

    /// When each node gave another what that needs of it, of those that did before their end.
    pub(super) fn released(&self) -> HashMap<(Ix, Ix), Instant> {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, node: &NodeId, step: Step<'_>) {
        (self.means.sink)(Event::NodeProgress {
            node: node.clone(),
            what: step.what.to_owned(),
            status: step.status.to_owned(),
            reason: step.reason.map(str::to_owned),
            resource: step.event.map(|event| Box::new(resource(event))),
        });
    }

    /// Deletes something that left the plan, if it still stands and is the plan's.
    async fn prune(&self, left: &Leaving) -> Result<Done, Failure> {
        let owner = Owner::new(&*self.job.plan().name, left.node.clone());
        let home =
            regional(&self.means.sessions, &left.account, &left.region)?.with_urgency(self.urgencies.of(&left.node));
        let progress = |step: Step<'_>| self.tell(&left.node, step);
        match &left.thing {
            Thing::Stack(stack) => {
                let allowed = self.job.allowed(&left.node);
                let forecasts = forecasts(self.job.operations(), &left.node);
                stack::destroy(&home, &stack.name, &owner, &allowed, &forecasts, &progress).await
            }
            Thing::Peering(peering) => peering::destroy_one(&home, &peering.id, &owner, &progress).await,
            Thing::Route(Laid { table, destination, target, .. }) => {
                let (route_tables, destination, target) = (vec![table.clone()], destination.clone(), target.clone());
                let (replace, adopt) = (false, Adopt::Never);
                let wanted = route::Wanted { route_tables, destination, target, replace, adopt, owner };
                let done = route::destroy(&home, &wanted, &progress).await?;
                self.lifted(&wanted);
                Ok(done)
            }
        }
    }

    /// Notes that the plan's routes are not in some tables any more: what will be there is somebody else's.
    fn lifted(&self, route: &route::Wanted) {
        let is_there = |laid: &&Laid| {
            let place = route::place(&route.route_tables, &route.destination);
            place.is_ok_and(|(tables, to)| tables.contains(&laid.table) && (to == laid.destination))
        };
        self.means.gathered.lift(self.job.laid().iter().filter(is_there).cloned());
    }
}

/// A route that a node has made, for the inventory.
fn laid(node: &Node, home: &Regional, made: route::Made) -> Laid {
    let (account, region) = (home.account_id().clone(), home.region().clone());
    let route::Made { table, destination, target } = made;
    Laid { node: node.id.clone(), account, region, table, destination, target }
}

/// What a destruction is to do with a route.
pub(super) enum Doomed {
    /// All of its values are known.
    Known {
        /// In the tables in which it is the plan's own: it is deleted.
        own: Option<route::Wanted>,
        /// In the tables in which nothing tells that: it is left.
        others: Option<route::Wanted>,
    },
    /// Something that it refers to is gone.
    Dead {
        /// What that is.
        gone: String,
        /// Where it was, if that is known: what leads to a dead peering there is deleted. If its table went with its stack,
        /// then so did the route.
        left: Option<route::Wanted>,
    },
}

/// What a destruction is to do with a route. It is the plan's own where it leads into a peering that this plan made, or
/// where the inventory has it; of any other nothing tells whose it is.
pub(super) async fn doomed(
    job: &Job,
    (sessions, gathered): (&Sessions, &Gathered),
    node: &Node,
    spec: &RouteSpec,
    resolver: &Resolver<'_>,
) -> Result<Doomed, Failure> {
    let wanted = match resolver.route(spec) {
        Ok(wanted) => wanted,
        Err(Unknown::Missing(gone, _)) => {
            // If only its target is gone, the route is left and leads nowhere: it is worked out without one.
            let rest = RouteSpec { via: spec.destination.clone(), ..spec.clone() };
            let gone = format!("{gone} does not exist any more");
            return Ok(Doomed::Dead { gone, left: resolver.route(&rest).ok() });
        }
        Err(unknown) => return Err(unknown.into()),
    };
    let into_own = leads_into_own_peering(job, (sessions, gathered), node, &wanted).await?;
    let (_, destination) = route::place(&wanted.route_tables, &wanted.destination)?;
    let made = |table: &String| {
        job.laid()
            .iter()
            .any(|laid| (&laid.table, &laid.destination, &laid.target) == (table, &destination, &wanted.target))
    };
    let (own, others): (Vec<String>, Vec<String>) =
        wanted.route_tables.iter().cloned().partition(|table| into_own || made(table));
    let of =
        |tables: Vec<String>| (!tables.is_empty()).then(|| route::Wanted { route_tables: tables, ..wanted.clone() });
    Ok(Doomed::Known { own: of(own), others: of(others) })
}

/// Whether a route's target is a peering that this plan made.
async fn leads_into_own_peering(
    job: &Job,
    (sessions, gathered): (&Sessions, &Gathered),
    node: &Node,
    wanted: &route::Wanted,
) -> Result<bool, Failure> {
    let peerings = node.needs.iter().map(|need| &need.node).filter(|needed| needed.kind == Kind::Peering);
    let is_target = |given: Given| given.id.as_deref() == Some(&*wanted.target);
    let mut into = peerings.filter(|peering| gathered.given(peering).is_some_and(is_target));
    let Some(peering) = into.next() else { return Ok(false) };
    let plan = job.plan();
    let Some(node) = plan.nodes.iter().find(|node| node.id == *peering) else { return Ok(false) };
    let Spec::Peering(spec) = &node.spec else { return Ok(false) };
    if !spec.adopt {
        // It was looked up by its owner's tags.
        return Ok(true);
    }
    // One that is adopted may be somebody else's still.
    let owner = owner(plan, node);
    let requester = regional(sessions, &spec.requester.account, &spec.requester.region)?;
    let accepter = regional(sessions, &spec.accepter.account, &spec.accepter.region)?;
    Ok(peering::find(&requester, &accepter, &owner, None).await?.is_some())
}

/// What else an event tells of its resource.
fn resource(event: &StackEvent) -> Resource {
    Resource {
        kind: event.kind.clone(),
        id: Some(event.physical_id.clone()).filter(|id| !id.is_empty()),
        at: event.at.and_then(|at| Timestamp::from_millisecond(at).ok()),
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

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
