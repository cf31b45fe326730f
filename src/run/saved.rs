//! How much sooner a run has ended because outputs were given early.

use std::collections::HashMap;

use crate::graph::{Graph, Ix};

/// When what happened, in milliseconds since the run began.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// When each node started.
    pub(super) started: HashMap<Ix, u64>,
    /// When each node's own work was done.
    pub(super) worked: HashMap<Ix, u64>,
    /// When a stack gave another node what that needs of it, before its end.
    pub(super) early: HashMap<(Ix, Ix), u64>,
    /// The same of a peering.
    pub(super) pending: HashMap<(Ix, Ix), u64>,
}

/// By how much the run would have ended later at the least, had every node that took outputs early begun when their stack was
/// complete and taken as long; `None` if none did.
pub(super) fn saved(graph: &Graph, times: &Times) -> Option<u64> {
    if times.early.is_empty() {
        return None;
    }
    let mut starts: HashMap<Ix, u64> = HashMap::new();
    let mut ends: HashMap<Ix, u64> = HashMap::new();
    let (mut without, mut with) = (0, 0);
    for node in graph.order() {
        let (start, end) = match (times.started.get(node), times.worked.get(node)) {
            (Some(start), Some(end)) => (*start, *end),
            // What did not run holds nothing up.
            _ => continue,
        };
        let from = |needed: Ix| {
            let (began, ended) = (starts.get(&needed)?, ends.get(&needed)?);
            Some(match (times.pending.get(&(needed, *node)), times.started.get(&needed)) {
                (Some(given), Some(actually)) => began + given.saturating_sub(*actually),
                _ => *ended,
            })
        };
        let begins = graph.needs(*node).filter_map(from).max().unwrap_or(start);
        let done = begins + end.saturating_sub(start);
        // It ends with what it stands on.
        let stood_on = graph.needs(*node).filter_map(|needed| ends.get(&needed).copied()).max().unwrap_or(0);
        starts.insert(*node, begins);
        ends.insert(*node, done.max(stood_on));
        without = without.max(done.max(stood_on));
        with = with.max(end);
    }
    Some(without.saturating_sub(with))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::graph;

    fn times(rows: &[(u32, u64, u64)], early: &[((u32, u32), u64)], pending: &[((u32, u32), u64)]) -> Times {
        let pairs = |pairs: &[((u32, u32), u64)]| {
            pairs.iter().map(|((from, to), at)| ((Ix(*from), Ix(*to)), *at)).collect::<HashMap<_, _>>()
        };
        Times {
            started: rows.iter().map(|(node, start, _)| (Ix(*node), *start)).collect(),
            worked: rows.iter().map(|(node, _, end)| (Ix(*node), *end)).collect(),
            early: pairs(early),
            pending: pairs(pending),
        }
    }

    #[test]
    fn what_began_early_would_have_ended_later() {
        // 0 is a hub of 60 s, 1 a peering of 2 s, 2 a route of 1 s that begins half a second after the peering.
        let graph = graph(3, &[(0, 1), (1, 2), (0, 2)]);
        let pending = [((1, 2), 5_500)];
        let rows = [(0, 0, 60_000), (1, 5_000, 7_000), (2, 5_500, 6_500)];
        let early = [((0, 1), 5_000), ((0, 2), 5_000)];
        assert_eq!(saved(&graph, &times(&rows, &early, &pending)), Some(2_000));
        // Nothing was taken early.
        assert_eq!(saved(&graph, &times(&rows, &[], &pending)), None);
        // A spoke that takes longer than the hub and the peering behind it are what the run waits for.
        let slow = [(0, 0, 60_000), (1, 5_000, 90_000), (2, 5_500, 6_500)];
        assert_eq!(saved(&graph, &times(&slow, &early, &pending)), Some(55_000));
    }
}
