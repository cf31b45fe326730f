//! The order of a run.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;

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
    /// What the plan says otherwise in another, with what it was and what it is. Who takes part is no part of it.
    pub fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'static str, String, String)> {
        let keys = |one: &'a Self| -> BTreeSet<&'a String> { one.canary.iter().chain(&one.absent).collect() };
        let (was, is) = (keys(self), keys(other));
        let beyond = |one: &BTreeSet<&String>, other| {
            let beyond: Vec<_> = one.difference(other).map(|key| key.as_str()).collect();
            if beyond.is_empty() { "no other".to_owned() } else { beyond.join(", ") }
        };
        let both = |what, was: &dyn fmt::Display, is: &dyn fmt::Display| (what, was.to_string(), is.to_string());
        let canary = (was != is).then(|| ("the canary", beyond(&was, &is), beyond(&is, &was)));
        let batch = (self.batch != other.batch).then(|| both("how many go at a time", &self.batch, &other.batch));
        let tolerate =
            (self.tolerate != other.tolerate).then(|| both("how many may fail", &self.tolerate, &other.tolerate));
        [canary, batch, tolerate].into_iter().flatten()
    }
}

/// As in "first dev, which must end well, then 20 others, 10 at a time; 1 may fail".
impl fmt::Display for RollOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { canary, absent, others, batch, tolerate, .. } = self;
        let (first, plural) = (some(canary), if *others == 1 { "" } else { "s" });
        match (canary.is_empty(), others) {
            (false, 0) => write!(f, "{first}, and no others")?,
            (false, _) => write!(f, "first {first}, which must end well, then {others} other{plural}")?,
            (true, _) => write!(f, "{others} instance{plural}")?,
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
    let named: Vec<_> = keys.iter().take(NAMED).map(String::as_str).collect();
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
        assert_eq!(without.to_string(), "20 instances, 10 at a time; of its canary dev takes no part; 1 may fail");
        let many = RollOut { canary: keys(&["a", "b", "c", "d", "e", "f", "g"]), others: 0, batch: 0, ..all };
        assert_eq!(many.to_string(), "a, b, c, d, e and 2 more, and no others; 1 may fail");
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let was = RollOut {
            group: "stacks.app".to_owned(),
            canary: keys(&["a", "b", "c", "d", "e", "f"]),
            absent: keys(&["g"]),
            others: 20,
            batch: 10,
            tolerate: 0,
        };
        let told = |is: &RollOut| {
            was.differences(is).map(|(what, was, is)| format!("{what}: {was} → {is}")).collect::<Vec<_>>()
        };
        // Another choice of nodes is no other plan.
        let chosen =
            RollOut { canary: keys(&["a", "b", "c", "d", "e", "f", "g"]), absent: vec![], others: 3, ..was.clone() };
        assert_eq!(told(&chosen), [""; 0]);
        let is = RollOut { canary: keys(&["a", "b", "c", "d", "e", "h"]), batch: 20, tolerate: 9, ..was.clone() };
        assert_eq!(told(&is), ["the canary: f → h", "how many go at a time: 10 → 20", "how many may fail: 0 → 9"]);
        let more = RollOut { canary: keys(&["a", "b", "c", "d", "e", "f", "h"]), ..was.clone() };
        assert_eq!(told(&more), ["the canary: no other → h"]);
    }
}
