//! What a run would not start, since a roll-out would be held back by nodes of which it is known that they would fail.

use std::collections::HashMap;

use super::job::InWaves;
use crate::graph::{Graph, Ix, RolledOut};

/// A node that would not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeldBack {
    pub(super) node: Ix,
    /// The node that would fail and thereby hold the roll-out.
    pub(super) because: Ix,
    /// The group whose roll-out is held, by its place among those that are rolled out.
    pub(super) group: usize,
}

/// How a roll-out stands while its nodes are gone through.
#[derive(Clone, Debug, Default)]
struct Progress {
    failed: usize,
    /// The node that holds it, and the first wave that does not start.
    held: Option<(Ix, usize)>,
}

/// How a node would end that does not end well.
#[derive(Clone, Copy, Debug)]
enum End {
    Failed,
    /// Because of another.
    Skipped(Ix),
}

/// The nodes that would not start, in the order of a run. `failing` gives the node because of which a node would not end well:
/// the node itself if it would fail, another if it would be skipped, none if all is well.
///
/// All of a wave is taken to start at once. What waits for a slot or for something that it needs, when too many of its wave
/// have failed, is left by a run as well; when that is, nobody knows beforehand.
pub(super) fn held_back(graph: &Graph, in_waves: &InWaves, failing: impl Fn(Ix) -> Option<Ix>) -> Vec<HeldBack> {
    let InWaves { groups, graph: ordered } = in_waves;
    if groups.is_empty() {
        return Vec::new();
    }
    let mut places: HashMap<Ix, (usize, usize)> = HashMap::new();
    for (group, rolled_out) in groups.iter().enumerate() {
        let waves = rolled_out.waves.iter().enumerate();
        places.extend(waves.flat_map(|(wave, nodes)| nodes.iter().map(move |node| (*node, (group, wave)))));
    }
    let mut progress = vec![Progress::default(); groups.len()];
    let mut reached = graph.reached_nothing();
    let mut held: HashMap<Ix, HeldBack> = HashMap::new();
    // All of a wave comes before any of the next one in this order.
    for &node in ordered.order() {
        let place = places.get(&node).copied();
        if let Some((group, wave)) = place
            && let Some((because, first)) = progress[group].held
            && wave >= first
        {
            let with_all_that_needs_it = graph.reach(node, &mut reached);
            held.extend(with_all_that_needs_it.into_iter().map(|node| (node, HeldBack { node, because, group })));
        }
        let end = match (held.get(&node), failing(node)) {
            (Some(held), _) => End::Skipped(held.because),
            (None, Some(because)) if because == node => End::Failed,
            (None, Some(because)) => End::Skipped(because),
            (None, None) => continue,
        };
        if let Some((group, wave)) = place {
            progress[group].count(&groups[group], wave, node, end);
        }
    }
    ordered.order().iter().filter_map(|node| held.get(node).copied()).collect()
}

impl Progress {
    /// A node of a wave would not end well.
    fn count(&mut self, rolled_out: &RolledOut, wave: usize, node: Ix, end: End) {
        let because = match end {
            End::Failed => node,
            End::Skipped(because) => because,
        };
        self.failed += usize::from(matches!(end, End::Failed));
        let is_canary = rolled_out.canary && wave == 0;
        if self.held.is_none() && (is_canary || self.failed > rolled_out.said.tolerate) {
            self.held = Some((because, wave + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diag::{Sources, Span};
    use crate::graph::samples::graph;
    use crate::ids::Kind;
    use crate::plan::Waves;

    fn group(waves: &[&[u32]], canary: bool, tolerate: usize) -> RolledOut {
        let span = Span::new(Sources::default().add("", ""), 0..0);
        let said = Arc::new(Waves { canary: Vec::new(), batch: None, tolerate, span });
        let waves = waves.iter().map(|wave| wave.iter().copied().map(Ix).collect()).collect();
        RolledOut { kind: Kind::Stack, group: "app".into(), said, waves, canary, absent: Vec::new() }
    }

    /// What is held back of six nodes, each with the reason, where some would fail.
    fn held(edges: &[(u32, u32)], groups: Vec<RolledOut>, failing: &[u32]) -> Vec<(u32, u32)> {
        let graph = Arc::new(graph(6, edges));
        let ordered = Arc::new(graph.in_waves(&groups).unwrap());
        let in_waves = InWaves { groups, graph: ordered };
        let fails = |node: Ix| failing.iter().copied().map(Ix).find(|one| graph.with_descendants([*one])[node.index()]);
        held_back(&graph, &in_waves, fails).into_iter().map(|one| (one.node.0, one.because.0)).collect()
    }

    #[test]
    fn a_canary_that_would_fail_holds_all_behind_it_and_what_needs_that() {
        let groups = || vec![group(&[&[0], &[1, 2]], true, 9)];
        assert_eq!(held(&[(1, 3), (0, 4)], groups(), &[0]), [(1, 0), (2, 0), (3, 0)], "4 is skipped as ever");
        assert_eq!(held(&[(1, 3), (0, 4)], groups(), &[1, 4]), []);
    }

    #[test]
    fn a_canary_that_would_be_skipped_holds_too_and_others_that_would_do_not() {
        assert_eq!(held(&[(5, 0)], vec![group(&[&[0], &[1]], true, 0)], &[5]), [(1, 5)]);
        assert_eq!(held(&[(5, 0)], vec![group(&[&[0], &[1]], false, 0)], &[5]), []);
    }

    #[test]
    fn one_more_than_is_tolerated_holds_later_waves_only() {
        let groups = |tolerate| vec![group(&[&[0, 1, 2], &[3, 4]], false, tolerate)];
        assert_eq!(held(&[], groups(1), &[0, 2]), [(3, 2), (4, 2)]);
        assert_eq!(held(&[], groups(2), &[0, 2]), []);
        assert_eq!(held(&[], groups(0), &[3]), []);
    }

    #[test]
    fn one_that_is_held_may_hold_another() {
        let groups = vec![group(&[&[0], &[1]], true, 0), group(&[&[2], &[3]], true, 0)];
        assert_eq!(held(&[(1, 2)], groups, &[0]), [(1, 0), (2, 0), (3, 0)]);
    }
}
