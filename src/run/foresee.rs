//! Takes a job through the engine without doing it: what would be done with each node.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::drafts::Drafter;
use super::outlooks::Outlooks;
use super::{Job, Task};
use crate::aws::{Regional, Sessions};
use crate::diag::Sources;
use crate::engine::{self, Outcome, Schedule, Settings, drive};
use crate::event::Failure;
use crate::graph::Ix;
use crate::ids::{AccountName, Region};
use crate::kinds::stack::ChangeSets;
use crate::kinds::{Outlook, Owner, peering, route, stack};
use crate::plan::{Node, Spec};
use crate::preview::{Order, Preview};

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
    let graph = Arc::clone(job.graph());
    let lanes = |node| super::execute::accounts(job, node);
    let settings = Settings { fail_fast: false, ..settings };
    let schedule = Schedule::new(Arc::clone(&graph), lanes, |_| 1, settings);
    let outlooks = Arc::clone(&looking.outlooks);
    let runner = Arc::new(Foreseer { job: Arc::clone(job), looking });
    let (_silent, control) = mpsc::unbounded_channel();
    drive(schedule, runner, control, |event| {
        if let engine::EngineEvent::Panicked(node, message) = event {
            tracing::error!(node = %job.graph().id(node), message, "orch itself failed here, which is a mistake in orch");
        }
    })
    .await;
    let nodes: Vec<_> = job.taking_part().filter_map(|node| outlooks.foreseen(graph.id(node))).collect();
    let order = order(job, &outlooks);
    Preview { plan: job.plan().name.to_string(), nodes, order }
}

/// The order in which what changes would run.
fn order(job: &Job, outlooks: &Outlooks) -> Order {
    let graph = job.graph();
    let mut depth: Vec<usize> = vec![0; graph.len()];
    let mut steps: Vec<Vec<_>> = Vec::new();
    let changes = |node: Ix| outlooks.foreseen(graph.id(node)).is_some_and(|found| found.action.is_change());
    for node in graph.order() {
        let before = graph.needs(*node).map(|needed| depth[needed.index()]).max().unwrap_or(0);
        depth[node.index()] = before;
        if changes(*node) {
            depth[node.index()] = before + 1;
            if steps.len() <= before {
                steps.resize_with(before + 1, Vec::new);
            }
            steps[before].push(*node);
        }
    }
    for step in &mut steps {
        step.sort_by_key(|node| node.index());
    }
    let path = graph.critical_path(|node| if changes(node) { super::execute::weight(job, node) } else { 0 });
    let id = |node: &Ix| graph.id(*node).clone();
    Order {
        steps: steps.iter().map(|step| step.iter().map(id).collect()).collect(),
        critical: path.nodes.iter().filter(|node| changes(**node)).map(id).collect(),
    }
}

struct Foreseer {
    job: Arc<Job>,
    looking: Looking,
}

impl engine::Runner for Foreseer {
    async fn run(&self, ix: Ix) -> Outcome {
        let task = self.job.task(ix);
        if task == Task::Leave {
            return Outcome::Done;
        }
        let node = &self.job.plan().nodes[ix.index()];
        let owner = Owner { plan: self.job.plan().name.to_string(), node: node.id.clone() };
        let Some(home) = self.regional(&node.account, &node.region) else { return Outcome::Failed };
        let graph = self.job.graph();
        let failing = graph.needs(ix).map(|needed| graph.id(needed)).find_map(|id| self.looking.outlooks.failing(id));
        if let Some(because) = failing {
            self.looking.outlooks.fail(Outlook::skipped(&home, &owner, name(node), &because), because);
            return Outcome::Done;
        }
        let outlook = match Box::pin(self.look(ix, node, task, &home, &owner)).await {
            Ok(outlook) => outlook,
            Err(mut failure) => {
                failure.place.get_or_insert_with(|| self.looking.sources.place(&node.span));
                let outlook = Outlook::refused(&home, &owner, name(node), failure);
                self.looking.outlooks.fail(outlook, node.id.clone());
                return Outcome::Done;
            }
        };
        tracing::info!(node = %node.id, action = ?outlook.foreseen.action, "foreseen");
        self.looking.outlooks.keep(outlook);
        Outcome::Done
    }
}

/// What a node is called at AWS, if the plan tells.
fn name(node: &Node) -> &str {
    match &node.spec {
        Spec::Stack(stack) => &stack.name,
        Spec::Peering(_) | Spec::Route(_) => "",
    }
}

impl Foreseer {
    async fn look(&self, ix: Ix, node: &Node, task: Task, home: &Regional, owner: &Owner) -> Result<Outlook, Failure> {
        let Looking { sources, outlooks, change_sets, .. } = &self.looking;
        let drafter = Drafter { outlooks, sources, owner: owner.clone() };
        match (&node.spec, task) {
            (Spec::Stack(spec), Task::Converge) => {
                stack::foresee(home, &drafter.stack(spec)?, change_sets.as_deref()).await
            }
            (Spec::Peering(spec), Task::Converge) => {
                let accepter = self.regional(&spec.accepter.account, &spec.accepter.region).ok_or_else(no_session)?;
                peering::foresee(home, &accepter, &drafter.peering(spec)?).await
            }
            (Spec::Route(spec), Task::Converge) => route::foresee(home, &drafter.route(spec)?).await,
            _ => self.read(ix, node, home, owner).await,
        }
    }

    /// A node that is only read.
    async fn read(&self, ix: Ix, node: &Node, home: &Regional, owner: &Owner) -> Result<Outlook, Failure> {
        let found = match &node.spec {
            Spec::Stack(spec) => stack::find(home, &spec.name, Some(owner).filter(|_| spec.manage), &|_| {}).await?,
            Spec::Peering(spec) => {
                let accepter = self.regional(&spec.accepter.account, &spec.accepter.region).ok_or_else(no_session)?;
                peering::find(home, &accepter, owner).await?
            }
            Spec::Route(_) => return Ok(Outlook::read(home, owner, "", None)),
        };
        if let Some(done) = found {
            return Ok(Outlook::read(home, owner, name(node), Some(done)));
        }
        let what = match &node.spec {
            Spec::Stack(spec) => format!("stack {} does not exist in {home}", spec.name),
            Spec::Peering(_) | Spec::Route(_) => format!("{} does not exist in {home}", node.id),
        };
        Err(super::runner::missing(&self.job, ix, what))
    }

    fn regional(&self, account: &AccountName, region: &Region) -> Option<Regional> {
        self.looking.sessions.region(account, region)
    }
}

fn no_session() -> Failure {
    Failure::new("no session was opened for the accepter's account", "this is a mistake in orch")
}
