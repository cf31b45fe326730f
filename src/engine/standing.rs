//! Which nodes stand on others that have not ended.

use std::collections::{HashMap, HashSet};

use crate::graph::Ix;

/// What was released to whom. A node that has begun, since what it needs was released, *stands on* those that released
/// it until they have ended well.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The node that has released something, and the one that it was released to.
    released: HashSet<(Ix, Ix)>,
    /// For each node that stands on others, on how many.
    grounds: HashMap<Ix, usize>,
}

impl Standing {
    /// Notes that a node has released to another what that needs of it; false if it has before.
    pub(super) fn release(&mut self, node: Ix, to: Ix) -> bool {
        let is_new = self.released.insert((node, to));
        if is_new {
            *self.grounds.entry(to).or_default() += 1;
        }
        is_new
    }

    /// Notes that a node has ended well; false if it had not released to the other what that needs.
    pub(super) fn settle(&mut self, node: Ix, to: Ix) -> bool {
        // Mostly nothing was released at all, and then nothing is to be looked up.
        let was_released = !self.released.is_empty() && self.released.remove(&(node, to));
        if was_released && let Some(grounds) = self.grounds.get_mut(&to) {
            *grounds -= 1;
            if *grounds == 0 {
                self.grounds.remove(&to);
            }
        }
        was_released
    }

    /// Whether something that a node stands on has not ended well.
    pub(super) fn stands(&self, node: Ix) -> bool {
        !self.grounds.is_empty() && self.grounds.contains_key(&node)
    }
}
