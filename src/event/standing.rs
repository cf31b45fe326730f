//! How nodes stand at AWS, as one look finds them.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::Failure;
use crate::ids::{AccountName, NodeId, Region};

/// What a look at a node comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It stands.
    Fine,
    /// Something is being done to it.
    UnderWay,
    /// It is there and not as it should be, or its last operation failed.
    Failed,
    /// Something of its name, or in its place, is not the node's own.
    Foreign,
    /// It is not there.
    Missing,
    /// It is not there, and neither is something that it needs.
    Waits,
    /// It could not be looked at.
    Unread,
}

impl Health {
    /// Every one, in the order in which they are counted.
    pub const ALL: [Self; 7] =
        [Self::Fine, Self::UnderWay, Self::Failed, Self::Foreign, Self::Missing, Self::Waits, Self::Unread];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::UnderWay => "under way",
            Self::Failed => "failed",
            Self::Foreign => "not ours",
            Self::Missing => "missing",
            Self::Waits => "waiting",
            Self::Unread => "not read",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a route stands in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteState {
    /// It leads to its target, which takes the traffic.
    Active,
    /// It leads to a target that is not there, or not yet.
    Blackhole,
    /// It leads to something else.
    Elsewhere,
    /// The table has no such route.
    Missing,
    /// The table itself is not there.
    NoTable,
}

/// A route in one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableStanding {
    /// The table's id.
    pub table: String,
    /// The destination.
    pub destination: String,
    /// How the route stands.
    pub state: RouteState,
    /// Where the plan wants it to lead.
    pub wanted: String,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// How something stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What it comes to.
    pub health: Health,
    /// Its state, in AWS's own word where AWS has one.
    pub state: String,
    /// When it last began to change, where AWS tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// A stack's ARN or a peering's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What went wrong first, in AWS's own words where they are AWS's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The nodes that it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<NodeId>,
    /// A route's tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableStanding>,
    /// What of a peering's options is not as the plan says, one line an item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What to do, one remedy an item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

impl Standing {
    /// A standing of which nothing more is known.
    pub fn new(health: Health, state: impl Into<String>) -> Self {
        Self {
            health,
            state: state.into(),
            since: None,
            id: None,
            cause: None,
            waits_for: Vec::new(),
            tables: Vec::new(),
            options: Vec::new(),
            help: Vec::new(),
        }
    }

    /// The same with a cause, unless that says nothing.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into()).filter(|cause| !cause.is_empty());
        self
    }

    /// The same with one more remedy.
    #[must_use]
    pub fn help(mut self, remedy: impl Into<String>) -> Self {
        self.help.push(remedy.into());
        self
    }
}

/// A node and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeStanding {
    /// The node.
    pub node: NodeId,
    /// The account that it lives in.
    pub account: AccountName,
    /// The region that it lives in.
    pub region: Region,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// All that one look at a plan's nodes found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// The nodes, in the order of the plan.
    pub nodes: Vec<NodeStanding>,
    /// What could not be read, each once, however many nodes that leaves unread.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Failure>,
    /// How many stacks and peerings have left the plan, as far as the look at its nodes shows; none where only a part of
    /// the plan was looked at.
    #[serde(skip_serializing_if = "is_nought")]
    pub left: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
const fn is_nought(count: &usize) -> bool {
    *count == 0
}

impl Survey {
    /// How many nodes there are of each health, in the order of [`Health::ALL`]; none that has no node.
    pub fn counts(&self) -> Vec<(Health, usize)> {
        let count = |health| self.nodes.iter().filter(|node| node.standing.health == health).count();
        Health::ALL.into_iter().map(|health| (health, count(health))).filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_counted_once_and_empty_counts_are_left_out() {
        let node = |health| NodeStanding {
            node: "stacks.a".parse().unwrap(),
            account: "a".into(),
            region: "us-east-1".into(),
            standing: Standing::new(health, ""),
        };
        let survey = Survey {
            nodes: vec![node(Health::Missing), node(Health::Fine), node(Health::Missing)],
            ..Survey::default()
        };
        assert_eq!(survey.counts(), [(Health::Fine, 1), (Health::Missing, 2)]);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let json = serde_json::to_string(&Standing::new(Health::UnderWay, "CREATE_IN_PROGRESS").because("")).unwrap();
        assert_eq!(json, r#"{"health":"under_way","state":"CREATE_IN_PROGRESS"}"#);
    }
}
