//! What a look at one node gives before a run.

use std::collections::BTreeMap;

use super::stack::Prepared;
use super::{Done, Owner, Regional};
use crate::event::Failure;
use crate::ids::NodeId;
use crate::preview::{Action, Foreseen, Until};

/// What is foreseen for a node, and what those that refer to it may count on.
#[derive(Debug)]
pub struct Outlook {
    /// What would be done.
    pub foreseen: Foreseen,
    /// The outputs that it has and will have, whatever the run does to it.
    pub outputs: BTreeMap<String, String>,
    /// Its ARN or id, if it is there and stays.
    pub id: Option<String>,
    /// Whether outputs that are not here may come with the run.
    pub pending: bool,
    /// Whether the run would make it: what it will give, nothing has yet.
    pub fresh: bool,
    /// A change set that is made and waits to be executed.
    pub prepared: Option<Prepared>,
}

impl Outlook {
    /// An outlook on a node that gives nothing as yet.
    pub(super) fn new(regional: &Regional, owner: &Owner, name: &str, action: Action) -> Self {
        let foreseen = Foreseen {
            node: owner.node.clone(),
            account: regional.account().clone(),
            region: regional.region().clone(),
            name: name.to_owned(),
            action,
            notes: Vec::new(),
            parameters: Vec::new(),
            tags: Vec::new(),
            resources: Vec::new(),
            until: Vec::new(),
            failure: None,
        };
        let pending = action.is_change();
        Self { foreseen, outputs: BTreeMap::new(), id: None, pending, fresh: action == Action::Create, prepared: None }
    }

    /// The outlook on a node that is only read, with what was found.
    pub fn read(regional: &Regional, owner: &Owner, name: &str, found: Option<Done>) -> Self {
        let mut outlook = Self::new(regional, owner, name, Action::Read);
        if let Some(found) = found {
            (outlook.outputs, outlook.id) = (found.outputs, found.id);
        }
        outlook
    }

    /// The outlook that the node will not run, since another will fail.
    pub fn skipped(regional: &Regional, owner: &Owner, name: &str, because: &NodeId) -> Self {
        let mut outlook = Self::new(regional, owner, name, Action::Skipped);
        outlook.pending = true;
        outlook.noting([format!("skipped, since {because} would fail")])
    }

    /// The outlook that the node will fail.
    pub fn refused(regional: &Regional, owner: &Owner, name: &str, failure: Failure) -> Self {
        let mut outlook = Self::new(regional, owner, name, Action::Refused);
        outlook.foreseen.failure = Some(failure);
        outlook.pending = true;
        outlook
    }

    /// The same with what it waits for.
    #[must_use]
    pub(super) fn until(mut self, until: Vec<Until>) -> Self {
        self.foreseen.until = until;
        self
    }

    /// The same with notes.
    #[must_use]
    pub(super) fn noting(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.foreseen.notes.extend(notes);
        self
    }
}
