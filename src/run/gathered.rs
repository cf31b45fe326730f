//! What nodes have given so far.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::event::Change;
use crate::ids::NodeId;
use crate::inventory::Laid;
use crate::plan::{Attribute, Outputs};

/// What one node gave to those that refer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// A stack's ARN, a peering's `pcx-…`.
    pub id: Option<String>,
    /// A stack's outputs.
    pub outputs: BTreeMap<String, String>,
}

/// What nodes have given so far, filled while they run and read by those that follow.
#[derive(Debug, Default)]
pub struct Gathered {
    given: Mutex<HashMap<NodeId, Given>>,
    /// By table and destination, of which there is one route.
    laid: Mutex<IndexMap<(String, String), Laid>>,
    lifted: Mutex<Vec<Laid>>,
    worked: Mutex<Vec<(NodeId, Change, u64)>>,
}

impl Gathered {
    /// Keeps what a node gave.
    pub fn keep(&self, node: NodeId, given: Given) {
        self.lock().insert(node, given);
    }

    /// What a node gave, if it has.
    pub fn given(&self, node: &NodeId) -> Option<Given> {
        self.lock().get(node).cloned()
    }

    /// Forgets what a node gave, since that was taken back.
    pub(super) fn forget(&self, node: &NodeId) {
        self.lock().remove(node);
    }

    /// Forgets a route that a node has made, since it was taken back.
    pub(super) fn take_up(&self, route: &Laid) {
        let mut laid = self.laid.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (route.table.clone(), route.destination.clone());
        if laid.get(&place).is_some_and(|laid| laid == route) {
            laid.swap_remove(&place);
        }
    }

    /// Keeps a route that a node has made.
    pub(super) fn lay(&self, route: Laid) {
        let place = (route.table.clone(), route.destination.clone());
        self.laid.lock().unwrap_or_else(PoisonError::into_inner).insert(place, route);
    }

    /// Keeps routes of the inventory that a node has deleted.
    pub(super) fn lift(&self, routes: impl IntoIterator<Item = Laid>) {
        self.lifted.lock().unwrap_or_else(PoisonError::into_inner).extend(routes);
    }

    /// Keeps how long AWS's own operation took over a node.
    pub(super) fn work(&self, node: NodeId, change: Change, took: Duration) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.worked.lock().unwrap_or_else(PoisonError::into_inner).push((node, change, took_ms));
    }

    /// How long AWS's own operations took, in milliseconds, for the inventory.
    pub fn worked(&self) -> Vec<(NodeId, Change, u64)> {
        self.worked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The routes of the inventory that were deleted.
    pub fn lifted(&self) -> Vec<Laid> {
        self.lifted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The routes that were made, for the inventory.
    pub fn laid(&self) -> Vec<Laid> {
        self.laid.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    // A panic in one node's task is that node's failure (the engine sees to it); what others gave is still whole,
    // because every change under this lock is a single insertion.
    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Given>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outputs for Gathered {
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json> {
        let gathered = self.lock();
        let given = gathered.get(node)?;
        match attribute {
            Attribute::Id => given.id.clone().map(Json::String),
            Attribute::Output(name) => given.outputs.get(&**name).cloned().map(Json::String),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_was_taken_back_is_forgotten_and_no_other() {
        let gathered = Gathered::default();
        let laid = |destination: &str, target: &str| Laid {
            node: "routes.out".parse().unwrap(),
            account: "111111111111".parse().unwrap(),
            region: "us-east-1".into(),
            table: "rtb-1".to_owned(),
            destination: destination.to_owned(),
            target: target.to_owned(),
        };
        let (one, other) = (laid("10.0.0.0/20", "pcx-1"), laid("10.0.16.0/20", "pcx-1"));
        gathered.lay(one.clone());
        gathered.lay(other.clone());
        gathered.take_up(&laid("10.0.0.0/20", "pcx-2"));
        assert_eq!(gathered.laid(), [one.clone(), other.clone()], "that one leads elsewhere");
        gathered.take_up(&one);
        assert_eq!(gathered.laid(), [other]);
    }

    #[test]
    fn what_a_node_gave_can_be_read_by_those_that_follow() {
        let gathered = Gathered::default();
        let node: NodeId = "stacks.master".parse().unwrap();
        assert_eq!(gathered.get(&node, &Attribute::Id), None);
        let outputs = BTreeMap::from([("VPCId".to_owned(), "vpc-1".to_owned())]);
        gathered.keep(node.clone(), Given { id: Some("arn".to_owned()), outputs });
        assert_eq!(gathered.get(&node, &Attribute::Id), Some("arn".into()));
        assert_eq!(gathered.get(&node, &Attribute::Output("VPCId".into())), Some("vpc-1".into()));
        assert_eq!(gathered.get(&node, &Attribute::Output("Other".into())), None);
    }
}
