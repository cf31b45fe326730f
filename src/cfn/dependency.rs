//! Which resource needs which.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::document::Document;
use super::reference::{Target, references};
use super::resource::Resource;

/// One resource's need of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency<'a> {
    /// The logical id of the resource that needs.
    pub from: &'a str,
    /// The logical id of the resource that is needed.
    pub to: &'a str,
    /// The reference, or the entry of `DependsOn`.
    pub at: Range<usize>,
}

impl Document {
    /// The needs of every resource, in the order of the text: by `Ref`, `Fn::GetAtt`, `Fn::Sub` and `DependsOn`.
    ///
    /// `holds` says whether a condition holds, where that is known: resources that do not exist then need nothing and
    /// are not needed, and of an `Fn::If` only the branch taken counts.
    pub fn dependencies<'a>(&'a self, holds: &dyn Fn(&str) -> Option<bool>) -> Vec<Dependency<'a>> {
        let exists = |id: &str| {
            self.resources.get(id).is_some_and(|resource| resource.condition.as_deref().and_then(holds) != Some(false))
        };
        let mut found = Vec::new();
        for resource in self.resources.values().filter(|resource| exists(&resource.id)) {
            let from = resource.id.as_str();
            let stated = resource.depends_on.iter().map(|(to, at)| (to.as_str(), at.clone()));
            let implied =
                references(&resource.node, holds).into_iter().filter_map(|reference| match reference.target {
                    Target::Name(name) | Target::Attribute { resource: name, .. } => Some((name, reference.at)),
                    Target::Condition(_) | Target::Mapping(_) => None,
                });
            let needs = stated.chain(implied).filter(|(to, _)| exists(to));
            found.extend(needs.map(|(to, at)| Dependency { from, to, at }));
        }
        found
    }

    /// The resources that exist, each after those that it needs, otherwise in the order of the text. Those of a circle
    /// are left out, with all that need them.
    pub fn order(&self, holds: &dyn Fn(&str) -> Option<bool>) -> Vec<&str> {
        let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
        let mut holds_up: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for dependency in self.dependencies(holds) {
            *waits.entry(dependency.from).or_default() += 1;
            holds_up.entry(dependency.to).or_default().push(dependency.from);
        }
        let exists = |resource: &&Resource| resource.condition.as_deref().and_then(holds) != Some(false);
        let free = self.resources.values().filter(exists).map(|resource| resource.id.as_str());
        let mut ready: VecDeque<&str> = free.filter(|id| !waits.contains_key(id)).collect();
        let mut order = Vec::with_capacity(self.resources.len());
        while let Some(id) = ready.pop_front() {
            order.push(id);
            for waiting in holds_up.remove(id).into_iter().flatten() {
                if let Some(count) = waits.get_mut(waiting) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push_back(waiting);
                    }
                }
            }
        }
        order
    }

    /// The groups of resources that need each other in a circle, in the order of the text; empty for a sound template.
    pub fn circles(&self, holds: &dyn Fn(&str) -> Option<bool>) -> Vec<Vec<&str>> {
        let needs = self.dependencies(holds).into_iter().map(|dependency| (dependency.from, dependency.to));
        circles(self.resources.keys().map(String::as_str), needs)
    }
}

/// The groups of names that need each other in a circle, all in the order of the names; a need is of two of them.
pub(super) fn circles<'a>(
    names: impl Iterator<Item = &'a str>,
    needs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Vec<&'a str>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let places: BTreeMap<&str, NodeIndex> = names.map(|name| (name, graph.add_node(name))).collect();
    let mut alone = Vec::new();
    for (from, to) in needs {
        if from == to {
            alone.push(from);
        } else {
            graph.add_edge(places[from], places[to], ());
        }
    }
    // petgraph's tarjan_scc recurses as deep as the longest path.
    let mut circles: Vec<Vec<NodeIndex>> =
        kosaraju_scc(&graph).into_iter().filter(|group| group.len() > 1 || alone.contains(&graph[group[0]])).collect();
    for circle in &mut circles {
        circle.sort_unstable();
    }
    circles.sort_unstable();
    circles.into_iter().map(|circle| circle.into_iter().map(|place| graph[place]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(text: &str, holds: Option<bool>) -> Vec<(String, String)> {
        let document = Document::read(text).unwrap();
        let found = document.dependencies(&|_| holds);
        found.iter().map(|edge| (edge.from.to_owned(), edge.to.to_owned())).collect()
    }

    #[test]
    fn every_way_to_need_is_found() {
        let text = "Parameters: {P: {Type: String}}\nResources:\n  A: {Type: T}\n  B: {Type: T, Properties: {X: [!Ref A, !Ref P]}}\n  C: {Type: T, DependsOn: A, Metadata: {Y: !GetAtt B.Z}}\n  D: {Type: T, Properties: {X: !Sub '${A}${AWS::Region}'}, DependsOn: [B, C]}";
        let pairs = [("B", "A"), ("C", "A"), ("C", "B"), ("D", "B"), ("D", "C"), ("D", "A")];
        assert_eq!(edges(text, None), pairs.map(|(from, to)| (from.to_owned(), to.to_owned())));
    }

    #[test]
    fn what_does_not_exist_needs_nothing() {
        let text = "Resources:\n  A: {Type: T, Condition: C}\n  B: {Type: T, Properties: {X: !If [C, !Ref A, x]}, DependsOn: A}";
        assert_eq!(edges(text, None).len(), 2);
        assert!(edges(text, Some(false)).is_empty());
    }

    #[test]
    fn what_is_needed_comes_first() {
        let text = "Resources:\n  A: {Type: T, DependsOn: [B, B]}\n  B: {Type: T}\n  C: {Type: T, Properties: {X: !Ref A, Y: !Ref A}}\n  D: {Type: T, DependsOn: E}\n  E: {Type: T, DependsOn: D}\n  F: {Type: T, Condition: X}";
        let document = Document::read(text).unwrap();
        assert_eq!(document.order(&|_| Some(false)), ["B", "A", "C"]);
        assert_eq!(document.order(&|_| None), ["B", "F", "A", "C"]);
    }

    #[test]
    fn circles_are_found() {
        let text = "Resources:\n  A: {Type: T, DependsOn: C}\n  B: {Type: T, DependsOn: A}\n  C: {Type: T, DependsOn: B}\n  D: {Type: T, DependsOn: A}\n  E: {Type: T, DependsOn: E}";
        let document = Document::read(text).unwrap();
        assert_eq!(document.circles(&|_| None), [vec!["A", "B", "C"], vec!["E"]]);
    }
}
