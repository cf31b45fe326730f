//! What only the user may decide about a stack, and has.

/// What the user allows orch to do with one stack, which it never does by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Resources that a rollback which failed may pass over, by their names in the template.
    pub skip: Vec<String>,
    /// Resources that a deletion may leave behind in the account, by their names in the template.
    pub retain: Vec<String>,
    /// Whether a deletion may leave behind whatever cannot be deleted.
    pub force: bool,
}

impl Allowed {
    /// Whether a deletion may leave anything behind.
    pub(super) fn leaves_something(&self) -> bool {
        self.force || !self.retain.is_empty()
    }
}
