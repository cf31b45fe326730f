//! Takes a job through the engine without doing it: what would be done with each node.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::drafts::Drafter;
use super::early::{self, InTheWay};
use super::held_back::{HeldBack, held_back};
use super::hidden::{hide_live, hide_outputs, hide_outputs_of};
use super::job::InWaves;
use super::outlooks::Outlooks;
use super::owner::owner;
use super::runner::{Doomed, doomed, missing, regional, vpcs};
use super::template::template;
use super::wanted::Resolver;
use super::{Gathered, Job, Task, meetings};
use crate::aws::{Regional, Sessions};
use crate::diag::Sources;
use crate::engine::{self, Footing, Outcome, Schedule, Settings, drive};
use crate::event::Failure;
use crate::graph::{Ix, RolledOut};
use crate::kinds::stack::ChangeSets;
use crate::kinds::{Claim, Outlook, peering, route, stack};
use crate::plan::{Node, PeeringSpec, RouteSpec, Spec, StackSpec};
use crate::preview::{Action, Foreseen, Grounds, Order, Preview, RollOut};

/// What a preview needs besides the job.
#[derive(Clone)]
pub struct Looking {
    /// A session for each account of the job.
    pub sessions: Arc<Sessions>,
    /// The texts of the plan, for the places in messages.
    pub sources: Arc<Sources>,
    /// What is foreseen: filled here, and used up by the run that follows.
    pub outlooks: Arc<Outlooks>,
    /// Where the change sets are written down that are made; without, none is.
    pub change_sets: Option<Arc<ChangeSets>>,
}

/// Says what a job would do, by looking at everything that it would touch, in all accounts at once.
///
/// A node that would fail does not hide the others: those that refer to it wait for what it does not give.
pub async fn foresee(job: &Arc<Job>, settings: Settings, looking: Looking) -> Preview {
    walk(job, settings, looking, None).await
}

/// Says what a destruction would do. `gathered` has what the nodes give that routes refer to.
pub async fn foresee_destroy(job: &Arc<Job>, settings: Settings, looking: Looking, gathered: Arc<Gathered>) -> Preview {
    let preview = walk(job, settings, looking, Some(gathered)).await;
    Preview { destroys: true, prunes: true, ..preview }
}

async fn walk(job: &Arc<Job>, settings: Settings, looking: Looking, gathered: Option<Arc<Gathered>>) -> Preview {
    let graph = Arc::clone(job.graph());
    let lanes = |node| super::execute::accounts(job, node);
    let settings = Settings { fail_fast: false, ..settings };
    let schedule = Schedule::new(Arc::clone(&graph), lanes, |_| 1, settings);
    let outlooks = Arc::clone(&looking.outlooks);
    let reverts_drift = job.reverts_drift() && looking.change_sets.is_some();
    meetings::note(job, &looking.sessions);
    let runner = Arc::new(Foreseer { job: Arc::clone(job), looking, gathered });
    let (_silent, control) = mpsc::unbounded_channel();
    drive(schedule, runner, control, |event| {
        if let engine::EngineEvent::Panicked(ix, message) = event
            && let Some(node) = job.node(ix)
        {
            let failure = Failure::new("orch itself failed here, which is a mistake in orch", message);
            let failure = failure.help("please report it with this message");
            outlooks.keep(refused(node, failure).into());
        }
    })
    .await;
    let in_waves = job.in_waves();
    show_held_back(job, &in_waves, &outlooks);
    let nodes: Vec<(Ix, Foreseen)> =
        job.taking_part().filter_map(|ix| Some((ix, outlooks.foreseen(&job.node(ix)?.id)?))).collect();
    let changing =
        nodes.iter().filter(|(_, node)| node.action.is_change()).map(|(ix, node)| (*ix, node.action)).collect();
    let order = order(job, &in_waves, &changing);
    let nodes = nodes.into_iter().map(|(_, node)| node).collect();
    Preview { reverts_drift, ..Preview::new(job.plan().name.to_string(), nodes, order) }
}

/// Shows what would not start since a roll-out would be held back.
fn show_held_back(job: &Job, in_waves: &InWaves, outlooks: &Outlooks) {
    let graph = job.graph();
    let failing = |node: Ix| graph.get(&outlooks.failing(graph.id(node))?);
    for HeldBack { node, because, group } in held_back(graph, in_waves, failing) {
        let why = format!("not started: the roll-out of {} would be held back", in_waves.groups[group].name());
        outlooks.mark_skipped(graph.id(node), graph.id(because), why);
    }
}

/// The order in which what changes would run.
fn order(job: &Job, in_waves: &InWaves, changing: &HashMap<Ix, Action>) -> Order {
    let InWaves { groups, graph } = in_waves;
    let changes = |node: Ix| changing.contains_key(&node);
    // What is left as it is takes no step of its own.
    let depth = graph.reached(|node| u64::from(changes(node)));
    let mut steps: Vec<Vec<Ix>> = Vec::new();
    for node in graph.nodes().filter(|node| changes(*node)) {
        let step = usize::try_from(depth[node.index()]).expect("no path has more nodes than there are") - 1;
        if steps.len() <= step {
            steps.resize_with(step + 1, Vec::new);
        }
        steps[step].push(node);
    }
    let weight = |node: Ix| changing.get(&node).map_or(0, |action| super::execute::weight(job, node, Some(*action)));
    let path = graph.critical_path(weight);
    let id = |node: &Ix| graph.id(*node).clone();
    let critical: Vec<Ix> = path.nodes.iter().filter(|node| changes(**node)).copied().collect();
    // Of a chain with a node that was never seen at work nobody knows how long it takes.
    let took = critical.iter().map(|node| super::execute::expected(job, *node, *changing.get(node)?));
    Order {
        steps: steps.iter().map(|step| step.iter().map(id).collect()).collect(),
        expected_ms: took.sum::<Option<u64>>().filter(|_| !critical.is_empty()),
        critical: critical.iter().map(id).collect(),
        roll_outs: groups.iter().map(|group| roll_out(job, group)).collect(),
    }
}

/// How a group would be rolled out.
fn roll_out(job: &Job, group: &RolledOut) -> RollOut {
    let keys = |nodes: &[Ix]| {
        nodes.iter().map(|node| job.graph().id(*node).key.as_deref().unwrap_or_default().to_owned()).collect()
    };
    let (canary, others) = group.waves.split_at(usize::from(group.canary));
    RollOut {
        group: group.name(),
        canary: canary.first().map(|wave| keys(wave)).unwrap_or_default(),
        absent: keys(&group.absent),
        others: others.iter().map(Vec::len).sum(),
        batch: others.first().map_or(0, Vec::len),
        tolerate: group.said.tolerate,
    }
}

/// Looks at the nodes of one job.
pub(super) struct Foreseer {
    pub(super) job: Arc<Job>,
    pub(super) looking: Looking,
    /// What nodes give, where all of it is to be deleted.
    pub(super) gathered: Option<Arc<Gathered>>,
}

impl engine::Runner for Foreseer {
    async fn run(&self, ix: Ix, _: Footing) -> Outcome {
        let task = self.job.task(ix);
        if task == Task::Leave {
            return Outcome::Done;
        }
        // What left the plan was looked at when it was found.
        let Some(node) = self.job.node(ix) else { return Outcome::Done };
        let graph = self.job.graph();
        let failing = graph.needs(ix).find_map(|needed| self.looking.outlooks.failing(graph.id(needed)));
        let outlook = match failing {
            Some(because) => Foreseen { because: Some(because), ..foreseen(node, Action::Skipped) }.into(),
            None => Box::pin(self.look(ix, node, task)).await.unwrap_or_else(|mut failure| {
                failure.place.get_or_insert_with(|| self.looking.sources.place(&node.span));
                refused(node, failure).into()
            }),
        };
        hide_outputs(&node.spec, &self.looking.sources, &outlook.outputs);
        tracing::info!(node = %node.id, action = ?outlook.foreseen.action, "foreseen");
        self.looking.outlooks.keep(outlook);
        // One that would fail is told as such, and so is what needs it: to the engine all have been looked at.
        Outcome::Done
    }
}

/// What is foreseen of a node before it is looked at.
pub(super) fn foreseen(node: &Node, action: Action) -> Foreseen {
    let name = match &node.spec {
        Spec::Stack(stack) => stack.name.to_string(),
        Spec::Peering(_) | Spec::Route(_) => String::new(),
    };
    Foreseen { name, ..Foreseen::new(node.id.clone(), node.account.clone(), node.region.clone(), action) }
}

/// What there is to say of a route that stands: it bears no name.
fn moved(node: &Node) -> Option<String> {
    node.formerly.as_ref().map(|formerly| format!("moved from {formerly}"))
}

pub(super) fn refused(node: &Node, failure: Failure) -> Foreseen {
    Foreseen { failure: Some(failure), ..foreseen(node, Action::Refused) }
}

impl Foreseer {
    /// Looks at one node.
    ///
    /// # Errors
    /// It would fail.
    pub(super) async fn look(&self, ix: Ix, node: &Node, task: Task) -> Result<Outlook, Failure> {
        let Looking { sessions, sources, outlooks, .. } = &self.looking;
        let owner = owner(self.job.plan(), node);
        let adopt = self.job.adopt(ix);
        let givers = early::givers(&self.job, ix);
        let drafter = Drafter { outlooks, sources, owner: owner.clone(), adopt, givers, job: Some(&self.job) };
        let home = regional(sessions, &node.account, &node.region)?;
        let accepter = |spec: &PeeringSpec| regional(sessions, &spec.accepter.account, &spec.accepter.region);
        if let Spec::Stack(spec) = &node.spec {
            hide_live(&home, spec).await;
        }
        let found = match (&node.spec, task) {
            (Spec::Stack(spec), Task::Destroy) => {
                return Box::pin(stack::foresee_destroy(&home, &spec.name, &owner)).await;
            }
            (Spec::Peering(spec), Task::Destroy) => {
                let gathered = self.gathered();
                let resolver = Resolver { gathered: &*gathered, sources, owner: owner.clone(), adopt };
                let adopted = resolver.adopted(spec);
                return peering::foresee_destroy(&home, &accepter(spec)?, &owner, vpcs(adopted.as_ref())).await;
            }
            (Spec::Route(spec), Task::Destroy) => {
                return self.doomed(node, spec, Claim { owner: &owner, adopt }, &home).await;
            }
            (Spec::Stack(spec), Task::Converge) => {
                // Boxed, since thousands of peerings and routes are looked at at once, and would be as large as a stack.
                return Box::pin(self.look_at_stack(ix, node, spec, &drafter, &home)).await;
            }
            (Spec::Peering(spec), Task::Converge) => {
                let (accepter, draft) = (accepter(spec)?, drafter.peering(spec)?);
                let mut outlook = peering::foresee(&home, &accepter, &draft).await?;
                outlook.grounds.wanted = draft.wanted(&accepter);
                return Ok(outlook);
            }
            (Spec::Route(spec), Task::Converge) => {
                let draft = drafter.route(spec)?;
                let mut outlook = route::foresee(&home, &draft).await?;
                outlook.grounds.wanted = draft.wanted();
                if outlook.foreseen.action != Action::Create {
                    outlook.foreseen.notes.extend(moved(node));
                }
                return Ok(outlook);
            }
            (Spec::Stack(spec), _) => {
                let claim = Claim { owner: &owner, adopt };
                Box::pin(stack::foresee_reading(&home, &spec.name, claim, spec.manage)).await?
            }
            (Spec::Peering(spec), _) => {
                let adopted = drafter.resolver().adopted(spec);
                let found = peering::find(&home, &accepter(spec)?, &owner, vpcs(adopted.as_ref())).await?;
                found.map(|found| {
                    let live = found.id.iter().map(|id| (format!("peering {id}"), found.outputs["status"].clone()));
                    let grounds = Grounds { live: live.collect(), ..Grounds::default() };
                    Outlook { grounds, ..Outlook::read(&home, &owner, "", Some(found)) }
                })
            }
            (Spec::Route(_), _) => Some(Outlook::read(&home, &owner, "", None)),
        };
        found.ok_or_else(|| missing(&self.job, ix, &home))
    }

    /// Looks at a stack that is to be as the plan says.
    async fn look_at_stack(
        &self,
        ix: Ix,
        node: &Node,
        spec: &StackSpec,
        drafter: &Drafter<'_>,
        home: &Regional,
    ) -> Result<Outlook, Failure> {
        let Looking { sessions, sources, outlooks, change_sets } = &self.looking;
        let template = template(spec, sources, home).await?;
        let supplied = Box::pin(drafter.supplied(node, spec, sessions)).await?;
        let text = Arc::clone(&template.text);
        outlooks.keep_supplied(&node.id, &supplied);
        let draft = drafter.stack(spec, template, &supplied)?;
        let draft = stack::Draft { reverts_drift: self.job.reverts_drift(), ..draft };
        let mut outlook = stack::foresee(home, &draft, change_sets.as_deref()).await?;
        hide_outputs_of(spec, &text, &outlook.outputs);
        if outlook.foreseen.action != Action::Create {
            // What stands waits until all is complete.
            outlook.foreseen.until.iter_mut().for_each(|until| until.early = false);
        } else if let Some(givers) = early::undoable(&self.job, ix, outlooks) {
            let goes = format!("deleted again, with all that is in it, if the creation of {givers} fails");
            outlook.foreseen.notes.push(goes);
        }
        outlook.grounds.wanted = draft.wanted();
        let in_the_way = InTheWay::of(&self.job, sessions, ix, spec, home).await?;
        if let Some(refusal) = in_the_way.refusal(spec) {
            return Err(refusal);
        }
        let in_the_way = in_the_way.ids().await?;
        if !in_the_way.is_empty() {
            let ids = in_the_way.join(", ");
            outlook.foreseen.notes.push(format!("deletes {ids} of this plan, which would hold its VPC"));
        }
        let skip = self.job.allowed(&node.id).skip;
        if !skip.is_empty() {
            let passed = skip.join(", ");
            outlook.foreseen.notes.push(format!("if a rollback of it has failed, that passes over {passed}"));
        }
        Ok(outlook)
    }

    fn gathered(&self) -> Arc<Gathered> {
        self.gathered.clone().unwrap_or_default()
    }

    /// What a destruction would do with a route.
    async fn doomed(
        &self,
        node: &Node,
        spec: &RouteSpec,
        claim: Claim<'_>,
        home: &Regional,
    ) -> Result<Outlook, Failure> {
        let Claim { owner, adopt } = claim;
        let Looking { sessions, sources, .. } = &self.looking;
        let gathered = self.gathered();
        let resolver = Resolver { gathered: &*gathered, sources, owner: owner.clone(), adopt };
        match doomed(&self.job, (sessions, &gathered), node, spec, &resolver).await? {
            Doomed::Known { own, others } => {
                let left = match others {
                    Some(others) => route::leave(home, &others).await?.details,
                    None => Vec::new(),
                };
                let mut outlook = match own {
                    Some(own) => route::foresee_destroy(home, &own).await?,
                    None => foreseen(node, Action::Nothing).into(),
                };
                outlook.foreseen.notes.extend(left);
                Ok(outlook)
            }
            Doomed::Dead { gone, left } => {
                let mut outlook: Outlook = match left {
                    Some(left) => route::foresee_sweep(home, &left.route_tables, &left.destination, owner).await?,
                    None => foreseen(node, Action::Nothing).into(),
                };
                outlook.foreseen.notes.insert(0, gone);
                Ok(outlook)
            }
        }
    }
}
