//! How a run ended.

use super::Fate;
use crate::graph::Ix;

/// How every node of a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    fates: Vec<Fate>,
}

impl Summary {
    pub(super) const fn new(fates: Vec<Fate>) -> Self {
        Self { fates }
    }

    /// How a node ended.
    ///
    /// # Panics
    /// If the position is not one of the run's graph.
    pub fn fate(&self, node: Ix) -> Fate {
        self.fates[node.index()]
    }

    /// How each node ended, in the order of the file.
    pub fn fates(&self) -> impl Iterator<Item = (Ix, Fate)> {
        self.fates.iter().enumerate().map(|(index, fate)| (Ix::from(index), *fate))
    }

    /// How many nodes ended in a way.
    pub fn count(&self, way: impl Fn(Fate) -> bool) -> usize {
        self.fates.iter().filter(|fate| way(**fate)).count()
    }

    /// Whether every node ended well.
    pub fn is_success(&self) -> bool {
        self.fates.iter().all(|fate| *fate == Fate::Done)
    }
}
