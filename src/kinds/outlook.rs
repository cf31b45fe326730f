//! What a look at one node gives before a run.

use std::collections::{BTreeMap, BTreeSet};

use super::stack::Prepared;
use super::{Done, Owner, Regional};
use crate::preview::{Action, Foreseen, Grounds, Until};

/// What is foreseen for a node, and what those that refer to it may count on.
#[derive(Debug)]
pub struct Outlook {
    /// What would be done.
    pub foreseen: Foreseen,
    /// The outputs that it has and will have, whatever the run does to it.
    pub outputs: BTreeMap<String, String>,
    /// The outputs that are not here and will be ids of what the run makes, so that nothing that stands can have them.
    pub fresh: BTreeSet<String>,
    /// Its ARN or id, if it is there and stays.
    pub id: Option<String>,
    /// A change set that is made and waits to be executed.
    pub prepared: Option<Prepared>,
    /// What that stands on.
    pub grounds: Grounds,
    /// The route tables that lead the destination elsewhere now, and would be led to the target.
    pub led: Vec<String>,
}

impl From<Foreseen> for Outlook {
    /// An outlook on a node that gives nothing as yet.
    fn from(foreseen: Foreseen) -> Self {
        let grounds = Grounds::default();
        Self {
            foreseen,
            outputs: BTreeMap::new(),
            fresh: BTreeSet::new(),
            id: None,
            prepared: None,
            grounds,
            led: Vec::new(),
        }
    }
}

impl Outlook {
    /// An outlook on a node that gives nothing as yet.
    pub(super) fn new(regional: &Regional, owner: &Owner, name: &str, action: Action) -> Self {
        let (account, region) = (regional.account().clone(), regional.region().clone());
        let foreseen = Foreseen::new(owner.node.clone(), account, region, action);
        Foreseen { name: name.to_owned(), ..foreseen }.into()
    }

    /// The outlook on a node that is only read, with what was found.
    pub fn read(regional: &Regional, owner: &Owner, name: &str, found: Option<Done>) -> Self {
        let outlook = Self::new(regional, owner, name, Action::Read);
        match found {
            Some(found) => Self { outputs: found.outputs, id: found.id, ..outlook },
            None => outlook,
        }
    }

    /// Whether outputs that are not here may come with the run.
    pub fn is_pending(&self) -> bool {
        !matches!(self.foreseen.action, Action::Nothing | Action::Read)
    }

    /// Whether the run would make what an output will name; without an output, it itself. A stack that is made may hand on
    /// what has long been there.
    pub fn is_fresh(&self, output: Option<&str>) -> bool {
        self.foreseen.action == Action::Create && output.is_none_or(|output| self.fresh.contains(output))
    }

    /// The same with what it waits for.
    #[must_use]
    pub(super) fn until(mut self, until: Vec<Until>) -> Self {
        self.foreseen.until = until;
        self
    }

    /// The same with what it saw at AWS.
    #[must_use]
    pub(super) fn on(mut self, live: BTreeMap<String, String>) -> Self {
        self.grounds.live = live;
        self
    }

    /// The same with notes.
    #[must_use]
    pub(super) fn noting(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.foreseen.notes.extend(notes);
        self
    }
}
