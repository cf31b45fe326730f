//! Looks at how the nodes of a plan stand: everything is asked at once, nothing is waited for and nothing is changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::accounts::specs;
use super::hidden::{hide_given, hide_outputs, hide_telling};
use super::left::known_left;
use super::owner::owner;
use super::turns::Turns;
use super::wanted::{Resolver, Unknown, sensitive};
use super::{Gathered, Given, Job, Task};
use crate::aws::{AccountError, CallError, Environment, Peering, Regional, RouteTable, Sessions, joined};
use crate::diag::Sources;
use crate::event::{Failure, Health, NodeStanding, Standing, Survey};
use crate::graph::Ix;
use crate::ids::{AccountName, NodeId, Region};
use crate::kinds::{Adopt, Claim, peering, route, stack};
use crate::plan::{Node, Outputs as _, PeeringSpec, RouteSpec, Spec, StackSpec};
use crate::secret;

/// An account in a region, by the plan's names.
type Place = (AccountName, Region);

/// What one question brought.
enum Fact {
    Stack(Ix, Box<Result<(Standing, Option<Given>), CallError>>),
    Peerings(Place, Result<Vec<Peering>, CallError>),
    Tables(Place, Result<Vec<RouteTable>, CallError>),
}

type Asking = Pin<Box<dyn Future<Output = Fact> + Send>>;

/// How the nodes that a job of [`Job::survey`] has chosen stand. What cannot be read is told beside the rest.
pub async fn survey(job: &Job, sources: &Arc<Sources>, environment: &Environment) -> Survey {
    let (sessions, errors) = Sessions::reach(&specs(&[job]), environment).await;
    let mut survey = survey_by(job, sources, &sessions, &errors).await;
    if survey.nodes.len() == job.plan().nodes.len() {
        survey.left = known_left(job.plan(), &sessions);
    }
    survey
}

/// The same by sessions that are open, beside the accounts that cannot be used.
pub(super) async fn survey_by(
    job: &Job,
    sources: &Arc<Sources>,
    sessions: &Sessions,
    errors: &[AccountError],
) -> Survey {
    let mut survey = Survey::default();
    for error in errors {
        let mut failure = Failure::new(error.to_string(), "");
        failure.place = job.plan().accounts.get(&error.account).map(|account| sources.place(&account.span));
        failure.help = error.help();
        survey.unread.push(failure);
    }
    let mut tasks = JoinSet::new();
    for ask in questions(job, sessions) {
        tasks.spawn(ask);
    }
    let (mut seen, gathered) = (Seen::default(), Gathered::default());
    for fact in joined(tasks).await {
        match fact {
            Fact::Stack(ix, told) => {
                let told = told.map(|(standing, given)| {
                    // One stack may refer to another that comes later in the plan.
                    if let Some(given) = given {
                        hide_outputs(&job.plan().nodes[ix.index()].spec, sources, &given.outputs);
                        gathered.keep(job.graph().id(ix).clone(), given);
                    }
                    standing
                });
                seen.stacks.insert(ix, told);
            }
            Fact::Peerings(place, told) => drop(seen.peerings.insert(place, told)),
            Fact::Tables(place, told) => drop(seen.tables.insert(place, told)),
        }
    }
    let mut judge = Judge { job, sources, seen, gathered, unread: HashSet::new() };
    // By kind, then by the file's order: what a peering refers to is a stack's, what a route does is of both.
    let mut refusals: Vec<(Place, Failure)> = Vec::new();
    for ix in job.taking_part() {
        let node = &job.plan().nodes[ix.index()];
        let standing = judge.standing(ix, node, &mut refusals);
        if standing.health == Health::Unread {
            judge.unread.insert(node.id.clone());
        }
        if job.task(ix) == Task::Find {
            let (account, region) = (node.account.clone(), node.region.clone());
            survey.nodes.push(NodeStanding { node: node.id.clone(), account, region, standing });
        }
    }
    // Whoever shows this folds it, and what is folded is not found any more.
    for standing in survey.nodes.iter_mut().map(|node| &mut node.standing) {
        let texts = standing.cause.iter_mut().chain(&mut standing.help).chain(&mut standing.options);
        texts.chain([&mut standing.state]).for_each(|text| *text = secret::redact(text).into_owned());
    }
    refusals.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (_, mut refusal) in refusals {
        // Each call has an id of its own; the refusal is the same.
        refusal.request_id = None;
        if !survey.unread.contains(&refusal) {
            survey.unread.push(refusal);
        }
    }
    survey
}

/// Every question that the job needs an answer to, each once.
fn questions(job: &Job, sessions: &Sessions) -> Vec<Asking> {
    let plan = job.plan();
    let mut turns = Turns::default();
    let (mut peerings, mut tables) = (BTreeSet::new(), BTreeSet::new());
    let mut asking: Vec<Asking> = Vec::new();
    for ix in job.taking_part() {
        let node = &plan.nodes[ix.index()];
        let place = (node.account.clone(), node.region.clone());
        match &node.spec {
            Spec::Stack(spec) => {
                let Some(regional) = sessions.region(&place.0, &place.1) else { continue };
                let (turn, spec) = (turns.at(&regional), spec.clone());
                let (owner, adopt) = (spec.manage.then(|| owner(plan, node)), Adopt::declared(spec.adopt));
                asking.push(Box::pin(async move {
                    let _turn = turn.acquire().await.ok();
                    let claim = owner.as_ref().map(|owner| Claim { owner, adopt });
                    Fact::Stack(ix, Box::new(look(&regional, &spec, claim).await))
                }));
            }
            Spec::Peering(spec) => peerings.extend([place, accepter(spec)]),
            Spec::Route(_) => drop(tables.insert(place)),
        }
    }
    for place in peerings {
        let Some(regional) = sessions.region(&place.0, &place.1) else { continue };
        asking.push(Box::pin(async move { Fact::Peerings(place, regional.pictured_peerings().await) }));
    }
    for place in tables {
        let Some(regional) = sessions.region(&place.0, &place.1) else { continue };
        asking.push(Box::pin(async move { Fact::Tables(place, regional.pictured_route_tables().await) }));
    }
    asking
}

/// How a stack stands, and what it gives, unless it is somebody else's.
async fn look(
    regional: &Regional,
    spec: &StackSpec,
    claim: Option<Claim<'_>>,
) -> Result<(Standing, Option<Given>), CallError> {
    let live = regional.pictured_stack(&spec.name).await?;
    if let Some(stack) = &live {
        hide_given(stack, spec);
        hide_telling(regional, stack, spec).await;
    }
    let standing = stack::standing(regional, live.as_ref(), claim, &sensitive(spec)).await;
    let is_own = !matches!(standing.health, Health::Foreign | Health::Missing);
    let given = live.filter(|_| is_own).map(|stack| Given { id: Some(stack.id), outputs: stack.outputs });
    Ok((standing, given))
}

fn accepter(spec: &PeeringSpec) -> Place {
    (spec.accepter.account.clone(), spec.accepter.region.clone())
}

/// Every answer. What has none belongs to an account that cannot be used.
#[derive(Default)]
struct Seen {
    stacks: HashMap<Ix, Result<Standing, CallError>>,
    peerings: BTreeMap<Place, Result<Vec<Peering>, CallError>>,
    tables: BTreeMap<Place, Result<Vec<RouteTable>, CallError>>,
}

/// Works out how the nodes stand, one after the other.
struct Judge<'a> {
    job: &'a Job,
    sources: &'a Sources,
    seen: Seen,
    gathered: Gathered,
    /// The nodes of which nothing is known.
    unread: HashSet<NodeId>,
}

impl Judge<'_> {
    fn standing(&mut self, ix: Ix, node: &Node, refusals: &mut Vec<(Place, Failure)>) -> Standing {
        let place = (node.account.clone(), node.region.clone());
        match &node.spec {
            Spec::Stack(_) => match self.seen.stacks.remove(&ix) {
                Some(Ok(standing)) => self.waiting(node, standing),
                Some(Err(error)) => refused(place, error, refusals),
                None => unusable(&place.0),
            },
            Spec::Peering(spec) => {
                let standing = self.peering(node, spec, &place, refusals);
                if matches!(standing.health, Health::Fine | Health::UnderWay) {
                    let given = Given { id: standing.id.clone(), ..Given::default() };
                    self.gathered.keep(node.id.clone(), given);
                }
                self.waiting(node, standing)
            }
            Spec::Route(spec) => self.route(node, spec, place, refusals),
        }
    }

    fn peering(
        &self,
        node: &Node,
        spec: &PeeringSpec,
        place: &Place,
        refusals: &mut Vec<(Place, Failure)>,
    ) -> Standing {
        let vpcs = match self.resolver(node).vpcs(spec) {
            Ok(vpcs) => Some(vpcs),
            Err(Unknown::Missing(..)) => None,
            Err(Unknown::Unfit(failure)) => return unfit(*failure),
        };
        let view = |place: &Place| self.seen.peerings.get(place).and_then(|told| told.as_deref().ok());
        let other = accepter(spec);
        let views = peering::Views { requester: view(place), accepter: view(&other) };
        let vpcs = vpcs.as_ref().map(|(one, other)| (one.as_str(), other.as_str()));
        let claim = Claim { owner: &owner(self.job.plan(), node), adopt: Adopt::declared(spec.adopt) };
        let judged = peering::standing(claim, vpcs, views).map(|mut standing| {
            if let (Health::Fine, Some((one, other)), Some(id)) = (standing.health, vpcs, &standing.id) {
                let wanted = [(one, spec.requester.dns), (other, spec.accepter.dns)];
                standing.options = peering::options(id, wanted, views);
            }
            standing
        });
        judged.unwrap_or_else(|| {
            let blind = if views.requester.is_none() { place } else { &other };
            match self.seen.peerings.get(blind) {
                Some(Err(error)) => refused(blind.clone(), error.clone(), refusals),
                _ => unusable(&blind.0),
            }
        })
    }

    fn route(&self, node: &Node, spec: &RouteSpec, place: Place, refusals: &mut Vec<(Place, Failure)>) -> Standing {
        let live = match self.seen.tables.get(&place) {
            Some(Ok(live)) => live,
            Some(Err(error)) => return refused(place, error.clone(), refusals),
            None => return unusable(&place.0),
        };
        let judged = match self.resolver(node).route(spec) {
            Ok(wanted) => route::standing(&wanted, live),
            Err(Unknown::Missing(..)) => Ok(self.waiting(node, Standing::new(Health::Missing, "not there"))),
            Err(Unknown::Unfit(failure)) => Err(*failure),
        };
        judged.unwrap_or_else(unfit)
    }

    fn resolver(&self, node: &Node) -> Resolver<'_> {
        let owner = owner(self.job.plan(), node);
        Resolver { gathered: &self.gathered, sources: self.sources, owner, adopt: Adopt::Never }
    }

    /// A missing node's standing, with what it waits for: the nodes that do not give what it refers to.
    fn waiting(&self, node: &Node, standing: Standing) -> Standing {
        if standing.health != Health::Missing {
            return standing;
        }
        let mut waits_for: Vec<NodeId> = Vec::new();
        for need in &node.needs {
            let Some(attribute) = &need.attribute else { continue };
            if self.gathered.get(&need.node, attribute).is_none() && !waits_for.contains(&need.node) {
                waits_for.push(need.node.clone());
            }
        }
        // A stack is found by its name, whatever its inputs are; a route is not found without them.
        if let Some(unread) = waits_for.iter().find(|needed| self.unread.contains(needed))
            && matches!(node.spec, Spec::Route(_))
        {
            return Standing::new(Health::Unread, format!("{unread} was not read"));
        }
        let health = if waits_for.is_empty() { standing.health } else { Health::Waits };
        Standing { health, waits_for, ..standing }
    }
}

/// The standing of a node that a refused call leaves unknown.
fn refused(place: Place, error: CallError, refusals: &mut Vec<(Place, Failure)>) -> Standing {
    let state = format!("{} {}", error.operation, error.fate());
    refusals.push((place, error.into()));
    Standing::new(Health::Unread, state)
}

fn unusable(account: &AccountName) -> Standing {
    Standing::new(Health::Unread, format!("account {account} cannot be used"))
}

/// The standing of a node whose values do not fit.
fn unfit(failure: Failure) -> Standing {
    let at = failure.place.map(|place| format!(" (at {place})")).unwrap_or_default();
    let cause = format!("{}{at}", if failure.cause.is_empty() { &failure.summary } else { &failure.cause });
    Standing { unfit: true, help: failure.help, ..Standing::new(Health::Failed, failure.summary).because(cause) }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
pub(super) mod tests;
