//! What left the plan.

use crate::aws::{Peering, Stack};
use crate::event::Failure;
use crate::ids::{AccountName, Kind, NodeId, Region};
use crate::inventory::Laid;
use crate::preview::{Action, Foreseen};

/// Something that stands at AWS, is the plan's own, and is none of what the plan's nodes want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The node that it belongs to, by its tags or the inventory.
    pub node: NodeId,
    /// The account that it is in.
    pub account: AccountName,
    /// The region that it is in.
    pub region: Region,
    /// What it is.
    pub thing: Thing,
    /// What there is to say about it.
    pub notes: Vec<String>,
    /// Why it cannot be deleted.
    pub refusal: Option<Failure>,
}

/// What something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A stack.
    Stack(Box<Stack>),
    /// A peering, in the account whose tags it bears.
    Peering(Box<Peering>),
    /// A route in one table.
    Route(Laid),
}

impl Thing {
    /// What it is called: a stack's name, a peering's id, where a route leads.
    pub fn name(&self) -> String {
        match self {
            Self::Stack(stack) => stack.name.clone(),
            Self::Peering(peering) => peering.id.clone(),
            Self::Route(route) => format!("{}: {} → {}", route.table, route.destination, route.target),
        }
    }

    /// Of which kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Stack(_) => Kind::Stack,
            Self::Peering(_) => Kind::Peering,
            Self::Route(_) => Kind::Route,
        }
    }
}

impl Leaving {
    /// What would be done with it.
    pub fn foreseen(&self) -> Foreseen {
        let action = if self.refusal.is_some() { Action::Refused } else { Action::Delete };
        Foreseen {
            name: self.thing.name(),
            notes: self.notes.clone(),
            failure: self.refusal.clone(),
            ..Foreseen::new(self.node.clone(), self.account.clone(), self.region.clone(), action)
        }
    }
}
