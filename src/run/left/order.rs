//! In which order stacks can be deleted, by what they take from each other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

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

/// That one stack is to be deleted before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// What goes first: it takes something of the other.
    pub first: End,
    /// What goes then.
    pub then: End,
    /// Whether it imports what the other exports, so that CloudFormation would refuse the other order. Else a parameter of
    /// the one equals an output of the other, which may have another reason.
    pub sure: bool,
}

/// A stack that stands.
#[derive(Clone, Debug)]
pub(super) struct Standing<'a> {
    pub(super) end: End,
    pub(super) place: &'a Place,
    pub(super) stack: &'a Stack,
}

/// From whom each stack takes something, and whether that is sure.
type Takes = Vec<BTreeMap<usize, bool>>;

/// Which stacks are to be deleted before which: those that take an output of the other by a parameter, or import it.
/// `importers` has the names of those that do, by the stack that exports.
///
/// Where they take from each other in a ring, what is sure counts before what is not, and else the younger goes first.
/// Beside the pairs, all of them in an order that keeps to these.
pub(super) fn order(stacks: &[Standing<'_>], importers: &HashMap<&str, &[String]>) -> (Vec<Before>, Vec<End>) {
    let mut takes = by_values(stacks);
    let by_name: HashMap<(&Place, &str), usize> =
        stacks.iter().enumerate().map(|(index, own)| ((own.place, own.stack.name.as_str()), index)).collect();
    for (giver, own) in stacks.iter().enumerate() {
        for name in importers.get(own.stack.id.as_str()).copied().unwrap_or_default() {
            if let Some(taker) = by_name.get(&(own.place, name.as_str())).filter(|taker| **taker != giver) {
                takes[*taker].insert(giver, true);
            }
        }
    }
    let ranks = ranks(stacks, &takes);
    let mut pairs: Vec<(usize, usize, bool)> = Vec::new();
    for (taker, givers) in takes.iter().enumerate() {
        let later = givers.iter().filter(|(giver, _)| ranks[taker] < ranks[**giver]);
        pairs.extend(later.map(|(giver, sure)| (taker, *giver, *sure)));
    }
    pairs.sort_unstable_by_key(|(first, then, _)| (ranks[*first], ranks[*then]));
    let end = |index: usize| stacks[index].end.clone();
    let pairs = pairs.into_iter().map(|(first, then, sure)| Before { first: end(first), then: end(then), sure });
    let mut all: Vec<usize> = (0..stacks.len()).collect();
    all.sort_unstable_by_key(|index| ranks[*index]);
    (pairs.collect(), all.into_iter().map(end).collect())
}

/// Who takes from whom by values that are the same. Between two nodes of the plan its own references tell that.
fn by_values(stacks: &[Standing<'_>]) -> Takes {
    let mut givers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, own) in stacks.iter().enumerate() {
        let values: HashSet<&str> = own.stack.outputs.values().map(String::as_str).collect();
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            givers.entry(value).or_default().push(index);
        }
    }
    let is_node = |index: usize| matches!(stacks[index].end, End::Node(_));
    let takes = stacks.iter().enumerate().map(|(index, own)| {
        let values = own.stack.parameters.values().flat_map(|given| {
            let resolved = given.resolved.as_deref();
            [Some(given.value.as_str()), resolved].into_iter().flatten().flat_map(|text| text.split(',').chain([text]))
        });
        let found = values.filter_map(|value| givers.get(value.trim())).flatten().copied();
        let found = found.filter(|giver| *giver != index && !(is_node(index) && is_node(*giver)));
        found.map(|giver| (giver, false)).collect()
    });
    takes.collect()
}

/// The place of each stack in an order of deletion: next comes one that no other needs any more, of several the youngest;
/// where there is none, one that no other is sure to need, and then the youngest of all.
fn ranks(stacks: &[Standing<'_>], takes: &Takes) -> Vec<usize> {
    // How many need it, and how many of those are sure to.
    let mut needed = vec![(0_usize, 0_usize); stacks.len()];
    for (giver, sure) in takes.iter().flatten() {
        needed[*giver].0 += 1;
        needed[*giver].1 += usize::from(*sure);
    }
    let mut left: Vec<usize> = (0..stacks.len()).collect();
    left.sort_by_key(|index| (Reverse(stacks[*index].stack.created), *index));
    let mut ranks = vec![0; stacks.len()];
    for rank in 0..stacks.len() {
        let free = left.iter().position(|index| needed[*index].0 == 0);
        let next = free.or_else(|| left.iter().position(|index| needed[*index].1 == 0)).unwrap_or(0);
        let index = left.remove(next);
        ranks[index] = rank;
        for (giver, sure) in &takes[index] {
            needed[*giver].0 = needed[*giver].0.saturating_sub(1);
            needed[*giver].1 = needed[*giver].1.saturating_sub(usize::from(*sure));
        }
    }
    ranks
}
