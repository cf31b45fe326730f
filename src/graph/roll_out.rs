//! The groups of a plan that go a wave at a time, as what they add to its graph.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Graph, Ix, Join, Reason};
use crate::ids::Kind;
use crate::plan::{Plan, Waves};

/// A group that is rolled out.
#[derive(Clone, Debug)]
pub struct RolledOut {
    /// The kind of its instances.
    pub kind: Kind,
    /// Its name.
    pub group: Arc<str>,
    /// What the plan says of it.
    pub said: Arc<Waves>,
    /// The instances that take part, wave by wave; none is empty.
    pub waves: Vec<Vec<Ix>>,
    /// Whether the first wave is a canary.
    pub canary: bool,
    /// The instances of the canary that take no part.
    pub absent: Vec<Ix>,
}

impl RolledOut {
    /// The group as a plan names it: `stacks.spoke`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.kind.table(), self.group)
    }

    /// That none of a wave can start before all of the one before have ended.
    fn joins(&self) -> impl Iterator<Item = Join> {
        self.waves.windows(2).map(|pair| Join {
            from: pair[0].clone(),
            to: pair[1].clone(),
            reason: Reason { expression: "waves".into(), span: Some(self.said.span.clone()) },
        })
    }
}

/// The groups that are rolled out in a run in which some nodes take part, in the order of the file. What does not take part
/// is in no wave, and a group of which nothing does is none.
pub fn rolled_out(plan: &Plan, takes_part: impl Fn(Ix) -> bool) -> Vec<RolledOut> {
    let mut groups: Vec<(&Arc<Waves>, Vec<Ix>)> = Vec::new();
    let mut places = HashMap::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        let Some(waves) = &node.waves else { continue };
        let place = *places.entry((node.id.kind, &node.id.group)).or_insert_with(|| {
            groups.push((waves, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(Ix::from(index));
    }
    let rolled_out = |(said, nodes): (&Arc<Waves>, Vec<Ix>)| {
        let id = &plan.nodes[nodes[0].index()].id;
        let (instances, others): (Vec<Ix>, Vec<Ix>) = nodes.iter().partition(|node| takes_part(**node));
        let keyed = |nodes: Vec<Ix>| {
            let key = |node: Ix| plan.nodes[node.index()].id.key.as_deref().unwrap_or_default();
            nodes.into_iter().map(move |node| (key(node), node))
        };
        let (waves, canary) = said.divide(keyed(instances));
        let absent = match said.divide(keyed(others)) {
            (mut waves, true) => waves.swap_remove(0),
            (_, false) => Vec::new(),
        };
        RolledOut { kind: id.kind, group: id.group.clone(), said: said.clone(), waves, canary, absent }
    };
    groups.into_iter().map(rolled_out).filter(|group| !group.waves.is_empty()).collect()
}

impl Graph {
    /// The same nodes, in the order that the waves of some groups bring about beside the references; `None` if a wave needs a
    /// later one, directly or not.
    pub fn in_waves<'a>(&self, groups: impl IntoIterator<Item = &'a RolledOut>) -> Option<Self> {
        self.beside(Vec::new(), [], groups.into_iter().flat_map(RolledOut::joins))
    }
}
