//! What is done for one node, by its kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::Task;
use super::super::course::Course;
use super::super::early::{InTheWay, takers};
use super::super::guards::protect;
use super::super::hidden::{hide_live, hide_outputs_of};
use super::super::outlooks::ToDo;
use super::super::owner::owner;
use super::super::past::forecasts;
use super::super::supply::{Supplied, supplied};
use super::super::template::template;
use super::super::wanted::Resolver;
use super::{Doomed, Runner, doomed, laid, missing, regional, vpcs};
use crate::aws::Regional;
use crate::event::{Change, Failure};
use crate::graph::Ix;
use crate::ids::{AccountName, NodeId, Region};
use crate::kinds::stack::Prepared;
use crate::kinds::{self, Claim, Done, Shown, Step, peering, route, stack};
use crate::plan::{Node, PeeringSpec, RouteSpec, Spec, StackSpec};

/// The work of one node.
struct Work<'a> {
    runner: &'a Runner,
    ix: Ix,
    node: &'a Node,
    task: Task,
    course: &'a Course,
    home: Regional,
    resolver: Resolver<'a>,
}

impl Runner {
    /// Does the work of one node.
    ///
    /// # Errors
    /// It failed.
    pub(in crate::run) async fn work(&self, ix: Ix, node: &Node, task: Task, course: &Course) -> Result<Done, Failure> {
        let (gathered, sources, adopt) = (&*self.means.gathered, &*self.means.sources, self.job.adopt(ix));
        let resolver = Resolver { gathered, sources, owner: owner(self.job.plan(), node), adopt };
        let home = self.regional(node, &node.account, &node.region)?;
        let supplied = match &node.spec {
            Spec::Stack(spec) if task == Task::Converge => {
                Box::pin(supplied(spec, &self.means.sessions, &resolver)).await?
            }
            _ => Supplied::new(),
        };
        let to_do = match task {
            Task::Converge => self.means.outlooks.to_do(&node.id),
            _ => ToDo::Work { prepared: None, shown: None },
        };
        let to_do = if self.means.outlooks.is_overtaken(&node.id, &supplied) {
            tracing::info!(node = %node.id, "what it is given from elsewhere is another value by now: looked at anew");
            ToDo::Work { prepared: None, shown: None }
        } else {
            to_do
        };
        let (prepared, shown) = match to_do {
            ToDo::Nothing(mut done) => {
                if let Spec::Route(spec) = &node.spec {
                    done.outputs = facts(resolver.route(spec)?);
                }
                return Ok(done);
            }
            ToDo::Work { prepared, shown } => (prepared, shown),
        };
        let work = Work { runner: self, ix, node, task, course, home, resolver };
        // Each in a box of its own: a fleet has thousands of routes at work, and else each would be as large as a stack.
        match &node.spec {
            Spec::Stack(spec) => Box::pin(work.stack(spec, &supplied, prepared, shown)).await,
            Spec::Peering(spec) => Box::pin(work.peering(spec)).await,
            Spec::Route(spec) => Box::pin(work.route(spec, shown)).await,
        }
    }

    /// An account in a region. What a stack in express mode has made, or one that gives its outputs early, is waited for by
    /// those that refer to it.
    fn regional(&self, node: &Node, account: &AccountName, region: &Region) -> Result<Regional, Failure> {
        let regional = regional(&self.means.sessions, account, region)?.with_urgency(self.urgencies.of(&node.id));
        let nodes = &self.job.plan().nodes;
        let is_new = |needed: &NodeId| {
            let needed = self.job.graph().get(needed).map(|ix| &nodes[ix.index()].spec);
            matches!(needed, Some(Spec::Stack(stack)) if stack.guards.express || stack.guards.early_outputs)
        };
        let follows = node.needs.iter().any(|need| is_new(&need.node));
        Ok(if follows { regional.awaiting_what_is_new() } else { regional })
    }
}

impl Work<'_> {
    async fn stack(
        &self,
        spec: &StackSpec,
        supplied: &Supplied,
        prepared: Option<Prepared>,
        shown: Option<Box<Shown>>,
    ) -> Result<Done, Failure> {
        let Self { home, node, .. } = self;
        let (job, claim) = (&self.runner.job, Some(self.claim()).filter(|_| spec.manage));
        let progress = |step: Step<'_>| self.tell(step);
        hide_live(home, spec).await;
        match self.task {
            Task::Leave | Task::Prune => Ok(Done::new(Change::Unchanged)),
            Task::Converge => self.converge_stack(spec, supplied, prepared, shown.as_deref()).await,
            Task::Cancel => stack::cancel(home, &spec.name, &self.resolver.owner, &progress).await,
            Task::Read | Task::Find => self.found(stack::find(home, &spec.name, claim, &progress).await?),
            Task::Recall => {
                let found = stack::remains(home, &spec.name, claim, &progress).await?;
                Ok(found.unwrap_or_else(|| Done::new(Change::Absent)))
            }
            Task::Vet => {
                let protect = protect(&spec.guards, &self.runner.means.sources);
                let found = stack::vet(home, &spec.name, self.claim(), protect.as_ref(), &progress).await?;
                Ok(found.unwrap_or_else(|| Done::new(Change::Absent)))
            }
            Task::Destroy => {
                let (allowed, forecasts) = (job.allowed(&node.id), forecasts(job.operations(), &node.id));
                stack::destroy(home, &spec.name, &self.resolver.owner, &allowed, &forecasts, &progress).await
            }
        }
    }

    async fn converge_stack(
        &self,
        spec: &StackSpec,
        supplied: &Supplied,
        prepared: Option<Prepared>,
        shown: Option<&Shown>,
    ) -> Result<Done, Failure> {
        let Self { runner, ix, node, course, home, .. } = self;
        let (job, means) = (&runner.job, &runner.means);
        let progress = |step: Step<'_>| self.tell(step);
        let in_the_way = InTheWay::of(job, &means.sessions, *ix, spec, home).await?;
        if let Some(refusal) = in_the_way.refusal(spec) {
            return Err(refusal);
        }
        let cleared = in_the_way.clear(&progress).await?;
        let takers = takers(job, *ix);
        let early_outputs = takers.iter().flat_map(|(_, names)| names).cloned().collect();
        let release = |certain: &BTreeMap<_, _>| runner.release_outputs(*ix, course, &takers, certain);
        let recall = || course.footing.recall();
        let early = stack::Early { wanted: &early_outputs, release: &release, recall: &recall };
        let release = |id: &str| runner.release(*ix, course, id);
        let with = stack::With {
            allowed: &job.allowed(&node.id),
            change_sets: &means.change_sets,
            shown,
            early: Some(early),
            forecasts: &forecasts(job.operations(), &node.id),
            course: self.course(&release),
        };
        let template = template(spec, &means.sources, home).await?;
        let text = Arc::clone(&template.text);
        let wanted = self.resolver.stack(spec, template, supplied)?;
        let reverts_drift = job.reverts_drift() && shown.is_none_or(Shown::permits_reverting);
        let wanted = stack::Wanted { reverts_drift, ..wanted };
        let mut done = stack::converge(home, &wanted, prepared, with, &progress).await?;
        done.details.extend(cleared);
        hide_outputs_of(spec, &text, &done.outputs);
        Ok(done)
    }

    async fn peering(&self, spec: &PeeringSpec) -> Result<Done, Failure> {
        let Self { home, node, resolver, .. } = self;
        let accepter = || self.runner.regional(node, &spec.accepter.account, &spec.accepter.region);
        let progress = |step: Step<'_>| self.tell(step);
        match self.task {
            // Of what AWS does for peerings and routes nothing can be cancelled.
            Task::Leave | Task::Prune | Task::Cancel | Task::Vet => Ok(Done::new(Change::Unchanged)),
            Task::Converge => {
                let release = |id: &str| self.runner.release(self.ix, self.course, id);
                let (wanted, course) = (resolver.peering(spec)?, self.course(&release));
                peering::converge(home, &accepter()?, &wanted, course, &progress).await
            }
            Task::Read | Task::Find | Task::Recall => {
                let adopted = resolver.adopted(spec);
                self.found(peering::find(home, &accepter()?, &resolver.owner, vpcs(adopted.as_ref())).await?)
            }
            Task::Destroy => {
                let adopted = resolver.adopted(spec);
                peering::destroy(home, &accepter()?, &resolver.owner, vpcs(adopted.as_ref()), &progress).await
            }
        }
    }

    async fn route(&self, spec: &RouteSpec, shown: Option<Box<Shown>>) -> Result<Done, Failure> {
        let Self { runner, home, node, resolver, .. } = self;
        let means = &runner.means;
        let progress = |step: Step<'_>| self.tell(step);
        match self.task {
            Task::Leave | Task::Prune | Task::Cancel | Task::Vet => Ok(Done::new(Change::Unchanged)),
            Task::Converge => {
                let wanted = resolver.route(spec)?;
                let made = |made: route::Made| means.gathered.lay(laid(node, home, made));
                let course = self.course(&|_| {});
                let done = route::converge(home, &wanted, shown.as_deref(), &made, course, &progress).await?;
                Ok(Done { outputs: facts(wanted), ..done })
            }
            // A route gives nothing, so there is nothing to read of it.
            Task::Read | Task::Find | Task::Recall => Ok(Done::new(Change::Read)),
            Task::Destroy => match doomed(&runner.job, (&means.sessions, &means.gathered), node, spec, resolver).await?
            {
                Doomed::Known { own, others } => {
                    let mut done = Done::new(Change::Absent);
                    if let Some(own) = own {
                        done = route::destroy(home, &own, &progress).await?;
                        runner.lifted(&own);
                    }
                    if let Some(others) = others {
                        let left = route::leave(home, &others).await?;
                        done.details.extend(left.details);
                        done.change = if done.change == Change::Absent { left.change } else { done.change };
                    }
                    Ok(done)
                }
                Doomed::Dead { gone, left } => {
                    let mut done = match left {
                        Some(left) => route::sweep(home, &left.route_tables, &left.destination, &progress).await?,
                        None => Done::new(Change::Absent),
                    };
                    done.details.insert(0, gone);
                    Ok(done)
                }
            },
        }
    }

    fn claim(&self) -> Claim<'_> {
        Claim { owner: &self.resolver.owner, adopt: self.resolver.adopt }
    }

    fn course<'b>(&'b self, release: &'b (dyn Fn(&str) + Send + Sync)) -> kinds::Course<'b> {
        kinds::Course { footing: self.course, trace: &self.course.trace, release }
    }

    fn tell(&self, step: Step<'_>) {
        self.runner.tell(&self.node.id, step);
    }

    /// What was found, or why it is missed.
    fn found(&self, found: Option<Done>) -> Result<Done, Failure> {
        match (found, self.task) {
            (Some(done), _) => Ok(done),
            (None, Task::Find | Task::Recall) => Ok(Done::new(Change::Absent)),
            (None, _) => Err(missing(&self.runner.job, self.ix, &self.home)),
        }
    }
}

/// What a route comes down to, for those who look at the outputs. No node can refer to it.
fn facts(route: route::Wanted) -> BTreeMap<String, String> {
    let facts =
        [("destination", route.destination), ("route_tables", route.route_tables.join(",")), ("via", route.target)];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
