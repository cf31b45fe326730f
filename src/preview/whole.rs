//! The whole preview.

use serde::{Deserialize, Serialize};

use super::{Action, Foreseen, Order};
use crate::event::Failure;

/// The version of the written form. New fields do not change it; a reader passes over those that it does not know.
pub const VERSION: u32 = 1;

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The plan's name.
    pub plan: String,
    /// Every node that takes part, in the order of the plan.
    pub nodes: Vec<Foreseen>,
    /// In which order.
    pub order: Order,
    /// What left the plan, with what becomes of it when it is pruned, in the order of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Foreseen>,
    /// Whether it is pruned: deleted at the end of the run.
    #[serde(default, skip_serializing_if = "is_not")]
    pub prunes: bool,
    /// Whether the run is a destruction.
    #[serde(default, skip_serializing_if = "is_not")]
    pub destroys: bool,
    /// Where nobody could look for what left the plan, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsearched: Vec<Failure>,
    /// Whether stacks are compared with what really stands, too, and that is brought back.
    #[serde(default, skip_serializing_if = "is_not")]
    pub reverts_drift: bool,
    /// What there is to say about the simulation, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulation>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
const fn is_not(truth: &bool) -> bool {
    !*truth
}

/// What there is to say about a simulation as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// What it took for granted, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How many nodes have which action, in the order in which they are told.
pub type Count = Vec<(Action, usize)>;

impl Preview {
    /// A preview of nodes in their order, of which nothing left the plan.
    pub fn new(plan: String, nodes: Vec<Foreseen>, order: Order) -> Self {
        Self {
            plan,
            nodes,
            order,
            left: Vec::new(),
            prunes: false,
            destroys: false,
            unsearched: Vec::new(),
            reverts_drift: false,
            simulation: None,
        }
    }

    /// All that the run would do something with: the nodes, and what left the plan if it is pruned.
    pub fn taking_part(&self) -> impl Iterator<Item = &Foreseen> {
        self.nodes.iter().chain(self.left.iter().filter(|_| self.prunes))
    }

    /// Whether everything is as it should be.
    pub fn is_nothing(&self) -> bool {
        !self.taking_part().any(|node| node.action.is_change() || node.action == Action::Refused)
    }

    /// Whether a node would fail.
    pub fn is_refused(&self) -> bool {
        self.taking_part().any(|node| node.action == Action::Refused)
    }

    /// Whether there could be no simulation, or a node would fail in it.
    pub fn fails_in_simulation(&self) -> bool {
        let failed = |node: &Foreseen| node.simulated.as_ref().is_some_and(|seen| seen.action == Action::Refused);
        self.simulation.as_ref().is_some_and(|simulation| simulation.failure.is_some()) || self.nodes.iter().any(failed)
    }

    /// How many nodes have which action; those that none has are left out.
    pub fn count(&self) -> Count {
        const ORDER: [Action; 9] = [
            Action::Create,
            Action::Update,
            Action::Replace,
            Action::Delete,
            Action::Unknown,
            Action::Refused,
            Action::Skipped,
            Action::Read,
            Action::Nothing,
        ];
        let count = |action| self.taking_part().filter(|node| node.action == action).count();
        ORDER.map(|action| (action, count(action))).into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// How many resources would be lost, or may be.
    pub fn lost(&self) -> usize {
        self.nodes.iter().map(Foreseen::lost).sum()
    }
}
