//! The events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Failure};
use crate::ids::{AccountName, NodeId, Region};

/// The command that a run carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make what the plan says.
    Apply,
    /// Delete what the plan made.
    Destroy,
    /// Delete what left the plan.
    Prune,
    /// Read what there is and change nothing.
    Outputs,
    /// Break off what runs at AWS.
    Cancel,
    /// Take over what stands without the plan's tags.
    Adopt,
}

impl Command {
    /// The word for it, as it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Destroy => "destroy",
            Self::Prune => "prune",
            Self::Outputs => "outputs",
            Self::Cancel => "cancel",
            Self::Adopt => "adopt",
        }
    }
}

/// Why nothing new is started any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A node failed and the run was to stop at the first failure.
    FailFast,
    /// The user asked to stop; what runs is waited for.
    Interrupted,
    /// The user asked to stop at once; nothing is waited for.
    Aborted,
}

/// How many nodes ended how. Every node is counted once, save that `changed` is a part of `done`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Ended well.
    pub done: usize,
    /// Ended well and changed something.
    pub changed: usize,
    /// Failed by itself.
    pub failed: usize,
    /// Not run, or taken back, since something that it needs failed.
    pub skipped: usize,
    /// Not run, since the run stopped before.
    pub not_started: usize,
    /// Left while it ran: what it had begun may go on at AWS.
    pub aborted: usize,
}

impl Tally {
    /// How many nodes are counted.
    pub const fn nodes(&self) -> usize {
        self.done + self.failed + self.skipped + self.not_started + self.aborted
    }

    /// Whether all of them ended well.
    pub const fn is_success(&self) -> bool {
        self.done == self.nodes()
    }

    /// Counts an event in, if it is the end of a node.
    pub const fn count(&mut self, event: &Event) {
        match event {
            Event::NodeDone { change, .. } => {
                self.done += 1;
                self.changed += change.is_change() as usize;
            }
            Event::NodeFailed { .. } => self.failed += 1,
            Event::NodeSkipped { .. } | Event::NodeWithdrawn { .. } => self.skipped += 1,
            Event::NodeNotStarted { .. } => self.not_started += 1,
            Event::NodeAborted { .. } => self.aborted += 1,
            Event::RunStarted { .. }
            | Event::NodePlanned { .. }
            | Event::NodeStarted { .. }
            | Event::NodeProgress { .. }
            | Event::Stopping { .. }
            | Event::RollOutHeld { .. }
            | Event::CallsMade { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            changed: self.changed + other.changed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            not_started: self.not_started + other.not_started,
            aborted: self.aborted + other.aborted,
        }
    }
}

/// How many calls of one operation there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// Every attempt that was sent.
    pub made: u64,
    /// Those of them that AWS has throttled.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub throttled: u64,
    /// Those of them that came to nothing for another reason.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub failed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
const fn is_nought(count: &u64) -> bool {
    *count == 0
}

/// A resource of a stack, or the stack itself, as an event of CloudFormation tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its type: `AWS::EC2::VPC`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its own id, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it happened by AWS's clock: it is heard of some time later.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub at: Option<Timestamp>,
}

/// One thing that happened.
///
/// A run is `RunStarted`, a `NodePlanned` for each node, anything but those, `RunFinished`. A node that runs is `NodeStarted`, any number of
/// `NodeProgress`, then one of `NodeDone`, `NodeFailed`, `NodeWithdrawn`, `NodeAborted`; a node that does not is one of `NodeSkipped`,
/// `NodeNotStarted`. Times and durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The plan is sound, the accounts are who they should be, and the first nodes are about to start.
    RunStarted {
        /// The plan's name.
        plan: String,
        /// What is to be done with it.
        command: Command,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A node takes part. Told of each, before any starts.
    NodePlanned {
        /// The node.
        node: NodeId,
        /// The accounts that it works in: of a peering both, the requester's first.
        accounts: Vec<AccountName>,
        /// The region that it works in.
        region: Region,
        /// The nodes of the run that it waits for, in the order of the plan; of very many the first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        needs: Vec<NodeId>,
    },
    /// All that a node needs is done and it has begun.
    NodeStarted {
        /// The node.
        node: NodeId,
        /// The account that it works in.
        account: AccountName,
        /// The region that it works in.
        region: Region,
    },
    /// Something that the node waits for at AWS has moved.
    NodeProgress {
        /// The node.
        node: NodeId,
        /// What moved: a resource by its name in the template, `pcx-0123`, a destination.
        what: String,
        /// Where it has got to, in AWS's own word: `CREATE_COMPLETE`, `pending-acceptance`.
        status: String,
        /// AWS's reason, if it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Of a stack's event, what else it tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<Box<Resource>>,
    },
    /// A node ended well.
    NodeDone {
        /// The node.
        node: NodeId,
        /// What it did.
        change: Change,
        /// What it did in detail, one change an item.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        details: Vec<String>,
        /// What other nodes may use of it, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, String>,
        /// How long it ran.
        took_ms: u64,
    },
    /// A node failed by itself.
    NodeFailed {
        /// The node.
        node: NodeId,
        /// Why.
        error: Failure,
        /// How long it ran.
        took_ms: u64,
    },
    /// A node had begun on what another had released before its end, and that failed: what the node had made was taken back.
    NodeWithdrawn {
        /// The node.
        node: NodeId,
        /// The node that failed.
        because: NodeId,
        /// What was taken back, one thing an item.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        details: Vec<String>,
        /// How long it ran, until it was taken back.
        took_ms: u64,
    },
    /// A node was left while it ran, by the user's wish: what it had begun may go on at AWS.
    NodeAborted {
        /// The node.
        node: NodeId,
        /// How long it ran.
        took_ms: u64,
    },
    /// A node does not run, since something that it needs, directly or not, failed.
    NodeSkipped {
        /// The node.
        node: NodeId,
        /// The node that failed.
        because: NodeId,
    },
    /// A node does not run, since the run, or the roll-out of its group or of one that it needs, stopped before.
    NodeNotStarted {
        /// The node.
        node: NodeId,
    },
    /// Nothing new is started from here on.
    Stopping {
        /// Why.
        reason: StopReason,
        /// How many nodes are left undone by it.
        left: usize,
        /// How many run at this moment.
        running: usize,
    },
    /// Of a group that is rolled out in waves nothing more starts, since too many failed, or one of its canary did.
    /// `NodeNotStarted` follows for each node that is left.
    RollOutHeld {
        /// The group, as a plan names it: `stacks.spoke`.
        group: String,
        /// The instances because of which it is so.
        failed: Vec<NodeId>,
        /// How many nodes are left undone by it: of the group, and what needs them.
        left: usize,
    },
    /// What the run has asked of AWS on behalf of an account in a region, told at its end. Calls to STS are not among it.
    CallsMade {
        /// The account.
        account: AccountName,
        /// The region.
        region: Region,
        /// How many calls there were, by operation.
        calls: BTreeMap<String, CallCount>,
    },
    /// Every node has ended.
    RunFinished {
        /// How they ended.
        #[serde(flatten)]
        tally: Tally,
        /// How long the run took.
        took_ms: u64,
        /// How much longer it would have taken, at the least, without outputs that were given before their stacks were
        /// complete, if any were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saved_ms: Option<u64>,
    },
}

impl Event {
    /// The node that it happened to, if it happened to one.
    pub const fn node(&self) -> Option<&NodeId> {
        match self {
            Self::NodePlanned { node, .. }
            | Self::NodeStarted { node, .. }
            | Self::NodeProgress { node, .. }
            | Self::NodeDone { node, .. }
            | Self::NodeFailed { node, .. }
            | Self::NodeWithdrawn { node, .. }
            | Self::NodeAborted { node, .. }
            | Self::NodeSkipped { node, .. }
            | Self::NodeNotStarted { node } => Some(node),
            Self::RunStarted { .. }
            | Self::Stopping { .. }
            | Self::RollOutHeld { .. }
            | Self::CallsMade { .. }
            | Self::RunFinished { .. } => None,
        }
    }
}
