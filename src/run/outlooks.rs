//! What is foreseen of the nodes so far.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use crate::ids::NodeId;
use crate::kinds::stack::Prepared;
use crate::kinds::{Change, Done, Outlook};
use crate::plan::{Attribute, Outputs};
use crate::preview::{Action, Foreseen};

/// What was foreseen of every node, filled while a preview is made and used up by the run that follows it.
#[derive(Debug, Default)]
pub struct Outlooks(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    outlooks: HashMap<NodeId, Outlook>,
    /// The nodes that would not end well, each with the one that would fail.
    failing: HashMap<NodeId, NodeId>,
}

/// How much a node that was foreseen can still give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Giving {
    /// What it does not give now it never will.
    All,
    /// The run may bring more.
    More {
        /// Whether the run makes it, so that what it will give nothing has yet.
        fresh: bool,
    },
}

impl Outlooks {
    /// Keeps what was foreseen of a node.
    pub(super) fn keep(&self, outlook: Outlook) {
        self.lock().outlooks.insert(outlook.foreseen.node.clone(), outlook);
    }

    /// Keeps the outlook of a node that would not end well because of one, which may be itself.
    pub(super) fn fail(&self, outlook: Outlook, because: NodeId) {
        let mut kept = self.lock();
        kept.failing.insert(outlook.foreseen.node.clone(), because);
        kept.outlooks.insert(outlook.foreseen.node.clone(), outlook);
    }

    /// The node that would fail and because of which this one would not end well.
    pub(super) fn failing(&self, node: &NodeId) -> Option<NodeId> {
        self.lock().failing.get(node).cloned()
    }

    /// What is foreseen of a node.
    pub(super) fn foreseen(&self, node: &NodeId) -> Option<Foreseen> {
        self.lock().outlooks.get(node).map(|outlook| outlook.foreseen.clone())
    }

    /// What a node gives that the run leaves as it is, or `None` if it is to be done something with.
    pub(super) fn untouched(&self, node: &NodeId) -> Option<Done> {
        let kept = self.lock();
        let outlook = kept.outlooks.get(node).filter(|outlook| outlook.foreseen.action == Action::Nothing)?;
        let (details, outputs) = (outlook.foreseen.notes.clone(), outlook.outputs.clone());
        Some(Done { details, outputs, id: outlook.id.clone(), ..Done::new(Change::Unchanged) })
    }

    /// The change set that was made for a node, for whoever executes it.
    pub(super) fn take_prepared(&self, node: &NodeId) -> Option<Prepared> {
        self.lock().outlooks.get_mut(node)?.prepared.take()
    }

    /// How much a node can still give; of one that is not foreseen nothing is known.
    pub(super) fn giving(&self, node: &NodeId) -> Giving {
        match self.lock().outlooks.get(node) {
            Some(outlook) if !outlook.pending => Giving::All,
            Some(outlook) => Giving::More { fresh: outlook.fresh },
            None => Giving::More { fresh: false },
        }
    }

    // Every change under this lock is whole, as in `Gathered`.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outputs for Outlooks {
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json> {
        let kept = self.lock();
        let outlook = kept.outlooks.get(node)?;
        match attribute {
            Attribute::Id => outlook.id.clone().map(Json::String),
            Attribute::Output(name) => outlook.outputs.get(&**name).cloned().map(Json::String),
        }
    }
}
