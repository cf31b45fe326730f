//! Taking back what a node has made on ground that did not hold.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::names::names;
use super::super::owner::owner;
use super::super::past::forecasts;
use super::{Runner, laid, regional};
use crate::event::Failure;
use crate::graph::Ix;
use crate::ids::NodeId;
use crate::kinds::{Made, Step, TakenBack, peering, route, stack};
use crate::plan::{Node, Spec, StackSpec};

/// What is known of the nodes that are taken back.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The stacks whose creation is known to be undone, which nothing turns round.
    undone: HashSet<Ix>,
    /// The stacks and peerings that were to be taken back and may stand, or something of them.
    standing: HashMap<Ix, Standing>,
}

/// Why something may stand.
#[derive(Clone, Debug)]
enum Standing {
    /// It was left, or could not be deleted, or is being deleted now.
    Left,
    /// A stack that has failed by itself: what becomes of it then is not up to this run. What this run has made of it.
    Failed(Vec<Made>),
}

impl Withdrawals {
    // Every change under this lock is a single one.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runner {
    /// Takes back what a node has made. Gives a line for each.
    ///
    /// # Errors
    /// It cannot be taken back.
    pub(super) async fn take_back(
        &self,
        (ix, node): (Ix, &Node),
        because: Ix,
        made: &[Made],
    ) -> Result<Vec<String>, Failure> {
        // What is gone is not waited for, and what is pending keeps a VPC from being rolled back.
        let home = regional(&self.means.sessions, &node.account, &node.region)?.for_all();
        let progress = |step: Step<'_>| self.tell(&node.id, step);
        let owner = owner(self.job.plan(), node);
        match &node.spec {
            Spec::Route(_) => {
                let gone = |made: route::Made| self.means.gathered.take_up(&laid(node, &home, made));
                route::take_back(&home, made, &gone, &progress).await
            }
            Spec::Peering(spec) => {
                self.withdrawals.lock().standing.insert(ix, Standing::Left);
                let accepter = regional(&self.means.sessions, &spec.accepter.account, &spec.accepter.region)?.for_all();
                let back = peering::take_back(&home, &accepter, &owner, made, &progress).await?;
                Ok(self.came_of(ix, back))
            }
            Spec::Stack(_) if made.is_empty() => Ok(Vec::new()),
            // What it stands on may have to be undone later: by then it may have gone on, or somebody may have deleted it.
            Spec::Stack(_) if because == ix => {
                self.withdrawals.lock().standing.insert(ix, Standing::Failed(made.to_vec()));
                Ok(Vec::new())
            }
            Spec::Stack(spec) => {
                // Also if this panics.
                self.withdrawals.lock().standing.insert(ix, Standing::Left);
                let back = self.take_back_stack(ix, node, spec, because, made).await?;
                Ok(self.came_of(ix, back))
            }
        }
    }

    /// Keeps what came of a node. Gives what is to be told of that.
    fn came_of(&self, ix: Ix, back: TakenBack) -> Vec<String> {
        if !back.stays {
            self.withdrawals.lock().standing.remove(&ix);
        }
        back.details
    }

    async fn take_back_stack(
        &self,
        ix: Ix,
        node: &Node,
        spec: &StackSpec,
        because: Ix,
        made: &[Made],
    ) -> Result<TakenBack, Failure> {
        let home = regional(&self.means.sessions, &node.account, &node.region)?.for_all();
        if !self.is_undone(because).await {
            let because = self.job.graph().id(because);
            let left = format!("stack {} stays, if it was created: {because} has failed and is not undone", spec.name);
            return Ok(TakenBack { details: vec![left], stays: true });
        }
        if !self.loses_its_ground(ix, because) {
            let left =
                format!("stack {} stays, if it was created: so does what it stands on, {}", spec.name, self.ground(ix));
            return Ok(TakenBack { details: vec![left], stays: true });
        }
        if let Some(standing) = self.standing_on(ix).await {
            let summary = format!("stack {} is left as it is", spec.name);
            let cause = format!("what is left of {standing} would keep it from being deleted");
            return Err(Failure::new(summary, cause).help(format!("delete what is left of {standing} before it")));
        }
        let progress = |step: Step<'_>| self.tell(&node.id, step);
        let forecasts = forecasts(self.job.operations(), &node.id);
        stack::take_back(&home, &owner(self.job.plan(), node), made, &forecasts, &progress).await
    }

    /// Whether something that a stack stands on goes away: the one that failed, or one that this run has made and that goes for
    /// the same reason. What stood before does not, and nor does what stands on that alone.
    fn loses_its_ground(&self, ix: Ix, because: Ix) -> bool {
        let courses = self.courses.lock().unwrap_or_else(PoisonError::into_inner);
        // All that was made and has not ended is taken back after what stands on it.
        let is_made = |ix: Ix| courses.get(&ix).is_some_and(|course| !course.trace.made().is_empty());
        let (mut seen, mut open) = (HashSet::new(), vec![ix]);
        while let Some(ix) = open.pop() {
            for needed in self.job.graph().needs(ix) {
                if needed == because {
                    return true;
                }
                if is_made(needed) && seen.insert(needed) {
                    open.push(needed);
                }
            }
        }
        false
    }

    /// What a stack stands on, in words.
    fn ground(&self, ix: Ix) -> String {
        let (job, courses) = (&self.job, self.courses.lock().unwrap_or_else(PoisonError::into_inner));
        let ground = job.graph().needs(ix).filter(|needed| courses.contains_key(needed));
        names(&ground.map(|needed| job.graph().id(needed).clone()).collect::<Vec<_>>())
    }

    /// What needs a node and was to be taken back, but may stand, or something of it.
    async fn standing_on(&self, ix: Ix) -> Option<String> {
        let graph = self.job.graph();
        let known = |needing| Some((needing, self.withdrawals.lock().standing.get(&needing)?.clone()));
        let mut standing: Vec<NodeId> = Vec::new();
        for (needing, why) in graph.needed_by(ix).filter_map(known).collect::<Vec<_>>() {
            let stands = match why {
                Standing::Left => true,
                Standing::Failed(made) => self.stays(needing, &made).await,
            };
            standing.extend(stands.then(|| graph.id(needing).clone()));
        }
        (!standing.is_empty()).then(|| names(&standing))
    }

    /// Whether a stack that has failed by itself may stand by now.
    async fn stays(&self, ix: Ix, made: &[Made]) -> bool {
        let Some(node) = self.job.node(ix) else { return false };
        match regional(&self.means.sessions, &node.account, &node.region) {
            Ok(home) => stack::stays(&home.for_all(), &owner(self.job.plan(), node), made).await,
            Err(_) => true,
        }
    }

    /// Whether a node is a stack whose creation is known to be undone. A stack is deleted for nothing less: its data would be
    /// gone, and what it stands on might stay.
    async fn is_undone(&self, ix: Ix) -> bool {
        // By now another run may have made it anew.
        if self.withdrawals.lock().undone.contains(&ix) {
            return true;
        }
        let Some((node, Spec::Stack(spec))) = self.job.node(ix).map(|node| (node, &node.spec)) else { return false };
        let Ok(home) = regional(&self.means.sessions, &node.account, &node.region) else { return false };
        match stack::is_undone(&home, &spec.name).await {
            Ok(true) => {
                self.withdrawals.lock().undone.insert(ix);
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::info!(node = %node.id, %error, "cannot be looked at, so nothing is deleted because of it");
                false
            }
        }
    }
}
