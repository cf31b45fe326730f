//! Takes a job through the engine where nothing is lost by it, and tells what was done with each node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::course::Course;
use super::execute::{accounts, weight};
use super::foresee::{Foreseer, foreseen, refused};
use super::gathered::Given;
use super::runner::{Runner, regional};
use super::template::template;
use super::urgencies::Urgencies;
use super::{Gathered, Job, Looking, Means, Outlooks, Task, meetings};
use crate::aws::Sessions;
use crate::diag::Sources;
use crate::engine::{self, EngineEvent, Fate, Footing, Outcome, Schedule, Settings, drive};
use crate::event::Failure;
use crate::graph::Ix;
use crate::ids::NodeId;
use crate::kinds::Outlook;
use crate::kinds::stack::{ChangeSets, needs_macros};
use crate::plan::{Need, Node, Outputs, Spec};
use crate::preview::{Action, Foreseen};

/// What a rehearsal needs besides the job.
pub struct Rehearsal {
    /// Sessions at the AWS where it takes place, which is not the one that the job is for.
    pub sessions: Arc<Sessions>,
    /// The texts of the plan, for the places in messages.
    pub sources: Arc<Sources>,
    /// What was foreseen where the job is for: what needs nothing is not done here either, and gives what it gives there.
    pub outlooks: Arc<Outlooks>,
    /// Nodes that are passed over, with all that needs them, and why.
    pub passed_over: HashMap<NodeId, String>,
    /// Whether something in a value was made up there, so that a failure because of it tells nothing.
    pub is_made_up: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// What a failure says there that tells only that not enough is known.
    pub undecided: &'static str,
}

/// What was done with each node that had something to be done with: looked at the moment before its work began, when all of
/// its values were known, and with the failure if the work failed.
pub async fn rehearse(job: &Arc<Job>, settings: Settings, rehearsal: Rehearsal) -> HashMap<NodeId, Foreseen> {
    let settings = Settings { fail_fast: false, ..settings };
    let schedule =
        Schedule::new(Arc::clone(job.graph()), |node| accounts(job, node), |node| weight(job, node, None), settings);
    let rehearser = Arc::new(Rehearser::new(Arc::clone(job), rehearsal));
    let seen = Arc::clone(&rehearser);
    let (_silent, control) = mpsc::unbounded_channel();
    drive(schedule, Arc::clone(&rehearser), control, |event| match event {
        EngineEvent::Ended(ix, Fate::Skipped { because }) => seen.skipped(ix, because),
        EngineEvent::Panicked(ix, message) => {
            let failure = Failure::new("orch itself failed here, which is a mistake in orch", message);
            let failure = failure.help("please report it with this message");
            seen.note(refused(seen.node(ix), failure));
        }
        _ => {}
    })
    .await;
    std::mem::take(&mut *rehearser.lock())
}

struct Rehearser {
    job: Arc<Job>,
    sources: Arc<Sources>,
    /// What was foreseen where the job is for.
    before: Arc<Outlooks>,
    passed_over: HashMap<NodeId, String>,
    is_made_up: Box<dyn Fn(&str) -> bool + Send + Sync>,
    undecided: &'static str,
    /// What is known here: of nodes that are done everything.
    outlooks: Arc<Outlooks>,
    gathered: Arc<Gathered>,
    foreseer: Foreseer,
    runner: Runner,
    seen: Mutex<HashMap<NodeId, Foreseen>>,
}

impl engine::Runner for Rehearser {
    async fn run(&self, ix: Ix, _: Footing) -> Outcome {
        let task = self.job.task(ix);
        if task == Task::Leave {
            return Outcome::Done;
        }
        let node = self.node(ix);
        if let Some(settled) = self.before.settled(&node.id) {
            self.gathered.keep(node.id.clone(), Given { id: settled.id.clone(), outputs: settled.outputs.clone() });
            self.outlooks.keep(settled);
            return Outcome::Done;
        }
        // What would fail anyway is told without a rehearsal.
        if self.before.failing(&node.id).is_some() {
            return Outcome::Failed;
        }
        if let Some(why) = self.passed_over.get(&node.id) {
            return self.pass_over(node, why);
        }
        if self.has_macros(node).await {
            return self.pass_over(node, "macros have a hand in its template, which only CloudFormation runs");
        }
        let outlook = match Box::pin(self.foreseer.look(ix, node, task)).await {
            Ok(outlook) => outlook,
            Err(failure) => return self.failed(node, foreseen(node, Action::Refused), failure),
        };
        let told = outlook.foreseen.clone();
        self.outlooks.keep(outlook);
        let course = Course::new(Footing::firm(ix));
        match Box::pin(self.runner.work(ix, node, task, &course)).await {
            Ok(done) => {
                self.runner.keep(&node.id, &done);
                let name = if told.name.is_empty() { done.id.clone().unwrap_or_default() } else { told.name.clone() };
                self.note(Foreseen { name, ..told });
                // From here on everything is known of it.
                let settled = foreseen(node, Action::Nothing).into();
                self.outlooks.keep(Outlook { outputs: done.outputs, id: done.id, ..settled });
                Outcome::Done
            }
            Err(failure) => self.failed(node, told, failure),
        }
    }
}

impl Rehearser {
    fn new(job: Arc<Job>, rehearsal: Rehearsal) -> Self {
        let Rehearsal { sessions, sources, outlooks: before, passed_over, is_made_up, undecided } = rehearsal;
        let (outlooks, gathered) = (Arc::<Outlooks>::default(), Arc::<Gathered>::default());
        let change_sets: Arc<ChangeSets> = Arc::default();
        let looking = Looking {
            sessions: Arc::clone(&sessions),
            sources: Arc::clone(&sources),
            outlooks: Arc::clone(&outlooks),
            change_sets: Some(Arc::clone(&change_sets)),
        };
        meetings::note(&job, &sessions);
        let means = Means {
            sessions,
            gathered: Arc::clone(&gathered),
            sources: Arc::clone(&sources),
            sink: Arc::new(|_| {}),
            outlooks: Arc::clone(&outlooks),
            change_sets,
        };
        Self {
            foreseer: Foreseer { job: Arc::clone(&job), looking, gathered: None },
            // Nothing is waited for here.
            runner: Runner::new(Arc::clone(&job), means, Urgencies::none(job.graph())),
            job,
            sources,
            before,
            passed_over,
            is_made_up,
            undecided,
            outlooks,
            gathered,
            seen: Mutex::default(),
        }
    }

    fn node(&self, ix: Ix) -> &Node {
        &self.job.plan().nodes[ix.index()]
    }

    /// Whether a node's template needs macros. One that cannot be read is told as that when the node is looked at.
    async fn has_macros(&self, node: &Node) -> bool {
        let Spec::Stack(spec) = &node.spec else { return false };
        let Ok(home) = regional(&self.foreseer.looking.sessions, &node.account, &node.region) else { return false };
        let template = template(spec, &self.sources, &home).await;
        spec.manage && template.is_ok_and(|template| needs_macros(&template.text))
    }

    /// The reference of a node whose value was made up.
    fn made_up(&self, node: &Node) -> Option<String> {
        let is_made_up = |need: &&Need| {
            let value = need.attribute.as_ref().and_then(|attribute| self.gathered.get(&need.node, attribute));
            value.is_some_and(|value| (self.is_made_up)(&value.to_string()))
        };
        node.needs.iter().find(is_made_up).map(|need| need.expression.to_string())
    }

    fn pass_over(&self, node: &Node, why: &str) -> Outcome {
        self.note(Foreseen { notes: vec![format!("not simulated: {why}")], ..foreseen(node, Action::Unknown) });
        Outcome::Failed
    }

    fn failed(&self, node: &Node, told: Foreseen, mut failure: Failure) -> Outcome {
        if let Some(expression) = self.made_up(node) {
            return self
                .pass_over(node, &format!("{expression} is made up, and AWS's own value may do what that cannot"));
        }
        if failure.to_string().contains(self.undecided) {
            return self.pass_over(node, &format!("what is made {}", self.undecided));
        }
        failure.place.get_or_insert_with(|| self.sources.place(&node.span));
        // Nobody at AWS knows of the request.
        failure.request_id = None;
        self.note(Foreseen { action: Action::Refused, failure: Some(failure), ..told });
        Outcome::Failed
    }

    /// A node was passed over because of another that failed, or that could not be rehearsed itself.
    fn skipped(&self, ix: Ix, because: Ix) {
        let (node, because) = (self.node(ix), self.job.graph().id(because).clone());
        let reason = self.lock().get(&because).map(|seen| seen.action);
        let told = match reason {
            Some(Action::Refused) => Foreseen { because: Some(because), ..foreseen(node, Action::Skipped) },
            _ => Foreseen {
                notes: vec![format!("not simulated, since {because} is not")],
                ..foreseen(node, Action::Unknown)
            },
        };
        self.note(told);
    }

    fn note(&self, told: Foreseen) {
        self.lock().insert(told.node.clone(), told);
    }

    // Every change under this lock is a single insertion.
    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Foreseen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
