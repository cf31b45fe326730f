//! The order of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::text::{counted, printable};

/// The order in which nodes would run, and the chain that decides how long that takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The nodes that would change something, step by step: those of one step wait for none of their own.
    pub steps: Vec<Vec<NodeId>>,
    /// The longest chain of nodes that wait for each other, by what they took in earlier runs, or what their kinds take
    /// as a rule.
    pub critical: Vec<NodeId>,
    /// How long that chain took in earlier runs, in milliseconds; `None` if nobody knows of all its nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// The groups of which something takes part and that go a wave at a time, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roll_outs: Vec<RollOut>,
}

/// How a group would be rolled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollOut {
    /// The group: `stacks.spoke`.
    pub group: String,
    /// The keys of those that go first: none of the others starts before all of them have ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canary: Vec<String>,
    /// The keys of those that the plan has in the canary and that take no part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// How many others take part.
    pub others: usize,
    /// How many of the others go at a time.
    pub batch: usize,
    /// How many may fail; with one more, what has not started does not start.
    pub tolerate: usize,
}

impl RollOut {
    /// Whether a node is one of the group.
    pub fn has(&self, node: &NodeId) -> bool {
        let rest = self.group.strip_prefix(node.kind.table()).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|group| *group == *node.group)
    }
}

/// As in "first dev, which must end well, then 20 others, 10 at a time; 1 may fail".
impl fmt::Display for RollOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { canary, absent, others, batch, tolerate, .. } = self;
        let first = some(canary);
        match (canary.is_empty(), others) {
            (false, 0) => write!(f, "{first}, and no others")?,
            (false, _) => write!(f, "first {first}, which must end well, then {}", counted(*others, "other"))?,
            (true, _) => write!(f, "{others}")?,
        }
        if batch < others {
            write!(f, ", {batch} at a time")?;
        }
        if !absent.is_empty() {
            write!(f, "; of its canary {} takes no part", some(absent))?;
        }
        match tolerate {
            0 => f.write_str("; none may fail"),
            some => write!(f, "; {some} may fail"),
        }
    }
}

/// The first few of some keys.
fn some(keys: &[String]) -> String {
    const NAMED: usize = 5;
    let named: Vec<_> = keys.iter().take(NAMED).map(|key| printable(key)).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn a_roll_out_is_told_in_a_line() {
        let all = RollOut {
            group: "stacks.app".to_owned(),
            canary: keys(&["dev"]),
            absent: Vec::new(),
            others: 20,
            batch: 10,
            tolerate: 1,
        };
        assert_eq!(all.to_string(), "first dev, which must end well, then 20 others, 10 at a time; 1 may fail");
        let at_once = RollOut { others: 1, batch: 1, tolerate: 0, ..all.clone() };
        assert_eq!(at_once.to_string(), "first dev, which must end well, then 1 other; none may fail");
        let without = RollOut { canary: Vec::new(), absent: keys(&["dev"]), ..all.clone() };
        assert_eq!(without.to_string(), "20, 10 at a time; of its canary dev takes no part; 1 may fail");
        let many = RollOut { canary: keys(&["a", "b", "c", "d", "e", "f", "g"]), others: 0, batch: 0, ..all };
        assert_eq!(many.to_string(), "a, b, c, d, e and 2 more, and no others; 1 may fail");
    }

    #[test]
    fn a_group_has_its_own_instances() {
        let group = "stacks.app".to_owned();
        let one = RollOut { group, canary: Vec::new(), absent: Vec::new(), others: 1, batch: 1, tolerate: 0 };
        let has = |node: &str| one.has(&node.parse().unwrap());
        assert_eq!(["stacks.app[a]", "stacks.apple[a]", "routes.app[a]"].map(has), [true, false, false]);
    }
}
