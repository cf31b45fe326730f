//! Which nodes stand on others that have not ended.

use std::collections::HashMap;

use crate::graph::Ix;

/// What was released to whom. A node that has begun, since what it needs was released, *stands on* those that released
/// it until they have ended well.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// For each node to which something was released, what it needs.
    grounds: HashMap<Ix, Grounds>,
}

/// What a node needs of which something was released to it.
#[derive(Debug)]
struct Grounds {
    /// Those that had not ended well when it was released, in the order of the graph, and whether each has released.
    needs: Vec<(Ix, bool)>,
    /// How many of them have released and not ended well.
    standing: usize,
    /// How many of them have not ended well.
    open: usize,
}

impl Grounds {
    fn place(&self, node: Ix) -> Option<usize> {
        self.needs.binary_search_by_key(&node, |(needed, _)| *needed).ok()
    }
}

impl Standing {
    /// Notes that a node has released to another what that needs of it; false if it has before. `needs` are those that the
    /// other needs and that have not ended well: it is asked for them once, however many of them release something.
    /// `None` if the node is none of them.
    pub(super) fn release<I>(&mut self, node: Ix, to: Ix, needs: impl FnOnce() -> I) -> Option<bool>
    where
        I: Iterator<Item = Ix>,
    {
        let grounds = self.grounds.entry(to).or_insert_with(|| {
            let mut needs: Vec<_> = needs().map(|needed| (needed, false)).collect();
            needs.sort_unstable();
            Grounds { standing: 0, open: needs.len(), needs }
        });
        let place = grounds.place(node)?;
        let is_new = !std::mem::replace(&mut grounds.needs[place].1, true);
        grounds.standing += usize::from(is_new);
        Some(is_new)
    }

    /// Notes that a node has ended well; false if it had not released to the other what that needs.
    pub(super) fn settle(&mut self, node: Ix, to: Ix) -> bool {
        // Mostly nothing was released at all, and then nothing is to be looked up.
        if self.grounds.is_empty() {
            return false;
        }
        let Some(grounds) = self.grounds.get_mut(&to) else { return false };
        let Some(place) = grounds.place(node) else { return false };
        let was_released = std::mem::take(&mut grounds.needs[place].1);
        grounds.standing -= usize::from(was_released);
        grounds.open -= 1;
        if grounds.open == 0 {
            self.grounds.remove(&to);
        }
        was_released
    }

    /// Whether something that a node stands on has not ended well.
    pub(super) fn stands(&self, node: Ix) -> bool {
        !self.grounds.is_empty() && self.grounds.get(&node).is_some_and(|grounds| grounds.standing > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_needs_is_asked_for_once_and_each_of_it_counts_once() {
        let mut standing = Standing::default();
        let (to, all) = (Ix(9), [3, 1, 2].map(Ix));
        assert_eq!(standing.release(Ix(1), to, || all.into_iter()), Some(true));
        let again = || -> std::vec::IntoIter<Ix> { panic!("it is known") };
        assert_eq!(standing.release(Ix(1), to, again), Some(false));
        assert_eq!(standing.release(Ix(4), to, again), None, "it needs no such node");
        assert_eq!(standing.release(Ix(2), to, again), Some(true));
        assert!(standing.settle(Ix(1), to) && standing.stands(to));
        assert!(!standing.settle(Ix(3), to), "that one has released nothing");
        assert!(standing.settle(Ix(2), to) && !standing.stands(to));
        assert!(standing.grounds.is_empty(), "all that it needs has ended");
    }

    #[test]
    fn who_stood_on_something_that_has_ended_may_stand_on_another() {
        let mut standing = Standing::default();
        let (to, all) = (Ix(9), [1, 2].map(Ix));
        standing.release(Ix(1), to, || all.into_iter());
        standing.settle(Ix(1), to);
        assert!(!standing.stands(to));
        standing.release(Ix(2), to, || all.into_iter());
        assert!(standing.stands(to) && standing.settle(Ix(2), to));
        assert!(!standing.stands(to));
    }
}
