//! What came of taking back what a node has made.

/// What was deleted, and whether that was all.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// A line for each thing that was deleted or left.
    pub details: Vec<String>,
    /// Whether something of it may be there still, which would keep what it stands on from being deleted.
    pub stays: bool,
}

impl TakenBack {
    pub(super) fn left(detail: String) -> Self {
        Self { details: vec![detail], stays: true }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.details.extend(other.details);
        self.stays |= other.stays;
    }
}
