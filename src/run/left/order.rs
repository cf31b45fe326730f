//! In which order stacks can be deleted, by what they take from each other.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::search::Place;
use crate::aws::Stack;
use crate::ids::NodeId;

/// What an order is between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Something that left the plan, by its place in the list of that.
    Left(usize),
    /// A node of the plan.
    Node(NodeId),
}

/// A stack that stands.
#[derive(Clone, Debug)]
pub(super) struct Standing<'a> {
    pub(super) end: End,
    pub(super) place: &'a Place,
    pub(super) stack: &'a Stack,
}

/// Pairs of which the first is to be deleted before the second: it takes an output of the other by a parameter, or imports
/// it. `importers` has the names of those that do, by the stack that exports.
///
/// Where they take from each other in a ring, the younger goes first. Beside the pairs, all of them in an order that keeps
/// to these.
pub(super) fn order(stacks: &[Standing<'_>], importers: &HashMap<&str, &[String]>) -> (Vec<(End, End)>, Vec<End>) {
    let mut givers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, own) in stacks.iter().enumerate() {
        let values: HashSet<&str> = own.stack.outputs.values().map(String::as_str).collect();
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            givers.entry(value).or_default().push(index);
        }
    }
    // Who takes from whom.
    let mut takes: Vec<HashSet<usize>> = vec![HashSet::new(); stacks.len()];
    for (index, own) in stacks.iter().enumerate() {
        let values = own.stack.parameters.values().flat_map(|given| {
            let resolved = given.resolved.as_deref();
            [Some(given.value.as_str()), resolved].into_iter().flatten().flat_map(|text| text.split(',').chain([text]))
        });
        takes[index]
            .extend(values.filter_map(|value| givers.get(value.trim())).flatten().filter(|giver| **giver != index));
    }
    let by_name: HashMap<(&Place, &str), usize> =
        stacks.iter().enumerate().map(|(index, own)| ((own.place, own.stack.name.as_str()), index)).collect();
    for (giver, own) in stacks.iter().enumerate() {
        for name in importers.get(own.stack.id.as_str()).copied().unwrap_or_default() {
            if let Some(taker) = by_name.get(&(own.place, name.as_str())).filter(|taker| **taker != giver) {
                takes[*taker].insert(giver);
            }
        }
    }
    let ranks = ranks(stacks, &takes);
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (taker, givers) in takes.iter().enumerate() {
        pairs.extend(givers.iter().filter(|giver| ranks[taker] < ranks[**giver]).map(|giver| (taker, *giver)));
    }
    pairs.sort_unstable_by_key(|(first, then)| (ranks[*first], ranks[*then]));
    let pairs = pairs.into_iter().map(|(first, then)| (stacks[first].end.clone(), stacks[then].end.clone())).collect();
    let mut all: Vec<usize> = (0..stacks.len()).collect();
    all.sort_unstable_by_key(|index| ranks[*index]);
    (pairs, all.into_iter().map(|index| stacks[index].end.clone()).collect())
}

/// The place of each stack in an order of deletion: next comes one that no other needs any more, of several the youngest;
/// where there is none, the youngest of all.
fn ranks(stacks: &[Standing<'_>], takes: &[HashSet<usize>]) -> Vec<usize> {
    let mut needed = vec![0_usize; stacks.len()];
    for giver in takes.iter().flatten() {
        needed[*giver] += 1;
    }
    let mut left: Vec<usize> = (0..stacks.len()).collect();
    left.sort_by_key(|index| (Reverse(stacks[*index].stack.created), *index));
    let mut ranks = vec![0; stacks.len()];
    for rank in 0..stacks.len() {
        let next = left.iter().position(|index| needed[*index] == 0).unwrap_or(0);
        let index = left.remove(next);
        ranks[index] = rank;
        for giver in &takes[index] {
            needed[*giver] = needed[*giver].saturating_sub(1);
        }
    }
    ranks
}
